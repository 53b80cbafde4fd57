//! Rounding of activations, and what its gradient needs of them.

use std::ops::Range;

use super::minifloat::Minifloat;
use super::parallel::{self, Parts, RowBlocks, RowMap};
use super::simd::{Chosen, Kernel, Simd};
use crate::Tensor;

/// Channels that share a scale where a format has blocks.
pub const BLOCK: usize = 32;

/// What activations, which are never negative, are rounded to: the same in training, in tests and in what leaves.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rounding {
    /// `s min(round(x / s), most)`.
    Uniform {
        /// Distance of the levels.
        scale: f32,
        /// The highest level.
        most: f32,
    },
    /// `s` times the format's number nearest to `x / s`.
    Float {
        /// The format.
        format: Minifloat,
        /// Its unit.
        scale: f32,
    },
    /// The same with a power of two as the scale of [`BLOCK`] channels of a pixel, the last ones perhaps fewer.
    Microscaled {
        /// The format.
        format: Minifloat,
    },
}

/// What the backward pass of a rounding needs of the values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// Nothing: gradients pass straight through.
    Nothing,
    /// Which were at the bound or beyond: their gradients end there.
    Clipped,
    /// These, and how far the others were rounded.
    Residuals,
}

/// What was kept of a tensor, dense `[n][h][w][c]`.
#[derive(Debug, Default)]
pub struct Kept {
    /// 1 where a value of the row was at the bound or beyond, else 0: of most rows none is.
    marked: Vec<u8>,
    /// The same of each value; in other rows anything.
    clipped: Vec<u8>,
    /// `round(x / s) - x / s`, 0 for those that were clipped.
    residuals: Vec<f32>,
}

/// Sums of a backward pass over the gradients of the rounded values.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Sums {
    /// Of those that were clipped.
    pub clipped: f64,
    /// Of the others, each times its residual.
    pub residuals: f64,
}

/// Sums kept side by side.
const LANES: usize = 16;

impl Sums {
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        Self { clipped: self.clipped + other.clipped, residuals: self.residuals + other.residuals }
    }
}

/// The largest value and the sum of all.
pub fn largest_and_sum(x: &Tensor) -> (f32, f64) {
    let (rows, blocks, set) = (RowMap::new(x), RowBlocks::new(x), Chosen::now());
    let parts = parallel::map(blocks.items(), |item| {
        let (mut largest, mut sum) = (0.0f32, 0.0f64);
        for row in blocks.range(item) {
            let (of_row, sum_of_row) = set.run(LargestAndSum(&x.data()[rows.range(row)]));
            largest = largest.max(of_row);
            sum += sum_of_row;
        }
        (largest, sum)
    });
    parts.into_iter().fold((0.0, 0.0), |(a, b), (c, d)| (a.max(c), b + d))
}

/// Those of a row.
struct LargestAndSum<'a>(&'a [f32]);

impl Kernel for LargestAndSum<'_> {
    type Output = (f32, f64);

    #[inline(always)]
    fn run<S: Simd>(self, _: S) -> (f32, f64) {
        let (mut largest, mut sums) = ([0.0f32; LANES], [0.0f32; LANES]);
        for row in self.0.chunks(LANES) {
            for ((largest, sum), x) in largest.iter_mut().zip(&mut sums).zip(row) {
                *largest = if *x > *largest { *x } else { *largest };
                *sum += x;
            }
        }
        (largest.into_iter().fold(0.0, f32::max), sums.into_iter().map(f64::from).sum::<f64>())
    }
}

impl Rounding {
    /// The largest value.
    pub fn bound(&self) -> f32 {
        match *self {
            Self::Uniform { scale, most } => scale * most,
            Self::Float { format, scale } => scale * format.largest,
            Self::Microscaled { .. } => f32::INFINITY,
        }
    }

    /// The unit of the levels; `None` where blocks have scales of their own.
    pub fn scale(&self) -> Option<f32> {
        match *self {
            Self::Uniform { scale, .. } | Self::Float { scale, .. } => Some(scale),
            Self::Microscaled { .. } => None,
        }
    }

    /// The levels in units of the scale, lowest first.
    pub fn levels(&self) -> Vec<f32> {
        match *self {
            Self::Uniform { most, .. } => (0..=most as u32).map(|level| level as f32).collect(),
            Self::Float { format, .. } | Self::Microscaled { format } => {
                format.values().into_iter().filter(|level| *level >= 0.0).collect()
            }
        }
    }

