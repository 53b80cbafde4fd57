//! Forks: copies of a run that go on with other settings.

use super::{Run, Stage, State, Totals};
use crate::data::epoch_order;
use crate::predictions::Predictions;
use crate::random::{Purpose, stream};
use crate::settings::RunConfig;
use crate::state::{self, Snapshot, Visitor};
use crate::{Error, Result};

impl Run {
    /// An exact copy of the run as it is now, weights, optimizer, statistics, position in the epoch and all, that
    /// goes on with `config`. With an equal configuration it does, bit for bit, what this run will do.
    ///
    /// # Errors
    /// [`Error::Config`] for settings out of range, for one that a fork cannot change (model, batch, seed), and for
    /// fewer epochs than the run has begun.
    pub fn fork(&mut self, config: RunConfig) -> Result<Self> {
        config.validate()?;
        self.config().check_fork(&config)?;
        let begun = self.progress.epoch + u32::from(self.progress.stage != Stage::Finished);
        if config.epochs < begun {
            return Err(Error::Config {
                field: "epochs",
                expected: format!("at least the {begun} already begun"),
                found: config.epochs.to_string(),
            });
        }
        let same_grid = grid(self.config())? == grid(&config)?;
        let same_test = test(self.config()) == test(&config);
        let same_activations = activations(self.config()) == activations(&config);
        let trainer = self.trainer.fork(config)?;
        let mut fork = Self {
            schedule: crate::schedule::find(&trainer.config().schedule)?.rates,
            images: self.images.clone(),
            progress: self.progress.clone(),
            order: self.order.clone(),
            testing: Predictions::new(self.classes()),
            tested: Predictions::new(self.classes()),
            // Levels of different grids cannot be compared: changes count from now.
            levels: trainer.levels(),
            average: None,
            x: crate::Tensor::default(),
            labels: Vec::new(),
            trainer,
        };
        Snapshot::of(|visitor| self.visit_progress(visitor)).restore(|visitor| fork.visit_progress(visitor));
        if same_grid {
            fork.levels.clone_from(&self.levels);
        }
        if fork.progress.stage == Stage::Finished {
            // There may be more epochs now.
            fork.begin_epoch();
        }
        let in_epoch = matches!(fork.progress.stage, Stage::Training { .. });
        if !(same_activations || in_epoch) {
            // Else a range would be known after a step, and this test sees none.
            fork.measure_activations();
        }
        if !(same_grid && same_test && same_activations) || fork.progress.stage == Stage::TestingAverage {
            fork.restart_test();
        }
        Ok(fork)
    }

    /// Has the ranges of activations follow a training batch, drawn by a stream of its own.
    fn measure_activations(&mut self) {
        let rng = stream(self.config().seed, Purpose::Calibrate, 0);
        let (halo, batch) = (self.model().input_halo(), self.config().batch as usize);
        self.images.drawn_batch(rng, batch, halo, &mut self.x, &mut self.labels);
        self.trainer.measure_activations(&self.x);
    }

    /// Shows everything that a copy needs to go on alike.
    pub fn visit(&mut self, visitor: &mut dyn Visitor) {
        self.visit_tensors(visitor);
        self.visit_progress(visitor);
        self.trainer.visit_flips(visitor);
        for (i, levels) in self.levels.iter_mut().enumerate() {
            let mut bytes = levels.iter().flat_map(|level| level.to_le_bytes()).collect();
            visitor.bytes(&format!("levels.{i}"), &mut bytes);
            *levels = bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
        }
    }

    /// The part of [`Run::visit`] that has all tensors.
    pub(crate) fn visit_tensors(&mut self, visitor: &mut dyn Visitor) {
        self.trainer.visit(visitor);
    }

    /// Brings up to date what reports tell of the last step: copies are then alike whether or not somebody has asked.
    pub(crate) fn settle(&mut self) {
        self.trainer.settle();
    }

