//! Symmetric uniform quantization with scales from the largest weights (arXiv 2603.13931, section 3; arXiv 1806.08342,
//! section 2.2).

use super::{Format, Grid, Known, Quantizer, Request, Scheme, Shared, abs_max};
use crate::kernels::blocks::Blocks;
use crate::registry::{Entry, told};

/// Keeps the scale of an all-zero block above zero.
const SCALE_EPSILON: f32 = 1e-8;

pub(super) const SCHEME: Scheme = Scheme {
    entry: Entry {
        name: "symmetric",
        label: told("Symmetric"),
        about: told("Symmetric uniform grid, scaled to the largest weight"),
    },
    format: Format::Integer,
    formula: told("s = (max|W| + 1e-8) / q, W_q = s clamp(round(W / s), -q, q), q = 2^(b-1) - 1"),
    source: told("arXiv 2603.13931"),
    bits: &[2, 3, 4, 5, 6, 7, 8],
    sharing: Shared::Any,
    build: |request| Some(Box::new(Symmetric::new(request))),
};

/// `s = (max|W| + 1e-8) / q`, `W_q = s clamp(round_half_even(W / s), -q, q)` with `q = 2^(bits-1) - 1`.
struct Symmetric {
    max_level: i32,
    blocks: Blocks,
    /// One a block.
    scales: Vec<f32>,
}

impl Symmetric {
    fn new(request: &Request) -> Self {
        Self { max_level: (1 << (request.bits - 1)) - 1, blocks: request.blocks, scales: Vec::new() }
    }
}

impl Quantizer for Symmetric {
    fn fit(&mut self, w: &[f32], known: &Known) {
        let largest = abs_max(self.blocks, w, known);
        let scale = |abs_max: f32| (abs_max + SCALE_EPSILON) / self.max_level as f32;
        self.scales = largest.into_iter().map(scale).collect();
    }

    fn quantize(&self, w: &[f32], out: &mut [f32]) {
        let max = self.max_level as f32;
        self.blocks.round(w, &self.scales, [-max, max], out);
    }

    fn grid(&self) -> Grid {
        Grid::uniform(self.blocks, [-self.max_level, self.max_level], self.scales.clone(), Vec::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::blocks::Granularity;
    use proptest::prelude::*;

    fn fitted(w: &[f32], bits: u8) -> Symmetric {
        let blocks = Blocks::new(w.len(), 1, Granularity::Tensor);
        let mut quantizer = Symmetric::new(&Request { bits, blocks });
        quantizer.fit(w, &Known::default());
        quantizer
    }

    #[test]
    fn four_bits_have_fifteen_levels_and_round_half_to_even() {
        // Scale 1 up to the epsilon: the largest weight is 7.
        let w = [-7.0, -6.5, -0.5, 0.0, 0.5, 1.5, 2.5, 3.49, 7.0];
        let mut out = [0.0; 9];
        fitted(&w, 4).quantize(&w, &mut out);
        assert_eq!(out, [-7.0, -6.0, 0.0, 0.0, 0.0, 2.0, 2.0, 3.0, 7.0]);
        let levels = |bits| fitted(&w, bits).grid().levels;
        assert_eq!(levels(2), [-1.0, 0.0, 1.0]);
        assert_eq!((levels(4).len(), levels(8).len()), (15, 255));
    }

    #[test]
    fn straight_through_passes_the_gradient_unmasked() {
        let w = [-9.0, 0.1, 9.0];
        let mut dw = [1.0, -2.0, 3.0];
        fitted(&w, 4).backward(&w, &mut dw);
        assert_eq!(dw, [1.0, -2.0, 3.0]);
    }

    proptest! {
        #[test]
        fn values_lie_on_the_grid_within_half_a_step(
            w in proptest::collection::vec(-3.0f32..3.0, 1..200), bits in 2u8..=8,
        ) {
            let quantizer = fitted(&w, bits);
            let mut out = vec![0.0; w.len()];
            quantizer.quantize(&w, &mut out);
            let encoded = quantizer.grid().encode(&out);
            prop_assert_eq!(encoded.decode(), out.clone());
            let absmax = crate::kernels::weights::abs_max(&w);
            for (x, q) in w.iter().zip(&out) {
                // Half a step, and the rounding of the division and the product.
                prop_assert!((x - q).abs() <= quantizer.scales[0] * 0.5 + absmax * 4.0 * f32::EPSILON);
            }
        }
    }
}
