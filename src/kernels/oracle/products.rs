//! Convolution and matrix product.

use crate::Tensor;
use crate::kernels::{Conv3x3, Conv5x5, Linear};

/// What the loops below know of a convolution with square weights and zero padding that keeps the size at stride 1.
#[derive(Clone, Copy)]
struct Square {
    /// Rows and columns of the weights.
    size: usize,
    stride: usize,
    c_in: usize,
    c_out: usize,
}

impl From<&Conv3x3> for Square {
    fn from(conv: &Conv3x3) -> Self {
        Self { size: 3, stride: conv.stride, c_in: conv.c_in, c_out: conv.c_out }
    }
}

impl From<&Conv5x5> for Square {
    fn from(conv: &Conv5x5) -> Self {
        Self { size: 5, stride: 1, c_in: conv.c_in, c_out: conv.c_out }
    }
}

/// Visits every product of a convolution: calls `f(index in x, index of w[kh][kw][0][0], index in y)` for each output
/// pixel and each tap inside the image.
fn for_each_tap(conv: Square, x: &Tensor, y: &Tensor, mut f: impl FnMut(usize, usize, usize)) {
    let pad = conv.size / 2;
    for n in 0..y.n() {
        for oh in 0..y.h() {
            for ow in 0..y.w() {
                for kh in 0..conv.size {
                    for kw in 0..conv.size {
                        let (h, w) = (oh * conv.stride + kh, ow * conv.stride + kw); // from the padded corner
                        if (pad..x.h() + pad).contains(&h) && (pad..x.w() + pad).contains(&w) {
                            let tap = (kh * conv.size + kw) * conv.c_in * conv.c_out;
                            f(x.offset(n, h - pad, w - pad), tap, y.offset(n, oh, ow));
                        }
                    }
                }
            }
        }
    }
}

fn conv_forward(conv: Square, x: &Tensor, w: &[f32], bias: &[f32], y: &mut Tensor) {
    let mut sums = vec![0.0f64; y.data().len()];
    for_each_tap(conv, x, y, |xi, wi, yi| {
        for ci in 0..conv.c_in {
            for co in 0..conv.c_out {
                sums[yi + co] += f64::from(x.data()[xi + ci]) * f64::from(w[wi + ci * conv.c_out + co]);
            }
        }
    });
    store(y, |i, c| sums[i] + bias.get(c).copied().map_or(0.0, f64::from));
}

fn conv_backward_input(conv: Square, dy: &Tensor, w: &[f32], dx: &mut Tensor) {
    let mut sums = vec![0.0f64; dx.data().len()];
    for_each_tap(conv, dx, dy, |xi, wi, yi| {
        for ci in 0..conv.c_in {
            for co in 0..conv.c_out {
                sums[xi + ci] += f64::from(dy.data()[yi + co]) * f64::from(w[wi + ci * conv.c_out + co]);
            }
        }
    });
    store(dx, |i, _| sums[i]);
}

fn conv_backward_weight(conv: Square, x: &Tensor, dy: &Tensor, dw: &mut [f32], db: &mut [f32]) {
    let mut sums = vec![0.0f64; dw.len()];
    for_each_tap(conv, x, dy, |xi, wi, yi| {
        for ci in 0..conv.c_in {
            for co in 0..conv.c_out {
                sums[wi + ci * conv.c_out + co] +=
                    f64::from(x.data()[xi + ci]) * f64::from(dy.data()[yi + co]);
            }
        }
    });
    for (dw, sum) in dw.iter_mut().zip(sums) {
        *dw = sum as f32;
    }
    bias_gradient(dy, db);
}

/// `y = x * w + bias`, `w` HWIO.
pub fn conv3x3_forward(conv: &Conv3x3, x: &Tensor, w: &[f32], bias: &[f32], y: &mut Tensor) {
    conv_forward(conv.into(), x, w, bias, y);
}

