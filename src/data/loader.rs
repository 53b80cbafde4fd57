//! Reads CIFAR-10 and CIFAR-100 from whatever a user has of them: binary or pickled batches, one by one or as
//! the official archive.

use std::io::{self, BufReader, Read};

use super::cifar::{CIFAR10_BATCH, Part, Role, base_name};
use super::dataset::{BYTES_PER_IMAGE, Dataset, DatasetKind, IMAGE_BYTES, MAX_IMAGES, Split};
use super::input::{describe_io, unreadable, wrong};
use super::readers::{self, Sink, Source};
use crate::Result;

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
    kind: Option<(DatasetKind, String)>,
    train: Split,
    test: Split,
    batches: Vec<Batch>,
    /// Names of the classes and the file that had them.
    names: Option<(Vec<String>, String)>,
    /// The first of the files that hold nothing for us.
    ignored: Option<String>,
    /// Bytes that the images may take, where there is a limit.
    room: Option<usize>,
}

/// A run of images in one of the splits.
#[derive(Debug, Clone, PartialEq)]
struct Batch {
    part: Part,
    number: u32,
    images: usize,
    file: String,
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
            Err(error) if self.failed.is_none() => self.failed = Some(describe_io(error)),
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

    /// Lets the images take so many bytes at most, those read so far included: a file with more is refused before they are
    /// read.
    pub fn set_room(&mut self, bytes: usize) {
        self.room = Some(bytes);
    }

    /// Bytes of the images read so far.
    pub fn bytes(&self) -> usize {
        (self.train.len() + self.test.len()) * BYTES_PER_IMAGE
    }

