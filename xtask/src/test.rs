//! `cargo xtask test`: every check of the project, from a fresh machine. Each suite is one line of [`SUITES`].
//!
//! A suite that ran nothing has failed: a test that is skipped in silence protects nobody. The tests that need
//! the real CIFAR are marked `#[ignore = "needs data/…"]`; they run when data/ is there and are counted as not
//! run when it is not.

mod later;
mod needs;
mod page;
pub mod report;
mod runtimes;

use crate::process::{quiet, tee};
use crate::toolchain;
use crate::wasm::{self, BUILDS, Build};
use crate::{build, project};
use anyhow::{Context, Result, anyhow, bail};
use clap::{Arg, ArgAction, ArgMatches, Command};
use needs::Tools;
use report::{Count, Report, count_rust};
use std::panic;
use std::process::Command as Process;
use std::sync::LazyLock;
use std::thread;
use std::time::Duration;

/// Longest time that one command of a suite may take before it counts as hanging.
const LIMIT: Duration = Duration::from_secs(20 * 60);
/// Longest time of one run of the browser's tests, which the runner enforces itself.
const BROWSER_LIMIT: Duration = Duration::from_secs(10 * 60);

/// A suite's name, what it does, and the function that does it.
struct Suite {
    name: &'static str,
    about: &'static str,
    /// About how long it takes on two idle cores: on a fresh machine, and again after a change of one file of the engine.
    minutes: [f32; 2],
    /// Whether it runs where no suite is named.
    usual: bool,
    /// Whether it runs beside the next one that may: both compile and test by turns, and neither has both cores at all times.
    beside: bool,
    run: fn(&Tools, &mut Report) -> Result<()>,
}

impl Suite {
    fn report(&self, tools: &Tools) -> Report {
        println!("== {}: {}", self.name, self.about);
        let mut report = Report::default();
        report.suite(self.name, |report| (self.run)(tools, report));
        report
    }
}

/// The cheapest first.
const SUITES: &[Suite] = &[
    Suite {
        name: "fmt",
        about: "rustfmt on every package",
        minutes: [0.1, 0.1],
        usual: true,
        beside: false,
        run: fmt,
    },
    Suite {
        name: "pkg",
        about: "pkg/ is built from the present sources and small enough",
        minutes: [0.1, 0.1],
        usual: true,
        beside: false,
        run: pkg,
    },
    Suite {
        name: "native",
        about: "cargo test, with clippy's warnings as errors",
        minutes: [6.5, 5.5],
        usual: true,
        beside: true,
        run: native,
    },
    Suite {
        name: "wasm",
        about: "tests/web.rs in headless Chromium: each build where it is used",
        minutes: [3.5, 2.0],
        usual: true,
        beside: true,
        run: in_browser,
    },
    Suite {
        name: "page",
        about: "tests/e2e: the page, with pkg/ as it is, in headless Chromium and Firefox",
        minutes: [11.5, 11.5],
        usual: true,
        beside: false,
        run: page::run,
    },
    // Last, because cargo-deny is compiled meanwhile.
    Suite {
        name: "deny",
        about: "licences, duplicates and sources of the dependencies, by deny.toml",
        minutes: [1.5, 0.1],
        usual: true,
        beside: false,
        run: deny,
    },
    Suite {
        name: "runtimes",
        about: "tests/runtimes: exports read by the programs that they are for; only where it is named",
        minutes: [12.0, 8.0],
        usual: false,
        beside: false,
        run: runtimes::run,
    },
];

/// What to run while working, by what was changed.
const QUICK: &str = "\
Quick subsets:
  cargo xtask test fmt native               a change of the engine, before pkg/ is built anew
  cargo xtask test pkg wasm                 the built engine
  cargo xtask test page --file race         a change of the page: the files of tests/e2e that begin so
  cargo xtask test deny                     a change of Cargo.lock
  cargo xtask test runtimes                 a change of an export
  cargo xtask test page --pictures          the same, all of them, with pictures to look at in target/screenshots
";

