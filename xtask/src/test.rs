//! `cargo xtask test`: every check of the project, from a fresh machine. Each suite is one line of [`SUITES`].
//!
//! A suite that ran nothing has failed: a test that is skipped in silence protects nobody. The tests that need
//! the real CIFAR are marked `#[ignore = "needs data/…"]`; they run when data/ is there and are counted as not
//! run when it is not.

use crate::process::{line, quiet, tee};
use crate::serve::{Server, Site};
use crate::toolchain::{self, Toolchain};
use crate::wasm::{BUILDS, Build};
use crate::{build, project, tools, wasm};
use anyhow::{Context, Result, bail};
use clap::{Arg, ArgAction, ArgMatches, Command};
use std::cell::OnceCell;
use std::fs;
use std::ops::AddAssign;
use std::process::Command as Process;
use std::time::{Duration, Instant};

/// Longest time that one command of a suite may take before it counts as hanging.
const LIMIT: Duration = Duration::from_secs(20 * 60);
/// Longest time of one run of the browser's tests, which the runner enforces itself.
const BROWSER_LIMIT: Duration = Duration::from_secs(5 * 60);

/// A suite's name, what it does, and the function that does it.
struct Suite {
    name: &'static str,
    about: &'static str,
    run: fn(&Tools, &mut Report) -> Result<()>,
}

/// The cheapest first.
const SUITES: &[Suite] = &[
    Suite { name: "fmt", about: "rustfmt on every package", run: fmt },
    Suite { name: "pkg", about: "pkg/ is built from the present sources and small enough", run: pkg },
    Suite { name: "clippy", about: "no warnings, natively and for wasm", run: clippy },
    Suite { name: "native", about: "cargo test", run: native },
    Suite {
        name: "wasm",
        about: "tests/web.rs in headless Chromium: each build where it is used",
        run: in_browser,
    },
    Suite { name: "page", about: "tests/e2e: the page in headless Chromium and Firefox", run: page },
];

pub fn command() -> Command {
    let list = SUITES.iter().map(|suite| format!("  {:<8}{}\n", suite.name, suite.about)).collect::<String>();
    Command::new("test")
        .about("Run every check, installing what is missing")
        .after_help(format!("Suites:\n{list}"))
        .arg(
            Arg::new("suites")
                .value_name("SUITE")
                .action(ArgAction::Append)
                .value_parser(clap::builder::PossibleValuesParser::new(SUITES.iter().map(|suite| suite.name)))
                .hide_possible_values(true)
                .help("Run these suites only"),
        )
}

pub fn run(arguments: &ArgMatches) -> Result<()> {
    let wanted: Vec<&String> = arguments.get_many("suites").map_or_else(Vec::new, Iterator::collect);
    let tools = Tools::default();
    let mut report = Report::default();
    for suite in
        SUITES.iter().filter(|suite| wanted.is_empty() || wanted.iter().any(|name| *name == suite.name))
    {
        println!("== {}: {}", suite.name, suite.about);
        report.suite(suite.name, |report| (suite.run)(&tools, report));
    }
    report.print();
    if report.total().failed > 0 {
        bail!("not everything passed");
    }
    Ok(())
}

/// How many checks of a suite ended how.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Count {
    passed: usize,
    failed: usize,
    not_run: usize,
}

impl AddAssign for Count {
    fn add_assign(&mut self, other: Count) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.not_run += other.not_run;
    }
}

/// One line of the summary.
struct Line {
    name: String,
    count: Count,
    time: Duration,
    note: String,
}

#[derive(Default)]
struct Report(Vec<Line>);

impl Report {
    /// Runs a suite; one that stops with an error, or adds no line, has a failure.
    fn suite(&mut self, name: &str, body: impl FnOnce(&mut Report) -> Result<()>) {
        let (lines, start) = (self.0.len(), Instant::now());
        let note = match body(self) {
            Err(error) => format!("{error:#}"),
            Ok(()) if self.0.len() == lines => "it ran nothing".into(),
            Ok(()) => return,
        };
        eprintln!("{name}: {note}");
        self.line(name, Count { failed: 1, ..Count::default() }, start, note);
    }

