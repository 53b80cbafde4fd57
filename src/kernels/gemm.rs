//! Matrix products of a fully connected layer.

use super::scalar;
use crate::Tensor;

/// The shape of a fully connected layer: `y[n][outputs] = x[n][inputs] w[inputs][outputs] + bias`.
///
/// Tensors are `[n, 1, 1, c]` with halo 0; weights are `[inputs][outputs]` dense.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Linear {
    /// Channels of `x`.
    pub inputs: usize,
    /// Channels of `y`.
    pub outputs: usize,
}

/// The weights as [`Linear::forward`] reads them. Filled by [`Linear::pack_forward`].
#[derive(Debug, Clone, Default)]
pub struct PackedForward(Vec<f32>);

/// The weights as [`Linear::backward_input`] reads them. Filled by [`Linear::pack_backward`].
#[derive(Debug, Clone, Default)]
pub struct PackedBackward(Vec<f32>);

impl Linear {
    /// A layer of `inputs` to `outputs` channels.
    pub fn new(inputs: usize, outputs: usize) -> Self {
        Self { inputs, outputs }
    }

    /// Elements of the weights.
    pub fn weight_len(&self) -> usize {
        self.inputs * self.outputs
    }

    /// Brings `[inputs][outputs]` weights into the order of the forward pass.
    pub fn pack_forward(&self, w: &[f32], packed: &mut PackedForward) {
        assert_eq!(w.len(), self.weight_len());
        packed.0 = w.to_vec();
    }

    /// Brings `[inputs][outputs]` weights into the order of the input gradient.
    pub fn pack_backward(&self, w: &[f32], packed: &mut PackedBackward) {
        assert_eq!(w.len(), self.weight_len());
        packed.0 = w.to_vec();
    }

    /// `y = x w + bias`. `bias` has `outputs` elements, or none for no bias.
    pub fn forward(&self, x: &Tensor, w: &PackedForward, bias: &[f32], y: &mut Tensor) {
        self.check(x, y);
        scalar::linear_forward(self, x, &w.0, bias, y);
    }

    /// `dx = dy w^T`.
    pub fn backward_input(&self, dy: &Tensor, w: &PackedBackward, dx: &mut Tensor) {
        self.check(dx, dy);
        scalar::linear_backward_input(self, dy, &w.0, dx);
    }

    /// `dw = x^T dy` and `db` = column sums of `dy` (`outputs` elements, or none where there is no bias):
    /// overwritten, not accumulated.
    pub fn backward_weight(&self, x: &Tensor, dy: &Tensor, dw: &mut [f32], db: &mut [f32]) {
        self.check(x, dy);
        scalar::linear_backward_weight(self, x, dy, dw, db);
    }

    fn check(&self, x: &Tensor, y: &Tensor) {
        assert_eq!((x.h, x.w, x.c, x.halo), (1, 1, self.inputs, 0), "x [n, 1, 1, inputs], halo 0");
        assert_eq!(
            (y.n, y.h, y.w, y.c, y.halo),
            (x.n, 1, 1, self.outputs, 0),
            "y [n, 1, 1, outputs], halo 0"
        );
    }
}
