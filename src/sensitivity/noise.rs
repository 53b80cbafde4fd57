//! The cheapest way, which needs no image: how large a layer's rounding error is beside its weights.

use super::{Damage, Found, Measure, Probe, Sensitivity, proportional};
use crate::Result;
use crate::kernels::weights::sum_of_squares;
use crate::registry::{Entry, told};

pub(super) const SENSITIVITY: Sensitivity = Sensitivity {
    entry: Entry {
        name: "noise",
        label: told("Rounding noise"),
        about: told(
            "The square of the error of rounding to one bit less beside that of the weights, without a look at any image",
        ),
    },
    source: "signal-to-noise ratio",
    unit: "noise over signal",
    passes: |_| Ok(0),
    learns: false,
    begin: |_| Ok(Box::new(Noise { found: Vec::new() })),
};

struct Noise {
    /// Of the layers so far.
    found: Vec<Found>,
}

impl Measure for Noise {
    fn advance(&mut self, probe: &mut Probe) -> Result<Option<Vec<Found>>> {
        let layer = self.found.len();
        let damage = shares(probe, layer)?;
        let value = probe.shown_rise(layer, &damage)?;
        self.found.push(Found { value, spread: None, damage });
        Ok((self.found.len() == probe.len()).then(|| std::mem::take(&mut self.found)))
    }
}

/// The square of a layer's rounding error beside that of its weights, for each width.
pub(super) fn shares(probe: &Probe, layer: usize) -> Result<Vec<Damage>> {
    let signal = sum_of_squares(probe.weights(layer));
    let share = if signal > 0.0 { 1.0 / signal } else { 0.0 };
    Ok(proportional(share, 0.0, &probe.perturbations(layer)?))
}
