//! `cargo xtask bench step`: one whole training step, from the choice of the images to the clipped weights.

use super::against;
use super::arguments::{
    build_argument, count, json_argument, native_argument, pairs_argument, pool, threads_argument, values,
};
use super::script::{run_subject, visited};
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
        .arg(text("against", "PATH").conflicts_with("steps").help(
            "Train in turn with another checkout of Nibble; both models, natively and in Chromium, unless one is named",
        ))
        .arg(pairs_argument().requires("against"))
        .arg(json_argument())
}

pub fn run(arguments: &ArgMatches) -> Result<()> {
    if let Some(other) = arguments.get_one::<String>("against") {
        let mut options = values(arguments, &["quantizer", "batch", "rounds"]);
        options.push(("threads", pool(arguments)?.to_string()));
        if arguments.get_flag("json") {
            options.push(("json", "true".into()));
        }
        return against::run(arguments, other, options);
    }
    let options = values(arguments, &["model", "quantizer", "batch", "steps"]);
    run_subject("step", arguments, options, visited)
}