    /// Runs a part of a suite and adds its line. Where nothing ran, or the command failed without a failed
    /// test, that is a failure of its own.
    fn part(&mut self, name: &str, body: impl FnOnce() -> Result<(Count, bool)>) {
        let start = Instant::now();
        match body() {
            Ok((mut count, success)) => {
                let mut note = String::new();
                if count.failed == 0 && (!success || count.passed == 0) {
                    count.failed = 1;
                    note = if success { "it ran nothing".into() } else { "the command failed".into() };
                }
                self.line(name, count, start, note);
            }
            Err(error) => {
                eprintln!("{name}: {error:#}");
                self.line(name, Count { failed: 1, ..Count::default() }, start, format!("{error:#}"));
            }
        }
    }

    /// Adds to what the summary says of the last line.
    fn note(&mut self, text: &str) {
        if let Some(line) = self.0.last_mut() {
            line.note = [line.note.as_str(), text].join(" ").trim().to_string();
        }
    }

    fn line(&mut self, name: &str, count: Count, start: Instant, note: String) {
        let note = note.lines().next().unwrap_or("").to_string();
        self.0.push(Line { name: name.into(), count, time: start.elapsed(), note });
    }

    fn total(&self) -> Count {
        self.0.iter().fold(Count::default(), |mut total, line| {
            total += line.count;
            total
        })
    }

    fn print(&self) {
        println!();
        for Line { name, count, time, note } in &self.0 {
            let mut text = format!("{name:<24}{:>5} passed {:>4} failed", count.passed, count.failed);
            if count.not_run > 0 {
                text += &format!(" {:>4} not run", count.not_run);
            }
            text += &format!(" {:>5} s  {note}", time.as_secs());
            println!("{}", text.trim_end());
        }
        let Count { passed, failed, .. } = self.total();
        println!("\n{passed} passed, {failed} failed");
    }
}

/// What several suites need is looked for once, and only when the first of them runs.
#[derive(Default)]
struct Tools {
    toolchain: OnceCell<Toolchain>,
    browser: OnceCell<tools::Browser>,
}

impl Tools {
    fn toolchain(&self) -> Result<&Toolchain> {
        once(&self.toolchain, toolchain::find_or_install)
    }

    fn browser(&self) -> Result<&tools::Browser> {
        once(&self.browser, tools::browser)
    }
}

fn once<T>(cell: &OnceCell<T>, find: impl FnOnce() -> Result<T>) -> Result<&T> {
    if cell.get().is_none() {
        let _ = cell.set(find()?);
    }
    Ok(cell.get().expect("it was just set"))
}

fn cargo(arguments: &[&str]) -> Process {
    let mut cargo = Process::new("cargo");
    cargo.args(arguments).current_dir(project::root());
    cargo
}

/// Runs a command that checks one thing.
fn one(mut command: Process) -> Result<(Count, bool)> {
    let success = tee(&mut command, LIMIT)?.success();
    Ok((Count { passed: success.into(), failed: (!success).into(), not_run: 0 }, success))
}

/// The packages of the workspace.
const PACKAGES: [&str; 2] = ["nibble", "xtask"];

fn fmt(_: &Tools, report: &mut Report) -> Result<()> {
    if quiet(&mut cargo(&["fmt", "--version"])).is_err() {
        quiet(Process::new("rustup").args(["component", "add", "rustfmt"])).context("rustfmt is missing")?;
    }
    for package in PACKAGES {
        report.part(&format!("fmt {package}"), || one(cargo(&["fmt", "--check", "--package", package])));
    }
    Ok(())
}

fn pkg(_: &Tools, report: &mut Report) -> Result<()> {
    report.part("pkg", || {
        let count = build::check()?;
        if count != BUILDS.len() {
            bail!("pkg/ holds {count} builds of {}", BUILDS.len());
        }
        Ok((Count { passed: count, ..Count::default() }, true))
    });
    Ok(())
}

