//! Forks: copies of a run that go on with other settings.

use super::{Run, Stage};
use crate::config::RunConfig;
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
        check_unchanged(self.config(), &config)?;
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
fn grid(config: &RunConfig) -> (&str, u8, bool) {
    (&config.quantizer, config.bits, config.per_layer_scale)
}

/// Refuses a change of what the copied state was made with.
fn check_unchanged(from: &RunConfig, to: &RunConfig) -> Result<()> {
    // Taken apart, so that a new setting has to be put on one of the sides.
    let RunConfig {
        model,
        batch,
        seed,
        quantizer: _,
        bits: _,
        tanh_clip: _,
        per_layer_scale: _,
        grad_clip: _,
        straight_through: _,
        augment: _,
        epochs: _,
        lr: _,
        winograd: _,
        schedule: _,
    } = from;
    let fixed = [
        ("model", model.clone(), to.model.clone()),
        ("batch", batch.to_string(), to.batch.to_string()),
        ("seed", seed.to_string(), to.seed.to_string()),
    ];
    for (field, from, to) in fixed {
        if from != to {
            return Err(Error::Config {
                field,
                expected: format!("{from}, as in the run forked"),
                found: to,
            });
        }
    }
    Ok(())
}
