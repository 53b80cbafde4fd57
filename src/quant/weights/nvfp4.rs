//! 4-bit floating point with two scales: an 8-bit one for 16 weights and an f32 for the tensor (arXiv 2601.22813).

use super::{Format, Grid, Known, Quantizer, Scheme, Shared, scale_to};
use crate::kernels::blocks::Blocks;
use crate::kernels::grid::F32_BITS;
use crate::kernels::minifloat::{E2M1, E4M3};
use crate::registry::{Entry, told};

/// Weights of a block.
const BLOCK: usize = 16;

/// Bits of a block's scale.
const SCALE_BITS: usize = 8;

pub(super) const SCHEME: Scheme = Scheme {
    entry: Entry {
        name: "nvfp4",
        label: told("NVFP4"),
        about: told("4-bit floating point, 16 weights with an 8-bit scale, and one more scale a tensor"),
    },
    format: Format::Float,
    formula: told("t = max|W| / 2688, s = t e4m3(max|W of 16| / 6t), W_q = s e2m1(W / s)"),
    source: told("arXiv 2601.22813"),
    bits: &[4],
    sharing: Shared::Fixed(BLOCK),
    build: |request| Some(Box::new(Nvfp4 { blocks: request.blocks, scales: Vec::new() })),
};

struct Nvfp4 {
    blocks: Blocks,
    /// Of each block, that of the tensor included; 0 where it is too small for an e4m3.
    scales: Vec<f32>,
}

impl Quantizer for Nvfp4 {
    fn fit(&mut self, w: &[f32], _known: &Known) {
        let largest: Vec<f32> = self.blocks.extents(w).into_iter().map(|extent| extent.abs_max()).collect();
        let of_tensor = scale_to(largest.iter().copied().fold(0.0, f32::max), E2M1.largest * E4M3.largest);
        let scale = |abs_max: f32| E4M3.round(abs_max / (E2M1.largest * of_tensor)) * of_tensor;
        self.scales = largest.into_iter().map(scale).collect();
    }

    fn quantize(&self, w: &[f32], out: &mut [f32]) {
        self.blocks.map(
            w,
            &self.scales,
            out,
            |w, scale| {
                if scale > 0.0 { E2M1.round(w / scale) * scale } else { 0.0 }
            },
        );
    }

    fn grid(&self) -> Grid {
        Grid::table(self.blocks, E2M1.values(), self.scales.clone())
            .costing(SCALE_BITS * self.scales.len() + F32_BITS)
    }
}
