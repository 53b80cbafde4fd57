//! Neighbouring tiles of one row of an image, and their input.

use super::transforms;
use super::{BORDER, IN, OUT};
use crate::Tensor;
use crate::kernels::simd::Simd;

/// Neighbouring tiles of one row: the image, the first pixel of output, how many.
#[derive(Debug, Clone, Copy)]
pub(super) struct Strip {
    pub n: usize,
    pub h: usize,
    pub w: usize,
    pub tiles: usize,
}

/// Room for rows of a strip, `stride` elements apart, and one of zeros.
pub(super) struct Runs<'a> {
    pub data: &'a mut [f32],
    pub stride: usize,
}

/// Pointers to rows of `len` elements; rows outside of the image are all `zeros`.
#[inline(always)]
pub(super) fn row_pointers<T: Copy + Default, const N: usize>(
    x: &[T],
    rows: [Option<usize>; N],
    len: usize,
    zeros: &mut [T],
) -> [*const T; N] {
    if rows.iter().any(Option::is_none) {
        zeros[..len].fill(T::default());
    }
    rows.map(|row| row.map_or(zeros.as_ptr(), |start| x[start..start + len].as_ptr()))
}

impl Strip {
    /// Rows of pixels `from..from + N` of the image in `x`, from the strip's first column minus `border` on: the start
    /// of each in the tensor's data, or None outside of the image and its halo; and how many pixels of the strip they
    /// hold.
    pub fn rows<T: Copy + Default, const N: usize>(
        &self,
        x: &Tensor<T>,
        border: usize,
    ) -> ([Option<usize>; N], usize) {
        debug_assert!(border <= x.halo());
        let rows = std::array::from_fn(|i| {
            let inside = self.h + i < x.h() + x.halo() + border;
            inside.then(|| {
                let first = x.offset(self.n, 0, 0) + (self.h + i) * x.row_stride() + self.w * x.c();
                first - border * (x.row_stride() + x.c())
            })
        });
        (rows, (self.tiles * OUT + N - OUT).min(x.w() + x.halo() + border - self.w))
    }

    /// The same of the rows of a gradient that its tiles cover. A halo of the gradient, should it have one, holds nothing.
    pub fn gradient_rows<T: Copy + Default>(&self, dy: &Tensor<T>) -> ([Option<usize>; OUT], usize) {
        let (mut rows, pixels) = self.rows(dy, 0);
        for (i, row) in rows.iter_mut().enumerate() {
            *row = row.filter(|_| self.h + i < dy.h());
        }
        (rows, pixels.min(dy.w() - self.w))
    }

    /// `B^T x B` of the strip's tiles, or of ROWS rows of it: all six, or the two in [`PAIRS`](transforms::PAIRS) of PAIR.
    ///
    /// `v` begins at the first of these tiles and has `v_stride` elements from one position to the next.
    #[inline(always)]
    pub fn transform_input<S: Simd, const ROWS: usize, const PAIR: usize>(
        &self,
        s: S,
        x: &Tensor,
        Runs { data, stride }: Runs,
        v: &mut [f32],
        v_stride: usize,
    ) {
        let c = x.c();
        let (rows, pixels) = self.rows::<_, IN>(x, BORDER);
        let (len, wanted) = (pixels * c, (self.tiles * OUT + IN - OUT) * c);
        assert!(ROWS == 2 || ROWS == IN);
        assert!(c.is_multiple_of(S::LANES) && wanted <= stride && data.len() >= (ROWS + 1) * stride);
        assert!(self.tiles * c <= v_stride && v.len() >= (ROWS * IN - 1) * v_stride + self.tiles * c);
        let (runs, zeros) = data.split_at_mut(ROWS * stride);
        let sources = row_pointers(x.data(), rows, len, zeros);
        // SAFETY: each source holds `len` elements, each of ROWS runs `wanted` of them, and `v` has room for all tiles of
        // the strip at each position of ROWS rows.
        unsafe {
            if ROWS == IN {
                transforms::input_rows(s, sources, len, runs.as_mut_ptr(), stride);
            } else {
                transforms::input_two_rows::<S, PAIR>(s, sources, len, runs.as_mut_ptr(), stride);
            }
            for row in 0..ROWS {
                // Pixels to the right of the image.
                runs[row * stride + len..row * stride + wanted].fill(0.0);
            }
            transforms::input_columns(
                s,
                ROWS,
                self.tiles,
                c,
                runs.as_ptr(),
                stride,
                v.as_mut_ptr(),
                v_stride,
            );
        }
    }
}
