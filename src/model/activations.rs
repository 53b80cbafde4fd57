//! Quantizers of activations in their places: behind each ReLU, together with the sum or the pooling that is computed
//! with it, so that what a layer with weights reads lies on the levels.

use std::collections::TryReserveError;

use super::node::Node;
use crate::kernels::rounding::{Keep, Kept, Rounding};
use crate::quant::{self, ActivationQuantizer, ActivationRequest, End, Tracking};
use crate::{Result, RunConfig, Tensor};

/// A quantizer behind a layer.
pub(super) struct Placed {
    pub quantizer: Box<dyn ActivationQuantizer>,
    kept: Kept,
}

impl Placed {
    /// Rounds the layer's output in place.
    pub fn forward(&mut self, x: &mut Tensor, training: bool) {
        if training {
            self.quantizer.observe(x);
        }
        let Some(rounding) = self.quantizer.rounding(training) else { return self.kept.clear() };
        let keep = if training { self.quantizer.keep() } else { Keep::Nothing };
        let bound = if training { self.quantizer.bound() } else { rounding.bound() };
        rounding.forward(x, keep, bound, &mut self.kept);
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

    /// Bytes that are kept for the backward pass, of so many values.
    pub fn bytes(&self, elements: usize) -> usize {
        Kept::bytes(self.quantizer.keep(), elements)
    }

    /// Takes the memory of [`Placed::bytes`].
    pub fn try_reserve(&mut self, elements: usize) -> std::result::Result<(), TryReserveError> {
        self.kept.try_reserve(self.quantizer.keep(), elements)
    }
}

/// Puts quantizers behind the layers that have a ReLU, as the settings say.
pub(super) fn place(nodes: &mut [Node], config: &RunConfig) -> Result<()> {
    let scheme = quant::find_activations(&config.activations)?;
    let end = quant::find_end(&config.ends)?;
    let tracking = if config.activation_range == "largest" { Tracking::Largest } else { Tracking::Average };
    let last = nodes.iter().rposition(|node| node.rectified);
    for (i, node) in nodes.iter_mut().enumerate().filter(|(_, node)| node.rectified) {
        // What the last layer with weights reads comes from the last ReLU.
        let end = if Some(i) == last { end } else { End::Same };
        let Some((scheme, bits)) = end.of_activations(scheme, config.activation_bits as u8) else { continue };
        let request = ActivationRequest { bits, tracking, clip_decay: config.clip_decay as f32 };
        node.rounding =
            scheme.quantizer(&request)?.map(|quantizer| Placed { quantizer, kept: Kept::default() });
    }
    Ok(())
}
