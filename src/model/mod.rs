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

mod activations;
mod description;
mod fusions;
mod node;
mod plan;
mod relevance;
mod rewrite;

use std::collections::TryReserveError;
use std::ops::RangeInclusive;

use rand::Rng;
use serde::Serialize;

use crate::kernels::blocks::{Blocks, Extent, Granularity};
use crate::kernels::gradients::Noise;
use crate::kernels::pointwise;
use crate::kernels::rounding::Rounding;
use crate::layers::{Context, Input, Levels, Param, Pass, Shape};
use crate::lower::{Lowered, Op};
use crate::param::Role;
use crate::quant::{self, ActivationRequest, End, Tracking};
use crate::random::{Purpose, stream};
use crate::state::{Under, Visitor};
use crate::{Error, Result, Tensor};

use activations::{Output, Placed};
use description::Source;
use node::Node;
use plan::{Plan, Use};

pub use description::{Description, IMAGE_CHANNELS, IMAGE_SIZE};
pub(crate) use relevance::Relevance;

/// A layer as the page lists it.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LayerInfo {
    /// `conv1`, `bn1`...
    pub name: String,
    /// Name in [`LAYERS`](crate::layers::LAYERS).
    #[serde(rename = "type")]
    pub kind: String,
    /// `[h, w, c]`.
    pub output_shape: Shape,
    /// Number of trainable values.
    pub parameters: usize,
    /// Has weights that a quantizer acts on.
    pub quantized: bool,
}

/// Is shown the name of a layer, its output and what that is about to be rounded to.
pub type Observe<'a> = dyn FnMut(&str, &Tensor, Option<Rounding>) + 'a;

/// A network.
pub struct Model {
    nodes: Vec<Node>,
    plan: Plan,
    input: Shape,
    input_halo: usize,
    /// The images without the channel that pads them, where a layer reads them so.
    image: Tensor,
    /// `activations[i]` is the output of `nodes[i]`; during the backward pass, its gradient.
    activations: Vec<Tensor>,
    /// `levels[i]` is the output of `nodes[i]` in whole numbers, where a layer computes in those.
    levels: Vec<Levels<u8>>,
    /// The gradient of one layer's output in whole numbers.
    gradient_levels: Levels<i8>,
    /// Gradients that have no activation's buffer to lie in, see [`Plan`].
    separate: Vec<Tensor>,
    /// Gradient of the logits.
    gradient: Tensor,
    /// What the last forward pass was for.
    pass: Pass,
    clock: fn() -> f64,
    products_ms: f64,
}

