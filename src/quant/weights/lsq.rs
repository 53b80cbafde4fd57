//! Learned step size quantization (arXiv 1902.08153): the spacing of the grid is a parameter.

use super::{Format, Grid, Known, Quantizer, Request, Scheme, Shared};
use crate::kernels::blocks::Blocks;
use crate::param::Param;
use crate::quant::learned::Learned;
use crate::registry::{Entry, told};
use crate::state::Visitor;

pub(super) const SCHEME: Scheme = Scheme {
    entry: Entry {
        name: "lsq",
        label: told("LSQ"),
        about: told("Uniform grid whose step is learned by its own gradient"),
    },
    format: Format::Integer,
    formula: told(
        "W_q = s clamp(round(W / s), -2^(b-1), 2^(b-1) - 1), s learned, from 2 mean|W| / sqrt(2^(b-1) - 1)",
    ),
    source: told("arXiv 1902.08153, equations 1 to 3"),
    bits: &[2, 3, 4, 5, 6, 7, 8],
    sharing: Shared::WithinTensor,
    build: |request| Some(Box::new(Lsq::new(request))),
};

/// Steps of all-zero blocks start here.
const SMALLEST_STEP: f32 = 1e-8;

struct Lsq {
    lowest: f32,
    highest: f32,
    blocks: Blocks,
    /// One a block.
    learned: Learned,
    /// Their present values.
    steps: Vec<f32>,
}

/// What a block sums up in the backward pass.
type Sum = f64;

impl Lsq {
    fn new(request: &Request) -> Self {
        let half = (1i32 << (request.bits - 1)) as f32;
        Self {
            lowest: -half,
            highest: half - 1.0,
            blocks: request.blocks,
            learned: Learned::new("log_step", request.blocks.count(), request.bits),
            steps: Vec::new(),
        }
    }

    /// The published initial steps.
    fn first_steps(&self, w: &[f32]) -> Vec<f32> {
        let root = f64::from(self.highest).sqrt();
        let step = |mean: f64| ((2.0 * mean / root) as f32).max(SMALLEST_STEP);
        self.blocks.mean_magnitudes(w).into_iter().map(step).collect()
    }
}

impl Quantizer for Lsq {
    fn fit(&mut self, w: &[f32], _known: &Known) {
        if !self.learned.is_known() {
            self.learned.start(self.first_steps(w));
        }
        self.steps = self.learned.values();
    }

    fn quantize(&self, w: &[f32], out: &mut [f32]) {
        self.blocks.round(w, &self.steps, [self.lowest, self.highest], out);
    }

    fn grid(&self) -> Grid {
        let levels = [self.lowest as i32, self.highest as i32];
        Grid::uniform(self.blocks, levels, self.steps.clone(), Vec::new())
    }

    /// `dw` is cut off outside of the grid (equation 5); the step's gradient is equation 3 times
    /// `1 / sqrt(N q)` (section 2.2), and times the step for its logarithm.
    fn backward(&mut self, w: &[f32], dw: &mut [f32]) {
        let (lowest, highest, steps) = (self.lowest, self.highest, &self.steps);
        let sums = self.blocks.fold_by(
            steps,
            w,
            dw,
            0.0,
            move |sum: Sum, step, w, dw| {
                let v = w / step;
                let slope = if v <= lowest {
                    lowest
                } else if v >= highest {
                    highest
                } else {
                    v.round_ties_even() - v
                };
                sum + f64::from(slope) * f64::from(dw)
            },
            |a, b| a + b,
        );
        for (block, sum) in sums.into_iter().enumerate() {
            let factor = 1.0 / (self.blocks.len(block) as f64 * f64::from(highest)).sqrt();
            self.learned.take_gradient(block, steps[block], sum * factor);
        }
        self.blocks.change(w, steps, dw, move |w, step, dw| {
            let v = w / step;
            if v > lowest && v < highest { dw } else { 0.0 }
        });
    }

    fn params(&self) -> &[Param] {
        self.learned.params()
    }

    fn params_mut(&mut self) -> &mut [Param] {
        self.learned.params_mut()
    }

    fn visit(&mut self, visitor: &mut dyn Visitor) {
        self.learned.visit(visitor);
    }
}
