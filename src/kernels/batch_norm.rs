//! Batch normalisation over N, H and W, with what follows it: ReLU, the addition of a skip connection, or 2x2 max
//! pooling.
//!
//! These passes wait for memory, so what follows is done in the same pass, and the backward pass finds out from `x`,
//! by the forward pass's own arithmetic, where the ReLU was open and which of four pixels won: nothing is remembered
//! for it. Its own result replaces `x`.
//!
//! Inner loops run over channels, all operands loaded before any choice between them: only so does the compiler
//! make vectors of them, and a choice costs no branch.

mod few;
mod pooled;

use super::Activation;
use super::blocks::Extent;
use super::parallel::{self, Parts, RowBlocks, RowMap};
use super::pool::max_pool_shape;
use super::rounding::ByRows;
use super::simd::Chosen;
use super::weights::part_max;
use crate::Tensor;

/// Per-channel values are repeated up to this many elements, so that inner loops are long for few channels too.
const TILE: usize = 128;

/// Channels that are worked on together where the loop over them is not the innermost: two vectors in a browser.
const LANES: usize = 8;

/// `L` elements from `x[at]` on.
#[inline(always)]
fn load<const L: usize>(x: &[f32], at: usize) -> [f32; L] {
    x[at..at + L].try_into().expect("L elements")
}

/// Writes `L` elements from `x[at]` on.
#[inline(always)]
fn store<const L: usize>(x: &mut [f32], at: usize, values: [f32; L]) {
    x[at..at + L].copy_from_slice(&values);
}

/// Elements of a tile: a whole number of pixels.
fn tile_len(channels: usize) -> usize {
    channels * TILE.div_ceil(channels.max(1))
}

/// `values` (one a channel) repeated to a tile.
fn tile(channels: usize, values: impl Fn(usize) -> f32) -> Vec<f32> {
    (0..tile_len(channels)).map(|i| values(i % channels)).collect()
}

/// Two sums a channel over all rows of the blocks. `add(row, sums)` adds a row, cut into tiles or into pixels:
/// `sums` is `[2][tile length]`. f32 within a work item, f64 between, in the order of the items.
fn channel_sums(
    blocks: RowBlocks,
    channels: usize,
    add: impl Fn(usize, &mut [f32], &mut [f32]) + Sync,
) -> [Vec<f64>; 2] {
    sums_beside(blocks, channels, || (), |row, sums, others, ()| add(row, sums, others)).0
}

/// The same, and what is gathered beside the sums of each item.
fn sums_beside<T: Send + Default + Clone>(
    blocks: RowBlocks,
    channels: usize,
    start: impl Fn() -> T + Sync,
    add: impl Fn(usize, &mut [f32], &mut [f32], &mut T) + Sync,
) -> ([Vec<f64>; 2], Vec<T>) {
    let set = Chosen::now();
    let tile_len = tile_len(channels);
    let parts = parallel::map(blocks.items(), |item| {
        let (mut first, mut second, mut beside) = (vec![0.0f32; tile_len], vec![0.0f32; tile_len], start());
        set.vectorize(|| {
            for row in blocks.range(item) {
                add(row, &mut first, &mut second, &mut beside);
            }
        });
        let fold = |sums: &[f32]| -> Vec<f64> {
            (0..channels)
                .map(|c| sums.iter().skip(c).step_by(channels).map(|&s| f64::from(s)).sum())
                .collect()
        };
        ([fold(&first), fold(&second)], beside)
    });
    let total = |i: usize| (0..channels).map(|c| parts.iter().map(|(part, _)| part[i][c]).sum()).collect();
    ([total(0), total(1)], parts.into_iter().map(|(_, beside)| beside).collect())
}

/// Per-channel mean and biased variance of `x` over N, H, W. `mean` and `variance` have `x.c` elements.
///
/// One pass: sums of `x - shift` and of its square, where the shift is the first pixel's value: as close to the
/// mean as the spread of the data, so that nothing cancels even where the mean is far from zero.
pub fn statistics(x: &Tensor, mean: &mut [f32], variance: &mut [f32]) {
    gather(x, mean, variance, || (), |_, ()| ());
}

