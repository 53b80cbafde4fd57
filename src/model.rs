//! A network built from a list of layer specs, with its activations and gradients.
//!
//! # Buffers
//!
//! One tensor a layer, for its output; they last from step to step. Gradients have no buffers of their own. In
//! the backward pass
//!
//! - a layer finds the gradient of its output in the output's buffer, reads its input and writes the input's
//!   gradient over it, where the layer before finds it. The batch itself, the first layer's input, stays;
//! - the gradient of a skip connection's sum is that of both its inputs. It stays in the sum's buffer, from
//!   where it is added to the source's gradient once the source's other reader has written that;
//! - a buffer has the halo that its forward reader needs (a convolution's padding) or that the backward pass of
//!   the layer that made it needs (a convolution reads its `dy` with a halo too). All writers keep it at zero, so
//!   it is made once.
//!
//! [`Model::activation_bytes`] tells what that comes to for a batch, before anything is allocated.

use std::collections::TryReserveError;

use serde::Serialize;

use crate::layers::{Backward, Context, Input, LAYERS, Layer, LayerSpec, Param, Pass, Shape};
use crate::quant::Quantizer;
use crate::random::{Purpose, stream};
use crate::{Error, Result, Tensor, kernels};

/// Pixels of an image side.
pub const IMAGE_SIZE: usize = crate::data::SIDE;
/// Channels of an image.
pub const IMAGE_CHANNELS: usize = 3;

/// One layer and how it hangs together with the others.
struct Node {
    /// `conv1`, `bn1`...; the type's name for layers without parameters.
    name: String,
    kind: String,
    layer: Box<dyn Layer>,
    /// A convolution or a linear layer.
    has_weights: bool,
    /// Index in `Model::activations` of the second input.
    from: Option<usize>,
    /// Border of zeros of the output's buffer: see the module's documentation.
    output_halo: usize,
}

/// A layer as the page lists it.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LayerInfo {
    /// `conv1`, `bn1`...
    pub name: String,
    /// Name in [`LAYERS`].
    #[serde(rename = "type")]
    pub kind: String,
    /// `[h, w, c]`.
    pub output_shape: Shape,
    /// Number of trainable values.
    pub parameters: usize,
    /// Has weights that a quantizer acts on.
    pub quantized: bool,
}

/// A network.
pub struct Model {
    nodes: Vec<Node>,
    input_halo: usize,
    /// `activations[i]` is the output of `nodes[i]`; during the backward pass, its gradient.
    activations: Vec<Tensor>,
    /// Gradient of the logits.
    gradient: Tensor,
    clock: fn() -> f64,
    products_ms: f64,
}

impl Model {
    /// Builds the layers for images of 32x32 RGB and so many classes, with initial weights from the seed.
    ///
    /// # Errors
    /// [`Error::Model`] that names the layer that does not fit.
    pub fn new(specs: &[LayerSpec], classes: usize, seed: u32) -> Result<Self> {
        Self::with_input(specs, [IMAGE_SIZE, IMAGE_SIZE, IMAGE_CHANNELS], classes, seed)
    }