    /// Rounds pixels of `channels` channels in place.
    #[inline(always)]
    pub fn apply(&self, pixels: &mut [f32], channels: usize) {
        match *self {
            Self::Uniform { scale, most } => pixels.iter_mut().for_each(|x| {
                *x = level(*x, scale, most) * scale;
            }),
            Self::Float { format, scale } => {
                pixels.iter_mut().for_each(|x| *x = format.round(*x / scale) * scale);
            }
            Self::Microscaled { format } => {
                for block in pixels.chunks_mut(channels).flat_map(|pixel| pixel.chunks_mut(BLOCK)) {
                    let largest = block.iter().fold(0.0f32, |max, x| if *x > max { *x } else { max });
                    let scale = format.block_scale(largest);
                    block.iter_mut().for_each(|x| *x = format.round(*x / scale) * scale);
                }
            }
        }
    }

    /// The unit of whole numbers that stand for the levels; `None` where there are none.
    pub fn step(&self) -> Option<f32> {
        match *self {
            Self::Uniform { scale, .. } => Some(scale),
            Self::Float { .. } | Self::Microscaled { .. } => None,
        }
    }

    /// Rounds a batch in place and keeps what [`Kept::backward`] is to need; `bound` is where values are clipped.
    pub fn forward(&self, x: &mut Tensor, keep: Keep, bound: f32, kept: &mut Kept) {
        self.by_rows(x.shape(), keep, bound, kept, None, true).round_all(x);
    }

    /// The same of a batch of that shape, row by row. `levels`, where [`Rounding::step`] says that there are some, get the
    /// whole numbers that it is rounded to; values are rounded too, or `in_place` is false.
    pub fn by_rows<'a>(
        &self,
        [n, h, w, channels]: [usize; 4],
        keep: Keep,
        bound: f32,
        kept: &'a mut Kept,
        levels: Option<&'a mut Tensor<u8>>,
        in_place: bool,
    ) -> ByRows<'a> {
        let (lines, len) = (n * h, w * channels);
        let sized = |wanted: bool, len: usize| if wanted { len } else { 0 };
        kept.marked.resize(sized(keep != Keep::Nothing, lines), 0);
        kept.clipped.resize(sized(keep != Keep::Nothing, lines * len), 0);
        kept.residuals.resize(sized(keep == Keep::Residuals, lines * len), 0.0);
        ByRows {
            rounding: *self,
            set: Chosen::now(),
            channels,
            len,
            keep,
            bound,
            marked: Parts::new(&mut kept.marked),
            clipped: Parts::new(&mut kept.clipped),
            residuals: Parts::new(&mut kept.residuals),
            levels: levels.map(|levels| (RowMap::new(levels), Parts::new(levels.data_mut()))),
            in_place,
        }
    }
}

/// See [`Rounding::by_rows`].
pub struct ByRows<'a> {
    rounding: Rounding,
    set: Chosen,
    channels: usize,
    /// Values of a row.
    len: usize,
    keep: Keep,
    bound: f32,
    marked: Parts<'a, u8>,
    clipped: Parts<'a, u8>,
    residuals: Parts<'a, f32>,
    levels: Option<(RowMap, Parts<'a, u8>)>,
    in_place: bool,
}

impl ByRows<'_> {
    /// Rounds the whole batch.
    pub fn round_all(&mut self, x: &mut Tensor) {
        let (rows, blocks) = (RowMap::new(x), RowBlocks::new(x));
        let (x, rounding) = (Parts::new(x.data_mut()), &*self);
        blocks.for_each(|range| {
            for row in range {
                // SAFETY: each row is in one item, and nobody else has the rounding.
                unsafe { rounding.round(row, x.slice(rows.range(row))) };
            }
        });
    }

    /// Values are rounded, too, where there are levels.
    pub fn is_in_place(&self) -> bool {
        self.in_place
    }

    /// Rounds a row, counted through the batch: `x` is its values.
    ///
    /// # Safety
    /// No two calls at a time have the same row.
    pub unsafe fn round(&self, row: usize, x: &mut [f32]) {
        let dense = row * self.len..(row + 1) * self.len;
        let part = |wanted: bool, part: Range<usize>| if wanted { part } else { 0..0 };
        // SAFETY: what belongs to different rows does not overlap.
        let (marked, clipped, residuals, levels) = unsafe {
            (
                self.marked.slice(part(self.keep != Keep::Nothing, row..row + 1)),
                self.clipped.slice(part(self.keep != Keep::Nothing, dense.clone())),
                self.residuals.slice(part(self.keep == Keep::Residuals, dense)),
                self.levels.as_ref().map(|(rows, levels)| levels.slice(rows.range(row))),
            )
        };
        self.set.run(Forward {
            rounding: self.rounding,
            channels: self.channels,
            bound: self.bound,
            x,
            marked,
            clipped,
            residuals,
            levels: levels.unwrap_or_default(),
            in_place: self.in_place,
        });
    }
}

/// The nearest whole number of scales, from 0 to `most`.
#[inline(always)]
fn level(x: f32, scale: f32, most: f32) -> f32 {
    let level = (x / scale).round_ties_even();
    let level = if level > most { most } else { level };
    if level < 0.0 { 0.0 } else { level }
}

