//! Quantizers of activations in their places: behind each ReLU, together with the sum or the pooling that is computed
//! with it, so that a layer with weights that reads its output reads levels.

use std::collections::TryReserveError;

use crate::Tensor;
use crate::kernels::rounding::{ByRows, Keep, Kept, Rounding};
use crate::layers::{Layer, Levels, Pass};
use crate::quant::{ActivationQuantizer, Look};

use super::Observe;

/// A quantizer behind a layer.
pub(super) struct Placed {
    pub quantizer: Box<dyn ActivationQuantizer>,
    kept: Kept,
}

/// Where a rounded output goes.
pub(super) struct Output<'a> {
    pub y: &'a mut Tensor,
    /// Get it in whole numbers, where it has such.
    pub levels: Option<&'a mut Levels<u8>>,
    /// `y` gets it where the levels do, too; else it may stay as it is.
    pub stores: bool,
}

impl Placed {
    pub fn new(quantizer: Box<dyn ActivationQuantizer>) -> Self {
        Self { quantizer, kept: Kept::default() }
    }

    /// Has a layer compute its output, rounded: on its way where that can be, else once it is there and has been looked at.
    /// `observe`, with the layer's name, is shown it before it is rounded.
    pub fn compute(
        &mut self,
        layer: &mut dyn Layer,
        inputs: &[&Tensor],
        out: Output<'_>,
        pass: &Pass,
        observe: Option<(&str, &mut Observe<'_>)>,
    ) {
        let Output { y, levels, stores } = out;
        let on_its_way = layer.rounds() && observe.is_none();
        if on_its_way && (!pass.training || self.foresee(|| layer.foresee(inputs))) {
            return match self.by_rows(y.shape(), pass.training, levels, stores) {
                Some(mut rounding) => layer.forward_rounded(inputs, y, pass, &mut rounding),
                None => layer.forward(inputs, y, pass),
            };
        }
        layer.forward(inputs, y, pass);
        if let Some((name, observe)) = observe {
            observe(name, y, self.rounding());
        }
        if pass.training {
            self.quantizer.observe(y);
        }
        if let Some(mut rounding) = self.by_rows(y.shape(), pass.training, levels, stores) {
            rounding.round_all(y);
        }
    }

    /// Looks at a training batch that is about to be computed, whose largest value `foresee` may tell. Whether that is all
    /// that has to be known of it.
    fn foresee(&mut self, foresee: impl FnOnce() -> Option<f32>) -> bool {
        match self.quantizer.look() {
            Look::Away => true,
            Look::Largest => foresee().is_some_and(|largest| {
                self.quantizer.observe_largest(largest);
                true
            }),
            Look::Whole => false,
        }
    }

    /// The rounding of a batch of that shape; `None`: it is not rounded.
    fn by_rows<'a>(
        &'a mut self,
        shape: [usize; 4],
        training: bool,
        levels: Option<&'a mut Levels<u8>>,
        in_place: bool,
    ) -> Option<ByRows<'a>> {
        let Some(rounding) = self.quantizer.rounding(training) else {
            self.kept.clear();
            return None;
        };
        let keep = if training { self.quantizer.keep() } else { Keep::Nothing };
        let levels = levels.filter(|_| rounding.step().is_some()).map(|Levels { values, step }| {
            *step = rounding.step();
            values
        });
        let in_place = in_place || levels.is_none();
        let bound = self.quantizer.bound();
        Some(rounding.by_rows(shape, keep, bound, &mut self.kept, levels, in_place))
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