impl Model {
    /// Builds the layers, with initial weights from the seed.
    ///
    /// # Errors
    /// [`Error::Model`] that names the layer that does not fit; [`Error::Config`] for settings that no layer can
    /// follow.
    pub fn new(description: &Description) -> Result<Self> {
        let Description { input, classes, config, .. } = description;
        let config = &config.with_implied();
        let links = description::link(description)?;
        let mut rng = stream(config.seed, Purpose::Weights, 0);
        let mut nodes: Vec<Node> = Vec::new();
        let mut counts = std::collections::HashMap::new();
        // The node that computes each layer of the description.
        let mut node_of: Vec<Option<usize>> = vec![None; links.len()];
        for (index, link) in links.iter().enumerate() {
            if node_of[index].is_some() {
                continue;
            }
            let shape = |source: &Source| match source {
                Source::Image => *input,
                Source::Output(at) => nodes[node_of[*at].expect("in order")].layer.output(),
            };
            let shapes: Vec<Shape> = link.inputs.iter().map(shape).collect();
            let chain = fusions::chain(&links, index, shape);
            let of_image = link.inputs.contains(&Source::Image);
            let mut context = Context {
                spec: link.spec,
                index,
                inputs: &shapes,
                of_image,
                classes: *classes,
                config,
                rng: &mut rng,
            };
            let (chain, layer) = match chain {
                Some((chain, fusion)) => (chain, (fusion.build)(&mut context)?),
                None => (vec![index], (link.kind.build)(&mut context)?),
            };
            let inputs = chain.iter().enumerate().flat_map(|(place, at)| {
                // The first input of a later one is the one before it.
                links[*at].inputs.iter().skip(usize::from(place > 0))
            });
            let inputs: Vec<Source> = inputs
                .map(|source| match source {
                    Source::Image => Source::Image,
                    Source::Output(at) => Source::Output(node_of[*at].expect("in order")),
                })
                .collect();
            let count = counts.entry(link.kind.name).and_modify(|count| *count += 1).or_insert(1);
            let name = match link.kind.stem {
                "" => link.kind.name.to_string(),
                stem => format!("{stem}{count}"),
            };
            let has_weights = layer.params().iter().any(|param| param.is_weight());
            let kind = link.kind.name.to_string();
            let rectified = chain.iter().any(|at| links[*at].kind.name == "relu");
            chain.iter().for_each(|at| node_of[*at] = Some(nodes.len()));
            nodes.push(Node {
                name,
                kind,
                layer,
                has_weights,
                inputs,
                rectified,
                granularity: Granularity::Tensor,
                rounding: None,
                gradients: None,
                output_halo: 0,
                levels_halo: None,
                gradient_from: None,
            });
        }
        let output = nodes.last().expect("at least one layer").layer.output();
        if output != [1, 1, *classes] {
            return Err(Error::Model {
                layer: "last".into(),
                expected: format!("an output of {classes} classes"),
                found: format!("shape {output:?}"),
            });
        }
        let mut input_halo = 0;
        for i in 0..nodes.len() {
            let needed = nodes[i].layer.input_halo();
            for source in nodes[i].inputs.clone() {
                match source {
                    Source::Image => input_halo = needed.max(input_halo),
                    Source::Output(at) => nodes[at].output_halo = needed.max(nodes[at].output_halo),
                }
            }
            if nodes[i].inputs.iter().any(|source| *source != Source::Image) {
                nodes[i].output_halo = nodes[i].layer.gradient_halo().max(nodes[i].output_halo);
            }
        }
        let mut model = Self {
            activations: nodes.iter().map(|_| Tensor::default()).collect(),
            levels: nodes.iter().map(|_| Levels::default()).collect(),
            gradient_levels: Levels::default(),
            plan: Plan::new(&nodes),
            separate: Vec::new(),
            input: *input,
            input_halo,
            image: Tensor::default(),
            nodes,
            gradient: Tensor::default(),
            pass: Pass::EVALUATION,
            clock: || 0.0,
            products_ms: 0.0,
        };
        model.separate = model.plan.separate.iter().map(|_| Tensor::default()).collect();
        model.make_quantizers(config)?;
        model.place_roundings(config)?;
        model.round_gradients(config)?;
        if !config.winograd {
            model.nodes.iter_mut().for_each(|node| node.layer.use_direct_algorithm());
        }
        model.place_levels(config)?;
        Ok(model)
    }

    /// Has outputs kept in whole numbers too, where a layer computes in those.
    fn place_levels(&mut self, config: &crate::RunConfig) -> Result<()> {
        if config.compute != "int8" {
            return Ok(());
        }
        let refused = |why: String| Error::Config {
            field: "compute",
            expected: format!("f32 {why}"),
            found: "int8".into(),
        };
        for i in 0..self.nodes.len() {
            let Some(halo) = self.nodes[i].layer.levels_halo() else { continue };
            let [Source::Output(at)] = self.nodes[i].inputs[..] else { continue };
            let has_levels = self.nodes[i].gradients.is_some_and(|gradients| gradients.has_levels());
            if self.nodes[at].rounding.is_some() && has_levels {
                self.nodes[at].levels_halo = Some(halo);
            }
        }
        self.look_at_gradients();
        if self.nodes.iter().all(|node| node.levels_halo.is_none()) {
            return Err(refused(format!("with {}, no layer of which computes in integers", config.model)));
        }
        self.quantize();
        if self.nodes.iter().all(|node| !node.layer.takes_levels()) {
            return Err(refused(format!(
                "with weights by {}, which are no integers of one scale and few bits",
                config.quantizer
            )));
        }
        Ok(())
    }

