//! `cargo xtask bench step`: one whole training step, from the choice of the images to the clipped weights.

use super::{build_argument, count, json_argument, native_argument, threads_argument};
use anyhow::Result;
use clap::{Arg, ArgMatches, Command};

pub fn command() -> Command {
    let text = |name: &'static str, value: &'static str| Arg::new(name).long(name).value_name(value);
    Command::new("step")
        .about("Time whole training steps on built-in images, in headless Chromium or natively")
        .arg(text("model", "M").default_value("vgg4bit").help("A model's name"))
        .arg(text("quantizer", "Q").default_value("symmetric").help("Or none"))
        .arg(count("batch", "B").default_value("128").help("Images a step"))
        .arg(threads_argument())
        .arg(build_argument())
        .arg(native_argument())
        .arg(count("steps", "N").default_value("12").help("Steps measured, after three to warm up"))
        .arg(json_argument())
}

pub fn run(arguments: &ArgMatches) -> Result<()> {
    let options = super::values(arguments, &["model", "quantizer", "batch", "steps"]);
    super::run_subject("step", arguments, options)
}
