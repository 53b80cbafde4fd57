//! A data set of arrays: which are images, which their labels, and which part of the set each is.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::arrays::Array;
use super::dataset::{Dataset, DatasetKind, Split};
use super::folders::natural;
use super::images;
use super::input::wrong;
use super::labels::stem;
use super::pictures::{most, sampled};
use super::share::{Share, settle};
use crate::{Error, Result};

/// Bytes of all arrays of images together, as they lie in their files.
const MAX_HELD: u64 = 2 << 30;

/// Images or labels, with what is known of where they come from.
struct Part {
    /// For messages.
    name: String,
    /// The file, and the key in it.
    file: String,
    key: String,
    content: Content,
}

enum Content {
    Images(Array),
    Labels(Vec<i64>),
    /// Labels by the names of their classes.
    Names(Vec<String>),
}

/// Gathers arrays.
#[derive(Default)]
pub(super) struct Pairs {
    parts: Vec<Part>,
    /// Names of the classes, where something tells them.
    pub classes: Option<Vec<String>>,
    /// Texts that may be these names.
    named: Vec<Vec<String>>,
    /// Bytes of images so far.
    held: u64,
}

/// Keys of labels, those that are taken before others first.
const LABELS: [&str; 6] = ["fine_labels", "labels", "label", "y", "targets", "target"];

impl Pairs {
    /// Adds an array; what is neither images nor labels is passed over.
    ///
    /// # Errors
    /// [`crate::Error::Data`] for more than [`MAX_HELD`] bytes of images.
    pub fn add(&mut self, file: &str, key: &str, array: Array) -> Result<()> {
        let name = if key.is_empty() { file.to_owned() } else { format!("{file}, {key}") };
        let content = match array.labels() {
            Some(labels) => Content::Labels(labels),
            None if array.count() > 0 => Content::Images(array),
            None => return Ok(()),
        };
        if let Content::Images(images) = &content {
            self.held += images.bytes.len() as u64;
            if self.held > MAX_HELD {
                return wrong(&name, format!("at most {} GB of arrays", MAX_HELD >> 30), "more");
            }
        }
        let (file, key) = (file.to_owned(), key.to_ascii_lowercase());
        self.parts.push(Part { name, file, key, content });
        Ok(())
    }

    /// Adds an array of texts: labels by name where some are alike, else names of classes where it is called so; others are
    /// passed over.
    pub fn add_texts(&mut self, file: &str, texts: Vec<String>) {
        let distinct = texts.iter().collect::<HashSet<_>>().len();
        let key = stem(file).to_ascii_lowercase();
        if distinct > images::MAX_CLASSES {
            return;
        }
        if distinct < texts.len() {
            let content = Content::Names(texts);
            self.parts.push(Part { name: file.to_owned(), file: file.to_owned(), key, content });
        } else if ["name", "class", "categor", "label"].iter().any(|word| key.contains(word)) {
            self.named.push(texts);
        }
    }

    /// Labels by name become numbers: the places of their classes.
    fn number_names(&mut self, used: &HashSet<usize>) {
        let of = |(at, part): (usize, &Part)| match &part.content {
            Content::Names(names) if used.contains(&at) => names.clone(),
            _ => Vec::new(),
        };
        let names: BTreeSet<String> = self.parts.iter().enumerate().flat_map(of).collect();
        let mut names: Vec<String> = names.into_iter().collect();
        names.sort_by_cached_key(|name| natural(name));
        let numbers: HashMap<&str, i64> =
            names.iter().enumerate().map(|(at, name)| (name.as_str(), at as i64)).collect();
        for part in &mut self.parts {
            if let Content::Names(texts) = &part.content {
                let labels = texts.iter().map(|text| numbers.get(text.as_str()).copied().unwrap_or(-1));
                part.content = Content::Labels(labels.collect());
            }
        }
        if !names.is_empty() {
            self.classes = Some(names);
        }
    }

    /// Whether there are images.
    pub fn has_images(&self) -> bool {
        self.held > 0
    }

    /// The labels that go with images: as many, of the same part, from the same file if it has some.
    fn labels_of(&self, images: &Part, count: usize, used: &HashSet<usize>) -> Option<usize> {
        let share = images.share();
        let fits = |(_, part): &(usize, &Part)| {
            let labels = match &part.content {
                Content::Images(_) => None,
                Content::Labels(labels) => Some(labels.len()),
                Content::Names(names) => Some(names.len()),
            };
            labels == Some(count) && part.share() == share
        };
        let alike =
            |part: &Part| part.name.bytes().zip(images.name.bytes()).take_while(|(a, b)| a == b).count();
        let rank = |(at, part): &(usize, &Part)| {
            let key = LABELS.iter().position(|known| *known == part.key).unwrap_or(LABELS.len());
            (part.file != images.file, used.contains(at), key, usize::MAX - alike(part))
        };
        self.parts.iter().enumerate().filter(fits).min_by_key(rank).map(|(at, _)| at)
    }