    /// The same for any input shape.
    ///
    /// # Errors
    /// [`Error::Model`] that names the layer that does not fit.
    pub fn with_input(specs: &[LayerSpec], input: Shape, classes: usize, seed: u32) -> Result<Self> {
        let mut rng = stream(seed, Purpose::Weights, 0);
        let mut nodes: Vec<Node> = Vec::new();
        let mut ids: Vec<(&str, usize)> = Vec::new();
        let mut counts = vec![0; LAYERS.len()];
        let mut shape = input;
        for (index, spec) in specs.iter().enumerate() {
            // A layer whose output has an id of its own cannot take the next one in.
            let named = ids.last().is_some_and(|(_, node)| node + 1 == nodes.len());
            let absorbed = nodes.last_mut().is_some_and(|node| !named && node.layer.absorb(spec));
            let mut context = Context { spec, index, input: shape, classes, rng: &mut rng };
            if !absorbed {
                let kind = LAYERS.iter().position(|kind| kind.name == spec.kind).ok_or_else(|| {
                    let names: Vec<_> = LAYERS.iter().map(|kind| kind.name).collect();
                    context.error(names.join(", "), &spec.kind)
                })?;
                let layer = (LAYERS[kind].build)(&mut context)?;
                counts[kind] += 1;
                let name = match LAYERS[kind].stem {
                    "" => spec.kind.clone(),
                    stem => format!("{stem}{}", counts[kind]),
                };
                let has_weights = layer.params().iter().any(|param| param.is_weight());
                let kind = spec.kind.clone();
                nodes.push(Node { name, kind, layer, has_weights, from: None, output_halo: 0 });
            }
            if let Some(id) = &spec.from {
                let source = find_source(&context, &ids, id)?;
                let found = nodes[source].layer.output();
                if found != shape {
                    return Err(context.error(format!("`{id}` of shape {shape:?}"), format!("{found:?}")));
                }
                nodes.last_mut().expect("at least this layer").from = Some(source);
            }
            shape = nodes.last().expect("at least this layer").layer.output();
            if let Some(id) = &spec.id {
                ids.push((id, nodes.len() - 1));
            }
        }
        if shape != [1, 1, classes] {
            return Err(Error::Model {
                layer: "last".into(),
                expected: format!("an output of {classes} classes"),
                found: format!("shape {shape:?}"),
            });
        }
        let mut halo = 0;
        for (i, node) in nodes.iter_mut().enumerate().rev() {
            let gradient_halo = if i > 0 { node.layer.gradient_halo() } else { 0 };
            node.output_halo = halo.max(gradient_halo);
            halo = node.layer.input_halo();
        }
        Ok(Self {
            activations: nodes.iter().map(|_| Tensor::default()).collect(),
            input_halo: halo,
            nodes,
            gradient: Tensor::default(),
            clock: || 0.0,
            products_ms: 0.0,
        })
    }

    /// Border of zeros that the first layer needs around every image.
    pub fn input_halo(&self) -> usize {
        self.input_halo
    }

    /// Computes every convolution by the direct algorithm from now on.
    pub fn use_direct_algorithms(&mut self) {
        self.nodes.iter_mut().for_each(|node| node.layer.use_direct_algorithm());
    }

    /// Measures from now on, by this clock, the time spent in layers with weights.
    pub fn time_products(&mut self, clock: fn() -> f64) {
        self.clock = clock;
    }

    /// Milliseconds spent in layers with weights (convolutions and linear layers) and on packing their weights, since
    /// the last call.
    pub fn take_products_ms(&mut self) -> f64 {
        std::mem::take(&mut self.products_ms)
    }

    /// Runs the network on `x` of shape `[n, h, w, c]`; returns the logits, `[n, 1, 1, classes]`.
    pub fn forward(&mut self, x: &Tensor, pass: &Pass) -> &Tensor {
        for (i, node) in self.nodes.iter_mut().enumerate() {
            let (before, after) = self.activations.split_at_mut(i);
            let [h, w, c] = node.layer.output();
            after[0].reshape([x.n(), h, w, c], node.output_halo);
            let from = node.from.map(|source| &before[source]);
            let start = (self.clock)();
            node.layer.forward(before.last().unwrap_or(x), from, &mut after[0], pass);
            if node.has_weights {
                self.products_ms += (self.clock)() - start;
            }
        }
        self.activations.last().expect("a model has layers")
    }

    /// Bytes of the activations of a batch of `n` images, gradients included (they take the same memory).
    pub fn activation_bytes(&self, n: usize) -> usize {
        let elements = self.nodes.iter().map(|node| {
            let [h, w, c] = node.layer.output();
            (h + 2 * node.output_halo) * (w + 2 * node.output_halo) * c
        });
        n * elements.sum::<usize>() * size_of::<f32>()
    }

