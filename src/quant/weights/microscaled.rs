//! Blocks of 32 weights of an output channel with a power of two as their scale (OCP microscaling formats 1.0,
//! section 6.3).

use super::{Grid, Known, Quantizer, Request};
use crate::kernels::blocks::Blocks;
use crate::kernels::minifloat::Minifloat;

/// Weights of a block.
pub(super) const BLOCK: usize = 32;

/// Bits of a scale: an exponent alone.
const SCALE_BITS: usize = 8;

/// `s = 2^(floor(log2 max|W|) - e)` with `e` the exponent of the format's largest number, `W_q = s round(W / s)`.
pub(super) struct Microscaled {
    format: Minifloat,
    blocks: Blocks,
    /// One a block.
    scales: Vec<f32>,
}

impl Microscaled {
    pub fn new(format: Minifloat, request: &Request) -> Self {
        Self { format, blocks: request.blocks, scales: Vec::new() }
    }
}

impl Quantizer for Microscaled {
    fn fit(&mut self, w: &[f32], _known: &Known) {
        let scale = |abs_max: f32| self.format.block_scale(abs_max);
        self.scales = self.blocks.extents(w).into_iter().map(|extent| scale(extent.abs_max())).collect();
    }

    fn quantize(&self, w: &[f32], out: &mut [f32]) {
        let format = self.format;
        self.blocks.map(w, &self.scales, out, move |w, scale| format.round(w / scale) * scale);
    }

    fn grid(&self) -> Grid {
        Grid::table(self.blocks, self.format.values(), self.scales.clone())
            .costing(SCALE_BITS * self.scales.len())
    }
}
