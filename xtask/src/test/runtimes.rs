//! `cargo xtask test runtimes`: exports read by the programs that they are for. What these are is pinned in tests/runtimes;
//! they are installed once, below target/.

use super::needs::Tools;
use super::report::{Report, count_tap};
use super::{cargo, linted, rust_tests};
use crate::process::{find, quiet, tee};
use crate::project;
use crate::serve::{Server, Site};
use crate::tools::apt_install;
use anyhow::{Context, Result, anyhow};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use std::{env, fs};

/// Longest time of the tests in Node.js.
const LIMIT: Duration = Duration::from_secs(20 * 60);
/// Packages of Python, with their versions.
const REQUIREMENTS: &str = "tests/runtimes/requirements.txt";
/// Those of Node.js.
const PACKAGES: &str = "tests/runtimes/npm";

pub fn run(tools: &Tools, report: &mut Report) -> Result<()> {
    let (python, peers) = (python()?, peers()?);
    let firefox = tools.page.get()?.as_ref().map_err(|reason| anyhow!("Firefox is missing: {reason}"))?;
    let chromium = tools.shell.get()?.as_ref().map_or_else(
        || tools.browser.get().map(|browser| browser.chromium.as_path()),
        |shell| Ok(shell.as_path()),
    )?;
    let data = env::var_os("NIBBLE_DATA").map_or_else(|| project::path("data/cifar10"), PathBuf::from);
    report.part("runtimes", || {
        let mut tests = cargo(&["test", "--package", "nibble", "--features", "cli", "--test", "runtimes"]);
        tests.env("NIBBLE_PYTHON", &python);
        if data.is_dir() {
            tests.args(["--", "--include-ignored"]).env("NIBBLE_DATA", &data);
        }
        rust_tests(linted(tools, &mut tests)?)
    });
    if !data.is_dir() {
        report.note("Without the real CIFAR-10 in data/ (`cargo xtask data`) or in NIBBLE_DATA");
    }
    let [isolated, plain] = [true, false].map(|isolated| Server::start(Site::project(isolated), 0));
    let (isolated, plain) = (isolated?, plain?);
    // They read what the tests above have written.
    report.part("runtimes in browsers", || {
        let mut node = Command::new("node");
        node.current_dir(project::root())
            .args(["--test", "--test-reporter=tap"])
            .args(["browsers", "netron", "tab"].map(|name| format!("tests/runtimes/{name}.test.mjs")))
            .env("NIBBLE_CASES", project::target().join("tmp/runtimes/cases"))
            .env("NIBBLE_PYTHON", &python)
            .env("NIBBLE_PEERS", &peers)
            .env("NIBBLE_URL", isolated.url())
            .env("NIBBLE_URL_PLAIN", plain.url())
            .env("CHROMIUM", chromium)
            .env("FIREFOX", firefox);
        let outcome = tee(&mut node, LIMIT)?;
        let count = count_tap(&outcome.stdout).context("node's tests gave no totals")?;
        Ok((count, outcome.success()))
    });
    Ok(())
}

/// A Python that has its packages.
fn python() -> Result<PathBuf> {
    let folder = project::target().join("runtimes/python");
    let python = folder.join("bin/python");
    once(&folder, REQUIREMENTS, "requirements.txt", || {
        // Debian has the modules that make environments in a package of their own.
        let complete = || quiet(Command::new("python3").args(["-c", "import ensurepip, venv"])).is_ok();
        if find("python3").is_none() || !complete() {
            apt_install(&["python3", "python3-venv"])?;
        }
        quiet(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
        let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"];
        quiet(Command::new(&python).args(pip).arg(project::path(REQUIREMENTS)))?;
        Ok(())
    })?;
    Ok(python)
}

/// A folder with those of Node.js.
fn peers() -> Result<PathBuf> {
    let folder = project::target().join("runtimes/npm");
    once(&folder, &format!("{PACKAGES}/package-lock.json"), "installed.json", || {
        fs::create_dir_all(&folder)?;
        for file in ["package.json", "package-lock.json"] {
            fs::copy(project::path(PACKAGES).join(file), folder.join(file))?;
        }
        let npm = ["ci", "--ignore-scripts", "--no-audit", "--no-fund"];
        quiet(Command::new("npm").args(npm).current_dir(&folder))?;
        Ok(())
    })?;
    Ok(folder)
}

/// Installs into a folder what a list says, unless it has done so by the same list.
fn once(folder: &Path, list: &str, copy: &str, install: impl FnOnce() -> Result<()>) -> Result<()> {
    let wanted = fs::read(project::path(list))?;
    let installed = folder.join(copy);
    if fs::read(&installed).is_ok_and(|installed| installed == wanted) {
        eprintln!("packages of {list}: found ({})", folder.display());
        return Ok(());
    }
    eprintln!("packages of {list}: installing (some minutes; those of Python take several GB)");
    let _ = fs::remove_dir_all(folder);
    install()?;
    fs::write(installed, wanted).with_context(|| format!("cannot write {}", folder.display()))
}
