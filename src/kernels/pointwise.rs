//! Element by element over activations. Tensors of one call agree in shape; halos may differ.

use super::parallel::{Parts, RowBlocks, RowMap};
use super::simd::Chosen;
use crate::Tensor;

/// Calls `f(row of y, row of x)` for all rows of pixels.
#[inline(always)]
fn for_each_row(y: &mut Tensor, x: &Tensor, f: impl Fn(&mut [f32], &[f32]) + Sync) {
    assert_eq!(x.shape(), y.shape(), "shapes of input and output");
    let (x_rows, y_rows) = (RowMap::new(x), RowMap::new(y));
    let (set, blocks) = (Chosen::now(), RowBlocks::new(x));
    let y = Parts::new(y.data_mut());
    blocks.for_each(|rows| {
        set.vectorize(|| {
            for row in rows {
                // SAFETY: each row is in one item.
                f(unsafe { y.slice(y_rows.range(row)) }, &x.data()[x_rows.range(row)]);
            }
        });
    });
}

/// `y = x`, where the halos may differ.
pub fn copy(x: &Tensor, y: &mut Tensor) {
    for_each_row(y, x, |y, x| y.copy_from_slice(x));
}

/// `y = max(x, 0)`; NaN stays NaN.
pub fn relu_forward(x: &Tensor, y: &mut Tensor) {
    for_each_row(y, x, |y, x| {
        for (y, x) in y.iter_mut().zip(x) {
            *y = if *x < 0.0 { 0.0 } else { *x };
        }
    });
}

/// `x` becomes `dx` in place: `dy` where the ReLU's input `x` is above 0, else 0.
pub fn relu_backward(dy: &Tensor, x: &mut Tensor) {
    for_each_row(x, dy, |x, dy| {
        for (x, &dy) in x.iter_mut().zip(dy) {
            *x = if *x > 0.0 { dy } else { 0.0 };
        }
    });
}

/// `y += x`.
pub fn add_assign(y: &mut Tensor, x: &Tensor) {
    for_each_row(y, x, |y, x| {
        for (y, x) in y.iter_mut().zip(x) {
            *y += x;
        }
    });
}

/// `y = x * mask`, `mask` dense `[n][h][w][c]`: dropout, forward and backward, with a mask of 0 and `1 / (1 - p)`.
pub fn mask(x: &Tensor, mask: &[f32], y: &mut Tensor) {
    assert_eq!(x.shape(), y.shape(), "shapes of input and output");
    assert_eq!(mask.len(), y.shape().iter().product::<usize>(), "elements of the mask");
    let (x_rows, y_rows) = (RowMap::new(x), RowMap::new(y));
    let row_len = y.w() * y.c();
    let (set, blocks) = (Chosen::now(), RowBlocks::new(y));
    let y = Parts::new(y.data_mut());
    blocks.for_each(|range| {
        set.vectorize(|| {
            for row in range {
                // SAFETY: each row is in one item.
                let y = unsafe { y.slice(y_rows.range(row)) };
                let x = &x.data()[x_rows.range(row)];
                for ((y, x), mask) in y.iter_mut().zip(x).zip(&mask[row * row_len..]) {
                    *y = x * mask;
                }
            }
        });
    });
}
