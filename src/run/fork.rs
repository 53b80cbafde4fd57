//! Forks: copies of a run that go on with other settings.

use super::{Run, Stage};
use crate::settings::{Bits, RunConfig};
use crate::{Error, Result, Tensor, models, optim};

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
        let begun = self.epoch + u32::from(self.stage != Stage::Finished);
        if config.epochs < begun {
            return Err(Error::Config {
                field: "epochs",
                expected: format!("at least the {begun} already begun"),
                found: config.epochs.to_string(),
            });
        }
        let specs = models::find(&config.model)?.specs()?;
        let schedule = optim::find_schedule(&config.schedule)?.factor;
        let same_grid = grid(self.config()) == grid(&config);
        let trainer = self.trainer.fork(&specs, self.dataset.classes.len(), config)?;
        let mut fork = Self {
            // Levels of different grids cannot be compared: changes count from now.
            levels: if same_grid { self.levels.clone() } else { trainer.levels() },
            trainer,
            schedule,
            dataset: self.dataset.clone(),
            normalize: self.normalize.clone(),
            stage: self.stage,
            epoch: self.epoch,
            order: self.order.clone(),
            train: self.train,
            test: self.test,
            testing: self.testing.clone(),
            tested: self.tested.clone(),
            epoch_ms: self.epoch_ms,
            x: Tensor::default(),
            labels: Vec::new(),
        };
        if fork.stage == Stage::Finished {
            // There may be more epochs now.
            fork.begin_epoch();
        }
        if !same_grid {
            fork.restart_test();
        }
        Ok(fork)
    }
}

/// What a weight's level depends on, besides the weights.
fn grid(config: &RunConfig) -> (&str, &Bits, bool) {
    (&config.quantizer, &config.bits, config.per_layer_scale)
}
