//! Batch normalisation, pooling and element-wise passes over activations.

use crate::Tensor;
use crate::kernels::{Activation, BatchNorm};

/// Calls `f(n, h, w, c)` for each element.
fn for_each_index(shape: [usize; 4], mut f: impl FnMut(usize, usize, usize, usize)) {
    let [images, rows, columns, channels] = shape;
    for n in 0..images {
        for h in 0..rows {
            for w in 0..columns {
                for c in 0..channels {
                    f(n, h, w, c);
                }
            }
        }
    }
}

fn at(x: &Tensor, n: usize, h: usize, w: usize, c: usize) -> f32 {
    x.data()[x.offset(n, h, w) + c]
}

fn at_mut(x: &mut Tensor, n: usize, h: usize, w: usize, c: usize) -> &mut f32 {
    let i = x.offset(n, h, w) + c;
    &mut x.data_mut()[i]
}

/// Per-channel mean and biased variance, in two passes.
pub fn batch_norm_statistics(x: &Tensor, mean: &mut [f32], variance: &mut [f32]) {
    let count = (x.n() * x.h() * x.w()) as f64;
    let mut sums = vec![0.0f64; x.c()];
    for_each_index(x.shape(), |n, h, w, c| sums[c] += f64::from(at(x, n, h, w, c)));
    let means: Vec<f64> = sums.iter().map(|s| s / count).collect();
    let mut squares = vec![0.0f64; x.c()];
    for_each_index(x.shape(), |n, h, w, c| squares[c] += (f64::from(at(x, n, h, w, c)) - means[c]).powi(2));
    for c in 0..x.c() {
        mean[c] = means[c] as f32;
        variance[c] = (squares[c] / count) as f32;
    }
}

fn inverse_std(norm: &BatchNorm, c: usize) -> f64 {
    1.0 / (f64::from(norm.variance[c]) + f64::from(norm.eps)).sqrt()
}

/// `gamma xhat + beta`, then the activation.
fn normalized(norm: &BatchNorm, x: &Tensor) -> Tensor {
    let mut y = x.clone();
    for_each_index(x.shape(), |n, h, w, c| {
        let xhat = (f64::from(at(x, n, h, w, c)) - f64::from(norm.mean[c])) * inverse_std(norm, c);
        let v = f64::from(norm.gamma[c]) * xhat + f64::from(norm.beta[c]);
        *at_mut(&mut y, n, h, w, c) = if norm.activation == Activation::Relu { v.max(0.0) } else { v } as f32;
    });
    y
}

/// The whole layer, one step after the other.
pub fn batch_norm_forward(norm: &BatchNorm, x: &Tensor, skip: Option<&Tensor>, y: &mut Tensor) {
    let normalized = normalized(norm, x);
    if norm.max_pool {
        max_pool_forward(&normalized, y, &mut vec![0; y.shape().iter().product()]);
    } else {
        copy(&normalized, y);
    }
    if let Some(skip) = skip {
        add_assign(y, skip);
    }
}

/// Gradients of the training pass, one step after the other; `x` becomes `dx`.
pub fn batch_norm_backward(
    norm: &BatchNorm,
    dy: &Tensor,
    x: &mut Tensor,
    dgamma: &mut [f32],
    dbeta: &mut [f32],
) {
    let normalized = normalized(norm, x);
    // The gradient of the output of each step, backwards.
    let mut g = x.clone();
    if norm.max_pool {
        let mut pooled = dy.clone();
        let mut index = vec![0; dy.shape().iter().product()];
        max_pool_forward(&normalized, &mut pooled, &mut index);
        max_pool_backward(dy, &index, &mut g);
    } else {
        copy(dy, &mut g);
    }
    if norm.activation == Activation::Relu {
        let mut masked = normalized;
        relu_backward(&g, &mut masked);
        g = masked;
    }
    let count = (x.n() * x.h() * x.w()) as f64;
    let xhat = |x: f32, c: usize| (f64::from(x) - f64::from(norm.mean[c])) * inverse_std(norm, c);
    let (mut sum_dy, mut sum_dy_xhat) = (vec![0.0f64; x.c()], vec![0.0f64; x.c()]);
    for_each_index(x.shape(), |n, h, w, c| {
        let g = f64::from(at(&g, n, h, w, c));
        sum_dy[c] += g;
        sum_dy_xhat[c] += g * xhat(at(x, n, h, w, c), c);
    });
    for_each_index(x.shape(), |n, h, w, c| {
        let x = at_mut(x, n, h, w, c);
        let centred = f64::from(at(&g, n, h, w, c)) - (sum_dy[c] + xhat(*x, c) * sum_dy_xhat[c]) / count;
        *x = (f64::from(norm.gamma[c]) * inverse_std(norm, c) * centred) as f32;
    });
    for c in 0..x.c() {
        dgamma[c] = sum_dy_xhat[c] as f32;
        dbeta[c] = sum_dy[c] as f32;
    }
}

