//! Learned steps (arXiv 1902.08153): the spacing of the levels is a parameter.

use super::{ActivationQuantizer, ActivationRequest, ActivationScheme, most};
use crate::Tensor;
use crate::kernels::rounding::{Keep, Rounding, Sums, largest_and_sum};
use crate::param::Param;
use crate::quant::format::Format;
use crate::quant::learned;
use crate::registry::Entry;
use crate::state::Visitor;

pub(super) const SCHEME: ActivationScheme = ActivationScheme {
    entry: Entry {
        name: "lsq",
        label: "LSQ",
        about: "Equally spaced levels whose step is learned by its own gradient",
    },
    format: Format::Integer,
    formula: "x_q = s clamp(round(x / s), 0, 2^b - 1), s learned, from 2 mean(x) / sqrt(2^b - 1)",
    source: "arXiv 1902.08153, equations 1 to 3",
    check: "torch._fake_quantize_learnable_per_tensor_affine",
    bits: &[2, 3, 4, 5, 6, 7, 8],
    build: |request| Some(Box::new(Lsq::new(request))),
};

struct Lsq {
    most: f32,
    /// ln s.
    log_step: Param,
    /// The bits that the step was learned for: a fork may bring that of other ones.
    learned_bits: u64,
    bits: u64,
}

impl Lsq {
    fn new(request: &ActivationRequest) -> Self {
        let bits = request.bits.into();
        let log_step = learned::logarithms("log_step", 1);
        Self { most: most(request.bits), log_step, learned_bits: bits, bits }
    }

    fn is_known(&self) -> bool {
        self.learned_bits == self.bits && !self.log_step.value[0].is_nan()
    }

    fn step(&self) -> f32 {
        self.log_step.value[0].exp()
    }
}

impl ActivationQuantizer for Lsq {
    fn observe(&mut self, x: &Tensor) {
        if self.is_known() {
            return;
        }
        let (_, sum) = largest_and_sum(x);
        let mean = sum / x.shape().iter().product::<usize>().max(1) as f64;
        if mean > 0.0 && mean.is_finite() {
            self.log_step.value[0] = ((2.0 * mean / f64::from(self.most).sqrt()) as f32).ln();
            self.learned_bits = self.bits;
        }
    }

    fn rounding(&self, _training: bool) -> Option<Rounding> {
        self.is_known().then(|| Rounding::Uniform { scale: self.step(), most: self.most })
    }

    fn keep(&self) -> Keep {
        Keep::Residuals
    }

    /// Equation 3 times `1 / sqrt(N q)` (section 2.2), N the values of an image; times the step for its logarithm.
    fn backward(&mut self, sums: Sums, features: usize) {
        let most = f64::from(self.most);
        let factor = 1.0 / (features as f64 * most).sqrt();
        let step = (sums.residuals + most * sums.clipped) * factor;
        self.log_step.grad[0] = (step * f64::from(self.step())) as f32;
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
