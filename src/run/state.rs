//! The walk over a run's state, and what is checked and follows when another state is put in its place.

use super::{Run, Stage, State, Totals};
use crate::data::epoch_order;
use crate::metrics::Level;
use crate::state::{self, Visitor};

impl Run {
    /// Shows everything that a copy needs to go on alike.
    pub fn visit(&mut self, visitor: &mut dyn Visitor) {
        self.visit_tensors(visitor);
        self.visit_progress(visitor);
        self.trainer.visit_flips(visitor);
        for (i, levels) in self.levels.iter_mut().enumerate() {
            let name = format!("levels.{i}");
            state::list(visitor, &name, levels, |level| level.to_le_bytes(), Level::from_le_bytes);
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
    pub(crate) fn restored(&mut self) -> Result<(), String> {
        self.check()?;
        self.trainer.restored();
        if self.progress.stage != Stage::Finished {
            self.order =
                epoch_order(self.images.train_len(), u64::from(self.config().seed), self.progress.epoch);
        }
        Ok(())
    }

    /// The part of [`Run::visit_tensors`] that computes: without what the optimizer keeps.
    pub(crate) fn visit_network(&mut self, visitor: &mut dyn Visitor) {
        self.trainer.visit_network(visitor);
    }

    /// After a visitor has put another network in place of that of a new run: this is at its end then.
    pub(crate) fn restored_network(&mut self) {
        let epochs = self.config().epochs;
        self.trainer.restored_network(u64::from(epochs) * u64::from(self.steps_per_epoch()));
        self.progress.stage = Stage::Finished;
        self.progress.epoch = epochs;
        self.levels = self.trainer.levels();
    }

    fn check(&self) -> Result<(), String> {
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
    pub(super) fn visit_progress(&mut self, visitor: &mut dyn Visitor) {
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
