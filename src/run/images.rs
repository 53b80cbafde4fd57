//! Which images of a data set a run trains on and which it tests on.

use std::ops::Range;
use std::sync::Arc;

use rand_chacha::ChaCha8Rng;
use serde::Serialize;

use crate::data::{Augment, Dataset, Normalize};
use crate::random::{Purpose, below, stream};
use crate::settings::RunConfig;
use crate::task::{self, Task};
use crate::{Error, Result, Tensor};

/// A part of a data set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// The training images.
    Train,
    /// The test images.
    Test,
}

/// Images and the batch of them that is looked at.
pub(crate) struct Feed {
    pub images: Images,
    pub x: Tensor,
    pub labels: Vec<u16>,
}

impl Feed {
    pub fn new(images: Images) -> Self {
        Self { images, x: Tensor::default(), labels: Vec::new() }
    }

    /// See [`Images::drawn_batch`].
    pub fn draw(&mut self, rng: ChaCha8Rng, len: usize, halo: usize) -> &Tensor {
        self.images.drawn_batch(rng, len, halo, &mut self.x, &mut self.labels);
        &self.x
    }
}

/// The images of a run. With a hold-out they are all training images: some are kept aside and tested on, so that choices
/// can be made that never see the test set.
#[derive(Clone)]
pub(crate) struct Images {
    task: Arc<dyn Task>,
    pub dataset: Arc<Dataset>,
    pub normalize: Normalize,
    /// Indices of the training images that are trained on and of those kept aside; `None`: nothing is kept aside.
    kept_aside: Option<Arc<[Vec<u32>; 2]>>,
    /// Where the tested images are.
    tests: Part,
}

impl Images {
    /// # Errors
    /// [`Error::Config`] where too few images are left to train on.
    pub fn new(dataset: Arc<Dataset>, config: &RunConfig) -> Result<Self> {
        let (len, holdout) = (dataset.train.len(), config.holdout as usize);
        if len < 2 {
            return Err(Error::Config {
                field: "batch",
                expected: "at least 2 training images, for batch normalisation".into(),
                found: len.to_string(),
            });
        }
        if holdout + 2 > len {
            return Err(Error::Config {
                field: "holdout",
                expected: format!("at most {}, so that 2 of {len} training images are left", len - 2),
                found: holdout.to_string(),
            });
        }
        let kept_aside = (holdout > 0).then(|| {
            // The same for every seed, so that runs can be compared on them.
            let mut rng = stream(0u32, Purpose::KeepAside, 0);
            let mut order: Vec<u32> = (0..len as u32).collect();
            for place in 0..holdout {
                order.swap(place, place + below(&mut rng, (len - place) as u32) as usize);
            }
            let mut train = order.split_off(holdout);
            order.sort_unstable();
            train.sort_unstable();
            Arc::new([train, order])
        });
        let normalize = match config.normalization.as_str() {
            "own" => dataset.own_normalize(),
            _ => dataset.normalize(),
        };
        let tests = if kept_aside.is_some() { Part::Train } else { Part::Test };
        Ok(Self { task: task::of(config), normalize, dataset, kept_aside, tests })
    }

    /// # Errors
    /// [`Error::Data`] where the images are not at hand.
    pub fn check_present(&self) -> Result<()> {
        let Dataset { is_stand_in, name, .. } = &*self.dataset;
        match is_stand_in {
            false => Ok(()),
            true => Err(Error::Data {
                file: name.clone(),
                expected: "its images".into(),
                found: "a network that was trained on them, and none of them".into(),
            }),
        }
    }

    /// Values of an output of the network.
    pub fn outputs(&self) -> usize {
        self.task.outputs(self.dataset.classes.len())
    }

    pub fn train_len(&self) -> usize {
        self.kept_aside.as_ref().map_or(self.dataset.train.len(), |parts| parts[0].len())
    }

    /// Has the test set tested, whatever is kept aside.
    pub fn test_on_test_set(&mut self) {
        self.tests = Part::Test;
    }

    /// Indices of the tested images in [`Images::tests`]; `None`: all of them.
    fn tested(&self) -> Option<&[u32]> {
        self.kept_aside.as_ref().filter(|_| self.tests == Part::Train).map(|parts| &*parts[1])
    }

    pub fn test_len(&self) -> usize {
        self.tested().map_or(self.dataset.test.len(), <[_]>::len)
    }

    /// Where the tested images are.
    pub fn tests(&self) -> Part {
        self.tests
    }

    /// Index in [`Images::tests`] of the tested image of that place.
    pub fn test_index(&self, place: usize) -> usize {
        self.tested().map_or(place, |indices| indices[place] as usize)
    }

    /// A batch of images that are trained on, by their places.
    pub fn train_batch(
        &self,
        places: &[u32],
        augment: Option<Augment>,
        halo: usize,
        x: &mut Tensor,
        labels: &mut Vec<u16>,
    ) {
        let indices: Vec<u32>;
        let indices = match &self.kept_aside {
            None => places,
            Some(parts) => {
                indices = places.iter().map(|place| parts[0][*place as usize]).collect();
                &indices
            }
        };
        self.task.batch(&self.dataset.train, indices, augment, &self.normalize, halo, x, labels);
    }

    /// A batch of `len` images that are trained on, as they are, drawn by a stream of its own.
    pub fn drawn_batch(
        &self,
        mut rng: ChaCha8Rng,
        len: usize,
        halo: usize,
        x: &mut Tensor,
        labels: &mut Vec<u16>,
    ) {
        let places: Vec<u32> = (0..len).map(|_| below(&mut rng, self.train_len() as u32)).collect();
        self.train_batch(&places, None, halo, x, labels);
    }

    /// A batch of neighbouring tested images, as they are.
    pub fn test_batch(&self, places: Range<usize>, halo: usize, x: &mut Tensor, labels: &mut Vec<u16>) {
        let indices: Vec<u32> = places.map(|place| self.test_index(place) as u32).collect();
        let split = match self.tests {
            Part::Train => &self.dataset.train,
            Part::Test => &self.dataset.test,
        };
        self.task.batch(split, &indices, None, &self.normalize, halo, x, labels);
    }
}
