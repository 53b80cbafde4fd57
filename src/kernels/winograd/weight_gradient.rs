//! The gradient of the weights.
//!
//! A work item owns two rows of the transform (12 of the 36 positions), a group of output channels and a share of the
//! tiles. It sums `dU[position] = sum over tiles of V[tile]^T D[tile]`, D being the transformed gradient, in blocks
//! of tiles. How the work is cut depends on the shape alone, and shares are added in order: the result is the same
//! for any number of threads.

use std::ops::Range;

use super::filters::filter_transposed_1d;
use super::transforms::{self, PAIRS, Strides};
use super::{IN, OUT, POSITIONS, Tile, Tiles};
use crate::Tensor;
use crate::kernels::parallel::{self, Parts};
use crate::kernels::scratch;
use crate::kernels::simd::{Kernel, Simd, dispatch, panel_width, vectorize};

/// Positions of an item.
const ROWS: usize = 2 * IN;

/// Tiles of a block: the length of the sums that stay in registers.
const BLOCK: usize = 96;

/// Work items wanted; the tiles are divided until there are so many. The items of a share run side by side, so that
/// its pixels, which each of them reads, are still in the last-level cache.
const ITEMS: usize = 48;

/// Elements that all shares of `dU` together may take.
const MAX_SUMS: usize = 4 << 20;

/// Output channels of an item: a multiple of every NR.
const COLUMN_GROUP: usize = 128;

/// How the work is cut.
#[derive(Debug, Clone, Copy)]
struct Plan {
    nr: usize,
    panels: usize,
    shares: usize,
    column_groups: usize,
    group_panels: usize,
}

impl Plan {
    fn new(tiles: usize, c_in: usize, c_out: usize) -> Self {
        let nr = panel_width();
        let column_groups = c_out.div_ceil(COLUMN_GROUP);
        let shares = ITEMS
            .div_ceil(PAIRS.len() * column_groups)
            .min(MAX_SUMS / (POSITIONS * c_in * c_out))
            .clamp(1, tiles.div_ceil(BLOCK));
        Self { nr, panels: c_out.div_ceil(nr), shares, column_groups, group_panels: COLUMN_GROUP / nr }
    }
}

/// `dw` (HWIO) and `db` (or not, if it is empty): overwritten. `x` has halo 1, `dy` any.
pub(in crate::kernels) fn weight_gradient(x: &Tensor, dy: &Tensor, dw: &mut [f32], db: &mut [f32]) {
    assert_eq!(x.halo, 1, "halo of x");
    assert_eq!([x.n, x.h, x.w], [dy.n, dy.h, dy.w], "pixels of x and dy");
    assert_eq!(dw.len(), 9 * x.c * dy.c, "weights");
    assert!(db.is_empty() || db.len() == dy.c, "{} biases", db.len());
    let tiles = Tiles::new(x.n, x.h, x.w);
    if tiles.count() == 0 {
        dw.fill(0.0);
        db.fill(0.0);
        return;
    }
    let plan = Plan::new(tiles.count(), x.c, dy.c);
    // Sums of each share: [share][position][panel][c_in][NR].
    let mut sums = vec![0.0f32; plan.shares * POSITIONS * plan.panels * x.c * plan.nr];
    let mut bias_sums = vec![0.0f64; plan.shares * plan.panels * plan.nr];
    {
        let (sums, bias_sums) = (Parts::new(&mut sums), Parts::new(&mut bias_sums));
        let groups = PAIRS.len() * plan.column_groups;
        // A cache line more, so that positions do not fall on each other in the cache.
        let (v_stride, d_stride) = (BLOCK * x.c + 16, BLOCK * plan.nr + 16);
        let len = [ROWS * v_stride, ROWS * plan.group_panels * d_stride, IN * IN * x.c.max(dy.c)];
        parallel::for_each(plan.shares * groups, |item| {
            let (share, group) = (item / groups, item % groups);
            let (pair, column_group) = (group / plan.column_groups, group % plan.column_groups);
            let first = column_group * plan.group_panels;
            scratch::with(len, |[v, d, edge]| {
                dispatch(Item {
                    x,
                    dy,
                    tiles,
                    plan,
                    share,
                    range: share * tiles.count() / plan.shares..(share + 1) * tiles.count() / plan.shares,
                    pair,
                    panels: first..plan.panels.min(first + plan.group_panels),
                    with_bias: !db.is_empty(),
                    sums: &sums,
                    bias_sums: &bias_sums,
                    v,
                    v_stride,
                    d,
                    d_stride,
                    edge,
                });
            });
        });
    }
    combine(&plan, &sums, x.c, dy.c, dw);
    for (c, db) in db.iter_mut().enumerate() {
        *db = bias_sums.iter().skip(c).step_by(plan.panels * plan.nr).sum::<f64>() as f32;
    }
}

