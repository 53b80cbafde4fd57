//! `cargo nibble pack`: the network of a saved run as a small file.

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use clap::{ArgMatches, Command};
use nibble::checkpoint;

use crate::place::{self, Place};
use crate::problem::{Problem, Result, say};
use crate::{engine, images, saved};

pub fn command() -> Command {
    Command::new("pack")
        .about("Save the network of a run alone, its weights packed: a small file that opens like a run")
        .arg(saved::argument())
        .arg(place::out("Where").required(true))
        .arg(place::force("a file that is there already"))
        .arg(images::argument())
        .args(engine::arguments())
}

pub fn run(arguments: &ArgMatches) -> Result<()> {
    let file = saved::path(arguments);
    let out = arguments.get_one::<PathBuf>("out").expect("it is required");
    engine::on_pool(arguments, |clock| {
        let (about, mut loaded) = saved::load_weights(file, arguments, clock)?;
        saved::warn(file, &loaded);
        let wanted = loaded.run.config().epochs;
        let done = about.epochs.len();
        if done < wanted as usize {
            return Err(Problem::data(
                file,
                format!("a run whose {wanted} epochs are done"),
                format!("{done} of them"),
            ));
        }
        let bytes = checkpoint::pack(&mut loaded.run, &loaded.history)?;
        Place::new(out, arguments.get_flag("force"), "")?.write("the network", |to| to.write_all(&bytes))?;
        let before = fs::metadata(file).map_or(0, |about| about.len());
        say(format!("{} bytes, of {before}; saved to {}", bytes.len(), out.display()))
    })
}
