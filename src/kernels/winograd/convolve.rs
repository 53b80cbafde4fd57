//! Forward pass and input gradient.

use std::ops::Range;

use super::strip::Runs;
use super::transforms::{self, Strides};
use super::{BORDER, IN, OUT, POSITIONS, Tiles};
use crate::Tensor;
use crate::kernels::panels::Panels;
use crate::kernels::parallel::{self, Parts};
use crate::kernels::scratch;
use crate::kernels::simd::{Chosen, Kernel, Simd};

/// Elements of V at one position of a block of tiles: they stay in the L1 cache while the panels of U pass by.
const BLOCK_ELEMENTS: usize = 5760;

/// Blocks are not longer than this, however few the channels are, and so that all threads have some.
pub(super) const MAX_BLOCK: usize = 120;

/// `y = x * w + bias`. `x` has a halo of at least 1, `y` any. `filters` come from [`pack_forward`](super::pack_forward) or, for the
/// input gradient, [`pack_backward`](super::pack_backward); `bias` has an element a channel of `y`, or none.
pub(in crate::kernels) fn convolve(x: &Tensor, filters: &Panels, bias: &[f32], y: &mut Tensor) {
    assert_eq!((filters.k(), filters.n()), (POSITIONS * x.c(), y.c()), "rows and columns of the filters");
    let set = Chosen::for_columns(y.c());
    filters.check(set);
    let block = (BLOCK_ELEMENTS / x.c().max(1)).clamp(1, MAX_BLOCK).next_multiple_of(set.tile_size()[0]);
    // A cache line more, so that positions do not fall on each other in the cache.
    let v_stride = block * x.c() + 16;
    let strip_stride = strip_stride(x, block);
    let sizes = Sizes { block, v: POSITIONS * v_stride, strip: (IN + 1) * strip_stride };
    for_each_block(x, filters, bias, y, sizes, |range, v, output| {
        set.run(Item { x, filters, range, block, v, v_stride, strip_stride, output });
    });
}

/// Elements of a row of a strip of `x`, in a block of so many tiles.
pub(super) fn strip_stride<T: Copy + Default>(x: &Tensor<T>, block: usize) -> usize {
    (x.w().div_ceil(OUT).min(block) * OUT + IN - OUT) * x.c()
}

/// How the tiles are cut into blocks, and the working memory of one.
pub(super) struct Sizes {
    /// Tiles of a whole block: a multiple of the rows of a product.
    pub block: usize,
    /// f32 of V at all positions.
    pub v: usize,
    /// f32 of the rows of a strip, and one of zeros.
    pub strip: usize,
}

/// Calls `body` with the tiles of each block, memory for V, and the way back to the pixels of `y`.
pub(super) fn for_each_block<T: Copy + Default>(
    x: &Tensor<T>,
    filters: &Panels,
    bias: &[f32],
    y: &mut Tensor,
    Sizes { block, v, strip }: Sizes,
    body: impl Fn(Range<usize>, &mut [f32], Output) + Sync,
) {
    assert!(x.halo() >= BORDER, "halo of x");
    assert_eq!([x.n(), x.h(), x.w()], [y.n(), y.h(), y.w()], "pixels of x and y");
    assert!(bias.is_empty() || bias.len() == y.c(), "{} biases", bias.len());
    let tiles = Tiles::new(x.n(), x.h(), x.w());
    if tiles.count() == 0 || y.c() == 0 {
        return;
    }
    let mut padded_bias = vec![0.0; y.c()];
    padded_bias[..bias.len()].copy_from_slice(bias);
    let y_at = Pixels::of(y);
    let y_data = Parts::new(y.data_mut());
    let columns = filters.count() * filters.nr();
    // A cache line more, so that positions do not fall on each other in the cache.
    let m_stride = block * columns + 16;
    let len = [v, POSITIONS * m_stride, strip.max(OUT * OUT * y_at.c)];
    parallel::for_each(tiles.count().div_ceil(block), |item| {
        scratch::with(len, |[v, m, strip]| {
            let range = item * block..tiles.count().min((item + 1) * block);
            let (bias, y) = (&padded_bias[..], y_data.as_ptr());
            body(range, v, Output { tiles, bias, y, y_at, columns, m, m_stride, strip });
        });
    });
}

/// Where the pixels of a tensor lie, without its data.
#[derive(Debug, Clone, Copy)]
struct Pixels {
    h: usize,
    w: usize,
    c: usize,
    base: usize,
    image: usize,
    at: Strides,
}

impl Pixels {
    fn of(x: &Tensor) -> Self {
        let at = Strides { row: x.row_stride(), column: x.c() };
        Self { h: x.h(), w: x.w(), c: x.c(), base: x.offset(0, 0, 0), image: x.image_stride(), at }
    }
}

/// A block of tiles.
struct Item<'a> {
    x: &'a Tensor,
    filters: &'a Panels,
    range: Range<usize>,
    /// Tiles of a whole block: a multiple of MR.
    block: usize,
    v: &'a mut [f32],
    /// Elements from one position of V to the next.
    v_stride: usize,
    strip_stride: usize,
    /// Its strip has room for seven rows.
    output: Output<'a>,
}

impl Kernel for Item<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        self.transform_input(s);
        match S::MR {
            5 => self.multiply::<S, 5>(s),
            6 => self.multiply::<S, 6>(s),
            12 => self.multiply::<S, 12>(s),
            _ => unreachable!(),
        }
        self.output.transform(s, self.range.clone());
    }
}

