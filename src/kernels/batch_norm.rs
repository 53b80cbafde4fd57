//! Batch normalisation over N, H and W, with an optional ReLU behind it.
//!
//! These passes wait for memory. The backward pass therefore finds out where the ReLU was open from `x`, by the
//! forward pass's own arithmetic, instead of reading `y`.

use super::Activation;
use super::parallel::{self, Parts, RowBlocks, RowMap};
use super::simd::vectorize;
use crate::Tensor;

/// Per-channel values are repeated up to this many elements, so that inner loops are long for few channels too.
const TILE: usize = 128;

/// `values` (one a channel) repeated to a tile: a whole number of pixels.
fn tile(channels: usize, values: impl Fn(usize) -> f32) -> Vec<f32> {
    let len = channels * TILE.div_ceil(channels.max(1));
    (0..len).map(|i| values(i % channels)).collect()
}

/// Two sums a channel over all pixels. `add(row, sums)` adds a row of pixels, cut into tiles: `sums` is
/// `[2][tile length]`. f32 within a work item, f64 between, in the order of the items.
fn channel_sums(
    x: &Tensor,
    tile_len: usize,
    add: impl Fn(usize, &mut [f32], &mut [f32]) + Sync,
) -> [Vec<f64>; 2] {
    let blocks = RowBlocks::new(x);
    let parts = parallel::map(blocks.items(), |item| {
        let (mut first, mut second) = (vec![0.0f32; tile_len], vec![0.0f32; tile_len]);
        vectorize(|| {
            for row in blocks.range(item) {
                add(row, &mut first, &mut second);
            }
        });
        let fold = |sums: &[f32]| -> Vec<f64> {
            (0..x.c).map(|c| sums.iter().skip(c).step_by(x.c).map(|&s| f64::from(s)).sum()).collect()
        };
        [fold(&first), fold(&second)]
    });
    let total = |i: usize| (0..x.c).map(|c| parts.iter().map(|part| part[i][c]).sum()).collect();
    [total(0), total(1)]
}

/// Per-channel mean and biased variance of `x` over N, H, W. `mean` and `variance` have `x.c` elements.
///
/// One pass: sums of `x - shift` and of its square, where the shift is the first pixel's value: as close to the
/// mean as the spread of the data, so that nothing cancels even where the mean is far from zero.
pub fn statistics(x: &Tensor, mean: &mut [f32], variance: &mut [f32]) {
    assert_eq!((mean.len(), variance.len()), (x.c, x.c), "channels of mean and variance");
    let count = (x.n * x.h * x.w) as f64;
    if count == 0.0 {
        return;
    }
    let shift = tile(x.c, |c| x.data()[x.offset(0, 0, 0) + c]);
    let rows = RowMap::new(x);
    let sums = channel_sums(x, shift.len(), |row, sums, squares| {
        for x in x.data()[rows.range(row)].chunks(shift.len()) {
            let channels = shift.iter().zip(sums.iter_mut()).zip(squares.iter_mut());
            for (x, ((shift, sum), square)) in x.iter().zip(channels) {
                let v = x - shift;
                *sum += v;
                *square += v * v;
            }
        }
    });
    for c in 0..x.c {
        let offset = sums[0][c] / count;
        mean[c] = (f64::from(shift[c]) + offset) as f32;
        variance[c] = (sums[1][c] / count - offset * offset).max(0.0) as f32;
    }
}

/// One batch-norm layer in one pass: with the statistics of the batch when training, with the running ones
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
}

