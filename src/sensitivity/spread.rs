//! Q-BERT (arXiv 1909.05840): how large the largest eigenvalues are over several batches, and how much they vary.

use super::eigenvalue;
use super::hessian::{ITERATIONS, PASSES, PowerIteration};
use super::{Found, Measure, Probe, Sensitivity};
use crate::Result;
use crate::registry::{Entry, told};

pub(super) const SENSITIVITY: Sensitivity = Sensitivity {
    entry: Entry {
        name: "spread",
        label: told("Sharpest curve, over batches (Q-BERT)"),
        about: told(
            "The largest eigenvalue over several batches: the size of its mean, and its standard deviation on top",
        ),
    },
    source: "arXiv 1909.05840, equation 2",
    unit: "|mean| + standard deviation",
    passes: |probe| Ok(BATCHES * probe.len() * ITERATIONS * PASSES),
    learns: false,
    begin: |probe| {
        Ok(Box::new(Spread {
            values: vec![Vec::new(); probe.len()],
            iteration: PowerIteration::new(probe, 0),
        }))
    },
};

/// Batches whose eigenvalues are compared.
const BATCHES: usize = 5;

struct Spread {
    /// Of each layer the eigenvalue of each batch.
    values: Vec<Vec<f64>>,
    iteration: PowerIteration,
}

impl Measure for Spread {
    fn advance(&mut self, probe: &mut Probe) -> Result<Option<Vec<Found>>> {
        let done: usize = self.values.iter().map(Vec::len).sum();
        probe.look_at(done / self.values.len());
        let Some(value) = self.iteration.advance(probe)? else { return Ok(None) };
        let layers = self.values.len();
        self.values[done % layers].push(value);
        let next = (done + 1) % layers;
        if done + 1 < BATCHES * layers {
            self.iteration = PowerIteration::new(probe, next);
            return Ok(None);
        }
        let figures: Vec<[f64; 2]> =
            self.values.iter().map(|values| super::mean_and_deviation(values)).collect();
        let values: Vec<f64> = figures.iter().map(|[mean, deviation]| mean.abs() + deviation).collect();
        let deviations: Vec<f64> = figures.iter().map(|[_, deviation]| *deviation).collect();
        eigenvalue::found(probe, &values, &deviations).map(Some)
    }
}
