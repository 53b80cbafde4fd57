//! Runs that were saved.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Arg, ArgMatches, value_parser};
use nibble::RunConfig;
use nibble::checkpoint::{About, Images, Loaded, Reader};
use nibble::data::{Dataset, DatasetKind};
use nibble::train::Clock;

use crate::images;
use crate::problem::{Problem, Result, note};

/// The one argument of commands that look at a run.
pub fn argument() -> Arg {
    Arg::new("file")
        .value_name("FILE")
        .required(true)
        .value_parser(value_parser!(PathBuf))
        .help("A run that was saved")
}

/// What it was given.
pub fn path(arguments: &ArgMatches) -> &Path {
    arguments.get_one::<PathBuf>("file").expect("it is required")
}

/// Opens a file.
///
/// # Errors
/// Where it is no run that was saved.
pub fn open(file: &Path) -> Result<Reader<BufReader<File>>> {
    let opened = File::open(file).map_err(|error| Problem::unreadable(file, &error))?;
    Ok(Reader::open(&file.to_string_lossy(), BufReader::new(opened))?)
}

/// The settings of a run.
///
/// # Errors
/// For one that does not exist here or is out of range; the user did not ask for it.
pub fn settings(file: &Path, reader: &Reader<BufReader<File>>) -> Result<RunConfig> {
    reader.settings().map_err(|error| Problem::failed(format!("{}: {error}", file.display())))
}

/// Reads a run with its images.
///
/// # Errors
/// Where one of them cannot be read, or the run is one on other images.
pub fn load(file: &Path, arguments: &ArgMatches, clock: Clock) -> Result<(About, Loaded)> {
    with(file, clock, |reader| images::of_checkpoint(file, &reader.about().data, arguments))
}

/// Reads a run of which the weights are all that counts: without its images, unless they tell how pixels are normalised.
///
/// # Errors
/// As [`load`].
pub fn load_weights(file: &Path, arguments: &ArgMatches, clock: Clock) -> Result<(About, Loaded)> {
    let given = !images::paths(arguments).is_empty();
    with(file, clock, |reader| match reader.stand_in()? {
        Some(stand_in) if !given => Ok(Arc::new(stand_in)),
        _ => images::of_checkpoint(file, &reader.about().data, arguments),
    })
}

/// Reads a run with its images where they are at hand, else its weights alone.
///
/// # Errors
/// As [`load`], but for images that are nowhere.
pub fn load_at_hand(file: &Path, arguments: &ArgMatches, clock: Clock) -> Result<(About, Loaded)> {
    with(file, clock, |reader| {
        let data = &reader.about().data;
        match reader.stand_in()? {
            Some(stand_in) if !images::at_hand(data, arguments) => Ok(Arc::new(stand_in)),
            _ if data.dataset_kind() == DatasetKind::Synthetic => images::drawn_again(file, data),
            _ => images::of_checkpoint(file, data, arguments),
        }
    })
}

/// Reads a run with the images in its file, or with those that are found once it is known which.
///
/// # Errors
/// As [`load`].
pub fn with(
    file: &Path,
    clock: Clock,
    images: impl FnOnce(&Reader<BufReader<File>>) -> Result<Arc<Dataset>>,
) -> Result<(About, Loaded)> {
    let mut reader = open(file)?;
    settings(file, &reader)?;
    let dataset = match reader.images()? {
        Some(own) => Arc::new(own),
        None => images(&reader)?,
    };
    Ok((reader.about().clone(), reader.load(dataset, clock)?))
}

/// Says so where a file is not the one that was saved. What only looks at it goes on.
pub fn warn(file: &Path, loaded: &Loaded) {
    if !loaded.intact {
        note(format!(
            "{}: its checksum does not match, so it was changed after it was saved; going on with what it holds",
            file.display()
        ));
    }
}

/// What the setting `data` is for a run on such images.
pub fn data_setting(images: &Images) -> &'static str {
    match images.dataset_kind() {
        DatasetKind::Synthetic => "builtin",
        DatasetKind::Cifar10 => "cifar10",
        DatasetKind::Cifar100 => "cifar100",
        DatasetKind::Images => "images",
    }
}
