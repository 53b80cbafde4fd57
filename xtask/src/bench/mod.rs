//! `cargo xtask bench`: how fast the engine is. Each subject is one file here and one line of [`SUBJECTS`].
//!
//! The commands find or build what is measured; scripts of tests/bench drive it and print the results. What runs in
//! headless Chromium is served by the same server that `serve` runs; what runs natively is the bench target
//! tests/bench/native.rs. docs/BENCHMARKS.md says what the figures mean.

mod against;
mod arguments;
mod curves;
mod epochs;
mod frames;
mod kernels;
mod memory;
mod native;
mod peers;
mod pictures;
mod schemes;
mod script;
mod step;

use anyhow::Result;
use clap::{ArgMatches, Command};

/// What can be measured.
struct Subject {
    command: fn() -> Command,
    run: fn(&ArgMatches) -> Result<()>,
}

const SUBJECTS: &[Subject] = &[
    Subject { command: step::command, run: step::run },
    Subject { command: kernels::command, run: kernels::run },
    Subject { command: memory::command, run: memory::run },
    Subject { command: peers::command, run: peers::run },
    Subject { command: epochs::command, run: epochs::run },
    Subject { command: frames::command, run: frames::run },
    Subject { command: curves::command, run: curves::run },
    Subject { command: schemes::command, run: schemes::run },
    Subject { command: pictures::command, run: pictures::run },
];

pub fn command() -> Command {
    Command::new("bench")
        .about("Measure the engine")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommands(SUBJECTS.iter().map(|subject| (subject.command)()))
}

pub fn run(arguments: &ArgMatches) -> Result<()> {
    let (name, arguments) = arguments.subcommand().expect("clap requires a subject");
    let subject =
        SUBJECTS.iter().find(|subject| (subject.command)().get_name() == name).expect("clap knows them");
    (subject.run)(arguments)
}
