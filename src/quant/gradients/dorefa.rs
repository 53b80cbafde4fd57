//! DoReFa-Net's rule for gradients (arXiv 1606.06160, equation 12): by the largest of an image, with noise of half a step.

use super::{GradientScheme, most};
use crate::Tensor;
use crate::kernels::gradients::{Noise, change, extents};
use crate::quant::format::Format;
use crate::registry::{Entry, told};

pub(super) const SCHEME: GradientScheme = GradientScheme {
    entry: Entry {
        name: "dorefa",
        label: told("DoReFa"),
        about: told(
            "Equally spaced levels up to each image's largest gradient, up or down by chance; without a 0",
        ),
    },
    format: Format::Integer,
    formula: told(
        "g_q = 2 m (round((2^b - 1) (g / 2m + 1/2 + N)) / (2^b - 1) - 1/2), m = max|g| of an image, N = noise / (2^b - 1)",
    ),
    source: told("arXiv 1606.06160, equation 12"),
    bits: &[2, 3, 4, 5, 6, 7, 8],
    round: Some(round),
    levels: None,
};

fn round(bits: u8, dy: &mut Tensor, noise: Noise) {
    let most = most(bits);
    let table: Vec<f32> = extents(dy).into_iter().map(|extent| 2.0 * extent.abs_max()).collect();
    change(dy, noise, &table, move |x, noise, range| {
        let level = ((x / range + 0.5) * most + noise).floor();
        let level = if level > most { most } else { level };
        // An image whose gradients are all 0 has no levels.
        if range > 0.0 { (level / most - 0.5) * range } else { 0.0 }
    });
}
