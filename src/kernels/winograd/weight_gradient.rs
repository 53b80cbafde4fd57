//! The gradient of the weights.
//!
//! A work item owns two rows of the transform (12 of the 36 positions), a group of output channels and a share of the
//! tiles. It sums `dU[position] = sum over tiles of V[tile]^T D[tile]`, D being the transformed gradient, in blocks
//! of tiles. How the work is cut depends on the shape alone, and shares are added in order: the result is the same
//! for any number of threads.

use std::ops::Range;

use super::strip::{Runs, Strip, row_pointers};
use super::transforms::{self, PAIRS};
use super::{BORDER, IN, OUT, POSITIONS, Tiles};
use crate::Tensor;
use crate::kernels::parallel::{self, Parts};
use crate::kernels::scratch;
use crate::kernels::simd::{Chosen, Kernel, Simd};

/// Positions of an item.
pub(super) const ROWS: usize = 2 * IN;

/// Tiles of a block: the length of the sums that stay in registers.
pub(super) const BLOCK: usize = 96;

/// Work items wanted; the tiles are divided until there are so many.
const ITEMS: usize = 12;

/// Most elements of pixels and gradients of a share. Its items run side by side and each reads all of them: so much
/// stays in the last-level cache meanwhile.
const SHARE_ELEMENTS: usize = 2 << 20;

/// Elements that all shares of `dU` together may take.
const MAX_SUMS: usize = 4 << 20;

/// Output channels of an item: a multiple of every NR.
const COLUMN_GROUP: usize = 128;

/// How the work is cut.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan {
    pub nr: usize,
    pub panels: usize,
    pub shares: usize,
    column_groups: usize,
    pub group_panels: usize,
    /// Elements of `dU` from one position to the next.
    position_stride: usize,
}

impl Plan {
    pub fn new(nr: usize, tiles: usize, c_in: usize, c_out: usize) -> Self {
        let column_groups = c_out.div_ceil(COLUMN_GROUP);
        let shares = ITEMS
            .div_ceil(PAIRS.len() * column_groups)
            .max((tiles * OUT * OUT * (c_in + c_out)).div_ceil(SHARE_ELEMENTS))
            .min(MAX_SUMS / (POSITIONS * c_in * c_out))
            .clamp(1, tiles.div_ceil(BLOCK));
        let panels = c_out.div_ceil(nr);
        Self {
            nr,
            panels,
            shares,
            column_groups,
            group_panels: COLUMN_GROUP / nr,
            // A cache line more, so that positions do not fall on each other in the cache.
            position_stride: panels * c_in * nr + 16,
        }
    }

    /// Elements of `dU` from one share to the next.
    pub fn share_stride(&self) -> usize {
        POSITIONS * self.position_stride
    }

    /// Number of work items.
    pub fn items(&self) -> usize {
        self.shares * PAIRS.len() * self.column_groups
    }

    /// What a work item does.
    pub fn cut(&self, item: usize, tiles: Tiles) -> Cut {
        let groups = PAIRS.len() * self.column_groups;
        let (share, group) = (item / groups, item % groups);
        let first = group % self.column_groups * self.group_panels;
        Cut {
            share,
            range: share * tiles.count() / self.shares..(share + 1) * tiles.count() / self.shares,
            pair: group / self.column_groups,
            panels: first..self.panels.min(first + self.group_panels),
        }
    }
}

/// What a work item does.
#[derive(Debug, Clone)]
pub(super) struct Cut {
    share: usize,
    /// Its tiles.
    pub range: Range<usize>,
    /// Index in [`PAIRS`].
    pub pair: usize,
    pub panels: Range<usize>,
}

impl Cut {
    /// Where in `dU` the sums of a position and a panel are: no other item has them.
    pub fn sums(&self, plan: &Plan, position: usize, panel: usize, c_in: usize) -> Range<usize> {
        let len = c_in * plan.nr;
        let start = self.share * plan.share_stride() + position * plan.position_stride + panel * len;
        start..start + len
    }

    /// Where a panel's sums of pixels are: of the items of a share only the one that makes [`SUM_AT`] has them.
    pub fn bias(&self, plan: &Plan, panel: usize) -> Range<usize> {
        let start = (self.share * plan.panels + panel) * plan.nr;
        start..start + plan.nr
    }
}

/// The tiles, where there are some; gradients of nothing are 0.
pub(super) fn tiles_of<T: Copy + Default, U: Copy + Default>(
    x: &Tensor<T>,
    dy: &Tensor<U>,
    dw: &mut [f32],
    db: &mut [f32],
) -> Option<Tiles> {
    assert!(x.halo() >= BORDER, "halo of x");
    assert_eq!([x.n(), x.h(), x.w()], [dy.n(), dy.h(), dy.w()], "pixels of x and dy");
    assert_eq!(dw.len(), 9 * x.c() * dy.c(), "weights");
    assert!(db.is_empty() || db.len() == dy.c(), "{} biases", db.len());
    let tiles = Tiles::new(x.n(), x.h(), x.w());
    if tiles.count() == 0 {
        dw.fill(0.0);
        db.fill(0.0);
        return None;
    }
    Some(tiles)
}