/// `y = x`.
pub fn copy(x: &Tensor, y: &mut Tensor) {
    for_each_index(x.shape(), |n, h, w, c| *at_mut(y, n, h, w, c) = at(x, n, h, w, c));
}

/// `y = max(x, 0)`.
pub fn relu_forward(x: &Tensor, y: &mut Tensor) {
    for_each_index(x.shape(), |n, h, w, c| *at_mut(y, n, h, w, c) = at(x, n, h, w, c).max(0.0));
}

/// `x` becomes `dy` where it is above 0, else 0.
pub fn relu_backward(dy: &Tensor, x: &mut Tensor) {
    for_each_index(dy.shape(), |n, h, w, c| {
        let open = at(x, n, h, w, c) > 0.0;
        *at_mut(x, n, h, w, c) = if open { at(dy, n, h, w, c) } else { 0.0 };
    });
}

/// `y += x`.
pub fn add_assign(y: &mut Tensor, x: &Tensor) {
    for_each_index(x.shape(), |n, h, w, c| *at_mut(y, n, h, w, c) += at(x, n, h, w, c));
}

/// `y = x * mask`, `mask` dense.
pub fn mask(x: &Tensor, mask: &[f32], y: &mut Tensor) {
    let mut i = 0;
    for_each_index(x.shape(), |n, h, w, c| {
        *at_mut(y, n, h, w, c) = at(x, n, h, w, c) * mask[i];
        i += 1;
    });
}

/// 2x2 maximum; the first of equals wins.
pub fn max_pool_forward(x: &Tensor, y: &mut Tensor, index: &mut [u8]) {
    let mut i = 0;
    for_each_index(y.shape(), |n, h, w, c| {
        let window = [0, 1, 2, 3].map(|k| at(x, n, 2 * h + k / 2, 2 * w + k % 2, c));
        let mut best = 0;
        for k in 1..4 {
            if window[k] > window[best] {
                best = k;
            }
        }
        *at_mut(y, n, h, w, c) = window[best];
        index[i] = best as u8;
        i += 1;
    });
}

/// `dy` at the winners, zero elsewhere.
pub fn max_pool_backward(dy: &Tensor, index: &[u8], dx: &mut Tensor) {
    for_each_index(dx.shape(), |n, h, w, c| *at_mut(dx, n, h, w, c) = 0.0);
    let mut i = 0;
    for_each_index(dy.shape(), |n, h, w, c| {
        let k = usize::from(index[i]);
        *at_mut(dx, n, 2 * h + k / 2, 2 * w + k % 2, c) = at(dy, n, h, w, c);
        i += 1;
    });
}

/// Mean over H and W.
pub fn global_average_forward(x: &Tensor, y: &mut Tensor) {
    for_each_index(y.shape(), |n, _, _, c| {
        let mut sum = 0.0f64;
        for_each_index([1, x.h(), x.w(), 1], |_, h, w, _| sum += f64::from(at(x, n, h, w, c)));
        *at_mut(y, n, 0, 0, c) = (sum / (x.h() * x.w()) as f64) as f32;
    });
}

/// Spreads `dy / (h w)`.
pub fn global_average_backward(dy: &Tensor, dx: &mut Tensor) {
    let pixels = (dx.h() * dx.w()) as f32;
    for_each_index(dx.shape(), |n, h, w, c| *at_mut(dx, n, h, w, c) = at(dy, n, 0, 0, c) / pixels);
}

/// NHWC to `(C, H, W)` vectors.
pub fn flatten_forward(x: &Tensor, y: &mut Tensor) {
    for_each_index(x.shape(), |n, h, w, c| {
        *at_mut(y, n, 0, 0, (c * x.h() + h) * x.w() + w) = at(x, n, h, w, c)
    });
}

/// `(C, H, W)` vectors to NHWC.
pub fn flatten_backward(dy: &Tensor, dx: &mut Tensor) {
    let (rows, columns) = (dx.h(), dx.w());
    for_each_index(dx.shape(), |n, h, w, c| {
        *at_mut(dx, n, h, w, c) = at(dy, n, 0, 0, (c * rows + h) * columns + w);
    });
}
