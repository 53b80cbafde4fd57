//! `cargo xtask bench frames`: how smooth the page is while it trains.

use super::arguments::{count, json_argument, values};
use super::script::in_browser;
use anyhow::Result;
use clap::{Arg, ArgMatches, Command};

pub fn command() -> Command {
    Command::new("frames")
        .about("Train on the page with every panel open, and watch frames, long tasks and layout shifts")
        .arg(count("seconds", "S").default_value("60").help("How long to watch"))
        .arg(
            Arg::new("settings")
                .value_name("SETTINGS")
                .default_value("epochs=1000&race=quantizer:none")
                .help("The page's settings as in its address"),
        )
        .arg(json_argument())
}

pub fn run(arguments: &ArgMatches) -> Result<()> {
    let mut options = values(arguments, &["seconds"]);
    options.push(("search", arguments.get_one::<String>("settings").expect("a default").clone()));
    if arguments.get_flag("json") {
        options.push(("json", "true".into()));
    }
    in_browser("frames.mjs", &options)
}
