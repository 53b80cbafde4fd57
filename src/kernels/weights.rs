//! Passes over parameters: quantization, soft clipping, norms, the AdamW update.

use std::ops::Range;

use super::derived::Gradient;
use super::parallel::{self, Parts};
use super::simd::{Chosen, Kernel, Simd};

/// Elements of a work item.
const CHUNK: usize = 16 * 1024;

/// Elements that go through several loops while they are in the nearest cache.
const STRETCH: usize = 256;

/// Sums kept side by side: as many as two vectors of the widest instruction set hold.
const LANES: usize = 32;

/// The chunk of an item.
fn chunk(x: &[f32], item: usize) -> &[f32] {
    &x[item * CHUNK..x.len().min((item + 1) * CHUNK)]
}

/// Sum of squares: f32 over stretches of 32 squares, f64 between them, in fixed order.
pub fn sum_of_squares(x: &[f32]) -> f64 {
    let set = Chosen::now();
    let parts = parallel::map(x.len().div_ceil(CHUNK), |item| {
        set.vectorize(|| {
            let mut total = 0.0f64;
            for stretch in chunk(x, item).chunks(32 * LANES) {
                let mut sums = [0.0f32; LANES];
                let (whole, rest) = stretch.as_chunks::<LANES>();
                for x in whole {
                    for (sum, x) in sums.iter_mut().zip(x) {
                        *sum += x * x;
                    }
                }
                for (sum, x) in sums.iter_mut().zip(rest) {
                    *sum += x * x;
                }
                total += sums.iter().map(|&sum| f64::from(sum)).sum::<f64>();
            }
            total
        })
    });
    parts.iter().sum()
}

/// The same of a gradient.
pub fn gradient_squares(g: Gradient) -> f64 {
    match g {
        Gradient::Stored(values) => sum_of_squares(values),
        Gradient::Derived(derived) => derived.sum_of_squares(),
    }
}

/// The larger of two; NaN is passed over.
#[inline(always)]
fn larger(max: f32, v: f32) -> f32 {
    if v > max { v } else { max }
}

/// `max |x|` of a part; 0 for an empty one.
#[inline(always)]
pub(super) fn part_max(x: &[f32]) -> f32 {
    let mut max = [0.0f32; LANES];
    let (whole, rest) = x.as_chunks::<LANES>();
    for x in whole {
        for (max, x) in max.iter_mut().zip(x) {
            *max = larger(*max, x.abs());
        }
    }
    for (max, x) in max.iter_mut().zip(rest) {
        *max = larger(*max, x.abs());
    }
    max.into_iter().fold(0.0, larger)
}

/// `max |x|`; 0 for an empty slice. NaN is passed over.
pub fn abs_max(x: &[f32]) -> f32 {
    let set = Chosen::now();
    let parts = parallel::map(x.len().div_ceil(CHUNK), |item| set.vectorize(|| part_max(chunk(x, item))));
    parts.into_iter().fold(0.0, larger)
}

/// `w = limit tanh(w / limit)` in place. The error of tanh is below 3e-7, and below 4e-7 relative to it (2.8e-7 and
/// 3.6e-7 at 1.046 limits, the worst of all numbers; 2.1e-7 and 3.3e-7 within the limit). The result is never
/// beyond the limit, and just the limit from 10 limits on.
pub fn tanh_soft_clip(w: &mut [f32], limit: f32) {
    let set = Chosen::now();
    parallel::for_each_chunk(w, CHUNK, |_, w| {
        set.vectorize(|| w.chunks_mut(STRETCH).for_each(|w| soft_clip(w, limit)));
    });
}

/// [`tanh_soft_clip`] of a stretch. Stretches with a weight beyond the limit are few, since clipping leaves none;
/// which way a stretch goes changes nothing for the weights within it.
#[inline(always)]
fn soft_clip(w: &mut [f32], limit: f32) {
    let unit = 1.0 / limit;
    let beyond = w.iter().fold(0.0f32, |max, w| larger(max, w.abs())) > limit;
    if beyond {
        for w in w {
            *w = limit * tanh(*w * unit);
        }
    } else {
        for w in w {
            *w = limit * tanh_to_1(*w * unit);
        }
    }
}