fn clippy(tools: &Tools, report: &mut Report) -> Result<()> {
    if quiet(&mut cargo(&["clippy", "--version"])).is_err() {
        quiet(Process::new("rustup").args(["component", "add", "clippy"])).context("clippy is missing")?;
    }
    const DENY: [&str; 3] = ["--", "-D", "warnings"];
    report.part("clippy native", || {
        let mut command = cargo(&["clippy", "--workspace", "--all-targets"]);
        command.args(DENY);
        one(command)
    });
    let toolchain = tools.toolchain()?;
    // The first has all the code but for a line; each takes a std of its own, a minute and a half.
    report.part("clippy wasm", || {
        let mut command = BUILDS[0].cargo(toolchain, "clippy");
        command.args(["--lib", "--test", "web"]).args(DENY);
        one(command)
    });
    Ok(())
}

fn native(_: &Tools, report: &mut Report) -> Result<()> {
    let data = ["cifar10", "cifar100"].iter().all(|set| project::path("data").join(set).is_dir());
    report.part("native", || {
        let mut command = cargo(&["test", "--workspace", "--no-fail-fast"]);
        if data {
            command.args(["--", "--include-ignored"]);
        }
        rust_tests(&mut command)
    });
    if !data {
        report.note("Without the real CIFAR in data/: `cargo xtask data`");
    }
    Ok(())
}

/// Whether the pages that a build is tested in are isolated. With threads isolation decides how many there are, alike in
/// both builds; the build without them is for pages that are not.
fn places(build: &Build) -> &'static [bool] {
    match (build.threads, build.relaxed_simd) {
        (true, true) => &[true, false],
        (true, false) => &[true],
        (false, _) => &[false],
    }
}

fn in_browser(tools: &Tools, report: &mut Report) -> Result<()> {
    let toolchain = tools.toolchain()?;
    let browser = tools.browser()?;
    let bindgen = tools::wasm_bindgen()?;
    let command = |build: &Build, isolated: bool| {
        // What `wasm-pack test --headless --chrome` does, without wasm-pack: cargo's runner is wasm-bindgen's.
        let mut command = build.cargo(toolchain, "test");
        command
            .args(["--test", "web"])
            .env(
                format!("CARGO_TARGET_{}_RUNNER", wasm::TARGET.to_uppercase().replace('-', "_")),
                &bindgen.test_runner,
            )
            .env("WASM_BINDGEN_TEST_TIMEOUT", BROWSER_LIMIT.as_secs().to_string())
            .env("WASM_BINDGEN_TEST_WEBDRIVER_JSON", project::path("webdriver.json"))
            .env("CHROMEDRIVER", &browser.driver);
        if !isolated {
            command.env("WASM_BINDGEN_TEST_NO_ORIGIN_ISOLATION", "1");
        }
        command
    };
    for build in &BUILDS {
        for &isolated in places(build) {
            let name = format!("wasm {}{}", build.name, if isolated { "" } else { " not isolated" });
            println!("-- {name}");
            report.part(&name, || rust_tests(&mut command(build, isolated)));
        }
    }
    Ok(())
}

fn page(tools: &Tools, report: &mut Report) -> Result<()> {
    tools::node_modules()?;
    let browser = tools.browser()?;
    let mut files: Vec<_> = fs::read_dir(project::path("tests/e2e"))
        .context("tests/e2e is missing")?
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.to_string_lossy().ends_with(".test.mjs"))
        .collect();
    files.sort();
    if files.is_empty() {
        bail!("tests/e2e holds no *.test.mjs");
    }
    // A machine without Firefox still checks the rest: its tests count as not run, and the summary says why.
    let firefox = tools::firefox().map_err(|error| format!("{error:#}").replace('\n', " "));
    let isolated = Server::start(Site::project(true), 0)?;
    let plain = Server::start(Site::project(false), 0)?;
    report.part("page", || {
        let results = project::target().join("xtask-page.tap");
        let mut node = Process::new("node");
        node.current_dir(project::root())
            // One file at a time: what trains wants both cores.
            .args([
                "--test",
                "--test-concurrency=1",
                "--test-reporter=spec",
                "--test-reporter-destination=stdout",
            ])
            .arg("--test-reporter=tap")
            .arg(format!("--test-reporter-destination={}", results.display()))
            .args(&files)
            .env("NIBBLE_URL", isolated.url())
            .env("NIBBLE_URL_PLAIN", plain.url())
            .env("CHROMIUM", &browser.chromium);
        match &firefox {
            Ok(program) => node.env("FIREFOX", program),
            Err(reason) => node.env("FIREFOX_MISSING", reason),
        };
        fs::create_dir_all(project::target())?;
        let _ = fs::remove_file(&results);
        let outcome = tee(&mut node, LIMIT)?;
        let text =
            fs::read_to_string(&results).with_context(|| format!("`{}` left no results", line(&node)))?;
        let count = count_tap(&text).with_context(|| format!("{} has no totals", results.display()))?;
        Ok((count, outcome.success()))
    });
    if let Err(reason) = firefox {
        report.note(&format!("Firefox was not tried: {reason}"));
    }
    Ok(())
}

