//! `cargo nibble export`: a trained network in a file of another program.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use nibble::checkpoint::SUFFIX;
use nibble::export::{self, TARGETS};

use crate::place::Place;
use crate::problem::{Result, say};
use crate::{engine, images, saved};

pub fn command() -> Command {
    let targets: Vec<_> = TARGETS
        .iter()
        .map(|target| format!("{}: {}", target.entry.name, lower_first(target.entry.about)))
        .collect();
    Command::new("export")
        .about("Write a saved run's network, as its last step left it, for other programs")
        .arg(saved::argument())
        .arg(
            Arg::new("target")
                .long("target")
                .value_name("NAME")
                .required(true)
                .help(format!("What it is written as. {}", targets.join(". "))),
        )
        .arg(
            Arg::new("out")
                .long("out")
                .value_name("FILE")
                .value_parser(value_parser!(PathBuf))
                .help("Where; the run's name with the target's ending by default"),
        )
        .arg(
            Arg::new("force")
                .long("force")
                .action(ArgAction::SetTrue)
                .help("Overwrite a file that is there already"),
        )
        .arg(images::argument())
        .args(engine::arguments())
}

pub fn run(arguments: &ArgMatches) -> Result<()> {
    let file = saved::path(arguments);
    let target = export::find(arguments.get_one::<String>("target").expect("it is required"))?;
    engine::on_pool(arguments, |clock| {
        let (_, mut loaded) = saved::load_weights(file, arguments, clock)?;
        saved::warn(file, &loaded);
        let artifact = (target.write)(&loaded.run.network())?;
        let out = arguments.get_one::<PathBuf>("out").cloned();
        let out = out.unwrap_or_else(|| beside(file, artifact.extension));
        let place = Place::new(&out, arguments.get_flag("force"), "")?;
        place.write("the network", |to| to.write_all(&artifact.bytes))?;
        say(format!("{} bytes; saved to {}", artifact.bytes.len(), out.display()))
    })
}

/// The run's name with another ending.
fn beside(file: &Path, extension: &str) -> PathBuf {
    let name = file.to_string_lossy();
    format!("{}.{extension}", name.strip_suffix(SUFFIX).unwrap_or(&name)).into()
}

/// What an entry says of itself, behind a colon.
fn lower_first(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| first.to_lowercase().chain(letters).collect())
}