/// Adds the shares in order and transforms them back: `dw = G^T dU G`.
fn combine(plan: &Plan, sums: &[f32], c_in: usize, c_out: usize, dw: &mut [f32]) {
    /// NR of the widest instruction set.
    const MAX_NR: usize = 32;
    let nr = plan.nr;
    let position_len = plan.panels * c_in * nr;
    let share_len = POSITIONS * position_len;
    let dw = Parts::new(dw);
    parallel::for_each(c_in, |ci| {
        for panel in 0..plan.panels {
            let columns = nr.min(c_out - panel * nr);
            let at = (panel * c_in + ci) * nr;
            let mut u = [[0.0f32; MAX_NR]; POSITIONS];
            let mut taps = [[0.0f32; MAX_NR]; 9];
            vectorize(|| {
                for (position, u) in u.iter_mut().enumerate() {
                    for share in 0..plan.shares {
                        let from = share * share_len + position * position_len + at;
                        for (u, sum) in u.iter_mut().zip(&sums[from..from + nr]) {
                            *u += sum;
                        }
                    }
                }
                for c in 0..nr {
                    let rows: [[f32; IN]; 3] = transpose(std::array::from_fn(|column| {
                        filter_transposed_1d(std::array::from_fn(|row| u[row * IN + column][c]))
                    }));
                    for (kh, row) in rows.into_iter().enumerate() {
                        for (kw, value) in filter_transposed_1d(row).into_iter().enumerate() {
                            taps[kh * 3 + kw][c] = value;
                        }
                    }
                }
            });
            for (tap, values) in taps.iter().enumerate() {
                let start = (tap * c_in + ci) * c_out + panel * nr;
                // SAFETY: row `ci` of each tap belongs to this item.
                unsafe { dw.slice(start..start + columns) }.copy_from_slice(&values[..columns]);
            }
        }
    });
}

#[inline(always)]
fn transpose(columns: [[f32; 3]; IN]) -> [[f32; IN]; 3] {
    std::array::from_fn(|row| std::array::from_fn(|column| columns[column][row]))
}

/// See the module.
struct Item<'a> {
    x: &'a Tensor,
    dy: &'a Tensor,
    tiles: Tiles,
    plan: Plan,
    share: usize,
    range: Range<usize>,
    /// Index in [`PAIRS`].
    pair: usize,
    panels: Range<usize>,
    with_bias: bool,
    sums: &'a Parts<'a, f32>,
    bias_sums: &'a Parts<'a, f64>,
    /// Transformed input, `[12][BLOCK][c_in]`.
    v: &'a mut [f32],
    v_stride: usize,
    /// Transformed gradient, `[12][panel][BLOCK][NR]`.
    d: &'a mut [f32],
    d_stride: usize,
    /// Room for a tile that is not wholly inside of the image.
    edge: &'a mut [f32],
}

impl Kernel for Item<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        match self.pair {
            0 => self.blocks::<S, 0>(s),
            1 => self.blocks::<S, 1>(s),
            _ => self.blocks::<S, 2>(s),
        }
    }
}

