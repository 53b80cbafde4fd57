//! Signed powers of two without a zero (DenseShift, arXiv 2208.09708).
//!
//! The paper starts all latent variables at random and leaves the size of the weights to batch norm. Here they start with
//! the power that is nearest to each weight, and one power of two a layer, found then and kept, brings them to its size:
//! so trained weights can be rounded too. The master weight is the latent variable of the sign.

use std::sync::Arc;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

use super::{Format, Grid, Known, Quantizer, Request, Scheme, Shared};
use crate::kernels::blocks::Blocks;
use crate::kernels::dense_shift::Runs;
use crate::kernels::minifloat::{floor_log2, power_of_two};
use crate::param::{Param, Role};
use crate::registry::{Entry, told};
use crate::state::Visitor;

pub(super) const SCHEME: Scheme = Scheme {
    entry: Entry {
        name: "shift",
        label: told("Shift"),
        about: told(
            "Powers of two with a sign and without a zero; exponents are counted by latent variables",
        ),
    },
    format: Format::Custom,
    formula: told(
        "W_q = g sign(W) 2^S, S_t = (S_t-1 + 1) [V_t > 0] for 2^(b-1) - 1 latent variables V, S = the last; g a power of two",
    ),
    source: told("arXiv 2208.09708, section 3"),
    bits: &[2, 3, 4],
    sharing: Shared::Whole,
    build: |request| Some(Box::new(Shift::new(request))),
};

/// Of the latents (section 3.3).
const DEVIATION: f32 = 1e-3;
/// The lowest and the highest exponent of a layer: beyond any weight that matters, and far from f32's own ends.
const EXPONENTS: [i32; 2] = [-100, 100];
/// Bits of that exponent.
const EXPONENT_BITS: usize = 8;

struct Shift {
    blocks: Blocks,
    latents: Param,
    /// Of the latents, as they are since the last fit. Their gradient is a second owner.
    runs: Arc<Runs>,
    /// Of the layer; set once the latents are.
    exponent: i32,
    /// Of the latents' magnitudes.
    rng: ChaCha8Rng,
}

impl Shift {
    fn new(request: &Request) -> Self {
        let Blocks { rows, outputs, .. } = request.blocks;
        let dims = [(1 << (request.bits - 1)) - 1, rows * outputs];
        let runs = Arc::new(Runs::new(dims[0], dims[1]));
        let mut latents = Param::constant("latents", Role::Latent, &dims, f32::NAN);
        latents.decays = false;
        latents.grad = Vec::new();
        latents.derived = Some(runs.clone());
        Self { blocks: request.blocks, latents, runs, exponent: 0, rng: ChaCha8Rng::seed_from_u64(0) }
    }

    /// Changes the runs, which the latents' gradient follows from.
    fn change(&mut self, change: impl FnOnce(&mut Runs, &[f32])) {
        self.latents.derived = None;
        // No copy: it has no other owner now.
        change(Arc::make_mut(&mut self.runs), &self.latents.value);
        self.latents.derived = Some(self.runs.clone());
    }

    /// Latents for the power nearest to each weight, their magnitudes drawn as published.
    fn start(&mut self, w: &[f32]) {
        let highest = self.latents.dims[0] as i32;
        let top = floor_log2(crate::kernels::weights::abs_max(w)) + 1;
        let error = |exponent: i32| {
            let square = move |sum: f64, w: f32, _| {
                let power = power_of_two(nearest(w, exponent, highest) + exponent);
                sum + f64::from(w.abs() - power).powi(2)
            };
            self.blocks.fold(w, w, 0.0, square, |a, b| a + b)[0]
        };
        // From one that even the largest weight just reaches to one that only the smallest use.
        let candidates = (top - highest - 3..=top).map(|exponent| exponent.clamp(EXPONENTS[0], EXPONENTS[1]));
        let errors = candidates.map(|exponent| (exponent, error(exponent)));
        let best = errors.min_by(|a, b| a.1.total_cmp(&b.1));
        self.exponent = best.map_or(EXPONENTS[0], |(exponent, _)| exponent);
        let draws = Distribution::<f32>::sample_iter(StandardNormal, &mut self.rng);
        self.latents.value.iter_mut().zip(draws).for_each(|(latent, draw)| *latent = draw * DEVIATION);
        for (t, latents) in self.latents.value.chunks_exact_mut(w.len()).enumerate() {
            for (latent, w) in latents.iter_mut().zip(w) {
                let is_on = t as i32 >= highest - nearest(*w, self.exponent, highest);
                *latent = if is_on { latent.abs() } else { -latent.abs() };
            }
        }
    }
}

/// Which of 2^0 to 2^highest times 2^exponent is nearest to |w|.
#[inline(always)]
fn nearest(w: f32, exponent: i32, highest: i32) -> i32 {
    // The middle between two powers is 1.5 times the lower one.
    (floor_log2(w * (2.0 / 1.5)) - exponent).clamp(0, highest)
}

impl Quantizer for Shift {
    fn draw_from(&mut self, rng: ChaCha8Rng) {
        self.rng = rng;
    }

    fn fit(&mut self, w: &[f32], _known: &Known) {
        if self.latents.value.first().is_some_and(|latent| latent.is_nan()) {
            self.start(w);
        }
        self.change(|runs, latents| runs.count(latents));
    }

    fn quantize(&self, w: &[f32], out: &mut [f32]) {
        self.runs.forward(w, self.exponent, out);
    }

    fn grid(&self) -> Grid {
        let powers = (0..=self.latents.dims[0] as i32).map(power_of_two);
        let levels = powers.clone().rev().map(|power| -power).chain(powers).collect();
        Grid::table(self.blocks, levels, vec![power_of_two(self.exponent)]).costing(EXPONENT_BITS)
    }

    fn backward(&mut self, w: &[f32], dw: &mut [f32]) {
        let exponent = self.exponent;
        self.change(|runs, _| runs.backward(w, exponent, dw));
    }

    fn params(&self) -> &[Param] {
        std::slice::from_ref(&self.latents)
    }

    fn params_mut(&mut self) -> &mut [Param] {
        std::slice::from_mut(&mut self.latents)
    }

    fn visit(&mut self, visitor: &mut dyn Visitor) {
        let mut exponent = self.exponent as u64;
        visitor.number("exponent", &mut exponent);
        self.exponent = exponent as i32;
    }
}
