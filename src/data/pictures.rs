//! A set of pictures while they are decoded, each into its place.

use std::collections::HashMap;

use super::dataset::{BYTES_PER_IMAGE, Dataset, DatasetKind, IMAGE_BYTES, MAX_IMAGES, Split};
use super::images::{self, MAX_CLASSES, MIN_IMAGES};
use super::input::wrong;
use super::left_out::{LeftOut, few, sentences};
use super::recognise::{Content, is_too_large, too_large};
use super::share::Share;
use crate::{Error, Result};

/// A picture's place in the set.
#[derive(Debug, Clone)]
pub(super) struct Slot {
    pub path: String,
    pub share: Share,
    pub class: u16,
    /// Which file it is: whatever counts them.
    pub at: usize,
}

/// Who decodes pictures, for messages, and what it knows.
#[derive(Debug, Clone, Copy)]
pub struct Decoder {
    /// As in "which ... cannot read".
    pub name: &'static str,
}

pub(super) struct Places {
    name: String,
    classes: Vec<String>,
    how: String,
    slots: Vec<Slot>,
    refused: HashMap<usize, String>,
    filled: Vec<bool>,
    images: Vec<u8>,
    pub left_out: Vec<LeftOut>,
}

/// The largest number of images that there may be.
pub(super) fn most(room: Option<usize>) -> usize {
    room.map_or(MAX_IMAGES, |room| (room / BYTES_PER_IMAGE).min(MAX_IMAGES))
}

impl Places {
    /// Takes memory for all pictures, those of the training part first, class by class. With a `sample` of so many, only each
    /// so-manieth of a class is taken.
    ///
    /// # Errors
    /// [`crate::Error::Data`] for more than there may be, where there is no memory for them, and for too many classes.
    pub fn new(
        name: String,
        classes: Vec<String>,
        how: String,
        mut slots: Vec<Slot>,
        room: Option<usize>,
        sample: Option<usize>,
    ) -> Result<Self> {
        if classes.len() > MAX_CLASSES {
            return wrong(&name, format!("at most {MAX_CLASSES} classes"), classes.len().to_string());
        }
        slots.sort_by_key(|slot| (slot.share, slot.class));
        let mut how = how;
        if let Some(sample) = sample.filter(|&sample| sample < slots.len()) {
            let all = slots.len();
            slots = sampled(slots, |slot| (slot.share, slot.class), sample);
            how = [how, format!("a sample of {} of {all}", slots.len())]
                .join("; ")
                .trim_start_matches("; ")
                .into();
        }
        let most = most(room);
        if slots.len() > most {
            return Err(Error::Room { name, most, found: slots.len() });
        }
        let mut images = Vec::new();
        if images.try_reserve_exact(slots.len() * IMAGE_BYTES).is_err() {
            return wrong(&name, format!("memory for {} images", slots.len()), "too little");
        }
        images.resize(slots.len() * IMAGE_BYTES, 0);
        let filled = vec![false; slots.len()];
        Ok(Self { name, classes, how, slots, refused: HashMap::new(), filled, images, left_out: Vec::new() })
    }

    pub fn len(&self) -> usize {
        self.slots.len()
    }

    pub fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// Puts an image, `[3][SIDE][SIDE]`, in its place.
    pub fn put(&mut self, slot: usize, image: &[u8]) {
        self.images[slot * IMAGE_BYTES..][..IMAGE_BYTES].copy_from_slice(image);
        self.filled[slot] = true;
    }

    /// A picture that could not be decoded, by its first bytes.
    pub fn refuse(&mut self, slot: usize, head: &[u8], decoder: Decoder) {
        let why = match Content::of(head, None) {
            _ if is_too_large(head) => too_large(),
            Content::Picture(format @ ("PNG" | "JPEG" | "GIF" | "WebP" | "BMP" | "PPM" | "PGM")) => {
                format!("damaged {format}")
            }
            Content::Picture(format) => format!("{format}, which {} cannot read", decoder.name),
            Content::Empty => "empty".into(),
            content => content.describe(head),
        };
        self.refused.insert(slot, why);
    }