/// tanh for |x| <= 1: the [7/6] Padé approximant.
#[inline(always)]
fn tanh_to_1(x: f32) -> f32 {
    let a = x * x;
    let numerator = x * (135135.0 + a * (17325.0 + a * (378.0 + a)));
    let denominator = 135135.0 + a * (62370.0 + a * (3150.0 + a * 28.0));
    numerator / denominator
}

/// tanh of anything, without a branch: beyond 1 from tanh(x / 16) by tanh(2x) = 2t / (1 + t^2), four times, which does
/// not magnify the error. The same bits everywhere, unlike the C library's. NaN stays NaN.
#[inline(always)]
pub fn tanh(x: f32) -> f32 {
    // tanh(10) = 1 - 4e-9 is 1 in f32.
    let bounded = if x > 10.0 { 10.0 } else { x };
    let bounded = if bounded < -10.0 { -10.0 } else { bounded };
    let mut t = tanh_to_1(bounded * 0.0625);
    for _ in 0..4 {
        t = 2.0 * t / (1.0 + t * t);
    }
    // The quotient may round to just above 1.
    t = if t > 1.0 { 1.0 } else { t };
    t = if t < -1.0 { -1.0 } else { t };
    let near = tanh_to_1(x);
    if x.abs() <= 1.0 { near } else { t }
}

/// Calls `body` with each stretch of a gradient and where it lies. Gives the largest value that `body` gave, at least 0.
fn along(g: Gradient, body: &(dyn Fn(Range<usize>, &[f32]) -> f32 + Sync)) -> f32 {
    let len = g.count();
    let parts = parallel::map(len.div_ceil(CHUNK), |item| {
        let (end, mut room) = (len.min((item + 1) * CHUNK), [0.0; STRETCH]);
        let stretches = (item * CHUNK..end).step_by(STRETCH).map(|start| start..end.min(start + STRETCH));
        stretches.fold(0.0, |max, range| {
            let room = &mut room[..range.len()];
            larger(max, body(range.clone(), g.stretch(range.start, room)))
        })
    });
    parts.into_iter().fold(0.0, larger)
}

/// One step of AdamW with decoupled weight decay (Loshchilov and Hutter, arXiv 1711.05101).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AdamW {
    /// Learning rate.
    pub lr: f64,
    /// Decay of the first moment.
    pub beta1: f64,
    /// Decay of the second moment.
    pub beta2: f64,
    /// Added to the root of the second moment.
    pub eps: f64,
    /// Decoupled weight decay.
    pub weight_decay: f64,
    /// Number of this step, from 1.
    pub step: u64,
    /// Factor on the gradient: that of the norm clipping, 1 without.
    pub gradient_scale: f32,
    /// `w <- limit tanh(w / limit)` after the step, as [`tanh_soft_clip`] does it.
    pub soft_clip: Option<f32>,
}

impl AdamW {
    /// Updates weights `w` and moments `m`, `v` by the gradient `g`, all of one length, in one pass. Returns
    /// `max |w|` of the new weights.
    pub fn update(&self, w: &mut [f32], g: Gradient, m: &mut [f32], v: &mut [f32]) -> f32 {
        assert_eq!([g.count(), m.len(), v.len()], [w.len(); 3], "elements of weights, gradient and moments");
        let factors = Factors {
            gradient_scale: self.gradient_scale,
            new1: (1.0 - self.beta1) as f32,
            keep2: self.beta2 as f32,
            new2: (1.0 - self.beta2) as f32,
            keep: (1.0 - self.lr * self.weight_decay) as f32,
            rate: (self.lr / (1.0 - power(self.beta1, self.step))) as f32,
            root: (1.0 / (1.0 - power(self.beta2, self.step)).sqrt()) as f32,
            eps: self.eps as f32,
        };
        let (set, w, m, v) = (Chosen::now(), Parts::new(w), Parts::new(m), Parts::new(v));
        along(g, &|range, g| {
            // SAFETY: stretches do not overlap.
            let (w, m, v) = unsafe { (w.slice(range.clone()), m.slice(range.clone()), v.slice(range)) };
            set.run(AdamWStretch { w, g, m, v, factors, soft_clip: self.soft_clip })
        })
    }
}

/// What [`AdamW`] comes to in a step.
#[derive(Clone, Copy)]
struct Factors {
    gradient_scale: f32,
    /// Share of the new gradient in the first moment.
    new1: f32,
    /// Shares of the past and of the new gradient in the second moment.
    keep2: f32,
    new2: f32,
    /// Of the weight, by its decay.
    keep: f32,
    /// Learning rate, first moment corrected.
    rate: f32,
    /// Correction of the root of the second moment.
    root: f32,
    eps: f32,
}

