//! Bias correction (arXiv 1906.04721, section 4.2): a rounded weight is off by the same amount in every image, so that the
//! mean of a channel moves, and the next layer is used to another one. Measured on images (appendix D) rather than
//! derived from batch norm, so that networks without it are corrected too.

use super::{BATCHES, Feed, Preparation, training_batch};
use crate::Tensor;
use crate::layers::Pass;
use crate::model::Model;

/// Rounds the weights and corrects one layer after the other, since each sees what is left of the error of those before
/// it. Activations are those of FP32 meanwhile, or as the run rounds them.
pub(super) struct BiasCorrection {
    /// Indices of the layers with weights.
    layers: Vec<usize>,
    /// Sums over the images of each layer's channels before anything is rounded.
    expected: Vec<Vec<f64>>,
    /// The same of the layer that is corrected.
    found: Vec<f64>,
    stage: Stage,
    /// Batches of this stage that are done.
    batch: usize,
}

#[derive(Debug, Clone, Copy)]
enum Stage {
    /// Looks at the network before anything is rounded.
    Expecting,
    /// Corrects the layer of that place in the list.
    Correcting(usize),
}

impl BiasCorrection {
    pub fn new(model: &mut Model) -> Self {
        model.use_master_weights();
        let layers = model.linear_layers();
        let expected = vec![Vec::new(); layers.len()];
        Self { layers, expected, found: Vec::new(), stage: Stage::Expecting, batch: 0 }
    }
}

impl Preparation for BiasCorrection {
    fn advance(&mut self, model: &mut Model, feed: &mut Feed) -> bool {
        let x = training_batch(feed, self.batch, model);
        self.batch += 1;
        let complete = self.batch == BATCHES;
        if complete {
            self.batch = 0;
        }
        match self.stage {
            Stage::Expecting => {
                model.forward(x, &Pass::EVALUATION);
                for (layer, sums) in self.layers.iter().zip(&mut self.expected) {
                    add_channel_sums(model.output(*layer), sums);
                }
                if complete {
                    model.quantize();
                    self.stage = Stage::Correcting(0);
                }
                false
            }
            Stage::Correcting(place) => {
                let layer = self.layers[place];
                let output = model.forward_through(layer, x, &Pass::EVALUATION);
                add_channel_sums(output, &mut self.found);
                if complete {
                    let values = (BATCHES * output.n() * output.h() * output.w()) as f64;
                    let shifts = self.found.drain(..).zip(&self.expected[place]);
                    let shifts = shifts.map(|(found, expected)| (found - expected) / values);
                    for (bias, shift) in model.biases_mut(layer).iter_mut().zip(shifts) {
                        *bias -= shift as f32;
                    }
                    self.stage = Stage::Correcting(place + 1);
                }
                complete && place + 1 == self.layers.len()
            }
        }
    }
}

/// Adds every value of a batch to the sum of its channel; `sums` may be empty before the first batch.
fn add_channel_sums(x: &Tensor, sums: &mut Vec<f64>) {
    sums.resize(x.c(), 0.0);
    for pixel in x.rows().flat_map(|row| row.chunks_exact(x.c())) {
        sums.iter_mut().zip(pixel).for_each(|(sum, value)| *sum += f64::from(*value));
    }
}
