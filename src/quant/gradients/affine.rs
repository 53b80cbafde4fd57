//! Equally spaced levels from the smallest to the largest gradient of a batch, rounded by chance (arXiv 1806.08342,
//! section 2.1, for the levels).

use super::{GradientScheme, most};
use crate::Tensor;
use crate::kernels::blocks::Extent;
use crate::kernels::gradients::{Noise, change, extents};
use crate::quant::format::Format;
use crate::registry::{Entry, told};

pub(super) const SCHEME: GradientScheme = GradientScheme {
    entry: Entry {
        name: "affine",
        label: told("Affine"),
        about: told("Equally spaced levels over a batch's range, up or down by chance"),
    },
    format: Format::Integer,
    formula: told(
        "g_q = s (floor(g / s + z + u) - z), u uniform in [0, 1); 2^b levels hold 0 and both ends of the batch",
    ),
    source: told("arXiv 1806.08342, section 2.1"),
    bits: &[4, 8],
    round: Some(round),
    levels: None,
};

fn round(bits: u8, dy: &mut Tensor, noise: Noise) {
    let most = most(bits);
    let zero = Extent { min: 0.0, max: 0.0 };
    let Extent { min, max } = extents(dy).into_iter().fold(zero, Extent::join);
    let range = max - min;
    if range <= 0.0 {
        return;
    }
    // A side that has values has a level, and a whole zero point moves the range by up to half a step: the step grows
    // until it holds both ends again. What was cut off would be missing in the mean.
    let [lowest, highest] = [f32::from(min < 0.0), most - f32::from(max > 0.0)];
    let zero_point = (-min / range * most).round_ties_even().max(lowest).min(highest);
    let reach = |end: f32, steps: f32| if steps > 0.0 { end / steps } else { 0.0 };
    let step = reach(max, most - zero_point).max(reach(-min, zero_point));
    // A range of the smallest denormals has no step of its own.
    if step <= 0.0 {
        return;
    }
    let table = vec![step; dy.n()];
    change(dy, noise, &table, move |x, noise, step| {
        let level = (x / step + zero_point + noise).floor();
        let level = if level > most { most } else { level };
        let level = if level < 0.0 { 0.0 } else { level };
        (level - zero_point) * step
    });
}
