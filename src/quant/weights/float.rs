//! Floating-point numbers of a few bits, scaled to the largest weight (FLIQS, arXiv 2308.03290).

use super::{Grid, Known, Quantizer, Request, abs_max, scale_to};
use crate::kernels::blocks::Blocks;
use crate::kernels::minifloat::Minifloat;

/// `s = max|W| / largest`, `W_q = s round(W / s)` to the nearest number of the format.
pub(super) struct Float {
    format: Minifloat,
    blocks: Blocks,
    /// One a block.
    scales: Vec<f32>,
}

impl Float {
    pub fn new(format: Minifloat, request: &Request) -> Self {
        Self { format, blocks: request.blocks, scales: Vec::new() }
    }
}

impl Quantizer for Float {
    fn fit(&mut self, w: &[f32], known: &Known) {
        let largest = abs_max(self.blocks, w, known);
        self.scales = largest.into_iter().map(|abs_max| scale_to(abs_max, self.format.largest)).collect();
    }

    fn quantize(&self, w: &[f32], out: &mut [f32]) {
        let format = self.format;
        self.blocks.map(w, &self.scales, out, move |w, scale| format.round(w / scale) * scale);
    }

    fn grid(&self) -> Grid {
        Grid::table(self.blocks, self.format.values(), self.scales.clone())
    }
}
