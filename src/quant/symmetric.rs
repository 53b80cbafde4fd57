//! Symmetric uniform quantization with a scale from the largest weight (arXiv 2603.13931, section 3).

use super::Quantizer;
use crate::kernels::weights;

/// Keeps the scale of an all-zero tensor above zero.
const SCALE_EPSILON: f32 = 1e-8;

/// `s = (max|W| + 1e-8) / q`, `W_q = s clamp(round_half_even(W / s), -q, q)` with `q = 2^(bits-1) - 1`.
pub struct Symmetric;

impl Symmetric {
    fn max_level(bits: u8) -> i32 {
        (1 << (bits - 1)) - 1
    }
}

impl Quantizer for Symmetric {
    fn quant_max(&self, bits: u8) -> Option<i32> {
        Some(Self::max_level(bits))
    }

    fn scale(&self, absmax: f32, bits: u8) -> f32 {
        (absmax + SCALE_EPSILON) / Self::max_level(bits) as f32
    }

    fn fake_quantize(&self, w: &[f32], scale: f32, bits: u8, out: &mut [f32]) {
        weights::fake_quantize(w, scale, Self::max_level(bits) as f32, out);
    }

    fn level(&self, w: f32, scale: f32, bits: u8) -> i32 {
        let max = Self::max_level(bits);
        ((w / scale).round_ties_even() as i32).clamp(-max, max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn four_bits_have_fifteen_levels_and_round_half_to_even() {
        // Scale 1 up to the epsilon: the largest weight is 7.
        let w = [-7.0, -6.5, -0.5, 0.0, 0.5, 1.5, 2.5, 3.49, 7.0];
        let mut out = [0.0; 9];
        Symmetric.fake_quantize(&w, 1.0, 4, &mut out);
        assert_eq!(out, [-7.0, -6.0, 0.0, 0.0, 0.0, 2.0, 2.0, 3.0, 7.0]);
        assert_eq!(Symmetric.quant_max(4), Some(7));
        assert_eq!(Symmetric.quant_max(2), Some(1));
        assert_eq!(Symmetric.quant_max(8), Some(127));
    }

    #[test]
    fn straight_through_passes_the_gradient_unmasked() {
        let w = [-9.0, 0.1, 9.0];
        let mut dw = [1.0, -2.0, 3.0];
        Symmetric.backward(&w, &mut dw);
        assert_eq!(dw, [1.0, -2.0, 3.0]);
    }

    proptest! {
        #[test]
        fn values_lie_on_the_grid_within_half_a_step(
            w in proptest::collection::vec(-3.0f32..3.0, 1..200), bits in 2u8..=8,
        ) {
            let absmax = w.iter().fold(0.0f32, |m, x| m.max(x.abs()));
            let scale = Symmetric.scale(absmax, bits);
            let mut out = vec![0.0; w.len()];
            Symmetric.fake_quantize(&w, scale, bits, &mut out);
            for (x, q) in w.iter().zip(&out) {
                prop_assert_eq!(*q, Symmetric.level(*x, scale, bits) as f32 * scale);
                // Half a step, and the rounding of the division and the product.
                prop_assert!((x - q).abs() <= scale * 0.5 + absmax * 4.0 * f32::EPSILON);
            }
        }
    }
}
