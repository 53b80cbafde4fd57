//! Batch norm as a part of the layer before it (arXiv 1712.05877, section 3.2): `w' = w gamma / sqrt(variance + eps)`,
//! and the biases alike.

use super::{Model, Source};
use crate::layers::Affine;

impl Model {
    /// Takes what each batch norm multiplies and adds in evaluation into the weights and biases before it, where it alone
    /// reads what these give. The logits stay as they are but for roundings of f32; the forward weights are the master
    /// weights until [`Model::quantize`].
    pub(crate) fn fold_batch_norm(&mut self) {
        for layer in self.linear_layers() {
            let Some(reader) = self.sole_reader(layer) else { continue };
            let node = &mut self.nodes[reader];
            if node.inputs[0] != Source::Output(layer) {
                continue;
            }
            let Some(Affine { factor, offset }) = node.layer.hand_over() else { continue };
            self.scale(layer, &|_, output| factor[output]);
            for (output, bias) in self.biases_mut(layer).iter_mut().enumerate() {
                *bias = (f64::from(*bias) * factor[output] + offset[output]) as f32;
            }
        }
        self.use_master_weights();
    }
}
