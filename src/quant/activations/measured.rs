//! Roundings over a range that is measured while training.

use super::{ActivationQuantizer, ActivationRequest, Look, Tracking};
use crate::kernels::minifloat::Minifloat;
use crate::kernels::rounding::Rounding;
use crate::state::{self, Visitor};

/// Weight of a new batch in the moving average, as PyTorch's observer has it.
const NEW: f32 = 0.01;

/// The rounding from 0 to a largest value.
type UpTo = Box<dyn Fn(f32) -> Rounding + Send + Sync>;

/// Follows the largest value of the batches.
pub(super) struct Measured {
    tracking: Tracking,
    up_to: UpTo,
    /// 0 before anything was seen.
    range: f64,
    /// What it becomes with the batch seen last, once that step is taken.
    next: Option<f32>,
}

impl Measured {
    pub fn new(request: &ActivationRequest, up_to: impl Fn(f32) -> Rounding + Send + Sync + 'static) -> Self {
        Self { tracking: request.tracking, up_to: Box::new(up_to), range: 0.0, next: None }
    }

    /// Onto the numbers of a format, the largest of which is the end of the range.
    pub fn float(request: &ActivationRequest, format: Minifloat) -> Self {
        Self::new(request, move |range| Rounding::Float { format, scale: range / format.largest })
    }

    /// `None` before anything but zeros was seen.
    fn range(&self, training: bool) -> Option<f32> {
        let range = self.next.filter(|_| training).unwrap_or(self.range as f32);
        (range > 0.0).then_some(range)
    }
}

impl ActivationQuantizer for Measured {
    fn look(&self) -> Look {
        Look::Largest
    }

    fn observe_largest(&mut self, largest: f32) {
        let now = self.range as f32;
        self.next = Some(match self.tracking {
            _ if now == 0.0 => largest,
            Tracking::Largest => now.max(largest),
            Tracking::Average => now + NEW * (largest - now),
        });
    }

    /// A range of the smallest subnormals has no step of its own: values stay as they are.
    fn rounding(&self, training: bool) -> Option<Rounding> {
        self.range(training).map(&self.up_to).filter(|rounding| rounding.scale() > Some(0.0))
    }

    /// Beyond the largest value, which itself is a level.
    fn bound(&self) -> f32 {
        self.range(true).map_or(f32::INFINITY, f32::next_up)
    }

    fn end_step(&mut self) {
        if let Some(next) = self.next.take() {
            self.range = f64::from(next);
        }
    }

    fn calibrate(&mut self, range: f32) {
        self.range = f64::from(range);
    }

    fn visit(&mut self, visitor: &mut dyn Visitor) {
        state::float(visitor, "range", &mut self.range);
    }
}
