//! `cargo xtask test runtimes`: exports read by the programs that they are for. Python's packages are installed once, below
//! target/.

use super::needs::Tools;
use super::report::Report;
use super::{cargo, linted, rust_tests};
use crate::process::quiet;
use crate::project;
use anyhow::{Context, Result};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// The packages, with their versions.
const REQUIREMENTS: &str = "tests/runtimes/requirements.txt";

pub fn run(_: &Tools, report: &mut Report) -> Result<()> {
    let python = python()?;
    report.part("runtimes", || {
        let mut tests = cargo(&["test", "--package", "nibble", "--features", "cli", "--test", "runtimes"]);
        tests.env("NIBBLE_PYTHON", &python);
        rust_tests(linted(&mut tests)?)
    });
    Ok(())
}

/// A Python that has them.
fn python() -> Result<PathBuf> {
    let folder = project::target().join("runtimes/python");
    let python = folder.join("bin/python");
    let installed = folder.join("requirements.txt");
    let wanted = fs::read(project::path(REQUIREMENTS))?;
    if fs::read(&installed).is_ok_and(|installed| installed == wanted) && python.is_file() {
        eprintln!("Python's packages: found ({})", folder.display());
        return Ok(python);
    }
    eprintln!("Python's packages: installing those of {REQUIREMENTS} with pip (a minute or two)");
    // Another version of Python may have made what is there.
    let _ = fs::remove_dir_all(&folder);
    quiet(Command::new("python3").args(["-m", "venv"]).arg(&folder))
        .context("Python 3 with its module venv is missing")?;
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"];
    quiet(Command::new(&python).args(pip).arg(project::path(REQUIREMENTS)))?;
    fs::write(installed, wanted)?;
    Ok(python)
}
