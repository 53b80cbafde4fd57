//! `cargo xtask audit`: whether something is known against a dependency, of Rust or of npm. It asks the network, and its answer
//! changes without a change here, so it is no part of `cargo xtask test`.

use crate::{project, tools};
use anyhow::{Result, bail};
use clap::{ArgMatches, Command};
use std::process::Command as Process;

pub fn command() -> Command {
    Command::new("audit")
        .about("Ask the advisory databases of Rust and npm about the dependencies (needs the network)")
}

pub fn run(_: &ArgMatches) -> Result<()> {
    let deny = tools::cargo_deny()?;
    tools::node()?;
    let advisories = |manifest: &str| {
        let mut command = Process::new(&deny);
        command.args(["--manifest-path", manifest, "--config"]).arg(project::path("deny.toml"));
        command.args(["check", "advisories"]);
        command
    };
    let mut npm = Process::new("npm");
    npm.arg("audit");
    let checks = [
        ("rust", advisories("Cargo.toml")),
        ("rust fuzz", advisories("tests/fuzz/Cargo.toml")),
        ("npm", npm),
    ];
    let mut bad = Vec::new();
    for (name, mut command) in checks {
        println!("== {name}");
        // What it says tells a finding from a network that is not there.
        if !command.current_dir(project::root()).status()?.success() {
            bad.push(name);
        }
    }
    if bad.is_empty() {
        Ok(())
    } else {
        bail!("something is known, or nobody could be asked: {}", bad.join(", "))
    }
}