    /// Bytes of the parameters in training: master weights, gradients, two moments, quantized weights, and these packed
    /// for the forward and the backward pass (F(4x4) Winograd filters have 36 values for 9 weights).
    pub fn parameter_bytes(&self) -> usize {
        let elements = self.params().map(|(_, param)| match param.dims[..] {
            [3, 3, ..] => (5 + 2 * 36 / 9) * param.value.len(),
            [_, ..] if param.is_weight() => (5 + 2) * param.value.len(),
            _ => 4 * param.value.len(),
        });
        elements.sum::<usize>() * size_of::<f32>()
    }

    /// Takes the memory of [`Model::activation_bytes`].
    ///
    /// # Errors
    /// Where there is not enough.
    pub fn try_reserve(&mut self, n: usize) -> std::result::Result<(), TryReserveError> {
        for (node, activation) in self.nodes.iter().zip(&mut self.activations) {
            let [h, w, c] = node.layer.output();
            activation.try_reserve([n, h, w, c], node.output_halo)?;
        }
        Ok(())
    }

    /// The logits of the last forward pass, and the tensor that takes the gradient of the loss with respect to
    /// them.
    pub fn logits_and_gradient(&mut self) -> (&Tensor, &mut Tensor) {
        let logits = self.activations.last().expect("a model has layers");
        self.gradient.reshape(logits.shape(), logits.halo());
        (logits, &mut self.gradient)
    }

    /// Fills every parameter's gradient from the gradient of the logits (see
    /// [`Model::logits_and_gradient`]), for the batch `x` of the last forward pass, whose activations it
    /// overwrites: once a forward pass.
    pub fn backward(&mut self, x: &Tensor) {
        let logits = self.activations.last_mut().expect("a model has layers");
        std::mem::swap(logits, &mut self.gradient);
        for i in (0..self.nodes.len()).rev() {
            let (before, after) = self.activations.split_at_mut(i);
            let input = before.last_mut().map_or(Input::Batch(x), Input::Activation);
            let start = (self.clock)();
            self.nodes[i].layer.backward(Backward { x: input, dy: &after[0] });
            if self.nodes[i].has_weights {
                self.products_ms += (self.clock)() - start;
            }
            // The input's gradient is there, but for what skip connections from it add.
            let Some(dx) = before.last_mut() else { break };
            for (node, dy) in self.nodes[i..].iter().zip(after) {
                if node.from == Some(i - 1) {
                    kernels::pointwise::add_assign(dx, dy);
                }
            }
        }
    }

    /// Makes the forward weights of every layer from its master weights.
    ///
    /// `per_layer_scale` off: the scale comes from the largest weight of the whole net.
    pub fn quantize(&mut self, quantizer: &dyn Quantizer, bits: u8, per_layer_scale: bool) {
        let active = quantizer.quant_max(bits).is_some();
        let abs_max =
            |param: &Param| param.abs_max.unwrap_or_else(|| kernels::weights::abs_max(&param.value));
        let global = if active && !per_layer_scale {
            let weights = self.params().filter(|(_, param)| param.is_weight());
            weights.map(|(_, param)| abs_max(param)).fold(0.0, f32::max)
        } else {
            0.0
        };
        for node in &mut self.nodes {
            for param in node.layer.params_mut().into_iter().filter(|param| active && param.is_weight()) {
                let largest = if per_layer_scale { abs_max(param) } else { global };
                param.scale = quantizer.scale(largest, bits);
                param.quantized.resize(param.value.len(), 0.0);
                quantizer.fake_quantize(&param.value, param.scale, bits, &mut param.quantized);
            }
        }
        self.refresh();
    }

    /// Makes the kernels use the present forward weights.
    pub fn refresh(&mut self) {
        let start = (self.clock)();
        self.nodes.iter_mut().for_each(|node| node.layer.refresh());
        self.products_ms += (self.clock)() - start;
    }

