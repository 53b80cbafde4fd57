//! A clip that is learned (PACT, arXiv 1805.06085, equations 1 to 3).

use super::{ActivationQuantizer, ActivationRequest, ActivationScheme, most};
use crate::kernels::rounding::{Rounding, Sums};
use crate::param::Param;
use crate::quant::format::Format;
use crate::quant::learned;
use crate::registry::Entry;

pub(super) const SCHEME: ActivationScheme = ActivationScheme {
    entry: Entry { name: "pact", label: "PACT", about: "Equally spaced levels up to a clip that is learned" },
    format: Format::Integer,
    formula: "x_q = round(clamp(x, 0, a) (2^b - 1) / a) a / (2^b - 1), a learned, from 10, with an L2 penalty",
    source: "arXiv 1805.06085, equations 1 to 3",
    check: "transcript in NumPy, autograd",
    bits: &[2, 3, 4, 5, 6, 7, 8],
    build: |request| Some(Box::new(Pact::new(request))),
};

/// Where clips start.
const FIRST_CLIP: f32 = 10.0;

struct Pact {
    most: f32,
    decay: f32,
    /// ln a.
    log_clip: Param,
}

impl Pact {
    fn new(request: &ActivationRequest) -> Self {
        let mut log_clip = learned::logarithms("log_clip", 1);
        log_clip.value[0] = FIRST_CLIP.ln();
        Self { most: most(request.bits), decay: request.clip_decay, log_clip }
    }
}

impl ActivationQuantizer for Pact {
    fn rounding(&self, _training: bool) -> Option<Rounding> {
        Some(Rounding::Uniform { scale: self.bound() / self.most, most: self.most })
    }

    fn bound(&self) -> f32 {
        self.log_clip.value[0].exp()
    }

    /// Equation 3: a clipped value passes its gradient on to the clip. Times the clip for its logarithm.
    fn backward(&mut self, sums: Sums, _features: usize) {
        let clip = f64::from(self.bound());
        self.log_clip.grad[0] = ((sums.clipped + f64::from(self.decay) * clip) * clip) as f32;
    }

    fn params(&self) -> &[Param] {
        std::slice::from_ref(&self.log_clip)
    }

    fn params_mut(&mut self) -> &mut [Param] {
        std::slice::from_mut(&mut self.log_clip)
    }
}
