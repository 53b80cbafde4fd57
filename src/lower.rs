//! One small language for everything that leaves training: packed inference and every export read it, none of them a
//! layer.
//!
//! A lowered network is a list of operations on values. Value 0 is the normalised image `[32][32][3]`, value `i + 1`
//! the result of operation `i`, the last one the logits.

#[cfg(feature = "exports")]
mod fold;

use crate::kernels::grid::Encoded;
use crate::kernels::rounding::Rounding;
use crate::param::Param;
use crate::tensor::Shape;

#[cfg(feature = "exports")]
pub use fold::fold;

/// A network in evaluation mode.
#[derive(Debug, Clone, PartialEq)]
pub struct Lowered {
    /// `[h, w, c]` of an image.
    pub input: Shape,
    /// In an order in which they can be computed.
    pub operations: Vec<Operation>,
}

/// One operation on earlier values.
#[derive(Debug, Clone, PartialEq)]
pub struct Operation {
    /// The layer that it comes from, as `conv1`; a further operation of it has its own name behind a dot, as `bn1.relu`.
    pub name: String,
    /// What it does.
    pub op: Op,
    /// The values that it reads.
    pub inputs: Vec<usize>,
    /// `[h, w, c]` of the result.
    pub shape: Shape,
}

/// What an operation does.
#[derive(Debug, Clone, PartialEq)]
pub enum Op {
    /// Square convolution with a zero padding of half the size, `[kh, kw, c_in, c_out]`, and a bias a channel.
    Conv2d {
        /// The weights.
        weight: Weights,
        /// One a channel.
        bias: Vec<f32>,
        /// Pixels from one output to the next.
        stride: usize,
    },
    /// `y = x W + b`, `[in, out]`.
    Linear {
        /// The weights.
        weight: Weights,
        /// One an output.
        bias: Vec<f32>,
    },
    /// `y = factor x + offset`, by channel: a batch norm with its running statistics.
    Affine {
        /// One a channel.
        factor: Vec<f32>,
        /// One a channel.
        offset: Vec<f32>,
    },
    /// `max(x, 0)`.
    Relu,
    /// 2x2 pixels to the largest of each channel, stride 2.
    MaxPool,
    /// The mean over all pixels.
    GlobalAvgPool,
    /// An image to a vector, in the order (C, H, W).
    Flatten,
    /// The sum of all inputs.
    Add,
    /// Each channel of the first input times the one value that the second, a vector, has for it.
    ScaleChannels,
    /// `1 / (1 + e^-x)`.
    Sigmoid,
    /// Activations, none of them negative, to the levels of a quantizer.
    Round(Rounding),
}

/// A weight tensor.
#[derive(Debug, Clone, PartialEq)]
pub struct Weights {
    /// Sizes as stored, the output channels innermost.
    pub dims: Vec<usize>,
    /// What the network computes with, in that order.
    pub values: Vec<f32>,
    /// The same as codes, where they are quantized.
    pub encoded: Option<Encoded>,
}

impl Weights {
    /// The forward weights of a parameter.
    pub fn of(param: &Param) -> Self {
        Self { dims: param.dims.clone(), values: param.forward_value().to_vec(), encoded: param.encode() }
    }

    /// `[rows, outputs]`.
    pub fn matrix(&self) -> [usize; 2] {
        let outputs = self.dims[self.dims.len() - 1];
        [self.values.len() / outputs, outputs]
    }
}

impl Op {
    /// The name that exports and further operations of a layer use.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Conv2d { .. } => "conv2d",
            Self::Linear { .. } => "linear",
            Self::Affine { .. } => "affine",
            Self::Relu => "relu",
            Self::MaxPool => "max_pool",
            Self::GlobalAvgPool => "global_avg_pool",
            Self::Flatten => "flatten",
            Self::Add => "add",
            Self::ScaleChannels => "scale_channels",
            Self::Sigmoid => "sigmoid",
            Self::Round(_) => "round",
        }
    }

    /// Takes all inputs of the layer, not the first alone.
    fn takes_all(&self) -> bool {
        matches!(self, Self::Add | Self::ScaleChannels)
    }

    fn output(&self, [h, w, c]: Shape) -> Shape {
        match self {
            Self::Conv2d { weight, stride, .. } => [h.div_ceil(*stride), w.div_ceil(*stride), weight.dims[3]],
            Self::Linear { weight, .. } => [1, 1, weight.dims[1]],
            Self::MaxPool => [h / 2, w / 2, c],
            Self::GlobalAvgPool => [1, 1, c],
            Self::Flatten => [1, 1, h * w * c],
            Self::Affine { .. }
            | Self::Relu
            | Self::Add
            | Self::ScaleChannels
            | Self::Sigmoid
            | Self::Round(_) => [h, w, c],
        }
    }
}

impl Lowered {
    /// An empty one.
    pub fn new(input: Shape) -> Self {
        Self { input, operations: Vec::new() }
    }

    /// `[h, w, c]` of a value.
    pub fn shape(&self, value: usize) -> Shape {
        value.checked_sub(1).map_or(self.input, |operation| self.operations[operation].shape)
    }

    /// Lets a layer write itself; gives the value that holds its output.
    pub fn layer(&mut self, name: &str, inputs: &[usize], lower: impl FnOnce(&mut Lowering<'_>)) -> usize {
        let mut lowering = Lowering { current: inputs[0], lowered: self, name, inputs, first: true };
        lower(&mut lowering);
        lowering.current
    }
}

/// Where a layer writes its operations.
pub struct Lowering<'a> {
    lowered: &'a mut Lowered,
    name: &'a str,
    inputs: &'a [usize],
    /// What the operations so far have made of the first input.
    current: usize,
    first: bool,
}

impl Lowering<'_> {
    /// Adds an operation on what the ones before made of the layer's first input, and on its other inputs where it takes
    /// several.
    pub fn push(&mut self, op: Op) {
        let mut inputs = vec![self.current];
        if op.takes_all() {
            inputs.extend(&self.inputs[1..]);
        }
        self.emit(op, inputs);
    }

    /// Adds an operation on any values; gives that of its result, which is the layer's so far.
    pub fn emit(&mut self, op: Op, inputs: Vec<usize>) -> usize {
        let name = if self.first { self.name.into() } else { format!("{}.{}", self.name, op.name()) };
        self.first = false;
        let shape = op.output(self.lowered.shape(inputs[0]));
        self.lowered.operations.push(Operation { name, op, inputs, shape });
        self.current = self.lowered.operations.len();
        self.current
    }

    /// The value that holds the layer's result so far.
    pub fn current(&self) -> usize {
        self.current
    }
}
