//! e5m2 numbers with a scale.

use super::float::Float;
use super::{Format, Scheme, Shared};
use crate::kernels::minifloat::E5M2;
use crate::registry::{Entry, told};

pub(super) const SCHEME: Scheme = Scheme {
    entry: Entry {
        name: "fp8_e5m2",
        label: told("FP8 E5M2"),
        about: told("8-bit floating point with 5 bits of exponent"),
    },
    format: Format::Float,
    formula: told("s = max|W| / 57344, W_q = s e5m2(W / s)"),
    source: told("arXiv 2308.03290"),
    bits: &[8],
    sharing: Shared::Any,
    build: |request| Some(Box::new(Float::new(E5M2, request))),
};
