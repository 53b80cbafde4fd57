//! 3x3 convolution, zero padding 1, stride 1 or 2: forward and both gradients.

use super::dot::{DotProducts, Lattice, Window};
use super::outer::OuterProducts;
use super::panels::{Panels, copy_columns, copy_transposed};
use super::simd::Chosen;
use super::winograd;
use crate::Tensor;

pub use super::winograd::TOLERANCE as WINOGRAD_TOLERANCE;

/// How a convolution is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// Products of every pixel with every tap, without a copy into columns.
    Direct,
    /// Winograd F(4x4, 3x3): stride 1, whole groups of channels.
    Winograd,
}

/// The shape of a 3x3 convolution with zero padding 1.
///
/// Weights are HWIO, `[3][3][c_in][c_out]` dense. `x` is `[n, h, w, x_channels]` with a halo of at least
/// [`Conv3x3::HALO`], `y` is `[n, (h - 1) / stride + 1, (w - 1) / stride + 1, c_out]`.
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
    /// How all three passes are computed. Weights are packed for one algorithm: pack them again after a change.
    pub algorithm: Algorithm,
}

/// The weights as [`Conv3x3::forward`] reads them. Filled by [`Conv3x3::pack_forward`].
#[derive(Debug, Clone, Default)]
pub struct ForwardPanels(Panels);

/// The weights as [`Conv3x3::backward_input`] reads them. Filled by [`Conv3x3::pack_backward`].
#[derive(Debug, Clone, Default)]
pub struct BackwardPanels {
    /// One product at stride 1; four, [`STRIDE_2`] by [`STRIDE_2`], at stride 2.
    products: Vec<Panels>,
}

impl Conv3x3 {
    /// Border of zeros, in pixels, that what the kernels read must have at least.
    pub const HALO: usize = 1;

    /// A convolution of `c_in` to `c_out` channels, where `x` stores just the `c_in` channels, by the best algorithm
    /// for large images.
    pub fn new(c_in: usize, c_out: usize, stride: usize) -> Self {
        assert!(stride == 1 || stride == 2, "stride {stride}");
        let algorithm = Algorithm::best(c_in, c_out, stride);
        Self { c_in, x_channels: c_in, c_out, stride, algorithm }
    }

    /// The same where `x` stores `x_channels >= c_in` channels.
    pub fn with_x_channels(self, x_channels: usize) -> Self {
        assert!(x_channels >= self.c_in, "{x_channels} stored channels for {}", self.c_in);
        if x_channels > self.c_in {
            return Self { x_channels, ..self.direct() };
        }
        self
    }

    /// The same by the best algorithm for images of `h x w` pixels.
    pub fn for_images(self, h: usize, w: usize) -> Self {
        if winograd::fits(h, w) { self } else { self.direct() }
    }

