//! `cargo xtask sanitize`: the native tests under what finds wrong memory accesses: AddressSanitizer over all of them, and
//! Miri over the small ones of the kernels.
//!
//! Neither is part of `cargo xtask test`: together they take longer than all the rest. AddressSanitizer asks for Linux on
//! x86-64, Miri for a nightly tool chain that rustup can give the component; where one cannot run it says so, and the
//! other still does.

use crate::process::{quiet, run as run_command};
use crate::project;
use anyhow::{Context, Result, bail};
use clap::{Arg, ArgMatches, Command};
use std::process::Command as Process;

/// The one target here that AddressSanitizer is there for.
const HOST: &str = "x86_64-unknown-linux-gnu";

/// The tests that Miri runs: it takes a thousand times as long as the processor, and knows no AVX-512.
const SMALL: &[&str] = &["kernels::"];

type Check = fn() -> Result<Outcome>;

/// What can be run, by name.
const CHECKS: [(&str, Check); 2] = [("address", address), ("miri", miri)];

enum Outcome {
    Passed,
    /// And why.
    NotRun(String),
}

pub fn command() -> Command {
    Command::new("sanitize")
        .about("Run the native tests under AddressSanitizer, and the kernels' small ones under Miri")
        .arg(
            Arg::new("check")
                .value_name("CHECK")
                .value_parser(CHECKS.map(|(name, _)| name))
                .help("This one only"),
        )
}

pub fn run(arguments: &ArgMatches) -> Result<()> {
    let wanted = arguments.get_one::<String>("check");
    let mut failed = Vec::new();
    let mut lines = Vec::new();
    for (name, check) in CHECKS.iter().filter(|(name, _)| wanted.is_none_or(|wanted| wanted == name)) {
        println!("== {name}");
        let line = match check() {
            Ok(Outcome::Passed) => "passed".into(),
            Ok(Outcome::NotRun(why)) => format!("not run: {why}"),
            Err(error) => {
                failed.push(*name);
                format!("failed: {error:#}")
            }
        };
        lines.push(format!("{name:<10}{line}"));
    }
    println!("\n{}", lines.join("\n"));
    if failed.is_empty() { Ok(()) } else { bail!("{}", failed.join(", ")) }
}

/// The whole native suite but doctests. Naming a target keeps the flags away from build scripts and macros.
fn address() -> Result<Outcome> {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        return Ok(Outcome::NotRun(format!("it is there for {HOST}")));
    }
    run_command(
        Process::new("cargo")
            .current_dir(project::root())
            .args(["test", "--package", "nibble", "--lib", "--tests", "--target", HOST, "--no-fail-fast"])
            .env("RUSTC_BOOTSTRAP", "1")
            .env("CARGO_ENCODED_RUSTFLAGS", "-Zsanitizer=address\x1f-Cforce-frame-pointers=yes")
            .env_remove("RUSTFLAGS")
            .env("CARGO_TARGET_DIR", project::target().join("sanitize"))
            // Rayon's threads outlive the tests, with what they hold.
            .env("ASAN_OPTIONS", "detect_leaks=0"),
    )?;
    Ok(Outcome::Passed)
}

/// The unit tests of the kernels, in the interpreter.
fn miri() -> Result<Outcome> {
    let nightly = |arguments: &[&str]| {
        let mut cargo = Process::new("cargo");
        // Set by rustup for the commands of this one's tool chain.
        for variable in ["RUSTUP_TOOLCHAIN", "RUSTC", "RUSTDOC", "CARGO"] {
            cargo.env_remove(variable);
        }
        cargo.current_dir(project::root()).arg("+nightly").args(arguments);
        cargo
    };
    if quiet(nightly(&["miri", "--version"]).stdin(std::process::Stdio::null())).is_err() {
        let mut rustup = Process::new("rustup");
        rustup.env("RUSTUP_MAX_RETRIES", "1");
        let added = quiet(rustup.args(["component", "add", "--toolchain", "nightly", "miri", "rust-src"]));
        if let Err(error) = added.context("no nightly tool chain with Miri") {
            return Ok(Outcome::NotRun(format!("{error:#}").lines().collect::<Vec<_>>().join(" ")));
        }
    }
    run_command(
        nightly(&["miri", "test", "--package", "nibble", "--lib", "--"])
            .args(SMALL)
            .env("CARGO_TARGET_DIR", project::target().join("miri"))
            // The pool's epochs keep pointers as integers.
            .env("MIRIFLAGS", "-Zmiri-disable-isolation -Zmiri-permissive-provenance -Zmiri-ignore-leaks"),
    )?;
    Ok(Outcome::Passed)
}
