//! Affine uniform quantization: a scale and a zero point, so that an uneven range wastes no levels (arXiv 1806.08342,
//! section 2.1).

use super::{Format, Grid, Known, Quantizer, Request, Scheme, Shared};
use crate::kernels::blocks::{Blocks, Extent};
use crate::registry::{Entry, told};

pub(super) const SCHEME: Scheme = Scheme {
    entry: Entry {
        name: "affine",
        label: told("Affine"),
        about: told("Uniform grid from the smallest to the largest weight, with a zero point"),
    },
    format: Format::Integer,
    formula: told(
        "s = (max - min) / (2^b - 1), z = round(-min / s), W_q = s (clamp(round(W / s) + z, 0, 2^b - 1) - z)",
    ),
    source: told("arXiv 1806.08342, equations 1 to 4"),
    bits: &[2, 3, 4, 5, 6, 7, 8],
    sharing: Shared::Any,
    build: |request| Some(Box::new(Affine::new(request))),
};

/// Levels `0..=2^bits - 1`; the range is widened to hold 0, which is a level.
struct Affine {
    max_level: f32,
    blocks: Blocks,
    /// Scale and zero point of each block.
    grids: Vec<(f32, f32)>,
}

impl Affine {
    fn new(request: &Request) -> Self {
        Self { max_level: ((1 << request.bits) - 1) as f32, blocks: request.blocks, grids: Vec::new() }
    }
}

impl Quantizer for Affine {
    fn fit(&mut self, w: &[f32], known: &Known) {
        let extents = known.net.map_or_else(|| self.blocks.extents(w), |net| vec![net]);
        let grid = |extent: Extent| {
            let Extent { min, max } = extent.with(0.0);
            let scale = (max - min) / self.max_level;
            if scale > 0.0 {
                (scale, (-min / scale).round_ties_even().clamp(0.0, self.max_level))
            } else {
                (1.0, 0.0)
            }
        };
        self.grids = extents.into_iter().map(grid).collect();
    }

    fn quantize(&self, w: &[f32], out: &mut [f32]) {
        let max = self.max_level;
        self.blocks.map(w, &self.grids, out, move |w, (scale, zero_point)| {
            let level = (w / scale).round_ties_even() + zero_point;
            let level = if level > max { max } else { level };
            let level = if level < 0.0 { 0.0 } else { level };
            (level - zero_point) * scale
        });
    }

    fn grid(&self) -> Grid {
        let (scales, zero_points) = self.grids.iter().copied().unzip();
        Grid::uniform(self.blocks, [0, self.max_level as i32], scales, zero_points)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::blocks::Granularity;

    fn quantized(w: &[f32], bits: u8) -> (Vec<f32>, Grid) {
        let blocks = Blocks::new(w.len(), 1, Granularity::Tensor);
        let mut quantizer = Affine::new(&Request { bits, blocks });
        quantizer.fit(w, &Known::default());
        let mut out = vec![0.0; w.len()];
        quantizer.quantize(w, &mut out);
        (out, quantizer.grid())
    }

    #[test]
    fn a_one_sided_tensor_uses_all_levels_and_zero_stays_zero() {
        let (out, grid) = quantized(&[1.0, 2.0, 3.0, 15.0], 4);
        assert_eq!(out, [1.0, 2.0, 3.0, 15.0]);
        assert_eq!((grid.levels.len(), grid.scales[0], grid.zero_points[0]), (16, 1.0, 0.0));
        let (out, grid) = quantized(&[-15.0, 0.0], 4);
        assert_eq!((out, grid.zero_points[0]), (vec![-15.0, 0.0], 15.0));
    }

    #[test]
    fn an_empty_range_keeps_a_grid() {
        let (out, grid) = quantized(&[0.0; 3], 4);
        assert_eq!((out, grid.scales[0], grid.zero_points[0]), (vec![0.0; 3], 1.0, 0.0));
    }
}
