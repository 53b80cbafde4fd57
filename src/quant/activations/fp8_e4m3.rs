//! FP8 E4M3 activations over a measured range (FLIQS, arXiv 2308.03290).

use super::measured::Measured;
use super::{ActivationScheme, Reach};
use crate::kernels::minifloat::E4M3;
use crate::quant::format::Format;
use crate::registry::{Entry, told};

pub(super) const SCHEME: ActivationScheme = ActivationScheme {
    entry: Entry {
        name: "fp8_e4m3",
        label: told("FP8 E4M3"),
        about: told("8-bit floating point over the largest value of the batches so far"),
    },
    format: Format::Float,
    formula: told("s = range / 448, x_q = s e4m3(x / s)"),
    source: told("arXiv 2308.03290"),
    bits: &[8],
    reach: Reach::Measured,
    build: |request| Some(Box::new(Measured::float(request, E4M3))),
};