/// As many rows of whole tiles of MR as leave a rest of whole tiles of 4: c_in is a multiple of 16.
pub(super) fn whole_rows<const MR: usize>(c_in: usize) -> usize {
    (0..=c_in / MR).rev().find(|tiles| (c_in - tiles * MR).is_multiple_of(4)).unwrap_or(0) * MR
}

/// `dw` (HWIO) and `db` (or not, if it is empty): overwritten. `x` has a halo of at least 1, `dy` any.
pub(in crate::kernels) fn weight_gradient(x: &Tensor, dy: &Tensor, dw: &mut [f32], db: &mut [f32]) {
    let Some(tiles) = tiles_of(x, dy, dw, db) else { return };
    let set = Chosen::for_columns(dy.c());
    let plan = Plan::new(set.panel_width(), tiles.count(), x.c(), dy.c());
    // Sums of each share: [share][position][panel][c_in][NR].
    let mut sums = vec![0.0f32; plan.shares * plan.share_stride()];
    let mut bias_sums = vec![0.0f64; plan.shares * plan.panels * plan.nr];
    {
        let (sums, bias_sums) = (Parts::new(&mut sums), Parts::new(&mut bias_sums));
        // A cache line more, so that positions do not fall on each other in the cache.
        let (v_stride, d_stride) = (BLOCK * x.c() + 16, BLOCK * plan.nr + 16);
        // Two rows of a strip, and one of zeros.
        let strip_stride = (tiles.columns.min(BLOCK) * OUT + IN - OUT) * x.c().max(dy.c());
        let len = [ROWS * v_stride, ROWS * plan.group_panels * d_stride, 3 * strip_stride];
        parallel::for_each(plan.items(), |item| {
            scratch::with(len, |[v, d, strip]| {
                set.run(Item {
                    x,
                    dy,
                    tiles,
                    plan,
                    cut: plan.cut(item, tiles),
                    with_bias: !db.is_empty(),
                    sums: &sums,
                    bias_sums: &bias_sums,
                    v,
                    v_stride,
                    d,
                    d_stride,
                    strip,
                    strip_stride,
                });
            });
        });
    }
    combine(set, &plan, &sums, x.c(), dy.c(), dw);
    for (c, db) in db.iter_mut().enumerate() {
        *db = bias_sums.iter().skip(c).step_by(plan.panels * plan.nr).sum::<f64>() as f32;
    }
}

/// Adds the shares in order and transforms them back: `dw = G^T dU G`.
pub(super) fn combine(set: Chosen, plan: &Plan, sums: &[f32], c_in: usize, c_out: usize, dw: &mut [f32]) {
    struct Row<'a> {
        plan: &'a Plan,
        sums: &'a [f32],
        c_in: usize,
        c_out: usize,
        ci: usize,
        dw: *mut f32,
    }
    impl Kernel for Row<'_> {
        type Output = ();
        #[inline(always)]
        fn run<S: Simd>(self, s: S) {
            let Self { plan, sums, c_in, c_out, ci, dw } = self;
            let (position_stride, share_stride) = (plan.position_stride, plan.share_stride());
            assert!(sums.len() == plan.shares * share_stride && ci < c_in && c_out.is_multiple_of(S::LANES));
            for c in (0..c_out).step_by(S::LANES) {
                let at = (c / S::NR * c_in + ci) * S::NR + c % S::NR;
                // SAFETY: the sums hold `at` for each share and position; row `ci` of each tap belongs to this item
                // alone and holds c_out elements, a multiple of LANES.
                unsafe {
                    let (u, dw) = (sums.as_ptr().add(at), dw.add(ci * c_out + c));
                    transforms::filter_gradient(
                        s,
                        plan.shares,
                        u,
                        share_stride,
                        position_stride,
                        dw,
                        c_in * c_out,
                    );
                }
            }
        }
    }
    let dw = Parts::new(dw);
    parallel::for_each(c_in, |ci| set.run(Row { plan, sums, c_in, c_out, ci, dw: dw.as_ptr() }));
}

/// See the module.
struct Item<'a> {
    x: &'a Tensor,
    dy: &'a Tensor,
    tiles: Tiles,
    plan: Plan,
    cut: Cut,
    with_bias: bool,
    sums: &'a Parts<'a, f32>,
    bias_sums: &'a Parts<'a, f64>,
    /// Transformed input, `[12][BLOCK][c_in]`.
    v: &'a mut [f32],
    v_stride: usize,
    /// Transformed gradient, `[12][panel][BLOCK][NR]`.
    d: &'a mut [f32],
    d_stride: usize,
    /// Two rows of a strip, and one of zeros.
    strip: &'a mut [f32],
    strip_stride: usize,
}

