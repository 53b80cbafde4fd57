//! Reads one file of a data set into a [`Loader`]: binary records, pickled batches, names of classes.

use super::cifar::{CIFAR10_BATCH, Part};
use super::loader::{Batch, Loader};
use super::pickle::{Corrupt, Pickle};
use super::{DatasetKind, IMAGE_BYTES, Split};
use crate::{Error, Result};
use std::io::{self, Read};

/// Images that a data set may have: 307 MB.
pub const MAX_IMAGES: usize = 100_000;
/// Bytes of a list of class names.
const MAX_NAMES: u64 = 16 << 10;

/// How an error of reading reads.
pub(super) fn describe_io(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => "its end in the middle".into(),
        _ => error.to_string(),
    }
}

pub(super) fn wrong<T>(file: &str, expected: impl Into<String>, found: impl Into<String>) -> Result<T> {
    Err(Error::Data { file: file.into(), expected: expected.into(), found: found.into() })
}

/// An error of reading as an error of the file.
pub(super) fn unreadable(file: &str, error: &io::Error) -> Error {
    Error::Data { file: file.into(), expected: "a readable file".into(), found: describe_io(error) }
}

impl Corrupt {
    fn of(self, file: &str) -> Error {
        Error::Data { file: file.into(), expected: self.0.into(), found: self.1 }
    }
}

impl Loader {
    pub(super) fn split(&mut self, part: Part) -> &mut Split {
        match part {
            Part::Train => &mut self.train,
            Part::Test => &mut self.test,
        }
    }

