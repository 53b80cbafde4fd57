//! Reads one file of a data set: binary records, pickled batches, names of classes. What is in it goes into a [`Sink`].

use std::io::Read;

use super::dataset::{DatasetKind, IMAGE_BYTES, MAX_IMAGES};
use super::input::{fill, unreadable, wrong};
use super::left_out::few;
use super::pickle::{Corrupt, Pickle};
use super::roles::Part;
use crate::{Error, Result};

/// Bytes of a list of class names.
const MAX_NAMES: u64 = 16 << 10;

/// What a batch of images is, and the file that it comes from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Source<'a> {
    pub file: &'a str,
    pub part: Part,
    pub number: u32,
    pub kind: DatasetKind,
}

/// Where readers put what they find. A reader that fails has left a part of its batch there.
pub(super) trait Sink {
    /// Refuses a batch that does not go with those before it; asked before its images are read.
    fn expect(&self, batch: Source) -> Result<()>;

    /// Makes room for images of a batch before they are pushed: all of it, or the next piece where their number is not
    /// known.
    fn reserve(&mut self, batch: Source, images: usize, whole: bool) -> Result<()>;

    /// Adds an image, `[3][SIDE][SIDE]` bytes, for which there is room.
    fn push(&mut self, part: Part, label: u16, pixels: &[u8]);

    /// Adds all images of a batch at once.
    fn take(&mut self, batch: Source, labels: Vec<u16>, images: Vec<u8>) -> Result<()>;

    /// The batch is complete.
    fn accept(&mut self, batch: Source, images: usize);

    /// Names of the classes, in the order of their labels.
    fn names(&mut self, file: &str, names: Vec<String>);
}

impl Corrupt {
    /// As an error of a file.
    pub(super) fn of(self, file: &str) -> Error {
        Error::Data { file: file.into(), expected: self.0.into(), found: self.1 }
    }
}

/// Records of labels and pixels, one after the other.
pub(super) fn binary_batch(
    sink: &mut dyn Sink,
    batch: Source,
    size: Option<u64>,
    reader: &mut dyn Read,
) -> Result<()> {
    let Source { file, part, kind, .. } = batch;
    sink.expect(batch)?;
    let record = kind.record_bytes();
    let limits = kind.label_limits();
    let expected = || {
        let labels = if limits.len() == 1 { "1 label" } else { "2 labels" };
        let kind = kind.label();
        format!("a pickle, or whole {kind} records of {record} bytes ({labels}, {IMAGE_BYTES} pixels)")
    };
    if let Some(size) = size {
        if size == 0 || size % record as u64 != 0 {
            return wrong(file, expected(), format!("{size} bytes"));
        }
        let images = usize::try_from(size / record as u64).unwrap_or(usize::MAX).min(MAX_IMAGES + 1);
        sink.reserve(batch, images, true)?;
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
            sink.reserve(batch, filled / record, false)?;
        }
        for record in records {
            let (labels, pixels) = record.split_at(limits.len());
            if let Some((label, limit)) = labels.iter().zip(limits).find(|(label, limit)| label >= limit) {
                let found = format!("label {label} in record {}", images + 1);
                return wrong(file, format!("{} labels from 0 to {}", kind.label(), limit - 1), found);
            }
            sink.push(part, labels[labels.len() - 1].into(), pixels);
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
    sink.accept(batch, images);
    Ok(())
}

/// Pickled labels and pixels: a dictionary, of whose keys the kind of `batch` shows, or a pair.
pub(super) fn pickled_batch(
    sink: &mut dyn Sink,
    batch: Source,
    size: Option<u64>,
    reader: &mut dyn Read,
) -> Result<()> {
    let file = batch.file;
    let corrupt = |corrupt: Corrupt| corrupt.of(file);
    let mut pickle = Pickle::read(reader, size).map_err(corrupt)?;
    let parts = pickle.parts();
    let at = |wanted: &str| parts.iter().find(|(key, _)| key == wanted).map(|(_, part)| *part);
    // Without keys, (images, labels).
    let pair = match parts.as_slice() {
        [(x, first), (y, second)] if x.is_empty() && y.is_empty() => Some((*first, *second)),
        _ => None,
    };
    let (kind, data, labels) = match (at("data"), at("labels"), at("fine_labels"), pair) {
        (Some(data), None, Some(labels), _) => (DatasetKind::Cifar100, data, labels),
        (Some(data), Some(labels), None, _) | (None, None, None, Some((data, labels))) => {
            (DatasetKind::Cifar10, data, labels)
        }
        _ => {
            let expected = "a pickled dictionary with data and labels (CIFAR-10) or fine_labels (CIFAR-100)";
            let keys: Vec<&str> =
                parts.iter().map(|(key, _)| key.as_str()).filter(|key| !key.is_empty()).collect();
            let of = if keys.is_empty() { String::new() } else { format!(" with {}", few(&keys)) };
            return wrong(file, expected, format!("{}{of}", pickle.describe()));
        }
    };
    let batch = Source { kind, ..batch };
    sink.expect(batch)?;
    let classes = kind.class_names().len();
    let labels = pickle.numbers(labels, MAX_IMAGES).map_err(corrupt)?.and_then(|labels| labels.labels());
    let images = pickle.numbers(data, 0).map_err(corrupt)?;
    drop(pickle);
    let (Some(labels), Some(images)) = (labels, images) else {
        return wrong(file, "an array of images and whole numbers as labels", "something else");
    };
    let shape = images.shape.clone();
    let images = images.images(file, None)?;
    if labels.is_empty() || images.len() != labels.len() * IMAGE_BYTES {
        let expected = format!("data of {} images, one a label", labels.len().max(1));
        return wrong(file, expected, format!("shape {shape:?}"));
    }
    if let Some(at) = labels.iter().position(|label| !(0..classes as i64).contains(label)) {
        let found = format!("label {} of image {}", labels[at], at + 1);
        return wrong(file, format!("{} labels from 0 to {}", kind.label(), classes - 1), found);
    }
    let count = labels.len();
    sink.take(batch, labels.into_iter().map(|label| label as u16).collect(), images)?;
    sink.accept(batch, count);
    Ok(())
}

/// Class names, a line each.
pub(super) fn text_names(sink: &mut dyn Sink, file: &str, reader: &mut dyn Read) -> Result<()> {
    let mut text = Vec::new();
    reader.take(MAX_NAMES + 1).read_to_end(&mut text).map_err(|error| unreadable(file, &error))?;
    let text = match String::from_utf8(text) {
        Ok(text) if text.len() as u64 <= MAX_NAMES => text,
        _ => return wrong(file, "a list of class names", "more than 16 KB, or no text"),
    };
    let names = text.lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty());
    sink.names(file, names.collect());
    Ok(())
}

/// Class names in a pickled dictionary.
pub(super) fn pickled_names(
    sink: &mut dyn Sink,
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
    sink.names(file, pickle.texts(names).map_err(corrupt)?);
    Ok(())
}
