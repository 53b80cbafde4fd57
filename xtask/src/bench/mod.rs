//! `cargo xtask bench`: how fast the engine is. Each subject is one file here and one line of [`SUBJECTS`].
//!
//! What runs in the browser is tests/e2e/bench.mjs, which opens tests/e2e/bench.html from the same server that
//! `serve` runs, in headless Chromium.

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

const SUBJECTS: &[Subject] = &[Subject { command: step::command, run: step::run }];

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

/// Runs tests/e2e/bench.mjs with these options (`--name value`); it prints the results.
fn in_browser(options: &[(&str, String)]) -> Result<()> {
    if !project::path("pkg").is_dir() {
        bail!("pkg/ is missing: run `cargo xtask build`");
    }
    tools::node_modules()?;
    let browser = tools::browser()?;
    let server = Server::start(Site::project(true).with("/bench/", "tests/e2e"), 0)?;
    let mut node = Process::new("node");
    node.current_dir(project::root())
        .arg("tests/e2e/bench.mjs")
        .env("NIBBLE_URL", server.url())
        .env("CHROMIUM", &browser.chromium);
    for (name, value) in options {
        node.arg(format!("--{name}={value}"));
    }
    process::run(&mut node)
}