    /// After a visitor has put another state in place of that of a new run: brings what follows from it up to date.
    ///
    /// # Errors
    /// What is wrong, where no run of these settings is ever in such a state.
    pub(crate) fn restored(&mut self) -> std::result::Result<(), String> {
        self.check()?;
        self.trainer.restored();
        if self.progress.stage != Stage::Finished {
            self.order =
                epoch_order(self.images.train_len(), u64::from(self.config().seed), self.progress.epoch);
        }
        Ok(())
    }

    fn check(&self) -> std::result::Result<(), String> {
        let State { stage, epoch, .. } = self.progress;
        let (train, test, batch) = (self.images.train_len(), self.images.test_len(), self.batch());
        let place = match stage {
            Stage::Training { position } => {
                position % batch == 0 && position + 1 < train && self.testing.is_empty()
            }
            Stage::Reestimating { batch } => {
                batch < self.config().reestimate as usize && self.testing.is_empty()
            }
            Stage::Testing { position } => position < test && self.testing.len() == position,
            Stage::TestingAverage => self.testing.len() == test,
            Stage::Finished => self.testing.is_empty(),
        };
        if !place
            || (epoch < self.config().epochs) == (stage == Stage::Finished)
            || epoch > self.config().epochs
        {
            return Err(format!("{stage:?} in epoch {} of {}", epoch + 1, self.config().epochs));
        }
        let tested = self.tested.is_empty() || self.tested.len() == test;
        if !tested || !self.testing.fit() || !self.tested.fit() {
            return Err("predictions of other images".into());
        }
        if !self.trainer.levels_fit(&self.levels) {
            return Err("levels of other weights".into());
        }
        Ok(())
    }

    /// The same without weights, statistics and what the optimizer keeps.
    fn visit_progress(&mut self, visitor: &mut dyn Visitor) {
        let state = &mut self.progress;
        let mut epoch = u64::from(state.epoch);
        visitor.number("epoch", &mut epoch);
        state.epoch = epoch as u32;
        state.stage.visit(visitor);
        state.train.visit("train", visitor);
        state.test.visit("test", visitor);
        state::float(visitor, "epoch_ms", &mut state.epoch_ms);
        self.testing.visit("testing", visitor);
        self.tested.visit("tested", visitor);
    }
}

impl Stage {
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        let (mut kind, mut at) = match *self {
            Self::Training { position } => (0, position as u64),
            Self::Reestimating { batch } => (1, batch as u64),
            Self::Testing { position } => (2, position as u64),
            Self::TestingAverage => (3, 0),
            Self::Finished => (4, 0),
        };
        visitor.number("stage", &mut kind);
        visitor.number("position", &mut at);
        let at = at as usize;
        *self = match kind {
            0 => Self::Training { position: at },
            1 => Self::Reestimating { batch: at },
            2 => Self::Testing { position: at },
            3 => Self::TestingAverage,
            _ => Self::Finished,
        };
    }
}

impl Totals {
    fn visit(&mut self, name: &str, visitor: &mut dyn Visitor) {
        let visitor = &mut state::Under { visitor, prefix: name };
        state::float(visitor, "loss", &mut self.loss);
        for (name, count) in [("correct", &mut self.correct), ("images", &mut self.images)] {
            let mut number = *count as u64;
            visitor.number(name, &mut number);
            *count = number as usize;
        }
    }
}

/// What a weight's level depends on, besides the weights.
fn grid(config: &RunConfig) -> Result<impl PartialEq + use<'_>> {
    Ok((&config.quantizer, &config.bits, config.granularity()?, &config.ends))
}

/// What a test pass depends on, besides weights and activations.
fn test(config: &RunConfig) -> impl PartialEq + use<> {
    (config.reestimate, config.ema > 0.0)
}

/// What activations are rounded by.
fn activations(config: &RunConfig) -> impl PartialEq + use<'_> {
    (&config.activations, config.activation_bits, &config.ends)
}
