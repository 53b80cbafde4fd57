//! Quantizers of activations in their places: behind each ReLU, together with the sum or the pooling that is computed
//! with it, so that a layer with weights that reads its output reads levels.

use std::collections::TryReserveError;

use crate::Tensor;
use crate::kernels::rounding::{Keep, Kept, Rounding};
use crate::layers::Levels;
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

    /// Rounds the layer's output in place. Where `levels` are given and it has whole numbers, they get those, and the output
    /// is rounded `in_place` or not.
    pub fn forward(
        &mut self,
        x: &mut Tensor,
        training: bool,
        levels: Option<&mut Levels<u8>>,
        in_place: bool,
    ) {
        if training {
            self.quantizer.observe(x);
        }
        let Some(rounding) = self.quantizer.rounding(training) else { return self.kept.clear() };
        let keep = if training { self.quantizer.keep() } else { Keep::Nothing };
        let (bound, kept) = (self.quantizer.bound(), &mut self.kept);
        if let Some(Levels { values, step }) = levels {
            *step = rounding.forward_levels(x, keep, bound, kept, values, in_place);
            if step.is_some() {
                return;
            }
        }
        rounding.forward(x, keep, bound, kept);
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
