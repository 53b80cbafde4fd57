//! `cargo xtask bench kernels`: every kernel at the shapes of the models, one at a time.

use super::arguments::{build_argument, json_argument, native_argument, threads_argument, values};
use super::script::run_subject;
use crate::serve::Site;
use crate::{build, project};
use anyhow::Result;
use clap::{Arg, ArgMatches, Command};

pub fn command() -> Command {
    Command::new("kernels")
        .about("Time each layer shape and pass, in headless Chromium or natively")
        .arg(
            Arg::new("filter")
                .value_name("FILTER")
                .default_value("")
                .help("Only those whose name and shape contain this: \"conv3x3 forward\", \"64-64@32\""),
        )
        .arg(threads_argument())
        .arg(build_argument())
        .arg(native_argument())
        .arg(json_argument())
}

pub fn run(arguments: &ArgMatches) -> Result<()> {
    run_subject("kernels", arguments, values(arguments, &["filter"]), timing)
}

/// What visitors load cannot time single kernels.
fn timing(build: &str) -> Result<Site> {
    let packages = project::target().join("xtask-bench/pkg");
    build::for_benches(build, &packages)?;
    Ok(Site::project(true).with("/pkg/", &packages.to_string_lossy()))
}
