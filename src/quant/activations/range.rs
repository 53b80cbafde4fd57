//! A range that is measured while training.

use super::Tracking;
use crate::Tensor;
use crate::kernels::rounding::largest_and_sum;
use crate::state::{self, Visitor};

/// Weight of a new batch in the moving average, as PyTorch's observer has it.
const NEW: f32 = 0.01;

/// The largest value that is told apart.
pub(super) struct Range {
    tracking: Tracking,
    /// 0 before anything was seen.
    largest: f64,
    /// What it becomes with the batch seen last, once that step is taken.
    next: Option<f32>,
}

impl Range {
    pub fn new(tracking: Tracking) -> Self {
        Self { tracking, largest: 0.0, next: None }
    }

    pub fn observe(&mut self, x: &Tensor) {
        let (largest, _) = largest_and_sum(x);
        let now = self.largest as f32;
        self.next = Some(match self.tracking {
            _ if now == 0.0 => largest,
            Tracking::Largest => now.max(largest),
            Tracking::Average => now + NEW * (largest - now),
        });
    }

    pub fn end_step(&mut self) {
        if let Some(next) = self.next.take() {
            self.largest = f64::from(next);
        }
    }

    /// `None` before anything but zeros was seen.
    pub fn largest(&self, training: bool) -> Option<f32> {
        let largest = self.next.filter(|_| training).unwrap_or(self.largest as f32);
        (largest > 0.0).then_some(largest)
    }

    /// Where values of a training pass are clipped: beyond the largest, which itself is a level.
    pub fn bound(&self) -> f32 {
        self.largest(true).map_or(f32::INFINITY, f32::next_up)
    }

    pub fn visit(&mut self, visitor: &mut dyn Visitor) {
        state::float(visitor, "range", &mut self.largest);
    }
}
