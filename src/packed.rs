//! Inference over packed weights: what a phone would carry away from a run.
//!
//! Convolutions and linear layers keep their levels two to a byte (one to a byte above 4 bits) and one scale a tensor;
//! biases stay f32, and batch norm becomes one factor and one offset a channel. The kernels read the packed levels as
//! they are ([`crate::kernels::deploy`]).

use serde::Serialize;

use crate::data::{Normalize, PLANE, SIDE};
use crate::kernels::{Conv5x5, DeployedWeights};
use crate::layers::{BATCH_NORM_EPSILON, LAYERS, LayerSpec, Param};
use crate::model::{IMAGE_CHANNELS, Model};
use crate::predictions::{ClassProbability, softmax};
use crate::quant::Quantizer;
use crate::{Error, Result, Tensor};

/// Bytes of a picture: R G B A.
pub const PICTURE_BYTES: usize = 4 * PLANE;
/// Border that the largest convolution needs around its input. Every activation here has it: those of one image are
/// small.
const HALO: usize = Conv5x5::HALO;
/// Bytes of an f32.
const F32: usize = size_of::<f32>();

/// A network with packed weights, for one picture at a time.
#[derive(Debug, Clone)]
pub struct PackedModel {
    steps: Vec<Step>,
    normalize: Normalize,
    info: PackedInfo,
}

/// How large a [`PackedModel`] is.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PackedInfo {
    /// Bytes of everything: levels, scales, biases, batch norm.
    pub packed_bytes: usize,
    /// Bytes of the same network in f32, running statistics included.
    pub fp32_bytes: usize,
    /// Bits of a weight's level.
    pub bits: u8,
    /// Every layer that has parameters.
    pub layers: Vec<PackedLayerInfo>,
}

/// How large a layer is.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PackedLayerInfo {
    /// `conv1`, `bn1`...
    pub name: String,
    /// Bytes as they are kept here.
    pub packed_bytes: usize,
    /// Bytes in f32.
    pub fp32_bytes: usize,
}

/// One operation on the activation of the one before.
#[derive(Debug, Clone)]
enum Step {
    Conv2d {
        weights: DeployedWeights,
        bias: Vec<f32>,
        /// Rows and columns of the weights.
        size: usize,
        stride: usize,
    },
    Linear {
        weights: DeployedWeights,
        bias: Vec<f32>,
    },
    /// `y = factor x + offset`, by channel.
    BatchNorm {
        factor: Vec<f32>,
        offset: Vec<f32>,
    },
    Relu,
    MaxPool,
    GlobalAvgPool,
    Flatten,
    /// Adds the output of an earlier step.
    Add {
        from: usize,
    },
}

/// A layer's parameters and statistics, by name.
struct Source<'a> {
    model: &'a Model,
    layer: String,
}

impl<'a> Source<'a> {
    fn param(&self, name: &str) -> Result<&'a Param> {
        let mut params = self.model.params();
        let found = params.find(|(layer, param)| *layer == self.layer && param.name == name);
        found.map(|(_, param)| param).ok_or_else(|| self.missing(name))
    }

    fn buffer(&self, name: &str) -> Result<&'a [f32]> {
        let mut buffers = self.model.buffers();
        let found = buffers.find(|(layer, known, _)| *layer == self.layer && *known == name);
        found.map(|(_, _, values)| values).ok_or_else(|| self.missing(name))
    }

    fn missing(&self, name: &str) -> Error {
        Error::Model {
            layer: self.layer.clone(),
            expected: format!("a tensor `{name}`"),
            found: "none".into(),
        }
    }

    /// Bytes of the layer in f32.
    fn fp32_bytes(&self) -> usize {
        let params = self.model.params().filter(|(layer, _)| *layer == self.layer);
        let buffers = self.model.buffers().filter(|(layer, _, _)| *layer == self.layer);
        F32 * (params.map(|(_, param)| param.value.len()).sum::<usize>()
            + buffers.map(|(_, _, values)| values.len()).sum::<usize>())
    }

    /// Levels and bias.
    fn weights(&self, quantizer: &dyn Quantizer, bits: u8) -> Result<(DeployedWeights, Vec<f32>)> {
        let param = self.param("weight")?;
        let outputs = param.dims[param.dims.len() - 1];
        let mut levels = vec![0; param.value.len()];
        quantizer.levels(&param.value, param.scale, bits, &mut levels);
        let size = [levels.len() / outputs, outputs];
        Ok((DeployedWeights::new(&levels, size, bits, param.scale), self.param("bias")?.value.clone()))
    }

    /// Batch norm with the running statistics.
    fn batch_norm(&self) -> Result<Step> {
        let (gamma, beta) = (&self.param("weight")?.value, &self.param("bias")?.value);
        let (mean, variance) = (self.buffer("running_mean")?, self.buffer("running_var")?);
        let epsilon = f64::from(BATCH_NORM_EPSILON);
        let factors = gamma
            .iter()
            .zip(variance)
            .map(|(gamma, variance)| f64::from(*gamma) / (f64::from(*variance) + epsilon).sqrt());
        let factors: Vec<f64> = factors.collect();
        let offset = |((beta, mean), factor): ((&f32, &f32), &f64)| {
            (f64::from(*beta) - f64::from(*mean) * factor) as f32
        };
        Ok(Step::BatchNorm {
            offset: beta.iter().zip(mean).zip(&factors).map(offset).collect(),
            factor: factors.iter().map(|factor| *factor as f32).collect(),
        })
    }
}

