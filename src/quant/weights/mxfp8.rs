//! Microscaled e4m3 numbers.

use super::microscaled::{BLOCK, Microscaled};
use super::{Format, Scheme, Shared};
use crate::kernels::minifloat::E4M3;
use crate::registry::{Entry, told};

pub(super) const SCHEME: Scheme = Scheme {
    entry: Entry {
        name: "mxfp8",
        label: told("MXFP8"),
        about: told("8-bit floating point, 32 weights with a power of two as their scale"),
    },
    format: Format::Float,
    formula: told("s = 2^(floor(log2 max|W|) - 8) for 32 weights, W_q = s e4m3(W / s)"),
    source: told("OCP microscaling formats 1.0; arXiv 2505.14669"),
    bits: &[8],
    sharing: Shared::Fixed(BLOCK),
    build: |request| Some(Box::new(Microscaled::new(E4M3, request))),
};
