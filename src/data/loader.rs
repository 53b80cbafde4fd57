//! Reads CIFAR-10 and CIFAR-100 from whatever a user has of them: binary or pickled batches, one by one or as
//! the official archive.

use super::batches::{unreadable, wrong};
use super::cifar::{Part, Role, base_name};
use super::{Dataset, DatasetKind, IMAGE_BYTES, Split};
use crate::Result;
use std::io::{self, BufReader, Read};

/// Bytes that an archive may unpack to; the official ones have 186 MB.
const MAX_UNPACKED: u64 = 1 << 30;
/// Bytes that tell a file's format: a block of tar.
const HEAD: usize = 512;
/// Bytes asked of a file at once.
const READ_BYTES: usize = 1 << 20;
/// What the page and the messages ask for.
const WANTED: &str =
    "CIFAR-10 or CIFAR-100: data_batch_1 to 5 and test_batch, train and test, or an official .tar.gz";

/// Collects files and makes a [`Dataset`] of them. A file that fails leaves it as it was.
///
/// Images are held once: they are read into their final place, and the batches put in order there at the end.
#[derive(Debug, Default)]
pub struct Loader {
    /// The kind, once a batch was read, and the file that showed it.
    pub(super) kind: Option<(DatasetKind, String)>,
    pub(super) train: Split,
    pub(super) test: Split,
    pub(super) batches: Vec<Batch>,
    /// Names of the classes and the file that had them.
    pub(super) names: Option<(Vec<String>, String)>,
    ignored: Vec<String>,
}

/// A run of images in one of the splits.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Batch {
    pub part: Part,
    pub number: u32,
    pub images: usize,
    pub file: String,
}

/// What a file is by its first bytes.
#[derive(Debug, PartialEq)]
enum Content {
    Gzip,
    Tar,
    Pickle,
    Other,
}

impl Content {
    fn of(head: &[u8]) -> Self {
        match head {
            [0x1f, 0x8b, 8, ..] => Self::Gzip,
            [0x80, 2..=5, ..] => Self::Pickle,
            _ if is_tar(head) => Self::Tar,
            _ => Self::Other,
        }
    }
}

/// Whether it is a block with tar's checksum; that of zeros, the end of an archive, is none.
fn is_tar(head: &[u8]) -> bool {
    let Ok(block) = <&[u8; HEAD]>::try_from(head) else { return false };
    let header = tar::Header::from_byte_slice(block);
    let mut summed = header.clone();
    summed.set_cksum();
    matches!((header.cksum(), summed.cksum()), (Ok(found), Ok(right)) if found == right)
}

/// A stream of unpacked bytes that ends after [`MAX_UNPACKED`] and remembers why it failed, which tar's own
/// message would hide.
struct Unpacked<'r> {
    gzip: flate2::read::MultiGzDecoder<&'r mut dyn Read>,
    left: u64,
    failed: Option<String>,
}

impl Read for Unpacked<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let result = match self.gzip.read(buffer) {
            Ok(read) if read as u64 > self.left => Err(io::Error::other("more than 1 GB in it")),
            result => result,
        };
        match &result {
            Ok(read) => self.left -= *read as u64,
            Err(error) if self.failed.is_none() => self.failed = Some(super::batches::describe_io(error)),
            Err(_) => {}
        }
        result
    }
}

impl Loader {
    /// A loader that has read nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads one file of `size` bytes. What it is shows in its content and in the last part of its name.
    ///
    /// # Errors
    /// [`Error::Data`] if it is not a batch, an archive of batches, or one of the files that come with them;
    /// if it is cut short or corrupt; if it was read before; or if it belongs to another data set than the
    /// files before it.
    pub fn add(&mut self, name: &str, size: u64, reader: impl Read) -> Result<()> {
        // In a browser each read is a call of JavaScript: few large ones.
        let mut reader = BufReader::with_capacity(READ_BYTES, reader);
        let batches = self.batches.len();
        let ignored = self.ignored.len();
        let (kind, names) = (self.kind.clone(), self.names.clone());
        let result = self.read(name, Some(size), &mut reader, 0);
        if result.is_err() {
            self.batches.truncate(batches);
            self.ignored.truncate(ignored);
            (self.kind, self.names) = (kind, names);
            for part in [Part::Train, Part::Test] {
                let images = self.batches.iter().filter(|batch| batch.part == part).map(|batch| batch.images);
                let images = images.sum();
                let split = self.split(part);
                split.labels.truncate(images);
                split.images.truncate(images * IMAGE_BYTES);
            }
        }
        result
    }