/// The position at which `A dy A^T` is the sum of the tile's pixels, as pair and index among the pair's positions.
const SUM_AT: (usize, usize) = (1, 1);

impl Item<'_> {
    #[inline(always)]
    fn blocks<S: Simd, const PAIR: usize>(&mut self, s: S) {
        for start in self.range.clone().step_by(BLOCK) {
            let range = start..self.range.end.min(start + BLOCK);
            let tiles = self.tiles; // a copy, so that the item can be changed meanwhile
            for (i, tile) in tiles.range(range.clone()).enumerate() {
                self.transform_input::<S, PAIR>(s, i, tile);
                self.transform_gradient::<S, PAIR>(s, i, tile);
            }
            match S::MR {
                5 => self.multiply::<S, 5>(s, range.len()),
                6 => self.multiply::<S, 6>(s, range.len()),
                12 => self.multiply::<S, 12>(s, range.len()),
                _ => unreachable!(),
            }
            if self.with_bias && PAIR == SUM_AT.0 {
                self.add_bias::<S>(range.len());
            }
        }
    }

    #[inline(always)]
    fn transform_input<S: Simd, const PAIR: usize>(&mut self, s: S, i: usize, tile: Tile) {
        let (x, c, stride) = (self.x, self.x.c, self.v_stride);
        let (v, edge) = (&mut self.v, &mut self.edge);
        assert!(c.is_multiple_of(S::LANES) && i < BLOCK && v.len() >= ROWS * stride && stride >= BLOCK * c);
        let (pixels, at) = if tile.is_inside(x, IN, 1) {
            let first = x.offset(tile.n, tile.h, tile.w) - x.row_stride() - c;
            (x.data()[first..].as_ptr(), Strides { row: x.row_stride(), column: c })
        } else {
            tile.gather(x, IN, 1, &mut edge[..IN * IN * c]);
            (edge.as_ptr(), Strides { row: IN * c, column: c })
        };
        // SAFETY: all 6x6 pixels of an inside tile are in `x`, those of the others in `edge`; `v` has a run for tile
        // i at each of 12 positions.
        unsafe {
            transforms::input_two_rows::<S, PAIR>(s, pixels, at, c, v.as_mut_ptr().add(i * c), stride)
        };
    }

    #[inline(always)]
    fn transform_gradient<S: Simd, const PAIR: usize>(&mut self, s: S, i: usize, tile: Tile) {
        let (dy, c, stride) = (self.dy, self.dy.c, self.d_stride);
        let (d, edge) = (&mut self.d, &mut self.edge);
        let first_channel = self.panels.start * S::NR;
        let channels = (self.panels.len() * S::NR).min(c - first_channel);
        assert!(channels.is_multiple_of(S::LANES) && i < BLOCK && stride >= BLOCK * S::NR);
        assert!(d.len() >= ROWS * self.panels.len() * stride);
        let (pixels, at) = if tile.h + OUT <= dy.h && tile.w + OUT <= dy.w {
            let first = dy.offset(tile.n, tile.h, tile.w);
            (dy.data()[first..].as_ptr(), Strides { row: dy.row_stride(), column: c })
        } else {
            tile.gather(dy, OUT, 0, &mut edge[..OUT * OUT * c]);
            (edge.as_ptr(), Strides { row: OUT * c, column: c })
        };
        // SAFETY: all 4x4 pixels of a whole tile are in `dy`, those of the others in `edge`; `d` has a run for tile i
        // at each of 12 positions and the panels.
        unsafe {
            transforms::gradient_two_rows::<S, PAIR>(
                s,
                pixels.add(first_channel),
                at,
                channels,
                d.as_mut_ptr().add(i * S::NR),
                stride,
            );
        };
    }

    /// Adds a block of tiles to the sums.
    #[inline(always)]
    fn multiply<S: Simd, const MR: usize>(&self, s: S, tiles: usize) {
        let c_in = self.x.c;
        let Self { v_stride, d_stride, .. } = *self;
        let (v, d) = (&self.v, &self.d);
        assert!(tiles <= BLOCK && v.len() >= ROWS * v_stride && v_stride >= BLOCK * c_in);
        assert!(d.len() >= ROWS * self.panels.len() * d_stride && d_stride >= BLOCK * S::NR);
        // As many whole tiles of MR rows as leave a rest of whole tiles of 4: c_in is a multiple of 16.
        let whole = (0..=c_in / MR).rev().find(|tiles| (c_in - tiles * MR) % 4 == 0).unwrap_or(0) * MR;
        for p in 0..ROWS {
            let position = PAIRS[self.pair][p / IN] * IN + p % IN;
            for (j, panel) in self.panels.clone().enumerate() {
                let start = ((self.share * POSITIONS + position) * self.plan.panels + panel) * c_in * S::NR;
                // SAFETY: share, position and panel belong to this item alone.
                let sums = unsafe { self.sums.slice(start..start + c_in * S::NR) };
                // SAFETY: `v` has `tiles` rows of c_in at each position, `d` as many of NR for each position and
                // panel, the sums c_in rows of NR.
                unsafe {
                    let d = d.as_ptr().add((p * self.panels.len() + j) * d_stride);
                    let v = v.as_ptr().add(p * v_stride);
                    for row in (0..whole).step_by(MR) {
                        let sums = sums.as_mut_ptr().add(row * S::NR);
                        outer_product::<S, MR>(s, tiles, v.add(row), c_in, d, sums);
                    }
                    for row in (whole..c_in).step_by(4) {
                        let sums = sums.as_mut_ptr().add(row * S::NR);
                        outer_product::<S, 4>(s, tiles, v.add(row), c_in, d, sums);
                    }
                }
            }
        }
    }

    /// Adds the pixels of a block. f32 does for one block; the blocks' sums are added in f64.
    #[inline(always)]
    fn add_bias<S: Simd>(&self, tiles: usize) {
        for (j, panel) in self.panels.clone().enumerate() {
            let start = (self.share * self.plan.panels + panel) * S::NR;
            // SAFETY: of the items of this share only the one with this pair and this panel is here.
            let bias = unsafe { self.bias_sums.slice(start..start + S::NR) };
            let rows = &self.d[(SUM_AT.1 * self.panels.len() + j) * self.d_stride..][..tiles * S::NR];
            for (c, bias) in bias.iter_mut().enumerate() {
                *bias += f64::from(rows.iter().skip(c).step_by(S::NR).sum::<f32>());
            }
        }
    }
}

