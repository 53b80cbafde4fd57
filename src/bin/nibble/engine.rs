//! What computes: threads and instruction set.

use std::sync::OnceLock;
use std::time::Instant;

use clap::{Arg, ArgAction, ArgMatches};
use nibble::kernels::Isa;
use nibble::settings;
use nibble::train::Clock;
use rayon::ThreadPoolBuilder;

use crate::problem::{Problem, Result};

pub fn arguments() -> [Arg; 2] {
    [
        Arg::new("threads")
            .long("threads")
            .value_name("N")
            .help("How many compute; all cores by default, or by `auto`"),
        Arg::new("exact").long("exact").action(ArgAction::SetTrue).help(
            "Nothing fused: the same bits on every machine and in the browser, and no times in the file",
        ),
    ]
}

/// Does something on a pool of its own, with the clock that its runs get.
///
/// # Errors
/// For a number of threads that cannot be had, and what `work` gives.
pub fn on_pool(arguments: &ArgMatches, work: impl FnOnce(Clock) -> Result<()> + Send) -> Result<()> {
    with(arguments, arguments.get_flag("exact"), work)
}

/// The same, where something else says whether the arithmetic is exact.
///
/// # Errors
/// As [`on_pool`].
pub fn with(
    arguments: &ArgMatches,
    exact: bool,
    work: impl FnOnce(Clock) -> Result<()> + Send,
) -> Result<()> {
    if exact {
        Isa::available().iter().find(|isa| isa.is_exact()).expect("plain arrays are everywhere").select();
    }
    let threads = match arguments.get_one::<String>("threads") {
        Some(text) => settings::find("threads")?.parse(text)?.as_str().and_then(|text| text.parse().ok()),
        None => None,
    };
    let pool = ThreadPoolBuilder::new().num_threads(threads.unwrap_or(0)).build();
    // Equal runs have equal files only where no time is in them.
    let clock: Clock = if exact { || 0.0 } else { now };
    pool.map_err(|error| Problem::failed(format!("threads: {error}")))?.install(|| work(clock))
}

/// Milliseconds since the first call.
fn now() -> f64 {
    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed().as_secs_f64() * 1e3
}
