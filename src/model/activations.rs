//! Quantizers of activations in their places: behind each ReLU, together with the sum or the pooling that is computed
//! with it, so that a layer with weights that reads its output reads levels.

use std::collections::TryReserveError;

use crate::Tensor;
use crate::kernels::rounding::{ByRows, Keep, Kept, Rounding};
use crate::layers::{Layer, Levels, Pass};
use crate::quant::{ActivationQuantizer, Look};

/// A quantizer behind a layer.
pub(super) struct Placed {
    pub quantizer: Box<dyn ActivationQuantizer>,
    kept: Kept,
}

impl Placed {
    pub fn new(quantizer: Box<dyn ActivationQuantizer>) -> Self {
        Self { quantizer, kept: Kept::default() }
    }

    /// Looks at a training batch that is about to be computed, whose largest value `foresee` may tell. Whether that is all
    /// that has to be known of it.
    pub fn foresee(&mut self, foresee: impl FnOnce() -> Option<f32>) -> bool {
        match self.quantizer.look() {
            Look::Away => true,
            Look::Largest => foresee().is_some_and(|largest| {
                self.quantizer.observe_largest(largest);
                true
            }),
            Look::Whole => false,
        }
    }

    /// Has a layer compute its output and rounds that on its way, of a batch that needs no look or has been seen: as
    /// [`Layer::forward`] and [`Placed::forward`]. Unless it `stores`, an output whose levels are given is not written.
    pub fn compute(
        &mut self,
        layer: &mut dyn Layer,
        inputs: &[&Tensor],
        y: &mut Tensor,
        pass: &Pass,
        levels: Option<&mut Levels<u8>>,
        stores: bool,
    ) {
        match self.by_rows(y.shape(), pass.training, levels, stores) {
            Some(rounding) => layer.forward_rounded(inputs, y, pass, &rounding),
            None => layer.forward(inputs, y, pass),
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
        if let Some(rounding) = self.by_rows(x.shape(), training, levels, in_place) {
            rounding.round_all(x);
        }
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