    /// Reads one file of `size` bytes. What it is shows in its content and in the last part of its name.
    ///
    /// # Errors
    /// [`Error::Data`] if it is not a batch, an archive of batches, or one of the files that come with them;
    /// if it is cut short or corrupt; if it was read before; if it belongs to another data set than the
    /// files before it; or if there is no memory for its images.
    pub fn add(&mut self, name: &str, size: u64, reader: impl Read) -> Result<()> {
        // In a browser each read is a call of JavaScript: few large ones. The buffer cannot be refused where it is made.
        if Vec::<u8>::new().try_reserve_exact(2 * READ_BYTES).is_err() {
            return wrong(name, "memory to read it", "too little");
        }
        let mut reader = BufReader::with_capacity(READ_BYTES, reader);
        let batches = self.batches.len();
        let (kind, names, ignored) = (self.kind.clone(), self.names.clone(), self.ignored.clone());
        let result = self.read(name, Some(size), &mut reader, 0);
        if result.is_err() {
            self.batches.truncate(batches);
            (self.kind, self.names, self.ignored) = (kind, names, ignored);
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
                self.ignored.get_or_insert_with(|| file.into());
                Ok(())
            }
            (content, Role::Batch { part, number, kind }) => {
                let batch = Source { file, part, number, kind };
                let read =
                    if content == Content::Pickle { readers::pickled_batch } else { readers::binary_batch };
                read(self, batch, size, &mut reader)
            }
            (Content::Pickle, Role::NamesPickle) => readers::pickled_names(self, file, size, &mut reader),
            (_, Role::NamesPickle) => wrong(file, "a pickle of protocol 2 to 5", describe(&head, size)),
            (_, Role::NamesText) => readers::text_names(self, file, &mut reader),
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
        // Of the first only the name: an archive may have a million.
        let (mut others, mut first) = (0, None);
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
                others += 1;
                first.get_or_insert(path);
                continue;
            }
            let size = entry.header().entry_size().map_err(|error| unreadable(&member, &error))?;
            self.read(&member, Some(size), &mut entry, 2)?;
        }
        if self.batches.len() > before {
            return Ok(());
        }
        let found = match first {
            Some(first) => format!("an archive of {others} other files ({first}, ...)"),
            None => "an archive without any batch".into(),
        };
        wrong(archive, WANTED, found)
    }

    /// The data set of everything that was read, its batches in the order of their numbers. Without a test
    /// batch the last tenth of the training images becomes the test set; a note says so.
    ///
    /// # Errors
    /// [`Error::Data`] if no training batch was read, the class names do not match the labels, or there is no memory to
    /// hold images out.
    pub fn finish(mut self) -> Result<Dataset> {
        let Some((kind, file)) = self.kind.take() else {
            let found = match &self.ignored {
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
            self.test.try_reserve(&file, held_out)?;
            let left = all - held_out;
            self.test.labels.extend(self.train.labels.drain(left..));
            self.test.images.extend_from_slice(&self.train.images[left * IMAGE_BYTES..]);
            self.train.images.truncate(left * IMAGE_BYTES);
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

    /// Refuses more images than there may be, or than there is room for.
    fn check_count(&self, file: &str, images: usize) -> Result<()> {
        let before = self.train.len() + self.test.len();
        let total = before.saturating_add(images);
        if total > MAX_IMAGES {
            return wrong(file, format!("at most {MAX_IMAGES} images in all"), format!("{total}"));
        }
        match self.room.map(|room| room / BYTES_PER_IMAGE) {
            Some(most) if total > most => {
                let fit = most.saturating_sub(before);
                wrong(file, format!("memory for {images} images"), format!("room for {fit}"))
            }
            _ => Ok(()),
        }
    }

    fn split(&mut self, part: Part) -> &mut Split {
        match part {
            Part::Train => &mut self.train,
            Part::Test => &mut self.test,
        }
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

impl Sink for Loader {
    fn expect(&self, batch: Source) -> Result<()> {
        let Source { file, part, number, kind } = batch;
        if let Some((before, by)) = &self.kind
            && *before != kind
        {
            return wrong(file, format!("{} as in {by}", before.label()), kind.label());
        }
        match self.batches.iter().find(|batch| (batch.part, batch.number) == (part, number)) {
            Some(batch) => wrong(file, "every batch once", format!("the same batch as {}", batch.file)),
            None => Ok(()),
        }
    }

    fn reserve(&mut self, batch: Source, images: usize, whole: bool) -> Result<()> {
        let Source { file, part, kind, .. } = batch;
        self.check_count(file, images)?;
        let all_five = self.check_count(file, 5 * images).is_ok();
        let split = self.split(part);
        if !whole {
            // Doubling, where there is memory for it: pieces are small.
            let room = split.images.try_reserve(images * IMAGE_BYTES).is_ok()
                && split.labels.try_reserve(images).is_ok();
            return if room { Ok(()) } else { split.try_reserve(file, images) };
        }
        let official = kind == DatasetKind::Cifar10 && part == Part::Train && images == CIFAR10_BATCH;
        if official && split.is_empty() && all_five && split.try_reserve(file, 5 * images).is_ok() {
            return Ok(());
        }
        split.try_reserve(file, images)
    }

    fn push(&mut self, part: Part, label: u16, pixels: &[u8]) {
        let split = self.split(part);
        split.labels.push(label);
        split.images.extend_from_slice(pixels);
    }

    fn take(&mut self, batch: Source, labels: Vec<u16>, mut images: Vec<u8>) -> Result<()> {
        let part = batch.part;
        if batch.kind == DatasetKind::Cifar100 && self.split(part).images.capacity() == 0 {
            // The only batch of its split: its 153 MB move.
            self.check_count(batch.file, labels.len())?;
            self.split(part).images = images;
        } else {
            self.reserve(batch, labels.len(), true)?;
            self.split(part).images.append(&mut images);
        }
        self.split(part).labels.extend(labels);
        Ok(())
    }

    fn accept(&mut self, batch: Source, images: usize) {
        let Source { file, part, number, kind } = batch;
        self.kind.get_or_insert_with(|| (kind, file.into()));
        self.batches.push(Batch { part, number, images, file: file.into() });
    }

    fn names(&mut self, file: &str, names: Vec<String>) {
        self.names = Some((names, file.into()));
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
