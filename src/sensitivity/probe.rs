//! The copy of a network that is looked at, and what can be asked of it.

#[cfg(test)]
use crate::Tensor;
use crate::kernels::blocks::Granularity;
use crate::kernels::weights::sum_of_squares;
use crate::layers::{Param, Pass};
use crate::loss::{Loss, cross_entropy};
use crate::model::{Model, Relevance};
use crate::predictions::softmax;
use crate::quant::{self, End, Format, Known, Quantizer};
use crate::random::{Purpose, stream};
use crate::run::Feed;
use crate::schedule::Rates;
use crate::settings::RunConfig;
use crate::train::Trainer;
use crate::{Error, Result};

use super::{Damage, Found, LayerSensitivity, Noted, Width};

/// Images of a batch, unless told otherwise.
pub const IMAGES: usize = 128;

/// Forward passes that a backward one counts as.
pub(super) const BACKWARD: usize = 2;

/// The same of sharing out relevance: values by all weights and by the positive ones, and the way back.
pub(super) const RELEVANCE: usize = 2 + BACKWARD;

/// Widths that are compared, as far as the layer's scheme takes them.
const WIDTHS: std::ops::RangeInclusive<u8> = 1..=8;

/// Of a value that is not rounded.
pub(super) const FULL_BITS: u8 = 32;

/// The scheme of layers that have none.
const PLAIN: &str = "symmetric";

/// A copy of a network with FP32 weights, and images.
pub struct Probe {
    model: Model,
    /// Of the run, whose schemes are what layers are rounded by.
    config: RunConfig,
    feed: Feed,
    images: usize,
    /// The batch that is looked at.
    batch: Option<usize>,
    layers: Vec<String>,
    passes: f64,
    learner: Option<Learner>,
}

/// A copy of a run that trains on and notes what happens to its layers.
pub(crate) struct Learner {
    pub trainer: Trainer,
    /// Of its steps.
    pub rates: Rates,
}

impl Probe {
    /// Of a copy that computes in FP32. `images` are in a batch.
    pub(crate) fn new(model: Model, config: RunConfig, feed: Feed, images: usize) -> Self {
        let layers = model.params().filter(|(_, param)| param.is_weight());
        let layers = layers.map(|(layer, _)| layer.to_owned()).collect();
        Self { model, config, feed, images, batch: None, layers, passes: 0.0, learner: None }
    }

    /// Has a copy of the run that trains on.
    pub(super) fn learn_by(&mut self, learner: Learner) {
        self.learner = Some(learner);
    }

    /// Has the copy that trains on do that with the batch.
    ///
    /// # Errors
    /// [`Error::Diverged`] where the loss is not finite.
    pub(super) fn learn(&mut self) -> Result<()> {
        self.passes += (1 + BACKWARD) as f64;
        let Learner { trainer, rates } = self.learner.as_mut().expect("the way says that it learns");
        trainer.step(&self.feed.x, &self.feed.labels, *rates).map(drop)
    }

    /// What it noted while it did, about the layers with weights.
    pub(super) fn learned(&mut self) -> Noted {
        self.learner.as_mut().and_then(|learner| learner.trainer.noted()).expect("a copy took steps")
    }

    /// The network as it is looked at.
    pub(super) fn model(&self) -> &Model {
        &self.model
    }

    /// # Errors
    /// [`Error::Config`] for a scheme whose levels are far from the weights that they come from, as DoReFa's, which spreads
    /// them over -1 to 1: there is no FP32 network that rounding leads away from.
    pub(super) fn check(&self) -> Result<()> {
        for layer in 0..self.len() {
            let signal = sum_of_squares(self.weights(layer));
            let Some(widest) = self.widths(layer)?.last().copied() else { continue };
            if signal > 0.0 && self.perturbation(layer, widest)? >= signal {
                let own = self.config.of_layer(&self.layers[layer])?;
                return Err(Error::Config {
                    field: "quantizer",
                    expected: "a scheme whose levels stand near the weights".into(),
                    found: own.quantizer,
                });
            }
        }
        Ok(())
    }

    /// Number of layers with weights.
    pub fn len(&self) -> usize {
        self.layers.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.layers.is_empty()
    }

    /// Images of a batch.
    pub fn images(&self) -> usize {
        self.images
    }

