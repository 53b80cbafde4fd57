//! `cargo xtask schemes`: every scheme of the registries, with what it costs and how it trains.

use crate::{process, project};
use anyhow::Result;
use clap::{Arg, ArgMatches, Command};
use std::process::Command as Process;

pub fn command() -> Command {
    Command::new("schemes")
        .about("Print every scheme for weights, activations and gradients: format, bits a weight, source, check, loss of an epoch")
        .arg(
            Arg::new("time")
                .long("time")
                .value_name("KIND")
                .num_args(0..=1)
                .default_missing_value("all")
                .value_parser(["all", "weights", "activations", "gradients"])
                .help("What a training step of VGG4bit takes with each, by one with the default alone"),
        )
}

pub fn run(arguments: &ArgMatches) -> Result<()> {
    let mut cargo = Process::new("cargo");
    cargo.args(["run", "--quiet", "--release", "--package", "nibble", "--example", "schemes", "--"]);
    if let Some(kind) = arguments.get_one::<String>("time") {
        cargo.args(["--time", kind]);
    }
    process::run(cargo.current_dir(project::root()).env("CARGO_TARGET_DIR", project::target()))
}
