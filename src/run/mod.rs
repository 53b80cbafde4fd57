//! A run: a data set, settings, and a model on its way through the epochs.

mod evaluator;
mod fork;
mod inspect;
#[cfg(test)]
mod tests;

use std::ops::Range;
use std::sync::Arc;

use serde::Serialize;

use crate::config::RunConfig;
use crate::data::{
    Augment, BATCH_CHANNELS, BATCH_HALO, Dataset, Normalize, SIDE, Split, epoch_order, fill_batch,
};
use crate::loss::{Loss, cross_entropy};
use crate::metrics::{EpochReport, Event, LayerReport, Levels, Phases, StepReport};
use crate::model::{LayerInfo, Model};
use crate::predictions::{Prediction, Predictions, Query};
use crate::train::{Clock, Trainer};
use crate::{Error, Result, Tensor, models, optim};

pub use evaluator::{Evaluation, Evaluator, Progress, Quantization};
pub use inspect::{Filters, Outlier};

/// Bytes for what the kernels need besides: partial sums and scratch of each thread.
const WORKSPACE: usize = 20 << 20;

/// Where a run is.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Stage {
    /// The next image of the epoch's order to train on.
    Training {
        position: usize,
    },
    /// The next test image.
    Testing {
        position: usize,
    },
    Finished,
}

/// Sums over a pass.
#[derive(Debug, Clone, Copy, Default)]
struct Totals {
    /// Sum of losses over images.
    loss: f64,
    correct: usize,
    images: usize,
}

impl Totals {
    fn add(&mut self, loss: Loss, images: usize) {
        self.loss += loss.mean * images as f64;
        self.correct += loss.correct;
        self.images += images;
    }

    fn mean_loss(&self) -> f64 {
        self.loss / self.images.max(1) as f64
    }

    fn accuracy(&self) -> f64 {
        self.correct as f64 / self.images.max(1) as f64
    }
}

/// A data set, settings, and a model on its way through the epochs.
pub struct Run {
    trainer: Trainer,
    dataset: Arc<Dataset>,
    normalize: Normalize,
    /// Share of the initial learning rate, by epoch and number of epochs.
    schedule: fn(u32, u32) -> f64,
    stage: Stage,
    /// From 0.
    epoch: u32,
    order: Vec<u32>,
    train: Totals,
    test: Totals,
    /// Of the test pass under way, and of the last complete one.
    testing: Predictions,
    tested: Predictions,
    /// Milliseconds spent on the present epoch.
    epoch_ms: f64,
    /// The levels of every weight tensor at the last epoch report.
    levels: Vec<Levels>,
    x: Tensor,
    labels: Vec<u16>,
}

/// What a run is, for display.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RunInfo {
    /// Name of the model.
    pub model: String,
    /// Number of trainable values.
    pub parameters: usize,
    /// The layers in order.
    pub layers: Vec<LayerInfo>,
    /// Training steps of an epoch.
    pub steps_per_epoch: u32,
    /// The settings, complete.
    pub config: RunConfig,
}

impl Run {
    /// Prepares a run; nothing is trained yet.
    ///
    /// # Errors
    /// [`Error::Config`] for settings out of range or more than the data set has images.
    pub fn new(dataset: Arc<Dataset>, config: RunConfig, clock: Clock) -> Result<Self> {
        config.validate()?;
        if dataset.train.len() < 2 {
            return Err(Error::Config {
                field: "batch",
                expected: "at least 2 training images, for batch normalisation".into(),
                found: dataset.train.len().to_string(),
            });
        }
        let specs = models::find(&config.model)?.specs()?;
        let mut trainer = Trainer::new(&specs, dataset.classes.len(), config.clone(), clock)?;
        trainer.settle();
        let levels = trainer.levels();
        Ok(Self {
            normalize: dataset.normalize(),
            schedule: optim::find_schedule(&config.schedule)?.factor,
            order: epoch_order(dataset.train.len(), u64::from(config.seed), 0),
            stage: Stage::Training { position: 0 },
            epoch: 0,
            train: Totals::default(),
            test: Totals::default(),
            testing: Predictions::new(dataset.classes.len()),
            tested: Predictions::new(dataset.classes.len()),
            epoch_ms: 0.0,
            levels,
            x: Tensor::default(),
            labels: Vec::new(),
            trainer,
            dataset,
        })
    }

    /// What the run is.
    pub fn info(&self) -> RunInfo {
        let model = self.trainer.model();
        RunInfo {
            model: self.config().model.clone(),
            parameters: model.parameter_count(),
            layers: model.layers(),
            steps_per_epoch: self.steps_per_epoch(),
            config: self.config().clone(),
        }
    }

    /// Does one unit of work: a training step, or one batch of the test pass that ends an epoch.
    ///
    /// # Errors
    /// [`Error::Diverged`]; the run can go on being asked and reported on.
    pub fn advance(&mut self) -> Result<Event> {
        let start = self.trainer.now();
        match self.stage {
            Stage::Training { position } => self.train_batch(position, start),
            Stage::Testing { position } => Ok(self.test_batch(position, start)),
            Stage::Finished => Ok(Event::Finished { epoch: self.epoch }),
        }
    }

    /// The weights as they are now; flips count since the last epoch report.
    pub fn layer_reports(&mut self) -> Vec<LayerReport> {
        self.trainer.settle();
        self.trainer.layer_reports(&self.trainer.levels(), &self.levels)
    }

    /// Milliseconds a phase since the last call.
    pub fn take_phases(&mut self) -> Phases {
        std::mem::take(self.trainer.phases_mut())
    }

