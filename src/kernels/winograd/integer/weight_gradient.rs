//! The gradient of the weights: cut as [`the one of f32`](crate::kernels::winograd::weight_gradient) is.
//!
//! The sums of a block are of i32 for as many tiles as it holds surely, [`MOST_TILES`], and then added to those of f32.

use super::transforms::{Pair, gradient_pairs, gradient_rows, input_pairs, input_rows};
use super::{Byte, MOST_TILES};
use crate::Tensor;
use crate::kernels::parallel::{self, Parts};
use crate::kernels::scratch;
use crate::kernels::simd::{Chosen, Kernel, Simd};
use crate::kernels::winograd::strip::{Strip, row_pointers};
use crate::kernels::winograd::transforms::PAIRS;
use crate::kernels::winograd::weight_gradient::{
    BLOCK, Cut, Plan, ROWS, SUM_AT, combine, tiles_of, whole_rows,
};
use crate::kernels::winograd::{BORDER, IN, OUT, Tiles};

/// `dw = x dy` (HWIO) and `db` (or not, if it is empty), both overwritten, in units of the steps of `x` and of `dy`. `x` has a
/// halo of at least 1, `dy` any.
pub(in crate::kernels) fn weight_gradient(
    set: Chosen,
    x: &Tensor<u8>,
    dy: &Tensor<i8>,
    [x_step, dy_step]: [f32; 2],
    dw: &mut [f32],
    db: &mut [f32],
) {
    let Some(tiles) = tiles_of(x, dy, dw, db) else { return };
    let plan = Plan::new(set.panel_width(), tiles.count(), x.c(), dy.c());
    let mut sums = vec![0.0f32; plan.shares * plan.share_stride()];
    let mut bias_sums = vec![0i64; plan.shares * plan.panels * plan.nr];
    {
        let (sums, bias_sums) = (Parts::new(&mut sums), Parts::new(&mut bias_sums));
        // Each strip begins a pair.
        let slots = (BLOCK.div_ceil(tiles.columns) + 1) * tiles.columns.next_multiple_of(2);
        let slots = slots.min(2 * BLOCK);
        // A cache line more, so that positions do not fall on each other in the cache.
        let (v_stride, d_stride) = (slots * x.c() + 32, slots * plan.nr + 32);
        let strip_stride = (tiles.columns.min(BLOCK) * OUT + IN - OUT) * x.c().max(dy.c());
        let len = [ROWS * v_stride / 2, ROWS * plan.group_panels * d_stride / 2, 3 * strip_stride];
        parallel::for_each(plan.items(), |item| {
            scratch::with(len, |[v, d, strip]| {
                set.run_dots(Item {
                    x,
                    dy,
                    tiles,
                    plan,
                    cut: plan.cut(item, tiles),
                    scale: x_step * dy_step,
                    sums: &sums,
                    bias_sums: &bias_sums,
                    v: bytemuck::cast_slice_mut(v),
                    v_stride,
                    d: bytemuck::cast_slice_mut(d),
                    d_stride,
                    strip,
                    strip_stride,
                });
            });
        });
    }
    combine(set, &plan, &sums, x.c(), dy.c(), dw);
    for (c, db) in db.iter_mut().enumerate() {
        let sum: i64 = bias_sums.iter().skip(c).step_by(plan.panels * plan.nr).sum();
        *db = (sum as f64 * f64::from(dy_step)) as f32;
    }
}

/// Columns of a panel at most.
const MOST_NR: usize = 32;

/// See the module.
struct Item<'a> {
    x: &'a Tensor<u8>,
    dy: &'a Tensor<i8>,
    tiles: Tiles,
    plan: Plan,
    cut: Cut,
    scale: f32,
    sums: &'a Parts<'a, f32>,
    bias_sums: &'a Parts<'a, i64>,
    /// Transformed input, `[12][slot / 2][c_in][2]`.
    v: &'a mut [i16],
    v_stride: usize,
    /// Transformed gradient, `[12][panel][slot / 2][NR][2]`.
    d: &'a mut [i16],
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

