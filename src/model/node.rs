//! A layer in its place in the graph.

use super::activations::Placed;
use super::description::Source;
use crate::kernels::blocks::Granularity;
use crate::layers::{Layer, Param};
use crate::quant::GradientRounding;

/// One layer and how it hangs together with the others.
pub(super) struct Node {
    /// `conv1`, `bn1`...; the type's name for layers without state.
    pub name: String,
    pub kind: String,
    pub layer: Box<dyn Layer>,
    /// A convolution or a linear layer.
    pub has_weights: bool,
    pub inputs: Vec<Source>,
    /// Which of its weights share a scale.
    pub granularity: Granularity,
    /// Its output comes from a ReLU.
    pub rectified: bool,
    /// What its output is rounded by.
    pub rounding: Option<Placed>,
    /// What the gradient of its output is rounded by.
    pub gradients: Option<GradientRounding>,
    /// Border of zeros of the output's buffer: see [`super`].
    pub output_halo: usize,
    /// Border of zeros of its levels; `None` where no layer reads them.
    pub levels_halo: Option<usize>,
    /// The layer that alone writes the gradient of its output and looks at how large it is.
    pub gradient_from: Option<usize>,
}

impl Node {
    /// What the layer and its quantizers learn, in a fixed order.
    pub fn params(&self) -> impl Iterator<Item = &Param> {
        let learned = self.rounding.as_ref().map_or(&[] as &[Param], |placed| placed.quantizer.params());
        self.layer.params().into_iter().flat_map(Param::family).chain(learned)
    }

    /// Calls `change` with the layer's name for each of these.
    pub fn for_each_param_mut(&mut self, change: &mut impl FnMut(&str, &mut Param)) {
        let Self { name, layer, rounding, .. } = self;
        let mut change = |param: &mut Param| change(name, param);
        layer.params_mut().into_iter().for_each(|param| param.for_each_of_family(&mut change));
        if let Some(placed) = rounding {
            placed.quantizer.params_mut().iter_mut().for_each(change);
        }
    }
}
