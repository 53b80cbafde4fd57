//! Puts the batches of CIFAR-10 and CIFAR-100 together, binary or pickled ones.

use std::io::Read;

use super::dataset::{BYTES_PER_IMAGE, Dataset, DatasetKind, IMAGE_BYTES, MAX_IMAGES, Split};
use super::input::wrong;
use super::readers::{self, Sink, Source};
use super::recognise::Content;
use super::roles::{CIFAR10_BATCH, Part, Role};
use crate::Result;

/// Collects batches and makes a [`Dataset`] of them. Where a file fails nothing of it is of use any more.
///
/// Images are held once: they are read into their final place, and the batches put in order there at the end.
#[derive(Debug, Default)]
pub(super) struct Loader {
    /// The kind, once a batch was read, and the file that showed it.
    kind: Option<(DatasetKind, String)>,
    train: Split,
    test: Split,
    batches: Vec<Batch>,
    /// Names of the classes and the file that had them.
    names: Option<(Vec<String>, String)>,
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

    /// Reads one file, as what its name says that it is.
    ///
    /// # Errors
    /// [`crate::Error::Data`] if it is cut short or corrupt; if another one was read as the same batch; if it belongs to another
    /// data set than the files before it; or if there is no memory for its images.
    pub fn add(
        &mut self,
        file: &str,
        role: Role,
        content: Content,
        size: Option<u64>,
        reader: &mut dyn Read,
    ) -> Result<()> {
        match role {
            Role::Batch { part, number, kind } => {
                let batch = Source { file, part, number, kind };
                let read =
                    if content == Content::Pickle { readers::pickled_batch } else { readers::binary_batch };
                let before =
                    self.batches.iter().position(|batch| (batch.part, batch.number) == (part, number));
                match before {
                    None => read(self, batch, size, reader),
                    Some(before) => {
                        // An archive beside its unpacked folder: the same bytes are taken once.
                        let mut copy = Self { room: self.room, ..Self::default() };
                        read(&mut copy, batch, size, reader)?;
                        if self.holds(before, &copy) {
                            return Ok(());
                        }
                        let found = format!("another than {}", self.batches[before].file);
                        wrong(file, "every batch once", found)
                    }
                }
            }
            Role::NamesPickle if content == Content::Pickle => {
                readers::pickled_names(self, file, size, reader)
            }
            Role::NamesText => readers::text_names(self, file, reader),
            // A file of that name in any folder: nothing is lost without it.
            _ => Ok(()),
        }
    }

    /// Whether the only batch of `other` is what was read as the batch number `at`.
    fn holds(&self, at: usize, other: &Self) -> bool {
        let batch = &self.batches[at];
        let before = self.batches[..at].iter().filter(|before| before.part == batch.part);
        let start: usize = before.map(|before| before.images).sum();
        let images = start..start + batch.images;
        let (split, copy) = match batch.part {
            Part::Train => (&self.train, &other.train),
            Part::Test => (&self.test, &other.test),
        };
        split.labels[images.clone()] == copy.labels
            && split.images[images.start * IMAGE_BYTES..images.end * IMAGE_BYTES] == copy.images
    }

    /// The data set of everything that was read, its batches in the order of their numbers. Without a test
    /// batch the last tenth of the training images becomes the test set; a note says so.
    ///
    /// # Errors
    /// [`crate::Error::Data`] if no training batch was read, the class names do not match the labels, or there is no memory to
    /// hold images out.
    pub fn finish(mut self) -> Result<Dataset> {
        let Some((kind, file)) = self.kind.take() else {
            return wrong("no data set", "a batch of CIFAR-10 or CIFAR-100", "nothing");
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
        let Source { file, kind, .. } = batch;
        if let Some((before, by)) = &self.kind
            && *before != kind
        {
            return wrong(file, format!("{} as in {by}", before.label()), kind.label());
        }
        Ok(())
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