/// A stretch of [`AdamW::update`]. Gives the largest magnitude.
struct AdamWStretch<'a> {
    w: &'a mut [f32],
    g: &'a [f32],
    m: &'a mut [f32],
    v: &'a mut [f32],
    factors: Factors,
    soft_clip: Option<f32>,
}

impl Kernel for AdamWStretch<'_> {
    type Output = f32;

    #[inline(always)]
    fn run<S: Simd>(self, _: S) -> f32 {
        let Self { w, g, m, v, factors, soft_clip: limit } = self;
        let Factors { gradient_scale, new1, keep2, new2, keep, rate, root, eps } = factors;
        for ((w, g), (m, v)) in w.iter_mut().zip(g).zip(m.iter_mut().zip(v)) {
            let g = g * gradient_scale;
            *m += new1 * (g - *m);
            *v = keep2 * *v + new2 * (g * g);
            *w = *w * keep - rate * *m / (v.sqrt() * root + eps);
        }
        if let Some(limit) = limit {
            soft_clip(w, limit);
        }
        part_max(w)
    }
}

/// `base^exponent` by squaring: the same bits everywhere, unlike the C library's `pow`.
fn power(mut base: f64, mut exponent: u64) -> f64 {
    let mut result = 1.0;
    while exponent > 0 {
        if exponent % 2 == 1 {
            result *= base;
        }
        base *= base;
        exponent /= 2;
    }
    result
}

/// One step of gradient descent with Nesterov momentum, the decay added to the gradient.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Velocity {
    /// Learning rate.
    pub lr: f32,
    /// Share of the velocity that is kept.
    pub momentum: f32,
    /// Coupled weight decay.
    pub weight_decay: f32,
    /// Factor on the gradient.
    pub gradient_scale: f32,
}

impl Velocity {
    /// Updates weights `w` and their velocity `v` by the gradient `g`, all of one length:
    /// `g += decay w, v = momentum v + g, w -= lr (g + momentum v)`.
    pub fn update(&self, w: &mut [f32], g: Gradient, v: &mut [f32]) {
        assert_eq!([g.count(), v.len()], [w.len(); 2], "elements of weights, gradient and velocity");
        let Self { lr, momentum, weight_decay, gradient_scale } = *self;
        let (set, w, v) = (Chosen::now(), Parts::new(w), Parts::new(v));
        along(g, &|range, g| {
            // SAFETY: stretches do not overlap.
            let (w, v) = unsafe { (w.slice(range.clone()), v.slice(range)) };
            set.vectorize(|| {
                for ((w, g), v) in w.iter_mut().zip(g).zip(v) {
                    let g = g * gradient_scale + weight_decay * *w;
                    *v = momentum * *v + g;
                    *w -= lr * (g + momentum * *v);
                }
            });
            0.0
        });
    }
}

/// The averaged momentum with Nesterov's look ahead: `v += (1 - momentum) (g - v)`, `out = g + momentum (v - g)`, where
/// `g` counts `scale` times.
pub fn look_ahead(g: Gradient, scale: f32, momentum: f32, v: &mut [f32], out: &mut [f32]) {
    assert_eq!([g.count(), v.len()], [out.len(); 2], "elements of gradient, velocity and result");
    let (set, v, out) = (Chosen::now(), Parts::new(v), Parts::new(out));
    along(g, &|range, g| {
        // SAFETY: stretches do not overlap.
        let (v, out) = unsafe { (v.slice(range.clone()), out.slice(range)) };
        set.vectorize(|| {
            for ((out, g), v) in out.iter_mut().zip(g).zip(v) {
                let g = g * scale;
                *v += (1.0 - momentum) * (g - *v);
                *out = g + momentum * (*v - g);
            }
        });
        0.0
    });
}

/// `w = keep w + factor x`.
pub fn add_scaled(w: &mut [f32], keep: f32, x: &[f32], factor: f32) {
    assert_eq!(w.len(), x.len(), "elements of w and x");
    let set = Chosen::now();
    parallel::for_each_chunk(w, CHUNK, |item, w| {
        let x = chunk(x, item);
        set.vectorize(|| {
            for (w, x) in w.iter_mut().zip(x) {
                *w = *w * keep + factor * x;
            }
        });
    });
}
