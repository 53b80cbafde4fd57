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
        let shares =
            (0..probe.len()).map(|layer| Ok(probe.widths(layer)?.len() as f64 * probe.share_from(layer)));
        Ok((BATCHES as f64 * (1.0 + shares.sum::<Result<f64>>()?)).ceil() as usize)
    },
    learns: false,
    begin: |probe| {
        let widths: Vec<Vec<u8>> =
            (0..probe.len()).map(|layer| probe.widths(layer)).collect::<Result<_>>()?;
        let rises = widths.iter().map(|widths| vec![Vec::new(); widths.len()]).collect();
        Ok(Box::new(Rounding { widths, rises, plain: Vec::new(), left: 0 }))
    },
};

/// Batches that each layer's loss is measured on.
const BATCHES: usize = 4;

struct Rounding {
    /// Of each layer.
    widths: Vec<Vec<u8>>,
    /// Of each layer and width the rise of the loss on each batch.
    rises: Vec<Vec<Vec<f64>>>,
    /// The loss of each batch so far with nothing rounded.
    plain: Vec<f64>,
    /// Layers that have not been rounded yet on the latest batch.
    left: usize,
}

impl Measure for Rounding {
    /// The last layer first: what lies before a layer is then as the pass without rounding has left it, and is not computed
    /// again.
    fn advance(&mut self, probe: &mut Probe) -> Result<Option<Vec<Found>>> {
        if let Some(layer) = self.left.checked_sub(1) {
            let weights = probe.weights(layer).to_vec();
            let plain = self.plain[self.plain.len() - 1];
            for (bits, rises) in self.widths[layer].iter().zip(&mut self.rises[layer]) {
                probe.set_weights(layer, probe.rounded(layer, *bits)?);
                rises.push(probe.loss_from(layer)? - plain);
                probe.set_weights(layer, weights.clone());
            }
            self.left = layer;
            return Ok(None);
        }
        if self.plain.len() < BATCHES {
            probe.look_at(self.plain.len());
            self.plain.push(probe.loss()?);
            self.left = probe.len();
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