impl Item<'_> {
    #[inline(always)]
    fn blocks<S: Simd, const PAIR: usize>(&mut self, s: S) {
        for start in self.cut.range.clone().step_by(BLOCK) {
            let range = start..self.cut.range.end.min(start + BLOCK);
            let tiles = self.tiles; // a copy, so that the item can be changed meanwhile
            let mut slot = 0;
            for (_, strip) in tiles.strips(range) {
                self.transform_input::<S, PAIR>(s, slot, strip);
                self.transform_gradient::<S, PAIR>(s, slot, strip);
                slot += strip.tiles.next_multiple_of(2);
            }
            match S::DOT_ROWS {
                5 => self.multiply::<S, 5>(s, slot),
                6 => self.multiply::<S, 6>(s, slot),
                12 => self.multiply::<S, 12>(s, slot),
                _ => unreachable!(),
            }
            if PAIR == SUM_AT.0 {
                self.add_bias::<S>(slot);
            }
        }
    }

    /// Adds the pixels of a block.
    #[inline(always)]
    fn add_bias<S: Simd>(&self, slots: usize) {
        let panels = &self.cut.panels;
        for (j, panel) in panels.clone().enumerate() {
            // SAFETY: of the items of this share only the one with this pair and this panel is here.
            let bias = unsafe { self.bias_sums.slice(self.cut.bias(&self.plan, panel)) };
            let rows = &self.d[(SUM_AT.1 * panels.len() + j) * self.d_stride..][..slots * S::NR];
            // At most 192 slots of 2,032: i32 holds them.
            let mut sums = [0i32; MOST_NR];
            for pair in rows.chunks_exact(2 * S::NR) {
                for (sum, pair) in sums.iter_mut().zip(pair.chunks_exact(2)) {
                    *sum += i32::from(pair[0]) + i32::from(pair[1]);
                }
            }
            bias.iter_mut().zip(sums).for_each(|(bias, sum)| *bias += i64::from(sum));
        }
    }

    #[inline(always)]
    fn transform_input<S: Simd, const PAIR: usize>(&mut self, s: S, slot: usize, strip: Strip) {
        let (x, c, stride) = (self.x, self.x.c(), self.strip_stride);
        let (rows, pixels) = strip.rows::<_, IN>(x, BORDER);
        let (len, wanted) = (pixels * c, (strip.tiles * OUT + IN - OUT) * c);
        assert!(c.is_multiple_of(2 * S::LANES) && wanted <= stride && self.strip.len() >= 3 * stride);
        assert!((slot + strip.tiles.next_multiple_of(2)) * c <= self.v_stride);
        assert!(self.v.len() >= ROWS * self.v_stride);
        let (runs, zeros) = self.strip.split_at_mut(stride);
        let runs: &mut [i16] = bytemuck::cast_slice_mut(runs);
        let sources = row_pointers(x.data(), rows, len, u8::slice(zeros));
        // SAFETY: each source holds `len` elements, each run `wanted` of them, and `v` has room for all slots of the strip at
        // each position of two rows.
        unsafe {
            input_rows::<S, u8, Pair<PAIR>>(s, sources, len, runs.as_mut_ptr(), stride);
            for row in 0..2 {
                // Pixels to the right of the image.
                runs[row * stride + len..row * stride + wanted].fill(0);
                let v = self.v[row * IN * self.v_stride + slot * c..].as_mut_ptr();
                input_pairs(s, strip.tiles, c, runs.as_ptr().add(row * stride), v, self.v_stride);
            }
        }
    }

    #[inline(always)]
    fn transform_gradient<S: Simd, const PAIR: usize>(&mut self, s: S, slot: usize, strip: Strip) {
        let dy = self.dy;
        let Self { d_stride, strip_stride: stride, .. } = *self;
        let panels = self.cut.panels.clone();
        let first_channel = panels.start * S::NR;
        let c = (panels.len() * S::NR).min(dy.c() - first_channel);
        assert!(c.is_multiple_of(S::NR) && self.strip.len() >= 3 * stride);
        assert!((slot + strip.tiles.next_multiple_of(2)) * S::NR <= d_stride);
        assert!(self.d.len() >= ROWS * panels.len() * d_stride);
        let (rows, pixels) = strip.gradient_rows(dy);
        let (len, wanted) = (pixels * c, strip.tiles * OUT * c);
        assert!(wanted <= stride);
        let (runs, zeros) = self.strip.split_at_mut(stride);
        let runs: &mut [i16] = bytemuck::cast_slice_mut(runs);
        let sources = row_pointers(dy.data(), rows, pixels * dy.c(), i8::slice(zeros));
        // SAFETY: each source holds `pixels` pixels, of which the channels of the item's panels are read; a run holds
        // `stride` elements, and `d` has room for all slots of the strip at each of 12 positions and the panels.
        unsafe {
            let sources = sources.map(|row| row.add(first_channel));
            gradient_rows::<S, Pair<PAIR>>(s, sources, pixels, dy.c(), c, runs.as_mut_ptr(), stride);
            for row in 0..2 {
                // Pixels to the right of the image.
                runs[row * stride + len..row * stride + wanted].fill(0);
                let d = self.d[row * IN * panels.len() * d_stride + slot * S::NR..].as_mut_ptr();
                gradient_pairs(s, strip.tiles, c, runs.as_ptr().add(row * stride), d, d_stride);
            }
        }
    }

    /// Adds a block of tiles to the sums.
    #[inline(always)]
    fn multiply<S: Simd, const MR: usize>(&self, s: S, slots: usize) {
        let c_in = self.x.c();
        let Self { v_stride, d_stride, ref cut, .. } = *self;
        let (v, d) = (&self.v, &self.d);
        assert!(slots * c_in <= v_stride && v.len() >= ROWS * v_stride && slots.is_multiple_of(2));
        assert!(d.len() >= ROWS * cut.panels.len() * d_stride && d_stride >= slots * S::NR);
        let whole = whole_rows::<MR>(c_in);
        let scale = s.splat(self.scale);
        for p in 0..ROWS {
            let position = PAIRS[cut.pair][p / IN] * IN + p % IN;
            let pairs = MOST_TILES[position] / 2;
            for (j, panel) in cut.panels.clone().enumerate() {
                // SAFETY: share, position and panel belong to this item alone.
                let sums = unsafe { self.sums.slice(cut.sums(&self.plan, position, panel, c_in)) };
                for first in (0..slots / 2).step_by(pairs) {
                    let pairs = pairs.min(slots / 2 - first);
                    // SAFETY: `v` has `slots` times c_in at each position, `d` as many of NR for each position and panel,
                    // the sums c_in rows of NR.
                    unsafe {
                        let d = d.as_ptr().add((p * cut.panels.len() + j) * d_stride + first * 2 * S::NR);
                        let v = v.as_ptr().add(p * v_stride + first * 2 * c_in);
                        for row in (0..whole).step_by(MR) {
                            let sums = sums.as_mut_ptr().add(row * S::NR);
                            outer_product::<S, MR>(s, pairs, v.add(2 * row), 2 * c_in, d, scale, sums);
                        }
                        for row in (whole..c_in).step_by(4) {
                            let sums = sums.as_mut_ptr().add(row * S::NR);
                            outer_product::<S, 4>(s, pairs, v.add(2 * row), 2 * c_in, d, scale, sums);
                        }
                    }
                }
            }
        }
    }
}