impl Item<'_> {
    #[inline(always)]
    fn transform_input<S: Simd>(&mut self, s: S) {
        let (x, c) = (self.x, self.x.c());
        for (first, strip) in self.output.tiles.strips(self.range.clone()) {
            let buffer = Runs { data: self.output.strip, stride: self.strip_stride };
            // The pair is not asked for.
            strip.transform_input::<S, IN, 0>(s, x, buffer, &mut self.v[first * c..], self.v_stride);
        }
    }

    /// M = V U at each position.
    #[inline(always)]
    fn multiply<S: Simd, const MR: usize>(&mut self, s: S) {
        let c_in = self.x.c();
        let v_stride = self.v_stride;
        let Output { columns, m_stride, ref mut m, .. } = self.output;
        let v = &self.v;
        assert!(self.block.is_multiple_of(MR) && self.range.len() <= self.block);
        assert!(v.len() >= POSITIONS * v_stride && v_stride >= self.block * c_in);
        assert!(m.len() >= POSITIONS * m_stride && m_stride >= self.block * columns);
        for position in 0..POSITIONS {
            for panel in 0..self.filters.count() {
                let u = self.filters.panel(panel)[position * c_in * S::NR..][..c_in * S::NR].as_ptr();
                for tile in (0..self.range.len()).step_by(MR) {
                    // SAFETY: `v` and `m` hold a whole block of tiles, a multiple of MR, at each position; a panel
                    // holds c_in rows of NR at each position.
                    unsafe {
                        let v = v.as_ptr().add(position * v_stride + tile * c_in);
                        let m = m.as_mut_ptr().add(position * m_stride + tile * columns + panel * S::NR);
                        product::<S, MR>(s, c_in, v, u, m, columns);
                    }
                }
            }
        }
    }
}

/// The way back from a block of products to pixels.
pub(super) struct Output<'a> {
    pub tiles: Tiles,
    bias: &'a [f32],
    y: *mut f32,
    y_at: Pixels,
    /// Channels of M: those of `y`, filled up to whole panels.
    pub columns: usize,
    pub m: &'a mut [f32],
    /// Elements from one position of M to the next.
    pub m_stride: usize,
    /// Room for a tile that is not wholly inside of the image.
    pub strip: &'a mut [f32],
}

impl Output<'_> {
    #[inline(always)]
    pub fn transform<S: Simd>(&mut self, s: S, range: Range<usize>) {
        let Pixels { h, w, c, base, image, at } = self.y_at;
        let Self { columns, m_stride: stride, .. } = *self;
        assert!(c.is_multiple_of(S::LANES) && self.bias.len() == c && columns >= c);
        assert!(range.len() * columns <= stride && self.m.len() >= POSITIONS * stride);
        assert!(self.strip.len() >= OUT * OUT * c);
        let bias = self.bias.as_ptr();
        for (first, strip) in self.tiles.strips(range) {
            let rows = OUT.min(h - strip.h);
            let whole = if rows == OUT { strip.tiles.min((w - strip.w) / OUT) } else { 0 };
            // SAFETY: `m` holds all tiles of the range at each position; the pixels of whole tiles are all in `y` and
            // belong to this item alone, those of the others go to `edge` first, and only those inside of the image
            // to `y`.
            unsafe {
                let m = self.m.as_ptr().add(first * columns);
                let y = self.y.add(base + strip.n * image + strip.h * at.row + strip.w * at.column);
                transforms::output(s, whole, c, m, stride, columns, bias, y, at);
                for tile in whole..strip.tiles {
                    let edge_at = Strides { row: OUT * c, column: c };
                    let (m, edge) = (m.add(tile * columns), self.strip.as_mut_ptr());
                    transforms::output(s, 1, c, m, stride, columns, bias, edge, edge_at);
                    let length = OUT.min(w - strip.w - tile * OUT);
                    for row in 0..rows {
                        let y = y.add(row * at.row + tile * OUT * at.column);
                        y.copy_from_nonoverlapping(edge.add(row * OUT * c), length * c);
                    }
                }
            }
        }
    }
}

/// `m[r][c] = sum over k of v[r][k] u[k][c]`: MR rows of NR columns, rows `k` and `columns` elements apart.
///
/// # Safety
/// `v` points to MR rows of k readable elements, `u` to k rows of NR, `m` to MR rows of NR writable ones.
#[cfg_attr(target_arch = "wasm32", inline(never))]
#[cfg_attr(not(target_arch = "wasm32"), inline(always))]
unsafe fn product<S: Simd, const MR: usize>(
    s: S,
    k: usize,
    v: *const f32,
    mut u: *const f32,
    m: *mut f32,
    columns: usize,
) {
    // SAFETY: all by the caller's promise.
    unsafe {
        let rows: [*const f32; MR] = std::array::from_fn(|r| v.add(r * k));
        let mut sums = [[s.splat(0.0); 2]; MR];
        for i in 0..k {
            let w = [s.load(u), s.load(u.add(S::LANES))];
            u = u.add(S::NR);
            for r in 0..MR {
                let v = s.splat(*rows[r].add(i));
                sums[r] = [s.madd(v, w[0], sums[r][0]), s.madd(v, w[1], sums[r][1])];
            }
        }
        for r in 0..MR {
            s.store(m.add(r * columns), sums[r][0]);
            s.store(m.add(r * columns + S::LANES), sums[r][1]);
        }
    }
}
