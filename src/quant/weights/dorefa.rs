//! Weights through tanh onto equally spaced levels of -1 to 1 (DoReFa-Net, arXiv 1606.06160, equations 8 and 9).

use super::{Format, Grid, Known, Quantizer, Request, Scheme, Shared, abs_max, mean_magnitudes};
use crate::kernels::blocks::Blocks;
use crate::kernels::weights::tanh;
use crate::registry::{Entry, told};

pub(super) const SCHEME: Scheme = Scheme {
    entry: Entry {
        name: "dorefa",
        label: told("DoReFa"),
        about: told("Through tanh onto equally spaced levels of -1 to 1, none of them 0"),
    },
    format: Format::Integer,
    formula: told(
        "t = tanh(W) / (2 max|tanh(W)|) + 1/2, W_q = 2 round((2^b - 1) t) / (2^b - 1) - 1; 1 bit: sign(W) mean|W|",
    ),
    source: told("arXiv 1606.06160, equations 8 and 9"),
    bits: &[1, 2, 3, 4, 5, 6, 7, 8],
    sharing: Shared::WithinTensor,
    build: |request| Some(Box::new(Dorefa::new(request))),
};

struct Dorefa {
    /// 2^b - 1.
    steps: f32,
    blocks: Blocks,
    /// max |tanh W| of each block; of one bit mean |W|.
    sizes: Vec<f32>,
}

impl Dorefa {
    fn new(request: &Request) -> Self {
        Self { steps: ((1 << request.bits) - 1) as f32, blocks: request.blocks, sizes: Vec::new() }
    }

    fn is_binary(&self) -> bool {
        self.steps == 1.0
    }
}

impl Quantizer for Dorefa {
    fn fit(&mut self, w: &[f32], known: &Known) {
        self.sizes = if self.is_binary() {
            mean_magnitudes(self.blocks, w)
        } else {
            // tanh grows with its argument. Of an all-zero block any size will do.
            let size = |abs_max: f32| if abs_max > 0.0 { tanh(abs_max) } else { 1.0 };
            abs_max(self.blocks, w, known).into_iter().map(size).collect()
        };
    }

    fn quantize(&self, w: &[f32], out: &mut [f32]) {
        let steps = self.steps;
        if self.is_binary() {
            self.blocks.map(w, &self.sizes, out, |w, size| if w >= 0.0 { size } else { -size });
        } else {
            self.blocks.map(w, &self.sizes, out, move |w, size| {
                let level = (steps * (tanh(w) / (2.0 * size) + 0.5)).round_ties_even();
                2.0 * (level / steps) - 1.0
            });
        }
    }

    fn grid(&self) -> Grid {
        if self.is_binary() {
            return Grid::table(self.blocks, vec![-1.0, 1.0], self.sizes.clone());
        }
        // The same levels in every block: what differs is where they divide the weights.
        let levels = (0..=self.steps as u32).map(|level| 2.0 * (level as f32 / self.steps) - 1.0).collect();
        Grid::table(self.blocks, levels, vec![1.0; self.blocks.count()]).costing(0)
    }

    /// Straight through the rounding; the derivative of tanh / max|tanh| with its maximum held constant.
    fn backward(&mut self, w: &[f32], dw: &mut [f32]) {
        if !self.is_binary() {
            self.blocks.change(w, &self.sizes, dw, |w, size, dw| {
                let t = tanh(w);
                dw * (1.0 - t * t) / size
            });
        }
    }
}