    /// Has readers of what layers with rounded gradients give find out how large those are, where there is one reader alone.
    fn look_at_gradients(&mut self) {
        for i in 0..self.nodes.len() {
            let reads = |node: &Node| node.inputs.contains(&Source::Output(i));
            let readers: Vec<usize> = (0..self.nodes.len()).filter(|at| reads(&self.nodes[*at])).collect();
            let [reader] = readers[..] else { continue };
            let has_levels = self.nodes[i].gradients.is_some_and(|gradients| gradients.has_levels());
            if has_levels
                && self.nodes[i].rounding.is_none()
                && self.nodes[reader].inputs[0] == Source::Output(i)
            {
                self.nodes[reader].layer.look_at_gradient();
                self.nodes[i].gradient_from = Some(reader);
            }
        }
    }

    /// Gives every weight tensor a new quantizer of the settings, with the bits of its layer.
    pub(crate) fn make_quantizers(&mut self, config: &crate::RunConfig) -> Result<()> {
        self.make_quantizers_of(config, &|_| true)
    }

    /// The same for the layers of some names.
    pub(crate) fn make_quantizers_of(
        &mut self,
        config: &crate::RunConfig,
        wanted: &dyn Fn(&str) -> bool,
    ) -> Result<()> {
        let names: Vec<String> =
            self.nodes.iter().filter(|n| n.has_weights).map(|n| n.name.clone()).collect();
        let named = config.bits.layers().map(|layer| ("bits", layer));
        let named = named.chain(config.layers.settings().map(|(layer, _)| ("layers", layer)));
        for (field, layer) in named {
            if !names.iter().any(|name| name == layer) {
                return Err(Error::Config { field, expected: names.join(", "), found: layer.into() });
            }
        }
        let ends = self.ends_of_weights(config)?;
        let nodes = self.nodes.iter_mut().zip(ends).enumerate().filter(|(_, (node, _))| wanted(&node.name));
        for (i, (Node { name, layer, granularity, .. }, end)) in nodes {
            let own = config.of_layer(name)?;
            let scheme = quant::find(&own.quantizer)?;
            *granularity = own.granularity()?;
            for param in layer.params_mut().into_iter().filter(|param| param.is_weight()) {
                let bits = config.bits.of(name);
                let Some((scheme, bits)) = end.of_weights(scheme, bits) else { continue };
                param.quantizer = scheme.quantizer(bits, *granularity, param.matrix())?;
                if let Some(quantizer) = &mut param.quantizer {
                    quantizer.draw_from(stream(config.seed, Purpose::Quantizer { layer: i }, 0));
                }
            }
        }
        Ok(())
    }

    /// Of each node how its weights are rounded for its place in the network: where something is said of a layer, by that.
    fn ends_of_weights(&self, config: &crate::RunConfig) -> Result<Vec<End>> {
        let (ends, end) = (self.ends(), quant::find_end(&config.ends)?);
        let of = |(i, Node { name, .. }): (usize, &Node)| {
            let is_named = config.bits.layers().any(|layer| layer == name)
                || config.layers.has(name, &["quantizer", "granularity"]);
            if ends.contains(&Some(i)) && !is_named { end } else { End::Same }
        };
        Ok(self.nodes.iter().enumerate().map(of).collect())
    }

    /// Names of the layers with weights; `None` for those whose weights are not rounded, or to other bits than the
    /// setting's for their place in the network.
    pub(crate) fn layers_by_bits(&self, config: &crate::RunConfig) -> Result<Vec<Option<&str>>> {
        let nodes = self.nodes.iter().zip(self.ends_of_weights(config)?).filter(|(node, _)| node.has_weights);
        let is_rounded = |node: &Node| {
            node.layer.params().iter().any(|param| param.is_weight() && param.quantizer.is_some())
        };
        Ok(nodes
            .map(|(node, end)| (is_rounded(node) && end == End::Same).then_some(node.name.as_str()))
            .collect())
    }

    /// Of each layer with weights the places of those among them that its backward pass reaches.
    pub(crate) fn reached_backward(&self) -> Vec<Vec<usize>> {
        let (mut of_nodes, mut of_layers) = (Vec::<Vec<usize>>::new(), Vec::new());
        for node in &self.nodes {
            let before = node.inputs.iter().filter_map(|source| match source {
                Source::Image => None,
                Source::Output(at) => Some(&of_nodes[*at]),
            });
            let mut before: Vec<usize> = before.flatten().copied().collect();
            before.sort_unstable();
            before.dedup();
            if node.has_weights {
                of_layers.push(before.clone());
                before.push(of_layers.len() - 1);
            }
            of_nodes.push(before);
        }
        of_layers
    }

