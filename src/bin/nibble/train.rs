//! `cargo nibble train`: trains a network and saves it.

use std::path::{Path, PathBuf};

use clap::{Arg, ArgMatches, Command, value_parser};
use nibble::RunConfig;
use nibble::checkpoint::SUFFIX;
use nibble::run::Run;
use nibble::train::Clock;
use serde_json::json;

use crate::interrupt::Interrupt;
use crate::place::{self, Place};
use crate::problem::{Problem, Result, note, say};
use crate::session::{self, End, Session, quoted};
use crate::settings::{self, Wanted};
use crate::{engine, images, saved};

pub fn command() -> Command {
    Command::new("train")
        .about("Train a network and save it, again and again on the way")
        .after_help(
            "Flags go before the lines of --settings, these before --from, and that before the defaults.",
        )
        .arg(images::argument())
        .arg(place::out("Where it is saved; MODEL-BITS-bit.nibble.safetensors by default"))
        .arg(
            Arg::new("resume")
                .long("resume")
                .value_name("FILE")
                .value_parser(value_parser!(PathBuf))
                .conflicts_with_all(["from", "settings"])
                .help(
                    "Go on with a run that was saved, bit for bit; --epochs may raise the number of epochs",
                ),
        )
        .arg(place::force("the file of another run, or a damaged one that is resumed"))
        .arg(
            Arg::new("steps")
                .long("steps")
                .value_name("N")
                .value_parser(value_parser!(u64).range(1..))
                .help("Stop after so many training steps from here on, saved, and not at the end of the run"),
        )
        .args(session::arguments())
        .args(engine::arguments())
        .args(settings::arguments())
}

pub fn run(arguments: &ArgMatches) -> Result<()> {
    engine::on_pool(arguments, |clock| {
        let mut session = match arguments.get_one::<PathBuf>("resume") {
            Some(file) => resume(file, arguments, clock),
            None => start(arguments, clock),
        }?;
        session.run.dataset().notes.iter().for_each(note);
        let end = session.train(arguments, arguments.get_one("steps").copied(), &Interrupt::watch()?)?;
        let (json, file) = (arguments.get_flag("json"), session.path());
        match end {
            End::Finished(epoch) if json => say(json!({ "kind": "finished", "epoch": epoch, "file": file })),
            End::Finished(epoch) => say(format!("epochs done: {epoch}; saved to {}", file.display())),
            End::Stopped if json => {
                say(json!({ "kind": "stopped", "step": session.run.steps(), "file": file }))
            }
            End::Stopped => say(format!("steps done: {}; saved to {}", session.run.steps(), file.display())),
            End::Diverged(error) => Err(error.into()),
            End::Interrupted(code) => {
                if json {
                    say(json!({ "kind": "interrupted", "file": file }))?;
                }
                Err(Problem { code, sentence: way_on(file, arguments) })
            }
        }
    })
}

fn start(arguments: &ArgMatches, clock: Clock) -> Result<Session> {
    let wanted = Wanted::new(arguments)?;
    let path = arguments.get_one("out").cloned().unwrap_or_else(|| default_name(&wanted.config));
    let place = place(&path, arguments)?;
    let dataset = images::wanted(&wanted, images::paths(arguments), arguments)?;
    let run = Run::new(dataset, wanted.config, clock)?;
    Ok(Session::new(run, place, &path))
}

/// Where a new file is saved.
fn place(path: &Path, arguments: &ArgMatches) -> Result<Place> {
    let way = ", which may be another run (--resume goes on with it)";
    Place::new(path, arguments.get_flag("force"), way)
}

fn resume(file: &Path, arguments: &ArgMatches, clock: Clock) -> Result<Session> {
    if let Some((key, _)) = settings::flags(arguments).find(|(key, _)| *key != "epochs") {
        let expected = "no settings beside --resume but --epochs, since the file has them";
        return Err(Problem::usage(format!("--{key}: expected {expected}")));
    }
    let path = arguments.get_one::<PathBuf>("out").cloned().unwrap_or_else(|| file.into());
    let in_place = path == file;
    let place = if in_place { Place::same(&path) } else { place(&path, arguments) }?;
    let (about, mut loaded) = saved::load(file, arguments, clock)?;
    // A save would give what was damaged a checksum that holds.
    if !loaded.intact && in_place && !arguments.get_flag("force") {
        let expected = "the file as it was saved";
        return Err(Problem::data(
            file,
            expected,
            "another checksum, so it stays as it is; --out FILE goes on from what it holds in another file, --force in its place",
        ));
    }
    saved::warn(file, &loaded);
    if let Some(text) = arguments.get_one::<String>("epochs") {
        let mut config = loaded.run.config().clone();
        let had = config.epochs;
        config.set("epochs", text)?;
        if config.epochs < had {
            return Err(Problem::usage(format!("epochs: expected at least the run's {had}, found {text}")));
        }
        if config.epochs > had {
            loaded.run = loaded.run.fork(config)?;
        }
    }
    Ok(Session::resume(file, (about, loaded), place, &path))
}

/// The name of a run's file, unless the user gives one: `vgg4bit-4-bit.nibble.safetensors`.
fn default_name(config: &RunConfig) -> PathBuf {
    let precision = match &*config.quantizer {
        "none" => "fp32".into(),
        _ => format!("{}-bit", config.bits.all),
    };
    format!("{}-{precision}{SUFFIX}", config.model).into()
}

/// How to go on after an interruption.
fn way_on(file: &Path, arguments: &ArgMatches) -> String {
    let mut command = format!("cargo nibble train --resume {}", quoted(file));
    images::paths(arguments).iter().for_each(|path| command += &format!(" --data {}", quoted(path)));
    if arguments.get_flag("exact") {
        command += " --exact";
    }
    format!("interrupted and saved; go on with: {command}")
}
