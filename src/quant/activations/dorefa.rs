//! Activations clipped to 0..1 (DoReFa-Net, arXiv 1606.06160, equation 11).

use super::{ActivationQuantizer, ActivationScheme, Reach, most};
use crate::kernels::rounding::Rounding;
use crate::quant::format::Format;
use crate::registry::{Entry, told};

pub(super) const SCHEME: ActivationScheme = ActivationScheme {
    entry: Entry {
        name: "dorefa",
        label: told("DoReFa"),
        about: told("Clipped to 0 to 1, equally spaced levels"),
    },
    format: Format::Integer,
    formula: told("x_q = round((2^b - 1) clamp(x, 0, 1)) / (2^b - 1)"),
    source: told("arXiv 1606.06160, equation 11"),
    bits: &[1, 2, 3, 4, 5, 6, 7, 8],
    reach: Reach::Given,
    build: |request| Some(Box::new(Dorefa { most: most(request.bits) })),
};

struct Dorefa {
    most: f32,
}

impl ActivationQuantizer for Dorefa {
    fn rounding(&self, _training: bool) -> Option<Rounding> {
        Some(Rounding::Uniform { scale: 1.0 / self.most, most: self.most })
    }

    fn bound(&self) -> f32 {
        1.0
    }
}
