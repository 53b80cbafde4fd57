//! Equally spaced levels over a measured range (arXiv 1806.08342, section 2). Values are never negative: the zero point
//! is 0.

use super::range::Range;
use super::{ActivationQuantizer, ActivationRequest, ActivationScheme, most};
use crate::Tensor;
use crate::kernels::rounding::Rounding;
use crate::quant::format::Format;
use crate::registry::Entry;
use crate::state::Visitor;

pub(super) const SCHEME: ActivationScheme = ActivationScheme {
    entry: Entry {
        name: "affine",
        label: "Affine",
        about: "Equally spaced levels from 0 to the largest value of the batches so far",
    },
    format: Format::Integer,
    formula: "s = range / (2^b - 1), x_q = s clamp(round(x / s), 0, 2^b - 1)",
    source: "arXiv 1806.08342",
    check: "torch.fake_quantize_per_tensor_affine",
    bits: &[2, 3, 4, 5, 6, 7, 8],
    build: |request| Some(Box::new(Affine::new(request))),
};

struct Affine {
    most: f32,
    range: Range,
}

impl Affine {
    fn new(request: &ActivationRequest) -> Self {
        Self { most: most(request.bits), range: Range::new(request.tracking) }
    }
}

impl ActivationQuantizer for Affine {
    fn observe(&mut self, x: &Tensor) {
        self.range.observe(x);
    }

    fn rounding(&self, training: bool) -> Option<Rounding> {
        let range = self.range.largest(training)?;
        Some(Rounding::Uniform { scale: range / self.most, most: self.most })
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
