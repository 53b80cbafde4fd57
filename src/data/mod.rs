//! From bytes to normalised batches.
//!
//! [`Loader`] reads CIFAR in its official formats, [`images::from_images`] takes pictures and
//! [`synthetic::generate`] draws a set of its own; all give a [`Dataset`], images kept as bytes. [`augment::fill_batch`] turns some of its images into a tensor.
//!
//! Every random stream here is `ChaCha8(seed)` with the stream number `purpose << 56 | ...`; the purposes are
//! the `STREAM_` constants, so no two uses share numbers and none depends on threads or platform.

pub mod augment;
mod batches;
pub mod cifar;
pub mod images;
pub mod loader;
mod pickle;
pub mod synthetic;

use crate::{Error, Result};
use serde::Serialize;
use std::sync::OnceLock;

pub use augment::{Augment, Normalize, epoch_order, fill_batch};
pub use loader::Loader;

/// Rows and columns of an image.
pub const SIDE: usize = 32;
/// Pixels of one colour plane.
pub const PLANE: usize = SIDE * SIDE;
/// Bytes of an image: the red, the green, then the blue plane, rows from the top.
pub const IMAGE_BYTES: usize = 3 * PLANE;

/// Purpose of a random stream: the order of the images in an epoch.
pub(crate) const STREAM_SHUFFLE: u64 = 1 << 56;
/// Purpose of a random stream: crop and flip of one image in one epoch.
pub(crate) const STREAM_AUGMENT: u64 = 2 << 56;
/// Purpose of a random stream: one drawn training image.
pub(crate) const STREAM_SYNTHETIC_TRAIN: u64 = 3 << 56;
/// Purpose of a random stream: one drawn test image.
pub(crate) const STREAM_SYNTHETIC_TEST: u64 = 4 << 56;

/// Purpose of a random stream: which images of one class are held out for testing.
pub(crate) const STREAM_HOLD_OUT: u64 = 5 << 56;

/// Purpose of a random stream: which training images a run keeps aside.
pub(crate) const STREAM_HOLDOUT: u64 = 6 << 56;
/// Purpose of a random stream: the training images by which statistics are estimated again.
pub(crate) const STREAM_REESTIMATE: u64 = 7 << 56;

/// Mean of the pixels, R G B in 0..1, by which the published runs normalise (every data set here does).
pub const MEAN: [f32; 3] = [0.4914, 0.4822, 0.4465];
/// Standard deviation by which the published runs normalise. CIFAR-10's own is nearer to 0.247; the paper's
/// figures were reached with these.
pub const STD: [f32; 3] = [0.2023, 0.1994, 0.2010];

/// Which data set it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DatasetKind {
    /// Krizhevsky's 10 classes.
    Cifar10,
    /// Krizhevsky's 100 fine classes.
    Cifar100,
    /// Drawn by [`synthetic::generate`].
    Synthetic,
    /// One's own, by [`images::from_images`].
    Images,
}

/// Images with their labels.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Split {
    /// [`IMAGE_BYTES`] an image, `[n][3][32][32]`, the byte order of CIFAR.
    pub images: Vec<u8>,
    /// Class of each image.
    pub labels: Vec<u8>,
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

    /// The bytes of one image, `[3][32][32]`.
    ///
    /// # Panics
    /// If there is no such image.
    pub fn image(&self, index: usize) -> &[u8] {
        &self.images[index * IMAGE_BYTES..][..IMAGE_BYTES]
    }

    /// The class of one image.
    ///
    /// # Panics
    /// If there is no such image.
    pub fn label(&self, index: usize) -> u8 {
        self.labels[index]
    }

    /// One image as `[32][32]` pixels R G B A, opaque: what a canvas takes.
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
        let fingerprint = OnceLock::new();
        Ok(Self { kind, name, classes, train, test, mean: MEAN, std: STD, notes: Vec::new(), fingerprint })
    }

    /// CRC-32 over training labels, training images, test labels, test images, in hexadecimal: names the data
    /// of a run. Computed at the first call; do not change the splits afterwards.
    pub fn fingerprint(&self) -> &str {
        self.fingerprint.get_or_init(|| {
            let mut crc = flate2::Crc::new();
            for bytes in [&self.train.labels, &self.train.images, &self.test.labels, &self.test.images] {
                crc.update(bytes);
            }
            format!("{:08x}", crc.sum())
        })
    }

    /// Bytes of the images and their labels.
    pub fn bytes(&self) -> usize {
        let splits = [&self.train, &self.test];
        splits.iter().map(|split| split.images.len() + split.labels.len()).sum()
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
