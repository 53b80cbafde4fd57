//! Images with their labels, and what a data set is.

use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use super::crc::Crc32;
use super::normalize::Normalize;
use crate::{Error, Result};

/// Rows and columns of an image.
pub const SIDE: usize = 32;
/// Pixels of one colour plane.
pub const PLANE: usize = SIDE * SIDE;
/// Bytes of an image: the red, the green, then the blue plane, rows from the top.
pub const IMAGE_BYTES: usize = 3 * PLANE;

/// Most images that a data set read from files may have: 307 MB.
pub const MAX_IMAGES: usize = 100_000;
/// Bytes that an image takes in memory, with its label.
pub const BYTES_PER_IMAGE: usize = IMAGE_BYTES + size_of::<u16>();

/// Mean of the pixels, R G B in 0..1, by which the published runs normalise (every data set here does).
pub const MEAN: [f32; 3] = [0.4914, 0.4822, 0.4465];
/// Standard deviation by which the published runs normalise. CIFAR-10's own is nearer to 0.247; the paper's
/// figures were reached with these.
pub const STD: [f32; 3] = [0.2023, 0.1994, 0.2010];

/// Which data set it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DatasetKind {
    /// Krizhevsky's 10 classes.
    Cifar10,
    /// Krizhevsky's 100 fine classes.
    Cifar100,
    /// Drawn by [`generate`](super::synthetic::generate).
    Synthetic,
    /// One's own, by [`from_planes`](super::images::from_planes).
    Images,
}

/// What stands in for an image that is not at hand.
const BLACK: &[u8] = &[0; IMAGE_BYTES];

/// Images with their labels.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Split {
    /// [`IMAGE_BYTES`] an image, `[n][3][SIDE][SIDE]`, the byte order of CIFAR. None in a [stand-in](Dataset::stand_in).
    pub images: Vec<u8>,
    /// Class of each image.
    pub labels: Vec<u16>,
}

impl Split {
    /// Number of images.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is no image.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Takes memory for so many images more, before any of them is made: an allocation that fails later would end the
    /// engine, and with it what is trained beside it. Exactly, since a data set that doubled would not fit into a tab.
    ///
    /// # Errors
    /// [`Error::Data`] of `file` where there is not enough, with how many images there is room for.
    pub fn try_reserve(&mut self, file: &str, images: usize) -> Result<()> {
        if self.has_room(images) {
            return Ok(());
        }
        // The largest number for which there is room; each try gives back what it took.
        let (mut fit, mut missing) = (0, images);
        while missing - fit > 1 {
            let middle = fit + (missing - fit) / 2;
            let mut other = Self::default();
            if other.has_room(middle) { fit = middle } else { missing = middle }
        }
        Err(Error::Data {
            file: file.into(),
            expected: format!("memory for {images} images"),
            found: format!("room for {fit}"),
        })
    }

    fn has_room(&mut self, images: usize) -> bool {
        self.labels.try_reserve_exact(images).is_ok()
            && images
                .checked_mul(IMAGE_BYTES)
                .is_some_and(|bytes| self.images.try_reserve_exact(bytes).is_ok())
    }

    /// The bytes of one image, `[3][SIDE][SIDE]`; black ones in a stand-in.
    ///
    /// # Panics
    /// If there is no such image.
    pub fn image(&self, index: usize) -> &[u8] {
        if self.images.is_empty() && index < self.len() {
            return BLACK;
        }
        &self.images[index * IMAGE_BYTES..][..IMAGE_BYTES]
    }

    /// The class of one image.
    ///
    /// # Panics
    /// If there is no such image.
    pub fn label(&self, index: usize) -> u16 {
        self.labels[index]
    }

    /// One image as `[SIDE][SIDE]` pixels R G B A, opaque: what a canvas takes.
    ///
    /// # Panics
    /// If there is no such image.
    pub fn rgba(&self, index: usize) -> Vec<u8> {
        let (red, rest) = self.image(index).split_at(PLANE);
        let (green, blue) = rest.split_at(PLANE);
        let pixels = red.iter().zip(green).zip(blue);
        pixels.flat_map(|((&r, &g), &b)| [r, g, b, 255]).collect()
    }
}

/// A training and a test set, with what is needed to train on them and to show them.
#[derive(Debug, Clone)]
pub struct Dataset {
    /// Which data set it is.
    pub kind: DatasetKind,
    /// Its name for people.
    pub name: String,
    /// Names of the classes; a label is an index into them.
    pub classes: Vec<String>,
    /// What is trained on.
    pub train: Split,
    /// What is never trained on.
    pub test: Split,
    /// Mean by which the pixels are normalised, R G B in 0..1.
    pub mean: [f32; 3],
    /// Standard deviation by which the pixels are normalised.
    pub std: [f32; 3],
    /// What a user should know about how it was put together, a sentence each.
    pub notes: Vec<String>,
    /// Whether its images are not at hand, see [`Dataset::stand_in`].
    pub is_stand_in: bool,
    fingerprint: OnceLock<String>,
}

/// What the page shows of a [`Dataset`].
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DatasetInfo {
    /// Which data set it is.
    pub kind: DatasetKind,
    /// Its name for people.
    pub name: String,
    /// Names of the classes.
    pub classes: Vec<String>,
    /// Number of training images.
    pub train: usize,
    /// Number of test images.
    pub test: usize,
    /// What a user should know about how it was put together.
    pub notes: Vec<String>,
    /// See [`Dataset::fingerprint`].
    pub fingerprint: String,
    /// Whether its images are not at hand.
    pub is_stand_in: bool,
}

