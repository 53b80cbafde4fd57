//! The training loop: one step, one epoch, one run.

use std::sync::Arc;

use serde::Serialize;

use crate::config::RunConfig;
use crate::data::augment::{Augment, Normalize, epoch_order, fill_batch};
use crate::data::{Dataset, Split};
use crate::layers::{LayerSpec, Param, Pass};
use crate::loss::{Loss, cross_entropy};
use crate::metrics::{self, EpochReport, Event, LayerReport, Levels, Phases, StepReport};
use crate::model::{LayerInfo, Model};
use crate::optim::{self, AdamW};
use crate::quant::Quantizer;
use crate::{Error, Result, Tensor, models, quant};

/// Soft clipping keeps weights within this bound: `W <- 3 tanh(W / 3)`.
const SOFT_CLIP_LIMIT: f32 = 3.0;

/// A clock: milliseconds since some fixed moment.
pub type Clock = fn() -> f64;

/// What one training step measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StepOutcome {
    /// Loss and hits of the batch.
    pub loss: Loss,
    /// Norm of all gradients before clipping.
    pub grad_norm: f64,
}

/// A model in training: the weights, the optimizer and the rules of the method.
pub struct Trainer {
    model: Model,
    optimizer: AdamW,
    quantizer: &'static dyn Quantizer,
    config: RunConfig,
    /// Steps done.
    step: u64,
    /// The forward weights do not belong to the present master weights.
    stale: bool,
    clock: Clock,
    phases: Phases,
}

impl Trainer {
    /// Builds the network and its initial weights.
    ///
    /// # Errors
    /// [`Error::Config`] for settings out of range, [`Error::Model`] for layers that do not fit.
    pub fn new(specs: &[LayerSpec], classes: usize, config: RunConfig, clock: Clock) -> Result<Self> {
        config.validate()?;
        Ok(Self {
            model: Model::new(specs, classes, config.seed)?,
            optimizer: AdamW::default(),
            quantizer: quant::find(&config.quantizer)?.quantizer,
            step: 0,
            stale: true,
            phases: Phases::default(),
            config,
            clock,
        })
    }

    /// One step on the batch `x` `[n, 32, 32, 4]` with halo 1: the only place where its order is written.
    ///
    /// # Errors
    /// [`Error::Diverged`] if loss or gradients are not finite; the weights are then those before the step.
    pub fn step(&mut self, x: &Tensor, labels: &[u8], lr: f64) -> Result<StepOutcome> {
        self.refresh_forward_weights();
        let start = (self.clock)();

        let pass = Pass { training: true, seed: self.config.seed, step: self.step };
        self.model.forward(x, &pass);
        let (logits, gradient) = self.model.logits_and_gradient();
        let loss = cross_entropy(logits, labels, Some(gradient));
        let after_forward = (self.clock)();

        self.model.backward(x);
        self.model.quantizer_backward(self.quantizer);
        let after_backward = (self.clock)();

        let grad_norm = optim::global_norm(self.model.params().map(|(_, param)| param));
        if !(loss.mean.is_finite() && grad_norm.is_finite()) {
            return Err(Error::Diverged { step: self.step + 1, loss: loss.mean, grad_norm });
        }
        let factor = if self.config.grad_clip { optim::clip_factor(grad_norm) } else { 1.0 };
        let soft_clip = self.config.tanh_clip.then_some(SOFT_CLIP_LIMIT);
        self.optimizer.step(self.model.params_mut(), lr, factor, soft_clip);
        self.model.end_step();
        self.step += 1;
        self.stale = true;

        self.phases.forward += after_forward - start;
        self.phases.backward += after_backward - after_forward;
        self.phases.update += (self.clock)() - after_backward;
        Ok(StepOutcome { loss, grad_norm })
    }

    /// Loss and hits of a batch in evaluation mode; nothing changes.
    pub fn evaluate(&mut self, x: &Tensor, labels: &[u8]) -> Loss {
        cross_entropy(self.logits(x), labels, None)
    }

    /// Logits `[n, 1, 1, classes]` of a batch in evaluation mode.
    pub fn logits(&mut self, x: &Tensor) -> &Tensor {
        self.refresh_forward_weights();
        self.model.forward(x, &Pass { training: false, seed: 0, step: 0 })
    }

    /// The network. Forward weights are those of the last step or evaluation.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// Every parameter with its layer's name, to overwrite its value (for tests and imports).
    pub fn set_params(&mut self, mut set: impl FnMut(&str, &mut Param)) {
        self.model.for_each_param_mut(|layer, param| set(layer, param));
        self.stale = true;
    }

