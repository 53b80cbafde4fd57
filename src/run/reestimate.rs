//! Statistics of batch norm taken again before a test pass, over training images, with the weights as they are: weights
//! on the edge between two levels spoil the running ones (arXiv 2203.11086, section 5.1).

use super::images::Images;
use crate::Tensor;
use crate::layers::Pass;
use crate::model::Model;
use crate::random::{Purpose, below, stream};

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
        let mut rng = stream(self.seed, Purpose::Reestimate { epoch: self.epoch }, done as u64);
        let len = images.train_len() as u32;
        let places: Vec<u32> = (0..self.batch).map(|_| below(&mut rng, len)).collect();
        images.train_batch(&places, None, model.input_halo(), x, labels);
        model.forward(x, &Pass { training: true, seed: self.seed, step: 0 });
        model.estimate(done);
    }
}
