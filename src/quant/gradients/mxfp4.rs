//! 4-bit floating-point gradients with a scale for 32 channels, rounded by chance (arXiv 2502.20586; the backward pass of
//! the first version of Quartet, arXiv 2505.14669, without its Hadamard transform).

use super::GradientScheme;
use crate::Tensor;
use crate::kernels::gradients::{Noise, microscaled};
use crate::kernels::minifloat::E2M1;
use crate::quant::format::Format;
use crate::registry::{Entry, told};

pub(super) const SCHEME: GradientScheme = GradientScheme {
    entry: Entry {
        name: "mxfp4",
        label: told("MXFP4"),
        about: told("FP4 with a power of two for 32 channels, up or down by chance"),
    },
    format: Format::Float,
    formula: told(
        "s = 2^(floor(log2 max|g|) - 2) of 32 channels, g_q = 4/3 s e2m1(3/4 g / s, up or down by chance)",
    ),
    source: told("arXiv 2502.20586, section 3; OCP microscaling formats 1.0"),
    bits: &[4],
    round: Some(|_, dy: &mut Tensor, noise: Noise| microscaled(dy, noise, E2M1)),
    levels: None,
};
