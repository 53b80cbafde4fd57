//! `cargo xtask bench pictures`: how long large folders of pictures take to load, on the page and natively.

use super::arguments::json_argument;
use super::script::in_browser;
use crate::{process, project};
use anyhow::Result;
use clap::{Arg, ArgMatches, Command};
use std::process::Command as Process;

pub fn command() -> Command {
    Command::new("pictures")
        .about("Load folders of many small PNGs on the page beside a run that trains, and natively")
        .arg(
            Arg::new("counts")
                .long("counts")
                .value_name("N,N")
                .default_value("20000,60000")
                .help("Pictures of the folders that are loaded"),
        )
        .arg(
            Arg::new("too-many")
                .long("too-many")
                .value_name("N")
                .default_value("200000")
                .help("Pictures of the folder that does not fit"),
        )
        .arg(json_argument())
}

pub fn run(arguments: &ArgMatches) -> Result<()> {
    let text = |name| arguments.get_one::<String>(name).expect("a default").clone();
    let mut build = Process::new("cargo");
    build.current_dir(project::root()).args(["build", "--release", "--features", "cli", "--bin", "nibble"]);
    process::run(&mut build)?;
    let nibble = project::target().join("release/nibble");
    let mut options = vec![
        ("counts", text("counts")),
        ("too_many", text("too-many")),
        ("nibble", nibble.display().to_string()),
    ];
    if arguments.get_flag("json") {
        options.push(("json", "true".into()));
    }
    in_browser("pictures.mjs", &options)
}
