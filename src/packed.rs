//! Inference over packed weights: what a phone would carry away from a run.
//!
//! Convolutions and linear layers keep their levels two to a byte (one to a byte above 16 of them, one to two bytes above
//! 256) and what these mean; weights that are not rounded stay f32. So do biases, and batch norm becomes one factor and
//! one offset a channel. The kernels read the packed levels as they are ([`crate::kernels::deploy`]).

use serde::Serialize;

use crate::data::{Normalize, PLANE, SIDE};
use crate::kernels::{Conv5x5, DeployedWeights};
use crate::lower::{Lowered, Op, Operation, Weights};
use crate::model::IMAGE_CHANNELS;
use crate::predictions::{ClassProbability, softmax};
use crate::{Error, Result, Tensor, elementary};

/// Bytes of a picture: R G B A.
pub const PICTURE_BYTES: usize = 4 * PLANE;
/// Border that the largest convolution needs around its input. Every activation here has it: those of one image are
/// small.
const HALO: usize = Conv5x5::HALO;
/// Bytes of an f32.
const F32: usize = size_of::<f32>();

/// # Errors
/// [`Error::Data`] where `rgba` is not so many pictures.
pub(crate) fn check_pictures(rgba: &[u8], count: usize) -> Result<()> {
    if rgba.len() == count * PICTURE_BYTES {
        return Ok(());
    }
    Err(Error::Data {
        file: "picture".into(),
        expected: format!("{PICTURE_BYTES} bytes, {SIDE} x {SIDE} pixels of R G B A"),
        found: format!("{} bytes", rgba.len()),
    })
}

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
    /// Every layer that has parameters.
    pub layers: Vec<PackedLayerInfo>,
}

/// How large a layer is.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PackedLayerInfo {
    /// `conv1`, `bn1`...
    pub name: String,
    /// Bits of a weight, 32 where it is not rounded; `None` of a layer without weights.
    pub bits: Option<u8>,
    /// Bytes as they are kept here.
    pub packed_bytes: usize,
    /// Bytes in f32.
    pub fp32_bytes: usize,
}

/// One operation on earlier values.
#[derive(Debug, Clone)]
struct Step {
    kind: Kind,
    inputs: Vec<usize>,
}

#[derive(Debug, Clone)]
enum Kind {
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
    /// Anything without weights.
    Plain(Op),
}

impl Kind {
    fn new(operation: &Operation) -> Self {
        let pack = |weight: &Weights| match &weight.encoded {
            Some(encoded) => DeployedWeights::new(encoded, weight.matrix()),
            None => DeployedWeights::full(&weight.values, weight.matrix()),
        };
        match &operation.op {
            Op::Conv2d { weight, bias, stride } => Self::Conv2d {
                weights: pack(weight),
                bias: bias.clone(),
                size: weight.dims[0],
                stride: *stride,
            },
            Op::Linear { weight, bias } => Self::Linear { weights: pack(weight), bias: bias.clone() },
            plain => Self::Plain(plain.clone()),
        }
    }
}

