//! Additive powers of two (arXiv 1909.13144): levels are sums of powers of two, up to a clip that is learned, for weights
//! whose mean is taken out and whose deviation is divided by.
//!
//! The paper leaves weights at a deviation of 1 and relies on batch norm behind every layer. Here the deviation is given
//! back, and held constant in the backward pass: behind batch norm it is the same network, and a last layer, which has
//! none, keeps its outputs' size.

use super::{Format, Grid, Known, Quantizer, Request, Scheme, Shared};
use crate::kernels::blocks::Blocks;
use crate::kernels::minifloat::power_of_two;
use crate::kernels::nearest::Nearest;
use crate::param::Param;
use crate::quant::learned::Learned;
use crate::registry::{Entry, told};
use crate::state::Visitor;

pub(super) const SCHEME: Scheme = Scheme {
    entry: Entry {
        name: "apot",
        label: told("APoT"),
        about: told("Sums of powers of two, dense around 0, up to a clip that is learned"),
    },
    format: Format::Custom,
    formula: told(
        "x = (W - mean) / deviation, W_q = deviation a P(clamp(x / a, -1, 1)), a learned, from 3; P to sums of up to four powers of two",
    ),
    source: told("arXiv 1909.13144, equations 4 to 9"),
    bits: &[2, 3, 4, 5, 6, 7, 8],
    sharing: Shared::WithinTensor,
    build: |request| Some(Box::new(Apot::new(request))),
};

/// Where clips start, as in the authors' code.
const FIRST_CLIP: f32 = 3.0;
/// Keeps the quotient of a block of equal weights finite.
const EPSILON: f64 = 1e-5;

struct Apot {
    blocks: Blocks,
    nearest: Nearest,
    clip: Learned,
    /// One a block.
    shares: Vec<Share>,
}

/// What a block's weights are normalised by.
#[derive(Clone, Copy)]
struct Share {
    mean: f32,
    deviation: f32,
    clip: f32,
}

impl Share {
    /// Of a weight, as a part of the clip.
    #[inline(always)]
    fn part(self, w: f32) -> f32 {
        (w - self.mean) / self.scale()
    }

    #[inline(always)]
    fn scale(self) -> f32 {
        self.deviation * self.clip
    }
}

#[derive(Clone, Copy, Default)]
struct Moments {
    sum: f64,
    squares: f64,
}

impl Moments {
    fn join(self, other: Self) -> Self {
        Self { sum: self.sum + other.sum, squares: self.squares + other.squares }
    }
}

/// Sums over a block in the backward pass; `passed` are the gradients of weights within the clip.
#[derive(Clone, Copy, Default)]
struct Sums {
    clip: f64,
    passed: f64,
    passed_by_weight: f64,
}

impl Sums {
    fn join(self, other: Self) -> Self {
        Self {
            clip: self.clip + other.clip,
            passed: self.passed + other.passed,
            passed_by_weight: self.passed_by_weight + other.passed_by_weight,
        }
    }
}

impl Apot {
    fn new(request: &Request) -> Self {
        let mut clip = Learned::new("log_clip", request.blocks.count(), request.bits);
        clip.start(vec![FIRST_CLIP; request.blocks.count()]);
        let nearest = Nearest::new(&levels(request.bits));
        Self { blocks: request.blocks, nearest, clip, shares: Vec::new() }
    }
}