pub fn command() -> Command {
    let list = SUITES.iter().map(|Suite { name, about, minutes: [fresh, again], .. }| {
        format!("  {name:<8}{fresh:>4} {again:>4}  {about}\n")
    });
    let list = list.collect::<String>();
    Command::new("test")
        .about("Run every check, installing what is missing")
        .after_help(format!(
            "Suites, with their minutes on two idle cores: at first, and again after a change of the engine\n{list}\n{QUICK}"
        ))
        .arg(
            Arg::new("suites")
                .value_name("SUITE")
                .action(ArgAction::Append)
                .value_parser(clap::builder::PossibleValuesParser::new(SUITES.iter().map(|suite| suite.name)))
                .hide_possible_values(true)
                .help("Run these suites only"),
        )
        .arg(
            Arg::new("file")
                .long("file")
                .value_name("NAME")
                .action(ArgAction::Append)
                .help("Of the suite `page` run only the files whose names begin so"),
        )
        .arg(
            Arg::new("pictures")
                .long("pictures")
                .action(ArgAction::SetTrue)
                .help("Have the suite `page` take pictures of the page, to target/screenshots"),
        )
}

pub fn run(arguments: &ArgMatches) -> Result<()> {
    let texts = |name: &str| arguments.get_many::<String>(name).into_iter().flatten().cloned().collect();
    let names: Vec<String> = texts("suites");
    let wanted: Vec<&Suite> = SUITES
        .iter()
        .filter(
            |suite| if names.is_empty() { suite.usual } else { names.iter().any(|name| name == suite.name) },
        )
        .collect();
    let tools = Tools::new(texts("file"), arguments.get_flag("pictures"));
    let has = |name: &str| wanted.iter().any(|suite| suite.name == name);
    // What is only downloaded and compiled need not be waited for: the first suites do without.
    if has("wasm") {
        tools.bindgen.start();
    }
    if has("wasm") || has("page") || has("runtimes") {
        tools.browser.start();
    }
    if has("deny") {
        tools.deny.start();
    }
    if has("page") || has("runtimes") {
        tools.page.start();
        tools.shell.start();
    }
    let mut report = Report::default();
    for group in wanted.chunk_by(|one, next| one.beside && next.beside) {
        let reports: Vec<Report> = thread::scope(|scope| {
            let started: Vec<_> = group.iter().map(|suite| scope.spawn(|| suite.report(&tools))).collect();
            started
                .into_iter()
                .map(|suite| suite.join().unwrap_or_else(|panic| panic::resume_unwind(panic)))
                .collect()
        });
        reports.into_iter().for_each(|one| report.append(one));
    }
    report.print();
    if report.total().failed > 0 {
        bail!("not everything passed");
    }
    Ok(())
}

fn cargo(arguments: &[&str]) -> Process {
    let mut cargo = Process::new("cargo");
    cargo.args(arguments).current_dir(project::root());
    cargo
}

/// Runs a command that checks one thing.
fn one(command: &mut Process) -> Result<(Count, bool)> {
    let success = tee(command, LIMIT)?.success();
    Ok((Count { passed: success.into(), failed: (!success).into(), not_run: 0 }, success))
}

/// The packages of the workspace.
const PACKAGES: [&str; 2] = ["nibble", "xtask"];

fn fmt(_: &Tools, report: &mut Report) -> Result<()> {
    if quiet(&mut cargo(&["fmt", "--version"])).is_err() {
        quiet(Process::new("rustup").args(["component", "add", "rustfmt"])).context("rustfmt is missing")?;
    }
    for package in PACKAGES {
        report.part(&format!("fmt {package}"), || one(&mut cargo(&["fmt", "--check", "--package", package])));
    }
    Ok(())
}

fn pkg(_: &Tools, report: &mut Report) -> Result<()> {
    report.part("pkg", || {
        let count = build::check()?;
        let expected = wasm::all().count();
        if count != expected {
            bail!("pkg/ holds {count} builds of {expected}");
        }
        Ok((Count { passed: count, ..Count::default() }, true))
    });
    Ok(())
}

fn deny(tools: &Tools, report: &mut Report) -> Result<()> {
    let program = tools.deny.get()?;
    // The fuzz targets are a workspace of their own.
    for (name, manifest) in [("deny", "Cargo.toml"), ("deny fuzz", "tests/fuzz/Cargo.toml")] {
        report.part(name, || {
            let mut command = Process::new(program);
            command
                .current_dir(project::root())
                .args(["--manifest-path", manifest, "--config"])
                .arg(project::path("deny.toml"));
            one(command.args(["check", "bans", "licenses", "sources"]))
        });
    }
    Ok(())
}

/// Whether nothing was compiled here before: what a next build could go on from takes a tenth more time.
static FIRST: LazyLock<bool> = LazyLock::new(|| !project::target().join("debug").exists());

