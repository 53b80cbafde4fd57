//! 2x2 max pooling, global average pooling, flattening.

use super::scalar;
use crate::Tensor;

/// Shape of the result of 2x2 max pooling with stride 2: odd rows and columns at the end are dropped.
pub fn max_pool_shape(x: [usize; 4]) -> [usize; 4] {
    [x[0], x[1] / 2, x[2] / 2, x[3]]
}

/// `y` = maximum of each 2x2 window; `index` (dense, as many as elements of `y`) = which of the four won, row by
/// row; the first of equals wins.
pub fn max_pool_forward(x: &Tensor, y: &mut Tensor, index: &mut [u8]) {
    scalar::max_pool_forward(x, y, index);
}

/// `dx` = `dy` at the winners, zero elsewhere (the whole interior is written).
pub fn max_pool_backward(dy: &Tensor, index: &[u8], dx: &mut Tensor) {
    scalar::max_pool_backward(dy, index, dx);
}

/// `y[n, 0, 0, c]` = mean over H and W of `x[n, h, w, c]`.
pub fn global_average_forward(x: &Tensor, y: &mut Tensor) {
    scalar::global_average_forward(x, y);
}

/// `dx[n, h, w, c] = dy[n, 0, 0, c] / (h w)`.
pub fn global_average_backward(dy: &Tensor, dx: &mut Tensor) {
    scalar::global_average_backward(dy, dx);
}

/// `y[n, 0, 0, (c H + h) W + w] = x[n, h, w, c]`: channels outermost, the order of networks trained in NCHW.
pub fn flatten_forward(x: &Tensor, y: &mut Tensor) {
    scalar::flatten_forward(x, y);
}

/// `dx[n, h, w, c] = dy[n, 0, 0, (c H + h) W + w]`.
pub fn flatten_backward(dy: &Tensor, dx: &mut Tensor) {
    scalar::flatten_backward(dy, dx);
}
