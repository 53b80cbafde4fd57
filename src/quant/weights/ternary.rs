//! Weights of -1, 0 and 1 times a scale.

use super::{Grid, Known, Quantizer, Request};
use crate::kernels::blocks::Blocks;

/// Keeps the quotient of an all-zero block finite.
const EPSILON: f32 = 1e-5;

/// `W_q = g clamp(round(W / (g + 1e-5)), -1, 1)`, `g` one number a block.
pub(super) struct Ternary {
    blocks: Blocks,
    /// `g` of every block of a tensor.
    middle: fn(Blocks, &[f32]) -> Vec<f32>,
    /// One a block.
    scales: Vec<f32>,
}

impl Ternary {
    pub fn new(request: &Request, middle: fn(Blocks, &[f32]) -> Vec<f32>) -> Self {
        Self { blocks: request.blocks, middle, scales: Vec::new() }
    }
}

impl Quantizer for Ternary {
    fn fit(&mut self, w: &[f32], _known: &Known) {
        self.scales = (self.middle)(self.blocks, w);
    }

    fn quantize(&self, w: &[f32], out: &mut [f32]) {
        self.blocks.map(w, &self.scales, out, |w, scale| {
            let level = (w / (scale + EPSILON)).round_ties_even();
            let level = if level > 1.0 { 1.0 } else { level };
            let level = if level < -1.0 { -1.0 } else { level };
            level * scale
        });
    }

    fn grid(&self) -> Grid {
        Grid::table(self.blocks, vec![-1.0, 0.0, 1.0], self.scales.clone())
    }
}
