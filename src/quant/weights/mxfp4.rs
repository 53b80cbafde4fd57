//! Microscaled e2m1 numbers.

use super::microscaled::{BLOCK, Microscaled};
use super::{Format, Scheme, Shared};
use crate::kernels::minifloat::E2M1;
use crate::registry::{Entry, told};

pub(super) const SCHEME: Scheme = Scheme {
    entry: Entry {
        name: "mxfp4",
        label: told("MXFP4"),
        about: told("4-bit floating point, 32 weights with a power of two as their scale"),
    },
    format: Format::Float,
    formula: told("s = 2^(floor(log2 max|W|) - 2) for 32 weights, W_q = s e2m1(W / s)"),
    source: told("OCP microscaling formats 1.0; arXiv 2505.14669"),
    bits: &[4],
    sharing: Shared::Fixed(BLOCK),
    build: |request| Some(Box::new(Microscaled::new(E2M1, request))),
};