/// Runs `cargo test` and adds its test binaries up.
fn rust_tests(command: &mut Process) -> Result<(Count, bool)> {
    let outcome = tee(command, LIMIT)?;
    Ok((count_rust(&outcome.stdout), outcome.success()))
}

/// Adds up lines like `test result: ok. 3 passed; 1 failed; 2 ignored; 0 measured; 0 filtered out`.
fn count_rust(text: &str) -> Count {
    let mut count = Count::default();
    for totals in text.lines().filter_map(|line| line.trim().strip_prefix("test result: ")) {
        let number = |what: &str| {
            let words: Vec<&str> = totals.split([' ', ';', '.']).filter(|word| !word.is_empty()).collect();
            let at = words.iter().position(|word| *word == what)?;
            words.get(at.checked_sub(1)?)?.parse().ok()
        };
        count += Count {
            passed: number("passed").unwrap_or(0),
            failed: number("failed").unwrap_or(0),
            not_run: number("ignored").unwrap_or(0),
        };
    }
    count
}

/// Reads the totals that node's test runner ends its TAP with; None when there are none.
fn count_tap(text: &str) -> Option<Count> {
    let total = |what: &str| {
        text.lines()
            .rev()
            .find_map(|line| line.strip_prefix(&format!("# {what} "))?.trim().parse::<usize>().ok())
    };
    Some(Count {
        passed: total("pass")?,
        failed: total("fail")? + total("cancelled")?,
        not_run: total("skipped")? + total("todo")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rust_totals_are_added_up() {
        let text = "running 3 tests\ntest a ... ok\n\
            test result: ok. 3 passed; 0 failed; 2 ignored; 0 measured; 0 filtered out; finished in 0.1s\n\
            test result: FAILED. 4 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out\n\
            test result: ok. 5 passed; 0 failed; 1 ignored; 0 filtered out\n";
        assert_eq!(count_rust(text), Count { passed: 12, failed: 1, not_run: 3 });
        assert_eq!(count_rust("error: could not compile"), Count::default());
    }

    #[test]
    fn tap_totals_are_read() {
        let text = "TAP version 13\n# Subtest: a\nok 1 - a\n1..1\n# tests 5\n# suites 0\n# pass 3\n# fail 1\n\
            # cancelled 0\n# skipped 1\n# todo 0\n# duration_ms 7.1\n";
        assert_eq!(count_tap(text), Some(Count { passed: 3, failed: 1, not_run: 1 }));
        assert_eq!(count_tap("TAP version 13\n"), None);
    }

    #[test]
    fn a_suite_that_ran_nothing_or_stopped_has_failed() {
        let mut report = Report::default();
        report.suite("empty", |_| Ok(()));
        report.suite("broken", |_| bail!("no tool"));
        report.suite("parts", |report| {
            report.part("nothing", || Ok((Count::default(), true)));
            report.part("died", || Ok((Count { passed: 2, ..Count::default() }, false)));
            report.part("good", || Ok((Count { passed: 4, ..Count::default() }, true)));
            report.part("bad", || Ok((Count { passed: 1, failed: 2, not_run: 3 }, false)));
            Ok(())
        });
        assert_eq!(report.total(), Count { passed: 7, failed: 6, not_run: 3 });
        assert_eq!(report.0[0].note, "it ran nothing");
        assert_eq!(report.0[3].note, "the command failed");
        report.note("said beside it");
        assert_eq!(report.0[5].note, "said beside it");
        report.0.truncate(4);
        report.note("and why");
        assert_eq!(report.0[3].note, "the command failed and why");
    }
}