/// The forward pass of a row; what is not kept is empty.
struct Forward<'a> {
    rounding: Rounding,
    channels: usize,
    bound: f32,
    x: &'a mut [f32],
    marked: &'a mut [u8],
    clipped: &'a mut [u8],
    residuals: &'a mut [f32],
    /// Or empty.
    levels: &'a mut [u8],
    /// `x` is rounded.
    in_place: bool,
}

impl Kernel for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let Self { rounding, channels, bound, x, marked, clipped, residuals, levels, in_place } = self;
        if let [marked] = marked {
            let mut largest = [f32::NEG_INFINITY; LANES];
            for x in x.chunks(LANES) {
                for (largest, x) in largest.iter_mut().zip(x) {
                    *largest = if *x > *largest { *x } else { *largest };
                }
            }
            *marked = u8::from(largest.into_iter().any(|x| x >= bound));
            if *marked == 1 {
                for (clipped, x) in clipped.iter_mut().zip(x.iter()) {
                    *clipped = u8::from(*x >= bound);
                }
            }
        }
        if let Rounding::Uniform { scale, .. } = rounding {
            for (residual, x) in residuals.iter_mut().zip(x.iter()) {
                let v = *x / scale;
                *residual = if *x >= bound { 0.0 } else { v.round_ties_even() - v };
            }
        }
        if let Rounding::Uniform { scale, most } = rounding {
            for (to, x) in levels.iter_mut().zip(x.iter()) {
                // The last byte of a number that large is its whole part.
                *to = (level(*x, scale, most) + 8_388_608.0).to_bits() as u8;
            }
        }
        if in_place {
            rounding.apply(x, channels);
        }
    }
}

/// The backward pass of a row of which a value was clipped, or whose residuals count.
struct Backward<'a> {
    dy: &'a mut [f32],
    clipped: &'a [u8],
    residuals: &'a [f32],
}

impl Kernel for Backward<'_> {
    type Output = Sums;

    #[inline(always)]
    fn run<S: Simd>(self, _: S) -> Sums {
        let Self { dy, clipped, residuals } = self;
        let mut lanes = [Sums::default(); LANES];
        for (dy, residuals) in dy.chunks(LANES).zip(residuals.chunks(LANES)) {
            for ((sums, dy), residual) in lanes.iter_mut().zip(dy).zip(residuals) {
                sums.residuals += f64::from(*dy) * f64::from(*residual);
            }
        }
        for (dy, clipped) in dy.chunks_mut(LANES).zip(clipped.chunks(LANES)) {
            for ((sums, dy), clipped) in lanes.iter_mut().zip(dy).zip(clipped) {
                let (passed, stopped) = if *clipped == 0 { (*dy, 0.0) } else { (0.0, *dy) };
                sums.clipped += f64::from(stopped);
                *dy = passed;
            }
        }
        lanes.into_iter().fold(Sums::default(), Sums::add)
    }
}

impl Kept {
    /// Turns the gradient of the rounded values, in place, into that of the values before.
    pub fn backward(&self, dy: &mut Tensor) -> Sums {
        if self.clipped.is_empty() {
            return Sums::default();
        }
        assert_eq!(
            self.clipped.len(),
            dy.shape().iter().product::<usize>(),
            "values of the last forward pass"
        );
        let (rows, blocks, set) = (RowMap::new(dy), RowBlocks::new(dy), Chosen::now());
        let len = dy.w() * dy.c();
        let dy = Parts::new(dy.data_mut());
        let sums = parallel::map(blocks.items(), |item| {
            let mut sums = Sums::default();
            for row in blocks.range(item) {
                let dense = row * len..(row + 1) * len;
                let is_marked = self.marked[row] == 1;
                let part = |wanted: bool| if wanted { dense.clone() } else { 0..0 };
                let (clipped, residuals) =
                    (&self.clipped[part(is_marked)], &self.residuals[part(!self.residuals.is_empty())]);
                if is_marked || !residuals.is_empty() {
                    // SAFETY: each row is in one item.
                    let dy = unsafe { dy.slice(rows.range(row)) };
                    sums = sums.add(set.run(Backward { dy, clipped, residuals }));
                }
            }
            sums
        });
        sums.into_iter().fold(Sums::default(), Sums::add)
    }

    /// Keeps nothing: gradients pass straight through.
    pub fn clear(&mut self) {
        self.marked.clear();
        self.clipped.clear();
        self.residuals.clear();
    }

    /// Bytes of what is kept for values of that shape.
    pub fn bytes(keep: Keep, shape: [usize; 4]) -> usize {
        let [n, h, w, c] = shape;
        match keep {
            Keep::Nothing => 0,
            Keep::Clipped => n * h * (1 + w * c),
            Keep::Residuals => n * h * (1 + w * c * (1 + size_of::<f32>())),
        }
    }

