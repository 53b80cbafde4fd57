//! `cargo nibble export`: a trained network in a file of another program.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Arg, ArgAction, ArgMatches, Command};
use nibble::checkpoint::{self, About, History, SUFFIX};
use nibble::export::{self, Artifact, Content, Story, TARGETS, Target};
use nibble::train::Clock;

use crate::place::{self, Place};
use crate::problem::{Problem, Result, say};
use crate::{engine, images, integers, saved};

/// Every target.
const ALL: &str = "all";

pub fn command() -> Command {
    let targets: Vec<_> = TARGETS
        .iter()
        .map(|target| format!("{}: {}", target.entry.name, lower_first(target.entry.about)))
        .collect();
    Command::new("export")
        .about("Write a saved run's network, as its last step left it, for other programs")
        .arg(saved::argument().num_args(1..).action(ArgAction::Append))
        .arg(
            Arg::new("target")
                .long("to")
                // As it was called at first.
                .alias("target")
                .value_name("NAME")
                .required(true)
                .help(format!("What it is written as, or {ALL}. {}", targets.join(". "))),
        )
        .arg(place::out(
            "Where; the run's name with the target's ending by default. For all targets or several runs a folder",
        ))
        .arg(place::force("a file that is there already"))
        .arg(images::argument())
        .args(engine::arguments())
}

pub fn run(arguments: &ArgMatches) -> Result<()> {
    let files: Vec<&PathBuf> = arguments.get_many("file").expect("it is required").collect();
    let name = arguments.get_one::<String>("target").expect("it is required");
    let targets: Vec<&Target> = match name.as_str() {
        ALL => TARGETS.iter().collect(),
        name => vec![export::find(name)?],
    };
    let out = arguments.get_one::<PathBuf>("out").map(PathBuf::as_path);
    let several = files.len() > 1 || targets.len() > 1;
    if let Some(folder) = out.filter(|_| several) {
        make_folder(folder)?;
    }
    let place = |file: &Path, artifact: &Artifact| match out {
        Some(out) if several => out.join(beside(Path::new(file.file_name().unwrap_or_default()), artifact)),
        Some(out) => out.into(),
        None => beside(file, artifact),
    };
    engine::on_pool(arguments, |clock| {
        files.iter().try_for_each(|file| write(file, &targets, &place, arguments, clock))
    })
}

/// Writes what each target makes of a run. One of several that cannot take it says so.
fn write(
    file: &Path,
    targets: &[&Target],
    place: &impl Fn(&Path, &Artifact) -> PathBuf,
    arguments: &ArgMatches,
    clock: Clock,
) -> Result<()> {
    let images = targets.iter().any(|target| target.images);
    let whole = targets.iter().any(|target| target.whole);
    let load = match targets {
        [_] if images || whole => saved::load,
        [_] => saved::load_weights,
        _ => saved::load_at_hand,
    };
    let (about, mut loaded) = load(file, arguments, clock)?;
    saved::warn(file, &loaded);
    let mut network = loaded.run.network();
    if !loaded.run.dataset().is_stand_in {
        if images {
            network.images = integers::calibration(&loaded.run.dataset().train);
        }
        if whole {
            let (run, history, out) = (&mut loaded.run, &loaded.history, &mut network.run);
            checkpoint::write_with_images(run, history, &about.arithmetic, out)
                .expect("writing to memory does not fail");
        }
    }
    network.story = Some(story(about, loaded.history));
    targets.iter().try_for_each(|target| match (target.write)(&network) {
        Ok(artifact) => {
            let out = place(file, &artifact);
            keep(&artifact, &out, arguments.get_flag("force"))?;
            say(format!("{} bytes; saved to {}", artifact.size(), out.display()))?;
            artifact.notes.iter().try_for_each(say)?;
            say(format!("Needs: {}", target.needs))?;
            say(target.run.replace("{file}", &out.to_string_lossy()))
        }
        Err(error) if targets.len() > 1 => say(format!("{}: not written: {error}", target.entry.name)),
        Err(error) => Err(error.into()),
    })
}

fn make_folder(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).map_err(|error| Problem::data(folder, "a folder to write to", error))
}

/// Writes a file, or a folder's files.
fn keep(artifact: &Artifact, out: &Path, force: bool) -> Result<()> {
    let write = |path: &Path, bytes: &[u8]| {
        Place::new(path, force, "")?.write("the network", |to| to.write_all(bytes))
    };
    match &artifact.content {
        Content::File { bytes, .. } => write(out, bytes),
        Content::Folder(files) => {
            make_folder(out)?;
            files.iter().try_for_each(|(name, bytes)| write(&out.join(name), bytes))
        }
    }
}

fn story(about: About, history: History) -> Story {
    let About { settings, data, .. } = about;
    let History { losses, reports, .. } = history;
    Story { data: data.name, images: data.images, settings, losses, reports }
}

/// The run's name with another ending.
fn beside(file: &Path, artifact: &Artifact) -> PathBuf {
    let name = file.to_string_lossy();
    let joint = match artifact.content {
        Content::File { .. } => '.',
        Content::Folder(_) => '-',
    };
    format!("{}{joint}{}", name.strip_suffix(SUFFIX).unwrap_or(&name), artifact.extension).into()
}

/// What an entry says of itself, behind a colon.
fn lower_first(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| first.to_lowercase().chain(letters).collect())
}
