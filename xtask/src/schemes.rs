//! `cargo xtask schemes`: every scheme of the registries, with what it costs and how it trains. `cargo xtask bench schemes`
//! times them.

use crate::{process, project};
use anyhow::Result;
use clap::{ArgMatches, Command};
use std::process::Command as Process;

pub fn command() -> Command {
    Command::new("schemes").about(
        "Print every scheme for weights, activations and gradients: format, bits a weight, source, check, loss of an epoch",
    )
}

pub fn run(_: &ArgMatches) -> Result<()> {
    let mut cargo = Process::new("cargo");
    cargo.args(["run", "--quiet", "--release", "--package", "nibble", "--example", "schemes"]);
    process::run(cargo.current_dir(project::root()).env("CARGO_TARGET_DIR", project::target()))
}
