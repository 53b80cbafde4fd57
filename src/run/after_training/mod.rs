//! Quantization after training: what is done to a copy of a trained network before its test pass.
//!
//! In this order: batch norm is folded into the weights, neighbouring layers are equalised, the weights are rounded, their
//! biases corrected, the statistics of batch norm estimated again, and the ranges of activations measured: the order of
//! arXiv 2106.08295, section 3, with the statistics put in.

mod calibrate;
mod correct;
#[cfg(test)]
mod tests;

use serde::Deserialize;

use super::Run;
use super::evaluator::{BATCH, Evaluator};
use super::images::Feed;
use super::reestimate::{Estimating, Reestimation};
use crate::model::Model;
use crate::quant;
use crate::random::{Purpose, stream};
use crate::settings::RunConfig;
use crate::{Error, Result, Tensor};

use calibrate::Calibration;
use correct::BiasCorrection;

pub use calibrate::{CALIBRATIONS, Calibrator, Distribution};

/// Batches of training images, of [`BATCH`] each, by which biases are corrected and ranges measured: a few hundred images.
const BATCHES: usize = 8;

/// A tensor so large that what a scheme keeps once a tensor does not count.
const SMALL: [usize; 2] = [64, 64];

/// Sweeps of equalisation at most. Four neighbours need about ten, the eight of VGG4bit two dozen.
const SWEEPS: usize = 40;

/// A way to quantize a trained network.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Quantization {
    /// Name of a scheme in [`quant::QUANTIZERS`](crate::quant::QUANTIZERS).
    pub quantizer: String,
    /// Bit width.
    pub bits: u8,
    /// Name of an entry of [`quant::GRANULARITIES`](crate::quant::GRANULARITIES).
    pub granularity: String,
    /// Batch norm becomes part of the weights before it, which are rounded then.
    #[serde(default)]
    pub fold: bool,
    /// The ranges of neighbouring layers are brought together, channel by channel. Needs `fold`.
    #[serde(default)]
    pub equalise: bool,
    /// What rounding the weights does to the mean of each channel is taken out of the biases.
    #[serde(default)]
    pub correct: bool,
    /// Batches by which the statistics of batch norm are estimated again, with the rounded weights; 0: they stay. Not with
    /// `fold`.
    #[serde(default)]
    pub reestimate: u32,
    /// Name of a scheme in [`quant::ACTIVATIONS`](crate::quant::ACTIVATIONS); absent: activations are as the run has them.
    #[serde(default)]
    pub activations: Option<String>,
    /// Bit width of activations, where they have a scheme here.
    #[serde(default)]
    pub activation_bits: u8,
    /// Name of an entry of [`CALIBRATIONS`], by which their range is chosen where the scheme has one.
    #[serde(default)]
    pub calibration: String,
}

/// Something that is done to a network before its test pass.
pub(super) trait Preparation: Send {
    /// Does a piece of it, as long as a batch takes; whether that was the last one.
    fn advance(&mut self, model: &mut Model, feed: &mut Feed) -> bool;
}

impl Run {
    /// A test pass over the master weights as they are now, quantized as asked, or as the run does it. The run is
    /// free to go on meanwhile.
    ///
    /// # Errors
    /// [`Error::Config`] for a quantization out of range, [`Error::Data`] for a run without its images.
    pub fn evaluator(&mut self, quantization: Option<Quantization>) -> Result<Evaluator> {
        self.images.check_present()?;
        let mut config = self.config().clone();
        if let Some(quantization) = &quantization {
            quantization.apply(&mut config, self.model())?;
        }
        self.reserve_copy(&config)?;
        let mut model = self.trainer.copy(&config)?;
        let preparations = match quantization {
            Some(quantization) => quantization.preparations(&config, &mut model)?,
            None => Vec::new(),
        };
        Evaluator::new(model, self.images.clone(), &config, preparations)
    }
}

