//! Forward pass and input gradient.

use std::ops::Range;

use super::transforms::{All, input_columns, input_rows};
use super::{Byte, FACTORS};
use crate::Tensor;
use crate::kernels::panels::Panels;
use crate::kernels::simd::{Chosen, Kernel, Simd};
use crate::kernels::winograd::convolve::{MAX_BLOCK, Output, Sizes, for_each_block, strip_stride};
use crate::kernels::winograd::strip::row_pointers;
use crate::kernels::winograd::{BORDER, IN, OUT, POSITIONS};

/// Elements of V at one position of a block of tiles: they stay in the L1 cache while the panels of U pass by.
const BLOCK_ELEMENTS: usize = 11520;

/// `y = scale (x * w) + bias`. `x` has a halo of at least 1, `y` any. `filters` come from
/// [`pack_forward`](super::pack_forward) or, for the input gradient, [`pack_backward`](super::pack_backward); `scales` has an
/// element a channel of `y`, and `bias` too, or none.
pub(in crate::kernels) fn convolve<T: Byte>(
    set: Chosen,
    x: &Tensor<T>,
    filters: &Panels,
    scales: &[f32],
    bias: &[f32],
    y: &mut Tensor,
) {
    assert_eq!((2 * filters.k(), filters.n()), (POSITIONS * x.c(), y.c()), "rows and columns of the filters");
    filters.check(set);
    let mut padded_scales = vec![0.0; filters.count() * filters.nr()];
    padded_scales[..scales.len()].copy_from_slice(scales);
    let block = (BLOCK_ELEMENTS / x.c().max(1)).clamp(1, MAX_BLOCK).next_multiple_of(set.dot_rows());
    // A cache line more, so that positions do not fall on each other in the cache.
    let v_stride = block * x.c() + 32;
    let strip_stride = strip_stride(x, block);
    let strip = IN * strip_stride.div_ceil(2) + strip_stride.div_ceil(4);
    let sizes = Sizes { block, v: POSITIONS * v_stride / 2, strip };
    for_each_block(x, filters, bias, y, sizes, |range, v, output| {
        let (scales, v) = (&padded_scales[..], bytemuck::cast_slice_mut(v));
        set.run(Item { x, filters, scales, range, block, v, v_stride, strip_stride, output });
    });
}

/// A block of tiles.
struct Item<'a, T> {
    x: &'a Tensor<T>,
    filters: &'a Panels,
    scales: &'a [f32],
    range: Range<usize>,
    /// Tiles of a whole block: a multiple of the rows of a product.
    block: usize,
    v: &'a mut [i16],
    /// Elements from one position of V to the next.
    v_stride: usize,
    strip_stride: usize,
    output: Output<'a>,
}

impl<T: Byte> Kernel for Item<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        self.transform_input(s);
        match S::DOT_ROWS {
            5 => self.multiply::<S, 5>(s),
            6 => self.multiply::<S, 6>(s),
            12 => self.multiply::<S, 12>(s),
            _ => unreachable!(),
        }
        self.output.transform(s, self.range.clone());
    }
}

