//! FP4 activations over a measured range (FLIQS, arXiv 2308.03290).

use super::measured::Measured;
use super::{ActivationScheme, Reach};
use crate::kernels::minifloat::E2M1;
use crate::quant::format::Format;
use crate::registry::{Entry, told};

pub(super) const SCHEME: ActivationScheme = ActivationScheme {
    entry: Entry {
        name: "fp4",
        label: told("FP4"),
        about: told("4-bit floating point over the largest value of the batches so far"),
    },
    format: Format::Float,
    formula: told("s = range / 6, x_q = s e2m1(x / s)"),
    source: told("arXiv 2308.03290"),
    bits: &[4],
    reach: Reach::Measured,
    build: |request| Some(Box::new(Measured::float(request, E2M1))),
};
