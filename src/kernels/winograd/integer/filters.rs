//! The weights' side: `U = G w G^T`, without the fractions of `G`.

use crate::kernels::panels::Panels;
use crate::kernels::parallel;
use crate::kernels::simd::{Chosen, Kernel, Simd};
use crate::kernels::winograd::{IN, POSITIONS};

/// `G w` without its fractions: three taps to six positions.
#[inline(always)]
fn filter_1d<S: Simd>(s: S, w: [S::I; 3]) -> [S::I; IN] {
    let (outer, far) = (s.add_i16(w[0], w[2]), s.add_i16(w[0], s.shl_i16::<2>(w[2])));
    let twice = s.add_i16(w[1], w[1]);
    [w[0], s.add_i16(outer, w[1]), s.sub_i16(outer, w[1]), s.add_i16(far, twice), s.sub_i16(far, twice), w[2]]
}

/// Two rows of NR columns at each position of a panel.
struct TwoRows<'a> {
    /// Taps `[9][rows][columns]`.
    taps: &'a [i8],
    rows: usize,
    columns: usize,
    /// The first of the two, and the first column.
    at: [usize; 2],
    /// `[36][rows / 2][NR][2]`.
    panel: &'a mut [i16],
}

impl Kernel for TwoRows<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Self { taps, rows, columns, at: [row, column], panel } = self;
        assert!(row + 2 <= rows && column + S::NR <= columns && taps.len() >= 9 * rows * columns);
        assert!(panel.len() >= POSITIONS * rows * S::NR);
        let transformed = |row: usize| {
            let mut half = [[s.zero(); 3]; IN];
            for kw in 0..3 {
                let column = filter_1d(
                    s,
                    std::array::from_fn(|kh| {
                        // SAFETY: NR taps from there on are in the row.
                        unsafe {
                            s.load_i8(taps.as_ptr().add(((kh * 3 + kw) * rows + row) * columns + column))
                        }
                    }),
                );
                for i in 0..IN {
                    half[i][kw] = column[i];
                }
            }
            half
        };
        let halves = [transformed(row), transformed(row + 1)];
        for i in 0..IN {
            let [first, second] = halves.map(|half| filter_1d(s, half[i]));
            for j in 0..IN {
                let [low, high] = s.interleave_i16(first[j], second[j]);
                let to = ((i * IN + j) * rows / 2 + row / 2) * 2 * S::NR;
                // SAFETY: the panel has NR pairs there.
                unsafe {
                    s.store_i16(panel.as_mut_ptr().add(to), low);
                    s.store_i16(panel.as_mut_ptr().add(to + 2 * S::LANES), high);
                }
            }
        }
    }
}

/// U of taps `[9][rows][columns]`, whole panels of columns.
fn pack(set: Chosen, taps: &[i8], rows: usize, columns: usize, panels: &mut Panels) {
    panels.pack(set, POSITIONS * rows / 2, columns, |column, _, panel| {
        let panel: &mut [i16] = bytemuck::cast_slice_mut(panel);
        for row in (0..rows).step_by(2) {
            set.run(TwoRows { taps, rows, columns, at: [row, column], panel });
        }
    });
}

/// U of the forward pass for HWIO weights.
pub(in crate::kernels) fn pack_forward(
    set: Chosen,
    w: &[i8],
    c_in: usize,
    c_out: usize,
    panels: &mut Panels,
) {
    pack(set, w, c_in, c_out, panels);
}

/// U of the input gradient for HWIO weights, turned around and transposed.
pub(in crate::kernels) fn pack_backward(
    set: Chosen,
    w: &[i8],
    c_in: usize,
    c_out: usize,
    panels: &mut Panels,
) {
    let mut turned = vec![0; w.len()];
    // Runs of a cache line on both sides.
    const SIDE: usize = 16;
    parallel::for_each_chunk(&mut turned, c_in * c_out, |tap, to| {
        let from = &w[(8 - tap) * c_in * c_out..][..c_in * c_out];
        for ci in (0..c_in).step_by(SIDE) {
            for (co, to) in to.chunks_exact_mut(c_in).enumerate() {
                for i in ci..ci + SIDE {
                    to[i] = from[i * c_out + co];
                }
            }
        }
    });
    pack(set, &turned, c_out, c_in, panels);
}
