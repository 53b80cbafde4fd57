//! `cargo xtask results`: what trainings reached, from their logs (docs/results), and those trainings again.

use std::process::Command as Process;

use anyhow::Result;
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};

use crate::{process, project};

pub fn command() -> Command {
    Command::new("results")
        .about("Print what trainings reached, from their logs, which are held against their hashes")
        .arg(
            Arg::new("rerun")
                .long("rerun")
                .value_name("ROW")
                .requires("data")
                .help("Make the runs of a row of docs/results/results.toml that have no log; again to go on"),
        )
        .arg(
            Arg::new("data")
                .long("data")
                .value_name("PATH")
                .requires("rerun")
                .help("Its images: a CIFAR archive or a folder of batches"),
        )
        .arg(
            Arg::new("at-once")
                .long("at-once")
                .value_name("RUNS")
                .requires("rerun")
                .default_value("1")
                .value_parser(value_parser!(u8).range(1..))
                .help("Runs side by side, which share the cores: two with a core each are done sooner than one after the other"),
        )
        .arg(
            Arg::new("write")
                .long("write")
                .action(ArgAction::SetTrue)
                .conflicts_with("rerun")
                .help("Write hashes, docs/RESULTS.md and the table of README.md anew"),
        )
}

pub fn run(arguments: &ArgMatches) -> Result<()> {
    let mut cargo = Process::new("cargo");
    cargo.args([
        "run",
        "--quiet",
        "--release",
        "--package",
        "nibble",
        "--features",
        "cli",
        "--example",
        "results",
        "--",
    ]);
    if let Some(row) = arguments.get_one::<String>("rerun") {
        let data = arguments.get_one::<String>("data").expect("clap asks for it");
        let at_once = arguments.get_one::<u8>("at-once").expect("it has a default");
        // The command runs in the project's root.
        cargo.args(["--rerun", row]).arg("--data").arg(std::path::absolute(data)?);
        cargo.args(["--at-once", &at_once.to_string()]);
    }
    if arguments.get_flag("write") {
        cargo.arg("--write");
    }
    process::run(cargo.current_dir(project::root()).env("CARGO_TARGET_DIR", project::target()))
}
