//! Learned step size quantization (arXiv 1902.08153): the spacing of the grid is a parameter.

use super::{Format, Grid, Known, Quantizer, Request, Scheme, Shared};
use crate::kernels::blocks::Blocks;
use crate::param::Param;
use crate::quant::learned;
use crate::registry::Entry;
use crate::state::Visitor;

pub(super) const SCHEME: Scheme = Scheme {
    entry: Entry {
        name: "lsq",
        label: "LSQ",
        about: "Uniform grid whose step is learned by its own gradient",
    },
    format: Format::Integer,
    formula: "W_q = s clamp(round(W / s), -2^(b-1), 2^(b-1) - 1), s learned, from 2 mean|W| / sqrt(2^(b-1) - 1)",
    source: "arXiv 1902.08153, equations 1 to 3",
    bits: &[2, 3, 4, 5, 6, 7, 8],
    sharing: Shared::WithinTensor,
    build: |request| Some(Box::new(Lsq::new(request))),
};

/// Steps of all-zero blocks start here.
const SMALLEST_STEP: f32 = 1e-8;

/// The logarithm of the step is trained, so that the step stays above zero.
struct Lsq {
    lowest: f32,
    highest: f32,
    blocks: Blocks,
    /// ln s of each block.
    log_step: Param,
    /// e to that.
    steps: Vec<f32>,
    /// The bits that the steps were learned for: a fork may bring those of other ones.
    learned_bits: u64,
    bits: u64,
}

/// What a block sums up in the backward pass.
type Sum = f64;

impl Lsq {
    fn new(request: &Request) -> Self {
        let half = (1i32 << (request.bits - 1)) as f32;
        let log_step = learned::logarithms("log_step", request.blocks.count());
        Self {
            lowest: -half,
            highest: half - 1.0,
            blocks: request.blocks,
            log_step,
            steps: Vec::new(),
            learned_bits: request.bits.into(),
            bits: request.bits.into(),
        }
    }

    /// The published initial steps.
    fn first_steps(&self, w: &[f32]) -> Vec<f32> {
        let sums = self.blocks.fold(w, w, 0.0, |sum: Sum, w, _| sum + f64::from(w.abs()), |a, b| a + b);
        let root = f64::from(self.highest).sqrt();
        let step = |(block, sum): (usize, Sum)| {
            ((2.0 * sum / self.blocks.len(block) as f64 / root) as f32).max(SMALLEST_STEP)
        };
        sums.into_iter().enumerate().map(step).collect()
    }
}

impl Quantizer for Lsq {
    fn fit(&mut self, w: &[f32], _known: &Known) {
        if self.learned_bits != self.bits || self.log_step.value.iter().any(|log| log.is_nan()) {
            self.log_step.value = self.first_steps(w).into_iter().map(f32::ln).collect();
            self.learned_bits = self.bits;
        }
        self.steps = self.log_step.value.iter().map(|log| log.exp()).collect();
    }

    fn quantize(&self, w: &[f32], out: &mut [f32]) {
        let (lowest, highest) = (self.lowest, self.highest);
        self.blocks.map(w, &self.steps, out, move |w, step| {
            let level = (w / step).round_ties_even();
            let level = if level > highest { highest } else { level };
            let level = if level < lowest { lowest } else { level };
            level * step
        });
    }

    fn grid(&self) -> Grid {
        let levels = [self.lowest as i32, self.highest as i32];
        Grid::uniform(self.blocks, levels, self.steps.clone(), Vec::new())
    }

    /// `dw` is cut off outside of the grid (equation 5); the step's gradient is equation 3 times
    /// `1 / sqrt(N q)` (section 2.2), and times the step for its logarithm.
    fn backward(&mut self, w: &[f32], dw: &mut [f32]) {
        let (lowest, highest, steps) = (self.lowest, self.highest, &self.steps);
        // What each weight adds to its step's gradient; the sums follow.
        let mut terms = vec![0.0; w.len()];
        self.blocks.map(w, steps, &mut terms, move |w, step| {
            let v = w / step;
            if v <= lowest {
                lowest
            } else if v >= highest {
                highest
            } else {
                v.round_ties_even() - v
            }
        });
        let sums = self.blocks.fold(
            &terms,
            dw,
            0.0,
            |sum: Sum, term, dw| sum + f64::from(term) * f64::from(dw),
            |a, b| a + b,
        );
        for (block, sum) in sums.into_iter().enumerate() {
            let factor = 1.0 / (self.blocks.len(block) as f64 * f64::from(highest)).sqrt();
            self.log_step.grad[block] = (sum * factor * f64::from(steps[block])) as f32;
        }
        self.blocks.change(w, steps, dw, move |w, step, dw| {
            let v = w / step;
            if v > lowest && v < highest { dw } else { 0.0 }
        });
    }

    fn params(&self) -> &[Param] {
        std::slice::from_ref(&self.log_step)
    }

    fn params_mut(&mut self) -> &mut [Param] {
        std::slice::from_mut(&mut self.log_step)
    }

    fn visit(&mut self, visitor: &mut dyn Visitor) {
        visitor.number("bits", &mut self.learned_bits);
    }
}
