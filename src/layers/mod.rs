//! Layers: forward beside backward, one file a layer.
//!
//! A layer owns its parameters and what its backward pass must remember (a mask, batch statistics). The
//! activations belong to the [`Model`](crate::model::Model), which hands them in; a backward pass writes the
//! gradient of its input over the input itself.
//! A new layer is one file and one line in [`LAYERS`].

mod add;
pub(crate) mod batch_norm;
mod conv2d;
mod dropout;
mod flatten;
mod global_avg_pool;
mod linear;
mod max_pool;
mod projection;
mod relu;
pub mod spec;

use rand_chacha::ChaCha8Rng;
use serde::Deserialize;
use serde_json::Value;

pub use crate::param::{Init, Param, Role, Slot};
pub use crate::tensor::{Levels, Shape};
pub use spec::LayerSpec;

use std::ops::RangeInclusive;

use crate::kernels::rounding::ByRows;
use crate::lower::Lowering;
use crate::registry::{Named, Registry};
use crate::state::Visitor;
use crate::{Error, Result, RunConfig, Tensor};

/// What a layer is built from.
pub struct Context<'a> {
    /// The description.
    pub spec: &'a LayerSpec,
    /// Index in the model's list, for messages.
    pub index: usize,
    /// Shapes of the inputs.
    pub inputs: &'a [Shape],
    /// An input is the image.
    pub of_image: bool,
    /// Number of classes of the data set.
    pub classes: usize,
    /// The settings of the run.
    pub config: &'a RunConfig,
    /// Source of the initial weights.
    pub rng: &'a mut ChaCha8Rng,
}

impl Context<'_> {
    /// Shape of the first input.
    pub fn input(&self) -> Shape {
        self.inputs[0]
    }

    /// Channels of the input as [`Layer::reads_stored_image`] has them: images come with theirs rounded up to 4.
    pub fn stored_channels(&self) -> usize {
        let channels = self.input()[2];
        if self.of_image { channels.next_multiple_of(4) } else { channels }
    }

    /// The layer's settings as a typed struct.
    ///
    /// # Errors
    /// [`Error::Model`] where a setting is missing, unknown or of the wrong type.
    pub fn settings<T: for<'de> Deserialize<'de>>(&self) -> Result<T> {
        let value = Value::Object(self.spec.settings.clone());
        serde_json::from_value(value.clone())
            .map_err(|problem| self.error(format!("valid settings ({problem})"), value.to_string()))
    }

    /// An error about this layer.
    pub fn error(&self, expected: impl Into<String>, found: impl Into<String>) -> Error {
        Self::error_about(self.index, self.spec, expected, found)
    }

    /// An error about a layer.
    pub fn error_about(
        index: usize,
        spec: &LayerSpec,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> Error {
        Error::Model {
            layer: format!("{index} ({})", spec.kind),
            expected: expected.into(),
            found: found.into(),
        }
    }
}

/// Settings of layers that have none.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NoSettings {}

/// What the forward pass is for.
#[derive(Debug, Clone, Copy)]
pub struct Pass {
    /// Batch statistics and dropout; off: running statistics and no dropout.
    pub training: bool,
    /// Seed of the run, for dropout.
    pub seed: u32,
    /// Number of training steps done, for dropout.
    pub step: u64,
}

impl Pass {
    /// One that nothing is learned from.
    pub const EVALUATION: Self = Self { training: false, seed: 0, step: 0 };
}

