//! The weights' side: `U = G w G^T`.

use super::POSITIONS;
use crate::kernels::panels::{Panels, copy_columns, copy_transposed};
use crate::kernels::simd::Chosen;

/// `G w`: three taps to six positions.
#[inline(always)]
fn filter_1d(w: [f32; 3]) -> [f32; 6] {
    let (even, odd) = (w[0] + w[2], w[1]);
    let (far, near) = (w[0] * (1.0 / 24.0) + w[2] * (1.0 / 6.0), w[1] * (1.0 / 12.0));
    [w[0] * 0.25, (even + odd) * (-1.0 / 6.0), (even - odd) * (-1.0 / 6.0), far + near, far - near, w[2]]
}

/// Transforms the taps `[9][k][nr]` of a panel into its positions `[36][k][nr]`.
fn transform(set: Chosen, taps: &[f32], panel: &mut [f32]) {
    let len = taps.len() / 9;
    // Long enough for vectors, short enough for 36 of them to stay in the L1 cache.
    const STEP: usize = 64;
    let mut columns = [[[0.0f32; STEP]; 3]; 6];
    for start in (0..len).step_by(STEP) {
        let n = STEP.min(len - start);
        set.vectorize(|| {
            for kw in 0..3 {
                for i in 0..n {
                    let u = filter_1d(std::array::from_fn(|kh| taps[(kh * 3 + kw) * len + start + i]));
                    for (row, u) in columns.iter_mut().zip(u) {
                        row[kw][i] = u;
                    }
                }
            }
            for (row, taps) in columns.iter().enumerate() {
                for i in 0..n {
                    let u = filter_1d([taps[0][i], taps[1][i], taps[2][i]]);
                    for (column, u) in u.into_iter().enumerate() {
                        panel[(row * 6 + column) * len + start + i] = u;
                    }
                }
            }
        });
    }
}

/// U of the forward pass for HWIO weights: panels `[36][c_in][NR]` of output channels.
pub(in crate::kernels) fn pack_forward(w: &[f32], c_in: usize, c_out: usize, panels: &mut Panels) {
    let (set, tap_len) = (Chosen::for_columns(c_out), c_in * c_out);
    panels.pack(set, POSITIONS * c_in, c_out, |c, nr, panel| {
        let mut taps = vec![0.0; 9 * c_in * nr];
        for (taps, w) in taps.chunks_exact_mut(c_in * nr).zip(w.chunks_exact(tap_len)) {
            copy_columns(w, c_out, c, nr, taps);
        }
        transform(set, &taps, panel);
    });
}

/// U of the input gradient for HWIO weights, turned around and transposed: panels `[36][c_out][NR]` of input channels.
pub(in crate::kernels) fn pack_backward(w: &[f32], c_in: usize, c_out: usize, panels: &mut Panels) {
    let (set, tap_len) = (Chosen::for_columns(c_in), c_in * c_out);
    panels.pack(set, POSITIONS * c_out, c_in, |c, nr, panel| {
        let mut taps = vec![0.0; 9 * c_out * nr];
        for (taps, w) in taps.chunks_exact_mut(c_out * nr).zip(w.chunks_exact(tap_len).rev()) {
            copy_transposed(w, c_out, c, nr, taps);
        }
        transform(set, &taps, panel);
    });
}
