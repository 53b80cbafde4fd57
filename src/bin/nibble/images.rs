//! What is trained and tested on.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Arg, ArgAction, ArgMatches, value_parser};
use nibble::checkpoint::Images;
use nibble::data::{Dataset, DatasetKind, Loader, MAX_IMAGES, synthetic};

use crate::problem::{Problem, Result};
use crate::saved;
use crate::settings::{self, Wanted};

/// Where files of images lie, unless the command line says it.
const VARIABLE: &str = "NIBBLE_DATA";
const ASK: &str = "--data PATH, or the variable NIBBLE_DATA";

pub fn argument() -> Arg {
    Arg::new("data")
        .long("data")
        .value_name("PATH")
        .action(ArgAction::Append)
        .value_parser(value_parser!(PathBuf))
        .help("CIFAR-10 or CIFAR-100: archive, batches, or their folder; else those of NIBBLE_DATA, else the built-in images")
}

/// The paths on the command line.
pub fn paths(arguments: &ArgMatches) -> Vec<PathBuf> {
    arguments.get_many("data").into_iter().flatten().cloned().collect()
}

fn or_variable(paths: Vec<PathBuf>) -> Vec<PathBuf> {
    match env::var_os(VARIABLE) {
        Some(value) if paths.is_empty() => {
            env::split_paths(&value).filter(|path| !path.as_os_str().is_empty()).collect()
        }
        _ => paths,
    }
}

/// Those that settings ask for; `files` are those that were named.
///
/// # Errors
/// Where they are not there, and as [`Loader`].
pub fn wanted(wanted: &Wanted, mut files: Vec<PathBuf>, arguments: &ArgMatches) -> Result<Arc<Dataset>> {
    let counted = wanted.train.or(wanted.test).is_some();
    let named = match wanted.data.as_deref() {
        Some("builtin") if !files.is_empty() => None,
        None if counted && files.is_empty() => Some("builtin"),
        named => named,
    };
    if named != Some("builtin") {
        files = or_variable(files);
    }
    let kind = match named {
        Some("cifar10") => Some(DatasetKind::Cifar10),
        Some("cifar100") => Some(DatasetKind::Cifar100),
        Some("images") => {
            return Err(Problem::usage(
                "data: expected builtin, cifar10 or cifar100, found images, which the page alone reads",
            ));
        }
        _ => None,
    };
    if files.is_empty() {
        return match kind {
            Some(kind) => Err(Problem::usage(format!(
                "data: expected where {} lies ({ASK}), found nothing",
                kind.label()
            ))),
            None => drawn(wanted.train.unwrap_or(synthetic::TRAIN), wanted.test.unwrap_or(synthetic::TEST)),
        };
    }
    if let Some((key, _)) = settings::flags(arguments).find(|(key, _)| matches!(*key, "train" | "test")) {
        return Err(Problem::usage(format!(
            "--{key}: expected the built-in images, found {}",
            files[0].display()
        )));
    }
    let dataset = read(&files)?;
    match kind {
        Some(kind) if kind != dataset.kind => {
            Err(Problem::data(&files[0], kind.label(), dataset.kind.label()))
        }
        _ => Ok(dataset),
    }
}

/// Those of a checkpoint.
///
/// # Errors
/// Where they are not there, and as [`Loader`].
pub fn of_checkpoint(file: &Path, images: &Images, arguments: &ArgMatches) -> Result<Arc<Dataset>> {
    let files = paths(arguments);
    if files.is_empty() && saved::kind(images) == DatasetKind::Synthetic {
        let [train, test] = images.images;
        if train.saturating_add(test) > MAX_IMAGES {
            return Err(Problem::data(
                file,
                format!("at most {MAX_IMAGES} images"),
                format!("{train} and {test}"),
            ));
        }
        return drawn(train, test);
    }
    let files = or_variable(files);
    if files.is_empty() {
        let (file, name) = (file.display(), &images.name);
        return Err(Problem::usage(format!(
            "{file}: expected {name}, which it was trained on ({ASK}), found nothing"
        )));
    }
    read(&files)
}

fn drawn(train: usize, test: usize) -> Result<Arc<Dataset>> {
    Ok(Arc::new(synthetic::generate(train, test, synthetic::SEED)?))
}

/// Reads files, and those that lie in folders.
fn read(paths: &[PathBuf]) -> Result<Arc<Dataset>> {
    let mut loader = Loader::new();
    for path in paths {
        if !path.is_dir() {
            add(&mut loader, path)?;
            continue;
        }
        let entries = fs::read_dir(path).and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect());
        let mut files: Vec<PathBuf> = entries.map_err(|error| Problem::unreadable(path, &error))?;
        files.sort();
        files.iter().filter(|file| file.is_file()).try_for_each(|file| add(&mut loader, file))?;
    }
    Ok(Arc::new(loader.finish()?))
}

fn add(loader: &mut Loader, path: &Path) -> Result<()> {
    let open = || {
        let file = File::open(path)?;
        Ok((file.metadata()?.len(), file))
    };
    let (size, file) = open().map_err(|error| Problem::unreadable(path, &error))?;
    Ok(loader.add(&path.to_string_lossy(), size, file)?)
}
