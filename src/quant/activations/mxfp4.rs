//! Microscaled 4-bit activations: nothing is measured, since every block brings its scale (OCP microscaling formats 1.0).

use super::{ActivationQuantizer, ActivationScheme, Reach};
use crate::kernels::minifloat::E2M1;
use crate::kernels::rounding::{Keep, Rounding};
use crate::quant::format::Format;
use crate::registry::{Entry, told};

pub(super) const SCHEME: ActivationScheme = ActivationScheme {
    entry: Entry {
        name: "mxfp4",
        label: told("MXFP4"),
        about: told("4-bit floating point, 32 channels of a pixel with a power of two as their scale"),
    },
    format: Format::Float,
    formula: told("s = 2^(floor(log2 max x) - 2) for 32 channels, x_q = s e2m1(x / s)"),
    source: told("OCP microscaling formats 1.0; arXiv 2505.14669"),
    bits: &[4],
    reach: Reach::Given,
    build: |_| Some(Box::new(Mxfp4)),
};

struct Mxfp4;

impl ActivationQuantizer for Mxfp4 {
    fn rounding(&self, _training: bool) -> Option<Rounding> {
        Some(Rounding::Microscaled { format: E2M1 })
    }

    fn keep(&self) -> Keep {
        Keep::Nothing
    }
}