/// `sums[r][c] += sum over tiles of v[tile][r] d[tile][c]`, MR rows of NR columns.
///
/// # Safety
/// `v` points to `tiles` rows `v_row` elements apart, MR of which are readable; `d` to as many rows of NR; `sums` to
/// MR rows of NR.
#[cfg_attr(target_arch = "wasm32", inline(never))]
#[cfg_attr(not(target_arch = "wasm32"), inline(always))]
unsafe fn outer_product<S: Simd, const MR: usize>(
    s: S,
    tiles: usize,
    mut v: *const f32,
    v_row: usize,
    mut d: *const f32,
    sums: *mut f32,
) {
    // SAFETY: all by the caller's promise.
    unsafe {
        let mut acc: [[S::V; 2]; MR] =
            std::array::from_fn(|r| [s.load(sums.add(r * S::NR)), s.load(sums.add(r * S::NR + S::LANES))]);
        for _ in 0..tiles {
            let w = [s.load(d), s.load(d.add(S::LANES))];
            d = d.add(S::NR);
            for r in 0..MR {
                let v = s.splat(*v.add(r));
                acc[r] = [s.madd(v, w[0], acc[r][0]), s.madd(v, w[1], acc[r][1])];
            }
            v = v.wrapping_add(v_row);
        }
        for r in 0..MR {
            s.store(sums.add(r * S::NR), acc[r][0]);
            s.store(sums.add(r * S::NR + S::LANES), acc[r][1]);
        }
    }
}
