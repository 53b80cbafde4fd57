//! Equally spaced levels over a measured range (arXiv 1806.08342, section 2). Values are never negative: the zero point
//! is 0.

use super::measured::Measured;
use super::{ActivationScheme, Reach, most};
use crate::kernels::rounding::Rounding;
use crate::quant::format::Format;
use crate::registry::{Entry, told};

pub(super) const SCHEME: ActivationScheme = ActivationScheme {
    entry: Entry {
        name: "affine",
        label: told("Affine"),
        about: told("Equally spaced levels from 0 to the largest value of the batches so far"),
    },
    format: Format::Integer,
    formula: told("s = range / (2^b - 1), x_q = s clamp(round(x / s), 0, 2^b - 1)"),
    source: told("arXiv 1806.08342"),
    bits: &[2, 3, 4, 5, 6, 7, 8],
    reach: Reach::Measured,
    build: |request| {
        let most = most(request.bits);
        Some(Box::new(Measured::new(request, move |range| Rounding::Uniform { scale: range / most, most })))
    },
};
