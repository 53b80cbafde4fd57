//! Powers of two whose exponents are counted by binary latent variables (DenseShift, arXiv 2208.09708, section 3).
//!
//! A weight has `n` latents, `latents[t * len + i]` is the one of position `t` of weight `i`. Its exponent is `S_n`, where
//! `S_0 = 0` and `S_t = (S_t-1 + 1)` if latent `t` is above 0, else 0: the length of the last run of positive ones.
//!
//! Signs and latents are straight through. So with `slope` the gradient of `S_n`, that of the latent at `t` is
//! `slope (S_t-1 + 1)` if all behind it are above 0, else 0. There are three cases, where `x = S_n - (n - 1 - t)`: in the last
//! run `x > 0` and `S_t-1 + 1 = x`; just before it `x = 0`, and `S_t-1` is the length of the run that ended there;
//! further in front it is 0. Two small numbers a weight therefore say everything about its latents, and their gradients,
//! `n` times as many as the weights', are never stored: [`Runs`] makes them where the optimizer reads them.

use super::derived::Derived;
use super::minifloat::power_of_two;
use super::parallel::{self, Parts};
use super::simd::{Chosen, Kernel, Simd};

/// Weights of a work item.
const CHUNK: usize = 8 * 1024;
/// Sums kept side by side.
const LANES: usize = 32;
/// Weights that go through several loops while they are in the nearest cache, and squares in f32 before a sum in f64.
const STRETCH: usize = 32 * LANES;

/// The last two runs of positive latents of every weight, and the gradients that follow from them.
#[derive(Clone)]
pub struct Runs {
    /// Latents of a weight.
    n: usize,
    /// Weights.
    len: usize,
    /// Of each weight: `S_n`, and in the upper four bits 1 more than the length of the run before, or 0 where all latents are
    /// one run. Empty before [`Runs::count`].
    codes: Vec<u8>,
    /// Gradient of `S_n` of each weight. Empty before [`Runs::backward`].
    slopes: Vec<f32>,
    /// Sum of the squares of the latents' gradients.
    squares: f64,
}

/// `S_n` of a code.
#[inline(always)]
fn last(code: u8) -> u8 {
    code & 15
}

/// 1 more than the length of the run before the last one.
#[inline(always)]
fn before(code: u8) -> u8 {
    code >> 4
}

impl Runs {
    /// Of `len` weights with `n` latents each, at most 15.
    pub fn new(n: usize, len: usize) -> Self {
        assert!(n < 16, "{n} latents a weight");
        Self { n, len, codes: Vec::new(), slopes: Vec::new(), squares: 0.0 }
    }

    /// Reads the latents.
    pub fn count(&mut self, latents: &[f32]) {
        let Self { n, len, .. } = *self;
        assert_eq!(latents.len(), n * len, "latents");
        self.codes.resize(len, 0);
        let set = Chosen::now();
        parallel::for_each_chunk(&mut self.codes, CHUNK, |item, codes| {
            set.run(Count { latents, len, start: item * CHUNK, codes });
        });
    }

    /// `out = +-2^(S + exponent)` with the sign of `w`, that of 0 positive.
    pub fn forward(&self, w: &[f32], exponent: i32, out: &mut [f32]) {
        assert_eq!([w.len(), out.len()], [self.codes.len(); 2], "weights and counted ones");
        let set = Chosen::now();
        parallel::for_each_chunk(out, CHUNK, |item, out| {
            let range = item * CHUNK..item * CHUNK + out.len();
            set.run(Forward { codes: &self.codes[range.clone()], w: &w[range], exponent, out });
        });
    }

    /// Turns the gradient of the powers, in place, into that of the sign, and keeps what those of the latents follow from:
    /// with `sqrt(S + 1)` in the place of `2^S` (equation 9).
    pub fn backward(&mut self, w: &[f32], exponent: i32, dw: &mut [f32]) {
        let len = self.codes.len();
        assert_eq!([w.len(), dw.len()], [len; 2], "weights and counted ones");
        self.slopes.resize(len, 0.0);
        let (set, scale, codes) = (Chosen::now(), power_of_two(exponent), &self.codes);
        let (dw, slopes) = (Parts::new(dw), Parts::new(&mut self.slopes));
        let squares = parallel::map(len.div_ceil(CHUNK), |item| {
            let range = item * CHUNK..len.min((item + 1) * CHUNK);
            // SAFETY: chunks of different items do not overlap.
            let (dw, slopes) = unsafe { (dw.slice(range.clone()), slopes.slice(range.clone())) };
            set.run(Backward { codes: &codes[range.clone()], w: &w[range], scale, dw, slopes })
        });
        self.squares = squares.iter().sum();
    }
}

/// The gradients of the latents, as they lie.
impl Derived for Runs {
    fn count(&self) -> usize {
        self.n * self.len
    }

