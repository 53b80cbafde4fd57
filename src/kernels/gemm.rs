//! Matrix products of a fully connected layer.

use super::dot::{DotProducts, Lattice, Window};
use super::outer::OuterProducts;
use super::panels::{Panels, copy_columns, copy_transposed};
use super::simd::Chosen;
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
pub struct ForwardPanels(Panels);

/// The weights as [`Linear::backward_input`] reads them. Filled by [`Linear::pack_backward`].
#[derive(Debug, Clone, Default)]
pub struct BackwardPanels(Panels);

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
    pub fn pack_forward(&self, w: &[f32], panels: &mut ForwardPanels) {
        assert_eq!(w.len(), self.weight_len());
        let n = self.outputs;
        panels
            .0
            .pack(Chosen::for_columns(n), self.inputs, n, |c, nr, panel| copy_columns(w, n, c, nr, panel));
    }

    /// Brings `[inputs][outputs]` weights into the order of the input gradient.
    pub fn pack_backward(&self, w: &[f32], panels: &mut BackwardPanels) {
        assert_eq!(w.len(), self.weight_len());
        let k = self.outputs;
        panels.0.pack(Chosen::for_columns(self.inputs), k, self.inputs, |c, nr, panel| {
            copy_transposed(w, k, c, nr, panel)
        });
    }

    /// `y = x w + bias`. `bias` has `outputs` elements, or none for no bias.
    pub fn forward(&self, x: &Tensor, w: &ForwardPanels, bias: &[f32], y: &mut Tensor) {
        self.check(x, y);
        product(x, &w.0, bias, y);
    }

    /// `dx = dy w^T`.
    pub fn backward_input(&self, dy: &Tensor, w: &BackwardPanels, dx: &mut Tensor) {
        self.check(dx, dy);
        product(dy, &w.0, &[], dx);
    }

    /// `dw = x^T dy` and `db` = column sums of `dy` (`outputs` elements, or none where there is no bias):
    /// overwritten, not accumulated.
    pub fn backward_weight(&self, x: &Tensor, dy: &Tensor, dw: &mut [f32], db: &mut [f32]) {
        self.check(x, dy);
        assert_eq!(dw.len(), self.weight_len());
        let job = OuterProducts {
            size: [1, 1, x.n()],
            x: x.data(),
            x_at: Lattice { column: x.c(), ..Lattice::of(x) },
            taps: 1,
            tap_stride: 0,
            rows: self.inputs,
            kept: (self.inputs, self.inputs),
            dy: dy.data(),
            dy_at: Lattice { column: dy.c(), ..Lattice::of(dy) },
            columns: self.outputs,
        };
        job.run(dw, db);
    }

    fn check(&self, x: &Tensor, y: &Tensor) {
        assert_eq!((x.h(), x.w(), x.c(), x.halo()), (1, 1, self.inputs, 0), "x [n, 1, 1, inputs], halo 0");
        assert_eq!(
            (y.n(), y.h(), y.w(), y.c(), y.halo()),
            (x.n(), 1, 1, self.outputs, 0),
            "y [n, 1, 1, outputs], halo 0"
        );
    }
}

/// `y = x panels + bias`.
fn product(x: &Tensor, panels: &Panels, bias: &[f32], y: &mut Tensor) {
    let job = DotProducts {
        size: [x.n(), 1, 1],
        x: x.data(),
        x_at: Lattice::of(x),
        window: Window { segments: 1, segment_len: x.c(), segment_stride: 0 },
        panels,
        bias,
        out_at: Lattice::of(y),
    };
    job.run(y.data_mut());
}
