//! Ternary weights, scaled by the mean magnitude (BitNet b1.58).

use super::ternary::Ternary;
use super::{Format, Scheme, Shared, mean_magnitudes};
use crate::registry::{Entry, told};

pub(super) const SCHEME: Scheme = Scheme {
    entry: Entry {
        name: "ternary_mean",
        label: told("Ternary (mean)"),
        about: told("-1, 0 and 1 times the mean magnitude"),
    },
    format: Format::Custom,
    formula: told("g = mean|W|, W_q = g clamp(round(W / (g + 1e-5)), -1, 1)"),
    source: told("arXiv 2402.17764, equations 1 to 3"),
    bits: &[2],
    sharing: Shared::WithinTensor,
    build: |request| Some(Box::new(Ternary::new(request, mean_magnitudes))),
};