/// An input of a layer in its backward pass.
pub enum Input<'a> {
    /// Its gradient is not asked for, or is that of the output.
    Fixed(&'a Tensor),
    /// The values, to be overwritten by their gradient. Their halo is zero and stays so.
    Gradient(&'a mut Tensor),
}

impl<'a> Input<'a> {
    /// The values, as long as they are not overwritten.
    pub fn values(&self) -> &Tensor {
        match self {
            Input::Fixed(x) => x,
            Input::Gradient(x) => x,
        }
    }

    /// The tensor to write the gradient to (its interior still holds the values); `None` where none is asked for.
    pub fn gradient(&mut self) -> Option<&mut Tensor> {
        match self {
            Input::Fixed(_) => None,
            Input::Gradient(x) => Some(x),
        }
    }
}

/// One factor and one offset a channel.
pub struct Affine {
    /// What values are multiplied by.
    pub factor: Vec<f64>,
    /// What is added to them then.
    pub offset: Vec<f64>,
}

/// A differentiable function with parameters.
pub trait Layer: Send {
    /// Shape of the output.
    fn output(&self) -> Shape;

    /// Border of zeros needed around every image of the inputs.
    fn input_halo(&self) -> usize {
        0
    }

    /// Border of zeros that the backward pass needs around every image of `dy`, where it has an input's gradient to
    /// compute.
    fn gradient_halo(&self) -> usize {
        0
    }

    /// Reads images as a batch stores them, with channels of zeros up to a multiple of 4.
    fn reads_stored_image(&self) -> bool {
        false
    }

    /// The gradient of the input at that place is `dy` itself, as in a sum.
    fn passes_gradient(&self, input: usize) -> bool {
        let _ = input;
        false
    }

    /// Writes `y`, which has the right shape.
    fn forward(&mut self, inputs: &[&Tensor], y: &mut Tensor, pass: &Pass);

    /// Writes the gradients of the parameters and, over each input that is [`Input::Gradient`], that of the input, for
    /// the batch of the last forward pass. `dy` is the gradient of the output; it lies in the output's own buffer, so
    /// the output is gone.
    fn backward(&mut self, inputs: &mut [Input<'_>], dy: &Tensor);

    /// Can round its output as it writes it: [`Layer::forward_rounded`] takes the place of [`Layer::forward`].
    fn rounds(&self) -> bool {
        false
    }

    /// The largest value of the output of the training pass that comes next, or 0; what is found on the way is kept for the
    /// pass. `None`: nobody can tell before.
    fn foresee(&mut self, inputs: &[&Tensor]) -> Option<f32> {
        let _ = inputs;
        None
    }

    /// [`Layer::forward`] and a rounding of the output; where that is not in place, `y` is not written.
    ///
    /// # Panics
    /// Where it does not round.
    fn forward_rounded(
        &mut self,
        inputs: &[&Tensor],
        y: &mut Tensor,
        pass: &Pass,
        rounding: &mut ByRows<'_>,
    ) {
        let _ = (inputs, y, pass, rounding);
        unreachable!("a layer that does not round");
    }

    /// From now on it finds out how large its input's gradient is: [`Layer::largest_gradient`].
    fn look_at_gradient(&mut self) {}

    /// The largest magnitude of what the last backward pass wrote over the first input, where it has looked at that.
    fn largest_gradient(&self) -> Option<f32> {
        None
    }

    /// Border of zeros around the levels that it can read; `None`: it reads none.
    fn levels_halo(&self) -> Option<usize> {
        None
    }

    /// Computes from levels in integers with the present weights: [`Layer::forward_levels`] and
    /// [`Layer::backward_levels`] take the places of the two above.
    fn takes_levels(&self) -> bool {
        false
    }

    /// [`Layer::forward`] of a first and only input in whole numbers of a step.
    ///
    /// # Panics
    /// Where it does not take levels.
    fn forward_levels(&mut self, x: &Levels<u8>, y: &mut Tensor) {
        let _ = (x, y);
        unreachable!("a layer that takes no levels");
    }

    /// [`Layer::backward`] with the gradient of the output, too, in whole numbers of a step.
    ///
    /// # Panics
    /// Where it does not take levels.
    fn backward_levels(&mut self, x: &Levels<u8>, dx: Option<&mut Tensor>, dy: &Levels<i8>) {
        let _ = (x, dx, dy);
        unreachable!("a layer that takes no levels");
    }

    /// Writes what it computes in evaluation mode in the operations of [`crate::lower`].
    fn lower(&self, out: &mut Lowering<'_>);

    /// Parameters in a fixed order.
    fn params(&self) -> Vec<&Param> {
        Vec::new()
    }

    /// The same, to change.
    fn params_mut(&mut self) -> Vec<&mut Param> {
        Vec::new()
    }

    /// Computes by the direct algorithm from now on, where there is a choice.
    fn use_direct_algorithm(&mut self) {}

    /// The forward weights have changed: packs them for the kernels.
    fn refresh(&mut self) {}

    /// The step has been accepted: statistics gathered in its forward pass are kept.
    fn end_step(&mut self) {}

    /// The statistics of the last training pass count as number `done` (from 0) of those whose mean evaluation uses.
    fn estimate(&mut self, done: usize) {
        let _ = done;
    }

    /// Multiplies by its one parameter of weights, `[rows][outputs]`, and adds its one of biases: no more.
    fn is_linear(&self) -> bool {
        false
    }

    /// What evaluation multiplies each channel of the first input by and adds to it before all else; from now on it does
    /// not, since the layer before is to do so. `None` where there is nothing of the kind.
    fn hand_over(&mut self) -> Option<Affine> {
        None
    }

    /// In evaluation a channel times a positive number comes out times that number.
    fn keeps_scale(&self) -> bool {
        false
    }

    /// State besides parameters and buffers.
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        let _ = visitor;
    }

    /// Named statistics that are state but no parameters, such as running means.
    fn buffers(&self) -> Vec<(&'static str, &[f32])> {
        Vec::new()
    }

    /// The same, to change.
    fn buffers_mut(&mut self) -> Vec<(&'static str, &mut [f32])> {
        Vec::new()
    }
}

/// A registered layer type.
pub struct LayerKind {
    /// Its name in [`LayerSpec::kind`].
    pub name: &'static str,
    /// Stem of the names of its instances (`conv` gives conv1, conv2...); empty where an instance has no state.
    pub stem: &'static str,
    /// How many inputs it takes.
    pub inputs: RangeInclusive<usize>,
    /// Builds one.
    pub build: fn(&mut Context<'_>) -> Result<Box<dyn Layer>>,
}

impl Named for LayerKind {
    fn name(&self) -> &'static str {
        self.name
    }
}

/// Every layer type that a model can use.
pub static LAYERS: Registry<LayerKind> = Registry::new("type", OWN);

const OWN: &[LayerKind] = &[
    LayerKind { name: "conv2d", stem: "conv", inputs: 1..=1, build: conv2d::build },
    LayerKind { name: "linear", stem: "linear", inputs: 1..=1, build: linear::build },
    LayerKind { name: "batch_norm", stem: "bn", inputs: 1..=1, build: batch_norm::build },
    LayerKind { name: "relu", stem: "relu", inputs: 1..=1, build: relu::build },
    LayerKind { name: "max_pool", stem: "", inputs: 1..=1, build: max_pool::build },
    LayerKind { name: "global_avg_pool", stem: "", inputs: 1..=1, build: global_avg_pool::build },
    LayerKind { name: "flatten", stem: "", inputs: 1..=1, build: flatten::build },
    LayerKind { name: "dropout", stem: "", inputs: 1..=1, build: dropout::build },
    LayerKind { name: "add", stem: "", inputs: 2..=2, build: add::build },
    LayerKind { name: "projection", stem: "projection", inputs: 1..=1, build: projection::build },
];