    /// The set of what was decoded. Classes with too few pictures are left out, all of them named at once.
    ///
    /// # Errors
    /// [`crate::Error::Data`] where fewer than two classes are left.
    pub fn finish(mut self) -> Result<(Dataset, Vec<LeftOut>)> {
        let mut members = vec![[0usize; 2]; self.classes.len()];
        let mut all: HashMap<String, usize> = HashMap::new();
        for (at, slot) in self.slots.iter().enumerate() {
            let class = &self.classes[usize::from(slot.class)];
            *all.entry(class.clone()).or_default() += 1;
            if self.filled[at] {
                members[usize::from(slot.class)][usize::from(slot.share == Share::Test)] += 1;
                continue;
            }
            let why = self.refused.remove(&at).unwrap_or_else(|| "not read".into());
            self.left_out.push(LeftOut { path: slot.path.clone(), why, class: Some(class.clone()) });
        }
        let decoded = self.filled.iter().filter(|filled| **filled).count();
        if decoded == 0 && !self.slots.is_empty() {
            let first = &self.left_out[self.left_out.len() - self.slots.len()];
            let found = format!("none of {}: {} is {}", self.slots.len(), first.path, first.why);
            return wrong(&self.name, "pictures that can be decoded", found);
        }
        let parted = members.iter().any(|[_, test]| *test > 0);
        let fewest = if parted { 1 } else { MIN_IMAGES };
        let stays: Vec<bool> = members.iter().map(|[train, _]| *train >= fewest).collect();
        let mut numbers = vec![None; self.classes.len()];
        for (next, class) in (0..stays.len()).filter(|&class| stays[class]).enumerate() {
            numbers[class] = Some(next as u16);
        }
        let gone: Vec<String> = self
            .classes
            .iter()
            .zip(&stays)
            .filter(|(_, stays)| !**stays)
            .map(|(class, _)| class.clone())
            .collect();
        let notes = self.notes(&gone, fewest, &all);
        let classes: Vec<String> = self
            .classes
            .iter()
            .zip(&stays)
            .filter(|(_, stays)| **stays)
            .map(|(class, _)| class.clone())
            .collect();
        if classes.len() < 2 {
            let expected = format!("at least 2 classes of {fewest} or more pictures that can be read");
            let one = classes.first().map_or_else(|| "none".into(), |class| format!("one, {class}"));
            let why = sentences(&self.left_out, |class| all.get(class).copied().unwrap_or(0)).join(" ");
            return wrong(&self.name, expected, format!("{one}. {why}").trim_end_matches(['.', ' ']));
        }
        let mut dataset = self.split(classes, &numbers, parted)?;
        dataset.notes.splice(0..0, notes);
        Ok((dataset, self.left_out))
    }

    fn notes(&mut self, gone: &[String], fewest: usize, all: &HashMap<String, usize>) -> Vec<String> {
        let classes = self.classes.len() - gone.len();
        let mut said = if classes == 1 { "one class".into() } else { format!("{classes} classes") };
        if !self.how.is_empty() {
            said = format!("{said}; {}", self.how);
        }
        if !self.left_out.is_empty() {
            let files = if self.left_out.len() == 1 { "file" } else { "files" };
            said = format!("{said}; {} {files} left out", self.left_out.len());
        }
        let mut notes = vec![format!("Read as {said}.")];
        notes.extend(sentences(&self.left_out, |class| all.get(class).copied().unwrap_or(0)));
        if !gone.is_empty() {
            let few = few(gone);
            notes.push(format!(
                "Classes left out, with fewer than {fewest} pictures that can be read to train on: {few}."
            ));
        }
        notes
    }

    /// Moves the images into their splits; those of the training part stay where they are.
    fn split(&mut self, classes: Vec<String>, numbers: &[Option<u16>], parted: bool) -> Result<Dataset> {
        let mut images = std::mem::take(&mut self.images);
        let (mut labels, mut test) = (Vec::new(), Split::default());
        if parted {
            let slots = self.slots.iter().zip(&self.filled);
            let count = slots.filter(|(slot, filled)| **filled && slot.share == Share::Test).count();
            test.try_reserve(&self.name, count)?;
        }
        for (at, slot) in self.slots.iter().enumerate() {
            let Some(number) = numbers[usize::from(slot.class)].filter(|_| self.filled[at]) else { continue };
            let bytes = at * IMAGE_BYTES..(at + 1) * IMAGE_BYTES;
            if parted && slot.share == Share::Test {
                test.labels.push(number);
                test.images.extend_from_slice(&images[bytes]);
            } else {
                images.copy_within(bytes, labels.len() * IMAGE_BYTES);
                labels.push(number);
            }
        }
        images.truncate(labels.len() * IMAGE_BYTES);
        if !parted {
            return images::from_planes(&self.name, classes, images, labels, images::SEED);
        }
        Dataset::new(DatasetKind::Images, &self.name, classes, Split { images, labels }, test)
    }
}

/// About so many of all, of each kind its share, at least two, evenly through its order.
pub(super) fn sampled<T, K: Eq + std::hash::Hash>(
    all: Vec<T>,
    kind: impl Fn(&T) -> K,
    sample: usize,
) -> Vec<T> {
    let count = all.len();
    let mut sizes: HashMap<K, usize> = HashMap::new();
    for one in &all {
        *sizes.entry(kind(one)).or_default() += 1;
    }
    let mut seen: HashMap<K, usize> = HashMap::new();
    let taken = |one: &T| {
        let size = sizes[&kind(one)];
        let take = (size * sample / count).max(MIN_IMAGES).min(size);
        let at = seen.entry(kind(one)).or_default();
        // The place where the next of `take` even steps begins.
        let chosen = (*at * take).div_ceil(size) < ((*at + 1) * take).div_ceil(size);
        *at += 1;
        chosen
    };
    all.into_iter().filter(taken).collect()
}
