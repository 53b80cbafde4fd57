//! Looking at weights, packing them, and tampering with one.

use serde::Serialize;

use super::Run;
use super::evaluator::BATCH;
use crate::export::Network;
use crate::kernels::weights;
use crate::layers::Param;
use crate::lower::Lowered;
use crate::metrics::{self, ActivationReport, GridReport, Observed};
use crate::model::Model;
use crate::packed::PackedModel;
use crate::settings::RunConfig;
use crate::{Error, Result, quant};

/// Test images that activations are looked at for.
pub const OBSERVED_IMAGES: usize = 128;

/// What [`Run::inject_outlier`] did.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Outlier {
    /// The layer.
    pub layer: String,
    /// Index of the weight, in the order of the shape of [`crate::metrics::LayerReport`].
    pub index: usize,
    /// The weight before.
    pub before: f32,
    /// The weight now.
    pub after: f32,
    /// The layer's largest `|weight|` before.
    pub absmax_before: f32,
    /// The layer's largest `|weight|` now.
    pub absmax_after: f32,
}

/// The weights of a layer as images.
#[derive(Debug, Clone, PartialEq)]
pub struct Filters {
    /// Outputs of the layer.
    pub count: usize,
    /// Rows of a filter; 1 in a linear layer.
    pub height: usize,
    /// Columns of a filter; 1 in a linear layer.
    pub width: usize,
    /// Inputs of the layer.
    pub channels: usize,
    /// The master weights, `[count][height][width][channels]`.
    pub latent: Vec<f32>,
    /// The weights that the forward pass uses, in the same order: the master weights themselves where there is no
    /// grid.
    pub quantized: Vec<f32>,
}

impl Run {
    /// See [`Trainer::rounded`](crate::train::Trainer::rounded).
    ///
    /// # Errors
    /// As there.
    pub(crate) fn rounded(&mut self) -> Result<Model> {
        self.trainer.rounded()
    }

    /// Multiplies a layer's largest weight (by magnitude) by `factor`: the grid stretches to reach it.
    ///
    /// # Errors
    /// [`Error::Config`] for a layer without weights, and for a factor that is 0 or leaves the finite numbers.
    pub fn inject_outlier(&mut self, layer: &str, factor: f32) -> Result<Outlier> {
        let param = self.weight(layer)?;
        let absmax_before = weights::abs_max(&param.value);
        let at = param.value.iter().position(|w| w.abs() == absmax_before).unwrap_or(0);
        let (index, before) = (param.published_index(at), param.value[at]);
        let after = before * factor;
        if factor == 0.0 || !after.is_finite() {
            return Err(Error::Config {
                field: "factor",
                expected: format!("a number other than 0 that leaves {before} finite"),
                found: factor.to_string(),
            });
        }
        self.trainer.set_params(|name, param| {
            if name == layer && param.is_weight() {
                param.value[at] = after;
            }
        });
        self.restart_test();
        let absmax_after = weights::abs_max(&self.weight(layer)?.value);
        Ok(Outlier { layer: layer.into(), index, before, after, absmax_before, absmax_after })
    }

    /// The weights of a layer as they are now, filter by filter.
    ///
    /// # Errors
    /// [`Error::Config`] for a layer without weights.
    pub fn filters(&mut self, layer: &str) -> Result<Filters> {
        self.trainer.settle();
        let param = self.weight(layer)?;
        let (height, width, channels, count) = match param.dims[..] {
            [height, width, channels, count] => (height, width, channels, count),
            [inputs, outputs] => (1, 1, inputs, outputs),
            _ => unreachable!("weights have two or four dimensions"),
        };
        // Stored with the outputs innermost.
        let by_filter = |values: &[f32]| -> Vec<f32> {
            (0..count).flat_map(|filter| values.iter().skip(filter).step_by(count).copied()).collect()
        };
        let (latent, quantized) = (by_filter(&param.value), by_filter(param.forward_value()));
        Ok(Filters { count, height, width, channels, latent, quantized })
    }

    /// One of the grids of a layer as they are now, by its number, and the weights on it.
    ///
    /// # Errors
    /// [`Error::Config`] for a layer without weights, and for a grid that it does not have.
    pub fn grid_report(&mut self, layer: &str, number: usize) -> Result<GridReport> {
        self.trainer.settle();
        let param = self.weight(layer)?;
        metrics::grid_report(param, number).ok_or_else(|| {
            let grids = param.quantizer.as_ref().map_or(0, |quantizer| quantizer.grid().scales.len());
            Error::Config {
                field: "grid",
                expected: format!("a number below {grids}, the grids of {layer}"),
                found: number.to_string(),
            }
        })
    }

    /// What the ReLUs give for some test images, [`OBSERVED_IMAGES`] at most, with the weights as they are now.
    ///
    /// # Errors
    /// [`Error::Data`] for a run without its images.
    pub fn activation_reports(&mut self) -> Result<Vec<ActivationReport>> {
        self.images.check_present()?;
        let total = self.images.test_len().min(OBSERVED_IMAGES);
        // No more at a time than there is memory for already.
        let (batch, halo) = (self.batch().min(BATCH), self.model().input_halo());
        let mut observed: Vec<(String, Observed)> = Vec::new();
        for start in (0..total).step_by(batch) {
            let end = total.min(start + batch);
            self.images.test_batch(start..end, halo, &mut self.x, &mut self.labels);
            let mut place = 0;
            self.trainer.settled().observe(&self.x, &mut |name, x, rounding| {
                if place == observed.len() {
                    observed.push((name.into(), Observed::default()));
                }
                observed[place].1.add(x, rounding);
                place += 1;
            });
        }
        Ok(observed.into_iter().map(|(name, observed)| observed.report(name)).collect())
    }

    /// The network as it is now, in operations: with the run's own grid.
    pub fn lowered(&mut self) -> Lowered {
        self.trainer.settled().lower()
    }

    /// The network as it is now, with what is needed to use it elsewhere.
    pub fn network(&mut self) -> Network {
        let figures = self.images.normalize.figures();
        Network::new(self.lowered(), self.images.dataset.classes.clone(), figures)
    }

    /// The network as it is now with packed weights: those of the run's grid, or of 4 bits where it has none.
    ///
    /// # Errors
    /// As [`Model::new`](crate::model::Model::new).
    pub fn packed(&mut self) -> Result<PackedModel> {
        let config = self.config().clone();
        let normalize = self.images.normalize.clone();
        if quant::find(&config.quantizer)?.format != quant::Format::Full {
            return Ok(PackedModel::new(&self.lowered(), normalize));
        }
        let config = RunConfig { quantizer: "symmetric".into(), bits: 4.into(), ..config };
        Ok(PackedModel::new(&self.trainer.copy(&config)?.lower(), normalize))
    }

    /// The weights of the layer of that name.
    fn weight(&self, layer: &str) -> Result<&Param> {
        let mut weights = self.model().params().filter(|(_, param)| param.is_weight());
        weights.find(|(name, _)| *name == layer).map(|(_, param)| param).ok_or_else(|| {
            let layers: Vec<String> =
                self.model().layers().into_iter().filter(|l| l.quantized).map(|l| l.name).collect();
            Error::Config { field: "layer", expected: layers.join(", "), found: layer.into() }
        })
    }
}
