//! e4m3 numbers with a scale.

use super::float::Float;
use super::{Format, Scheme, Shared};
use crate::kernels::minifloat::E4M3;
use crate::registry::{Entry, told};

pub(super) const SCHEME: Scheme = Scheme {
    entry: Entry {
        name: "fp8_e4m3",
        label: told("FP8 E4M3"),
        about: told("8-bit floating point with 4 bits of exponent"),
    },
    format: Format::Float,
    formula: told("s = max|W| / 448, W_q = s e4m3(W / s)"),
    source: told("arXiv 2308.03290"),
    bits: &[8],
    sharing: Shared::Any,
    build: |request| Some(Box::new(Float::new(E4M3, request))),
};
