//! Passes over parameters: quantization, soft clipping, norms, the AdamW update.

use super::scalar;

/// Sum of squares, accumulated in f64 over fixed chunks.
pub fn sum_of_squares(x: &[f32]) -> f64 {
    scalar::sum_of_squares(x)
}

/// `max |x|`; 0 for an empty slice.
pub fn abs_max(x: &[f32]) -> f32 {
    scalar::abs_max(x)
}

/// `out = clamp(round_half_even(w / scale), -quant_max, quant_max) * scale`.
pub fn fake_quantize(w: &[f32], scale: f32, quant_max: f32, out: &mut [f32]) {
    scalar::fake_quantize(w, scale, quant_max, out);
}

/// `w = limit tanh(w / limit)` in place.
pub fn tanh_soft_clip(w: &mut [f32], limit: f32) {
    scalar::tanh_soft_clip(w, limit);
}

/// One step of AdamW with decoupled weight decay (Loshchilov and Hutter, arXiv 1711.05101).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AdamW {
    /// Learning rate.
    pub lr: f64,
    /// Decay of the first moment.
    pub beta1: f64,
    /// Decay of the second moment.
    pub beta2: f64,
    /// Added to the root of the second moment.
    pub eps: f64,
    /// Decoupled weight decay.
    pub weight_decay: f64,
    /// Number of this step, from 1.
    pub step: u64,
    /// Factor on the gradient: that of the norm clipping, 1 without.
    pub gradient_scale: f32,
}

impl AdamW {
    /// Updates weights `w` and moments `m`, `v` by the gradient `g`. All of one length.
    pub fn update(&self, w: &mut [f32], g: &[f32], m: &mut [f32], v: &mut [f32]) {
        scalar::adam_w(self, w, g, m, v);
    }
}
