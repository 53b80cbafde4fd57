//! Batch normalisation, activation and 2x2 max pooling in one pass: the normalised image is never stored.
//!
//! The first of equal pixels wins, as in [`pool`](crate::kernels::pool). Where the ReLU is closed at the winner it
//! is closed at all four, so choosing before the ReLU gives the same pixel, or none at all.

use super::{Channels, InputGradient, channel_sums};
use crate::Tensor;
use crate::kernels::parallel::{Parts, RowBlocks, RowMap};
use crate::kernels::simd::vectorize;

/// The larger of two, the first of equals; with what belongs to it.
#[inline(always)]
fn larger<T>(a: (f32, T), b: (f32, T)) -> (f32, T) {
    if b.0 > a.0 { b } else { a }
}

/// The four pixels of a window, each a slice of channels, in two rows of pairs.
#[inline(always)]
fn windows<'a>(upper: &'a [f32], lower: &'a [f32], c: usize) -> impl Iterator<Item = [&'a [f32]; 4]> {
    upper.chunks_exact(2 * c).zip(lower.chunks_exact(2 * c)).map(move |(upper, lower)| {
        let ((a, b), (c, d)) = (upper.split_at(c), lower.split_at(c));
        [a, b, c, d]
    })
}

impl Channels {
    /// The first `c` of a tile, which holds at least as many: of one pixel.
    fn pixel(&self, c: usize) -> [&[f32]; 3] {
        [&self.mean[..c], &self.scale[..c], &self.beta[..c]]
    }

    pub(super) fn forward_pooled(&self, x: &Tensor, y: &mut Tensor) {
        let (c, height, floor) = (y.c, y.h, self.floor);
        let [mean, scale, beta] = self.pixel(c);
        let rows = RowMap::new(y);
        let blocks = RowBlocks::new(y);
        let y = Parts::new(y.data_mut());
        blocks.for_each_backwards(|range| {
            vectorize(|| {
                for row in range {
                    // SAFETY: each row is in one item.
                    let y = unsafe { y.slice(rows.range(row)) };
                    let (n, h) = (row / height, row % height * 2);
                    let windows = windows(x.row(n, h), x.row(n, h + 1), c);
                    for ([p, q, r, s], y) in windows.zip(y.chunks_exact_mut(c)) {
                        for i in 0..c {
                            let value = |x: f32| ((x - mean[i]) * scale[i] + beta[i], ());
                            let best = larger(value(p[i]), value(q[i]));
                            let best = larger(best, value(r[i]));
                            let best = larger(best, value(s[i])).0;
                            y[i] = if best < floor { floor } else { best };
                        }
                    }
                }
            });
        });
    }

    /// As [`Channels::sums`], from the winners alone: the others have no gradient.
    pub(super) fn sums_pooled(&self, x: &Tensor, dy: &Tensor) -> [Vec<f64>; 2] {
        let (c, height, floor) = (dy.c, dy.h, self.floor);
        let [mean, scale, beta] = self.pixel(c);
        channel_sums(RowBlocks::new(dy), c, |row, sums, products| {
            let (sums, products) = (&mut sums[..c], &mut products[..c]);
            let (n, h) = (row / height, row % height);
            let windows = windows(x.row(n, 2 * h), x.row(n, 2 * h + 1), c);
            for ([p, q, r, s], dy) in windows.zip(dy.row(n, h).chunks_exact(c)) {
                for i in 0..c {
                    let dy = dy[i];
                    let value = |x: f32| {
                        let centred = x - mean[i];
                        (centred * scale[i] + beta[i], centred)
                    };
                    let best = larger(value(p[i]), value(q[i]));
                    let best = larger(best, value(r[i]));
                    let (best, centred) = larger(best, value(s[i]));
                    let dy = if best > floor { dy } else { 0.0 };
                    sums[i] += dy;
                    products[i] += dy * centred;
                }
            }
        })
    }

