//! Statistics of batch norm taken again before a test pass, over training images, with the weights as they are: weights
//! on the edge between two levels spoil the running ones (arXiv 2203.11086, section 5.1).

use super::after_training::Preparation;
use super::images::{Feed, Images};
use crate::Tensor;
use crate::layers::Pass;
use crate::model::Model;
use crate::random::{Purpose, stream};

/// The plain mean over some training batches, drawn by a stream of its own.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reestimation {
    pub batches: usize,
    /// Images of a batch.
    pub batch: usize,
    pub seed: u32,
    pub epoch: u32,
}

impl Reestimation {
    /// Adds batch number `done` (from 0); after the last one the model tests by what was estimated.
    pub fn advance(
        &self,
        done: usize,
        model: &mut Model,
        images: &Images,
        x: &mut Tensor,
        labels: &mut Vec<u16>,
    ) {
        let rng = stream(self.seed, Purpose::Reestimate { epoch: self.epoch }, done as u64);
        images.drawn_batch(rng, self.batch, model.input_halo(), x, labels);
        model.forward(x, &Pass { training: true, seed: self.seed, step: 0 });
        model.estimate(done);
    }
}

/// All of it, before a test pass.
pub(super) struct Estimating {
    of: Reestimation,
    done: usize,
}

impl Estimating {
    pub fn new(of: Reestimation) -> Self {
        Self { of, done: 0 }
    }
}

impl Preparation for Estimating {
    fn advance(&mut self, model: &mut Model, feed: &mut Feed) -> bool {
        self.of.advance(self.done, model, &feed.images, &mut feed.x, &mut feed.labels);
        self.done += 1;
        self.done == self.of.batches
    }
}