/// The same, and the smallest and largest value of each channel.
pub fn statistics_and_extents(x: &Tensor, mean: &mut [f32], variance: &mut [f32]) -> Vec<Extent> {
    // Ends apart, so that vectors are made of each.
    let start = || [f32::INFINITY, f32::NEG_INFINITY].map(|end| vec![end; tile_len(x.c())]);
    let add = |row: &[f32], [min, max]: &mut [Vec<f32>; 2]| {
        for x in row.chunks(min.len()) {
            for (x, (min, max)) in x.iter().zip(min.iter_mut().zip(max.iter_mut())) {
                *min = if *x < *min { *x } else { *min };
                *max = if *x > *max { *x } else { *max };
            }
        }
    };
    let mut extents = vec![Extent::NOTHING; x.c()];
    for [min, max] in gather(x, mean, variance, start, add) {
        for (i, (min, max)) in min.into_iter().zip(max).enumerate() {
            let extent = &mut extents[i % x.c()];
            *extent = extent.join(Extent { min, max });
        }
    }
    extents
}

/// [`statistics`], and what is gathered of the rows of each work item.
fn gather<T: Send + Default + Clone>(
    x: &Tensor,
    mean: &mut [f32],
    variance: &mut [f32],
    start: impl Fn() -> T + Sync,
    add: impl Fn(&[f32], &mut T) + Sync,
) -> Vec<T> {
    assert_eq!((mean.len(), variance.len()), (x.c(), x.c()), "channels of mean and variance");
    let count = (x.n() * x.h() * x.w()) as f64;
    if count == 0.0 {
        return Vec::new();
    }
    let shift = tile(x.c(), |c| x.data()[x.offset(0, 0, 0) + c]);
    let rows = RowMap::new(x);
    let few = few::fits(x.c());
    let (sums, gathered) = sums_beside(RowBlocks::new(x), x.c(), start, |row, sums, squares, beside| {
        let row = &x.data()[rows.range(row)];
        add(row, beside);
        if few {
            return few::add_statistics(row, x.c(), &shift, sums, squares);
        }
        for x in row.chunks(shift.len()) {
            let channels = shift.iter().zip(sums.iter_mut()).zip(squares.iter_mut());
            for (x, ((shift, sum), square)) in x.iter().zip(channels) {
                let v = x - shift;
                *sum += v;
                *square += v * v;
            }
        }
    });
    for c in 0..x.c() {
        let offset = sums[0][c] / count;
        mean[c] = (f64::from(shift[c]) + offset) as f32;
        variance[c] = (sums[1][c] / count - offset * offset).max(0.0) as f32;
    }
    gathered
}

/// Calls `change` with each row from the last item on; it gives what it wrote. If `looks`, gives the largest magnitude of
/// that, else 0.
fn change_rows<'a>(
    blocks: RowBlocks,
    looks: bool,
    change: impl Fn(usize) -> [&'a mut [f32]; 2] + Sync,
) -> f32 {
    let (set, items) = (Chosen::now(), blocks.items());
    let largest = parallel::map(items, |item| {
        let mut largest = 0.0;
        set.vectorize(|| {
            for row in blocks.range(items - 1 - item) {
                let written = change(row);
                if looks {
                    // It is in the nearest cache.
                    largest = written.iter().map(|row| part_max(row)).fold(largest, f32::max);
                }
            }
        });
        largest
    });
    largest.into_iter().fold(0.0, f32::max)
}

