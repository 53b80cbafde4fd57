//! 2x2 max pooling, global average pooling, flattening.

use super::parallel::{self, Parts, RowBlocks, RowMap};
use super::simd::Chosen;
use crate::Tensor;

/// Shape of the result of 2x2 max pooling with stride 2: odd rows and columns at the end are dropped.
pub fn max_pool_shape(x: [usize; 4]) -> [usize; 4] {
    [x[0], x[1] / 2, x[2] / 2, x[3]]
}

/// `y` = maximum of each 2x2 window; `index` (dense, as many as elements of `y`) = which of the four won, row by
/// row; the first of equals wins.
pub fn max_pool_forward(x: &Tensor, y: &mut Tensor, index: &mut [u8]) {
    assert_eq!(y.shape(), max_pool_shape(x.shape()), "shape of the pooled {:?}", x.shape());
    assert_eq!(index.len(), y.shape().iter().product::<usize>(), "elements of the index");
    let (c, height, row_len) = (y.c(), y.h(), y.w() * y.c());
    let rows = RowMap::new(y);
    let (set, blocks) = (Chosen::now(), RowBlocks::new(y));
    let (y, index) = (Parts::new(y.data_mut()), Parts::new(index));
    blocks.for_each(|range| {
        set.vectorize(|| {
            for row in range {
                // SAFETY: each row is in one item.
                let (y, index) =
                    unsafe { (y.slice(rows.range(row)), index.slice(row * row_len..(row + 1) * row_len)) };
                let (n, h) = (row / height, row % height * 2);
                let pairs = x.row(n, h).chunks_exact(2 * c).zip(x.row(n, h + 1).chunks_exact(2 * c));
                let pixels = y.chunks_exact_mut(c).zip(index.chunks_exact_mut(c));
                for ((upper, lower), (y, index)) in pairs.zip(pixels) {
                    let (a, b) = upper.split_at(c);
                    let (c, d) = lower.split_at(c);
                    for (((a, b), (c, d)), (y, index)) in
                        a.iter().zip(b).zip(c.iter().zip(d)).zip(y.iter_mut().zip(index))
                    {
                        let (best, at) = if *b > *a { (*b, 1) } else { (*a, 0) };
                        let (best, at) = if *c > best { (*c, 2) } else { (best, at) };
                        let (best, at) = if *d > best { (*d, 3) } else { (best, at) };
                        *y = best;
                        *index = at;
                    }
                }
            }
        });
    });
}

/// `dx` = `dy` at the winners, zero elsewhere (the whole interior is written).
pub fn max_pool_backward(dy: &Tensor, index: &[u8], dx: &mut Tensor) {
    assert_eq!(dy.shape(), max_pool_shape(dx.shape()), "shape of the pooled {:?}", dx.shape());
    assert_eq!(index.len(), dy.shape().iter().product::<usize>(), "elements of the index");
    let (c, height, row_len) = (dx.c(), dx.h(), dy.w() * dy.c());
    let rows = RowMap::new(dx);
    let (set, blocks) = (Chosen::now(), RowBlocks::new(dx));
    let dx = Parts::new(dx.data_mut());
    blocks.for_each(|range| {
        set.vectorize(|| {
            for row in range {
                // SAFETY: each row is in one item.
                let dx = unsafe { dx.slice(rows.range(row)) };
                let (n, h) = (row / height, row % height);
                if h / 2 >= dy.h() {
                    dx.fill(0.0);
                    continue;
                }
                let index = &index[(n * dy.h() + h / 2) * row_len..][..row_len];
                let first = (h % 2 * 2) as u8;
                let (pairs, rest) = dx.split_at_mut(2 * row_len);
                rest.fill(0.0);
                let pixels = dy.row(n, h / 2).chunks_exact(c).zip(index.chunks_exact(c));
                for (dx, (dy, index)) in pairs.chunks_exact_mut(2 * c).zip(pixels) {
                    let (left, right) = dx.split_at_mut(c);
                    for ((left, right), (&dy, &index)) in left.iter_mut().zip(right).zip(dy.iter().zip(index))
                    {
                        *left = if index == first { dy } else { 0.0 };
                        *right = if index == first + 1 { dy } else { 0.0 };
                    }
                }
            }
        });
    });
}