    /// Logits of a batch.
    pub fn logit_count(&self) -> usize {
        self.images * self.feed.images.outputs()
    }

    /// Forward passes over a batch so far, a backward one being counted as [`BACKWARD`].
    pub fn passes(&self) -> usize {
        self.passes as usize
    }

    /// What of a pass is left from that layer on, were all layers alike.
    pub fn share_from(&self, layer: usize) -> f64 {
        1.0 - layer as f64 / self.len() as f64
    }

    /// The weights of a layer, `[rows][outputs]`.
    pub fn weights(&self, layer: usize) -> &[f32] {
        &self.param(layer).value
    }

    /// Replaces them.
    pub fn set_weights(&mut self, layer: usize, weights: Vec<f32>) {
        let mut place = 0;
        self.model.for_each_param_mut(|_, param| {
            if param.is_weight() {
                if place == layer {
                    param.changing().value.copy_from_slice(&weights);
                }
                place += 1;
            }
        });
        self.model.refresh();
    }

    fn param(&self, layer: usize) -> &Param {
        let mut weights = self.model.params().map(|(_, param)| param).filter(|param| param.is_weight());
        weights.nth(layer).expect("a layer of the network")
    }

    /// Looks at another batch of training images.
    pub fn look_at(&mut self, batch: usize) {
        if self.batch != Some(batch) {
            let rng = stream(self.config.seed, Purpose::Sensitivity, batch as u64);
            self.feed.draw(rng, self.images, self.model.input_halo());
            self.batch = Some(batch);
        }
    }

    /// Mean cross-entropy of the batch.
    ///
    /// # Errors
    /// [`Error::Diverged`] where it is not finite.
    pub fn loss(&mut self) -> Result<f64> {
        self.passes += 1.0;
        let logits = self.model.forward(&self.feed.x, &Pass::EVALUATION);
        finite(cross_entropy(logits, &self.feed.labels, None))
    }

    /// The same, where the network is as it was at the last loss but for that layer and those behind it.
    ///
    /// # Errors
    /// As [`Probe::loss`].
    pub fn loss_from(&mut self, layer: usize) -> Result<f64> {
        self.passes += self.share_from(layer);
        let logits = self.model.forward_from(&self.layers[layer], &self.feed.x, &Pass::EVALUATION);
        finite(cross_entropy(logits, &self.feed.labels, None))
    }

    /// The logits of the batch, `[images][classes]`.
    ///
    /// # Errors
    /// As [`Probe::loss`].
    pub fn logits(&mut self) -> Result<Vec<f32>> {
        self.loss()?;
        let (logits, _) = self.model.logits_and_gradient();
        Ok(logits.to_dense())
    }

    /// `J^T z` of each layer, J the gradient of the logits with respect to its weights, and `z`: of each image `fill` makes it
    /// from its probabilities and where its logits begin, and it is divided by the number of images.
    ///
    /// # Errors
    /// As [`Probe::loss`].
    pub fn pull_back(
        &mut self,
        fill: impl Fn(&[f64], usize, &mut [f64]),
    ) -> Result<(Vec<Vec<f32>>, Vec<f64>)> {
        let logits = self.logits()?;
        let images = self.feed.labels.len();
        let classes = logits.len() / images;
        let mut z = vec![0.0; logits.len()];
        for (image, (logits, z)) in logits.chunks_exact(classes).zip(z.chunks_exact_mut(classes)).enumerate()
        {
            fill(&probabilities(logits), image * classes, z);
            z.iter_mut().for_each(|z| *z /= images as f64);
        }
        let (_, gradient) = self.model.logits_and_gradient();
        gradient.data_mut().iter_mut().zip(&z).for_each(|(to, z)| *to = *z as f32);
        self.passes += BACKWARD as f64;
        self.model.backward(&self.feed.x);
        let weights = self.model.params().filter(|(_, param)| param.is_weight());
        Ok((weights.map(|(_, param)| param.grad.clone()).collect(), z))
    }

    /// Makes batch norm part of the weights before it.
    pub fn fold(&mut self) {
        self.model.fold_batch_norm();
    }

