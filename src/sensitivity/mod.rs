//! How much each layer minds losing bits: ways to find out, one file and one line of [`SENSITIVITIES`] each, and the best
//! assignment of bits under a budget ([`assign`]).
//!
//! All look at a copy of the network with FP32 weights and activations, batch norm by the statistics of evaluation and no
//! dropout, on training images as they are.

mod assign;
mod budget;
mod divergence;
mod eigenvalue;
mod hessian;
mod noise;
mod probe;
mod rank;
mod relevance;
mod rounding;
mod snip;
mod spread;
#[cfg(test)]
mod tests;
mod trace;

use serde::Serialize;
use serde_json::{Value, json};

use crate::Result;
use crate::registry::{Entry, Named, Registry};
use crate::train::Clock;

pub use assign::{Choice, assign};
pub use budget::{Budget, Front, Step, Unit, bits_setting, fronts};
pub(crate) use divergence::{Noted, better, check, divergences};
pub(crate) use probe::Learner;
pub use probe::{IMAGES, Probe};
pub use rank::{agreement, kendall, losing_a_bit};

/// A registered way to measure how much layers mind.
pub struct Sensitivity {
    /// Its name and description.
    pub entry: Entry,
    /// Where it comes from.
    pub source: &'static str,
    /// What its figure of a layer is.
    pub unit: &'static str,
    /// Forward passes over a batch that it takes, at most; a backward pass counts as two.
    passes: fn(&Probe) -> Result<usize>,
    /// Whether a copy of the run trains on for it.
    learns: bool,
    /// Begins to measure.
    begin: fn(&mut Probe) -> Result<Box<dyn Measure>>,
}

/// A measurement on its way.
pub trait Measure: Send {
    /// Does a piece of it, of a few passes; what it found, once that was the last one.
    ///
    /// # Errors
    /// [`crate::Error::Diverged`] where a loss is not finite.
    fn advance(&mut self, probe: &mut Probe) -> Result<Option<Vec<Found>>>;
}

/// What was found about a layer.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The figure itself.
    pub value: f64,
    /// How uncertain it is, or how much it varies, where that is measured.
    pub spread: Option<f64>,
    /// What rounding the layer to each of [`Probe::widths`] does.
    pub damage: Vec<Damage>,
}

/// What rounding a layer to some bits does to the loss.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Damage {
    /// Its expected rise, in nats where the method can tell; else in a unit that is the same for all layers.
    pub rise: f64,
    /// Standard error; 0 where it is not measured.
    pub error: f64,
}

/// The same with the layer's name and size.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LayerSensitivity {
    /// `conv1`...
    pub layer: String,
    /// Its weights.
    pub weights: usize,
    /// See [`Found::value`].
    pub value: f64,
    /// See [`Found::spread`].
    pub spread: Option<f64>,
    /// The place of the width whose damage stands for the layer's.
    pub shown: Option<usize>,
    /// Products of a weight and an input an image.
    pub products: u64,
    /// Bits of what the weights multiply; 32 where that is not rounded.
    pub input_bits: u8,
    /// Every width that the layer can have.
    pub widths: Vec<Width>,
}

impl LayerSensitivity {
    /// The place of a width; `None` where the layer cannot have it.
    pub fn at(&self, bits: u8) -> Option<usize> {
        self.widths.iter().position(|width| width.bits == bits)
    }
}

/// A width that a layer can have.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Width {
    /// Of a weight.
    pub bits: u8,
    /// What it does to the loss.
    #[serde(flatten)]
    pub damage: Damage,
    /// Bits of all its weights, scales and codebooks included.
    pub size: u64,
}

/// How far a measurement is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Progress {
    /// Passes over a batch that are done, as [`Cost::passes`] counts them.
    pub done: usize,
    /// Passes that there are at most.
    pub total: usize,
    /// Once all is done.
    pub result: Option<Vec<LayerSensitivity>>,
}

/// What a measurement takes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Cost {
    /// Which.
    pub name: &'static str,
    /// Forward passes over a batch, at most; a backward pass counts as two.
    pub passes: usize,
    /// The time of these, by that of the last pass here.
    pub seconds: f64,
}

/// A measurement over a copy of a run's network, which the run is free to leave behind.
pub struct Sensing {
    probe: Probe,
    measure: Box<dyn Measure>,
    passes: usize,
}

impl Sensing {
    /// `learner` makes a copy that trains on.
    pub(crate) fn new(
        sensitivity: &Sensitivity,
        mut probe: Probe,
        learner: impl FnOnce() -> Result<Learner>,
    ) -> Result<Self> {
        probe.check()?;
        if sensitivity.learns {
            probe.learn_by(learner()?);
        }
        let passes = (sensitivity.passes)(&probe)?;
        Ok(Self { measure: (sensitivity.begin)(&mut probe)?, probe, passes })
    }

    /// Does a piece of it.
    ///
    /// # Errors
    /// [`crate::Error::Diverged`] where a loss is not finite.
    pub fn advance(&mut self) -> Result<Progress> {
        let found = self.measure.advance(&mut self.probe)?;
        let result = found.map(|found| self.probe.named(found)).transpose()?;
        Ok(Progress { done: self.probe.passes(), total: self.passes, result })
    }
}

impl Sensitivity {
    /// What the page is told of it.
    pub(crate) fn row(&self) -> Value {
        let Entry { name, label, about } = &self.entry;
        json!({ "name": name, "label": label, "about": about, "source": self.source, "unit": self.unit })
    }
}

impl Named for Sensitivity {
    fn name(&self) -> &'static str {
        self.entry.name
    }
}

/// Every way.
pub static SENSITIVITIES: Registry<Sensitivity> = Registry::new(
    "sensitivity",
    &[
        rounding::SENSITIVITY,
        eigenvalue::SENSITIVITY,
        trace::SENSITIVITY,
        spread::SENSITIVITY,
        relevance::SENSITIVITY,
        noise::SENSITIVITY,
        snip::SENSITIVITY,
    ],
);

/// The one of that name.
///
/// # Errors
/// [`crate::Error::Config`] for an unknown name.
pub fn find(name: &str) -> Result<&'static Sensitivity> {
    SENSITIVITIES.find(name)
}

/// What each takes of a network.
///
/// # Errors
/// [`crate::Error::Config`] for settings that no layer can follow, [`crate::Error::Diverged`] where the loss is not finite.
pub(crate) fn costs(mut probe: Probe, clock: Clock) -> Result<Vec<Cost>> {
    probe.look_at(0);
    // The first pass takes memory.
    probe.loss()?;
    let start = clock();
    probe.loss()?;
    let seconds = (clock() - start) / 1e3;
    let cost = |way: &Sensitivity| {
        let passes = (way.passes)(&probe)?;
        Ok(Cost { name: way.entry.name, passes, seconds: passes as f64 * seconds })
    };
    SENSITIVITIES.iter().map(cost).collect()
}

/// Mean and standard deviation of some figures, as of a sample.
fn mean_and_deviation(figures: &[f64]) -> [f64; 2] {
    let count = figures.len() as f64;
    let mean = figures.iter().sum::<f64>() / count.max(1.0);
    let squares: f64 = figures.iter().map(|figure| (figure - mean).powi(2)).sum();
    [mean, (squares / (count - 1.0).max(1.0)).sqrt()]
}

/// Damage that is a layer's figure times its rounding error.
fn proportional(value: f64, error: f64, perturbations: &[f64]) -> Vec<Damage> {
    perturbations.iter().map(|moved| Damage { rise: value * moved, error: error * moved }).collect()
}