    /// `depth` is 0 for a file, 1 for what was compressed, 2 for a member of an archive.
    fn read(&mut self, file: &str, size: Option<u64>, reader: &mut dyn Read, depth: u8) -> Result<()> {
        let mut head = Vec::with_capacity(HEAD);
        reader.take(HEAD as u64).read_to_end(&mut head).map_err(|error| unreadable(file, &error))?;
        let content = Content::of(&head);
        let mut reader = head.as_slice().chain(reader);
        match (content, Role::of(file)) {
            (Content::Gzip, _) if depth == 0 => self.gzip(file, &mut reader),
            (Content::Tar, _) if depth <= 1 => self.tar(file, &mut reader),
            (_, Role::Ignored) => {
                self.ignored.push(file.into());
                Ok(())
            }
            (Content::Pickle, Role::Batch { part, number, .. }) => {
                self.pickled_batch(file, size, &mut reader, part, number)
            }
            (_, Role::Batch { part, number, kind }) => {
                self.binary_batch(file, size, &mut reader, (part, number, kind))
            }
            (Content::Pickle, Role::NamesPickle) => self.pickled_names(file, size, &mut reader),
            (_, Role::NamesPickle) => wrong(file, "a pickle of protocol 2 to 5", describe(&head, size)),
            (_, Role::NamesText) => self.text_names(file, &mut reader),
            (_, Role::Unknown) => wrong(file, WANTED, describe(&head, size)),
        }
    }

    fn gzip(&mut self, file: &str, reader: &mut dyn Read) -> Result<()> {
        let gzip = flate2::read::MultiGzDecoder::new(reader);
        let mut unpacked = Unpacked { gzip, left: MAX_UNPACKED, failed: None };
        let result = self.read(file, None, &mut unpacked, 1);
        // To the end, for the checksum.
        let rest = if result.is_ok() { io::copy(&mut unpacked, &mut io::sink()) } else { Ok(0) };
        match (unpacked.failed, rest) {
            (Some(found), _) => wrong(file, "a whole gzip file of at most 1 GB", found),
            (None, Err(error)) => Err(unreadable(file, &error)),
            (None, Ok(_)) => result,
        }
    }

    fn tar(&mut self, archive: &str, reader: &mut dyn Read) -> Result<()> {
        let before = self.batches.len();
        let mut others = Vec::new();
        let mut tar = tar::Archive::new(reader);
        // Raw, so that no member's long name is read into memory; those that matter have short ones.
        let entries = tar.entries().map_err(|error| unreadable(archive, &error))?.raw(true);
        for entry in entries {
            let mut entry = entry.map_err(|error| unreadable(archive, &error))?;
            if !entry.header().entry_type().is_file() {
                continue;
            }
            let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            let member = format!("{}/{}", base_name(archive), base_name(&path));
            if Role::of(&path) == Role::Unknown {
                others.push(path);
                continue;
            }
            let size = entry.header().entry_size().map_err(|error| unreadable(&member, &error))?;
            self.read(&member, Some(size), &mut entry, 2)?;
        }
        if self.batches.len() > before {
            return Ok(());
        }
        let found = match others.first() {
            Some(first) => format!("an archive of {} other files ({first}, ...)", others.len()),
            None => "an archive without any batch".into(),
        };
        wrong(archive, WANTED, found)
    }