    /// The relevance of everything for the logit of each image's label, and these logits; batch norm is folded.
    pub(crate) fn relevance(&mut self) -> Result<(Relevance, Vec<f64>)> {
        let logits = self.logits()?;
        let classes = logits.len() / self.feed.labels.len();
        let of_label = |(row, label): (&[f32], &u16)| f64::from(row[usize::from(*label)]);
        let logits = logits.chunks_exact(classes).zip(&self.feed.labels).map(of_label).collect();
        self.passes += RELEVANCE as f64;
        Ok((self.model.relevance(&self.feed.x, &self.feed.labels), logits))
    }

    /// The widths that a layer can have, by its scheme.
    ///
    /// # Errors
    /// [`Error::Config`] for settings that no layer can follow.
    pub fn widths(&self, layer: usize) -> Result<Vec<u8>> {
        widths(&self.config.of_layer(&self.layers[layer])?)
    }

    /// The place among its widths of that whose figure stands for a layer, where a method has one a width: one bit less than
    /// the run gives it, or what is nearest to that.
    ///
    /// # Errors
    /// [`Error::Config`] for settings that no layer can follow.
    pub fn shown(&self, layer: usize) -> Result<Option<usize>> {
        let widths = self.widths(layer)?;
        let less = self.config.bits.of(&self.layers[layer]).saturating_sub(1);
        Ok((0..widths.len()).min_by_key(|at| widths[*at].abs_diff(less)))
    }

    /// The rise that stands for a layer: that of [`Probe::shown`]. `damage` is that of each width.
    ///
    /// # Errors
    /// [`Error::Config`] for settings that no layer can follow.
    pub(super) fn shown_rise(&self, layer: usize, damage: &[Damage]) -> Result<f64> {
        Ok(self.shown(layer)?.map_or(0.0, |at| damage[at].rise))
    }

    /// Weights of a layer rounded to so many bits, by its scheme.
    ///
    /// # Errors
    /// [`Error::Config`] for settings that no layer can follow.
    pub fn rounded(&self, layer: usize, bits: u8) -> Result<Vec<f32>> {
        let weights = self.weights(layer);
        let mut out = weights.to_vec();
        self.fitted(layer, bits)?.quantize(weights, &mut out);
        Ok(out)
    }

    /// A quantizer of a layer's scheme, fitted to its weights.
    fn fitted(&self, layer: usize, bits: u8) -> Result<Box<dyn Quantizer>> {
        fitted(&self.config.of_layer(&self.layers[layer])?, layer, self.param(layer), bits)
    }

    /// `|rounded - W|^2` of a layer, for each of its widths.
    ///
    /// # Errors
    /// [`Error::Config`] for settings that no layer can follow.
    pub fn perturbations(&self, layer: usize) -> Result<Vec<f64>> {
        self.widths(layer)?.into_iter().map(|bits| self.perturbation(layer, bits)).collect()
    }

    fn perturbation(&self, layer: usize, bits: u8) -> Result<f64> {
        Ok(squared_distance(&self.rounded(layer, bits)?, self.weights(layer)))
    }

    /// What is known of layers beside what was found about them.
    pub(super) fn named(&self, found: Vec<Found>) -> Result<Vec<LayerSensitivity>> {
        let shapes = self.model.layers().into_iter().filter(|layer| layer.quantized);
        let layers = shapes.zip(found).enumerate().map(|(i, (about, Found { value, spread, damage }))| {
            let [h, w, _] = about.output_shape;
            let weights = self.weights(i).len();
            let widths = self.widths(i)?.into_iter().zip(damage).map(|(bits, damage)| {
                Ok(Width { bits, damage, size: self.fitted(i, bits)?.grid().bits() as u64 })
            });
            Ok(LayerSensitivity {
                layer: about.name,
                weights,
                value,
                spread,
                shown: self.shown(i)?,
                products: (weights * h * w) as u64,
                input_bits: self.input_bits(i)?,
                widths: widths.collect::<Result<_>>()?,
            })
        });
        layers.collect()
    }

    /// Bits of what a layer multiplies its weights by.
    fn input_bits(&self, layer: usize) -> Result<u8> {
        let Some(before) = layer.checked_sub(1) else { return Ok(FULL_BITS) };
        let own = self.config.of_layer(&self.layers[before])?;
        let scheme = quant::find_activations(&own.activations)?;
        let is_last = layer + 1 == self.layers.len();
        let end = if is_last { quant::find_end(&self.config.ends)? } else { End::Same };
        let rounded = end.of_activations(scheme, own.activation_bits as u8);
        Ok(rounded.filter(|(scheme, _)| scheme.format != Format::Full).map_or(FULL_BITS, |(_, bits)| bits))
    }
}

