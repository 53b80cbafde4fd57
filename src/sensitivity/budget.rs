//! What bits may cost, and the best that can be had for it.

use std::collections::BTreeMap;
use std::str::FromStr;

use serde::Serialize;

use super::assign::front;
use super::{Choice, LayerSensitivity, assign};
use crate::registry::{Entry, told};
use crate::settings::{Bits, number};
use crate::{Error, Result};

/// What a budget counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Mean number of bits of a weight, scales not counted.
    AverageBits,
    /// Kilobytes (1,000 bytes) of the weights, with scales and codebooks.
    Kilobytes,
    /// Billions of bit-operations an image: each product of a weight and what it multiplies counts the bits of one times
    /// those of the other.
    BitOperations,
}

impl Unit {
    /// All, the usual one first.
    pub const ALL: [Self; 3] = [Self::AverageBits, Self::Kilobytes, Self::BitOperations];

    /// Its name is what stands behind an amount.
    pub fn entry(self) -> Entry {
        match self {
            Self::AverageBits => Entry {
                name: "",
                label: told("bits a weight"),
                about: told("The mean over all weights; scales are not counted."),
            },
            Self::Kilobytes => Entry {
                name: "KB",
                label: told("kilobytes"),
                about: told("1,000 bytes of weights, with their scales and codebooks."),
            },
            Self::BitOperations => Entry {
                name: "GBOP",
                label: told("billion bit-operations an image"),
                about: told("Each product counts the bits of the weight times those of what it multiplies."),
            },
        }
    }

    /// What a width of a layer costs, in whole parts of the unit.
    fn cost(self, layer: &LayerSensitivity, width: usize) -> u64 {
        let bits = &layer.widths[width];
        match self {
            Self::AverageBits => layer.weights as u64 * u64::from(bits.bits),
            Self::Kilobytes => bits.size,
            Self::BitOperations => layer.products * u64::from(bits.bits) * u64::from(layer.input_bits),
        }
    }

    /// How many of these parts make one.
    fn parts(self, layers: &[LayerSensitivity]) -> f64 {
        match self {
            Self::AverageBits => layers.iter().map(|layer| layer.weights).sum::<usize>().max(1) as f64,
            Self::Kilobytes => 8e3,
            Self::BitOperations => 1e9,
        }
    }

    /// What each width of each layer costs and does.
    fn choices(self, layers: &[LayerSensitivity]) -> Vec<Vec<Choice>> {
        let of_layer = |layer: &LayerSensitivity| {
            let choice = |at: usize| Choice {
                cost: self.cost(layer, at),
                damage: layer.widths[at].damage.rise.max(0.0),
            };
            (0..layer.widths.len()).map(choice).collect()
        };
        layers.iter().map(of_layer).collect()
    }
}

/// What all layers with weights may cost together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Budget {
    /// Of what.
    pub unit: Unit,
    /// So much.
    pub amount: f64,
}

/// What is accepted, as messages say it.
const FORM: &str = "average bits (3), kilobytes (400KB) or billions of bit-operations an image (12GBOP)";

impl FromStr for Budget {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let text = text.trim();
        // Every text ends with the first one's name.
        let unit = Unit::ALL.into_iter().rev().find(|unit| text.ends_with(unit.entry().name));
        let unit = unit.unwrap_or(Unit::AverageBits);
        match number(text.trim_end_matches(unit.entry().name).trim()) {
            Some(amount) if amount > 0.0 && amount.is_finite() => Ok(Self { unit, amount }),
            _ => Err(Error::Config { field: "budget", expected: FORM.into(), found: text.into() }),
        }
    }
}

impl Budget {
    /// The width of each layer that does the least damage in all.
    ///
    /// # Errors
    /// [`Error::Config`] where even the fewest bits cost more; it says how much.
    pub fn assign(self, layers: &[LayerSensitivity]) -> Result<Vec<u8>> {
        let choices = self.unit.choices(layers);
        let limit = self.limit(layers);
        let Some(chosen) = assign(&choices, limit) else {
            let least =
                choices.iter().filter_map(|choices| choices.iter().map(|choice| choice.cost).min()).sum();
            let [expected, found] = [least, limit].map(|cost| self.text(cost, layers));
            return Err(Error::Config { field: "budget", expected: format!("at least {expected}"), found });
        };
        Ok(bits_of(layers, &chosen))
    }

    /// What widths cost, one a layer.
    pub fn spent(self, layers: &[LayerSensitivity], bits: &[u8]) -> String {
        self.text(self.cost(layers, bits), layers)
    }

    /// Whether widths, one a layer, cost no more.
    pub fn holds(self, layers: &[LayerSensitivity], bits: &[u8]) -> bool {
        self.cost(layers, bits) <= self.limit(layers)
    }

    fn cost(self, layers: &[LayerSensitivity], bits: &[u8]) -> u64 {
        let of_layer =
            |(layer, bits): (&LayerSensitivity, &u8)| Some(self.unit.cost(layer, layer.at(*bits)?));
        layers.iter().zip(bits).filter_map(of_layer).sum()
    }

    /// In whole parts of the unit.
    fn limit(self, layers: &[LayerSensitivity]) -> u64 {
        (self.amount * self.unit.parts(layers)) as u64
    }

    fn text(self, cost: u64, layers: &[LayerSensitivity]) -> String {
        let amount = cost as f64 / self.unit.parts(layers);
        match self.unit {
            Unit::AverageBits => format!("{amount:.3} bits a weight"),
            Unit::Kilobytes => format!("{amount:.1} KB"),
            Unit::BitOperations => format!("{amount:.3} GBOP an image"),
        }
    }
}

/// The best for every budget in a unit.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Front {
    /// The unit's name.
    pub unit: &'static str,
    /// What each width of each layer costs.
    pub costs: Vec<Vec<f64>>,
    /// From the cheapest on: each does less damage than what costs less.
    pub steps: Vec<Step>,
}

/// An assignment that nothing that costs as little is better than.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Step {
    /// In the front's unit.
    pub cost: f64,
    /// What the layers' widths do to the loss together, by the measurement.
    pub rise: f64,
    /// One a layer.
    pub bits: Vec<u8>,
}

/// The best for every budget, in every unit.
pub fn fronts(layers: &[LayerSensitivity]) -> Vec<Front> {
    let of_unit = |unit: Unit| {
        let choices = unit.choices(layers);
        let parts = unit.parts(layers);
        let step = |chosen: Vec<usize>| {
            let of = choices.iter().zip(&chosen).map(|(choices, at)| choices[*at]);
            let cost: u64 = of.clone().map(|choice| choice.cost).sum();
            let rise = of.map(|choice| choice.damage).sum();
            Step { cost: cost as f64 / parts, rise, bits: bits_of(layers, &chosen) }
        };
        let costs = |choices: &Vec<Choice>| choices.iter().map(|choice| choice.cost as f64 / parts).collect();
        Front {
            unit: unit.entry().name,
            costs: choices.iter().map(costs).collect(),
            steps: front(&choices).into_iter().map(step).collect(),
        }
    };
    Unit::ALL.map(of_unit).into()
}

/// The widths of those places.
fn bits_of(layers: &[LayerSensitivity], chosen: &[usize]) -> Vec<u8> {
    layers.iter().zip(chosen).map(|(layer, at)| layer.widths[*at].bits).collect()
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
