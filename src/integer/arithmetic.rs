//! What integers become: requantisation, convolution, skip sums and pooling, each as the plainest loop.

use super::{IntegerWeights, Span, Value};
use crate::tensor::Shape;

/// Multiplication by a real number: `(x * multiplier + 2^(shift - 1)) >> shift`, rounded once, halves up (as CMSIS-NN
/// with single rounding).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Requantize {
    /// 2^30 to 2^31 in magnitude, or 0.
    pub multiplier: i32,
    /// 1 to 62.
    pub shift: u32,
}

/// Bits of a multiplier below its sign.
const MULTIPLIER_BITS: i32 = 31;

impl Requantize {
    /// By `factor`, of a magnitude below 2^30; one too small to matter is 0.
    ///
    /// # Panics
    /// For a factor that is larger, or not finite.
    pub fn by(factor: f64) -> Self {
        assert!(factor.abs() < f64::from(1 << 30), "factor {factor}");
        let mut shift = MULTIPLIER_BITS;
        let mut scaled = factor;
        while scaled != 0.0 && scaled.abs() < 0.5 && shift < 62 {
            scaled *= 2.0;
            shift += 1;
        }
        while scaled.abs() >= 1.0 {
            scaled /= 2.0;
            shift -= 1;
        }
        let limit = f64::from(i32::MAX);
        let multiplier = (scaled * (limit + 1.0)).round().clamp(-limit, limit) as i32;
        Self { multiplier, shift: shift as u32 }
    }

    /// The product, rounded, within 32 bits.
    pub fn apply(self, x: i32) -> i32 {
        let product = i64::from(x) * i64::from(self.multiplier);
        let rounded = (product + (1 << (self.shift - 1))) >> self.shift;
        rounded.clamp(i32::MIN.into(), i32::MAX.into()) as i32
    }
}

/// `bias + sum of w (q - zero)` over the window of each pixel, requantized.
pub fn convolve(
    weights: &IntegerWeights,
    bias: &[i32],
    stride: usize,
    requantize: &[Requantize],
    (x, from): (&[i32], &Value),
    to: &Value,
) -> Vec<i32> {
    let ([h, w, c], [to_h, to_w, outputs]) = (from.shape, to.shape);
    let (size, pad) = (weights.size, weights.size / 2);
    let mut y = Vec::with_capacity(to_h * to_w * outputs);
    for row in 0..to_h {
        for column in 0..to_w {
            for output in 0..outputs {
                let mut sum = bias[output];
                for kh in 0..size {
                    for kw in 0..size {
                        // From the corner of the padding.
                        let (at_h, at_w) = (row * stride + kh, column * stride + kw);
                        if at_h < pad || at_w < pad || at_h - pad >= h || at_w - pad >= w {
                            continue;
                        }
                        let pixel = &x[((at_h - pad) * w + at_w - pad) * c..][..c];
                        let taps = &weights.values[((output * size + kh) * size + kw) * c..][..c];
                        for (q, weight) in pixel.iter().zip(taps) {
                            sum += i32::from(*weight) * (q - from.span.zero);
                        }
                    }
                }
                y.push(to.span.bound(requantize[output].apply(sum)));
            }
        }
    }
    y
}

/// `(sum of factor (q - zero)) / 2^shift`, rounded, halves up; of each input its integers, its zero and its factor.
pub fn add(inputs: &[(&[i32], i32, i32)], shift: u32, span: Span) -> Vec<i32> {
    let sum = |i: usize| inputs.iter().map(|(x, zero, factor)| (x[i] - zero) * factor).sum::<i32>();
    (0..inputs[0].0.len()).map(|i| span.bound((sum(i) + (1 << (shift - 1))) >> shift)).collect()
}

/// The largest of 2 x 2 pixels; of an odd size the last row or column is left out.
pub fn largest(x: &[i32], [h, w, c]: Shape) -> Vec<i32> {
    let at = |row: usize, column: usize, channel: usize| x[(row * w + column) * c + channel];
    let mut y = Vec::with_capacity(h / 2 * (w / 2) * c);
    for row in 0..h / 2 {
        for column in 0..w / 2 {
            for channel in 0..c {
                let corners = [(0, 0), (0, 1), (1, 0), (1, 1)];
                let values = corners.map(|(dh, dw)| at(2 * row + dh, 2 * column + dw, channel));
                y.push(values.into_iter().max().expect("four corners"));
            }
        }
    }
    y
}

/// The sum of `q - zero` over all pixels, requantized: the division is in the factor.
pub fn means(x: &[i32], from: &Value, requantize: Requantize, span: Span) -> Vec<i32> {
    let c = from.shape[2];
    let sum = |channel: usize| x.iter().skip(channel).step_by(c).map(|q| q - from.span.zero).sum::<i32>();
    (0..c).map(|channel| span.bound(requantize.apply(sum(channel)))).collect()
}

/// From (H, W, C) to (C, H, W).
pub fn flatten(x: &[i32], [h, w, c]: Shape) -> Vec<i32> {
    (0..c).flat_map(|channel| (0..h * w).map(move |pixel| x[pixel * c + channel])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn halves_go_up_and_factors_of_a_power_of_two_are_exact() {
        let half = Requantize::by(0.5);
        assert_eq!([-3, -1, 1, 3, 4].map(|x| half.apply(x)), [-1, 0, 1, 2, 2]);
        assert_eq!([Requantize::by(1.0).apply(7), Requantize::by(-4.0).apply(7)], [7, -28]);
        assert_eq!(Requantize::by(0.0).apply(i32::MAX), 0);
        assert_eq!(Requantize::by(1e-30).apply(i32::MAX), 0);
        assert_eq!(Requantize::by(1e6).apply(i32::MAX), i32::MAX);
    }

    #[test]
    fn a_sum_of_two_scales_and_the_mean_of_four_pixels() {
        let span = Span { scale: 1.0, zero: -128, least: -128, most: 127 };
        // 3 * 1.5 + 5 * 0.25 = 5.75, and one beyond the end.
        assert_eq!(add(&[(&[4, 200], 1, 6), (&[5, 200], 0, 1)], 2, span), [-122, 127]);
        let from = Value { name: String::new(), shape: [2, 2, 2], span: Span { zero: 1, ..span } };
        let quarter = Requantize::by(0.25);
        assert_eq!(means(&[2, 0, 3, 0, 4, 0, 6, 0], &from, quarter, Span { zero: 0, ..span }), [3, -1]);
        assert_eq!(largest(&[2, 0, 3, -4, 4, 0, 6, 0], [2, 2, 2]), [6, 0]);
        assert_eq!(flatten(&[1, 2, 3, 4], [2, 1, 2]), [1, 3, 2, 4]);
    }

    proptest! {
        /// Half a step of rounding, and the multiplier's own: 2^-31 of the product.
        #[test]
        fn requantisation_is_within_half_a_step(x: i32, factor in -2.0f64..2.0, scale in 0i32..40) {
            let factor = factor * 2.0f64.powi(-scale);
            let exact = f64::from(x) * factor;
            let found = f64::from(Requantize::by(factor).apply(x));
            prop_assert!((found - exact.clamp(f64::from(i32::MIN), f64::from(i32::MAX))).abs() <= 0.5 + exact.abs() * 2.0f64.powi(-30));
        }
    }
}
