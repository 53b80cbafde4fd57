//! Learned steps (arXiv 1902.08153): the spacing of the levels is a parameter.

use super::{ActivationQuantizer, ActivationRequest, ActivationScheme, Look, Reach, most};
use crate::Tensor;
use crate::kernels::rounding::{Keep, Rounding, Sums, largest_and_sum};
use crate::param::Param;
use crate::quant::format::Format;
use crate::quant::learned::Learned;
use crate::registry::{Entry, told};
use crate::state::Visitor;

pub(super) const SCHEME: ActivationScheme = ActivationScheme {
    entry: Entry {
        name: "lsq",
        label: told("LSQ"),
        about: told("Equally spaced levels whose step is learned by its own gradient"),
    },
    format: Format::Integer,
    formula: told("x_q = s clamp(round(x / s), 0, 2^b - 1), s learned, from 2 mean(x) / sqrt(2^b - 1)"),
    source: told("arXiv 1902.08153, equations 1 to 3"),
    bits: &[2, 3, 4, 5, 6, 7, 8],
    reach: Reach::Learned,
    build: |request| Some(Box::new(Lsq::new(request))),
};

struct Lsq {
    most: f32,
    step: Learned,
}

impl Lsq {
    fn new(request: &ActivationRequest) -> Self {
        Self { most: most(request.bits), step: Learned::new("log_step", 1, request.bits) }
    }
}

impl ActivationQuantizer for Lsq {
    fn look(&self) -> Look {
        if self.step.is_known() { Look::Away } else { Look::Whole }
    }

    fn observe(&mut self, x: &Tensor) {
        if self.step.is_known() {
            return;
        }
        let (_, sum) = largest_and_sum(x);
        let mean = sum / x.shape().iter().product::<usize>().max(1) as f64;
        let step = (2.0 * mean / f64::from(self.most).sqrt()) as f32;
        if step > 0.0 && step.is_finite() {
            self.step.start([step]);
        }
    }

    fn rounding(&self, _training: bool) -> Option<Rounding> {
        let scale = self.step.value(0);
        self.step.is_known().then_some(Rounding::Uniform { scale, most: self.most })
    }

    fn keep(&self) -> Keep {
        Keep::Residuals
    }

    fn calibrate(&mut self, range: f32) {
        self.step.start([range / self.most]);
    }

    /// Equation 3 times `1 / sqrt(N q)` (section 2.2), N the values of an image; times the step for its logarithm.
    fn backward(&mut self, sums: Sums, features: usize) {
        // Where nothing but zeros was seen there is no step yet.
        if !self.step.is_known() {
            return;
        }
        let most = f64::from(self.most);
        let factor = 1.0 / (features as f64 * most).sqrt();
        let gradient = (sums.residuals + most * sums.clipped) * factor;
        self.step.take_gradient(0, self.step.value(0), gradient);
    }

    fn params(&self) -> &[Param] {
        self.step.params()
    }

    fn params_mut(&mut self) -> &mut [Param] {
        self.step.params_mut()
    }

    fn visit(&mut self, visitor: &mut dyn Visitor) {
        self.step.visit(visitor);
    }
}