/// Has each row of `y` written, and rounded while it is in the nearest cache. What is not rounded in place is not stored.
fn write_rows(y: &mut Tensor, rounding: Option<&mut ByRows<'_>>, write: impl Fn(usize, &mut [f32]) + Sync) {
    let (set, blocks, rows, len) = (Chosen::now(), RowBlocks::new(y), RowMap::new(y), y.w() * y.c());
    let rounding = rounding.map(|rounding| &*rounding);
    let stores = rounding.is_none_or(ByRows::is_in_place);
    let y = Parts::new(y.data_mut());
    blocks.for_each_backwards(|range| {
        let mut elsewhere = vec![0.0; if stores { 0 } else { len }];
        for row in range {
            // SAFETY: each row is in one item.
            let y = if stores { unsafe { y.slice(rows.range(row)) } } else { &mut elsewhere[..] };
            set.vectorize(|| write(row, y));
            if let Some(rounding) = rounding {
                // SAFETY: each row is in one item, and nobody else has the rounding.
                unsafe { rounding.round(row, y) };
            }
        }
    });
}

/// One batch-norm layer with what follows it: with the statistics of the batch when training, with the running ones
/// when evaluating. All slices have one element a channel.
#[derive(Debug, Clone, Copy)]
pub struct BatchNorm<'a> {
    /// Mean to subtract.
    pub mean: &'a [f32],
    /// Variance to divide by (biased when it is the batch's).
    pub variance: &'a [f32],
    /// Learned scale.
    pub gamma: &'a [f32],
    /// Learned shift.
    pub beta: &'a [f32],
    /// Added to the variance.
    pub eps: f32,
    /// Applied to the result.
    pub activation: Activation,
    /// 2x2 max pooling with stride 2 behind the activation.
    pub max_pool: bool,
}

/// Per-channel factors of the input gradient, from [`BatchNorm::backward_parameters`].
#[derive(Debug, Clone)]
pub struct InputGradient {
    /// Mean over N, H, W of the gradient behind the closed ReLU and the pooling. A tile.
    mean: Vec<f32>,
    /// What is subtracted for each unit of `x - mean`. A tile.
    slope: Vec<f32>,
}

impl InputGradient {
    /// Leaves out what comes by way of the statistics.
    pub fn of_constants(&mut self) {
        self.mean.fill(0.0);
        self.slope.fill(0.0);
    }
}

/// Per-channel constants as tiles: of a normalised value, and where the activation cuts it.
struct Channels {
    mean: Vec<f32>,
    /// `gamma / sqrt(variance + eps)`.
    scale: Vec<f32>,
    beta: Vec<f32>,
    /// The activation is `max(v, floor)`.
    floor: f32,
}

