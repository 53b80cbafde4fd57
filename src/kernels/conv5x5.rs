//! 5x5 convolution, zero padding 2, stride 1: forward and both gradients, by the kernels of the direct 3x3 one.

use super::dot::{DotProducts, Lattice, Window};
use super::outer::OuterProducts;
use super::panels::{Panels, copy_columns, copy_transposed};
use super::simd::Chosen;
use crate::Tensor;

/// Rows and columns of the weights.
const SIZE: usize = 5;
const TAPS: usize = SIZE * SIZE;

/// The shape of a 5x5 convolution with zero padding 2 and stride 1.
///
/// Weights are HWIO, `[5][5][c_in][c_out]` dense. `x` is `[n, h, w, x_channels]` with a halo of at least
/// [`Conv5x5::HALO`], `y` is `[n, h, w, c_out]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conv5x5 {
    /// Input channels that have weights.
    pub c_in: usize,
    /// Channels that `x` stores: `c_in`, or more where images are padded (R, G, B, 0). The surplus is ignored
    /// forward and gets a gradient of zero.
    pub x_channels: usize,
    /// Output channels.
    pub c_out: usize,
}

/// The weights as [`Conv5x5::forward`] reads them. Filled by [`Conv5x5::pack_forward`].
#[derive(Debug, Clone, Default)]
pub struct ForwardPanels(Panels);

/// The weights as [`Conv5x5::backward_input`] reads them. Filled by [`Conv5x5::pack_backward`].
#[derive(Debug, Clone, Default)]
pub struct BackwardPanels(Panels);

impl Conv5x5 {
    /// Border of zeros, in pixels, that what the kernels read must have at least.
    pub const HALO: usize = SIZE / 2;

    /// A convolution of `c_in` to `c_out` channels, where `x` stores just the `c_in` channels.
    pub fn new(c_in: usize, c_out: usize) -> Self {
        Self { c_in, x_channels: c_in, c_out }
    }

    /// The same where `x` stores `x_channels >= c_in` channels.
    pub fn with_x_channels(self, x_channels: usize) -> Self {
        assert!(x_channels >= self.c_in, "{x_channels} stored channels for {}", self.c_in);
        Self { x_channels, ..self }
    }

    /// Elements of the weights: `25 c_in c_out`.
    pub fn weight_len(&self) -> usize {
        TAPS * self.c_in * self.c_out
    }

    /// Brings HWIO weights into the order of the forward pass.
    pub fn pack_forward(&self, w: &[f32], panels: &mut ForwardPanels) {
        assert_eq!(w.len(), self.weight_len());
        panels.0.pack(Chosen::for_columns(self.c_out), TAPS * self.x_channels, self.c_out, |c, nr, panel| {
            for tap in 0..TAPS {
                let rows = &mut panel[tap * self.x_channels * nr..][..self.c_in * nr];
                copy_columns(self.tap(w, tap), self.c_out, c, nr, rows);
            }
        });
    }

    /// Brings HWIO weights into the order of the input gradient: turned around, and transposed.
    pub fn pack_backward(&self, w: &[f32], panels: &mut BackwardPanels) {
        assert_eq!(w.len(), self.weight_len());
        panels.0.pack(
            Chosen::for_columns(self.x_channels),
            TAPS * self.c_out,
            self.x_channels,
            |c, nr, panel| {
                for (tap, rows) in panel.chunks_exact_mut(self.c_out * nr).enumerate() {
                    copy_transposed(self.tap(w, TAPS - 1 - tap), self.c_out, c, nr, rows);
                }
            },
        );
    }

    /// The `[c_in][c_out]` weights of one tap, counted row by row.
    fn tap<'w>(&self, w: &'w [f32], tap: usize) -> &'w [f32] {
        let len = self.c_in * self.c_out;
        &w[tap * len..][..len]
    }

    /// `y = x * w + bias`. `bias` has `c_out` elements, or none for no bias. `y` has any halo.
    pub fn forward(&self, x: &Tensor, w: &ForwardPanels, bias: &[f32], y: &mut Tensor) {
        self.check(x, y);
        convolve(x, &w.0, bias, y);
    }

    /// `dx = dy * w` transposed. `dy` has a halo of at least [`Conv5x5::HALO`]; `dx` any, and `x_channels` channels.
    pub fn backward_input(&self, dy: &Tensor, w: &BackwardPanels, dx: &mut Tensor) {
        self.check(dx, dy);
        convolve(dy, &w.0, &[], dx);
    }

    /// `dw` (HWIO) and `db` (`c_out` elements, or none where there is no bias): overwritten, not accumulated. `dy` has
    /// any halo.
    pub fn backward_weight(&self, x: &Tensor, dy: &Tensor, dw: &mut [f32], db: &mut [f32]) {
        self.check(x, dy);
        assert_eq!(dw.len(), self.weight_len());
        let job = OuterProducts {
            size: [dy.n(), dy.h(), dy.w()],
            x: x.data(),
            x_at: Lattice::around(x, Conv5x5::HALO),
            taps: SIZE,
            tap_stride: x.row_stride(),
            rows: SIZE * x.c(),
            kept: (self.c_in, x.c()),
            dy: dy.data(),
            dy_at: Lattice::of(dy),
            columns: self.c_out,
        };
        job.run(dw, db);
    }

    fn check(&self, x: &Tensor, y: &Tensor) {
        assert_eq!(x.c(), self.x_channels, "channels of x");
        assert_eq!(y.shape(), [x.n(), x.h(), x.w(), self.c_out], "shape of y for x {:?}", x.shape());
    }
}

/// Sums of products with the 5x5 pixels around each pixel of `x`.
fn convolve(x: &Tensor, panels: &Panels, bias: &[f32], y: &mut Tensor) {
    let job = DotProducts {
        size: [y.n(), y.h(), y.w()],
        x: x.data(),
        x_at: Lattice::around(x, Conv5x5::HALO),
        window: Window { segments: SIZE, segment_len: SIZE * x.c(), segment_stride: x.row_stride() },
        panels,
        bias,
        out_at: Lattice::of(y),
    };
    job.run(y.data_mut());
}