impl PackedModel {
    /// Packs a network whose weights `quantizer` has quantized to `bits` bits. `specs` is its description, `normalize`
    /// that of the data it was trained on.
    ///
    /// # Errors
    /// [`Error::Model`] for a layer that cannot be packed.
    pub fn new(
        specs: &[LayerSpec],
        model: &Model,
        quantizer: &dyn Quantizer,
        bits: u8,
        normalize: Normalize,
    ) -> Result<Self> {
        let mut steps: Vec<Step> = Vec::new();
        let mut layers = Vec::new();
        let mut ids: Vec<(&str, usize)> = Vec::new();
        let mut counts = vec![0; LAYERS.len()];
        for (index, spec) in specs.iter().enumerate() {
            let error = |expected: &str, found: &str| Error::Model {
                layer: format!("{index} ({})", spec.kind),
                expected: expected.into(),
                found: found.into(),
            };
            let kind = LAYERS.iter().position(|kind| kind.name == spec.kind);
            let kind = kind.ok_or_else(|| error("a known layer", &spec.kind))?;
            counts[kind] += 1;
            let source = Source { model, layer: format!("{}{}", LAYERS[kind].stem, counts[kind]) };
            let step = match spec.kind.as_str() {
                "conv2d" => {
                    let (weights, bias) = source.weights(quantizer, bits)?;
                    let size = source.param("weight")?.dims[0];
                    let stride = spec.settings.get("stride").and_then(|stride| stride.as_u64());
                    Some(Step::Conv2d { weights, bias, size, stride: stride.unwrap_or(1) as usize })
                }
                "linear" => {
                    let (weights, bias) = source.weights(quantizer, bits)?;
                    Some(Step::Linear { weights, bias })
                }
                "batch_norm" => Some(source.batch_norm()?),
                "relu" => Some(Step::Relu),
                "max_pool" => Some(Step::MaxPool),
                "global_avg_pool" => Some(Step::GlobalAvgPool),
                "flatten" => Some(Step::Flatten),
                // Only while training.
                "dropout" => None,
                "add" => {
                    let wanted = spec.from.as_deref().unwrap_or_default();
                    let source = ids.iter().find(|(id, _)| *id == wanted);
                    let from =
                        source.ok_or_else(|| error("`from` with the id of an earlier layer", wanted))?.1;
                    Some(Step::Add { from })
                }
                other => return Err(error("a layer that can be packed", other)),
            };
            if let Some(step) = step {
                if let Some(packed_bytes) = step.bytes() {
                    let fp32_bytes = source.fp32_bytes();
                    layers.push(PackedLayerInfo { name: source.layer, packed_bytes, fp32_bytes });
                }
                steps.push(step);
            }
            if let (Some(id), Some(last)) = (&spec.id, steps.len().checked_sub(1)) {
                ids.push((id, last));
            }
        }
        let info = PackedInfo {
            packed_bytes: layers.iter().map(|layer| layer.packed_bytes).sum(),
            fp32_bytes: layers.iter().map(|layer| layer.fp32_bytes).sum(),
            bits,
            layers,
        };
        Ok(Self { steps, normalize, info })
    }

    /// How large it is.
    pub fn info(&self) -> &PackedInfo {
        &self.info
    }

    /// Every class with its probability for a picture, the likeliest first. `rgba` is `[32][32]` pixels R G B A; the
    /// picture counts as opaque.
    ///
    /// # Errors
    /// [`Error::Data`] for another number of bytes.
    pub fn classify(&self, rgba: &[u8]) -> Result<Vec<ClassProbability>> {
        if rgba.len() != PICTURE_BYTES {
            return Err(Error::Data {
                file: "picture".into(),
                expected: format!("{PICTURE_BYTES} bytes, {SIDE} x {SIDE} pixels of R G B A"),
                found: format!("{} bytes", rgba.len()),
            });
        }
        let logits = self.logits(rgba);
        let mut probabilities = vec![0.0; logits.len()];
        softmax(&logits, &mut probabilities);
        let with_class = |(class, probability)| ClassProbability { class: class as u16, probability };
        let mut classes: Vec<ClassProbability> =
            probabilities.into_iter().enumerate().map(with_class).collect();
        // Stable: the first of equals stays first.
        classes.sort_by(|a, b| b.probability.total_cmp(&a.probability));
        Ok(classes)
    }

