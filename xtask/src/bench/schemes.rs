//! `cargo xtask bench schemes`: what a training step takes with each scheme.

use super::arguments::{
    build_argument, count, json_argument, native_argument, pairs_argument, threads_argument, values,
};
use super::script::{measure, visited};
use anyhow::Result;
use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgAction, ArgMatches, Command};

const KINDS: [&str; 4] = ["weights", "activations", "gradients", "compute"];

pub fn command() -> Command {
    Command::new("schemes")
        .about("Train with each scheme, or in integers, in turn with 4-bit symmetric weights alone, in headless Chromium or natively")
        .arg(
            Arg::new("filter")
                .value_name("FILTER")
                .default_value("")
                .help("Only those whose name contains this: \"shift\""),
        )
        .arg(
            Arg::new("kind")
                .long("kind")
                .value_name("K")
                .value_delimiter(',')
                .action(ArgAction::Append)
                .value_parser(PossibleValuesParser::new(KINDS))
                .help("Schemes for these [default: all]"),
        )
        .arg(Arg::new("model").long("model").value_name("M").default_value("vgg4bit").help("A model's name"))
        .arg(count("batch", "B").default_value("128").help("Images a step"))
        .arg(pairs_argument())
        .arg(threads_argument())
        .arg(build_argument())
        .arg(native_argument())
        .arg(json_argument())
}

pub fn run(arguments: &ArgMatches) -> Result<()> {
    let mut options = values(arguments, &["filter", "model", "batch", "rounds"]);
    let kinds: Vec<&str> = match arguments.get_many::<String>("kind") {
        Some(kinds) => kinds.map(String::as_str).collect(),
        None => KINDS.to_vec(),
    };
    options.push(("kind", kinds.join(",")));
    measure("schemes.mjs", arguments, options, visited)
}