    /// Puts quantizers behind the layers that have a ReLU, as the settings say.
    fn place_roundings(&mut self, config: &crate::RunConfig) -> Result<()> {
        let end = quant::find_end(&config.ends)?;
        let tracking =
            if config.activation_range == "largest" { Tracking::Largest } else { Tracking::Average };
        let last = self.nodes.iter().rposition(|node| node.rectified);
        let mut layer = String::new();
        for (i, node) in self.nodes.iter_mut().enumerate() {
            if node.has_weights {
                layer.clone_from(&node.name);
            }
            if !node.rectified {
                continue;
            }
            let own = config.of_layer(&layer)?;
            let scheme = quant::find_activations(&own.activations)?;
            let is_named = config.layers.has(&layer, &["activations", "actbits"]);
            // What the last layer with weights reads comes from the last ReLU.
            let end = if Some(i) == last && !is_named { end } else { End::Same };
            let Some((scheme, bits)) = end.of_activations(scheme, own.activation_bits as u8) else {
                continue;
            };
            let request = ActivationRequest { bits, tracking, clip_decay: config.clip_decay as f32 };
            node.rounding = scheme.quantizer(&request)?.map(Placed::new);
        }
        Ok(())
    }

    /// Has the gradients of layers with weights rounded, as the settings say.
    fn round_gradients(&mut self, config: &crate::RunConfig) -> Result<()> {
        let scheme = quant::find_gradients(&config.gradients)?;
        let (ends, end) = (self.ends(), quant::find_end(&config.ends)?);
        for (i, node) in self.nodes.iter_mut().enumerate().filter(|(_, node)| node.has_weights) {
            let end = if ends.contains(&Some(i)) { end } else { End::Same };
            if let Some((scheme, bits)) = end.of_gradients(scheme, config.gradient_bits as u8) {
                node.gradients = scheme.rounding(bits)?;
            }
        }
        Ok(())
    }

    /// The first and the last layer with weights.
    fn ends(&self) -> [Option<usize>; 2] {
        let has_weights = |node: &Node| node.has_weights;
        [self.nodes.iter().position(has_weights), self.nodes.iter().rposition(has_weights)]
    }