/// `dx` from `dy`, `w` HWIO.
pub fn conv3x3_backward_input(conv: &Conv3x3, dy: &Tensor, w: &[f32], dx: &mut Tensor) {
    conv_backward_input(conv.into(), dy, w, dx);
}

/// `dw` (HWIO) and `db` from `x` and `dy`.
pub fn conv3x3_backward_weight(conv: &Conv3x3, x: &Tensor, dy: &Tensor, dw: &mut [f32], db: &mut [f32]) {
    conv_backward_weight(conv.into(), x, dy, dw, db);
}

/// `y = x * w + bias`, `w` HWIO.
pub fn conv5x5_forward(conv: &Conv5x5, x: &Tensor, w: &[f32], bias: &[f32], y: &mut Tensor) {
    conv_forward(conv.into(), x, w, bias, y);
}

/// `dx` from `dy`, `w` HWIO.
pub fn conv5x5_backward_input(conv: &Conv5x5, dy: &Tensor, w: &[f32], dx: &mut Tensor) {
    conv_backward_input(conv.into(), dy, w, dx);
}

/// `dw` (HWIO) and `db` from `x` and `dy`.
pub fn conv5x5_backward_weight(conv: &Conv5x5, x: &Tensor, dy: &Tensor, dw: &mut [f32], db: &mut [f32]) {
    conv_backward_weight(conv.into(), x, dy, dw, db);
}

/// `db[c]` = sum of `dy` over N, H, W. An empty `db` stays empty.
pub fn bias_gradient(dy: &Tensor, db: &mut [f32]) {
    for (c, db) in db.iter_mut().enumerate() {
        *db = dy.to_dense().iter().skip(c).step_by(dy.c()).map(|&v| f64::from(v)).sum::<f64>() as f32;
    }
}

/// `y = x w + bias`, `w` `[inputs][outputs]`.
pub fn linear_forward(linear: &Linear, x: &Tensor, w: &[f32], bias: &[f32], y: &mut Tensor) {
    for n in 0..x.n() {
        for o in 0..linear.outputs {
            let products = (0..linear.inputs)
                .map(|i| f64::from(x.data()[n * linear.inputs + i]) * f64::from(w[i * linear.outputs + o]));
            let sum: f64 = products.sum::<f64>() + bias.get(o).copied().map_or(0.0, f64::from);
            y.data_mut()[n * linear.outputs + o] = sum as f32;
        }
    }
}

/// `dx = dy w^T`.
pub fn linear_backward_input(linear: &Linear, dy: &Tensor, w: &[f32], dx: &mut Tensor) {
    for n in 0..dy.n() {
        for i in 0..linear.inputs {
            let products = (0..linear.outputs)
                .map(|o| f64::from(dy.data()[n * linear.outputs + o]) * f64::from(w[i * linear.outputs + o]));
            dx.data_mut()[n * linear.inputs + i] = products.sum::<f64>() as f32;
        }
    }
}

/// `dw = x^T dy`, `db` = column sums of `dy`.
pub fn linear_backward_weight(linear: &Linear, x: &Tensor, dy: &Tensor, dw: &mut [f32], db: &mut [f32]) {
    for i in 0..linear.inputs {
        for o in 0..linear.outputs {
            let products = (0..x.n()).map(|n| {
                f64::from(x.data()[n * linear.inputs + i]) * f64::from(dy.data()[n * linear.outputs + o])
            });
            dw[i * linear.outputs + o] = products.sum::<f64>() as f32;
        }
    }
    bias_gradient(dy, db);
}

/// Writes the interior: `value(index in data, channel)`.
fn store(y: &mut Tensor, value: impl Fn(usize, usize) -> f64) {
    for n in 0..y.n() {
        for h in 0..y.h() {
            let start = y.offset(n, h, 0);
            let c = y.c();
            for (i, v) in y.row_mut(n, h).iter_mut().enumerate() {
                *v = value(start + i, i % c) as f32;
            }
        }
    }
}