/// `y[n, 0, 0, c]` = mean over H and W of `x[n, h, w, c]`.
pub fn global_average_forward(x: &Tensor, y: &mut Tensor) {
    assert_eq!(y.shape(), [x.n(), 1, 1, x.c()], "shape of the averages of {:?}", x.shape());
    let (set, c, rows) = (Chosen::now(), x.c(), RowMap::new(y));
    let pixels = (x.h() * x.w()) as f32;
    let y = Parts::new(y.data_mut());
    parallel::for_each(x.n(), |n| {
        // SAFETY: each image is one item.
        let y = unsafe { y.slice(rows.range(n)) };
        set.vectorize(|| {
            y.fill(0.0);
            for h in 0..x.h() {
                for pixel in x.row(n, h).chunks_exact(c) {
                    for (y, x) in y.iter_mut().zip(pixel) {
                        *y += x;
                    }
                }
            }
            for y in y {
                *y /= pixels;
            }
        });
    });
}

/// `dx[n, h, w, c] = dy[n, 0, 0, c] / (h w)`.
pub fn global_average_backward(dy: &Tensor, dx: &mut Tensor) {
    assert_eq!(dy.shape(), [dx.n(), 1, 1, dx.c()], "shape of the averages of {:?}", dx.shape());
    let (c, height, rows) = (dx.c(), dx.h(), RowMap::new(dx));
    let pixels = (dx.h() * dx.w()) as f32;
    let (set, blocks) = (Chosen::now(), RowBlocks::new(dx));
    let dx = Parts::new(dx.data_mut());
    blocks.for_each(|range| {
        set.vectorize(|| {
            for row in range {
                // SAFETY: each row is in one item.
                let dx = unsafe { dx.slice(rows.range(row)) };
                for pixel in dx.chunks_exact_mut(c) {
                    for (dx, dy) in pixel.iter_mut().zip(dy.row(row / height, 0)) {
                        *dx = dy / pixels;
                    }
                }
            }
        });
    });
}

/// `y[n, 0, 0, (c H + h) W + w] = x[n, h, w, c]`: channels outermost, the order of networks trained in NCHW.
pub fn flatten_forward(x: &Tensor, y: &mut Tensor) {
    assert_eq!(y.shape(), [x.n(), 1, 1, x.h() * x.w() * x.c()], "shape of the flattened {:?}", x.shape());
    let rows = RowMap::new(y);
    let y = Parts::new(y.data_mut());
    parallel::for_each(x.n(), |n| {
        // SAFETY: each image is one item.
        let y = unsafe { y.slice(rows.range(n)) };
        for h in 0..x.h() {
            for (w, pixel) in x.row(n, h).chunks_exact(x.c()).enumerate() {
                let channels = y[h * x.w() + w..].iter_mut().step_by(x.h() * x.w());
                for (y, x) in channels.zip(pixel) {
                    *y = *x;
                }
            }
        }
    });
}

/// `dx[n, h, w, c] = dy[n, 0, 0, (c H + h) W + w]`.
pub fn flatten_backward(dy: &Tensor, dx: &mut Tensor) {
    assert_eq!(
        dy.shape(),
        [dx.n(), 1, 1, dx.h() * dx.w() * dx.c()],
        "shape of the flattened {:?}",
        dx.shape()
    );
    let (rows, (n, h, w, c)) = (RowMap::new(dx), (dx.n(), dx.h(), dx.w(), dx.c()));
    let dx = Parts::new(dx.data_mut());
    parallel::for_each(n, |n| {
        for row in 0..h {
            // SAFETY: each image is one item.
            let dx = unsafe { dx.slice(rows.range(n * h + row)) };
            for (column, pixel) in dx.chunks_exact_mut(c).enumerate() {
                let channels = dy.row(n, 0)[row * w + column..].iter().step_by(h * w);
                for (dx, dy) in pixel.iter_mut().zip(channels) {
                    *dx = *dy;
                }
            }
        }
    });
}
