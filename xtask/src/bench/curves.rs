//! `cargo xtask bench curves`: whole trainings that differ in one setting, natively, from the same seeds.

use super::arguments::{count, threads, threads_argument};
use super::native;
use crate::process;
use anyhow::{Context, Result, ensure};
use clap::{Arg, ArgAction, ArgMatches, Command};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command as Process;

pub fn command() -> Command {
    let text = |name: &'static str, value: &'static str| Arg::new(name).long(name).value_name(value);
    Command::new("curves")
        .about("Train with each value of a setting from the same seeds, natively; a line of JSON an epoch")
        .arg(
            text("vary", "KEY=A,B")
                .default_value("winograd=1,0")
                .help("A setting by its key in the address, and the values that runs differ in"),
        )
        .arg(
            Arg::new("set")
                .long("set")
                .value_name("KEY=VALUE")
                .action(ArgAction::Append)
                .help("A setting of all runs, by its key in the address; may be given again"),
        )
        .arg(
            text("data", "PATH")
                .help("A CIFAR archive or a folder of batches [default: the built-in images]"),
        )
        .arg(text("model", "M").default_value("simple_resnet4bit").help("A model's name"))
        .arg(count("epochs", "N").default_value("5").help("Epochs of each run"))
        .arg(count("seeds", "N").default_value("3").help("Seeds from 1 on"))
        .arg(threads_argument())
}

pub fn run(arguments: &ArgMatches) -> Result<()> {
    let text = |name: &str| arguments.get_one::<String>(name).expect("it has a default");
    let number = |name: &str| *arguments.get_one::<u32>(name).expect("it has a default");
    let data = arguments.get_one::<String>("data").map(|path| files(Path::new(path))).transpose()?;
    let pair = |text: &str| -> Result<(String, String)> {
        let (key, value) = text.split_once('=').context("expected a key, = and a value")?;
        Ok((key.to_string(), value.to_string()))
    };
    let (varied, values) = pair(text("vary"))?;
    let mut common: Vec<(String, String)> =
        vec![("model".into(), text("model").clone()), ("epochs".into(), number("epochs").to_string())];
    for set in arguments.get_many::<String>("set").into_iter().flatten() {
        common.push(pair(set)?);
    }
    let program = native::build()?;
    for seed in 1..=number("seeds") {
        for value in values.split(',') {
            let own = [("seed".into(), seed.to_string()), (varied.clone(), value.into())];
            let settings: Vec<String> =
                common.iter().chain(&own).map(|(key, value)| format!("[{key:?}, {value:?}]")).collect();
            let request = format!(
                r#"{{"subject": "curve", "threads": {}, "files": {}, "settings": [{}], "varied": {varied:?}}}"#,
                threads(arguments, true)?,
                data.as_ref().map_or("[]".into(), |files| format!("{files:?}")),
                settings.join(", "),
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
