//! Powers of two whose exponents are counted by binary latent variables (DenseShift, arXiv 2208.09708, section 3).
//!
//! A weight has `n` latents, `latents[t * len + i]` is the one of position `t` of weight `i`. Its exponent is `S_n`, where
//! `S_0 = 0` and `S_t = (S_t-1 + 1)` if latent `t` is above 0, else 0: the length of the last run of positive ones.

use super::minifloat::power_of_two;
use super::parallel::{self, Parts};
use super::simd::Chosen;

/// Weights of a work item: with the stages of their exponents they fit into the first cache.
const CHUNK: usize = 1024;
/// Of 4 bits.
const MOST_LATENTS: usize = 7;

/// A stage for each latent, and the 0 before the first.
type Stages = [[f32; CHUNK]; MOST_LATENTS + 1];

/// Fills the stages `S_0` to `S_n` of some neighbouring weights, the first of them number `start` of `len`.
#[inline(always)]
fn count(latents: &[f32], len: usize, start: usize, width: usize, stages: &mut Stages) {
    assert!(latents.len() <= MOST_LATENTS * len, "latents of a weight");
    stages[0][..width].fill(0.0);
    for t in 0..latents.len() / len {
        let latents = &latents[t * len + start..][..width];
        let (before, after) = stages.split_at_mut(t + 1);
        for ((after, before), latent) in after[0].iter_mut().zip(&before[t]).zip(latents) {
            *after = if *latent > 0.0 { before + 1.0 } else { 0.0 };
        }
    }
}

/// `out = +-2^(S + exponent)` with the sign of `w`, that of 0 positive.
pub fn forward(w: &[f32], latents: &[f32], exponent: i32, out: &mut [f32]) {
    let (set, len) = (Chosen::now(), w.len());
    parallel::for_each_chunk(out, CHUNK, |item, out| {
        let (start, mut stages) = (item * CHUNK, [[0.0; CHUNK]; MOST_LATENTS + 1]);
        let w = &w[start..][..out.len()];
        set.vectorize(|| {
            count(latents, len, start, out.len(), &mut stages);
            for ((out, w), s) in out.iter_mut().zip(w).zip(&stages[latents.len() / len]) {
                let magnitude = power_of_two(*s as i32 + exponent);
                *out = if *w >= 0.0 { magnitude } else { -magnitude };
            }
        });
    });
}

/// Turns the gradient of the powers, in place, into that of the sign, and writes that of the latents: with `sqrt(S + 1)`
/// in the place of `2^S` (equation 9), signs and latents straight through.
pub fn backward(w: &[f32], latents: &[f32], exponent: i32, dw: &mut [f32], gradients: &mut [f32]) {
    assert_eq!((w.len(), latents.len()), (dw.len(), gradients.len()), "weights and latents");
    let (set, len, n) = (Chosen::now(), w.len(), latents.len() / w.len().max(1));
    let scale = power_of_two(exponent);
    let gradients = Parts::new(gradients);
    parallel::for_each_chunk(dw, CHUNK, |item, dw| {
        let (start, width, mut stages) = (item * CHUNK, dw.len(), [[0.0; CHUNK]; MOST_LATENTS + 1]);
        let w = &w[start..][..width];
        set.vectorize(|| {
            count(latents, len, start, width, &mut stages);
            // The gradient of the present stage.
            let mut slope = [0.0f32; CHUNK];
            for (((dw, w), s), slope) in dw.iter_mut().zip(w).zip(&stages[n]).zip(&mut slope) {
                let root = (s + 1.0).sqrt();
                let signed = if *w >= 0.0 { *dw } else { -*dw };
                *slope = signed * scale * 0.5 / root;
                *dw *= root * scale;
            }
            for t in (0..n).rev() {
                let place = t * len + start..t * len + start + width;
                // SAFETY: of each position a chunk's own weights, and no position twice.
                let gradients = unsafe { gradients.slice(place.clone()) };
                let lines = gradients.iter_mut().zip(&latents[place]).zip(&stages[t]).zip(&mut slope);
                for (((gradient, latent), before), slope) in lines {
                    *gradient = *slope * (before + 1.0);
                    *slope = if *latent > 0.0 { *slope } else { 0.0 };
                }
            }
        });
    });
}