    /// The same by the direct algorithm.
    pub fn direct(self) -> Self {
        Self { algorithm: Algorithm::Direct, ..self }
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
    pub fn pack_forward(&self, w: &[f32], panels: &mut ForwardPanels) {
        assert_eq!(w.len(), self.weight_len());
        if self.algorithm == Algorithm::Winograd {
            return winograd::pack_forward(w, self.c_in, self.c_out, &mut panels.0);
        }
        panels.0.pack(Chosen::for_columns(self.c_out), 9 * self.x_channels, self.c_out, |c, nr, panel| {
            for tap in 0..9 {
                let rows = &mut panel[tap * self.x_channels * nr..][..self.c_in * nr];
                copy_columns(self.tap(w, tap / 3, tap % 3), self.c_out, c, nr, rows);
            }
        });
    }

    /// Brings HWIO weights into the order of the input gradient.
    pub fn pack_backward(&self, w: &[f32], panels: &mut BackwardPanels) {
        assert_eq!(w.len(), self.weight_len());
        if self.algorithm == Algorithm::Winograd {
            panels.products.resize_with(1, Panels::default);
            return winograd::pack_backward(w, self.c_in, self.c_out, &mut panels.products[0]);
        }
        let (set, products) = (Chosen::for_columns(self.x_channels), self.gradient_products());
        panels.products.resize_with(products.len(), Panels::default);
        for (product, panels) in products.iter().zip(&mut panels.products) {
            let [rows, columns] = product;
            let taps: Vec<_> =
                rows.taps.iter().flat_map(|kh| columns.taps.iter().map(move |kw| (*kh, *kw))).collect();
            panels.pack(set, taps.len() * self.c_out, self.x_channels, |c, nr, panel| {
                for ((kh, kw), rows) in taps.iter().zip(panel.chunks_exact_mut(self.c_out * nr)) {
                    copy_transposed(self.tap(w, *kh, *kw), self.c_out, c, nr, rows);
                }
            });
        }
    }

    /// The `[c_in][c_out]` weights of one tap.
    fn tap<'w>(&self, w: &'w [f32], kh: usize, kw: usize) -> &'w [f32] {
        let len = self.c_in * self.c_out;
        &w[(kh * 3 + kw) * len..][..len]
    }

    /// `y = x * w + bias`. `bias` has `c_out` elements, or none for no bias. `y` has any halo.
    pub fn forward(&self, x: &Tensor, w: &ForwardPanels, bias: &[f32], y: &mut Tensor) {
        self.check(x, y);
        if self.algorithm == Algorithm::Winograd {
            return winograd::convolve(x, &w.0, bias, y);
        }
        let job = DotProducts {
            size: [y.n(), y.h(), y.w()],
            x: x.data(),
            x_at: Lattice::around(x, Self::HALO).every(self.stride),
            window: Window { segments: 3, segment_len: 3 * x.c(), segment_stride: x.row_stride() },
            panels: &w.0,
            bias,
            out_at: Lattice::of(y),
        };
        job.run(y.data_mut());
    }

    /// `dx = dy * w` transposed. `dy` has a halo of at least [`Conv3x3::HALO`]; `dx` any, and `x_channels` channels.
    pub fn backward_input(&self, dy: &Tensor, w: &BackwardPanels, dx: &mut Tensor) {
        self.check(dx, dy);
        if self.algorithm == Algorithm::Winograd {
            return winograd::convolve(dy, &w.products[0], &[], dx);
        }
        for (product, panels) in self.gradient_products().iter().zip(&w.products) {
            let [rows, columns] = product;
            let size = |len: usize, axis: &Axis| (len + self.stride - 1 - axis.offset) / self.stride;
            let (dy_at, dx_at) = (Lattice::around(dy, Self::HALO), Lattice::of(dx));
            let job = DotProducts {
                size: [dx.n(), size(dx.h(), rows), size(dx.w(), columns)],
                x: dy.data(),
                x_at: Lattice { base: dy_at.at(0, rows.first, columns.first), ..dy_at },
                window: Window {
                    segments: rows.taps.len(),
                    segment_len: columns.taps.len() * dy.c(),
                    segment_stride: dy.row_stride(),
                },
                panels,
                bias: &[],
                out_at: Lattice {
                    base: dx_at.at(0, rows.offset, columns.offset),
                    ..dx_at.every(self.stride)
                },
            };
            job.run(dx.data_mut());
        }
    }

    /// The products that make up the input gradient: (rows, columns) of each.
    fn gradient_products(&self) -> Vec<[Axis; 2]> {
        let axes: &[Axis] = if self.stride == 1 { &STRIDE_1 } else { &STRIDE_2 };
        axes.iter().flat_map(|rows| axes.iter().map(|columns| [*rows, *columns])).collect()
    }

    /// `dw` (HWIO) and `db` (`c_out` elements, or none where there is no bias): overwritten, not accumulated.
    /// `dy` has any halo.
    pub fn backward_weight(&self, x: &Tensor, dy: &Tensor, dw: &mut [f32], db: &mut [f32]) {
        self.check(x, dy);
        assert_eq!(dw.len(), self.weight_len());
        if self.algorithm == Algorithm::Winograd {
            return winograd::weight_gradient(x, dy, dw, db);
        }
        let job = OuterProducts {
            size: [dy.n(), dy.h(), dy.w()],
            x: x.data(),
            x_at: Lattice::around(x, Self::HALO).every(self.stride),
            taps: 3,
            tap_stride: x.row_stride(),
            rows: 3 * x.c(),
            kept: (self.c_in, x.c()),
            dy: dy.data(),
            dy_at: Lattice::of(dy),
            columns: self.c_out,
        };
        job.run(dw, db);
    }

    fn check(&self, x: &Tensor, y: &Tensor) {
        assert_eq!(x.c(), self.x_channels, "channels of x");
        assert_eq!(y.shape(), self.output_shape(x.shape()), "shape of y for x {:?}", x.shape());
    }
}

impl Algorithm {
    /// The one place where the algorithm of a convolution is chosen. docs/BENCHMARKS.md has the figures: at stride 1
    /// Winograd is faster from 16 channels on; at stride 2 its tiles would be half unused; 3 channels are too few
    /// to pay for its transforms.
    fn best(c_in: usize, c_out: usize, stride: usize) -> Self {
        if stride == 1 && winograd::takes(c_in, c_out) { Self::Winograd } else { Self::Direct }
    }
}

/// One axis of a product of the input gradient: it gives every `stride`-th row of `dx`, from the taps that reach it.
///
/// `y[o]` reads `x[stride o + k - 1]` for k = 0, 1, 2, so `dx[i]` is made of `dy[(i + 1 - k) / stride]` for those k
/// that leave no remainder: at stride 1 all three; at stride 2 the one tap k = 1 where i is even, and two taps where
/// it is odd.
#[derive(Debug, Clone, Copy)]
struct Axis {
    /// First row of `dx`.
    offset: usize,
    /// Taps, in the order of the rows of `dy` that they read: those are neighbours.
    taps: &'static [usize],
    /// Row of `dy`, counted from the border of zeros, that the first tap reads for the first row of `dx`.
    first: usize,
}

const STRIDE_1: [Axis; 1] = [Axis { offset: 0, taps: &[2, 1, 0], first: 0 }];
const STRIDE_2: [Axis; 2] =
    [Axis { offset: 0, taps: &[1], first: 1 }, Axis { offset: 1, taps: &[2, 0], first: 1 }];