/// The widths that a layer of such settings can have.
pub(super) fn widths(own: &RunConfig) -> Result<Vec<u8>> {
    Ok(scheme(own)?.bits.iter().copied().filter(|bits| WIDTHS.contains(bits)).collect())
}

/// A quantizer of such settings, fitted to the weights of the layer of that number.
pub(super) fn fitted(own: &RunConfig, layer: usize, param: &Param, bits: u8) -> Result<Box<dyn Quantizer>> {
    // What all layers share cannot be told from one of them.
    let granularity = match own.granularity()? {
        Granularity::Net => Granularity::Tensor,
        other => other,
    };
    let quantizer = scheme(own)?.quantizer(bits, granularity, param.matrix())?;
    let mut quantizer = quantizer.expect("a scheme that rounds");
    quantizer.draw_from(stream(own.seed, Purpose::Quantizer { layer }, 0));
    quantizer.fit(&param.value, &Known::default());
    Ok(quantizer)
}

/// The scheme that a layer is rounded by.
fn scheme(own: &RunConfig) -> Result<&'static quant::Scheme> {
    let scheme = quant::find(&own.quantizer)?;
    if scheme.format == Format::Full { quant::find(PLAIN) } else { Ok(scheme) }
}

fn finite(loss: Loss) -> Result<f64> {
    if loss.mean.is_finite() {
        return Ok(loss.mean);
    }
    Err(Error::Diverged { step: 0, loss: loss.mean, grad_norm: f64::NAN })
}

fn probabilities(logits: &[f32]) -> Vec<f64> {
    let mut probabilities = vec![0.0; logits.len()];
    softmax(logits, &mut probabilities);
    probabilities.into_iter().map(f64::from).collect()
}

pub(super) fn squared_distance(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(a, b)| f64::from(a - b).powi(2)).sum()
}

#[cfg(test)]
impl Probe {
    /// Looks at a batch of other images, `[n, 32, 32, 4]`, with such weights: of each layer in PyTorch's order, as `weights`
    /// makes them from its name and its dimensions there.
    pub(super) fn show(
        &mut self,
        images: &[f32],
        labels: Vec<u16>,
        weights: impl Fn(&str, &[usize]) -> Vec<f32>,
    ) {
        self.model.for_each_param_mut(|layer, param| {
            if param.is_weight() {
                let values = weights(layer, &param.published_dims());
                let places: Vec<usize> = (0..values.len()).map(|i| param.published_index(i)).collect();
                for (to, at) in param.changing().value.iter_mut().zip(places) {
                    *to = values[at];
                }
            }
        });
        self.model.refresh();
        self.feed.x = Tensor::from_dense([labels.len(), 32, 32, 4], self.model.input_halo(), images);
        self.feed.labels = labels;
        self.batch = Some(usize::MAX);
    }

    /// The layers' names, and where the weights of each lie in PyTorch's order.
    pub(super) fn published(&self) -> Vec<(String, Vec<usize>)> {
        let weights = self.model.params().filter(|(_, param)| param.is_weight());
        let place = |param: &Param| (0..param.value.len()).map(|i| param.published_index(i)).collect();
        weights.map(|(layer, param)| (layer.to_owned(), place(param))).collect()
    }

    /// Of each image and class the gradient of the logit with respect to the weights of that layer, and the probabilities of
    /// each image.
    pub(super) fn jacobian(&mut self, layer: usize) -> (Vec<Vec<f32>>, Vec<Vec<f64>>) {
        let logits = self.logits().unwrap();
        let images = self.feed.labels.len();
        let probabilities = logits.chunks_exact(logits.len() / images).map(probabilities).collect();
        let one = |place: usize| {
            let set = |_: &[f64], at: usize, out: &mut [f64]| {
                out.iter_mut()
                    .enumerate()
                    .for_each(|(i, out)| *out = f64::from(u8::from(at + i == place)) * images as f64);
            };
            self.pull_back(set).unwrap().0.swap_remove(layer)
        };
        ((0..logits.len()).map(one).collect(), probabilities)
    }
}
