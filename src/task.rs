//! What a network learns: what its batches are and how far its outputs are from what is wanted.

use std::sync::Arc;

use crate::data::{Augment, Normalize, Split, fill_batch};
use crate::loss::{Loss, smoothed_cross_entropy};
use crate::{RunConfig, Tensor};

/// A kind of thing to learn.
pub trait Task: Send + Sync {
    /// Values of an output, of so many classes.
    fn outputs(&self, classes: usize) -> usize;

    /// Makes a batch of some images of a split; `x` becomes `[n, 32, 32, 4]` with the halo.
    #[allow(clippy::too_many_arguments)] // What a batch is made from and what it is made into.
    fn batch(
        &self,
        split: &Split,
        indices: &[u32],
        augment: Option<Augment>,
        normalize: &Normalize,
        halo: usize,
        x: &mut Tensor,
        labels: &mut Vec<u16>,
    );

    /// Mean loss and hits of a batch; `gradient`, where given, receives that with respect to `outputs`.
    fn loss(&self, outputs: &Tensor, labels: &[u16], gradient: Option<&mut Tensor>) -> Loss;
}

/// What a run with these settings learns.
pub fn of(config: &RunConfig) -> Arc<dyn Task> {
    Arc::new(Classification { smoothing: config.label_smoothing as f32 })
}

/// One class an image.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Classification {
    /// Share of the target that is spread over all classes (arXiv 1512.00567, section 7).
    pub smoothing: f32,
}

impl Task for Classification {
    fn outputs(&self, classes: usize) -> usize {
        classes
    }

    fn batch(
        &self,
        split: &Split,
        indices: &[u32],
        augment: Option<Augment>,
        normalize: &Normalize,
        halo: usize,
        x: &mut Tensor,
        labels: &mut Vec<u16>,
    ) {
        fill_batch(split, indices, augment, normalize, halo, x, labels);
    }

    fn loss(&self, outputs: &Tensor, labels: &[u16], gradient: Option<&mut Tensor>) -> Loss {
        smoothed_cross_entropy(outputs, labels, self.smoothing, gradient)
    }
}
