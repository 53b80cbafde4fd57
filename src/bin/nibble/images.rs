//! What is trained and tested on.

use std::env;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use clap::{Arg, ArgAction, ArgMatches, value_parser};
use nibble::checkpoint::Images;
use nibble::data::{Dataset, DatasetKind, Decoder, Gathering, MAX_IMAGES, Picture, Source, synthetic};
use rayon::prelude::*;

use crate::pictures;
use crate::problem::{Problem, Result};
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
        .help("CIFAR's archive or batches, a folder or an archive of pictures, arrays (.npz, .npy, .mat, IDX), Parquet; else those of NIBBLE_DATA, else the built-in images")
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
/// Where they are not there, and as [`Gathering`].
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
        Some("images") => Some(DatasetKind::Images),
        _ => None,
    };
    if files.is_empty() {
        return match kind {
            Some(DatasetKind::Images) => {
                Err(Problem::usage(format!("data: expected where your images lie ({ASK}), found nothing")))
            }
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

/// Whether there is something to read those of a checkpoint from.
pub fn at_hand(images: &Images, arguments: &ArgMatches) -> bool {
    images.dataset_kind() == DatasetKind::Synthetic || !or_variable(paths(arguments)).is_empty()
}

/// Those of a checkpoint.
///
/// # Errors
/// Where they are not there, and as [`Gathering`].
pub fn of_checkpoint(file: &Path, images: &Images, arguments: &ArgMatches) -> Result<Arc<Dataset>> {
    let files = paths(arguments);
    if files.is_empty() && images.dataset_kind() == DatasetKind::Synthetic {
        return drawn_again(file, images);
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

/// The built-in images of a checkpoint.
///
/// # Errors
/// Where it says that there are too many.
pub fn drawn_again(file: &Path, images: &Images) -> Result<Arc<Dataset>> {
    let [train, test] = images.images;
    if train.saturating_add(test) > MAX_IMAGES {
        return Err(Problem::data(
            file,
            format!("at most {MAX_IMAGES} images"),
            format!("{train} and {test}"),
        ));
    }
    drawn(train, test)
}

fn drawn(train: usize, test: usize) -> Result<Arc<Dataset>> {
    Ok(Arc::new(synthetic::generate(train, test, synthetic::SEED)?))
}

/// Pictures that are decoded at once.
const AT_ONCE: usize = 256;

/// Reads whatever lies there: files, and all that folders hold.
fn read(paths: &[PathBuf]) -> Result<Arc<Dataset>> {
    let mut gathering = Gathering::new(Decoder { name: "nibble" });
    for path in paths {
        let last = path.file_name().map_or_else(|| "data".into(), |name| name.to_string_lossy().into_owned());
        if path.is_dir() { folder(&mut gathering, path, &last)? } else { add(&mut gathering, path, &last)? }
    }
    let mut reading = gathering.plan(&mut |_| {})?;
    let mut batch = Vec::new();
    loop {
        let picture = reading.next_picture()?;
        let last = picture.is_none();
        if let Some(Picture { slot, input, bytes }) = picture {
            batch.push((slot, input.map_or(Ok(bytes), |input| reading.bytes(input))?));
        }
        if batch.len() == AT_ONCE || last {
            let decoded: Vec<_> = batch.par_iter().map(|(_, bytes)| pictures::planes(bytes)).collect();
            for ((slot, bytes), planes) in batch.drain(..).zip(decoded) {
                match planes {
                    Some(planes) => reading.put(slot, &planes),
                    None => reading.refuse(slot, &bytes[..bytes.len().min(512)]),
                }
            }
        }
        if last {
            break;
        }
    }
    Ok(Arc::new(reading.finish()?.0))
}

/// Adds all files of a folder and of those in it.
fn folder(gathering: &mut Gathering, path: &Path, name: &str) -> Result<()> {
    let entries = fs::read_dir(path).and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect());
    let entries: Vec<PathBuf> = entries.map_err(|error| Problem::unreadable(path, &error))?;
    for entry in entries {
        let last = entry.file_name().unwrap_or_default().to_string_lossy();
        let name = format!("{name}/{last}");
        if entry.is_dir() {
            // Hidden ones may be whole repositories.
            if !last.starts_with('.') {
                folder(gathering, &entry, &name)?;
            }
        } else if entry.is_file() {
            add(gathering, &entry, &name)?;
        }
    }
    Ok(())
}

fn add(gathering: &mut Gathering, path: &Path, name: &str) -> Result<()> {
    let size = fs::metadata(path).map_err(|error| Problem::unreadable(path, &error))?.len();
    gathering.add(name, Rc::new(OnDisk { path: path.into(), size }));
    Ok(())
}

/// A file that is opened only while it is read: there may be a hundred thousand.
struct OnDisk {
    path: PathBuf,
    size: u64,
}

impl Source for OnDisk {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(offset))?;
        file.read(buffer)
    }
}
