//! `cargo xtask sanitize`: the native tests under what finds wrong memory accesses: AddressSanitizer over all of them, and
//! Miri over the small ones of the kernels.
//!
//! Neither is part of `cargo xtask test`: together they take longer than all the rest. AddressSanitizer asks for Linux on
//! x86-64, Miri for a nightly tool chain that rustup can give the component; where one cannot run it says so, and the
//! other still does.

use crate::process::{line, quiet, tee};
use crate::project;
use crate::test::report::count_rust;
use anyhow::{Context, Result, bail};
use clap::{Arg, ArgMatches, Command};
use std::process::Command as Process;
use std::time::Duration;

/// The one target here that AddressSanitizer is there for.
const HOST: &str = "x86_64-unknown-linux-gnu";

/// Tests of tests/kernels.rs for Miri, which takes a thousand times as long as the processor and knows the portable
/// instruction set alone: small ones, that between them reach the pool, packed weights and the micro-kernels.
const SMALL: [&str; 3] = ["pointwise_and_pool", "packed", "linear"];

/// Longest time of either.
const LIMIT: Duration = Duration::from_secs(2 * 60 * 60);

type Check = fn() -> Result<Outcome>;

/// What can be run, by name.
const CHECKS: [(&str, Check); 2] = [("address", address), ("miri", miri)];

enum Outcome {
    /// So many tests.
    Passed(usize),
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
            Ok(Outcome::Passed(count)) => format!("{count} passed"),
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
    tests(
        Process::new("cargo")
            .current_dir(project::root())
            .args(["test", "--package", "nibble", "--lib", "--tests", "--target", HOST, "--no-fail-fast"])
            .env("RUSTC_BOOTSTRAP", "1")
            .env("CARGO_ENCODED_RUSTFLAGS", "-Zsanitizer=address\x1f-Cforce-frame-pointers=yes")
            .env_remove("RUSTFLAGS")
            .env("CARGO_TARGET_DIR", project::target().join("sanitize"))
            // Rayon's threads outlive the tests, with what they hold; and tests ask for more memory than there is.
            .env("ASAN_OPTIONS", "detect_leaks=0:allocator_may_return_null=1"),
    )
}

/// Runs them; fails when one does, and when there were none.
fn tests(command: &mut Process) -> Result<Outcome> {
    let outcome = tee(command, LIMIT)?;
    let count = count_rust(&outcome.stdout);
    if !outcome.success() || count.passed == 0 {
        bail!("`{}`: {} tests passed, {} failed", line(command), count.passed, count.failed);
    }
    Ok(Outcome::Passed(count.passed))
}

/// The kernels in the interpreter.
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
    if quiet(&mut nightly(&["miri", "--version"])).is_err() {
        let mut rustup = Process::new("rustup");
        rustup.env("RUSTUP_MAX_RETRIES", "1");
        let added = quiet(rustup.args(["component", "add", "--toolchain", "nightly", "miri", "rust-src"]));
        if let Err(error) = added.context("no nightly tool chain with Miri") {
            return Ok(Outcome::NotRun(format!("{error:#}").lines().collect::<Vec<_>>().join(" ")));
        }
    }
    tests(
        nightly(&["miri", "test", "--package", "nibble", "--test", "kernels", "--"])
            .args(SMALL)
            .env("CARGO_TARGET_DIR", project::target().join("miri"))
            // Crossbeam's queues keep pointers as integers, which stacked borrows refuse; the pool outlives the tests.
            .env("MIRIFLAGS", "-Zmiri-disable-isolation -Zmiri-tree-borrows -Zmiri-ignore-leaks"),
    )
}
