//! `cargo xtask bench memory`: the most wasm memory that training takes.

use super::arguments::{build_argument, count, json_argument, threads_argument, values};
use super::script::{run_subject, visited};
use anyhow::Result;
use clap::{Arg, ArgMatches, Command};

pub fn command() -> Command {
    let text = |name: &'static str, value: &'static str| Arg::new(name).long(name).value_name(value);
    Command::new("memory")
        .about("Peak wasm memory with a whole data set loaded, and whether it grows over epochs, in headless Chromium")
        .arg(text("model", "M").default_value("vgg4bit").help("A model's name"))
        .arg(text("quantizer", "Q").default_value("symmetric").help("Or none"))
        .arg(count("batch", "B").default_value("128").help("Images a step"))
        .arg(count("train", "N").default_value("50000").help("Training images loaded"))
        .arg(count("test", "N").default_value("10000").help("Test images loaded"))
        .arg(count("steps", "N").default_value("5").help("Steps on them"))
        .arg(count("epochs", "N").default_value("5").help("Small epochs after them"))
        .arg(threads_argument())
        .arg(build_argument())
        .arg(json_argument())
}

pub fn run(arguments: &ArgMatches) -> Result<()> {
    let names = ["model", "quantizer", "batch", "train", "test", "steps", "epochs"];
    run_subject("memory", arguments, values(arguments, &names), visited)
}
