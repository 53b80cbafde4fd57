//! Rows of few channels: what belongs to eight channels stays in registers while pixels go by.
//!
//! A stretch of pixels is gone through once for every eight channels, so it must be short enough to stay in the
//! nearest cache, and pixels narrow enough that each visit finds what it needs close together. Against loops over
//! tiles, which load the channels' values anew for every pixel, this halves the time of the small model's passes.

use std::array::from_fn;

use super::{Channels, InputGradient, LANES, load, store};

type Lanes = [f32; LANES];

/// Most channels for which this is faster. With 64 it no longer is where memory, not the cache, holds the image.
const MAX_CHANNELS: usize = 32;

/// Elements that are gone through again and again.
const STRETCH: usize = 512;

/// Whether rows of that many channels are few.
pub(super) fn fits(channels: usize) -> bool {
    channels <= MAX_CHANNELS && channels.is_multiple_of(LANES)
}

/// Elements of a stretch: whole pixels.
fn stretch(channels: usize) -> usize {
    STRETCH / channels * channels
}

/// Adds a row's `x - shift` and its squares to the sums. All but `row` have one element a channel or more.
#[inline(always)]
pub(super) fn add_statistics(
    row: &[f32],
    channels: usize,
    shift: &[f32],
    sums: &mut [f32],
    squares: &mut [f32],
) {
    for i in (0..channels).step_by(LANES) {
        let shift: Lanes = load(shift, i);
        let (mut sum, mut square): (Lanes, Lanes) = (load(sums, i), load(squares, i));
        for pixel in row.chunks_exact(channels) {
            let x: Lanes = load(pixel, i);
            let v: Lanes = from_fn(|i| x[i] - shift[i]);
            sum = from_fn(|i| sum[i] + v[i]);
            square = from_fn(|i| square[i] + v[i] * v[i]);
        }
        store(sums, i, sum);
        store(squares, i, square);
    }
}

impl Channels {
    /// [`Channels::sums`] of one row.
    #[inline(always)]
    pub(super) fn add_row(
        &self,
        row: &[f32],
        dy: &[f32],
        channels: usize,
        sums: &mut [f32],
        products: &mut [f32],
    ) {
        for i in (0..channels).step_by(LANES) {
            let [mean, scale, beta]: [Lanes; 3] = [&self.mean, &self.scale, &self.beta].map(|of| load(of, i));
            let (mut sum, mut product): (Lanes, Lanes) = (load(sums, i), load(products, i));
            for (pixel, dy) in row.chunks_exact(channels).zip(dy.chunks_exact(channels)) {
                let (x, dy): (Lanes, Lanes) = (load(pixel, i), load(dy, i));
                let centred: Lanes = from_fn(|i| x[i] - mean[i]);
                let open = |i: usize| centred[i] * scale[i] + beta[i] > self.floor;
                let dy: Lanes = from_fn(|i| if open(i) { dy[i] } else { 0.0 });
                sum = from_fn(|i| sum[i] + dy[i]);
                product = from_fn(|i| product[i] + dy[i] * centred[i]);
            }
            store(sums, i, sum);
            store(products, i, product);
        }
    }

    /// The forward pass over one row, with the row of the skip connection where there is one.
    #[inline(always)]
    pub(super) fn forward_row(&self, x: &[f32], skip: Option<&[f32]>, channels: usize, y: &mut [f32]) {
        let stretch = stretch(channels);
        for (at, (x, y)) in x.chunks(stretch).zip(y.chunks_mut(stretch)).enumerate() {
            let skip = skip.map(|skip| &skip[at * stretch..]);
            for i in (0..channels).step_by(LANES) {
                let [mean, scale, beta]: [Lanes; 3] =
                    [&self.mean, &self.scale, &self.beta].map(|of| load(of, i));
                let result = |x: Lanes| -> Lanes {
                    let v: Lanes = from_fn(|i| (x[i] - mean[i]) * scale[i] + beta[i]);
                    from_fn(|i| if v[i] < self.floor { self.floor } else { v[i] })
                };
                let pixels = x.chunks_exact(channels).zip(y.chunks_exact_mut(channels));
                if let Some(skip) = skip {
                    for ((x, y), skip) in pixels.zip(skip.chunks_exact(channels)) {
                        let (v, skip): (Lanes, Lanes) = (result(load(x, i)), load(skip, i));
                        store::<LANES>(y, i, from_fn(|i| v[i] + skip[i]));
                    }
                } else {
                    for (x, y) in pixels {
                        store::<LANES>(y, i, result(load(x, i)));
                    }
                }
            }
        }
    }

    /// The input's gradient over one row, in place.
    #[inline(always)]
    pub(super) fn backward_row(&self, dy: &[f32], gradient: &InputGradient, channels: usize, x: &mut [f32]) {
        let stretch = stretch(channels);
        for (x, dy) in x.chunks_mut(stretch).zip(dy.chunks(stretch)) {
            for i in (0..channels).step_by(LANES) {
                let [mean, scale, beta]: [Lanes; 3] =
                    [&self.mean, &self.scale, &self.beta].map(|of| load(of, i));
                let [mean_dy, slope]: [Lanes; 2] = [&gradient.mean, &gradient.slope].map(|of| load(of, i));
                for (pixel, dy) in x.chunks_exact_mut(channels).zip(dy.chunks_exact(channels)) {
                    let (x, dy): (Lanes, Lanes) = (load(pixel, i), load(dy, i));
                    let centred: Lanes = from_fn(|i| x[i] - mean[i]);
                    let open = |i: usize| centred[i] * scale[i] + beta[i] > self.floor;
                    let dy: Lanes = from_fn(|i| if open(i) { dy[i] } else { 0.0 });
                    let dx = |i: usize| (dy[i] - mean_dy[i] - centred[i] * slope[i]) * scale[i];
                    store::<LANES>(pixel, i, from_fn(dx));
                }
            }
        }
    }
}