    /// Turns the gradients of the quantized weights into those of the master weights.
    pub fn quantizer_backward(&mut self, quantizer: &dyn Quantizer) {
        let params = self.nodes.iter_mut().flat_map(|node| node.layer.params_mut());
        for param in params.filter(|param| !param.quantized.is_empty()) {
            quantizer.backward(&param.value, &mut param.grad);
        }
    }

    /// Rounding is flat almost everywhere: the true derivative of the loss with respect to a master weight that
    /// is quantized is 0.
    pub fn clear_quantized_gradients(&mut self) {
        for param in self.params_mut().filter(|param| !param.quantized.is_empty()) {
            param.grad.fill(0.0);
        }
    }

    /// Takes over the master values, the gradients and the running statistics of another model. The forward weights
    /// are stale until [`Model::quantize`].
    ///
    /// # Panics
    /// If the other was not made from the same description.
    pub fn copy_state(&mut self, from: &Model) {
        assert_eq!(self.nodes.len(), from.nodes.len(), "layers of both models");
        for (to, from) in self.nodes.iter_mut().zip(&from.nodes) {
            for (to, from) in to.layer.params_mut().into_iter().zip(from.layer.params()) {
                to.value.copy_from_slice(&from.value);
                to.grad.copy_from_slice(&from.grad);
                to.quantized.clear();
            }
            for ((_, to), (_, from)) in to.layer.buffers_mut().into_iter().zip(from.layer.buffers()) {
                to.copy_from_slice(from);
            }
        }
    }

    /// Keeps the statistics gathered by the last training pass.
    pub fn end_step(&mut self) {
        for node in &mut self.nodes {
            node.layer.end_step();
        }
    }

    /// Every parameter with the name of its layer, in a fixed order.
    pub fn params(&self) -> impl Iterator<Item = (&str, &Param)> {
        self.nodes
            .iter()
            .flat_map(|node| node.layer.params().into_iter().map(|param| (node.name.as_str(), param)))
    }

    /// Every parameter, in the same order, to change: what is known of the present values is forgotten.
    pub fn params_mut(&mut self) -> impl Iterator<Item = &mut Param> {
        self.nodes.iter_mut().flat_map(|node| node.layer.params_mut()).map(Param::changing)
    }

    /// Calls `change` for every parameter with the name of its layer, in the same order.
    pub fn for_each_param_mut(&mut self, mut change: impl FnMut(&str, &mut Param)) {
        for Node { name, layer, .. } in &mut self.nodes {
            for param in layer.params_mut() {
                change(name, param.changing());
            }
        }
    }

    /// Number of trainable values.
    pub fn parameter_count(&self) -> usize {
        self.params().map(|(_, param)| param.value.len()).sum()
    }

    /// The layers, for display.
    pub fn layers(&self) -> Vec<LayerInfo> {
        let info = |node: &Node| LayerInfo {
            name: node.name.clone(),
            kind: node.kind.clone(),
            output_shape: node.layer.output(),
            parameters: node.layer.params().iter().map(|param| param.value.len()).sum(),
            quantized: node.has_weights,
        };
        self.nodes.iter().map(info).collect()
    }

    /// Running statistics as `(layer, name, values)`.
    pub fn buffers(&self) -> impl Iterator<Item = (&str, &'static str, &[f32])> {
        self.nodes.iter().flat_map(|node| {
            node.layer.buffers().into_iter().map(|(name, values)| (node.name.as_str(), name, values))
        })
    }
}

