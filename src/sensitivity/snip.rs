//! SNIP (arXiv 2602.01410) for a look: loss and weight divergence (`src/sensitivity/divergence.rs`) by what a copy of the run
//! notes while it trains on.

use super::divergence::damage_factors;
use super::probe::BACKWARD;
use super::{Found, Measure, Probe, Sensitivity, proportional};
use crate::Result;
use crate::registry::{Entry, told};

pub(super) const SENSITIVITY: Sensitivity = Sensitivity {
    entry: Entry {
        name: "snip",
        label: told("Loss and updates (SNIP)"),
        about: told(
            "What rounding to one bit less does to the loss, and by way of the backward pass to what all layers learn, while a copy trains on",
        ),
    },
    source: "arXiv 2602.01410",
    unit: "squared share of loss and weights",
    passes: |_| Ok(STEPS * (1 + BACKWARD)),
    learns: true,
    begin: |_| Ok(Box::new(Divergence { steps: 0 })),
};

/// Steps that the copy takes.
const STEPS: usize = 16;

struct Divergence {
    /// Those that are done.
    steps: usize,
}

impl Measure for Divergence {
    fn advance(&mut self, probe: &mut Probe) -> Result<Option<Vec<Found>>> {
        probe.look_at(self.steps);
        probe.learn()?;
        self.steps += 1;
        if self.steps < STEPS {
            return Ok(None);
        }
        let noted = probe.learned();
        let factors = damage_factors(probe.model(), &noted);
        let layers = factors.into_iter().enumerate().map(|(layer, factor)| {
            let damage = proportional(factor, 0.0, &probe.perturbations(layer)?);
            Ok(Found { value: probe.shown_rise(layer, &damage)?, spread: None, damage })
        });
        layers.collect::<Result<_>>().map(Some)
    }
}
