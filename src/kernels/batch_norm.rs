//! Batch normalisation over N, H and W, with an optional ReLU behind it.

use super::{Activation, scalar};
use crate::Tensor;

/// Per-channel mean and biased variance of `x` over N, H, W. `mean` and `variance` have `x.c` elements.
pub fn statistics(x: &Tensor, mean: &mut [f32], variance: &mut [f32]) {
    scalar::batch_norm_statistics(x, mean, variance);
}

/// One batch-norm layer in one pass: with the statistics of the batch when training, with the running ones
/// when evaluating. All slices have one element a channel.
#[derive(Debug, Clone, Copy)]
pub struct BatchNorm<'a> {
    /// Mean to subtract.
    pub mean: &'a [f32],
    /// Variance to divide by (biased when it is the batch's).
    pub variance: &'a [f32],
    /// Learned scale.
    pub gamma: &'a [f32],
    /// Learned shift.
    pub beta: &'a [f32],
    /// Added to the variance.
    pub eps: f32,
}

impl BatchNorm<'_> {
    /// `y = activation(gamma (x - mean) / sqrt(variance + eps) + beta)`.
    pub fn forward(&self, x: &Tensor, activation: Activation, y: &mut Tensor) {
        scalar::batch_norm_forward(self, x, activation, y);
    }

    /// Gradients of the training pass (`self` holds the statistics of this batch). `dy` becomes `dx` in place;
    /// `dgamma` and `dbeta` are overwritten. `relu_output` is the `y` of a forward pass with ReLU, which
    /// masks `dy` where `y` is not above 0; None where there was no ReLU.
    pub fn backward(
        &self,
        x: &Tensor,
        relu_output: Option<&Tensor>,
        dy: &mut Tensor,
        dgamma: &mut [f32],
        dbeta: &mut [f32],
    ) {
        scalar::batch_norm_backward(self, x, relu_output, dy, dgamma, dbeta);
    }
}