impl BatchNorm<'_> {
    /// `y = activation(gamma (x - mean) / sqrt(variance + eps) + beta)`.
    pub fn forward(&self, x: &Tensor, activation: Activation, y: &mut Tensor) {
        self.check(x, y);
        let (mean, scale, beta) = self.tiles();
        let (x_rows, y_rows) = (RowMap::new(x), RowMap::new(y));
        let blocks = RowBlocks::new(x);
        let y = Parts::new(y.data_mut());
        let floor = floor(activation);
        blocks.for_each(|rows| {
            vectorize(|| {
                for row in rows {
                    // SAFETY: each row is in one item.
                    let y = unsafe { y.slice(y_rows.range(row)) };
                    let x = &x.data()[x_rows.range(row)];
                    for (x, y) in x.chunks(mean.len()).zip(y.chunks_mut(mean.len())) {
                        let channels = mean.iter().zip(&scale).zip(&beta);
                        for ((x, y), ((mean, scale), beta)) in x.iter().zip(y).zip(channels) {
                            let v = (x - mean) * scale + beta;
                            *y = if v < floor { floor } else { v };
                        }
                    }
                }
            });
        });
    }

    /// Gradients of the training pass (`self` holds the statistics of this batch). `dy`, the gradient of the
    /// output of [`BatchNorm::forward`] with the same `activation`, becomes `dx` in place; `dgamma` and `dbeta` are
    /// overwritten.
    pub fn backward(
        &self,
        x: &Tensor,
        activation: Activation,
        dy: &mut Tensor,
        dgamma: &mut [f32],
        dbeta: &mut [f32],
    ) {
        self.check(x, dy);
        let count = (x.n * x.h * x.w) as f64;
        if count == 0.0 {
            return;
        }
        let (mean, scale, beta) = self.tiles();
        let (x_rows, dy_rows) = (RowMap::new(x), RowMap::new(dy));
        let floor = floor(activation);

        let sums = channel_sums(x, mean.len(), |row, sums, products| {
            let (x, dy) = (&x.data()[x_rows.range(row)], &dy.data()[dy_rows.range(row)]);
            for (x, dy) in x.chunks(mean.len()).zip(dy.chunks(mean.len())) {
                let channels = mean.iter().zip(&scale).zip(&beta);
                let sums = sums.iter_mut().zip(products.iter_mut());
                for (((x, dy), ((mean, scale), beta)), (sum, product)) in
                    x.iter().zip(dy).zip(channels).zip(sums)
                {
                    let centred = x - mean;
                    let open = centred * scale + beta > floor;
                    let dy = if open { *dy } else { 0.0 };
                    *sum += dy;
                    *product += dy * centred;
                }
            }
        });
        for c in 0..x.c {
            dbeta[c] = sums[0][c] as f32;
            dgamma[c] = (sums[1][c] * self.inverse_std(c)) as f32;
        }

        // dx = scale (dy - mean of dy - xhat * mean of dy xhat)
        let mean_dy = tile(x.c, |c| (sums[0][c] / count) as f32);
        let slope = tile(x.c, |c| (sums[1][c] * self.inverse_std(c).powi(2) / count) as f32);
        let blocks = RowBlocks::new(x);
        let dy = Parts::new(dy.data_mut());
        blocks.for_each(|rows| {
            vectorize(|| {
                for row in rows {
                    // SAFETY: each row is in one item.
                    let dy = unsafe { dy.slice(dy_rows.range(row)) };
                    let x = &x.data()[x_rows.range(row)];
                    for (x, dy) in x.chunks(mean.len()).zip(dy.chunks_mut(mean.len())) {
                        let channels = mean.iter().zip(&scale).zip(&beta).zip(mean_dy.iter().zip(&slope));
                        for ((x, dy), (((mean, scale), beta), (mean_dy, slope))) in
                            x.iter().zip(dy).zip(channels)
                        {
                            let centred = x - mean;
                            let open = centred * scale + beta > floor;
                            let masked = if open { *dy } else { 0.0 };
                            *dy = (masked - mean_dy - centred * slope) * scale;
                        }
                    }
                }
            });
        });
    }

    /// Mean, `gamma / sqrt(variance + eps)` and beta as tiles.
    fn tiles(&self) -> (Vec<f32>, Vec<f32>, Vec<f32>) {
        let channels = self.mean.len();
        let scale = |c: usize| (f64::from(self.gamma[c]) * self.inverse_std(c)) as f32;
        (tile(channels, |c| self.mean[c]), tile(channels, scale), tile(channels, |c| self.beta[c]))
    }

    fn inverse_std(&self, c: usize) -> f64 {
        1.0 / (f64::from(self.variance[c]) + f64::from(self.eps)).sqrt()
    }

    fn check(&self, x: &Tensor, y: &Tensor) {
        assert_eq!(x.shape(), y.shape(), "shapes of input and output");
        let channels = [self.mean.len(), self.variance.len(), self.gamma.len(), self.beta.len()];
        assert_eq!(channels, [x.c; 4], "channels of mean, variance, gamma, beta");
    }
}

/// The activation as `max(v, floor)`.
fn floor(activation: Activation) -> f32 {
    match activation {
        Activation::Identity => f32::NEG_INFINITY,
        Activation::Relu => 0.0,
    }
}
