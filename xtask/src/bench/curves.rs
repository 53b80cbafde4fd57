//! `cargo xtask bench curves`: training with and without Winograd's algorithm, natively, from the same seeds.

use super::arguments::{count, threads, threads_argument};
use super::native;
use crate::process;
use anyhow::{Context, Result, ensure};
use clap::{Arg, ArgMatches, Command};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command as Process;

pub fn command() -> Command {
    let text = |name: &'static str, value: &'static str| Arg::new(name).long(name).value_name(value);
    Command::new("curves")
        .about("Train with and without Winograd convolutions from the same seeds, natively; a line of JSON an epoch")
        .arg(text("data", "PATH").help("A CIFAR archive or a folder of batches [default: the built-in images]"))
        .arg(text("model", "M").default_value("simple_resnet4bit").help("A model's name"))
        .arg(text("lr", "RATE").default_value("0.004").help("Initial learning rate"))
        .arg(count("epochs", "N").default_value("5").help("Epochs of each run"))
        .arg(count("seeds", "N").default_value("3").help("Seeds from 1 on"))
        .arg(threads_argument())
}

pub fn run(arguments: &ArgMatches) -> Result<()> {
    let text = |name: &str| arguments.get_one::<String>(name).expect("it has a default");
    let number = |name: &str| *arguments.get_one::<u32>(name).expect("it has a default");
    let data = arguments.get_one::<String>("data").map(|path| files(Path::new(path))).transpose()?;
    let lr: f64 = text("lr").parse().context("--lr: expected a number")?;
    let program = native::build()?;
    for seed in 1..=number("seeds") {
        for winograd in [true, false] {
            let request = format!(
                r#"{{"subject": "curve", "threads": {}, "files": {}, "config": {{"model": {:?}, "lr": {lr},
                "epochs": {}, "seed": {seed}, "winograd": {winograd}}}}}"#,
                threads(arguments, true)?,
                data.as_ref().map_or("[]".into(), |files| format!("{files:?}")),
                text("model"),
                number("epochs"),
            );
            process::run(Process::new(&program).arg(request))?;
        }
    }
    Ok(())
}

/// The archive, or the files of the folder.
fn files(path: &Path) -> Result<Vec<PathBuf>> {
    if !path.is_dir() {
        ensure!(path.is_file(), "cannot read {}", path.display());
        return Ok(vec![path.into()]);
    }
    let mut files: Vec<PathBuf> =
        fs::read_dir(path)?.flatten().map(|entry| entry.path()).filter(|path| path.is_file()).collect();
    files.sort();
    Ok(files)
}
