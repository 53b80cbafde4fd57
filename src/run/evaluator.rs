//! A test pass over a copy of a run's weights, quantized one way or another: quantization after training.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Run, Totals, fill_range};
use crate::config::RunConfig;
use crate::data::{Dataset, Normalize};
use crate::layers::Pass;
use crate::loss::cross_entropy;
use crate::model::Model;
use crate::{Result, Tensor, models, quant};

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
    /// Bit width, 2 to 8.
    pub bits: u8,
    /// One scale a layer; off: one scale for the whole net.
    pub per_layer_scale: bool,
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
    dataset: Arc<Dataset>,
    normalize: Normalize,
    bits: u8,
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
    pub fn evaluator(&self, quantization: Option<Quantization>) -> Result<Evaluator> {
        let mut config = self.config().clone();
        if let Some(Quantization { quantizer, bits, per_layer_scale }) = quantization {
            config = RunConfig { quantizer, bits, per_layer_scale, ..config };
            config.validate()?;
        }
        let model = self.quantized_copy(&config)?;
        let has_grid = quant::find(&config.quantizer)?.quantizer.quant_max(config.bits).is_some();
        Ok(Evaluator {
            model,
            dataset: self.dataset.clone(),
            normalize: self.normalize.clone(),
            bits: if has_grid { config.bits } else { FP32_BITS },
            totals: Totals::default(),
            x: Tensor::default(),
            labels: Vec::new(),
        })
    }

    /// A copy of the network, quantized by these settings.
    pub(super) fn quantized_copy(&self, config: &RunConfig) -> Result<Model> {
        let specs = models::find(&config.model)?.specs()?;
        let mut model = Model::new(&specs, self.dataset.classes.len(), config.seed)?;
        model.copy_state(self.model());
        model.quantize(quant::find(&config.quantizer)?.quantizer, config.bits, config.per_layer_scale);
        Ok(model)
    }
}

impl Evaluator {
    /// Classifies the next batch of test images. Once all are done it gives the result again.
    pub fn advance(&mut self) -> Progress {
        let total = self.dataset.test.len();
        let start = self.totals.images;
        let end = (start + BATCH).min(total);
        if start < end {
            fill_range(&self.dataset.test, start..end, &self.normalize, &mut self.x, &mut self.labels);
            let logits = self.model.forward(&self.x, &Pass { training: false, seed: 0, step: 0 });
            self.totals.add(cross_entropy(logits, &self.labels, None), end - start);
        }
        let result =
            Evaluation { loss: self.totals.mean_loss(), accuracy: self.totals.accuracy(), bits: self.bits };
        Progress { done: end, total, result: (end == total).then_some(result) }
    }
}
