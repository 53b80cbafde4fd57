//! Batch normalisation, activation and 2x2 max pooling in one pass: the normalised image is never stored.
//!
//! The first of equal pixels wins, as in [`pool`](crate::kernels::pool). Where the ReLU is closed at the winner it
//! is closed at all four, so choosing before the ReLU gives the same pixel, or none at all.

use std::array::from_fn;

use super::{Channels, InputGradient, LANES, change_rows, channel_sums, load, store, write_rows};
use crate::Tensor;
use crate::kernels::parallel::{Parts, RowBlocks, RowMap};
use crate::kernels::rounding::ByRows;

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

    pub(super) fn forward_pooled(&self, x: &Tensor, y: &mut Tensor, rounding: Option<&mut ByRows<'_>>) {
        let (c, height, floor) = (y.c(), y.h(), self.floor);
        let [mean, scale, beta] = self.pixel(c);
        write_rows(y, rounding, |row, y| {
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
        });
    }

    /// As [`Channels::sums`], from the winners alone: the others have no gradient.
    pub(super) fn sums_pooled(&self, x: &Tensor, dy: &Tensor) -> [Vec<f64>; 2] {
        let (c, height, floor) = (dy.c(), dy.h(), self.floor);
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
    pub(super) fn backward_input_pooled(
        &self,
        dy: &Tensor,
        gradient: &InputGradient,
        x: &mut Tensor,
        looks: bool,
    ) -> f32 {
        let (c, height, pooled_height) = (x.c(), x.h(), dy.h());
        let covered = 2 * dy.w() * c;
        // One item is a pair of rows; the last of an odd number is alone.
        let pairs = height.div_ceil(2);
        let rows = RowMap::new(x);
        let blocks = RowBlocks::of(x.n() * pairs, 2 * x.w() * c);
        let x = Parts::new(x.data_mut());
        change_rows(blocks, looks, |pair| {
            let (n, h) = (pair / pairs, pair % pairs);
            // SAFETY: each pair of rows is in one item, and its rows do not overlap.
            let row = |k: usize| unsafe { x.slice(rows.range(n * height + 2 * h + k)) };
            let first = row(0);
            if h == pooled_height {
                self.backward_uncovered(first, gradient);
                return [first, &mut []];
            }
            let second = row(1);
            let (upper, upper_rest) = first.split_at_mut(covered);
            let (lower, lower_rest) = second.split_at_mut(covered);
            let pixels = upper.chunks_exact_mut(2 * c).zip(lower.chunks_exact_mut(2 * c));
            for ((upper, lower), dy) in pixels.zip(dy.row(n, h).chunks_exact(c)) {
                let whole = c / LANES * LANES;
                for i in (0..whole).step_by(LANES) {
                    self.backward_window::<LANES>(upper, lower, dy, gradient, i);
                }
                for i in whole..c {
                    self.backward_window::<1>(upper, lower, dy, gradient, i);
                }
            }
            self.backward_uncovered(upper_rest, gradient);
            self.backward_uncovered(lower_rest, gradient);
            [first, second]
        })
    }

    /// Gradients over the values of the four pixels of a window, channels `i` to `i + L`.
    ///
    /// All four are read before one is written: in plain loops the compiler would have to prove that they do not
    /// overlap.
    #[inline(always)]
    fn backward_window<const L: usize>(
        &self,
        upper: &mut [f32],
        lower: &mut [f32],
        dy: &[f32],
        gradient: &InputGradient,
        i: usize,
    ) {
        let c = dy.len();
        let [mean, scale, beta] = [&self.mean, &self.scale, &self.beta].map(|of| load::<L>(of, i));
        let [mean_dy, slope] = [&gradient.mean, &gradient.slope].map(|of| load::<L>(of, i));
        let dy = load::<L>(dy, i);
        let centred = |x: [f32; L]| -> [f32; L] { from_fn(|i| x[i] - mean[i]) };
        let p = centred(load(upper, i));
        let q = centred(load(upper, c + i));
        let r = centred(load(lower, i));
        let s = centred(load(lower, c + i));

        let value = |x: [f32; L]| -> [f32; L] { from_fn(|i| x[i] * scale[i] + beta[i]) };
        let max = |a: [f32; L], b: [f32; L]| -> [f32; L] { from_fn(|i| larger((a[i], ()), (b[i], ())).0) };
        let [vp, vq, vr, vs] = [value(p), value(q), value(r), value(s)];
        let (above, below) = (max(vp, vq), max(vr, vs));
        let best = max(above, below);
        // The gradient goes to the second of a pair where that is larger, else to the first.
        let open: [f32; L] = from_fn(|i| if best[i] > self.floor { dy[i] } else { 0.0 });
        let second = |dy: [f32; L], a: [f32; L], b: [f32; L]| -> [f32; L] {
            from_fn(|i| if b[i] > a[i] { dy[i] } else { 0.0 })
        };
        let first = |dy: [f32; L], a: [f32; L], b: [f32; L]| -> [f32; L] {
            from_fn(|i| if b[i] > a[i] { 0.0 } else { dy[i] })
        };
        let (dy_above, dy_below) = (first(open, above, below), second(open, above, below));
        let result = |dy: [f32; L], centred: [f32; L]| -> [f32; L] {
            from_fn(|i| (dy[i] - mean_dy[i] - centred[i] * slope[i]) * scale[i])
        };
        store(upper, i, result(first(dy_above, vp, vq), p));
        store(upper, c + i, result(second(dy_above, vp, vq), q));
        store(lower, i, result(first(dy_below, vr, vs), r));
        store(lower, c + i, result(second(dy_below, vr, vs), s));
    }

    /// The same for pixels in no window.
    #[inline(always)]
    fn backward_uncovered(&self, x: &mut [f32], gradient: &InputGradient) {
        for x in x.chunks_mut(self.mean.len()) {
            let channels = self.mean.iter().zip(&self.scale).zip(gradient.mean.iter().zip(&gradient.slope));
            for (x, ((mean, scale), (mean_dy, slope))) in x.iter_mut().zip(channels) {
                *x = (0.0 - mean_dy - (*x - mean) * slope) * scale;
            }
        }
    }
}
