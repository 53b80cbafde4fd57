//! A test pass over a copy of a run's weights, quantized one way or another: quantization after training.

use serde::{Deserialize, Serialize};

use super::images::Images;
use super::reestimate::Reestimation;
use super::{Run, Totals};
use crate::layers::Pass;
use crate::loss::cross_entropy;
use crate::model::Model;
use crate::quant;
use crate::settings::RunConfig;
use crate::{Result, Tensor};

/// Images at a time. An evaluator has activations of its own, beside those of the run in training: small batches
/// keep them small, and a batch of this size is as fast an image as a larger one.
pub(super) const BATCH: usize = 32;

/// Bits of a weight without a grid.
const FP32_BITS: u8 = 32;

/// A way to quantize weights.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Quantization {
    /// Name of a scheme in [`quant::QUANTIZERS`].
    pub quantizer: String,
    /// Bit width.
    pub bits: u8,
    /// Name of an entry of [`quant::GRANULARITIES`].
    pub granularity: String,
}

/// How far an [`Evaluator`] is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Progress {
    /// Test images done.
    pub done: usize,
    /// Test images.
    pub total: usize,
    /// Once all are done.
    pub result: Option<Evaluation>,
}

/// What the whole test set gave.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Evaluation {
    /// Mean cross-entropy in nats.
    pub loss: f64,
    /// Share classified rightly.
    pub accuracy: f64,
    /// Bits of a weight; 32 without a grid.
    pub bits: u8,
}

/// A test pass of its own, over a copy of a run's weights.
pub struct Evaluator {
    model: Model,
    images: Images,
    bits: u8,
    /// What is to be estimated before the first image, and how much of it is done.
    reestimation: Option<(Reestimation, usize)>,
    totals: Totals,
    x: Tensor,
    labels: Vec<u16>,
}

impl Run {
    /// A test pass over the master weights as they are now, quantized as asked, or as the run does it. The run is
    /// free to go on meanwhile.
    ///
    /// # Errors
    /// [`crate::Error::Config`] for a quantization out of range.
    pub fn evaluator(&mut self, quantization: Option<Quantization>) -> Result<Evaluator> {
        let mut config = self.config().clone();
        if let Some(Quantization { quantizer, bits, granularity }) = quantization {
            config = RunConfig { quantizer, bits: bits.into(), granularity, ..config };
            config.validate()?;
        }
        let model = self.trainer.copy(&config)?;
        Evaluator::new(model, self.images.clone(), &config, None)
    }
}

impl Evaluator {
    pub(super) fn new(
        model: Model,
        images: Images,
        config: &RunConfig,
        reestimation: Option<Reestimation>,
    ) -> Result<Self> {
        let full = quant::find(&config.quantizer)?.format == quant::Format::Full;
        Ok(Self {
            model,
            images,
            bits: if full { FP32_BITS } else { config.bits.all },
            reestimation: reestimation.filter(|of| of.batches > 0).map(|of| (of, 0)),
            totals: Totals::default(),
            x: Tensor::default(),
            labels: Vec::new(),
        })
    }

    /// Classifies the next batch of test images. Once all are done it gives the result again.
    pub fn advance(&mut self) -> Progress {
        let total = self.images.test_len();
        if let Some((reestimation, done)) = &mut self.reestimation {
            reestimation.advance(*done, &mut self.model, &self.images, &mut self.x, &mut self.labels);
            *done += 1;
            if *done == reestimation.batches {
                self.reestimation = None;
            }
            return Progress { done: 0, total, result: None };
        }
        let start = self.totals.images;
        let end = (start + BATCH).min(total);
        if start < end {
            let halo = self.model.input_halo();
            self.images.test_batch(start..end, halo, &mut self.x, &mut self.labels);
            let logits = self.model.forward(&self.x, &Pass { training: false, seed: 0, step: 0 });
            self.totals.add(cross_entropy(logits, &self.labels, None), end - start);
        }
        let result =
            Evaluation { loss: self.totals.mean_loss(), accuracy: self.totals.accuracy(), bits: self.bits };
        Progress { done: end, total, result: (end == total).then_some(result) }
    }
}
