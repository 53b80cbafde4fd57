//! The sign of each weight, times the mean magnitude (XNOR-Net, arXiv 1603.05279, equations 5 and 6, section 3.1).

use super::{Format, Grid, Known, Quantizer, Scheme, Shared, mean_magnitudes};
use crate::kernels::blocks::Blocks;
use crate::registry::{Entry, told};

pub(super) const SCHEME: Scheme = Scheme {
    entry: Entry {
        name: "binary",
        label: told("Binary"),
        about: told("One bit: the sign, times the mean magnitude"),
    },
    format: Format::Custom,
    formula: told("W_q = sign(W) mean|W|, sign(0) = 1"),
    source: told("arXiv 1603.05279"),
    bits: &[1],
    sharing: Shared::WithinTensor,
    build: |request| Some(Box::new(Binary { blocks: request.blocks, scales: Vec::new() })),
};

struct Binary {
    blocks: Blocks,
    /// One a block.
    scales: Vec<f32>,
}

impl Quantizer for Binary {
    fn fit(&mut self, w: &[f32], _known: &Known) {
        self.scales = mean_magnitudes(self.blocks, w);
    }

    fn quantize(&self, w: &[f32], out: &mut [f32]) {
        self.blocks.map(w, &self.scales, out, |w, scale| if w >= 0.0 { scale } else { -scale });
    }

    fn grid(&self) -> Grid {
        Grid::table(self.blocks, vec![-1.0, 1.0], self.scales.clone())
    }

    /// `dW = dW_q (1 / n + mean|W| [|W| <= 1])`, n the weights of a block (section 3.1): the gradient of a weight alone,
    /// straight through its sign.
    fn backward(&mut self, w: &[f32], dw: &mut [f32]) {
        let table = self.scales.iter().enumerate();
        let table: Vec<_> =
            table.map(|(block, scale)| (*scale, 1.0 / self.blocks.len(block) as f32)).collect();
        self.blocks.change(w, &table, dw, |w, (scale, share), dw| {
            dw * (share + if w.abs() <= 1.0 { scale } else { 0.0 })
        });
    }
}
