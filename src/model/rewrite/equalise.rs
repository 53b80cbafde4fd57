//! Cross-layer equalisation (arXiv 1906.04721, section 4.1): what one layer's channel is divided by, the next layer
//! multiplies, so that both have the same range of weights in that channel and a grid for the whole tensor suits all
//! channels.

use super::{Model, Role};

/// How far from 1 a factor may still be where another sweep would change nothing of interest.
const CONVERGED: f64 = 0.01;

impl Model {
    /// Brings the ranges of each pair of neighbouring layers together, channel by channel, once; true where they were so
    /// already. A layer between two neighbours hears of both, so that it takes some sweeps.
    ///
    /// The logits stay as they are but for roundings of f32: neighbours are those with nothing between them but layers of
    /// one reader that keep the scale of a channel. The forward weights are the master weights until
    /// [`Model::quantize`].
    pub(crate) fn equalise(&mut self) -> bool {
        let mut largest = 0.0f64;
        for first in self.linear_layers() {
            let Some(second) = self.next_linear(first) else { continue };
            let factors = self.factors(first, second);
            self.scale(first, &|_, output| 1.0 / factors[output]);
            for (bias, factor) in self.biases_mut(first).iter_mut().zip(&factors) {
                *bias = (f64::from(*bias) / factor) as f32;
            }
            let channel = self.channel(second, factors.len());
            self.scale(second, &|row, _| factors[channel(row)]);
            largest = factors.iter().fold(largest, |largest, factor| largest.max((factor - 1.0).abs()));
        }
        self.use_master_weights();
        largest < CONVERGED
    }

    /// The layer with weights that reads that one's channels, each of them times the number that it is multiplied by
    /// here; `None` where there is no such layer.
    fn next_linear(&self, layer: usize) -> Option<usize> {
        let reader = self.sole_reader(layer)?;
        let node = &self.nodes[reader];
        match (node.layer.is_linear(), node.layer.keeps_scale() && node.rounding.is_none()) {
            (true, _) => Some(reader),
            (false, true) => self.next_linear(reader),
            (false, false) => None,
        }
    }

    /// `s_i = sqrt(r1_i / r2_i)`, the ranges `r` of channel i by the largest magnitude in both layers (section 4.1); 1 where
    /// a channel has no weights but 0 on either side.
    fn factors(&mut self, first: usize, second: usize) -> Vec<f64> {
        let [_, channels] = self.param_mut(first, Role::Weight).matrix();
        let before = self.ranges(first, channels, &|_, output| output);
        let channel = self.channel(second, channels);
        let after = self.ranges(second, channels, &|row, _| channel(row));
        let factor = |(before, after): (f32, f32)| {
            let factor = (f64::from(before) / f64::from(after)).sqrt();
            if factor.is_normal() { factor } else { 1.0 }
        };
        before.into_iter().zip(after).map(factor).collect()
    }

    /// The largest magnitude of a layer's weights in each channel, which is told of a row and an output.
    fn ranges(&mut self, layer: usize, channels: usize, channel: &dyn Fn(usize, usize) -> usize) -> Vec<f32> {
        let mut ranges = vec![0.0f32; channels];
        self.for_each_weight(layer, &mut |row, output, w| {
            let range = &mut ranges[channel(row, output)];
            *range = range.max(w.abs());
        });
        ranges
    }

    /// The channel that a row of the layer's weights reads, of so many. Convolutions have the channels innermost of their
    /// rows, linear layers the pixels of a channel together, as a flattened image has them.
    fn channel(&mut self, layer: usize, channels: usize) -> impl Fn(usize) -> usize + use<> {
        let weights = self.param_mut(layer, Role::Weight);
        let (is_image, pixels) = (weights.dims.len() == 4, weights.matrix()[0] / channels);
        move |row| if is_image { row % channels } else { row / pixels }
    }
}
