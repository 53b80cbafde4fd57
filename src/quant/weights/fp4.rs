//! e2m1 numbers with a scale.

use super::float::Float;
use super::{Format, Scheme, Shared};
use crate::kernels::minifloat::E2M1;
use crate::registry::{Entry, told};

pub(super) const SCHEME: Scheme = Scheme {
    entry: Entry {
        name: "fp4",
        label: told("FP4"),
        about: told("4-bit floating point: levels are denser near 0"),
    },
    format: Format::Float,
    formula: told("s = max|W| / 6, W_q = s e2m1(W / s)"),
    source: told("arXiv 2308.03290"),
    bits: &[4],
    sharing: Shared::Any,
    build: |request| Some(Box::new(Float::new(E2M1, request))),
};
