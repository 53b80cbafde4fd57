//! `cargo xtask schemes`: every scheme of the registries, with what it costs and how it trains.

use crate::{process, project};
use anyhow::Result;
use clap::{ArgMatches, Command};
use std::process::Command as Process;

pub fn command() -> Command {
    Command::new("schemes")
        .about("Print every scheme for weights, activations and gradients: format, bits a weight, source, check, loss of an epoch")
}

pub fn run(_arguments: &ArgMatches) -> Result<()> {
    process::run(
        Process::new("cargo")
            .args(["run", "--quiet", "--release", "--package", "nibble", "--example", "schemes"])
            .current_dir(project::root())
            .env("CARGO_TARGET_DIR", project::target()),
    )
}