    /// Border of zeros that the first layer needs around every image.
    pub fn input_halo(&self) -> usize {
        self.input_halo
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

    /// Runs the network on `x` of shape `[n, h, w, c]`, where c is a multiple of 4; returns the logits,
    /// `[n, 1, 1, classes]`.
    pub fn forward(&mut self, x: &Tensor, pass: &Pass) -> &Tensor {
        self.forward_through(self.nodes.len() - 1, x, pass)
    }

    /// The same up to the layer of that index, whose output it returns.
    pub(crate) fn forward_through(&mut self, last: usize, x: &Tensor, pass: &Pass) -> &Tensor {
        self.forward_observed(0..=last, x, pass, None)
    }

    /// The rest of it, from that layer on: what lies before is as the pass before has left it.
    pub(crate) fn forward_from(&mut self, layer: &str, x: &Tensor, pass: &Pass) -> &Tensor {
        let first = self.nodes.iter().position(|node| node.name == layer).expect("a layer of this network");
        self.forward_observed(first..=self.nodes.len() - 1, x, pass, None)
    }

    /// Runs the network in evaluation mode, and shows what each ReLU gives before it is rounded.
    pub fn observe(&mut self, x: &Tensor, observe: &mut Observe) {
        self.forward_observed(0..=self.nodes.len() - 1, x, &Pass::EVALUATION, Some(observe));
    }

    fn forward_observed(
        &mut self,
        range: RangeInclusive<usize>,
        x: &Tensor,
        pass: &Pass,
        mut observe: Option<&mut Observe<'_>>,
    ) -> &Tensor {
        self.pass = *pass;
        let (first, last) = range.into_inner();
        if self.plan.reads_image {
            strip(x, self.input, self.input_halo, &mut self.image);
        }
        let in_levels = self.read_in_levels();
        for (i, node) in self.nodes.iter_mut().enumerate().take(last + 1).skip(first) {
            let Node { name, layer, inputs, rounding, .. } = node;
            let (before, after) = self.activations.split_at_mut(i);
            let y = &mut after[0];
            let [h, w, c] = layer.output();
            y.reshape([x.n(), h, w, c], node.output_halo);
            let of_image = if layer.reads_stored_image() { x } else { &self.image };
            let values: Vec<&Tensor> = inputs
                .iter()
                .map(|source| match source {
                    Source::Image => of_image,
                    Source::Output(at) => &before[*at],
                })
                .collect();
            let start = (self.clock)();
            if let [Source::Output(at)] = inputs[..]
                && layer.takes_levels()
                && self.levels[at].step.is_some()
            {
                layer.forward_levels(&self.levels[at], y);
            } else if let Some(placed) = rounding {
                let levels = &mut self.levels[i];
                levels.step = None;
                let [wanted, enough] = in_levels[i];
                if wanted {
                    levels.values.reshape(y.shape(), node.levels_halo.unwrap_or(0));
                }
                let out = Output { y, levels: wanted.then_some(levels), stores: !enough || i == last };
                let observe = observe.as_deref_mut().map(|observe| (name.as_str(), observe));
                placed.compute(layer.as_mut(), &values, out, pass, observe);
            } else {
                layer.forward(&values, y, pass);
                if let Some(observe) = &mut observe
                    && node.rectified
                {
                    observe(name, y, None);
                }
            }
            if node.has_weights {
                self.products_ms += (self.clock)() - start;
            }
        }
        &self.activations[last]
    }

    /// Bytes of the activations of a batch of `n` images, gradients included (they take the same memory).
    pub fn activation_bytes(&self, n: usize) -> usize {
        let elements = self.nodes.iter().map(|node| {
            let [h, w, c] = node.layer.output();
            (h + 2 * node.output_halo) * (w + 2 * node.output_halo) * c
        });
        let separate = self.plan.separate.iter().map(|at| {
            let node = &self.nodes[*at];
            let [h, w, c] = node.layer.output();
            (h + 2 * node.output_halo) * (w + 2 * node.output_halo) * c
        });
        let [h, w, c] = self.input.map(|len| if self.plan.reads_image { len } else { 0 });
        let image = (h + 2 * self.input_halo) * (w + 2 * self.input_halo) * c;
        let kept = self.nodes.iter().map(|node| {
            let [h, w, c] = node.layer.output();
            node.rounding.as_ref().map_or(0, |placed| placed.bytes([n, h, w, c]))
        });
        let levels: usize =
            self.level_shapes().map(|([h, w, c], halo)| (h + 2 * halo) * (w + 2 * halo) * c).sum();
        n * ((elements.sum::<usize>() + separate.sum::<usize>() + image) * size_of::<f32>() + levels)
            + kept.sum::<usize>()
    }

    /// Shapes and halos of the levels of outputs that are kept, and of the largest gradient of which there are levels.
    fn level_shapes(&self) -> impl Iterator<Item = (Shape, usize)> {
        let outputs = self.nodes.iter().filter_map(|node| Some((node.layer.output(), node.levels_halo?)));
        let gradients = self.nodes.iter().filter(|node| node.layer.levels_halo().is_some());
        let largest = gradients
            .map(|node| (node.layer.output(), node.output_halo))
            .max_by_key(|([h, w, c], _)| h * w * c);
        outputs.chain(largest)
    }

    /// Bytes of the parameters in training: master weights, gradients, what is kept in `slots` beside each, quantized
    /// weights, and these packed for the forward and the backward pass (F(4x4) Winograd filters have 36 values for 9
    /// weights).
    pub fn parameter_bytes(&self, slots: usize) -> usize {
        let bytes = self.params().map(|(_, param)| {
            let copies = match param.dims[..] {
                [3, 3, ..] => 2 + slots + 2 * 36 / 9,
                [_, ..] if param.is_weight() => 2 + slots + 2,
                _ => 1 + slots,
            };
            copies * size_of_val(&param.value[..]) + param.gradient().bytes()
        });
        bytes.sum()
    }

    /// Takes the memory of [`Model::activation_bytes`].
    ///
    /// # Errors
    /// Where there is not enough.
    pub fn try_reserve(&mut self, n: usize) -> std::result::Result<(), TryReserveError> {
        for (node, activation) in self.nodes.iter_mut().zip(&mut self.activations) {
            let [h, w, c] = node.layer.output();
            activation.try_reserve([n, h, w, c], node.output_halo)?;
            if let Some(placed) = &mut node.rounding {
                placed.try_reserve([n, h, w, c])?;
            }
        }
        for (at, gradient) in self.plan.separate.iter().zip(&mut self.separate) {
            let node = &self.nodes[*at];
            let [h, w, c] = node.layer.output();
            gradient.try_reserve([n, h, w, c], node.output_halo)?;
        }
        for (node, levels) in self.nodes.iter().zip(&mut self.levels) {
            let [h, w, c] = node.layer.output();
            if let Some(halo) = node.levels_halo {
                levels.values.try_reserve([n, h, w, c], halo)?;
            }
        }
        if self.plan.reads_image {
            let [h, w, c] = self.input;
            self.image.try_reserve([n, h, w, c], self.input_halo)?;
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
            let mut dy = std::mem::take(&mut self.activations[i]);
            if let Some(placed) = &mut self.nodes[i].rounding {
                placed.backward(&mut dy);
            }
            self.gradient_levels.step = None;
            if let Some(rounding) = &self.nodes[i].gradients {
                let key = stream(self.pass.seed, Purpose::Gradients { layer: i }, self.pass.step).next_u64();
                if self.computes_in_levels(i) && rounding.has_levels() {
                    let Levels { values, step } = &mut self.gradient_levels;
                    values.reshape(dy.shape(), dy.halo());
                    let reader = self.nodes[i].gradient_from.map(|reader| &self.nodes[reader].layer);
                    let largest = reader.and_then(|layer| layer.largest_gradient());
                    *step = rounding.levels(&dy, largest, Noise::new(key), values);
                } else {
                    rounding.apply(&mut dy, Noise::new(key));
                }
            }
            self.backward_node(i, x, &dy);
            self.activations[i] = dy;
            // The gradients that are complete but for what later layers had to say.
            for (source, uses) in self.plan.owned_by(i) {
                let mut dx = std::mem::take(&mut self.activations[source]);
                for addend in uses {
                    match *addend {
                        plan::Addend::Output(node) => pointwise::add_assign(&mut dx, &self.activations[node]),
                        plan::Addend::Separate(at) => pointwise::add_assign(&mut dx, &self.separate[at]),
                    }
                }
                self.activations[source] = dx;
            }
        }
    }

    /// Of each output whether a layer reads its levels, and whether all that read it do.
    fn read_in_levels(&self) -> Vec<[bool; 2]> {
        let mut found = vec![[false, true]; self.nodes.len()];
        for node in &self.nodes {
            let reads = node.layer.takes_levels();
            for source in &node.inputs {
                let Source::Output(at) = *source else { continue };
                let kept = self.nodes[at].levels_halo.is_some();
                found[at] = [found[at][0] || kept && reads, found[at][1] && kept && reads];
            }
        }
        found
    }

    /// Whether a layer read the levels of what is before it in the last forward pass.
    fn computes_in_levels(&self, i: usize) -> bool {
        let Node { layer, inputs, .. } = &self.nodes[i];
        let [Source::Output(at)] = inputs[..] else { return false };
        layer.takes_levels() && self.levels[at].step.is_some()
    }

    /// The backward pass of one layer.
    fn backward_node(&mut self, i: usize, x: &Tensor, dy: &Tensor) {
        let uses = &self.plan.uses[i];
        for to in uses {
            if let Use::Separate { source, at } = *to {
                let values = &self.activations[source];
                self.separate[at].reshape(values.shape(), values.halo());
                pointwise::copy(values, &mut self.separate[at]);
            }
        }
        // Tensors that are written to leave their places meanwhile.
        let mut taken: Vec<Tensor> = uses
            .iter()
            .map(|to| match *to {
                Use::Own { source } => std::mem::take(&mut self.activations[source]),
                Use::Separate { at, .. } => std::mem::take(&mut self.separate[at]),
                Use::Image | Use::Passed { .. } => Tensor::default(),
            })
            .collect();
        let node = &mut self.nodes[i];
        let of_image = if node.layer.reads_stored_image() { x } else { &self.image };
        let mut inputs: Vec<Input<'_>> = uses
            .iter()
            .zip(&mut taken)
            .map(|(to, taken)| match *to {
                Use::Image => Input::Fixed(of_image),
                Use::Passed { source } => Input::Fixed(&self.activations[source]),
                Use::Own { .. } | Use::Separate { .. } => Input::Gradient(taken),
            })
            .collect();
        let start = (self.clock)();
        match (&mut inputs[..], &node.inputs[..]) {
            ([input], [Source::Output(at)]) if self.gradient_levels.step.is_some() => {
                node.layer.backward_levels(&self.levels[*at], input.gradient(), &self.gradient_levels);
            }
            (inputs, _) => node.layer.backward(inputs, dy),
        }
        if node.has_weights {
            self.products_ms += (self.clock)() - start;
        }
        for (to, tensor) in self.plan.uses[i].iter().zip(taken) {
            match *to {
                Use::Own { source } => self.activations[source] = tensor,
                Use::Separate { at, .. } => self.separate[at] = tensor,
                Use::Image | Use::Passed { .. } => {}
            }
        }
    }

    /// Makes the forward weights of every layer from its master weights.
    pub fn quantize(&mut self) {
        let shares = |node: &&Node| node.granularity == Granularity::Net;
        let net = self.nodes.iter().any(|node| shares(&node)).then(|| {
            let params = self.nodes.iter().filter(shares).flat_map(|node| node.layer.params());
            let extents = params
                .filter(|param| param.quantizer.is_some())
                .map(|param| Blocks::new(param.value.len(), 1, Granularity::Tensor).extents(&param.value)[0]);
            extents.fold(Extent::NOTHING, Extent::join)
        });
        for node in &mut self.nodes {
            let net = net.filter(|_| shares(&&*node));
            node.layer.params_mut().into_iter().for_each(|param| param.quantize(net));
        }
        self.refresh();
    }

    /// Makes the kernels use the present forward weights.
    pub fn refresh(&mut self) {
        let start = (self.clock)();
        self.nodes.iter_mut().for_each(|node| node.layer.refresh());
        self.products_ms += (self.clock)() - start;
    }

    /// Turns the gradients of the quantized weights into those of the master weights, and writes those of what the
    /// quantizers learn. Without `straight_through` master weights and latent variables get the true derivative of
    /// rounding, which is flat almost everywhere: 0.
    pub fn quantizer_backward(&mut self, straight_through: bool) {
        for param in self.nodes.iter_mut().flat_map(|node| node.layer.params_mut()) {
            let Some(quantizer) = &mut param.quantizer else { continue };
            quantizer.backward(&param.value, &mut param.grad);
            if !straight_through {
                let latents =
                    quantizer.params_mut().iter_mut().filter(|learned| learned.role == Role::Latent);
                latents.for_each(Param::clear_gradient);
                param.clear_gradient();
            }
        }
    }

    /// Shows every value that must survive: master values, what the optimizer keeps in `slots` beside them, what
    /// quantizers learn, running statistics. The forward weights are stale where the visitor replaced some, until
    /// [`Model::quantize`].
    pub fn visit(&mut self, slots: &[&'static str], visitor: &mut dyn Visitor) {
        for Node { name, layer, rounding, .. } in &mut self.nodes {
            let visitor = &mut Under { visitor, prefix: name };
            layer.params_mut().into_iter().for_each(|param| param.visit(slots, visitor));
            for (name, values) in layer.buffers_mut() {
                visitor.tensor(name, &[values.len()], values);
            }
            layer.visit(visitor);
            if let Some(placed) = rounding {
                let visitor = &mut Under { visitor, prefix: "rounding" };
                placed.quantizer.params_mut().iter_mut().for_each(|param| param.visit(slots, visitor));
                placed.quantizer.visit(visitor);
            }
        }
    }

    /// Weights whose sizes another network has in latent variables are taken over as its forward pass uses them, where this
    /// one has no such variables to put in their place; `other` is called with each.
    pub fn take_over(&mut self, from: &Model, mut other: impl FnMut(&mut Param)) {
        let dims = |param: &Param| param.latents().map(|latents| latents.dims.clone());
        for (node, from) in self.nodes.iter_mut().zip(&from.nodes) {
            for (param, from) in node.layer.params_mut().into_iter().zip(from.layer.params()) {
                if dims(from).is_some() && dims(param) != dims(from) {
                    param.changing().value.copy_from_slice(from.forward_value());
                    other(param);
                }
            }
        }
    }

    /// Keeps the statistics gathered by the last training pass.
    pub fn end_step(&mut self) {
        self.nodes.iter_mut().for_each(|node| node.layer.end_step());
        self.keep_ranges();
    }

    /// Keeps what quantizers of activations measured in the last training pass.
    pub fn keep_ranges(&mut self) {
        let placed = self.nodes.iter_mut().filter_map(|node| node.rounding.as_mut());
        placed.for_each(|placed| placed.quantizer.end_step());
    }

    /// The statistics of the last training pass count as number `done` (from 0) of those whose mean evaluation uses.
    pub fn estimate(&mut self, done: usize) {
        self.nodes.iter_mut().for_each(|node| node.layer.estimate(done));
    }

    /// Every parameter with the name of its layer, in a fixed order.
    pub fn params(&self) -> impl Iterator<Item = (&str, &Param)> {
        self.nodes.iter().flat_map(|node| node.params().map(|param| (node.name.as_str(), param)))
    }

    /// Calls `change` for every parameter with the name of its layer, in the same order.
    pub fn for_each_param_mut(&mut self, mut change: impl FnMut(&str, &mut Param)) {
        self.nodes.iter_mut().for_each(|node| node.for_each_param_mut(&mut change));
    }

    /// What it computes in evaluation mode, with the present forward weights.
    pub fn lower(&self) -> Lowered {
        let mut lowered = Lowered::new(self.input);
        let mut values: Vec<usize> = Vec::new();
        for Node { name, layer, inputs, rounding, .. } in &self.nodes {
            let inputs: Vec<usize> = inputs
                .iter()
                .map(|source| match source {
                    Source::Image => 0,
                    Source::Output(at) => values[*at],
                })
                .collect();
            values.push(lowered.layer(name, &inputs, |out| {
                layer.lower(out);
                if let Some(rounding) = rounding.as_ref().and_then(Placed::rounding) {
                    out.push(Op::Round(rounding));
                }
            }));
        }
        lowered
    }

    /// Layers with weights whose outputs pass others by, each with the last of those: it is where they come together.
    pub(crate) fn skips(&self) -> Vec<[&str; 2]> {
        let weights = |at: usize| self.nodes[..=at].iter().rfind(|node| node.has_weights);
        let name = |at: usize| weights(at).map_or("", |node| node.name.as_str());
        let far = |(i, node): (usize, &Node)| {
            let past = node.inputs.iter().filter_map(move |input| match input {
                Source::Output(at) if at + 1 < i => Some([*at, i]),
                _ => None,
            });
            past.collect::<Vec<_>>()
        };
        let pairs = self.nodes.iter().enumerate().flat_map(far).map(|ends| ends.map(name));
        pairs.filter(|[from, to]| from != to).collect()
    }

    /// Number of trainable values, without what quantizers learn beside them.
    pub fn parameter_count(&self) -> usize {
        self.nodes.iter().flat_map(|node| node.layer.params()).map(|param| param.value.len()).sum()
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

/// Copies images without the channels that pad them.
fn strip(x: &Tensor, [_, _, channels]: Shape, halo: usize, out: &mut Tensor) {
    let [n, h, w, stored] = x.shape();
    out.reshape([n, h, w, channels], halo);
    for (image, row) in (0..n).flat_map(|image| (0..h).map(move |row| (image, row))) {
        let pixels = x.row(image, row).chunks_exact(stored);
        for (to, from) in out.row_mut(image, row).chunks_exact_mut(channels).zip(pixels) {
            to.copy_from_slice(&from[..channels]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RunConfig;
    use crate::models::{self, Preset};
    use crate::registry::{Entry, told};

    fn model_of(preset: &Preset) -> Model {
        Model::new(&Description::new(preset.specs().unwrap(), 10, RunConfig::default())).unwrap()
    }

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
        for preset in models::MODELS.iter() {
            let mut model = model_of(preset);
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
        entry: Entry { name: "mixed", label: "", about: told("") },
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
            let mut model = model_of(preset);
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
