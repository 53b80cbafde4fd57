//! `cargo xtask bench`: how fast the engine is. Each subject is one file here and one line of [`SUBJECTS`].
//!
//! What drives headless Chromium is a script of tests/e2e, against the same server that `serve` runs.

mod epochs;
mod step;

use crate::serve::{Server, Site};
use crate::{process, project, tools};
use anyhow::{Result, bail};
use clap::{ArgMatches, Command};
use std::process::Command as Process;

/// What can be measured.
struct Subject {
    command: fn() -> Command,
    run: fn(&ArgMatches) -> Result<()>,
}

const SUBJECTS: &[Subject] = &[
    Subject { command: step::command, run: step::run },
    Subject { command: epochs::command, run: epochs::run },
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

/// Runs a script of tests/e2e with these options (`--name=value`); it prints the results.
fn in_browser(script: &str, options: &[(&str, String)]) -> Result<()> {
    if !project::path("pkg").is_dir() {
        bail!("pkg/ is missing: run `cargo xtask build`");
    }
    tools::node_modules()?;
    let browser = tools::browser()?;
    let server = Server::start(Site::project(true).with("/bench/", "tests/e2e"), 0)?;
    let mut node = Process::new("node");
    node.current_dir(project::root())
        .arg(format!("tests/e2e/{script}"))
        .env("NIBBLE_URL", server.url())
        .env("CHROMIUM", &browser.chromium);
    for (name, value) in options {
        node.arg(format!("--{name}={value}"));
    }
    process::run(&mut node)
}
