//! A run: a data set, settings, and a model on its way through the epochs.

mod after_training;
mod evaluator;
mod fork;
mod images;
mod inspect;
mod reestimate;
mod sensing;
mod state;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use serde::Serialize;

use crate::data::{Augment, BATCH_CHANNELS, Dataset, SIDE, epoch_order};
use crate::loss::{Loss, cross_entropy};
use crate::metrics::{AverageReport, EpochReport, Event, LayerReport, Level, Levels, Phases, StepReport};
use crate::model::{Description, LayerInfo, Model};
use crate::predictions::{Prediction, Predictions, Query};
use crate::schedule::{self, At, Rates};
use crate::settings::RunConfig;
use crate::train::{Clock, Trainer};
use crate::{Result, Tensor};

use after_training::Preparation;
use images::Images;
use reestimate::{Estimating, Reestimation};

pub use after_training::{CALIBRATIONS, Calibrator, Distribution, Quantization};
pub use evaluator::{Evaluation, Evaluator, Progress};
pub(crate) use images::Feed;
pub use images::Part;
pub use inspect::{Filters, OBSERVED_IMAGES, Outlier};

/// Bytes for what the kernels need besides: partial sums and scratch of each thread.
const WORKSPACE: usize = 20 << 20;

/// Where a run is.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Stage {
    /// The next image of the epoch's order to train on.
    Training {
        position: usize,
    },
    /// The next batch to estimate statistics from.
    Reestimating {
        batch: usize,
    },
    /// The next test image.
    Testing {
        position: usize,
    },
    /// The test pass of the averaged weights.
    TestingAverage,
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
    images: Images,
    schedule: fn(&At) -> Rates,
    progress: State,
    /// The images of the epoch in the order in which they are trained on; follows from seed and epoch.
    order: Vec<u32>,
    /// Of the test pass under way, and of the last complete one.
    testing: Predictions,
    tested: Predictions,
    /// The levels of every weight tensor at the last epoch report.
    levels: Vec<Levels>,
    /// The test pass of the averages, while it is under way.
    average: Option<Evaluator>,
    x: Tensor,
    labels: Vec<u16>,
}

/// How far a run is.
#[derive(Debug, Clone)]
struct State {
    stage: Stage,
    /// From 0.
    epoch: u32,
    train: Totals,
    test: Totals,
    /// Milliseconds spent on the present epoch.
    epoch_ms: f64,
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
    /// Images that are trained on, and images that are tested on.
    pub images: [usize; 2],
    /// Which images of the data set are tested on.
    pub tests: Part,
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
        let schedule = schedule::find(&config.schedule)?.rates;
        let images = Images::new(dataset, &config)?;
        let classes = images.dataset.classes.len();
        let seed = u64::from(config.seed);
        let mut trainer = Trainer::new(Description::preset(images.outputs(), config)?, clock)?;
        trainer.settle();
        let levels = trainer.levels();
        Ok(Self {
            schedule,
            order: epoch_order(images.train_len(), seed, 0),
            progress: State {
                stage: Stage::Training { position: 0 },
                epoch: 0,
                train: Totals::default(),
                test: Totals::default(),
                epoch_ms: 0.0,
            },
            testing: Predictions::new(classes),
            tested: Predictions::new(classes),
            levels,
            average: None,
            x: Tensor::default(),
            labels: Vec::new(),
            trainer,
            images,
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
            images: [self.images.train_len(), self.images.test_len()],
            tests: self.images.tests(),
            config: self.config().clone(),
        }
    }