    fn fill(&self, mut start: usize, mut out: &mut [f32]) {
        let set = Chosen::now();
        while !out.is_empty() {
            let (t, first) = (start / self.len, start % self.len);
            let width = out.len().min(self.len - first);
            let (part, rest) = out.split_at_mut(width);
            let (codes, slopes) = (&self.codes[first..][..width], &self.slopes[first..][..width]);
            set.run(Fill { codes, slopes, behind: (self.n - 1 - t) as u8, out: part });
            (start, out) = (start + width, rest);
        }
    }

    fn sum_of_squares(&self) -> f64 {
        self.squares
    }

    fn bytes(&self) -> usize {
        self.len * (size_of::<u8>() + size_of::<f32>())
    }
}

/// Codes of some neighbouring weights, the first of them number `start` of `len`.
struct Count<'a> {
    latents: &'a [f32],
    len: usize,
    start: usize,
    codes: &'a mut [u8],
}

impl Kernel for Count<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let Self { latents, len, mut start, codes } = self;
        for codes in codes.chunks_mut(LANES) {
            // In bytes, of which a vector holds four times as many.
            let (mut last, mut before) = ([0u8; LANES], [0u8; LANES]);
            for latents in latents.chunks_exact(len) {
                let mut rest = [0.0; LANES];
                let latents = match latents[start..].first_chunk() {
                    Some(latents) => latents,
                    None => {
                        rest[..codes.len()].copy_from_slice(&latents[start..]);
                        &rest
                    }
                };
                let mut on = [0u8; LANES];
                for (on, latent) in on.iter_mut().zip(latents) {
                    *on = u8::from(*latent > 0.0).wrapping_neg();
                }
                for ((last, before), on) in last.iter_mut().zip(&mut before).zip(&on) {
                    let longer = *last + 1;
                    *last = longer & on;
                    *before = *before & on | longer & !on;
                }
            }
            start += codes.len();
            for (code, (last, before)) in codes.iter_mut().zip(last.iter().zip(&before)) {
                *code = last | before << 4;
            }
        }
    }
}

struct Forward<'a> {
    codes: &'a [u8],
    w: &'a [f32],
    exponent: i32,
    out: &'a mut [f32],
}

impl Kernel for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let Self { codes, w, exponent, out } = self;
        for ((out, w), code) in out.iter_mut().zip(w).zip(codes) {
            let magnitude = power_of_two(i32::from(last(*code)) + exponent);
            *out = if *w >= 0.0 { magnitude } else { -magnitude };
        }
    }
}

/// Gives the sum of the squares of the latents' gradients.
struct Backward<'a> {
    codes: &'a [u8],
    w: &'a [f32],
    /// 2^exponent.
    scale: f32,
    dw: &'a mut [f32],
    slopes: &'a mut [f32],
}

impl Kernel for Backward<'_> {
    type Output = f64;

    #[inline(always)]
    fn run<S: Simd>(self, _: S) -> f64 {
        let Self { codes, w, scale, dw, slopes } = self;
        let mut total = 0.0;
        let read = codes.chunks(STRETCH).zip(w.chunks(STRETCH));
        let written = dw.chunks_mut(STRETCH).zip(slopes.chunks_mut(STRETCH));
        for ((codes, w), (dw, slopes)) in read.zip(written) {
            let mut squares = [0.0f32; STRETCH];
            let read = codes.iter().zip(w);
            let written = dw.iter_mut().zip(slopes.iter_mut().zip(&mut squares));
            for ((code, w), (dw, (slope, square))) in read.zip(written) {
                let (last, before) = (f32::from(last(*code)), f32::from(before(*code)));
                let root = (last + 1.0).sqrt();
                let signed = if *w >= 0.0 { *dw } else { -*dw };
                *slope = signed * scale * 0.5 / root;
                *dw *= root * scale;
                // 1 + 4 + ... + last^2 of the last run, and of the latent before it.
                let factors = last * (last + 1.0) * (2.0 * last + 1.0) * (1.0 / 6.0) + before * before;
                *square = *slope * *slope * factors;
            }
            let mut sums = [0.0f32; LANES];
            for squares in squares.as_chunks::<LANES>().0 {
                for (sum, square) in sums.iter_mut().zip(squares) {
                    *sum += square;
                }
            }
            total += sums.iter().map(|&sum| f64::from(sum)).sum::<f64>();
        }
        total
    }
}

/// Gradients of the latents of one position.
struct Fill<'a> {
    codes: &'a [u8],
    slopes: &'a [f32],
    /// Positions behind it.
    behind: u8,
    out: &'a mut [f32],
}

impl Kernel for Fill<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let Self { codes, slopes, behind, out } = self;
        let read = codes.chunks(STRETCH).zip(slopes.chunks(STRETCH));
        for ((codes, slopes), out) in read.zip(out.chunks_mut(STRETCH)) {
            // In bytes first, of which a vector holds four times as many.
            let mut factors = [0u8; STRETCH];
            for (factor, code) in factors.iter_mut().zip(codes) {
                let (last, before) = (last(*code), before(*code));
                *factor = last.saturating_sub(behind) | if last == behind { before } else { 0 };
            }
            for ((out, slope), factor) in out.iter_mut().zip(slopes).zip(&factors) {
                *out = slope * f32::from(*factor);
            }
        }
    }
}
