//! Cross-layer equalisation (arXiv 1906.04721, section 4.1): what one layer's channel is divided by, the next layer
//! multiplies, so that both have the same range of weights in that channel and a grid for the whole tensor suits all
//! channels.

use super::{Model, Role};

/// How far from 1 a factor may still be where another sweep would change nothing of interest.
const CONVERGED: f32 = 0.01;

impl Model {
    /// Brings the ranges of each pair of neighbouring layers together, channel by channel, once; true where they were so
    /// already. A layer between two neighbours hears of both, so that it takes some sweeps.
    ///
    /// The logits stay as they are but for roundings of f32: neighbours are those with nothing between them but layers of
    /// one reader that keep the scale of a channel. The forward weights are the master weights until
    /// [`Model::quantize`].
    pub(crate) fn equalise(&mut self) -> bool {
        let mut largest = 0.0f32;
        for first in self.layers_with_weights() {
            let Some(second) = self.next_with_weights(first) else { continue };
            let factors = self.factors(first, second);
            let channels = factors.len();
            for row in self.param_mut(first, Role::Weight).value.chunks_exact_mut(channels) {
                row.iter_mut().zip(&factors).for_each(|(w, factor)| *w /= factor);
            }
            self.biases_mut(first).iter_mut().zip(&factors).for_each(|(b, factor)| *b /= factor);
            let next = self.param_mut(second, Role::Weight);
            let ([rows, outputs], is_image) = (next.matrix(), next.dims.len() == 4);
            for (row, w) in next.value.chunks_exact_mut(outputs).enumerate() {
                let factor = factors[channel(row, rows, channels, is_image)];
                w.iter_mut().for_each(|w| *w *= factor);
            }
            largest = factors.iter().fold(largest, |largest, factor| largest.max((factor - 1.0).abs()));
        }
        self.use_master_weights();
        largest < CONVERGED
    }

    /// The layer with weights that reads that one's channels, each of them times the number that it is multiplied by
    /// here; `None` where there is no such layer.
    fn next_with_weights(&self, layer: usize) -> Option<usize> {
        let reader = self.sole_reader(layer)?;
        let node = &self.nodes[reader];
        match (node.has_weights, node.layer.keeps_scale() && node.rounding.is_none()) {
            (true, _) => Some(reader),
            (false, true) => self.next_with_weights(reader),
            (false, false) => None,
        }
    }

    /// `s_i = sqrt(r1_i / r2_i)`, the ranges `r` of channel i by the largest magnitude in both layers (section 4.1); 1 where
    /// a channel has no weights but 0 on either side.
    fn factors(&mut self, first: usize, second: usize) -> Vec<f32> {
        let weights = self.param_mut(first, Role::Weight);
        let [_, channels] = weights.matrix();
        let mut before = vec![0.0f32; channels];
        for row in weights.value.chunks_exact(channels) {
            before.iter_mut().zip(row).for_each(|(range, w)| *range = range.max(w.abs()));
        }
        let weights = self.param_mut(second, Role::Weight);
        let ([rows, outputs], is_image) = (weights.matrix(), weights.dims.len() == 4);
        let mut after = vec![0.0f32; channels];
        for (row, w) in weights.value.chunks_exact(outputs).enumerate() {
            let range = &mut after[channel(row, rows, channels, is_image)];
            *range = w.iter().fold(*range, |range, w| range.max(w.abs()));
        }
        let factor = |(before, after): (f32, f32)| {
            let factor = (before / after).sqrt();
            if factor.is_normal() { factor } else { 1.0 }
        };
        before.into_iter().zip(after).map(factor).collect()
    }
}

/// The channel that a row of weights reads. Convolutions have the channels innermost of their rows, linear layers the
/// pixels of a channel together, as a flattened image has them.
fn channel(row: usize, rows: usize, channels: usize, is_image: bool) -> usize {
    if is_image { row % channels } else { row / (rows / channels) }
}
