//! The plain experiment: what the loss does when one layer alone is rounded. The truth that the others are held against.

use super::{Damage, Found, Measure, Probe, Sensitivity};
use crate::Result;
use crate::registry::{Entry, told};

pub(super) const SENSITIVITY: Sensitivity = Sensitivity {
    entry: Entry {
        name: "rounding",
        label: told("Round one layer and see"),
        about: told("The rise of the loss when a layer alone is rounded, to one bit less than it has"),
    },
    source: "by definition",
    unit: "rise of the loss, nats",
    passes: |probe| {
        let widths = (0..probe.len()).map(|layer| Ok(probe.widths(layer)?.len())).sum::<Result<usize>>()?;
        Ok(BATCHES * (1 + widths))
    },
    learns: false,
    begin: |probe| {
        let widths = (0..probe.len()).map(|layer| probe.widths(layer)).collect::<Result<_>>()?;
        Ok(Box::new(Rounding { widths, rises: vec![Vec::new(); probe.len()], plain: Vec::new() }))
    },
};

/// Batches that each layer's loss is measured on.
const BATCHES: usize = 4;

struct Rounding {
    /// Of each layer.
    widths: Vec<Vec<u8>>,
    /// Of each layer and width the rise of the loss on each batch.
    rises: Vec<Vec<Vec<f64>>>,
    /// The loss of each batch with nothing rounded.
    plain: Vec<f64>,
}

impl Measure for Rounding {
    fn advance(&mut self, probe: &mut Probe) -> Result<Option<Vec<Found>>> {
        if self.plain.is_empty() {
            for batch in 0..BATCHES {
                probe.look_at(batch);
                self.plain.push(probe.loss()?);
            }
            return Ok(None);
        }
        let next = (0..self.widths.len()).find(|layer| self.rises[*layer].len() < self.widths[*layer].len());
        if let Some(layer) = next {
            let bits = self.widths[layer][self.rises[layer].len()];
            let weights = probe.weights(layer).to_vec();
            probe.set_weights(layer, probe.rounded(layer, bits)?);
            let mut rises = Vec::new();
            for (batch, plain) in self.plain.iter().enumerate() {
                probe.look_at(batch);
                rises.push(probe.loss()? - plain);
            }
            probe.set_weights(layer, weights);
            self.rises[layer].push(rises);
            return Ok(None);
        }
        let layers = self.rises.iter().enumerate().map(|(layer, rises)| {
            let damage: Vec<Damage> = rises
                .iter()
                .map(|rises| {
                    let [rise, deviation] = super::mean_and_deviation(rises);
                    Damage { rise, error: deviation / (BATCHES as f64).sqrt() }
                })
                .collect();
            let shown = probe.shown(layer)?.map_or(Damage { rise: 0.0, error: 0.0 }, |at| damage[at]);
            Ok(Found { value: shown.rise, spread: Some(shown.error), damage })
        });
        layers.collect::<Result<_>>().map(Some)
    }
}
