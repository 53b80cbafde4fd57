//! Layers: forward beside backward, one file a layer.
//!
//! A layer owns its parameters and what its backward pass must remember (a mask, batch statistics). The
//! activations belong to the [`Model`](crate::model::Model), which hands them in; a backward pass writes the
//! gradient of its input over the input itself.
//! A new layer is one file and one line in [`LAYERS`].

mod add;
mod batch_norm;
mod conv2d;
mod dropout;
mod flatten;
mod global_avg_pool;
mod linear;
mod max_pool;
mod param;
mod relu;

use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub(crate) use batch_norm::EPSILON as BATCH_NORM_EPSILON;
pub use param::{Init, Param};

use crate::{Error, Result, Tensor};

/// `[h, w, c]` of one image's activation; a vector is `[1, 1, c]`.
pub type Shape = [usize; 3];

/// One layer of a model's description.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LayerSpec {
    /// Name in [`LAYERS`].
    #[serde(rename = "type")]
    pub kind: String,
    /// A name for this layer's output, for skip connections.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The `id` of the layer whose output is a second input.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The layer's own settings.
    #[serde(flatten)]
    pub settings: Map<String, Value>,
}

/// What a layer is built from.
pub struct Context<'a> {
    /// The description.
    pub spec: &'a LayerSpec,
    /// Index in the model's list, for messages.
    pub index: usize,
    /// Shape of the input.
    pub input: Shape,
    /// Number of classes of the data set.
    pub classes: usize,
    /// Source of the initial weights.
    pub rng: &'a mut ChaCha8Rng,
}

impl Context<'_> {
    /// Channels of the input as it is stored: images come with theirs rounded up to 4.
    pub fn stored_channels(&self) -> usize {
        let channels = self.input[2];
        if self.index == 0 { channels.next_multiple_of(4) } else { channels }
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
        Error::Model {
            layer: format!("{} ({})", self.index, self.spec.kind),
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

/// The tensors of one backward pass.
pub struct Backward<'a> {
    /// The input of the forward pass, which the gradient with respect to it replaces.
    pub x: Input<'a>,
    /// Gradient of the loss with respect to the output. It lies in the output's own buffer, so the output is gone.
    pub dy: &'a Tensor,
}

/// The input of a layer in its backward pass.
pub enum Input<'a> {
    /// The batch, in the first layer: it stays as it is and has no gradient.
    Batch(&'a Tensor),
    /// The output of the layer before, to be overwritten by its gradient. Its halo is zero and stays so.
    Activation(&'a mut Tensor),
}

impl<'a> Input<'a> {
    /// The values, as long as they are not overwritten.
    pub fn values(&self) -> &Tensor {
        match self {
            Input::Batch(x) => x,
            Input::Activation(x) => x,
        }
    }

    /// The tensor to write the gradient to (its interior still holds the values); `None` in the first layer.
    pub fn into_gradient(self) -> Option<&'a mut Tensor> {
        match self {
            Input::Batch(_) => None,
            Input::Activation(x) => Some(x),
        }
    }
}

/// A differentiable function with parameters.
pub trait Layer: Send {
    /// Shape of the output.
    fn output(&self) -> Shape;

    /// Border of zeros needed around every image of the input.
    fn input_halo(&self) -> usize {
        0
    }

    /// Border of zeros that the backward pass needs around every image of `dy`. The first layer's is not asked for.
    fn gradient_halo(&self) -> usize {
        0
    }

    /// The layer also does the work of the next one (such as batch norm with its ReLU): true if it took it.
    /// [`Layer::output`] then tells the shape behind both.
    fn absorb(&mut self, next: &LayerSpec) -> bool {
        let _ = next;
        false
    }

    /// Writes `y`, which has the right shape; `from` is the second input, where the description names one.
    fn forward(&mut self, x: &Tensor, from: Option<&Tensor>, y: &mut Tensor, pass: &Pass);

    /// Writes the gradients of the parameters and, over `x`, that of `x`, for the batch of the last training
    /// pass. The second input's gradient is `dy`.
    fn backward(&mut self, tensors: Backward<'_>);

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
    /// Stem of the names of its instances (`conv` gives conv1, conv2...); empty for layers without parameters.
    pub stem: &'static str,
    /// Builds one.
    pub build: fn(&mut Context<'_>) -> Result<Box<dyn Layer>>,
}

/// Every layer type that a model can use.
pub static LAYERS: &[LayerKind] = &[
    LayerKind { name: "conv2d", stem: "conv", build: conv2d::build },
    LayerKind { name: "linear", stem: "linear", build: linear::build },
    LayerKind { name: "batch_norm", stem: "bn", build: batch_norm::build },
    LayerKind { name: "relu", stem: "", build: relu::build },
    LayerKind { name: "max_pool", stem: "", build: max_pool::build },
    LayerKind { name: "global_avg_pool", stem: "", build: global_avg_pool::build },
    LayerKind { name: "flatten", stem: "", build: flatten::build },
    LayerKind { name: "dropout", stem: "", build: dropout::build },
    LayerKind { name: "add", stem: "", build: add::build },
];
