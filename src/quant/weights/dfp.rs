//! Dynamic fixed point: integers with one exponent (arXiv 1802.00930, section 3).

use super::{Format, Grid, Known, Quantizer, Request, Scheme, Shared, abs_max};
use crate::kernels::blocks::Blocks;
use crate::kernels::minifloat::{floor_log2, power_of_two};
use crate::registry::{Entry, told};

pub(super) const SCHEME: Scheme = Scheme {
    entry: Entry {
        name: "dfp",
        label: told("Dynamic fixed point"),
        about: told("Integers times a power of two"),
    },
    format: Format::Integer,
    formula: told("s = 2^(floor(log2 max|W|) - b + 2), W_q = s clamp(round(W / s), -2^(b-1), 2^(b-1) - 1)"),
    source: told("arXiv 1802.00930, section 3"),
    bits: &[8, 12, 16],
    sharing: Shared::Any,
    build: |request| Some(Box::new(Dfp::new(request))),
};

/// Bits of an exponent.
const EXPONENT_BITS: usize = 8;

struct Dfp {
    bits: i32,
    blocks: Blocks,
    /// One a block.
    scales: Vec<f32>,
}

impl Dfp {
    fn new(request: &Request) -> Self {
        Self { bits: request.bits.into(), blocks: request.blocks, scales: Vec::new() }
    }

    /// The lowest and the highest level.
    fn ends(&self) -> [i32; 2] {
        let half = 1 << (self.bits - 1);
        [-half, half - 1]
    }
}

impl Quantizer for Dfp {
    fn fit(&mut self, w: &[f32], known: &Known) {
        let scale = |abs_max: f32| power_of_two((floor_log2(abs_max) - self.bits + 2).max(-126));
        self.scales = abs_max(self.blocks, w, known).into_iter().map(scale).collect();
    }

    fn quantize(&self, w: &[f32], out: &mut [f32]) {
        self.blocks.round(w, &self.scales, self.ends().map(|level| level as f32), out);
    }

    fn grid(&self) -> Grid {
        Grid::uniform(self.blocks, self.ends(), self.scales.clone(), Vec::new())
            .costing(EXPONENT_BITS * self.scales.len())
    }
}