impl PackedModel {
    /// Packs a network; weights that are not quantized stay as they are. `normalize` is that of the data it was trained
    /// on.
    pub fn new(lowered: &Lowered, normalize: Normalize) -> Self {
        let mut steps: Vec<Step> = Vec::new();
        let mut layers = Vec::new();
        for operation in &lowered.operations {
            let kind = Kind::new(operation);
            let fp32_bytes = F32
                * match &operation.op {
                    Op::Conv2d { weight, bias, .. } | Op::Linear { weight, bias } => {
                        weight.values.len() + bias.len()
                    }
                    // Two parameters and two statistics.
                    Op::Affine { factor, .. } => 4 * factor.len(),
                    _ => 0,
                };
            let (bits, packed_bytes) = match &kind {
                Kind::Conv2d { weights, bias, .. } | Kind::Linear { weights, bias } => {
                    (Some(weights.bits()), weights.bytes() + F32 * bias.len())
                }
                Kind::Plain(Op::Affine { factor, offset }) => (None, F32 * (factor.len() + offset.len())),
                Kind::Plain(_) => (None, 0),
            };
            if packed_bytes > 0 {
                layers.push(PackedLayerInfo { name: operation.name.clone(), bits, packed_bytes, fp32_bytes });
            }
            steps.push(Step { kind, inputs: operation.inputs.clone() });
        }
        let info = PackedInfo {
            packed_bytes: layers.iter().map(|layer| layer.packed_bytes).sum(),
            fp32_bytes: layers.iter().map(|layer| layer.fp32_bytes).sum(),
            layers,
        };
        Self { steps, normalize, info }
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
        check_pictures(rgba, 1)?;
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

    /// Logits of a picture, as [`PackedModel::classify`] takes one.
    pub fn logits(&self, rgba: &[u8]) -> Vec<f32> {
        self.trace(rgba, &mut |_, _| {})
    }

    /// The same; `look` is given each value's place in the lowered network, and the value.
    pub(crate) fn trace(&self, rgba: &[u8], look: &mut dyn FnMut(usize, &Tensor)) -> Vec<f32> {
        let dense: Vec<f32> = self.normalize.pixels(rgba).flat_map(|[r, g, b, _]| [r, g, b]).collect();
        let image = Tensor::from_dense([1, SIDE, SIDE, IMAGE_CHANNELS], HALO, &dense);
        let mut values = vec![Some(image)];
        for (i, step) in self.steps.iter().enumerate() {
            let y = step.forward(&values);
            look(i + 1, &y);
            // Values that nothing reads any more are freed.
            for input in &step.inputs {
                if !self.steps[i + 1..].iter().any(|later| later.inputs.contains(input)) {
                    values[*input] = None;
                }
            }
            values.push(Some(y));
        }
        values.pop().flatten().expect("the last value is the logits").to_dense()
    }
}

impl Step {
    /// The output for one image.
    fn forward(&self, values: &[Option<Tensor>]) -> Tensor {
        let input = |i: usize| values[self.inputs[i]].as_ref().expect("values that are read later are kept");
        let x = input(0);
        let plain = match &self.kind {
            Kind::Conv2d { weights, bias, size, stride } => {
                let [h, w] = [x.h(), x.w()].map(|len| len.div_ceil(*stride));
                let mut y = Tensor::zeros([1, h, w, weights.outputs()], HALO);
                weights.conv_forward(*size, *stride, x, bias, &mut y);
                return y;
            }
            Kind::Linear { weights, bias } => {
                let mut y = Tensor::zeros([1, 1, 1, weights.outputs()], HALO);
                weights.linear_forward(x, bias, &mut y);
                return y;
            }
            Kind::Plain(op) => op,
        };
        let mut y = x.clone();
        match plain {
            Op::Conv2d { .. } | Op::Linear { .. } => unreachable!("they have weights"),
            Op::Affine { factor, offset } => for_each_pixel(&mut y, |_, _, pixel| {
                for ((v, factor), offset) in pixel.iter_mut().zip(factor).zip(offset) {
                    *v = *v * factor + offset;
                }
            }),
            Op::Relu => for_each_pixel(&mut y, |_, _, pixel| {
                pixel.iter_mut().for_each(|v| *v = if *v < 0.0 { 0.0 } else { *v });
            }),
            Op::Sigmoid => for_each_pixel(&mut y, |_, _, pixel| {
                pixel.iter_mut().for_each(|v| *v = 1.0 / (1.0 + elementary::exp(-*v)));
            }),
            Op::Round(rounding) => for_each_pixel(&mut y, |_, _, pixel| {
                let channels = pixel.len();
                rounding.apply(pixel, channels);
            }),
            Op::Add => {
                for i in 1..self.inputs.len() {
                    let other = input(i);
                    for_each_pixel(&mut y, |h, w, pixel| {
                        let start = other.offset(0, h, w);
                        for (v, other) in pixel.iter_mut().zip(&other.data()[start..]) {
                            *v += other;
                        }
                    });
                }
            }
            Op::ScaleChannels => {
                let gate = input(1).to_dense();
                for_each_pixel(&mut y, |_, _, pixel| {
                    pixel.iter_mut().zip(&gate).for_each(|(v, gate)| *v *= gate);
                });
            }
            Op::MaxPool => {
                y = Tensor::zeros([1, x.h() / 2, x.w() / 2, x.c()], HALO);
                for_each_pixel(&mut y, |h, w, pixel| {
                    let corners = [(0, 0), (0, 1), (1, 0), (1, 1)];
                    let corners = corners.map(|(dh, dw)| x.offset(0, 2 * h + dh, 2 * w + dw));
                    for (c, v) in pixel.iter_mut().enumerate() {
                        *v = corners.iter().fold(f32::NEG_INFINITY, |max, at| max.max(x.data()[at + c]));
                    }
                });
            }
            Op::GlobalAvgPool => {
                let dense = x.to_dense();
                let pixels = (x.h() * x.w()) as f32;
                let mean = |c: usize| dense.iter().skip(c).step_by(x.c()).sum::<f32>() / pixels;
                let means: Vec<f32> = (0..x.c()).map(mean).collect();
                y = Tensor::from_dense([1, 1, 1, x.c()], HALO, &means);
            }
            Op::Flatten => {
                // In the order (C, H, W).
                let dense = x.to_dense();
                let values: Vec<f32> =
                    (0..x.c()).flat_map(|c| dense.iter().skip(c).step_by(x.c()).copied()).collect();
                y = Tensor::from_dense([1, 1, 1, values.len()], HALO, &values);
            }
        }
        y
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
