//! `cargo xtask bench epochs`: whole epochs on the page itself, as a user sees them, with a log of each.

use super::arguments::values;
use super::script::in_browser;
use anyhow::{Context, Result};
use clap::{Arg, ArgMatches, Command};
use std::path::Path;

pub fn command() -> Command {
    Command::new("epochs")
        .about("Train on the page in headless Chromium and log each epoch")
        .arg(Arg::new("data").long("data").value_name("PATH").help(
            "A CIFAR archive or a folder of batches, dropped on the page [default: the built-in images]",
        ))
        .arg(Arg::new("log").long("log").value_name("FILE").help("Also write the lines of JSON there"))
        .arg(
            Arg::new("screenshot")
                .long("screenshot")
                .value_name("FILE")
                .help("A .png of the page at the end"),
        )
        .arg(
            Arg::new("plots")
                .long("plots")
                .value_parser(["on", "off", "compare"])
                .default_value("on")
                .help("Draw everything, nothing, or epochs of both kinds in turn to see what drawing costs"),
        )
        .arg(
            Arg::new("settings")
                .value_name("SETTINGS")
                .default_value("")
                .help("The page's settings as in its address: \"model=vgg4bit&epochs=1\""),
        )
}

pub fn run(arguments: &ArgMatches) -> Result<()> {
    let mut options = values(arguments, &["plots"]);
    options.push(("search", arguments.get_one::<String>("settings").expect("a default").clone()));
    if let Some(data) = arguments.get_one::<String>("data") {
        let data = Path::new(data).canonicalize().with_context(|| format!("cannot read {data}"))?;
        options.push(("data", data.display().to_string()));
    }
    for name in ["log", "screenshot"] {
        if let Some(file) = arguments.get_one::<String>(name) {
            options.push((name, std::path::absolute(file)?.display().to_string()));
        }
    }
    in_browser("epochs.mjs", &options)
}
