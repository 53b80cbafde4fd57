//! `cargo xtask bench`: how fast the engine is. Each subject is one file here and one line of [`SUBJECTS`].
//!
//! The commands find or build what is measured; scripts of tests/bench drive it and print the results. What runs in
//! headless Chromium is served by the same server that `serve` runs; what runs natively is the bench target
//! tests/bench/native.rs. docs/BENCHMARKS.md says what the figures mean.

mod against;
mod curves;
mod epochs;
mod frames;
mod kernels;
mod memory;
mod native;
mod peers;
mod step;

use crate::serve::{Server, Site};
use crate::wasm::BUILDS;
use crate::{process, project, tools};
use anyhow::{Result, bail};
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use std::process::Command as Process;
use std::thread;

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

/// Options of a script: `--name=value`.
type Options = Vec<(&'static str, String)>;

/// A script of tests/bench with these options.
fn script(name: &str, options: &Options) -> Process {
    let mut node = Process::new("node");
    node.current_dir(project::root()).arg(format!("tests/bench/{name}"));
    for (name, value) in options {
        node.arg(format!("--{name}={value}"));
    }
    node
}

/// Runs a script of tests/bench that drives headless Chromium.
fn in_browser(name: &str, options: &Options) -> Result<()> {
    if !project::path("pkg").is_dir() {
        bail!("pkg/ is missing: run `cargo xtask build`");
    }
    tools::node_modules()?;
    let browser = tools::browser()?;
    let server = Server::start(Site::project(true).with("/bench/", "tests/bench"), 0)?;
    let mut node = script(name, options);
    process::run(node.env("NIBBLE_URL", server.url()).env("CHROMIUM", &browser.chromium))
}

/// Runs a subject of tests/bench/run.mjs where the arguments say: in Chromium, or natively.
fn run_subject(subject: &str, arguments: &ArgMatches, mut options: Options) -> Result<()> {
    options.push(("subject", subject.into()));
    if arguments.get_flag("json") {
        options.push(("json", "true".into()));
    }
    if arguments.try_get_one::<bool>("native").is_ok_and(|native| native == Some(&true)) {
        options.push(("threads", threads(arguments, true)?.to_string()));
        options.push(("native", native::build()?.display().to_string()));
        tools::node()?;
        return process::run(&mut script("run.mjs", &options));
    }
    let build = arguments.get_one::<String>("build").expect("it has a default").clone();
    let able = BUILDS.iter().any(|each| each.name == build && each.threads);
    options.push(("threads", threads(arguments, able)?.to_string()));
    options.push(("build", build));
    in_browser("run.mjs", &options)
}

/// Size of the pool: as asked for, or this machine's cores.
fn threads(arguments: &ArgMatches, able: bool) -> Result<u32> {
    match arguments.get_one::<u32>("threads") {
        Some(&threads) if threads > 1 && !able => bail!("a build without threads: --threads 1"),
        Some(&threads) => Ok(threads),
        None if able => Ok(thread::available_parallelism().map_or(1, |cores| cores.get() as u32)),
        None => Ok(1),
    }
}

/// A count of at least one.
fn count(name: &'static str, value: &'static str) -> Arg {
    Arg::new(name).long(name).value_name(value).value_parser(value_parser!(u32).range(1..))
}

fn threads_argument() -> Arg {
    count("threads", "T").help("Size of the pool [default: this machine's cores]")
}

fn build_argument() -> Arg {
    Arg::new("build")
        .long("build")
        .value_parser(BUILDS.each_ref().map(|build| build.name))
        .default_value(BUILDS[0].name)
        .help("Which of pkg/'s builds")
}

fn native_argument() -> Arg {
    Arg::new("native")
        .long("native")
        .action(ArgAction::SetTrue)
        .conflicts_with("build")
        .help("The engine compiled for this machine, instead of Chromium")
}

fn json_argument() -> Arg {
    Arg::new("json").long("json").action(ArgAction::SetTrue).help("Print lines of JSON")
}

/// The values of arguments that have a default, by name.
fn values(arguments: &ArgMatches, names: &[&'static str]) -> Options {
    let text = |name: &str| {
        let mut raw = arguments.get_raw(name).expect("it has a default");
        raw.next().expect("one value").to_string_lossy().into_owned()
    };
    names.iter().map(|&name| (name, text(name))).collect()
}
