//! A clip that is learned (PACT, arXiv 1805.06085, equations 1 to 3).

use super::{ActivationQuantizer, ActivationRequest, ActivationScheme, Reach, most};
use crate::kernels::rounding::{Rounding, Sums};
use crate::param::Param;
use crate::quant::format::Format;
use crate::quant::learned::Learned;
use crate::registry::{Entry, told};

pub(super) const SCHEME: ActivationScheme = ActivationScheme {
    entry: Entry {
        name: "pact",
        label: told("PACT"),
        about: told("Equally spaced levels up to a clip that is learned"),
    },
    format: Format::Integer,
    formula: told(
        "x_q = round(clamp(x, 0, a) (2^b - 1) / a) a / (2^b - 1), a learned, from 10, with an L2 penalty",
    ),
    source: told("arXiv 1805.06085, equations 1 to 3"),
    bits: &[2, 3, 4, 5, 6, 7, 8],
    reach: Reach::Learned,
    build: |request| Some(Box::new(Pact::new(request))),
};

/// Where clips start.
const FIRST_CLIP: f32 = 10.0;

struct Pact {
    most: f32,
    decay: f32,
    clip: Learned,
}

impl Pact {
    fn new(request: &ActivationRequest) -> Self {
        let mut clip = Learned::new("log_clip", 1, request.bits);
        clip.start([FIRST_CLIP]);
        Self { most: most(request.bits), decay: request.clip_decay, clip }
    }
}

impl ActivationQuantizer for Pact {
    fn rounding(&self, _training: bool) -> Option<Rounding> {
        Some(Rounding::Uniform { scale: self.bound() / self.most, most: self.most })
    }

    fn bound(&self) -> f32 {
        self.clip.value(0)
    }

    fn calibrate(&mut self, range: f32) {
        self.clip.start([range]);
    }

    /// Equation 3: a clipped value passes its gradient on to the clip. Times the clip for its logarithm.
    fn backward(&mut self, sums: Sums, _features: usize) {
        let clip = self.bound();
        self.clip.take_gradient(0, clip, sums.clipped + f64::from(self.decay) * f64::from(clip));
    }

    fn params(&self) -> &[Param] {
        self.clip.params()
    }

    fn params_mut(&mut self) -> &mut [Param] {
        self.clip.params_mut()
    }
}
