//! LRP-QViT (arXiv 2401.11243): how much of the answers comes through a layer, by layer-wise relevance propagation
//! (`src/model/relevance.rs`).

use super::probe::RELEVANCE;
use super::{Damage, Found, Measure, Probe, Sensitivity, noise};
use crate::Result;
use crate::registry::{Entry, told};

pub(super) const SENSITIVITY: Sensitivity = Sensitivity {
    entry: Entry {
        name: "relevance",
        label: told("Share of the answers (LRP)"),
        about: told(
            "How much of the right classes' logits comes through a layer; what rounding does is that times the rounding noise",
        ),
    },
    source: "arXiv 2401.11243; Bach et al. 2015",
    unit: "share of the logits",
    passes: |_| Ok(BATCHES * (1 + RELEVANCE)),
    learns: false,
    begin: |probe| {
        let noise = (0..probe.len()).map(|layer| noise::shares(probe, layer)).collect::<Result<_>>()?;
        probe.fold();
        Ok(Box::new(Share { noise, shares: vec![Vec::new(); probe.len()] }))
    },
};

/// Batches that are looked at: some hundred images.
const BATCHES: usize = 4;

struct Share {
    /// Of each layer and width.
    noise: Vec<Vec<Damage>>,
    /// Of each layer what each batch gave.
    shares: Vec<Vec<f64>>,
}

impl Measure for Share {
    fn advance(&mut self, probe: &mut Probe) -> Result<Option<Vec<Found>>> {
        let batch = self.shares[0].len();
        probe.look_at(batch);
        let (relevance, logits) = probe.relevance()?;
        let all: f64 = logits.iter().sum();
        // From the last layer to the first.
        for (shares, (_, of_layer)) in self.shares.iter_mut().rev().zip(&relevance.layers) {
            let sum: f64 = of_layer.iter().sum();
            shares.push(if all == 0.0 { 0.0 } else { sum / all });
        }
        if batch + 1 < BATCHES {
            return Ok(None);
        }
        let layers = self.shares.iter().zip(&self.noise).map(|(shares, noise)| {
            let [value, deviation] = super::mean_and_deviation(shares);
            let error = deviation / (BATCHES as f64).sqrt();
            let damage =
                noise.iter().map(|noise| Damage { rise: value * noise.rise, error: error * noise.rise });
            Found { value, spread: Some(error), damage: damage.collect() }
        });
        Ok(Some(layers.collect()))
    }
}