    /// The data set of everything that was read, its batches in the order of their numbers. Without a test
    /// batch the last tenth of the training images becomes the test set; a note says so.
    ///
    /// # Errors
    /// [`Error::Data`] if no training batch was read, or the class names do not match the labels.
    pub fn finish(mut self) -> Result<Dataset> {
        let Some((kind, file)) = self.kind.take() else {
            let found = match self.ignored.first() {
                Some(file) => format!("only {file}"),
                None => "nothing".into(),
            };
            return wrong("no data set", WANTED, found);
        };
        if self.train.is_empty() {
            return wrong(&file, "a training batch beside it", "only a test batch");
        }
        self.sort(Part::Train);
        self.sort(Part::Test);
        let classes = self.class_names(kind)?;
        let mut notes = Vec::new();
        let numbers: Vec<String> =
            self.batches.iter().filter(|b| b.part == Part::Train).map(|b| b.number.to_string()).collect();
        if kind == DatasetKind::Cifar10 && numbers.join("") != "12345" {
            notes.push(format!("Training batches read: {} (the full set has 1 to 5).", numbers.join(", ")));
        }
        let all = self.train.len();
        if self.test.is_empty() {
            if all < 2 {
                return wrong(
                    &file,
                    "a test batch, or two training images to hold one out",
                    "one image in all",
                );
            }
            let held_out = (all / 10).max(1);
            self.test.labels = self.train.labels.split_off(all - held_out);
            self.test.images = self.train.images.split_off((all - held_out) * IMAGE_BYTES);
            notes.push(format!(
                "No test batch: the last {held_out} of {all} training images are the test set."
            ));
        }
        // Five batches are made room for at the first.
        self.train.images.shrink_to_fit();
        let mut dataset = Dataset::new(kind, kind.label(), classes, self.train, self.test)?;
        dataset.notes = notes;
        Ok(dataset)
    }

    /// Puts the batches of a split in the order of their numbers, in place.
    fn sort(&mut self, part: Part) {
        let (mut batches, others): (Vec<Batch>, _) =
            std::mem::take(&mut self.batches).into_iter().partition(|batch| batch.part == part);
        let split = self.split(part);
        let mut start = 0;
        for i in 0..batches.len() {
            let numbers = batches[i..].iter().enumerate();
            let next = i + numbers.min_by_key(|(_, batch)| batch.number).map_or(0, |(at, _)| at);
            let before: usize = batches[i..next].iter().map(|batch| batch.images).sum();
            let images = batches[next].images;
            let end = start + before + images;
            split.labels[start..end].rotate_right(images);
            split.images[start * IMAGE_BYTES..end * IMAGE_BYTES].rotate_right(images * IMAGE_BYTES);
            batches[i..=next].rotate_right(1);
            start += images;
        }
        batches.extend(others);
        self.batches = batches;
    }

    /// The names that came with the data, or the official ones.
    fn class_names(&mut self, kind: DatasetKind) -> Result<Vec<String>> {
        let official = kind.class_names();
        match self.names.take() {
            Some((names, file)) if names.len() != official.len() => {
                let expected = format!("{} names for {}", official.len(), kind.label());
                wrong(&file, expected, format!("{} names", names.len()))
            }
            Some((names, _)) => Ok(names),
            None => Ok(official.iter().map(|&name| name.into()).collect()),
        }
    }
}

/// What a file that cannot be used looks like.
fn describe(head: &[u8], size: Option<u64>) -> String {
    let format = match head {
        [] => "an empty file".into(),
        [b'P', b'K', 3, 4, ..] => "a zip archive".into(),
        [0x89, b'P', b'N', b'G', ..] => "a PNG image".into(),
        [0xff, 0xd8, 0xff, ..] => "a JPEG image".into(),
        [0x1f, 0x8b, ..] => "a gzip file inside an archive".into(),
        [0x80, 2..=5, ..] => "a pickle of another name".into(),
        _ => format!("a file that begins with \"{}\"", head[..head.len().min(8)].escape_ascii()),
    };
    match size {
        Some(size) if size > 0 => format!("{format} ({size} bytes)"),
        _ => format,
    }
}