    /// The levels of every weight tensor, in order.
    fn levels(&self) -> Vec<Levels> {
        let weights = self.model.params().filter(|(_, param)| param.is_weight());
        weights.map(|(_, param)| metrics::levels(param, self.quantizer, self.config.bits)).collect()
    }

    fn refresh_forward_weights(&mut self) {
        if self.stale {
            let start = (self.clock)();
            self.model.quantize(self.quantizer, self.config.bits, self.config.per_layer_scale);
            self.stale = false;
            self.phases.quantize += (self.clock)() - start;
        }
    }
}

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
    /// Milliseconds spent on the present epoch.
    epoch_ms: f64,
    /// The levels of every weight tensor at the last epoch report.
    levels: Vec<Levels>,
    x: Tensor,
    labels: Vec<u8>,
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
        trainer.refresh_forward_weights();
        let levels = trainer.levels();
        Ok(Self {
            normalize: dataset.normalize(),
            schedule: optim::find_schedule(&config.schedule)?.factor,
            order: epoch_order(dataset.train.len(), u64::from(config.seed), 0),
            stage: Stage::Training { position: 0 },
            epoch: 0,
            train: Totals::default(),
            test: Totals::default(),
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
        let model = &self.trainer.model;
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
        let start = (self.trainer.clock)();
        match self.stage {
            Stage::Training { position } => self.train_batch(position, start),
            Stage::Testing { position } => Ok(self.test_batch(position, start)),
            Stage::Finished => Ok(Event::Finished { epoch: self.epoch }),
        }
    }

    /// The weights as they are now; flips count since the last epoch report.
    pub fn layer_reports(&mut self) -> Vec<LayerReport> {
        self.trainer.refresh_forward_weights();
        self.reports(&self.trainer.levels())
    }

    /// Milliseconds a phase since the last call.
    pub fn take_phases(&mut self) -> Phases {
        std::mem::take(&mut self.trainer.phases)
    }

    fn config(&self) -> &RunConfig {
        &self.trainer.config
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
        self.trainer.phases.data += (self.trainer.clock)() - start;

        let lr = self.lr();
        let outcome = self.trainer.step(&self.x, &self.labels, lr)?;
        let images = end - position;
        self.train.add(outcome.loss, images);
        self.stage = if self.dataset.train.len() - end > 1 {
            Stage::Training { position: end }
        } else {
            Stage::Testing { position: 0 }
        };
        let ms = (self.trainer.clock)() - start;
        self.epoch_ms += ms;
        Ok(Event::Step(StepReport {
            epoch: self.epoch + 1,
            step: (position / self.batch()) as u32 + 1,
            steps_per_epoch: self.steps_per_epoch(),
            global_step: self.trainer.step,
            loss: outcome.loss.mean,
            accuracy: outcome.loss.correct as f64 / images as f64,
            grad_norm: outcome.grad_norm,
            lr,
            images,
            ms,
            img_per_s: images as f64 * 1e3 / ms,
        }))
    }

    fn test_batch(&mut self, position: usize, start: f64) -> Event {
        let total = self.dataset.test.len();
        let end = (position + self.batch()).min(total);
        let indices: Vec<u32> = (position as u32..end as u32).collect();
        let split: &Split = &self.dataset.test;
        fill_batch(split, &indices, None, &self.normalize, &mut self.x, &mut self.labels);
        let loss = self.trainer.evaluate(&self.x, &self.labels);
        self.test.add(loss, end - position);
        self.epoch_ms += (self.trainer.clock)() - start;
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
            layers: self.reports(&levels),
            secs: self.epoch_ms / 1e3,
        };
        self.levels = levels;
        self.epoch += 1;
        (self.train, self.test, self.epoch_ms) = Default::default();
        self.stage = if self.epoch < self.config().epochs {
            self.order = epoch_order(self.dataset.train.len(), u64::from(self.config().seed), self.epoch);
            Stage::Training { position: 0 }
        } else {
            Stage::Finished
        };
        Event::Epoch(report)
    }

    fn reports(&self, levels: &[Levels]) -> Vec<LayerReport> {
        let bits = self.config().bits;
        let quantizer = self.trainer.quantizer;
        let weights = self.trainer.model.params().filter(|(_, param)| param.is_weight());
        let with_levels = weights.zip(levels).zip(&self.levels);
        with_levels
            .map(|(((name, param), now), then)| {
                metrics::layer_report(name, param, quantizer, bits, now, then)
            })
            .collect()
    }
}
