//! A network in integers alone: weights of 4 or 8 bits, activations of 8, sums of 32. It is the reference that the C of
//! [`crate::export`] is printed from, and that any other integer kernel is held to: plain loops, to the bit.
//!
//! A value is `scale * (q - zero)`, `q` a byte. Batch norm is folded into the scales of the weights, a ReLU and a rounding
//! into the bounds of what comes before. Logits have 16 bits, so that rounding seldom makes two of them alike.

pub mod arithmetic;
mod lower;
mod weights;

use self::arithmetic::{Requantize, add, convolve, flatten, largest, means};
use crate::Result;
use crate::data::{IMAGE_BYTES, PLANE};
use crate::lower::Lowered;
use crate::tensor::Shape;

pub use self::weights::IntegerWeights;

/// What integers of a value mean.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Span {
    /// Distance of neighbours.
    pub scale: f64,
    /// The integer that means 0.
    pub zero: i32,
    /// The least integer.
    pub least: i32,
    /// The greatest.
    pub most: i32,
}

/// A value on the way from the image to the logits.
#[derive(Debug, Clone, PartialEq)]
pub struct Value {
    /// The layer whose result it is.
    pub name: String,
    /// `[h, w, c]`, in which order it lies.
    pub shape: Shape,
    /// What its integers mean.
    pub span: Span,
}

/// How a value comes from earlier ones.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// A square convolution with a zero padding of half the size; a linear layer is one of size 1 on one pixel.
    Conv {
        /// `[out][h][w][in]`.
        weights: IntegerWeights,
        /// One an output channel, in units of its weights' scale times the input's.
        bias: Vec<i32>,
        /// Pixels from one output to the next.
        stride: usize,
        /// From sums to the value's own scale, one an output channel.
        requantize: Vec<Requantize>,
    },
    /// `(sum of factor (q - zero)) / 2^shift`, rounded.
    Add {
        /// One an input.
        factors: Vec<i32>,
        /// Of all.
        shift: u32,
    },
    /// The largest of 2 x 2 pixels.
    MaxPool,
    /// The mean of all pixels: their sum, requantized.
    Mean(Requantize),
    /// From (H, W, C) to (C, H, W).
    Flatten,
    /// The same values in another scale, or within other bounds.
    Rescale(Requantize),
}

/// A network.
#[derive(Debug, Clone, PartialEq)]
pub struct Integer {
    /// The image's integers for each byte of R, G and B: its preprocessing.
    pub table: [[i8; 256]; 3],
    /// The image, then the result of each step; the logits come last.
    pub values: Vec<Value>,
    /// Each with the values that it reads.
    pub steps: Vec<(Step, Vec<usize>)>,
    /// What is not as it was trained, for the user.
    pub notes: Vec<String>,
}

impl Integer {
    /// Of a network in evaluation mode. `images`, bytes `[n][3][32][32]`, are run through it to find out how large its
    /// values become: activations that are not rounded in training get 8 bits from the least to the largest.
    ///
    /// # Errors
    /// [`crate::Error::Model`] for a layer that has no integer form, [`crate::Error::Data`] without images.
    pub fn new(lowered: &Lowered, figures: [[f32; 3]; 2], images: &[u8]) -> Result<Self> {
        lower::integer(lowered, figures, images)
    }

    /// Logits of a picture, `[32][32]` pixels R G B, in units of the last value's scale.
    ///
    /// # Panics
    /// With another number of bytes.
    pub fn logits(&self, pixels: &[u8]) -> Vec<i32> {
        assert_eq!(pixels.len(), IMAGE_BYTES, "bytes of a picture");
        let image = pixels.iter().enumerate();
        let mut values =
            vec![image.map(|(i, byte)| i32::from(self.table[i % 3][usize::from(*byte)])).collect()];
        for (i, (step, inputs)) in self.steps.iter().enumerate() {
            values.push(self.step(step, inputs, &values, &self.values[i + 1]));
        }
        values.pop().expect("the logits come last")
    }

    fn step(&self, step: &Step, inputs: &[usize], values: &[Vec<i32>], to: &Value) -> Vec<i32> {
        let (from, x) = (&self.values[inputs[0]], &values[inputs[0]]);
        match step {
            Step::Conv { weights, bias, stride, requantize } => {
                convolve(weights, bias, *stride, requantize, (x, from), to)
            }
            Step::Add { factors, shift } => {
                let zeros = inputs.iter().map(|input| self.values[*input].span.zero);
                let inputs: Vec<_> = inputs.iter().map(|input| values[*input].as_slice()).collect();
                let terms: Vec<_> =
                    inputs.into_iter().zip(zeros).zip(factors).map(|((x, z), f)| (x, z, *f)).collect();
                add(&terms, *shift, to.span)
            }
            Step::MaxPool => largest(x, from.shape),
            Step::Mean(requantize) => means(x, from, *requantize, to.span),
            Step::Flatten => flatten(x, from.shape),
            Step::Rescale(requantize) => {
                x.iter().map(|q| to.span.bound(requantize.apply(q - from.span.zero))).collect()
            }
        }
    }
}

impl Span {
    /// A distance from zero as an integer within the bounds.
    pub fn bound(&self, distance: i32) -> i32 {
        distance.saturating_add(self.zero).clamp(self.least, self.most)
    }
}

/// Bytes `[3][32][32]`, as data sets have them, to pixels R G B.
pub fn pixels(planes: &[u8]) -> Vec<u8> {
    (0..PLANE).flat_map(|at| [planes[at], planes[PLANE + at], planes[2 * PLANE + at]]).collect()
}
