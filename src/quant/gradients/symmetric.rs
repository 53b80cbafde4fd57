//! Equally spaced levels up to the largest magnitude of a batch, rounded by chance (arXiv 1806.08342, section 2.2, for the
//! levels). Without a zero point they are integers as they are, which products of integers take.

use super::GradientScheme;
use crate::Tensor;
use crate::kernels::gradients::{self, Noise, extents};
use crate::quant::format::Format;
use crate::registry::{Entry, told};

pub(super) const SCHEME: GradientScheme = GradientScheme {
    entry: Entry {
        name: "symmetric",
        label: told("Symmetric"),
        about: told("Equally spaced levels up to a batch's largest gradient, up or down by chance"),
    },
    format: Format::Integer,
    formula: told(
        "s = max|g| / q, g_q = s round(clamp(g / s + u, -q, q)), q = 2^(b-1) - 1, u uniform in (-1/2, 1/2)",
    ),
    source: told("arXiv 1806.08342, section 2.2"),
    bits: &[4, 8],
    round: Some(round),
    levels: Some(levels),
};

/// The step of a batch with that largest magnitude, and the highest level. Gradients so small that the step would be
/// subnormal have none: all are 0.
fn step(bits: u8, largest: f32) -> [f32; 2] {
    let most = ((1u32 << (bits - 1)) - 1) as f32;
    let step = largest / most;
    [if step < f32::MIN_POSITIVE { 0.0 } else { step }, most]
}

fn largest_of(dy: &Tensor) -> f32 {
    extents(dy).into_iter().map(|extent| extent.abs_max()).fold(0.0, f32::max)
}

fn round(bits: u8, dy: &mut Tensor, noise: Noise) {
    let [step, most] = step(bits, largest_of(dy));
    gradients::round_symmetric(dy, noise, step, most);
}

fn levels(bits: u8, dy: &Tensor, largest: Option<f32>, noise: Noise, levels: &mut Tensor<i8>) -> f32 {
    let [step, most] = step(bits, largest.unwrap_or_else(|| largest_of(dy)));
    gradients::levels(dy, noise, step, most, levels);
    step
}