impl Dataset {
    /// A data set normalised by [`MEAN`] and [`STD`].
    ///
    /// # Errors
    /// [`Error::Data`] if a split is empty, its bytes and labels do not match in number, or a label has no
    /// class.
    pub fn new(
        kind: DatasetKind,
        name: &str,
        classes: Vec<String>,
        train: Split,
        test: Split,
    ) -> Result<Self> {
        for (split, which) in [(&train, "training"), (&test, "test")] {
            let fail = |expected: String, found: String| {
                Err(Error::Data { file: format!("{name}, {which} set"), expected, found })
            };
            if split.is_empty() {
                return fail("at least one image".into(), "none".into());
            }
            if split.images.len() != split.len() * IMAGE_BYTES {
                let expected = format!("{} bytes for {} labels", split.len() * IMAGE_BYTES, split.len());
                return fail(expected, format!("{} bytes", split.images.len()));
            }
            if let Some(label) = split.labels.iter().find(|&&label| usize::from(label) >= classes.len()) {
                return fail(format!("labels below {}", classes.len()), format!("label {label}"));
            }
        }
        let name = name.to_owned();
        Ok(Self {
            kind,
            name,
            classes,
            train,
            test,
            mean: MEAN,
            std: STD,
            notes: Vec::new(),
            is_stand_in: false,
            fingerprint: OnceLock::new(),
        })
    }

    /// One that stands in for images that are not at hand, where a run is read for its weights alone: as many labels, no
    /// pixels, and the fingerprint of the true ones. A run on it neither trains nor tests.
    ///
    /// # Errors
    /// As [`Dataset::new`], and for more than [`MAX_IMAGES`].
    pub fn stand_in(
        kind: DatasetKind,
        name: &str,
        classes: Vec<String>,
        images: [usize; 2],
        fingerprint: &str,
    ) -> Result<Self> {
        if images[0].saturating_add(images[1]) > MAX_IMAGES {
            let (file, expected) = (name.into(), format!("at most {MAX_IMAGES} images"));
            return Err(Error::Data { file, expected, found: format!("{} and {}", images[0], images[1]) });
        }
        let black = || Split { images: BLACK.to_vec(), labels: vec![0] };
        let mut dataset = Self::new(kind, name, classes, black(), black())?;
        let [train, test] = images.map(|images| Split { images: Vec::new(), labels: vec![0; images] });
        (dataset.train, dataset.test, dataset.is_stand_in) = (train, test, true);
        dataset.notes =
            vec!["Only a network that was trained on these images is here, none of the images.".into()];
        Ok(Self { fingerprint: OnceLock::from(fingerprint.to_owned()), ..dataset })
    }

    /// CRC-32 over training labels, training images, test labels, test images, in hexadecimal: names the data
    /// of a run. A label counts as one byte where there are at most 256 classes, else as two, the lower first. Computed at
    /// the first call; do not change the splits afterwards.
    pub fn fingerprint(&self) -> &str {
        self.fingerprint.get_or_init(|| {
            let mut crc = Crc32::new();
            let width = if self.classes.len() <= 256 { 1 } else { 2 };
            for split in [&self.train, &self.test] {
                split.labels.iter().for_each(|label| crc.update(&label.to_le_bytes()[..width]));
                crc.update(&split.images);
            }
            format!("{:08x}", crc.finish())
        })
    }

    /// Bytes of the images and their labels.
    pub fn bytes(&self) -> usize {
        let of = |split: &Split| size_of_val(&split.images[..]) + size_of_val(&split.labels[..]);
        of(&self.train) + of(&self.test)
    }

    /// What the page shows.
    pub fn info(&self) -> DatasetInfo {
        DatasetInfo {
            kind: self.kind,
            name: self.name.clone(),
            classes: self.classes.clone(),
            train: self.train.len(),
            test: self.test.len(),
            notes: self.notes.clone(),
            fingerprint: self.fingerprint().to_owned(),
            is_stand_in: self.is_stand_in,
        }
    }

    /// The table that normalises by the training images' own mean and standard deviation, by channel.
    pub fn own_normalize(&self) -> Normalize {
        let mut sums = [[0u64; 2]; 3];
        for (i, plane) in self.train.images.chunks_exact(PLANE).enumerate() {
            for byte in plane {
                let byte = u64::from(*byte);
                sums[i % 3][0] += byte;
                sums[i % 3][1] += byte * byte;
            }
        }
        let count = (self.train.len() * PLANE) as f64;
        let figures = sums.map(|[sum, squares]| {
            let mean = sum as f64 / count;
            let variance = (squares as f64 / count - mean * mean).max(0.0);
            // Images of one colour have no deviation to divide by.
            ((mean / 255.0) as f32, ((variance.sqrt() / 255.0) as f32).max(1.0 / 255.0))
        });
        Normalize::new(figures.map(|(mean, _)| mean), figures.map(|(_, deviation)| deviation))
    }

    /// The table that normalises this set's pixels.
    pub fn normalize(&self) -> Normalize {
        Normalize::new(self.mean, self.std)
    }
}
