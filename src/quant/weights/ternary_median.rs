//! Ternary weights, scaled by the median magnitude (BitNet b1.58 Reloaded).

use super::ternary::Ternary;
use super::{Format, Scheme, Shared};
use crate::registry::{Entry, told};

pub(super) const SCHEME: Scheme = Scheme {
    entry: Entry {
        name: "ternary_median",
        label: told("Ternary (median)"),
        about: told("-1, 0 and 1 times the median magnitude"),
    },
    format: Format::Custom,
    formula: told("g = median|W|, W_q = g clamp(round(W / (g + 1e-5)), -1, 1)"),
    source: told("arXiv 2407.09527"),
    bits: &[2],
    sharing: Shared::WithinTensor,
    build: |request| Some(Box::new(Ternary::new(request, |blocks, w| blocks.median_magnitudes(w)))),
};