/// Has a command lint what it compiles of this workspace: a check of its own would compile all dependencies again.
fn linted<'c>(tools: &Tools, command: &'c mut Process) -> Result<&'c mut Process> {
    tools.clippy.get()?;
    if *FIRST {
        command.env("CARGO_INCREMENTAL", "0");
    }
    Ok(command
        // A panic names its line without; linking thirty tests, and wasm-bindgen (24 s, and 3 s without), take longer.
        .env("CARGO_PROFILE_TEST_DEBUG", "0")
        .env("RUSTC_WORKSPACE_WRAPPER", "clippy-driver")
        .env("CLIPPY_ARGS", "-D__CLIPPY_HACKERY__warnings"))
}

fn native(tools: &Tools, report: &mut Report) -> Result<()> {
    let data = ["cifar10", "cifar100"].iter().all(|set| project::path("data").join(set).is_dir());
    report.part("native", || {
        // With the command line, for tests/cli; the same features below, or the library would be compiled again.
        let mut command = cargo(&["test", "--package", "nibble", "--features", "cli", "--no-fail-fast"]);
        if data {
            command.args(["--", "--include-ignored"]);
        }
        rust_tests(linted(tools, &mut command)?)
    });
    report.part("native bench", || {
        let bench = ["test", "--package", "nibble", "--features", "cli", "--bench", "native", "--no-run"];
        one(linted(tools, &mut cargo(&bench))?)
    });
    // Its dependencies are compiled already, in the profile by which this runs.
    report.part("native xtask", || {
        rust_tests(linted(tools, &mut cargo(&["test", "--package", "xtask", "--profile", "xtask"]))?)
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
    let toolchain = tools.toolchain.get()?;
    let browser = tools.browser.get()?;
    let bindgen = tools.bindgen.get()?;
    let command = |build: &Build, isolated: bool| {
        // What `wasm-pack test --headless --chrome` does, without wasm-pack: cargo's runner is wasm-bindgen's.
        let mut command = build.cargo(toolchain, "test");
        command
            // Not as `build` compiles the engine: optimizing each whole program twice, for the library and for the
            // tests, takes longer than another std that both builds with threads share.
            .args(["--test", "web"])
            .env(
                format!("CARGO_TARGET_{}_RUNNER", toolchain::TARGET.to_uppercase().replace('-', "_")),
                &bindgen.test_runner,
            )
            // Compiling for the highest level takes longer than what it saves.
            .env("CARGO_PROFILE_TEST_OPT_LEVEL", "1")
            .env("WASM_BINDGEN_TEST_TIMEOUT", BROWSER_LIMIT.as_secs().to_string())
            .env("WASM_BINDGEN_TEST_WEBDRIVER_JSON", project::path("webdriver.json"))
            .env("CHROMEDRIVER", &browser.driver);
        if !isolated {
            command.env("WASM_BINDGEN_TEST_NO_ORIGIN_ISOLATION", "1");
        }
        command
    };
    let run = |build: &Build, isolated: bool| rust_tests(linted(tools, &mut command(build, isolated))?);
    let parts = |threads: bool| {
        let builds = BUILDS.iter().filter(move |build| build.threads == threads);
        builds.flat_map(|build| places(build).iter().map(move |&isolated| (build, isolated)))
    };
    let name = |build: &Build, isolated: bool| {
        format!("wasm {}{}", build.name, if isolated { "" } else { " not isolated" })
    };
    // Cargo's folder is another one without threads, and one core is enough for that.
    thread::scope(|scope| {
        let beside: Vec<_> = parts(false)
            .map(|(build, isolated)| (name(build, isolated), scope.spawn(move || run(build, isolated))))
            .collect();
        for (build, isolated) in parts(true) {
            let name = name(build, isolated);
            println!("-- {name}");
            report.part(&name, || run(build, isolated));
        }
        for (name, outcome) in beside {
            report.part(&name, || outcome.join().map_err(|_| anyhow!("its thread panicked"))?);
            report.note("(beside the others)");
        }
    });
    Ok(())
}

/// Runs `cargo test` and adds its test binaries up.
fn rust_tests(command: &mut Process) -> Result<(Count, bool)> {
    let outcome = tee(command, LIMIT)?;
    Ok((count_rust(&outcome.stdout), outcome.success()))
}