/// `sums[r][c] += scale sum over pairs of v[pair][r] . d[pair][c]`, MR rows of NR columns.
///
/// # Safety
/// `v` points to `pairs` rows `v_row` elements apart, MR pairs of which are readable; `d` to as many rows of NR pairs; `sums`
/// to MR rows of NR.
#[allow(clippy::too_many_arguments)] // Three buffers and what is done to them.
#[cfg_attr(target_arch = "wasm32", inline(never))]
#[cfg_attr(not(target_arch = "wasm32"), inline(always))]
unsafe fn outer_product<S: Simd, const MR: usize>(
    s: S,
    pairs: usize,
    mut v: *const i16,
    v_row: usize,
    mut d: *const i16,
    scale: S::V,
    sums: *mut f32,
) {
    // SAFETY: all by the caller's promise.
    unsafe {
        let mut acc = [[s.zero(); 2]; MR];
        for _ in 0..pairs {
            let w = [s.load_i16(d), s.load_i16(d.add(2 * S::LANES))];
            d = d.add(2 * S::NR);
            for r in 0..MR {
                let v = s.splat_pair(v.add(2 * r));
                acc[r] = [s.dot(v, w[0], acc[r][0]), s.dot(v, w[1], acc[r][1])];
            }
            v = v.wrapping_add(v_row);
        }
        for r in 0..MR {
            for half in 0..2 {
                let sum = sums.add(r * S::NR + half * S::LANES);
                s.store(sum, s.madd(s.to_f32(acc[r][half]), scale, s.load(sum)));
            }
        }
    }
}
