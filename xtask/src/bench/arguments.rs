//! Arguments that several subjects have.

use crate::wasm::BUILDS;
use anyhow::{Result, bail};
use clap::{Arg, ArgAction, ArgMatches, value_parser};
use std::thread;

/// Options of a script: `--name=value`.
pub type Options = Vec<(&'static str, String)>;

/// Size of the pool: as asked for, or this machine's cores.
pub fn threads(arguments: &ArgMatches, able: bool) -> Result<u32> {
    match arguments.get_one::<u32>("threads") {
        Some(&threads) if threads > 1 && !able => bail!("a build without threads: --threads 1"),
        Some(&threads) => Ok(threads),
        None if able => Ok(thread::available_parallelism().map_or(1, |cores| cores.get() as u32)),
        None => Ok(1),
    }
}

/// A count of at least one.
pub fn count(name: &'static str, value: &'static str) -> Arg {
    Arg::new(name).long(name).value_name(value).value_parser(value_parser!(u32).range(1..))
}

/// Fewer pairs have no median to speak of.
const FEWEST_PAIRS: i64 = 7;

/// For two that are measured in turn.
pub fn pairs_argument() -> Arg {
    count("rounds", "N")
        .value_parser(value_parser!(u32).range(FEWEST_PAIRS..))
        .default_value("9")
        .help("Pairs of rounds, at least seven")
}

pub fn threads_argument() -> Arg {
    count("threads", "T").help("Size of the pool [default: this machine's cores]")
}

pub fn build_argument() -> Arg {
    Arg::new("build")
        .long("build")
        .value_parser(BUILDS.each_ref().map(|build| build.name))
        .default_value(BUILDS[0].name)
        .help("Which of pkg/'s builds")
}

pub fn native_argument() -> Arg {
    Arg::new("native")
        .long("native")
        .action(ArgAction::SetTrue)
        .conflicts_with("build")
        .help("The engine compiled for this machine, instead of Chromium")
}

pub fn json_argument() -> Arg {
    Arg::new("json").long("json").action(ArgAction::SetTrue).help("Print lines of JSON")
}

/// The values of arguments that have a default, by name.
pub fn values(arguments: &ArgMatches, names: &[&'static str]) -> Options {
    let text = |name: &str| {
        let mut raw = arguments.get_raw(name).expect("it has a default");
        raw.next().expect("one value").to_string_lossy().into_owned()
    };
    names.iter().map(|&name| (name, text(name))).collect()
}

/// Size of the pool in the build that is asked for.
pub fn pool(arguments: &ArgMatches) -> Result<u32> {
    let build = arguments.get_one::<String>("build").expect("it has a default");
    threads(arguments, BUILDS.iter().any(|each| each.name == build && each.threads))
}
