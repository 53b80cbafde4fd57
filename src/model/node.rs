//! A layer in its place in the graph.

use super::description::Source;
use crate::layers::Layer;

/// One layer and how it hangs together with the others.
pub(super) struct Node {
    /// `conv1`, `bn1`...; the type's name for layers without parameters.
    pub name: String,
    pub kind: String,
    pub layer: Box<dyn Layer>,
    /// A convolution or a linear layer.
    pub has_weights: bool,
    pub inputs: Vec<Source>,
    /// Border of zeros of the output's buffer: see [`super`].
    pub output_halo: usize,
}