    /// As [`BatchNorm::backward_input`](super::BatchNorm::backward_input), pixels that no window covers included.
    pub(super) fn backward_input_pooled(&self, dy: &Tensor, gradient: &InputGradient, x: &mut Tensor) {
        let (c, width) = (x.c, dy.w);
        let (height, pooled_height) = (x.h, dy.h);
        // One item is a pair of rows; the last of an odd number is alone.
        let pairs = height.div_ceil(2);
        let rows = RowMap::new(x);
        let blocks = RowBlocks::of(x.n * pairs, 2 * x.w * c);
        let x = Parts::new(x.data_mut());
        let none = vec![0.0; c];
        blocks.for_each_backwards(|range| {
            let (mut winner, mut masked) = (vec![0.0f32; c], vec![0.0f32; c]);
            for pair in range {
                let (n, h) = (pair / pairs, pair % pairs);
                // SAFETY: each pair of rows is in one item, and its rows do not overlap.
                let row = |k: usize| unsafe { x.slice(rows.range(n * height + 2 * h + k)) };
                if h == pooled_height {
                    vectorize(|| self.replace(row(0), -1.0, &winner, &none, gradient));
                    continue;
                }
                let (upper, lower) = (row(0), row(1));
                let (upper, upper_rest) = upper.split_at_mut(2 * width * c);
                let (lower, lower_rest) = lower.split_at_mut(2 * width * c);
                vectorize(|| {
                    let pixels = upper.chunks_exact_mut(2 * c).zip(lower.chunks_exact_mut(2 * c));
                    for ((upper, lower), dy) in pixels.zip(dy.row(n, h).chunks_exact(c)) {
                        self.choose(upper, lower, dy, &mut winner, &mut masked);
                        let ((p, q), (r, s)) = (upper.split_at_mut(c), lower.split_at_mut(c));
                        for (k, x) in [p, q, r, s].into_iter().enumerate() {
                            self.replace(x, k as f32, &winner, &masked, gradient);
                        }
                    }
                    for rest in [upper_rest, lower_rest] {
                        self.replace(rest, -1.0, &winner, &none, gradient);
                    }
                });
            }
        });
    }

    /// Which pixel of a window won (0.0 to 3.0, row by row), and the gradient that the ReLU lets through, by
    /// channel.
    #[inline(always)]
    fn choose(&self, upper: &[f32], lower: &[f32], dy: &[f32], winner: &mut [f32], masked: &mut [f32]) {
        let c = dy.len();
        let [mean, scale, beta] = self.pixel(c);
        let ((p, q), (r, s)) = (upper.split_at(c), lower.split_at(c));
        let (winner, masked) = (&mut winner[..c], &mut masked[..c]);
        for i in 0..c {
            let dy = dy[i];
            let value = |x: f32, k: f32| ((x - mean[i]) * scale[i] + beta[i], k);
            let best = larger(value(p[i], 0.0), value(q[i], 1.0));
            let best = larger(best, value(r[i], 2.0));
            let (best, at) = larger(best, value(s[i], 3.0));
            winner[i] = at;
            masked[i] = if best > self.floor { dy } else { 0.0 };
        }
    }

    /// Gradients over the values of pixel number `k` of its window, or of several that are in none.
    #[inline(always)]
    fn replace(&self, x: &mut [f32], k: f32, winner: &[f32], dy: &[f32], gradient: &InputGradient) {
        let c = dy.len();
        let [mean, scale, _] = self.pixel(c);
        let (mean_dy, slope) = (&gradient.mean[..c], &gradient.slope[..c]);
        for x in x.chunks_exact_mut(c) {
            for i in 0..c {
                let dy = if winner[i] == k { dy[i] } else { 0.0 };
                x[i] = (dy - mean_dy[i] - (x[i] - mean[i]) * slope[i]) * scale[i];
            }
        }
    }
}