    /// The data set, of at most so many bytes, or a `sample` of so many images. Each array is let go as its images are made.
    ///
    /// # Errors
    /// [`crate::Error::Data`] where images have no labels, labels no class, or as [`Array::images`]; [`crate::Error::Room`] for
    /// more images than there is room for.
    pub fn finish(mut self, name: &str, room: Option<usize>, sample: Option<usize>) -> Result<Dataset> {
        let (mut used, mut pairs, mut without) = (HashSet::new(), Vec::new(), Vec::new());
        for at in 0..self.parts.len() {
            let part = &self.parts[at];
            let Content::Images(images) = &part.content else { continue };
            let count = images.count();
            match self.labels_of(part, count, &used) {
                Some(labels) => {
                    used.insert(labels);
                    pairs.push(Some((part.share().unwrap_or(Share::Train), (at, labels))));
                }
                None => without.push(format!("{} ({count} images)", part.name)),
            }
        }
        if pairs.is_empty() {
            let found = match without.first() {
                Some(first) => format!("{first} without"),
                None => "labels alone".into(),
            };
            return wrong(name, "images with labels, one each", found);
        }
        self.number_names(&used);
        let found: usize = pairs.iter().flatten().map(|(_, (_, labels))| self.labels(*labels).len()).sum();
        let there: HashSet<Share> = pairs.iter().flatten().map(|(share, _)| *share).collect();
        settle(&mut pairs, &there);
        let values: BTreeSet<i64> =
            pairs.iter().flatten().flat_map(|(_, (_, labels))| self.labels(*labels)).copied().collect();
        // One an image is none a class.
        let named = self.named.drain(..).find(|names| names.len() < found);
        let classes = self.classes.take().or(named);
        let Classes { first, names, values } = Classes::of(name, &values, classes)?;
        let number = |value: &i64| match &values {
            Some(values) => values.binary_search(value).unwrap_or(0) as u16,
            None => (value - first) as u16,
        };
        let most = most(room);
        let mut picked: Option<Vec<Vec<usize>>> = None;
        if let Some(sample) = sample.filter(|&sample| sample < found) {
            let images = pairs.iter().flatten().enumerate().flat_map(|(pair, (share, (_, labels)))| {
                let labels = self.labels(*labels).iter().enumerate();
                labels.map(move |(image, label)| (*share, *label, pair, image))
            });
            let of_pair = picked.insert(vec![Vec::new(); pairs.len()]);
            for (_, _, pair, image) in sampled(images.collect(), |image| (image.0, image.1), sample.min(most))
            {
                of_pair[pair].push(image);
            }
        }
        let taken = picked.as_ref().map_or(found, |picked| picked.iter().map(Vec::len).sum());
        if taken > most {
            return Err(Error::Room { name: name.into(), most, found: taken });
        }
        let (mut train, mut test) = (Split::default(), Split::default());
        for (pair, (share, (at, labels))) in pairs.iter().flatten().enumerate() {
            let picked = picked.as_ref().map(|picked| picked[pair].as_slice());
            let split = if *share == Share::Test { &mut test } else { &mut train };
            let labels = self.labels(*labels);
            match picked {
                Some(picked) => split.labels.extend(picked.iter().map(|&image| number(&labels[image]))),
                None => split.labels.extend(labels.iter().map(number)),
            }
            let part = &mut self.parts[*at];
            // What is left is labels of nothing.
            let Content::Images(array) = std::mem::replace(&mut part.content, Content::Labels(Vec::new()))
            else {
                continue;
            };
            let images = array.images(&part.name, picked)?;
            if split.images.is_empty() {
                split.images = images;
            } else {
                split
                    .images
                    .try_reserve_exact(images.len())
                    .or_else(|_| wrong(name, "memory for its images", "too little"))?;
                split.images.extend_from_slice(&images);
            }
        }
        let mut notes = Vec::new();
        if taken < found {
            notes.push(format!("A sample of {taken} of {found} images."));
        }
        if there.contains(&Share::Validation) {
            notes.push(if there.contains(&Share::Test) {
                "Its validation images join the training images.".to_owned()
            } else {
                "Its validation images are the test set.".to_owned()
            });
        }
        if !without.is_empty() {
            notes.push(format!("Left out, without labels: {}.", without.join(", ")));
        }
        // Only test images were dropped.
        if train.is_empty() {
            std::mem::swap(&mut train, &mut test);
        }
        let mut dataset = if test.is_empty() {
            images::from_planes(name, names, train.images, train.labels, images::SEED)?
        } else {
            Dataset::new(DatasetKind::Images, name, names, train, test)?
        };
        dataset.notes.splice(0..0, notes);
        Ok(dataset)
    }

    fn labels(&self, at: usize) -> &[i64] {
        match &self.parts[at].content {
            Content::Labels(labels) => labels,
            Content::Images(_) | Content::Names(_) => &[],
        }
    }
}

impl Part {
    fn share(&self) -> Option<Share> {
        Share::in_name(&self.key).or_else(|| Share::in_name(self.file.rsplit('/').next().unwrap_or("")))
    }
}

/// What labels mean.
struct Classes {
    names: Vec<String>,
    /// The label of the first class, where they count up.
    first: i64,
    /// All labels, where they do not.
    values: Option<Vec<i64>>,
}

impl Classes {
    fn of(file: &str, values: &BTreeSet<i64>, names: Option<Vec<String>>) -> Result<Self> {
        let (Some(&least), Some(&most)) = (values.first(), values.last()) else {
            return wrong(file, "at least one label", "none");
        };
        if let Some(names) = names {
            let count = names.len() as i64;
            // Some count their classes from 1.
            let first = i64::from(least == 1 && most == count);
            if least >= first && most - first < count {
                return Ok(Self { names, first, values: None });
            }
        }
        let first = if least == 1 { 1 } else { least.min(0) };
        let span = most.saturating_sub(first).saturating_add(1);
        let several = values.len() as i64;
        if span <= 2 * several && span <= images::MAX_CLASSES as i64 {
            return Ok(Self {
                names: (first..=most).map(|value| value.to_string()).collect(),
                first,
                values: None,
            });
        }
        if values.len() > images::MAX_CLASSES {
            let expected = format!("at most {} classes", images::MAX_CLASSES);
            return wrong(file, expected, format!("{} different labels", values.len()));
        }
        let values: Vec<i64> = values.iter().copied().collect();
        Ok(Self { names: values.iter().map(i64::to_string).collect(), first: 0, values: Some(values) })
    }
}
