//! Forks: copies of a run that go on with other settings.

use super::{Run, Stage};
use crate::predictions::Predictions;
use crate::random::{Purpose, stream};
use crate::settings::RunConfig;
use crate::state::Snapshot;
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
}

/// What a weight's level depends on, besides the weights.
fn grid(config: &RunConfig) -> Result<impl PartialEq + use<'_>> {
    Ok((&config.quantizer, &config.bits, config.granularity()?, &config.ends, &config.layers))
}

/// What a test pass depends on, besides weights and activations.
fn test(config: &RunConfig) -> impl PartialEq + use<> {
    (config.reestimate, config.ema > 0.0)
}

/// What activations are rounded by.
fn activations(config: &RunConfig) -> impl PartialEq + use<'_> {
    (&config.activations, config.activation_bits, &config.ends, &config.layers)
}
