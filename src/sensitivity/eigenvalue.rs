//! HAWQ (arXiv 1905.03696): the largest eigenvalue of each layer's part of the Hessian.

use super::hessian::{ITERATIONS, PASSES, PowerIteration};
use super::{Found, Measure, Probe, Sensitivity, proportional};
use crate::Result;
use crate::registry::{Entry, told};

pub(super) const SENSITIVITY: Sensitivity = Sensitivity {
    entry: Entry {
        name: "eigenvalue",
        label: told("Sharpest curve (HAWQ)"),
        about: told(
            "The largest curvature of the loss over a layer's weights: the largest eigenvalue of its part of the Hessian",
        ),
    },
    source: "arXiv 1905.03696, section 3",
    unit: "largest eigenvalue",
    passes: |probe| Ok(probe.len() * ITERATIONS * PASSES),
    learns: false,
    begin: |probe| {
        probe.look_at(0);
        Ok(Box::new(Eigenvalue {
            layers: probe.len(),
            iteration: PowerIteration::new(probe, 0),
            values: Vec::new(),
        }))
    },
};

struct Eigenvalue {
    layers: usize,
    iteration: PowerIteration,
    values: Vec<f64>,
}

impl Measure for Eigenvalue {
    fn advance(&mut self, probe: &mut Probe) -> Result<Option<Vec<Found>>> {
        let Some(value) = self.iteration.advance(probe)? else { return Ok(None) };
        self.values.push(value);
        if self.values.len() == self.layers {
            return found(probe, &self.values, &[]).map(Some);
        }
        self.iteration = PowerIteration::new(probe, self.values.len());
        Ok(None)
    }
}

/// What eigenvalues say of rounding: at most `|rounded - W|^2 / 2` times the eigenvalue.
pub(super) fn found(probe: &Probe, values: &[f64], spreads: &[f64]) -> Result<Vec<Found>> {
    let layers = values.iter().enumerate().map(|(layer, value)| {
        let spread = spreads.get(layer).copied();
        let damage = proportional(value / 2.0, spread.unwrap_or(0.0) / 2.0, &probe.perturbations(layer)?);
        Ok(Found { value: *value, spread, damage })
    });
    layers.collect()
}
