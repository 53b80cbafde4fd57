//! 3x3 convolution, zero padding 1, stride 1 or 2: forward and both gradients.

use super::scalar;
use crate::Tensor;

/// The shape of a 3x3 convolution with zero padding 1.
///
/// Weights are HWIO, `[3][3][c_in][c_out]` dense. `x` is `[n, h, w, x_channels]` with halo 1, `y` is
/// `[n, (h - 1) / stride + 1, (w - 1) / stride + 1, c_out]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conv3x3 {
    /// Input channels that have weights.
    pub c_in: usize,
    /// Channels that `x` stores: `c_in`, or more where images are padded (R, G, B, 0). The surplus is ignored
    /// forward and gets a gradient of zero.
    pub x_channels: usize,
    /// Output channels.
    pub c_out: usize,
    /// 1 or 2.
    pub stride: usize,
}

/// The weights as [`Conv3x3::forward`] reads them. Filled by [`Conv3x3::pack_forward`].
#[derive(Debug, Clone, Default)]
pub struct PackedForward(Vec<f32>);

/// The weights as [`Conv3x3::backward_input`] reads them. Filled by [`Conv3x3::pack_backward`].
#[derive(Debug, Clone, Default)]
pub struct PackedBackward(Vec<f32>);

impl Conv3x3 {
    /// A convolution of `c_in` to `c_out` channels, where `x` stores just the `c_in` channels.
    pub fn new(c_in: usize, c_out: usize, stride: usize) -> Self {
        assert!(stride == 1 || stride == 2, "stride {stride}");
        Self { c_in, x_channels: c_in, c_out, stride }
    }

    /// The same where `x` stores `x_channels >= c_in` channels.
    pub fn with_x_channels(self, x_channels: usize) -> Self {
        assert!(x_channels >= self.c_in, "{x_channels} stored channels for {}", self.c_in);
        Self { x_channels, ..self }
    }

    /// Elements of the weights: `9 c_in c_out`.
    pub fn weight_len(&self) -> usize {
        9 * self.c_in * self.c_out
    }

    /// Shape of `y` for an `x` of the shape `[n, h, w, _]`.
    pub fn output_shape(&self, x: [usize; 4]) -> [usize; 4] {
        let size = |v: usize| if v == 0 { 0 } else { (v - 1) / self.stride + 1 };
        [x[0], size(x[1]), size(x[2]), self.c_out]
    }

    /// Brings HWIO weights into the order of the forward pass.
    pub fn pack_forward(&self, w: &[f32], packed: &mut PackedForward) {
        assert_eq!(w.len(), self.weight_len());
        packed.0 = w.to_vec();
    }

    /// Brings HWIO weights into the order of the input gradient.
    pub fn pack_backward(&self, w: &[f32], packed: &mut PackedBackward) {
        assert_eq!(w.len(), self.weight_len());
        packed.0 = w.to_vec();
    }

    /// `y = x * w + bias`. `bias` has `c_out` elements, or none for no bias. `y` has any halo.
    pub fn forward(&self, x: &Tensor, w: &PackedForward, bias: &[f32], y: &mut Tensor) {
        self.check(x, y);
        scalar::conv3x3_forward(self, x, &w.0, bias, y);
    }

    /// `dx = dy * w` transposed. `dy` has halo 1; `dx` has any halo and `x_channels` channels.
    pub fn backward_input(&self, dy: &Tensor, w: &PackedBackward, dx: &mut Tensor) {
        self.check(dx, dy);
        scalar::conv3x3_backward_input(self, dy, &w.0, dx);
    }

    /// `dw` (HWIO) and `db` (`c_out` elements, or none where there is no bias): overwritten, not accumulated.
    /// `x` has halo 1, `dy` any.
    pub fn backward_weight(&self, x: &Tensor, dy: &Tensor, dw: &mut [f32], db: &mut [f32]) {
        self.check(x, dy);
        scalar::conv3x3_backward_weight(self, x, dy, dw, db);
    }

    fn check(&self, x: &Tensor, y: &Tensor) {
        assert_eq!(x.c, self.x_channels, "channels of x");
        assert_eq!(y.shape(), self.output_shape(x.shape()), "shape of y for x {:?}", x.shape());
    }
}
