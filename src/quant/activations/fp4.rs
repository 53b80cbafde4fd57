//! FP4 activations.

use super::ActivationScheme;
use super::float::Float;
use crate::kernels::minifloat::E2M1;
use crate::quant::format::Format;
use crate::registry::Entry;

pub(super) const SCHEME: ActivationScheme = ActivationScheme {
    entry: Entry {
        name: "fp4",
        label: "FP4",
        about: "4-bit floating point over the largest value of the batches so far",
    },
    format: Format::Float,
    formula: "s = range / 6, x_q = s e2m1(x / s)",
    source: "arXiv 2308.03290",
    check: "ml_dtypes.float4_e2m1fn",
    bits: &[4],
    build: |request| Some(Box::new(Float::new(E2M1, request))),
};
