//! Floating-point numbers of a few bits over a measured range (FLIQS, arXiv 2308.03290).

use super::range::Range;
use super::{ActivationQuantizer, ActivationRequest};
use crate::Tensor;
use crate::kernels::minifloat::Minifloat;
use crate::kernels::rounding::Rounding;
use crate::state::Visitor;

/// `s = range / largest`, `x_q = s round(x / s)` to the nearest number of the format.
pub(super) struct Float {
    format: Minifloat,
    range: Range,
}

impl Float {
    pub fn new(format: Minifloat, request: &ActivationRequest) -> Self {
        Self { format, range: Range::new(request.tracking) }
    }
}

impl ActivationQuantizer for Float {
    fn observe(&mut self, x: &Tensor) {
        self.range.observe(x);
    }

    fn rounding(&self, training: bool) -> Option<Rounding> {
        let range = self.range.largest(training)?;
        Some(Rounding::Float { format: self.format, scale: range / self.format.largest })
    }

    fn bound(&self) -> f32 {
        self.range.bound()
    }

    fn end_step(&mut self) {
        self.range.end_step();
    }

    fn visit(&mut self, visitor: &mut dyn Visitor) {
        self.range.visit(visitor);
    }
}