    /// Takes the memory for values of that shape.
    ///
    /// # Errors
    /// Where there is not enough.
    pub fn try_reserve(
        &mut self,
        keep: Keep,
        shape: [usize; 4],
    ) -> Result<(), std::collections::TryReserveError> {
        let (rows, elements) = (shape[0] * shape[1], shape.iter().product::<usize>());
        if keep != Keep::Nothing {
            self.marked.try_reserve_exact(rows.saturating_sub(self.marked.len()))?;
            self.clipped.try_reserve_exact(elements.saturating_sub(self.clipped.len()))?;
        }
        if keep == Keep::Residuals {
            self.residuals.try_reserve_exact(elements.saturating_sub(self.residuals.len()))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::minifloat::{E2M1, E4M3};
    use super::*;
    use proptest::prelude::*;

    /// What a value becomes, written plainly.
    fn plain(rounding: Rounding, pixel: &[f32], c: usize) -> f32 {
        let nearest = |format: Minifloat, x: f32| {
            let near = |a: &f32, b: &f32| (a - x).abs().total_cmp(&(b - x).abs());
            format.values().into_iter().min_by(near).unwrap()
        };
        match rounding {
            Rounding::Uniform { scale, most } => {
                (pixel[c] / scale).round_ties_even().clamp(0.0, most) * scale
            }
            Rounding::Float { format, scale } => nearest(format, pixel[c] / scale) * scale,
            Rounding::Microscaled { format } => {
                let block = &pixel[c / BLOCK * BLOCK..pixel.len().min((c / BLOCK + 1) * BLOCK)];
                let largest = block.iter().fold(0.0f32, |a, b| a.max(*b));
                let scale = (largest.log2().floor() - format.largest_exponent() as f32).exp2();
                if largest == 0.0 { 0.0 } else { nearest(format, pixel[c] / scale) * scale }
            }
        }
    }

    proptest! {
        #[test]
        fn a_batch_is_rounded_and_its_gradient_stopped_as_by_plain_loops(
            [n, h, w, c] in [1usize..3, 1usize..4, 1usize..5, 1usize..40], halo in 0usize..3, which in 0usize..4, seed in 1u32..1000,
        ) {
            let rounding = [
                Rounding::Uniform { scale: 0.13, most: 15.0 },
                Rounding::Float { format: E2M1, scale: 0.31 },
                Rounding::Float { format: E4M3, scale: 0.004 },
                Rounding::Microscaled { format: E2M1 },
            ][which];
            // Never half-way between two numbers of a format.
            let noise = |i: usize, salt: u32| (i as u32 ^ salt).wrapping_mul(2_654_435_761).wrapping_mul(seed | 1) >> 8;
            let values: Vec<f32> =
                (0..n * h * w * c).map(|i| (noise(i, 7) as f32 / 16_777_216.0 * 3.1 - 0.4).max(0.0)).collect();
            let mut x = Tensor::from_dense([n, h, w, c], halo, &values);
            let (largest, sum) = largest_and_sum(&x);
            prop_assert_eq!(largest, values.iter().fold(0.0f32, |a, b| a.max(*b)));
            let exact: f64 = values.iter().map(|v| f64::from(*v)).sum();
            // Sums of a row in f32.
            prop_assert!((sum - exact).abs() <= 1e-6 * exact);

            let (bound, mut kept) = (1.9f32, Kept::default());
            rounding.forward(&mut x, Keep::Residuals, bound, &mut kept);
            let expected: Vec<f32> =
                (0..values.len()).map(|i| plain(rounding, &values[i / c * c..][..c], i % c)).collect();
            prop_assert_eq!(x.to_dense(), expected);

            let dy: Vec<f32> = (0..values.len()).map(|i| noise(i, 99) as f32 / 16_777_216.0 - 0.5).collect();
            let mut gradient = Tensor::from_dense([n, h, w, c], halo, &dy);
            let sums = kept.backward(&mut gradient);
            let (mut clipped, mut residuals) = (0.0, 0.0);
            for ((dx, dy), x) in gradient.to_dense().iter().zip(&dy).zip(&values) {
                prop_assert_eq!(*dx, if *x >= bound { 0.0 } else { *dy });
                if *x >= bound {
                    clipped += f64::from(*dy);
                } else if let Rounding::Uniform { scale, .. } = rounding {
                    residuals += f64::from(*dy) * f64::from((x / scale).round_ties_even() - x / scale);
                }
            }
            prop_assert!((sums.clipped - clipped).abs() < 1e-9 && (sums.residuals - residuals).abs() < 1e-9);
        }
    }
}