    /// Bytes that the run takes while it trains, without its images.
    pub fn bytes(&self) -> usize {
        let batch = size_of::<f32>() * BATCH_CHANNELS * (SIDE + 2 * BATCH_HALO).pow(2) * self.batch();
        self.trainer.bytes() + batch + WORKSPACE
    }

    /// Bytes that looking at the run takes for a while: a copy that is put aside, and one of that which is quantized and
    /// evaluated.
    pub fn copy_bytes(&self) -> usize {
        2 * self.model().parameter_bytes() + self.model().activation_bytes(evaluator::BATCH)
    }

    /// Takes the memory of a batch's activations now, which the first step would else take.
    ///
    /// # Errors
    /// [`Error::Config`] where there is not enough.
    pub fn reserve(&mut self) -> Result<()> {
        self.trainer.reserve()
    }

    /// The settings.
    pub fn config(&self) -> &RunConfig {
        self.trainer.config()
    }

    /// The network.
    pub fn model(&self) -> &Model {
        self.trainer.model()
    }

    /// Test images of the last complete test pass; see [`Predictions::select`]. None before the first.
    ///
    /// # Errors
    /// [`Error::Config`] for a class that does not exist.
    pub fn predictions(&self, query: Query) -> Result<Vec<Prediction>> {
        self.tested.select(query)
    }

    fn batch(&self) -> usize {
        self.config().batch as usize
    }

    /// The last batch of an epoch may be smaller; a single image is left out, since batch normalisation
    /// needs two.
    fn steps_per_epoch(&self) -> u32 {
        let (len, batch) = (self.dataset.train.len(), self.batch());
        (len / batch + usize::from(len % batch > 1)) as u32
    }

    fn lr(&self) -> f64 {
        self.config().lr * (self.schedule)(self.epoch, self.config().epochs)
    }

    fn train_batch(&mut self, position: usize, start: f64) -> Result<Event> {
        let end = (position + self.batch()).min(self.dataset.train.len());
        let seed = u64::from(self.config().seed);
        let augment = Augment { seed, epoch: self.epoch, position: position as u32 };
        let augment = self.config().augment.then_some(augment);
        let indices = &self.order[position..end];
        let split = &self.dataset.train;
        fill_batch(split, indices, augment, &self.normalize, &mut self.x, &mut self.labels);
        let ms = self.trainer.now() - start;
        self.trainer.phases_mut().data += ms;

        let lr = self.lr();
        let outcome = self.trainer.step(&self.x, &self.labels, lr)?;
        let images = end - position;
        self.train.add(outcome.loss, images);
        self.stage = if self.dataset.train.len() - end > 1 {
            Stage::Training { position: end }
        } else {
            Stage::Testing { position: 0 }
        };
        let ms = self.trainer.now() - start;
        self.epoch_ms += ms;
        Ok(Event::Step(StepReport {
            epoch: self.epoch + 1,
            step: (position / self.batch()) as u32 + 1,
            steps_per_epoch: self.steps_per_epoch(),
            global_step: self.trainer.steps(),
            loss: outcome.loss.mean,
            accuracy: outcome.loss.correct as f64 / images as f64,
            grad_norm: outcome.grad_norm,
            lr,
            images,
            ms,
        }))
    }

    fn test_batch(&mut self, position: usize, start: f64) -> Event {
        let total = self.dataset.test.len();
        let end = (position + self.batch()).min(total);
        fill_range(&self.dataset.test, position..end, &self.normalize, &mut self.x, &mut self.labels);
        let logits = self.trainer.logits(&self.x);
        let loss = cross_entropy(logits, &self.labels, None);
        self.testing.add(logits, &self.labels);
        self.test.add(loss, end - position);
        self.epoch_ms += self.trainer.now() - start;
        if end < total {
            self.stage = Stage::Testing { position: end };
            return Event::Evaluate { epoch: self.epoch + 1, done: end, total };
        }
        self.end_epoch()
    }

    fn end_epoch(&mut self) -> Event {
        let levels = self.trainer.levels();
        let report = EpochReport {
            epoch: self.epoch + 1,
            lr: self.lr(),
            train_loss: self.train.mean_loss(),
            train_accuracy: self.train.accuracy(),
            test_loss: self.test.mean_loss(),
            test_accuracy: self.test.accuracy(),
            confusion: self.testing.confusion(),
            layers: self.trainer.layer_reports(&levels, &self.levels),
            secs: self.epoch_ms / 1e3,
        };
        self.levels = levels;
        self.tested = std::mem::replace(&mut self.testing, Predictions::new(self.dataset.classes.len()));
        self.epoch += 1;
        (self.train, self.test, self.epoch_ms) = Default::default();
        self.begin_epoch();
        Event::Epoch(report)
    }

    /// Begins a test pass under way again, because what it has seen was classified by other weights.
    fn restart_test(&mut self) {
        if let Stage::Testing { position } = &mut self.stage {
            *position = 0;
            self.test = Totals::default();
            self.testing = Predictions::new(self.dataset.classes.len());
        }
    }

    /// Goes to the start of the epoch, if it is still one of the run's.
    fn begin_epoch(&mut self) {
        self.stage = if self.epoch < self.config().epochs {
            self.order = epoch_order(self.dataset.train.len(), u64::from(self.config().seed), self.epoch);
            Stage::Training { position: 0 }
        } else {
            Stage::Finished
        };
    }
}

/// Makes a batch of neighbouring images of a split, as they are.
fn fill_range(
    split: &Split,
    images: Range<usize>,
    normalize: &Normalize,
    x: &mut Tensor,
    labels: &mut Vec<u16>,
) {
    let indices: Vec<u32> = (images.start as u32..images.end as u32).collect();
    fill_batch(split, &indices, None, normalize, x, labels);
}