impl Kernel for Item<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        match self.cut.pair {
            0 => self.blocks::<S, 0>(s),
            1 => self.blocks::<S, 1>(s),
            _ => self.blocks::<S, 2>(s),
        }
    }
}

/// The position at which `A dy A^T` is the sum of the tile's pixels, as pair and index among the pair's positions.
pub(super) const SUM_AT: (usize, usize) = (1, 1);

impl Item<'_> {
    #[inline(always)]
    fn blocks<S: Simd, const PAIR: usize>(&mut self, s: S) {
        for start in self.cut.range.clone().step_by(BLOCK) {
            let range = start..self.cut.range.end.min(start + BLOCK);
            let tiles = self.tiles; // a copy, so that the item can be changed meanwhile
            for (first, strip) in tiles.strips(range.clone()) {
                self.transform_input::<S, PAIR>(s, first, strip);
                self.transform_gradient::<S, PAIR>(s, first, strip);
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
    fn transform_input<S: Simd, const PAIR: usize>(&mut self, s: S, first: usize, strip: Strip) {
        let (x, c) = (self.x, self.x.c());
        let buffer = Runs { data: self.strip, stride: self.strip_stride };
        strip.transform_input::<S, 2, PAIR>(s, x, buffer, &mut self.v[first * c..], self.v_stride);
    }

    #[inline(always)]
    fn transform_gradient<S: Simd, const PAIR: usize>(&mut self, s: S, first: usize, strip: Strip) {
        let dy = self.dy;
        let Self { d_stride, strip_stride: stride, .. } = *self;
        let panels = &self.cut.panels;
        let first_channel = panels.start * S::NR;
        let c = (panels.len() * S::NR).min(dy.c() - first_channel);
        assert!(c.is_multiple_of(S::LANES) && self.strip.len() >= 3 * stride);
        assert!((first + strip.tiles) * S::NR <= d_stride);
        assert!(self.d.len() >= ROWS * panels.len() * d_stride);
        let (rows, pixels) = strip.gradient_rows(dy);
        let (len, wanted) = (pixels * c, strip.tiles * OUT * c);
        assert!(wanted <= stride);
        let (runs, zeros) = self.strip.split_at_mut(2 * stride);
        let sources = row_pointers(dy.data(), rows, pixels * dy.c(), zeros);
        // SAFETY: each source holds `pixels` pixels, of which the channels of the item's panels are read; a run holds
        // `stride` elements, and `d` has room for all tiles of the block at each of 12 positions and the panels.
        unsafe {
            let sources = sources.map(|row| row.add(first_channel));
            let strip_start = runs.as_mut_ptr();
            transforms::gradient_two_rows::<S, PAIR>(s, sources, pixels, dy.c(), c, strip_start, stride);
            for row in 0..2 {
                // Pixels to the right of the image.
                runs[row * stride + len..row * stride + wanted].fill(0.0);
            }
            let d = self.d.as_mut_ptr().add(first * S::NR);
            transforms::gradient_columns(s, strip.tiles, c, runs.as_ptr(), stride, d, d_stride);
        }
    }

    /// Adds a block of tiles to the sums.
    #[inline(always)]
    fn multiply<S: Simd, const MR: usize>(&self, s: S, tiles: usize) {
        let c_in = self.x.c();
        let Self { v_stride, d_stride, ref cut, .. } = *self;
        let (v, d) = (&self.v, &self.d);
        assert!(tiles <= BLOCK && v.len() >= ROWS * v_stride && v_stride >= BLOCK * c_in);
        assert!(d.len() >= ROWS * cut.panels.len() * d_stride && d_stride >= BLOCK * S::NR);
        let whole = whole_rows::<MR>(c_in);
        for p in 0..ROWS {
            let position = PAIRS[cut.pair][p / IN] * IN + p % IN;
            for (j, panel) in cut.panels.clone().enumerate() {
                // SAFETY: share, position and panel belong to this item alone.
                let sums = unsafe { self.sums.slice(cut.sums(&self.plan, position, panel, c_in)) };
                // SAFETY: `v` has `tiles` rows of c_in at each position, `d` as many of NR for each position and
                // panel, the sums c_in rows of NR.
                unsafe {
                    let d = d.as_ptr().add((p * cut.panels.len() + j) * d_stride);
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
        let panels = &self.cut.panels;
        for (j, panel) in panels.clone().enumerate() {
            // SAFETY: of the items of this share only the one with this pair and this panel is here.
            let bias = unsafe { self.bias_sums.slice(self.cut.bias(&self.plan, panel)) };
            let rows = &self.d[(SUM_AT.1 * panels.len() + j) * self.d_stride..][..tiles * S::NR];
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
