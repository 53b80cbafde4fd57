//! The weights' side: `U = G w G^T`, without the fractions of `G`.

use crate::kernels::panels::Panels;
use crate::kernels::simd::Chosen;
use crate::kernels::winograd::{IN, POSITIONS};

/// `G w` without its fractions: three taps to six positions.
#[inline(always)]
fn filter_1d(w: [i16; 3]) -> [i16; IN] {
    let (outer, far) = (w[0] + w[2], w[0] + 4 * w[2]);
    [w[0], outer + w[1], outer - w[1], far + 2 * w[1], far - 2 * w[1], w[2]]
}

/// Packs a panel of `k` rows, whose taps `tap(kernel row, kernel column, row, column)` gives.
fn transform(nr: usize, columns: usize, k: usize, panel: &mut [i16], tap: impl Fn(usize, usize, usize) -> i8) {
    for row in 0..k {
        for column in 0..columns {
            let mut half = [[0i16; 3]; IN];
            for kw in 0..3 {
                let taps = filter_1d(std::array::from_fn(|kh| i16::from(tap(kh * 3 + kw, row, column))));
                for i in 0..IN {
                    half[i][kw] = taps[i];
                }
            }
            for i in 0..IN {
                for (j, u) in filter_1d(half[i]).into_iter().enumerate() {
                    panel[(((i * IN + j) * (k / 2) + row / 2) * nr + column) * 2 + row % 2] = u;
                }
            }
        }
    }
}

/// U of the forward pass for HWIO weights.
pub(in crate::kernels) fn pack_forward(set: Chosen, w: &[i8], c_in: usize, c_out: usize, panels: &mut Panels) {
    panels.pack(set, POSITIONS * c_in / 2, c_out, |c, nr, panel| {
        let columns = nr.min(c_out - c);
        transform(nr, columns, c_in, bytemuck::cast_slice_mut(panel), |tap, row, column| {
            w[(tap * c_in + row) * c_out + c + column]
        });
    });
}

/// U of the input gradient for HWIO weights, turned around and transposed.
pub(in crate::kernels) fn pack_backward(set: Chosen, w: &[i8], c_in: usize, c_out: usize, panels: &mut Panels) {
    panels.pack(set, POSITIONS * c_out / 2, c_in, |c, nr, panel| {
        let columns = nr.min(c_in - c);
        transform(nr, columns, c_out, bytemuck::cast_slice_mut(panel), |tap, row, column| {
            w[((8 - tap) * c_in + c + column) * c_out + row]
        });
    });
}
