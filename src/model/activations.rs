//! Quantizers of activations in their places: behind each ReLU, together with the sum or the pooling that is computed
//! with it, so that a layer with weights that reads its output reads levels.

use std::collections::TryReserveError;

use crate::Tensor;
use crate::kernels::rounding::{Keep, Kept, Rounding};
use crate::quant::ActivationQuantizer;

/// A quantizer behind a layer.
pub(super) struct Placed {
    pub quantizer: Box<dyn ActivationQuantizer>,
    kept: Kept,
}

impl Placed {
    pub fn new(quantizer: Box<dyn ActivationQuantizer>) -> Self {
        Self { quantizer, kept: Kept::default() }
    }

    /// Rounds the layer's output in place.
    pub fn forward(&mut self, x: &mut Tensor, training: bool) {
        if training {
            self.quantizer.observe(x);
        }
        let Some(rounding) = self.quantizer.rounding(training) else { return self.kept.clear() };
        let keep = if training { self.quantizer.keep() } else { Keep::Nothing };
        rounding.forward(x, keep, self.quantizer.bound(), &mut self.kept);
    }

    /// Writes the output, which is rounded, in whole numbers of a step, which it gives; `None` where it is in none.
    pub fn write_levels(&self, x: &Tensor, training: bool, levels: &mut Tensor<u8>) -> Option<f32> {
        self.quantizer.rounding(training)?.write_levels(x, levels)
    }

    /// Turns the gradient of the rounded output, in place, into that of the output.
    pub fn backward(&mut self, dy: &mut Tensor) {
        let features = dy.h() * dy.w() * dy.c();
        let sums = self.kept.backward(dy);
        self.quantizer.backward(sums, features);
    }

    /// What it rounds to in evaluation.
    pub fn rounding(&self) -> Option<Rounding> {
        self.quantizer.rounding(false)
    }

    /// Bytes that are kept for the backward pass, of values of that shape.
    pub fn bytes(&self, shape: [usize; 4]) -> usize {
        Kept::bytes(self.quantizer.keep(), shape)
    }

    /// Takes the memory of [`Placed::bytes`].
    pub fn try_reserve(&mut self, shape: [usize; 4]) -> Result<(), TryReserveError> {
        self.kept.try_reserve(self.quantizer.keep(), shape)
    }
}