fn find_source(context: &Context<'_>, ids: &[(&str, usize)], id: &str) -> Result<usize> {
    let found = ids.iter().find(|(known, _)| *known == id).map(|(_, node)| *node);
    found.ok_or_else(|| context.error("`from` with the id of an earlier layer", id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Entry;
    use crate::models::{self, Preset};

    /// Addresses and sizes of all buffers.
    fn buffers(model: &Model) -> Vec<(*const f32, usize)> {
        let tensors = model.activations.iter().chain([&model.gradient]);
        let mut buffers: Vec<_> = tensors.map(|x| (x.data().as_ptr(), x.data().len())).collect();
        // The logits and their gradient change places at every step.
        buffers.sort_unstable();
        buffers
    }

    #[test]
    fn buffers_are_those_planned_and_stay_from_step_to_step() {
        for preset in models::MODELS {
            let mut model = Model::new(&preset.specs().unwrap(), 10, 1).unwrap();
            let x = Tensor::zeros([4, IMAGE_SIZE, IMAGE_SIZE, 4], model.input_halo());
            let fewer = Tensor::zeros([3, IMAGE_SIZE, IMAGE_SIZE, 4], model.input_halo());
            let step = |model: &mut Model, x: &Tensor| {
                model.forward(x, &Pass { training: true, seed: 1, step: 0 });
                let (logits, gradient) = model.logits_and_gradient();
                gradient.data_mut().copy_from_slice(logits.data());
                model.backward(x);
            };
            step(&mut model, &x);
            let bytes = model.activations.iter().map(|x| size_of_val(x.data())).sum::<usize>();
            assert_eq!(bytes, model.activation_bytes(4), "{}", preset.entry.name);
            let before = buffers(&model);
            step(&mut model, &x);
            assert_eq!(buffers(&model), before, "{}", preset.entry.name);
            // As at the end of an epoch and in its test pass.
            step(&mut model, &fewer);
            model.forward(&x, &Pass { training: false, seed: 1, step: 0 });
            step(&mut model, &x);
            assert_eq!(buffers(&model), before, "{}", preset.entry.name);
        }
    }

    /// Convolutions side by side that need borders of different widths, which no preset has.
    const MIXED: Preset = Preset {
        entry: Entry { name: "mixed", label: "", about: "" },
        layers: r#"[
            {"type": "conv2d", "out": 8, "kernel": 5}, {"type": "conv2d", "out": 16, "kernel": 3},
            {"type": "conv2d", "out": 16, "kernel": 3}, {"type": "conv2d", "out": 4, "kernel": 5},
            {"type": "conv2d", "out": 4, "kernel": 3, "stride": 2}, {"type": "conv2d", "out": 4, "kernel": 5},
            {"type": "global_avg_pool"}, {"type": "linear"}
        ]"#,
    };

    /// Writers keep halos at zero, forward and backward: the next step relies on it.
    #[test]
    fn halos_stay_zero() {
        for preset in models::MODELS.iter().chain([&MIXED]) {
            let mut model = Model::new(&preset.specs().unwrap(), 10, 1).unwrap();
            let mut x = Tensor::zeros([2, IMAGE_SIZE, IMAGE_SIZE, 4], model.input_halo());
            for n in 0..2 {
                (0..IMAGE_SIZE).for_each(|h| x.row_mut(n, h).fill((n * IMAGE_SIZE + h) as f32 / 64.0));
            }
            model.forward(&x, &Pass { training: true, seed: 1, step: 0 });
            let (_, gradient) = model.logits_and_gradient();
            gradient.data_mut().iter_mut().enumerate().for_each(|(i, g)| *g = i as f32 - 9.0);
            model.backward(&x);
            let mut images = 0;
            for (node, dx) in model.nodes.iter().zip(&model.activations) {
                let clean = Tensor::from_dense(dx.shape(), dx.halo(), &dx.to_dense());
                assert!(clean == *dx, "{} of {}: something is in its halo", node.name, preset.entry.name);
                assert!(dx.data().iter().any(|&v| v != 0.0), "{}: no gradient", node.name);
                images += usize::from(dx.halo() > 0);
            }
            assert!(images > 3, "{images} activations of {} have a halo", preset.entry.name);
        }
    }
}