/// Equations 5 and 6 with k = 2 for the bits of a magnitude, divided by the largest: every sum of one of 0, 2^-i,
/// 2^-(i + n), 2^-(i + 2n) for each i below n; an odd bit adds 0 or 2^-2n, and makes room for it.
fn levels(bits: u8) -> Vec<f32> {
    let (pairs, odd) = (i32::from(bits - 1) / 2, i32::from(bits - 1) % 2);
    let mut sums = vec![0.0f64];
    let mut add = |terms: &[f64]| {
        sums = sums.iter().flat_map(|sum| terms.iter().map(move |term| sum + term)).collect();
    };
    for i in 0..pairs {
        let power = |exponent: i32| f64::from(power_of_two(-exponent));
        add(&[0.0, power(i), power(i + pairs), power(i + 2 * pairs + odd)]);
    }
    if odd == 1 {
        add(&[0.0, f64::from(power_of_two(-2 * pairs))]);
    }
    let largest = sums.iter().copied().fold(0.0, f64::max);
    let magnitudes = sums.into_iter().map(|sum| (sum / largest) as f32);
    let mut levels: Vec<f32> = magnitudes.flat_map(|magnitude| [magnitude, 0.0 - magnitude]).collect();
    levels.sort_by(f32::total_cmp);
    levels.dedup();
    levels
}

impl Quantizer for Apot {
    fn fit(&mut self, w: &[f32], _known: &Known) {
        if !self.clip.is_known() {
            self.clip.start(vec![FIRST_CLIP; self.blocks.count()]);
        }
        let add = |moments: Moments, w: f32, _| {
            let w = f64::from(w);
            moments.join(Moments { sum: w, squares: w * w })
        };
        let moments = self.blocks.fold(w, w, Moments::default(), add, Moments::join);
        let share = |(block, moments): (usize, Moments)| {
            let len = self.blocks.len(block) as f64;
            let mean = moments.sum / len;
            let variance = (moments.squares / len - mean * mean).max(0.0);
            let deviation = variance.sqrt() + EPSILON;
            Share { mean: mean as f32, deviation: deviation as f32, clip: self.clip.value(block) }
        };
        self.shares = moments.into_iter().enumerate().map(share).collect();
    }

    fn quantize(&self, w: &[f32], out: &mut [f32]) {
        let nearest = &self.nearest;
        self.blocks.map(w, &self.shares, out, move |w, share| nearest.level(share.part(w)) * share.scale());
    }

    fn grid(&self) -> Grid {
        let scales = self.shares.iter().map(|share| share.scale()).collect();
        Grid::table(self.blocks, self.nearest.levels().to_vec(), scales)
    }

    /// Equation 8 for the clip; equation 9's normalisation is differentiated, its mean and deviation included.
    fn backward(&mut self, w: &[f32], dw: &mut [f32]) {
        let nearest = &self.nearest;
        let add = move |sums: Sums, share: Share, w: f32, dw: f32| {
            let part = share.part(w);
            let inside = part.abs() <= 1.0;
            let slope = if inside { nearest.level(part) - part } else { part.signum() };
            let passed = if inside { f64::from(dw) } else { 0.0 };
            sums.join(Sums {
                clip: f64::from(slope) * f64::from(dw),
                passed,
                passed_by_weight: passed * f64::from(w - share.mean),
            })
        };
        let sums = self.blocks.fold_by(&self.shares, w, dw, Sums::default(), add, Sums::join);
        let mut entries = Vec::with_capacity(sums.len());
        for (block, (share, sums)) in self.shares.iter().zip(sums).enumerate() {
            self.clip.take_gradient(block, share.clip, sums.clip * f64::from(share.deviation));
            let (len, deviation) = (self.blocks.len(block) as f64, f64::from(share.deviation));
            // Equal weights have a deviation of 0, which does not depend on them.
            let bare = deviation - EPSILON;
            let pull = if bare > 0.0 { sums.passed_by_weight / (len * bare * deviation) } else { 0.0 };
            entries.push((*share, (sums.passed / len) as f32, pull as f32));
        }
        self.blocks.change(w, &entries, dw, |w, (share, mean, pull), dw| {
            let passed = if share.part(w).abs() <= 1.0 { dw } else { 0.0 };
            passed - mean - (w - share.mean) * pull
        });
    }

    fn params(&self) -> &[Param] {
        self.clip.params()
    }

    fn params_mut(&mut self) -> &mut [Param] {
        self.clip.params_mut()
    }

    fn visit(&mut self, visitor: &mut dyn Visitor) {
        self.clip.visit(visitor);
    }
}
