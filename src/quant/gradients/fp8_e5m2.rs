//! 8-bit floating-point gradients, e5m2 (arXiv 2209.05433): the largest of a batch becomes the format's largest number.

use super::GradientScheme;
use crate::Tensor;
use crate::kernels::blocks::Extent;
use crate::kernels::gradients::{Noise, change, extents};
use crate::kernels::minifloat::E5M2;
use crate::quant::format::Format;
use crate::registry::{Entry, told};

pub(super) const SCHEME: GradientScheme = GradientScheme {
    entry: Entry {
        name: "fp8_e5m2",
        label: told("FP8 E5M2"),
        about: told("5 bits of exponent and 2 of mantissa, to the nearest number"),
    },
    format: Format::Float,
    formula: told("s = max|g| / 57344, g_q = s e5m2(g / s)"),
    source: told("arXiv 2209.05433"),
    bits: &[8],
    round: Some(round),
    levels: None,
};

fn round(_bits: u8, dy: &mut Tensor, noise: Noise) {
    let largest = extents(dy).into_iter().fold(Extent::NOTHING, Extent::join).abs_max();
    let scale = largest / E5M2.largest;
    if scale > 0.0 {
        let table = vec![scale; dy.n()];
        change(dy, noise, &table, |x, _, scale| E5M2.round(x / scale) * scale);
    }
}