impl<T: Byte> Item<'_, T> {
    #[inline(always)]
    fn transform_input<S: Simd>(&mut self, s: S) {
        let (x, c, stride) = (self.x, self.x.c(), self.strip_stride);
        assert!(c.is_multiple_of(2 * S::LANES));
        for (first, strip) in self.output.tiles.strips(self.range.clone()) {
            let (rows, pixels) = strip.rows::<_, IN>(x, BORDER);
            let (len, wanted) = (pixels * c, (strip.tiles * OUT + IN - OUT) * c);
            assert!(wanted <= stride && (first + strip.tiles) * c <= self.v_stride);
            assert!(self.v.len() >= POSITIONS * self.v_stride);
            let (runs, zeros) = self.output.strip.split_at_mut(IN * stride.div_ceil(2));
            let runs: &mut [i16] = bytemuck::cast_slice_mut(runs);
            let zeros: &mut [T] = T::slice(zeros);
            let sources = row_pointers(x.data(), rows, len, zeros);
            // SAFETY: each source holds `len` elements, each of the runs `wanted` of them, and `v` has room for all tiles of
            // the strip at each position.
            unsafe {
                input_rows::<S, T, All>(s, sources, len, runs.as_mut_ptr(), stride);
                for row in 0..IN {
                    // Pixels to the right of the image.
                    runs[row * stride + len..row * stride + wanted].fill(0);
                }
                let v = self.v[first * c..].as_mut_ptr();
                input_columns(s, strip.tiles, c, runs.as_ptr(), stride, v, self.v_stride);
            }
        }
    }

    /// M = V U at each position, in f32 and as it is to be.
    #[inline(always)]
    fn multiply<S: Simd, const MR: usize>(&mut self, s: S) {
        let c_in = self.x.c();
        let v_stride = self.v_stride;
        let Output { columns, m_stride, ref mut m, .. } = self.output;
        let v = &self.v;
        assert!(self.block.is_multiple_of(MR) && self.range.len() <= self.block && c_in.is_multiple_of(2));
        assert!(v.len() >= POSITIONS * v_stride && v_stride >= self.block * c_in);
        assert!(m.len() >= POSITIONS * m_stride && m_stride >= self.block * columns);
        assert!(self.scales.len() >= self.filters.count() * S::NR);
        for position in 0..POSITIONS {
            let factor = s.splat(FACTORS[position / IN] * FACTORS[position % IN]);
            for panel in 0..self.filters.count() {
                let u = self.filters.panel(panel)[position * c_in / 2 * S::NR..][..c_in / 2 * S::NR].as_ptr();
                // SAFETY: there is a scale for each column of each panel.
                let scales = unsafe {
                    let scales = self.scales.as_ptr().add(panel * S::NR);
                    [s.mul(factor, s.load(scales)), s.mul(factor, s.load(scales.add(S::LANES)))]
                };
                for tile in (0..self.range.len()).step_by(MR) {
                    // SAFETY: `v` and `m` hold a whole block of tiles, a multiple of MR, at each position; a panel
                    // holds c_in / 2 rows of NR pairs at each position.
                    unsafe {
                        let v = v.as_ptr().add(position * v_stride + tile * c_in);
                        let m = m.as_mut_ptr().add(position * m_stride + tile * columns + panel * S::NR);
                        product::<S, MR>(s, c_in, v, u.cast(), scales, m, columns);
                    }
                }
            }
        }
    }
}

/// `m[r][c] = scale[c] sum over k of v[r][k] u[k / 2][c][k % 2]`: MR rows of NR columns, rows `k` and `columns` elements
/// apart.
///
/// # Safety
/// `v` points to MR rows of k readable elements, an even number, `u` to k / 2 rows of NR pairs, `m` to MR rows of NR writable
/// elements.
#[cfg_attr(target_arch = "wasm32", inline(never))]
#[cfg_attr(not(target_arch = "wasm32"), inline(always))]
unsafe fn product<S: Simd, const MR: usize>(
    s: S,
    k: usize,
    v: *const i16,
    mut u: *const i16,
    scales: [S::V; 2],
    m: *mut f32,
    columns: usize,
) {
    // SAFETY: all by the caller's promise.
    unsafe {
        let rows: [*const i16; MR] = std::array::from_fn(|r| v.add(r * k));
        let mut sums = [[s.zero(); 2]; MR];
        for i in (0..k).step_by(2) {
            let w = [s.load_i16(u), s.load_i16(u.add(2 * S::LANES))];
            u = u.add(2 * S::NR);
            for r in 0..MR {
                let v = s.splat_pair(rows[r].add(i));
                sums[r] = [s.dot(v, w[0], sums[r][0]), s.dot(v, w[1], sums[r][1])];
            }
        }
        for r in 0..MR {
            s.store(m.add(r * columns), s.mul(s.to_f32(sums[r][0]), scales[0]));
            s.store(m.add(r * columns + S::LANES), s.mul(s.to_f32(sums[r][1]), scales[1]));
        }
    }
}