impl Run {
    /// Sees whether there is memory for what a scheme keeps for every weight of a copy, which [`Run::copy_bytes`] does not
    /// count.
    fn reserve_copy(&self, config: &RunConfig) -> Result<()> {
        let scheme = quant::find(&config.quantizer)?;
        let quantizer = scheme.quantizer(config.bits.all, config.granularity()?, SMALL)?;
        let learned = quantizer.iter().flat_map(|quantizer| quantizer.params());
        let learned: usize = learned.map(|param| param.value.len()).sum();
        let bytes = self.model().parameter_count() * (learned / SMALL[0] / SMALL[1]) * size_of::<f32>();
        Vec::<u8>::new().try_reserve_exact(bytes).map_err(|_| Error::Config {
            field: "quantizer",
            expected: format!("memory for a copy of the network with {}", config.quantizer),
            found: "too little".into(),
        })
    }
}

impl Quantization {
    /// Makes settings those of a run of that model that computes so.
    fn apply(&self, config: &mut RunConfig, model: &Model) -> Result<()> {
        config.quantizer.clone_from(&self.quantizer);
        config.granularity.clone_from(&self.granularity);
        let asked = self.activations.is_some();
        config.layers.retain(|key| key.starts_with("act") && !asked);
        // All layers by the bits that are asked for: what is said of a layer by its name goes before what is of the ends.
        config.bits = self.bits.into();
        let layers = model.layers().into_iter().filter(|layer| layer.quantized);
        config.bits.layers = layers.map(|layer| (layer.name, self.bits)).collect();
        if self.reestimate > 0 {
            config.reestimate = self.reestimate;
        }
        if let Some(activations) = &self.activations {
            config.activations.clone_from(activations);
            config.activation_bits = self.activation_bits.into();
            config.ends = "same".into();
        }
        config.validate()?;
        let refuse = |field, expected: &str, found: String| {
            Err(Error::Config { field, expected: expected.into(), found })
        };
        if self.equalise && !self.fold {
            return refuse(
                "equalise",
                "fold as well, since layers can be scaled where no batch norm is between them",
                "no fold".into(),
            );
        }
        if self.fold && self.reestimate > 0 {
            return refuse(
                "reestimate",
                "0 with fold, which leaves no batch norm to estimate",
                self.reestimate.to_string(),
            );
        }
        Ok(())
    }

    /// What is to be done to a copy of a run with these settings.
    fn preparations(&self, config: &RunConfig, model: &mut Model) -> Result<Vec<Box<dyn Preparation>>> {
        let mut todo: Vec<Box<dyn Preparation>> = Vec::new();
        if self.fold {
            // What quantizers have learned they learned of other weights.
            model.make_quantizers(config)?;
            todo.push(Box::new(Folding));
        }
        if self.equalise {
            todo.push(Box::new(Equalisation { sweeps: 0 }));
        }
        match self.correct {
            true => todo.push(Box::new(BiasCorrection::new(model))),
            false if self.fold => todo.push(Box::new(RoundingOfWeights)),
            false => {}
        }
        if self.reestimate > 0 {
            let batches = self.reestimate as usize;
            let of = Reestimation { batches, batch: BATCH, seed: config.seed, epoch: 0 };
            todo.push(Box::new(Estimating::new(of)));
        }
        if self.activations.is_some() {
            let calibrator = CALIBRATIONS.find(&self.calibration)?;
            todo.push(Box::new(Calibration::new(calibrator, model)));
        }
        Ok(todo)
    }
}

/// Bytes that preparing a copy of that network takes besides it.
pub(super) fn bytes(model: &Model) -> usize {
    model.layers().len() * Distribution::BYTES
}

/// That of the batches of training images that networks are prepared by: the same for every seed, so that runs can be
/// compared.
fn training_batch<'f>(feed: &'f mut Feed, batch: usize, model: &Model) -> &'f Tensor {
    feed.draw(stream(0u32, Purpose::Calibrate, batch as u64), BATCH, model.input_halo())
}

struct Folding;

impl Preparation for Folding {
    fn advance(&mut self, model: &mut Model, _feed: &mut Feed) -> bool {
        model.fold_batch_norm();
        true
    }
}

struct Equalisation {
    sweeps: usize,
}

impl Preparation for Equalisation {
    fn advance(&mut self, model: &mut Model, _feed: &mut Feed) -> bool {
        self.sweeps += 1;
        model.equalise() || self.sweeps == SWEEPS
    }
}

struct RoundingOfWeights;

impl Preparation for RoundingOfWeights {
    fn advance(&mut self, model: &mut Model, _feed: &mut Feed) -> bool {
        model.quantize();
        true
    }
}
