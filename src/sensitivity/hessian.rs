//! Products of a vector with one layer's part of the loss's Hessian.
//!
//! With fixed statistics a network of ReLUs and poolings is linear in the weights of any one layer wherever it has a second
//! derivative, so that this part is `J^T S J`: J the gradient of the logits with respect to the layer, S the curvature of the
//! softmax, `diag(p) - p p^T` an image, over the number of images. `J v` is taken by central differences of the logits, which
//! are continuous, and `J^T` by a backward pass.
//!
//! Central differences of the gradient, `(g(w + e v) - g(w - e v)) / 2e`, would ask for less: but the gradient jumps where a
//! ReLU opens, and so many open on the way that the jumps are all one sees (docs/ARCHITECTURE.md has the figures).

use super::Probe;
use super::probe::BACKWARD;
use crate::Result;
use crate::kernels::weights::sum_of_squares;
use crate::random::{Purpose, below, stream};

/// The largest step of the differences, as a share of the layer's weights: `|e v| / |w|`.
const STEP: f64 = 1e-4;

/// Passes over a batch that a product takes.
pub const PASSES: usize = 3 + BACKWARD;

/// `H v`, and `v H v`.
pub fn product(probe: &mut Probe, layer: usize, weights: &[f32], v: &[f32]) -> Result<(Vec<f32>, f64)> {
    let e = STEP * norm(weights) / norm(v);
    let mut sides = Vec::new();
    for e in [e, -e] {
        let moved = weights.iter().zip(v).map(|(w, v)| (f64::from(*w) + e * f64::from(*v)) as f32).collect();
        probe.set_weights(layer, moved);
        sides.push(probe.logits()?);
    }
    probe.set_weights(layer, weights.to_vec());
    let difference = |(plus, minus): (&f32, &f32)| (f64::from(*plus) - f64::from(*minus)) / (2.0 * e);
    let jv: Vec<f64> = sides[0].iter().zip(&sides[1]).map(difference).collect();
    let (gradients, curved) = probe.pull_back(|p, at, out| {
        let mean: f64 = p.iter().zip(&jv[at..]).map(|(p, jv)| p * jv).sum();
        out.iter_mut().zip(p).zip(&jv[at..]).for_each(|((out, p), jv)| *out = p * (jv - mean));
    })?;
    let curvature = curved.iter().zip(&jv).map(|(curved, jv)| curved * jv).sum();
    Ok((gradients.into_iter().nth(layer).expect("a layer of the network"), curvature))
}

/// Plus and minus ones, the same for every run; `draw` tells them apart.
pub fn signs(layer: usize, count: usize, draw: u64) -> Vec<f32> {
    let mut rng = stream(0u32, Purpose::Direction { layer }, draw);
    (0..count).map(|_| if below(&mut rng, 2) == 0 { -1.0 } else { 1.0 }).collect()
}

/// The largest eigenvalue of one layer's part of the Hessian, by power iteration.
pub struct PowerIteration {
    layer: usize,
    weights: Vec<f32>,
    /// Of length 1.
    v: Vec<f32>,
    value: f64,
    iterations: usize,
}

/// Iterations at most.
pub const ITERATIONS: usize = 20;

/// A change of the eigenvalue from one iteration to the next, as a share of it, that ends them.
const TOLERANCE: f64 = 1e-2;

impl PowerIteration {
    pub fn new(probe: &Probe, layer: usize) -> Self {
        let weights = probe.weights(layer).to_vec();
        let mut v = signs(layer, weights.len(), 0);
        normalize(&mut v);
        Self { layer, weights, v, value: 0.0, iterations: 0 }
    }

    /// Does one iteration; the eigenvalue, once it stands.
    ///
    /// # Errors
    /// [`crate::Error::Diverged`] where a loss is not finite.
    pub fn advance(&mut self, probe: &mut Probe) -> Result<Option<f64>> {
        let before = self.value;
        (self.v, self.value) = product(probe, self.layer, &self.weights, &self.v)?;
        normalize(&mut self.v);
        self.iterations += 1;
        let stands = (self.value - before).abs() <= TOLERANCE * self.value;
        Ok((stands || self.iterations == ITERATIONS).then_some(self.value))
    }
}

fn norm(v: &[f32]) -> f64 {
    let norm = sum_of_squares(v).sqrt();
    // What is all zero has no size to go by.
    if norm > 0.0 { norm } else { 1.0 }
}

fn normalize(v: &mut [f32]) {
    let norm = norm(v);
    v.iter_mut().for_each(|v| *v = (f64::from(*v) / norm) as f32);
}
