//! A network built from a list of layer specs, with its activations and gradients.

use serde::Serialize;

use crate::layers::{Backward, Context, LAYERS, Layer, LayerSpec, Param, Pass, Shape};
use crate::quant::Quantizer;
use crate::random::{Purpose, stream};
use crate::{Error, Result, Tensor, kernels};

/// Pixels of an image side.
pub const IMAGE_SIZE: usize = 32;
/// Channels of an image.
pub const IMAGE_CHANNELS: usize = 3;

/// One layer and how it hangs together with the others.
struct Node {
    /// `conv1`, `bn1`...; the type's name for layers without parameters.
    name: String,
    kind: String,
    layer: Box<dyn Layer>,
    /// Index in `Model::activations` of the second input.
    from: Option<usize>,
    /// Border of zeros that the reader of the output needs.
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
    /// `activations[i]` is the output of `nodes[i]`.
    activations: Vec<Tensor>,
    /// Gradient of the activation at hand, and the one being made.
    gradients: [Tensor; 2],
    /// Gradients that skip connections send back, by activation.
    skipped: Vec<Option<Tensor>>,
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
            if !absorbed {
                let mut context = Context { spec, index, input: shape, classes, rng: &mut rng };
                let kind = LAYERS.iter().position(|kind| kind.name == spec.kind).ok_or_else(|| {
                    let names: Vec<_> = LAYERS.iter().map(|kind| kind.name).collect();
                    context.error(names.join(", "), &spec.kind)
                })?;
                let layer = (LAYERS[kind].build)(&mut context)?;
                let from = spec.from.as_deref().map(|id| find_source(&context, &ids, id)).transpose()?;
                if let Some(source) = from {
                    let found = nodes[source].layer.output();
                    if found != shape {
                        let id = spec.from.as_deref().unwrap_or_default();
                        return Err(context.error(format!("`{id}` of shape {shape:?}"), format!("{found:?}")));
                    }
                }
                shape = layer.output();
                counts[kind] += 1;
                let name = match LAYERS[kind].stem {
                    "" => spec.kind.clone(),
                    stem => format!("{stem}{}", counts[kind]),
                };
                let kind = spec.kind.clone();
                nodes.push(Node { name, kind, layer, from, output_halo: 0 });
            }
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
        for node in nodes.iter_mut().rev() {
            node.output_halo = halo;
            halo = node.layer.input_halo();
        }
        Ok(Self {
            activations: nodes.iter().map(|_| Tensor::default()).collect(),
            skipped: nodes.iter().map(|_| None).collect(),
            input_halo: halo,
            nodes,
            gradients: Default::default(),
        })
    }

    /// Border of zeros that the first layer needs around every image.
    pub fn input_halo(&self) -> usize {
        self.input_halo
    }

    /// Runs the network on `x` of shape `[n, h, w, c]`; returns the logits, `[n, 1, 1, classes]`.
    pub fn forward(&mut self, x: &Tensor, pass: &Pass) -> &Tensor {
        for (i, node) in self.nodes.iter_mut().enumerate() {
            let (before, after) = self.activations.split_at_mut(i);
            let [h, w, c] = node.layer.output();
            after[0].reshape([x.n, h, w, c], node.output_halo);
            let from = node.from.map(|source| &before[source]);
            node.layer.forward(before.last().unwrap_or(x), from, &mut after[0], pass);
        }
        self.activations.last().expect("a model has layers")
    }

    /// The tensor that takes the gradient of the loss with respect to the logits of the last forward pass.
    pub fn logits_and_gradient(&mut self) -> (&Tensor, &mut Tensor) {
        let logits = self.activations.last().expect("a model has layers");
        self.gradients[0].reshape(logits.shape(), 0);
        (logits, &mut self.gradients[0])
    }

    /// Fills every parameter's gradient from the gradient of the logits (see
    /// [`Model::logits_and_gradient`]), for the batch `x` of the last forward pass.
    pub fn backward(&mut self, x: &Tensor) {
        let [mut dy, mut dx] = std::mem::take(&mut self.gradients);
        for (i, node) in self.nodes.iter_mut().enumerate().rev() {
            if let Some(skipped) = self.skipped[i].take() {
                kernels::pointwise::add_assign(&mut dy, &skipped);
            }
            if let Some(source) = node.from {
                self.skipped[source] = Some(dy.clone());
            }
            let input = if i == 0 { x } else { &self.activations[i - 1] };
            let in_place = node.layer.gradient_in_place();
            let wants_dx = i > 0 && !in_place;
            if wants_dx {
                // Gradients of images carry a halo: the convolution before reads it.
                dx.reshape(input.shape(), usize::from(input.h > 1 || input.w > 1));
            }
            let tensors =
                Backward { x: input, y: &self.activations[i], dy: &mut dy, dx: wants_dx.then_some(&mut dx) };
            node.layer.backward(tensors);
            if wants_dx {
                std::mem::swap(&mut dy, &mut dx);
            }
        }
        self.gradients = [dy, dx];
    }

    /// Makes the forward weights of every layer from its master weights.
    ///
    /// `per_layer_scale` off: the scale comes from the largest weight of the whole net.
    pub fn quantize(&mut self, quantizer: &dyn Quantizer, bits: u8, per_layer_scale: bool) {
        let active = quantizer.quant_max(bits).is_some();
        let absmax = |param: &Param| kernels::weights::abs_max(&param.value);
        let global = if active && !per_layer_scale {
            self.params()
                .filter(|(_, param)| param.is_weight())
                .map(|(_, param)| absmax(param))
                .fold(0.0, f32::max)
        } else {
            0.0
        };
        for node in &mut self.nodes {
            for param in node.layer.params_mut().into_iter().filter(|param| active && param.is_weight()) {
                let largest = if per_layer_scale { absmax(param) } else { global };
                param.scale = quantizer.scale(largest, bits);
                param.quantized.resize(param.value.len(), 0.0);
                quantizer.fake_quantize(&param.value, param.scale, bits, &mut param.quantized);
            }
        }
        self.refresh();
    }

    /// Makes the kernels use the present forward weights.
    pub fn refresh(&mut self) {
        self.nodes.iter_mut().for_each(|node| node.layer.refresh());
    }

    /// Turns the gradients of the quantized weights into those of the master weights.
    pub fn quantizer_backward(&mut self, quantizer: &dyn Quantizer) {
        for param in self.params_mut().filter(|param| !param.quantized.is_empty()) {
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

    /// Every parameter, in the same order.
    pub fn params_mut(&mut self) -> impl Iterator<Item = &mut Param> {
        self.nodes.iter_mut().flat_map(|node| node.layer.params_mut())
    }

    /// Calls `change` for every parameter with the name of its layer, in the same order.
    pub fn for_each_param_mut(&mut self, mut change: impl FnMut(&str, &mut Param)) {
        for Node { name, layer, .. } in &mut self.nodes {
            layer.params_mut().into_iter().for_each(|param| change(name, param));
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
            quantized: node.layer.params().iter().any(|param| param.is_weight()),
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