    /// Does one unit of work: a training step, a choice of bits that changes some, or one batch of what ends an epoch.
    ///
    /// # Errors
    /// [`Error::Diverged`]; the run can go on being asked and reported on. [`Error::Data`] for a run without its images.
    pub fn advance(&mut self) -> Result<Event> {
        self.images.check_present()?;
        let start = self.trainer.now();
        match self.progress.stage {
            Stage::Training { position } => self.train_batch(position, start),
            Stage::Reestimating { batch } => Ok(self.reestimate_batch(batch, start)),
            Stage::Testing { position } => self.test_batch(position, start),
            Stage::TestingAverage => self.test_average(start),
            Stage::Finished => Ok(Event::Finished { epoch: self.progress.epoch }),
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
        let side = SIDE + 2 * self.model().input_halo();
        let batch = size_of::<f32>() * BATCH_CHANNELS * side.pow(2) * self.batch();
        // The test of averages has a network of its own, which estimates its statistics from batches of the run's size.
        let average = match (self.config().ema > 0.0, self.config().reestimate > 0) {
            (false, _) => 0,
            (true, false) => self.evaluator_bytes(evaluator::BATCH),
            (true, true) => self.evaluator_bytes(self.batch().max(evaluator::BATCH)),
        };
        let levels = size_of::<Level>() * self.model().parameter_count();
        self.trainer.bytes() + batch + average + levels + WORKSPACE
    }

    /// Bytes that looking at the run takes for a while: a copy that is put aside, and one of that which is quantized and
    /// evaluated.
    pub fn copy_bytes(&self) -> usize {
        self.model().parameter_bytes(2)
            + self.evaluator_bytes(evaluator::BATCH)
            + after_training::bytes(self.model())
    }

    /// Those of a copy of the network that sees so many images at a time.
    fn evaluator_bytes(&self, images: usize) -> usize {
        self.model().parameter_bytes(2) + self.model().activation_bytes(images)
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

    /// What it is trained and tested on.
    pub fn dataset(&self) -> &Arc<Dataset> {
        &self.images.dataset
    }

    /// Training steps done.
    pub fn steps(&self) -> u64 {
        self.trainer.steps()
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
        let mut found = self.tested.select(query)?;
        found.iter_mut().for_each(|prediction| prediction.index = self.images.test_index(prediction.index));
        Ok(found)
    }

    fn batch(&self) -> usize {
        self.config().batch as usize
    }

    /// The last batch of an epoch may be smaller; a single image is left out, since batch normalisation
    /// needs two.
    fn steps_per_epoch(&self) -> u32 {
        let (len, batch) = (self.images.train_len(), self.batch());
        (len / batch + usize::from(len % batch > 1)) as u32
    }

    fn rates(&self, step: u64) -> Rates {
        let RunConfig { epochs, warm_up, .. } = *self.config();
        let steps = u64::from(epochs) * u64::from(self.steps_per_epoch());
        (self.schedule)(&At { step, steps, epoch: self.progress.epoch, epochs, warm_up })
    }

    fn train_batch(&mut self, position: usize, start: f64) -> Result<Event> {
        if let Some(changed) = self.trainer.choose_bits()? {
            // Levels of different grids cannot be compared: changes count from now.
            let mut levels = self.trainer.levels();
            changed.into_iter().for_each(|layer| self.levels[layer] = std::mem::take(&mut levels[layer]));
            self.progress.epoch_ms += self.trainer.now() - start;
            return Ok(Event::Bits { step: self.trainer.steps(), bits: self.config().bits.to_string() });
        }
        let end = (position + self.batch()).min(self.order.len());
        let config = self.config();
        let augment = config.augment.then(|| Augment {
            seed: u64::from(config.seed),
            epoch: self.progress.epoch,
            position: position as u32,
            reach: config.crop as usize,
            alternating: config.flip == "alternating",
            reflecting: config.border == "mirrored",
        });
        let halo = self.model().input_halo();
        self.images.train_batch(&self.order[position..end], augment, halo, &mut self.x, &mut self.labels);
        let ms = self.trainer.now() - start;
        self.trainer.phases_mut().data += ms;

        let rates = self.rates(self.trainer.steps());
        let outcome = self.trainer.step(&self.x, &self.labels, rates)?;
        let images = end - position;
        self.progress.train.add(outcome.loss, images);
        self.progress.stage = match (self.order.len() - end > 1, self.config().reestimate) {
            (true, _) => Stage::Training { position: end },
            (false, 0) => Stage::Testing { position: 0 },
            (false, _) => Stage::Reestimating { batch: 0 },
        };
        let ms = self.trainer.now() - start;
        self.progress.epoch_ms += ms;
        Ok(Event::Step(StepReport {
            epoch: self.progress.epoch + 1,
            step: (position / self.batch()) as u32 + 1,
            steps_per_epoch: self.steps_per_epoch(),
            global_step: self.trainer.steps(),
            loss: outcome.loss.mean,
            accuracy: outcome.loss.correct as f64 / images as f64,
            grad_norm: outcome.grad_norm,
            lr: self.config().lr * rates.lr,
            images,
            ms,
        }))
    }

    fn reestimate_batch(&mut self, batch: usize, start: f64) -> Event {
        let reestimation = self.reestimation();
        let total = reestimation.batches;
        reestimation.advance(batch, self.trainer.settled(), &self.images, &mut self.x, &mut self.labels);
        self.progress.epoch_ms += self.trainer.now() - start;
        self.progress.stage = match batch + 1 {
            done if done < total => Stage::Reestimating { batch: done },
            _ => Stage::Testing { position: 0 },
        };
        Event::Reestimate { epoch: self.progress.epoch + 1, done: batch + 1, total }
    }

    /// That of the present epoch.
    fn reestimation(&self) -> Reestimation {
        let config = self.config();
        let epoch = self.progress.epoch;
        Reestimation { batches: config.reestimate as usize, batch: self.batch(), seed: config.seed, epoch }
    }

    fn test_batch(&mut self, position: usize, start: f64) -> Result<Event> {
        let total = self.images.test_len();
        let end = (position + self.batch()).min(total);
        let halo = self.model().input_halo();
        self.images.test_batch(position..end, halo, &mut self.x, &mut self.labels);
        let logits = self.trainer.logits(&self.x);
        let loss = cross_entropy(logits, &self.labels, None);
        self.testing.add(logits, &self.labels);
        self.progress.test.add(loss, end - position);
        self.progress.epoch_ms += self.trainer.now() - start;
        if end < total {
            self.progress.stage = Stage::Testing { position: end };
            return Ok(Event::Evaluate { epoch: self.progress.epoch + 1, done: end, total });
        }
        if self.config().ema > 0.0 {
            self.progress.stage = Stage::TestingAverage;
            return Ok(Event::Evaluate { epoch: self.progress.epoch + 1, done: end, total });
        }
        Ok(self.end_epoch(None))
    }

    /// A batch of the test pass of the averages.
    fn test_average(&mut self, start: f64) -> Result<Event> {
        let mut evaluator = match self.average.take() {
            Some(evaluator) => evaluator,
            None => {
                let reestimation = self.reestimation();
                let Some(model) = self.trainer.averaged()? else {
                    // A fork that averages has not done a step.
                    return Ok(self.end_epoch(None));
                };
                let estimating = (reestimation.batches > 0).then(|| Estimating::new(reestimation));
                let preparations =
                    estimating.map(|of| Box::new(of) as Box<dyn Preparation>).into_iter().collect();
                Evaluator::new(model, self.images.clone(), self.config(), preparations)?
            }
        };
        let Progress { done, total, result } = evaluator.advance();
        self.progress.epoch_ms += self.trainer.now() - start;
        match result {
            Some(Evaluation { loss, accuracy, .. }) => {
                Ok(self.end_epoch(Some(AverageReport { test_loss: loss, test_accuracy: accuracy })))
            }
            None => {
                self.average = Some(evaluator);
                Ok(Event::Average { epoch: self.progress.epoch + 1, done, total })
            }
        }
    }

    fn end_epoch(&mut self, average: Option<AverageReport>) -> Event {
        let levels = self.trainer.levels();
        let State { train, test, epoch, epoch_ms, .. } = &self.progress;
        let report = EpochReport {
            epoch: epoch + 1,
            lr: self.config().lr * self.rates(self.trainer.steps().saturating_sub(1)).lr,
            train_loss: train.mean_loss(),
            train_accuracy: train.accuracy(),
            test_loss: test.mean_loss(),
            test_accuracy: test.accuracy(),
            average,
            confusion: self.testing.confusion(),
            layers: self.trainer.layer_reports(&levels, &self.levels),
            secs: epoch_ms / 1e3,
        };
        self.levels = levels;
        let next = Predictions::new(self.classes());
        self.tested = std::mem::replace(&mut self.testing, next);
        self.progress.epoch += 1;
        (self.progress.train, self.progress.test, self.progress.epoch_ms) = Default::default();
        self.begin_epoch();
        Event::Epoch(report)
    }

    fn classes(&self) -> usize {
        self.images.dataset.classes.len()
    }

    /// Begins a test pass under way again, because what it has seen was classified by other weights.
    fn restart_test(&mut self) {
        let state = &mut self.progress;
        if !matches!(state.stage, Stage::Training { .. } | Stage::Finished) {
            state.stage = match self.trainer.config().reestimate {
                0 => Stage::Testing { position: 0 },
                _ => Stage::Reestimating { batch: 0 },
            };
            state.test = Totals::default();
            self.testing = Predictions::new(self.images.dataset.classes.len());
            self.average = None;
        }
    }

    /// Goes to the start of the epoch, if it is still one of the run's.
    fn begin_epoch(&mut self) {
        self.progress.stage = if self.progress.epoch < self.config().epochs {
            let seed = u64::from(self.config().seed);
            self.order = epoch_order(self.images.train_len(), seed, self.progress.epoch);
            Stage::Training { position: 0 }
        } else {
            Stage::Finished
        };
    }
}
