//! Element by element over activations. Tensors of one call agree in shape; halos may differ.

use super::scalar;
use crate::Tensor;

/// `y = x`, where the halos may differ.
pub fn copy(x: &Tensor, y: &mut Tensor) {
    scalar::copy(x, y);
}

/// `y = max(x, 0)`.
pub fn relu_forward(x: &Tensor, y: &mut Tensor) {
    scalar::relu_forward(x, y);
}

/// `dy` becomes `dx` in place: zero where the output `y` of the ReLU is not above 0.
pub fn relu_backward(y: &Tensor, dy: &mut Tensor) {
    scalar::relu_backward(y, dy);
}

/// `y += x`.
pub fn add_assign(y: &mut Tensor, x: &Tensor) {
    scalar::add_assign(y, x);
}

/// `y *= mask`, `mask` dense `[n][h][w][c]`: dropout, forward and backward, with a mask of 0 and `1 / (1 - p)`.
pub fn mul_assign(y: &mut Tensor, mask: &[f32]) {
    scalar::mul_assign(y, mask);
}