impl BatchNorm<'_> {
    /// Shape of `y` for an `x` of that shape.
    pub fn output_shape(&self, x: [usize; 4]) -> [usize; 4] {
        if self.max_pool { max_pool_shape(x) } else { x }
    }

    /// `y = activation(gamma (x - mean) / sqrt(variance + eps) + beta)`, then pooled or with `skip`, of the shape of
    /// `y`, added.
    ///
    /// # Panics
    /// With a skip connection behind a pooling.
    pub fn forward(&self, x: &Tensor, skip: Option<&Tensor>, y: &mut Tensor) {
        self.forward_rounded(x, skip, y, None);
    }

    /// The same, rounded; where that is not in place, `y` stays as it is.
    ///
    /// # Panics
    /// As [`BatchNorm::forward`].
    pub fn forward_rounded(
        &self,
        x: &Tensor,
        skip: Option<&Tensor>,
        y: &mut Tensor,
        rounding: Option<&mut ByRows<'_>>,
    ) {
        self.check(x, y);
        let channels = self.channels();
        if self.max_pool {
            assert!(skip.is_none(), "a skip connection behind a pooling");
            return channels.forward_pooled(x, y, rounding);
        }
        if let Some(skip) = skip {
            assert_eq!(skip.shape(), y.shape(), "shapes of the skip connection and the output");
        }
        let (few, rows) = (few::fits(x.c()), RowMap::new(x));
        let skip = skip.map(|skip| (skip.data(), RowMap::new(skip)));
        write_rows(y, rounding, |row, y| {
            let (x_row, skip) = (&x.data()[rows.range(row)], skip.map(|(skip, rows)| &skip[rows.range(row)]));
            if few {
                channels.forward_row(x_row, skip, x.c(), y);
            } else {
                channels.forward_tiles(x_row, skip, y);
            }
        });
    }

    /// The largest value of the output, by the forward pass's own arithmetic, of an `x` whose channels have these extents;
    /// at least 0. `None` where some values count for nothing: those in no window of a pooling.
    pub fn largest(&self, x: [usize; 4], extents: &[Extent]) -> Option<f32> {
        let [_, h, w, _] = x;
        if self.max_pool && (h % 2 > 0 || w % 2 > 0) {
            return None;
        }
        let Channels { mean, scale, beta, .. } = self.channels();
        // Each value is a rising or falling function of its channel's.
        let ends = extents.iter().enumerate().flat_map(|(c, extent)| [(c, extent.min), (c, extent.max)]);
        let values = ends.map(|(c, x)| (x - mean[c]) * scale[c] + beta[c]);
        Some(values.fold(0.0, |max, v| if v > max { v } else { max }))
    }

    /// Gradients of the parameters from `dy`, the gradient of the output: `dgamma` and `dbeta` are overwritten. What
    /// [`BatchNorm::backward_input`] needs, where `self` holds the statistics of this batch; where it holds others, that is
    /// [`InputGradient::of_constants`].
    pub fn backward_parameters(
        &self,
        x: &Tensor,
        dy: &Tensor,
        dgamma: &mut [f32],
        dbeta: &mut [f32],
    ) -> InputGradient {
        self.check(x, dy);
        let channels = self.channels();
        let sums = if self.max_pool { channels.sums_pooled(x, dy) } else { channels.sums(x, dy) };
        for c in 0..x.c() {
            dbeta[c] = sums[0][c] as f32;
            dgamma[c] = (sums[1][c] * self.inverse_std(c)) as f32;
        }
        let count = (x.n() * x.h() * x.w()).max(1) as f64;
        InputGradient {
            mean: tile(x.c(), |c| (sums[0][c] / count) as f32),
            slope: tile(x.c(), |c| (sums[1][c] * self.inverse_std(c).powi(2) / count) as f32),
        }
    }

    /// `x` becomes the gradient with respect to it, `scale (dy - mean of dy - xhat * mean of dy xhat)`, where `dy`
    /// counts only at pixels that the ReLU and the pooling let through.
    pub fn backward_input(&self, dy: &Tensor, gradient: &InputGradient, x: &mut Tensor) {
        self.write_input_gradient(dy, gradient, x, false);
    }

    /// The same; gives the largest magnitude of the gradient.
    pub fn backward_input_and_largest(&self, dy: &Tensor, gradient: &InputGradient, x: &mut Tensor) -> f32 {
        self.write_input_gradient(dy, gradient, x, true)
    }

    /// Gives the largest magnitude if `looks`, else 0.
    fn write_input_gradient(
        &self,
        dy: &Tensor,
        gradient: &InputGradient,
        x: &mut Tensor,
        looks: bool,
    ) -> f32 {
        self.check(x, dy);
        let channels = self.channels();
        if self.max_pool {
            return channels.backward_input_pooled(dy, gradient, x, looks);
        }
        let (c, few) = (x.c(), few::fits(x.c()));
        let (x_rows, dy_rows) = (RowMap::new(x), RowMap::new(dy));
        let blocks = RowBlocks::new(x);
        let x = Parts::new(x.data_mut());
        change_rows(blocks, looks, |row| {
            // SAFETY: each row is in one item.
            let x = unsafe { x.slice(x_rows.range(row)) };
            let dy = &dy.data()[dy_rows.range(row)];
            if few {
                channels.backward_row(dy, gradient, c, x);
            } else {
                channels.backward_tiles(dy, gradient, x);
            }
            [x, &mut []]
        })
    }

    fn channels(&self) -> Channels {
        let channels = self.mean.len();
        Channels {
            mean: tile(channels, |c| self.mean[c]),
            scale: tile(channels, |c| (f64::from(self.gamma[c]) * self.inverse_std(c)) as f32),
            beta: tile(channels, |c| self.beta[c]),
            floor: match self.activation {
                Activation::Identity => f32::NEG_INFINITY,
                Activation::Relu => 0.0,
            },
        }
    }

    fn inverse_std(&self, c: usize) -> f64 {
        1.0 / (f64::from(self.variance[c]) + f64::from(self.eps)).sqrt()
    }

    fn check(&self, x: &Tensor, y: &Tensor) {
        assert_eq!(y.shape(), self.output_shape(x.shape()), "shape of the output for x {:?}", x.shape());
        let channels = [self.mean.len(), self.variance.len(), self.gamma.len(), self.beta.len()];
        assert_eq!(channels, [x.c(); 4], "channels of mean, variance, gamma, beta");
    }
}