    fn logits(&self, rgba: &[u8]) -> Vec<f32> {
        let pixels = rgba.as_chunks::<4>().0.iter();
        let dense: Vec<f32> = pixels
            .flat_map(|[r, g, b, _]| {
                let [r, g, b, _] = self.normalize.pixel([*r, *g, *b]);
                [r, g, b]
            })
            .collect();
        let mut x = Tensor::from_dense([1, SIDE, SIDE, IMAGE_CHANNELS], HALO, &dense);
        let kept =
            |step: usize| self.steps.iter().any(|other| matches!(other, Step::Add { from } if *from == step));
        let mut outputs: Vec<Option<Tensor>> = Vec::with_capacity(self.steps.len());
        for (i, step) in self.steps.iter().enumerate() {
            x = step.forward(x, &outputs);
            outputs.push(kept(i).then(|| x.clone()));
        }
        x.to_dense()
    }
}

impl Step {
    /// Bytes of its parameters; `None` where it has none.
    fn bytes(&self) -> Option<usize> {
        match self {
            // A scale beside the levels.
            Self::Conv2d { weights, bias, .. } | Self::Linear { weights, bias } => {
                Some(weights.bytes() + F32 * (1 + bias.len()))
            }
            Self::BatchNorm { factor, offset } => Some(F32 * (factor.len() + offset.len())),
            _ => None,
        }
    }

    /// The output for one image.
    fn forward(&self, mut x: Tensor, outputs: &[Option<Tensor>]) -> Tensor {
        match self {
            Self::Conv2d { weights, bias, size, stride } => {
                let [h, w] = [x.h(), x.w()].map(|len| len.div_ceil(*stride));
                let mut y = Tensor::zeros([1, h, w, weights.outputs()], HALO);
                weights.conv_forward(*size, *stride, &x, bias, &mut y);
                return y;
            }
            Self::Linear { weights, bias } => {
                let mut y = Tensor::zeros([1, 1, 1, weights.outputs()], HALO);
                weights.linear_forward(&x, bias, &mut y);
                return y;
            }
            Self::BatchNorm { factor, offset } => for_each_pixel(&mut x, |_, _, pixel| {
                for ((v, factor), offset) in pixel.iter_mut().zip(factor).zip(offset) {
                    *v = *v * factor + offset;
                }
            }),
            Self::Relu => for_each_pixel(&mut x, |_, _, pixel| {
                pixel.iter_mut().for_each(|v| *v = if *v < 0.0 { 0.0 } else { *v });
            }),
            Self::Add { from } => {
                let other = outputs[*from].as_ref().expect("outputs that are added later are kept");
                for_each_pixel(&mut x, |h, w, pixel| {
                    let start = other.offset(0, h, w);
                    for (v, other) in pixel.iter_mut().zip(&other.data()[start..]) {
                        *v += other;
                    }
                });
            }
            Self::MaxPool => {
                let mut y = Tensor::zeros([1, x.h() / 2, x.w() / 2, x.c()], HALO);
                for_each_pixel(&mut y, |h, w, pixel| {
                    let corners = [(0, 0), (0, 1), (1, 0), (1, 1)];
                    let corners = corners.map(|(dh, dw)| x.offset(0, 2 * h + dh, 2 * w + dw));
                    for (c, v) in pixel.iter_mut().enumerate() {
                        *v = corners.iter().fold(f32::NEG_INFINITY, |max, at| max.max(x.data()[at + c]));
                    }
                });
                return y;
            }
            Self::GlobalAvgPool => {
                let dense = x.to_dense();
                let mean =
                    |c: usize| dense.iter().skip(c).step_by(x.c()).sum::<f32>() / (x.h() * x.w()) as f32;
                let means: Vec<f32> = (0..x.c()).map(mean).collect();
                return Tensor::from_dense([1, 1, 1, x.c()], HALO, &means);
            }
            Self::Flatten => {
                // In the order (C, H, W).
                let dense = x.to_dense();
                let values: Vec<f32> =
                    (0..x.c()).flat_map(|c| dense.iter().skip(c).step_by(x.c()).copied()).collect();
                return Tensor::from_dense([1, 1, 1, values.len()], HALO, &values);
            }
        }
        x
    }
}

/// Calls `change(h, w, channels)` for every pixel of one image.
fn for_each_pixel(x: &mut Tensor, mut change: impl FnMut(usize, usize, &mut [f32])) {
    let channels = x.c();
    for h in 0..x.h() {
        for (w, pixel) in x.row_mut(0, h).chunks_exact_mut(channels).enumerate() {
            change(h, w, pixel);
        }
    }
}
