//! FP8 E4M3 activations.

use super::ActivationScheme;
use super::float::Float;
use crate::kernels::minifloat::E4M3;
use crate::quant::format::Format;
use crate::registry::Entry;

pub(super) const SCHEME: ActivationScheme = ActivationScheme {
    entry: Entry {
        name: "fp8",
        label: "FP8 E4M3",
        about: "8-bit floating point over the largest value of the batches so far",
    },
    format: Format::Float,
    formula: "s = range / 448, x_q = s e4m3(x / s)",
    source: "arXiv 2308.03290",
    check: "ml_dtypes.float8_e4m3fn",
    bits: &[8],
    build: |request| Some(Box::new(Float::new(E4M3, request))),
};