    /// Accepts a batch by its place, before its images are read.
    fn expect(&self, file: &str, part: Part, number: u32, kind: DatasetKind) -> Result<()> {
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

    /// Makes room for a batch of `images`; exactly, since doubling a data set would not fit into a tab.
    /// Where a batch comes in pieces, of unknown number, `piece` is set.
    fn reserve(
        &mut self,
        file: &str,
        part: Part,
        kind: DatasetKind,
        images: usize,
        piece: bool,
    ) -> Result<()> {
        let total = self.train.len() + self.test.len() + images;
        if total > MAX_IMAGES {
            return wrong(file, format!("at most {MAX_IMAGES} images in all"), format!("{total}"));
        }
        let split = self.split(part);
        let official = kind == DatasetKind::Cifar10 && part == Part::Train && images == CIFAR10_BATCH;
        let images = if official && split.is_empty() { 5 * images } else { images };
        let bytes = images * IMAGE_BYTES;
        let room =
            if piece { split.images.try_reserve(bytes) } else { split.images.try_reserve_exact(bytes) };
        match room {
            Ok(()) => Ok(()),
            Err(_) => wrong(file, format!("memory for {images} images"), "too little"),
        }
    }

    fn accept(&mut self, file: &str, part: Part, number: u32, kind: DatasetKind, images: usize) {
        self.kind.get_or_insert_with(|| (kind, file.into()));
        self.batches.push(Batch { part, number, images, file: file.into() });
    }

    pub(super) fn binary_batch(
        &mut self,
        file: &str,
        size: Option<u64>,
        reader: &mut dyn Read,
        (part, number, kind): (Part, u32, DatasetKind),
    ) -> Result<()> {
        self.expect(file, part, number, kind)?;
        let record = kind.record_bytes();
        let limits = kind.label_limits();
        let expected = || {
            let labels = if limits.len() == 1 { "1 label" } else { "2 labels" };
            format!("a pickle, or whole {} records of {record} bytes ({labels}, 3072 pixels)", kind.label())
        };
        if let Some(size) = size {
            if size == 0 || size % record as u64 != 0 {
                return wrong(file, expected(), format!("{size} bytes"));
            }
            let images = usize::try_from(size / record as u64).unwrap_or(usize::MAX).min(MAX_IMAGES + 1);
            self.reserve(file, part, kind, images, false)?;
        }
        let mut buffer = vec![0; 16 * record];
        let (mut images, mut bytes) = (0, 0);
        loop {
            let filled = fill(reader, &mut buffer).map_err(|error| unreadable(file, &error))?;
            bytes += filled;
            let records = buffer[..filled].chunks_exact(record);
            if !records.remainder().is_empty() {
                return wrong(file, expected(), format!("{bytes} bytes"));
            }
            if size.is_none() {
                self.reserve(file, part, kind, filled / record, true)?;
            }
            for record in records {
                let (labels, pixels) = record.split_at(limits.len());
                if let Some((label, limit)) = labels.iter().zip(limits).find(|(label, limit)| label >= limit)
                {
                    let found = format!("label {label} in record {}", images + 1);
                    return wrong(file, format!("{} labels from 0 to {}", kind.label(), limit - 1), found);
                }
                let split = self.split(part);
                split.labels.push(labels[labels.len() - 1]);
                split.images.extend_from_slice(pixels);
                images += 1;
            }
            if filled < buffer.len() {
                break;
            }
        }
        if images == 0 || size.is_some_and(|size| size != bytes as u64) {
            let announced = size.map_or_else(expected, |size| format!("{size} bytes"));
            return wrong(file, announced, format!("its end after {bytes} bytes"));
        }
        self.accept(file, part, number, kind, images);
        Ok(())
    }

    pub(super) fn pickled_batch(
        &mut self,
        file: &str,
        size: Option<u64>,
        reader: &mut dyn Read,
        part: Part,
        number: u32,
    ) -> Result<()> {
        let mut pickle = Pickle::read(reader, size).map_err(|corrupt| corrupt.of(file))?;
        let get = |key: &str| pickle.get(key).map_err(|corrupt| corrupt.of(file));
        let (kind, labels) = match (get("labels")?, get("fine_labels")?) {
            (Some(labels), None) => (DatasetKind::Cifar10, labels),
            (None, Some(labels)) => (DatasetKind::Cifar100, labels),
            _ => {
                return wrong(
                    file,
                    "a dictionary with labels (CIFAR-10) or fine_labels (CIFAR-100)",
                    "another",
                );
            }
        };
        let Some(data) = get("data")? else {
            return wrong(file, "a dictionary with data", "one without");
        };
        self.expect(file, part, number, kind)?;
        let classes = kind.class_names().len();
        let labels = pickle.integers(labels).map_err(|corrupt| corrupt.of(file))?;
        let (shape, mut images) = pickle.take_bytes(data).map_err(|corrupt| corrupt.of(file))?;
        drop(pickle);
        if labels.is_empty()
            || shape.first() != Some(&labels.len())
            || images.len() != labels.len() * IMAGE_BYTES
        {
            let expected = format!("data of shape [{}, 3072], one row a label", labels.len().max(1));
            return wrong(file, expected, format!("shape {shape:?}"));
        }
        if let Some(at) = labels.iter().position(|label| !(0..classes as i64).contains(label)) {
            let found = format!("label {} of image {}", labels[at], at + 1);
            return wrong(file, format!("{} labels from 0 to {}", kind.label(), classes - 1), found);
        }
        if kind == DatasetKind::Cifar100
            && self.split(part).images.capacity() == 0
            && labels.len() <= MAX_IMAGES / 2
        {
            // The only batch of its split: its 153 MB move.
            self.split(part).images = images;
        } else {
            self.reserve(file, part, kind, labels.len(), false)?;
            self.split(part).images.append(&mut images);
        }
        self.split(part).labels.extend(labels.iter().map(|&label| label as u8));
        self.accept(file, part, number, kind, labels.len());
        Ok(())
    }

    /// Class names, a line each.
    pub(super) fn text_names(&mut self, file: &str, reader: &mut dyn Read) -> Result<()> {
        let mut text = Vec::new();
        reader.take(MAX_NAMES + 1).read_to_end(&mut text).map_err(|error| unreadable(file, &error))?;
        let text = match String::from_utf8(text) {
            Ok(text) if text.len() as u64 <= MAX_NAMES => text,
            _ => return wrong(file, "a list of class names", "more than 16 KB, or no text"),
        };
        let names = text.lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty());
        self.names = Some((names.collect(), file.into()));
        Ok(())
    }

    /// Class names in a pickled dictionary.
    pub(super) fn pickled_names(
        &mut self,
        file: &str,
        size: Option<u64>,
        reader: &mut dyn Read,
    ) -> Result<()> {
        let corrupt = |corrupt: Corrupt| corrupt.of(file);
        let pickle = Pickle::read(&mut reader.take(MAX_NAMES), size).map_err(corrupt)?;
        let (ten, hundred) = (pickle.get("label_names"), pickle.get("fine_label_names"));
        let Some(names) = ten.map_err(corrupt)?.or(hundred.map_err(corrupt)?) else {
            return wrong(file, "a dictionary with label_names or fine_label_names", "one without");
        };
        self.names = Some((pickle.texts(names).map_err(corrupt)?, file.into()));
        Ok(())
    }
}

/// Reads until the buffer is full or the input ends; the bytes read.
pub(super) fn fill(reader: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match reader.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
