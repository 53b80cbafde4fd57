//! What bits may cost, and the best that can be had for it.

use std::collections::BTreeMap;
use std::str::FromStr;

use super::{Choice, LayerSensitivity, assign};
use crate::settings::Bits;
use crate::{Error, Result};

/// What all layers with weights may cost together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Budget {
    /// Mean number of bits of a weight, scales not counted.
    AverageBits(f64),
    /// Kilobytes (1,000 bytes) of the weights, with scales and codebooks.
    Kilobytes(f64),
    /// Billions of bit-operations an image: each product of a weight and what it multiplies counts the bits of one times
    /// those of the other.
    BitOperations(f64),
}

/// What is accepted, as messages say it.
const FORM: &str = "average bits (3), kilobytes (400KB) or billions of bit-operations an image (12GBOP)";

impl FromStr for Budget {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let text = text.trim();
        let (number, make): (_, fn(f64) -> Self) = if let Some(number) = text.strip_suffix("KB") {
            (number, Self::Kilobytes)
        } else if let Some(number) = text.strip_suffix("GBOP") {
            (number, Self::BitOperations)
        } else {
            (text, Self::AverageBits)
        };
        match number.trim().parse::<f64>() {
            Ok(number) if number > 0.0 && number.is_finite() => Ok(make(number)),
            _ => Err(Error::Config { field: "budget", expected: FORM.into(), found: text.into() }),
        }
    }
}

impl Budget {
    /// The same in the unit of [`Budget::cost`].
    fn limit(self, layers: &[LayerSensitivity]) -> u64 {
        let weights: usize = layers.iter().map(|layer| layer.weights).sum();
        match self {
            Self::AverageBits(bits) => (bits * weights as f64) as u64,
            Self::Kilobytes(kilobytes) => (kilobytes * 8e3) as u64,
            Self::BitOperations(billions) => (billions * 1e9) as u64,
        }
    }

    /// What a width of a layer costs.
    fn cost(self, layer: &LayerSensitivity, width: usize) -> u64 {
        let bits = &layer.widths[width];
        match self {
            Self::AverageBits(_) => layer.weights as u64 * u64::from(bits.bits),
            Self::Kilobytes(_) => bits.size,
            Self::BitOperations(_) => layer.products * u64::from(bits.bits) * u64::from(layer.input_bits),
        }
    }

    /// The width of each layer that does the least damage in all.
    ///
    /// # Errors
    /// [`Error::Config`] where even the fewest bits cost more; it says how much.
    pub fn assign(self, layers: &[LayerSensitivity]) -> Result<Vec<u8>> {
        let choices: Vec<Vec<Choice>> = layers
            .iter()
            .map(|layer| {
                let widths = layer.widths.iter().enumerate();
                widths
                    .map(|(at, width)| Choice {
                        cost: self.cost(layer, at),
                        damage: width.damage.rise.max(0.0),
                    })
                    .collect()
            })
            .collect();
        let Some(chosen) = assign(&choices, self.limit(layers)) else {
            let least =
                choices.iter().filter_map(|choices| choices.iter().map(|choice| choice.cost).min()).sum();
            let [expected, found] = [least, self.limit(layers)].map(|cost| self.text(cost, layers));
            return Err(Error::Config { field: "budget", expected: format!("at least {expected}"), found });
        };
        Ok(layers.iter().zip(chosen).map(|(layer, at)| layer.widths[at].bits).collect())
    }

    /// What widths cost, one a layer.
    pub fn spent(self, layers: &[LayerSensitivity], bits: &[u8]) -> String {
        let cost = layers.iter().zip(bits).filter_map(|(layer, bits)| {
            Some(self.cost(layer, layer.widths.iter().position(|width| width.bits == *bits)?))
        });
        self.text(cost.sum(), layers)
    }

    fn text(self, cost: u64, layers: &[LayerSensitivity]) -> String {
        let weights: usize = layers.iter().map(|layer| layer.weights).sum();
        match self {
            Self::AverageBits(_) => format!("{:.3} bits a weight", cost as f64 / weights.max(1) as f64),
            Self::Kilobytes(_) => format!("{:.1} KB", cost as f64 / 8e3),
            Self::BitOperations(_) => format!("{:.3} GBOP an image", cost as f64 / 1e9),
        }
    }
}

/// Widths as the setting `bits` has them: that of most weights for all, and the others by name. `named` layers are named in
/// any case.
pub fn bits_setting(layers: &[LayerSensitivity], bits: &[u8], named: &[&str]) -> Bits {
    let mut weights: BTreeMap<u8, usize> = BTreeMap::new();
    for (layer, bits) in layers.iter().zip(bits) {
        *weights.entry(*bits).or_default() += layer.weights;
    }
    let all = weights.into_iter().max_by_key(|(_, weights)| *weights).map_or(0, |(bits, _)| bits);
    let mut setting = Bits::from(all);
    let others =
        layers.iter().zip(bits).filter(|(layer, bits)| **bits != all || named.contains(&&*layer.layer));
    setting.layers = others.map(|(layer, bits)| (layer.layer.clone(), *bits)).collect();
    setting
}
