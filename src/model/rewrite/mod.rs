//! Networks that are changed after training: rewrites that leave what is computed as it is, and access to what lies
//! between the layers.

mod equalise;
mod fold;

use super::activations::Placed;
use super::description::Source;
use super::{Model, Node};
use crate::Tensor;
use crate::layers::{Param, Role};
use crate::quant::ActivationQuantizer;

impl Model {
    /// Indices of the layers that multiply by weights and add biases, in order.
    pub(crate) fn linear_layers(&self) -> Vec<usize> {
        (0..self.nodes.len()).filter(|layer| self.nodes[*layer].layer.is_linear()).collect()
    }

    /// What the layer of that index gave in the last forward pass that reached it.
    pub(crate) fn output(&self, layer: usize) -> &Tensor {
        &self.activations[layer]
    }

    /// The biases of the layer of that index, one of [`Model::linear_layers`].
    pub(crate) fn biases_mut(&mut self, layer: usize) -> &mut [f32] {
        &mut self.param_mut(layer, Role::Bias).value
    }

    /// The master weights are the forward weights until [`Model::quantize`].
    pub(crate) fn use_master_weights(&mut self) {
        for node in &mut self.nodes {
            node.layer.params_mut().into_iter().for_each(|param| param.quantized.clear());
        }
        self.refresh();
    }

    /// Takes away what rounds activations; each with the index of its layer.
    pub(crate) fn take_roundings(&mut self) -> Vec<(usize, Box<dyn ActivationQuantizer>)> {
        let roundings = self.nodes.iter_mut().enumerate();
        roundings.filter_map(|(layer, node)| Some((layer, node.rounding.take()?.quantizer))).collect()
    }

    /// Rounds the output of the layer of that index from now on.
    pub(crate) fn round_output(&mut self, layer: usize, quantizer: Box<dyn ActivationQuantizer>) {
        self.nodes[layer].rounding = Some(Placed::new(quantizer));
    }

    /// The one layer that reads the output of that one; `None` where there are others, or none.
    fn sole_reader(&self, layer: usize) -> Option<usize> {
        let reads = |node: &Node| node.inputs.contains(&Source::Output(layer));
        let mut readers = (0..self.nodes.len()).filter(|reader| reads(&self.nodes[*reader]));
        let reader = readers.next()?;
        readers.next().is_none().then_some(reader)
    }

    /// Multiplies each weight of a layer by a factor, which is told of its row and its output.
    fn scale(&mut self, layer: usize, factor: &dyn Fn(usize, usize) -> f64) {
        self.for_each_weight(layer, &mut |row, output, w| *w = (f64::from(*w) * factor(row, output)) as f32);
    }

    /// Shows each weight of a layer with its row and its output. One loop for all, since a download costs more than the
    /// calls of a closure.
    fn for_each_weight(&mut self, layer: usize, look: &mut dyn FnMut(usize, usize, &mut f32)) {
        let weights = self.param_mut(layer, Role::Weight);
        let [_, outputs] = weights.matrix();
        for (row, values) in weights.value.chunks_exact_mut(outputs).enumerate() {
            values.iter_mut().enumerate().for_each(|(output, w)| look(row, output, w));
        }
    }

    /// A linear layer has one parameter of each of these roles.
    fn param_mut(&mut self, layer: usize, role: Role) -> &mut Param {
        let mut params = self.nodes[layer].layer.params_mut().into_iter();
        params.find(|param| param.role == role).expect("weights and biases").changing()
    }
}