impl Channels {
    /// Sums a channel of the gradient that the ReLU lets through, and of its product with `x - mean`.
    fn sums(&self, x: &Tensor, dy: &Tensor) -> [Vec<f64>; 2] {
        let Self { mean, scale, beta, floor } = self;
        let (x_rows, dy_rows) = (RowMap::new(x), RowMap::new(dy));
        let few = few::fits(x.c());
        channel_sums(RowBlocks::new(x), x.c(), |row, sums, products| {
            let (row, dy) = (&x.data()[x_rows.range(row)], &dy.data()[dy_rows.range(row)]);
            if few {
                return self.add_row(row, dy, x.c(), sums, products);
            }
            for (x, dy) in row.chunks(mean.len()).zip(dy.chunks(mean.len())) {
                let channels = mean.iter().zip(scale).zip(beta);
                let sums = sums.iter_mut().zip(products.iter_mut());
                for (((x, &dy), ((mean, scale), beta)), (sum, product)) in
                    x.iter().zip(dy).zip(channels).zip(sums)
                {
                    let centred = x - mean;
                    let open = centred * scale + beta > *floor;
                    let dy = if open { dy } else { 0.0 };
                    *sum += dy;
                    *product += dy * centred;
                }
            }
        })
    }

    /// The forward pass over one row, of any number of channels.
    #[inline(always)]
    fn forward_tiles(&self, x: &[f32], skip: Option<&[f32]>, y: &mut [f32]) {
        let Self { mean, scale, beta, floor } = self;
        for (x, y) in x.chunks(mean.len()).zip(y.chunks_mut(mean.len())) {
            let channels = mean.iter().zip(scale).zip(beta);
            for ((x, y), ((mean, scale), beta)) in x.iter().zip(y).zip(channels) {
                let v = (x - mean) * scale + beta;
                *y = if v < *floor { *floor } else { v };
            }
        }
        // The row is in the nearest cache.
        for (y, skip) in y.iter_mut().zip(skip.unwrap_or_default()) {
            *y += skip;
        }
    }

    /// The input's gradient over one row, in place.
    #[inline(always)]
    fn backward_tiles(&self, dy: &[f32], gradient: &InputGradient, x: &mut [f32]) {
        let Self { mean, scale, beta, floor } = self;
        for (x, dy) in x.chunks_mut(mean.len()).zip(dy.chunks(mean.len())) {
            let channels = mean.iter().zip(scale).zip(beta);
            let channels = channels.zip(gradient.mean.iter().zip(&gradient.slope));
            for ((x, &dy), (((mean, scale), beta), (mean_dy, slope))) in x.iter_mut().zip(dy).zip(channels) {
                let centred = *x - mean;
                let open = centred * scale + beta > *floor;
                let dy = if open { dy } else { 0.0 };
                *x = (dy - mean_dy - centred * slope) * scale;
            }
        }
    }
}
