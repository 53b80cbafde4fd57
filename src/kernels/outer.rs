//! The matrix kernel of weight gradients: sums of outer products over pixels.
//!
//! `dw[tap][r][c] = sum over pixels of x[pixel + tap][r] * dy[pixel][c]`, where r runs through what is contiguous in
//! `x`: (kw, c_in) of a 3x3 convolution of any stride, the inputs of a fully connected layer. One tile is MR rows by
//! NR columns, held in registers while a block of pixels passes by.
//!
//! A work item owns a group of columns and of rows, and a share of the pixels. Where the weights are small, many
//! shares give the threads something to do; where they are large, the groups do. The shares' sums are added in
//! order, and how the work is cut depends on the shape alone, so the result is the same for any number of threads.

use std::ops::Range;

use super::dot::{Lattice, MAX_NR};
use super::parallel::{self, Parts};
use super::simd::{Chosen, Kernel, Simd};

/// See the module.
pub(crate) struct OuterProducts<'a> {
    /// The grid of pixels: images, rows, columns.
    pub size: [usize; 3],
    /// Input of the layer.
    pub x: &'a [f32],
    /// Where in `x` row 0 of tap 0 of a pixel lies.
    pub x_at: Lattice,
    /// Taps that are not contiguous (kh): 3, or 1.
    pub taps: usize,
    /// Elements of `x` from one tap to the next.
    pub tap_stride: usize,
    /// Contiguous elements of `x` for one tap.
    pub rows: usize,
    /// `(a, b)`: of each b rows the first a are wanted, the rest are padding of `x`.
    pub kept: (usize, usize),
    /// Gradient of the layer's output.
    pub dy: &'a [f32],
    /// Where in `dy` the channels of a pixel lie.
    pub dy_at: Lattice,
    /// Channels of `dy`.
    pub columns: usize,
}

/// Pixels of a block: so many pass by while a tile is held in registers. More would push `x` out of the L1 cache.
const BLOCK: usize = 64;

/// Columns of a work item: a multiple of every NR.
const COLUMN_GROUP: usize = 64;

/// Rows (taps included) of a work item: its sums then take 256 KB, which stay in the L2 cache.
const ROW_GROUP: usize = 1024;

/// Work items wanted; the pixels are divided until there are so many.
const ITEMS: usize = 24;

/// How the work is cut.
struct Plan {
    nr: usize,
    /// Pixels of a whole run. A run is (a part of) one row of pixels of one image.
    run: usize,
    runs_per_row: usize,
    runs_per_block: usize,
    blocks: usize,
    shares: usize,
    row_groups: Vec<(Range<usize>, Range<usize>)>,
    column_groups: usize,
}

impl OuterProducts<'_> {
    /// Computes `dw`, `[taps][kept rows][columns]`, and `db`, the column sums of `dy` (or not, if it is empty).
    pub fn run(&self, dw: &mut [f32], db: &mut [f32]) {
        let pixels: usize = self.size.iter().product();
        assert!(db.is_empty() || db.len() == self.columns, "{} biases", db.len());
        if pixels == 0 || self.columns == 0 || self.rows == 0 {
            dw.fill(0.0);
            db.fill(0.0);
            return;
        }
        self.check();
        let set = Chosen::for_columns(self.columns);
        let plan = self.plan(set.panel_width());
        // Sums of each share: [share][panel][tap][row][NR], panels being NR columns.
        let panels = self.columns.div_ceil(plan.nr);
        let panel_len = self.taps * self.rows * plan.nr;
        let mut sums = vec![0.0f32; plan.shares * panels * panel_len];
        let mut bias_sums = vec![0.0f64; plan.shares * panels * plan.nr];
        {
            let sums = Parts::new(&mut sums);
            let bias_sums = Parts::new(&mut bias_sums);
            let groups = plan.row_groups.len() * plan.column_groups;
            parallel::for_each(plan.shares * groups, |item| {
                let (share, group) = (item / groups, item % groups);
                let (row_group, column_group) = (group / plan.column_groups, group % plan.column_groups);
                let first = column_group * COLUMN_GROUP / plan.nr;
                let group_panels = first..panels.min(first + COLUMN_GROUP / plan.nr);
                let (taps, rows) = plan.row_groups[row_group].clone();
                set.run(Item {
                    job: self,
                    plan: &plan,
                    blocks: share * plan.blocks / plan.shares..(share + 1) * plan.blocks / plan.shares,
                    first_panel: share * panels,
                    panels: group_panels,
                    taps,
                    rows,
                    with_bias: row_group == 0 && !db.is_empty(),
                    sums: &sums,
                    bias_sums: &bias_sums,
                });
            });
        }
        self.combine(&plan, &sums, dw);
        for (c, db) in db.iter_mut().enumerate() {
            *db = bias_sums.iter().skip(c).step_by(panels * plan.nr).sum::<f64>() as f32;
        }
    }

    fn plan(&self, nr: usize) -> Plan {
        let [images, height, width] = self.size;
        let run = width.min(BLOCK);
        let runs_per_row = width.div_ceil(run);
        let runs_per_block = BLOCK / run;
        let blocks = (images * height * runs_per_row).div_ceil(runs_per_block);
        let row_groups = if self.taps * self.rows <= ROW_GROUP {
            vec![(0..self.taps, 0..self.rows)]
        } else {
            let count = self.rows.div_ceil(ROW_GROUP);
            // Groups of equal length, rounded up to the tiles of several instruction sets.
            let len = self.rows.div_ceil(count).next_multiple_of(12);
            let rows = (0..self.rows).step_by(len).map(|r| r..self.rows.min(r + len));
            (0..self.taps).flat_map(|tap| rows.clone().map(move |rows| (tap..tap + 1, rows))).collect()
        };
        let column_groups = self.columns.div_ceil(COLUMN_GROUP);
        let shares = ITEMS.div_ceil(row_groups.len() * column_groups).min(blocks);
        Plan { nr, run, runs_per_row, runs_per_block, blocks, shares, row_groups, column_groups }
    }

    /// Panics unless every access is inside its buffer.
    fn check(&self) {
        assert!(self.taps > 0, "taps");
        let taps = (self.taps - 1).checked_mul(self.tap_stride).and_then(|taps| taps.checked_add(self.rows));
        self.x_at.check(self.size, taps, self.x.len());
        self.dy_at.check(self.size, Some(self.columns), self.dy.len());
        assert!(self.kept.0 <= self.kept.1 && self.rows.is_multiple_of(self.kept.1));
    }

    /// Adds the shares in order and drops the padding rows.
    fn combine(&self, plan: &Plan, sums: &[f32], dw: &mut [f32]) {
        let (kept, of) = self.kept;
        assert_eq!(dw.len(), self.taps * self.rows / of * kept * self.columns);
        let panel_len = self.taps * self.rows * plan.nr;
        let share_len = self.columns.div_ceil(plan.nr) * panel_len;
        const ROWS: usize = 16;
        parallel::for_each_chunk(dw, ROWS * self.columns, |item, dw| {
            for (i, dw) in dw.chunks_exact_mut(self.columns).enumerate() {
                let row = item * ROWS + i;
                let row = row / kept * of + row % kept;
                for (panel, dw) in dw.chunks_mut(plan.nr).enumerate() {
                    dw.fill(0.0);
                    for share in 0..plan.shares {
                        let from = share * share_len + panel * panel_len + row * plan.nr;
                        for (dw, sum) in dw.iter_mut().zip(&sums[from..from + plan.nr]) {
                            *dw += sum;
                        }
                    }
                }
            }
        });
    }
}

/// Some rows by some columns, summed over some pixels.
struct Item<'a> {
    job: &'a OuterProducts<'a>,
    plan: &'a Plan,
    /// Blocks of pixels.
    blocks: Range<usize>,
    /// Panel 0 of this share.
    first_panel: usize,
    panels: Range<usize>,
    taps: Range<usize>,
    rows: Range<usize>,
    with_bias: bool,
    sums: &'a Parts<'a, f32>,
    bias_sums: &'a Parts<'a, f64>,
}

/// Pixels side by side: where they begin in `x` (tap 0, row 0), and how many.
#[derive(Clone, Copy)]
struct Run {
    x: usize,
    dy: usize,
    len: usize,
}

impl Kernel for Item<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        match S::MR {
            5 => self.blocks::<S, 5>(s),
            6 => self.blocks::<S, 6>(s),
            12 => self.blocks::<S, 12>(s),
            _ => unreachable!(),
        }
    }
}

impl Item<'_> {
    #[inline(always)]
    fn blocks<S: Simd, const MR: usize>(self, s: S) {
        let (job, plan) = (self.job, self.plan);
        let [images, height, width] = job.size;
        let all_runs = images * height * plan.runs_per_row;
        let mut runs: Vec<Run> = Vec::with_capacity(plan.runs_per_block);
        let mut packed = vec![0.0f32; self.panels.len() * BLOCK * S::NR];
        let panel_len = job.taps * job.rows * S::NR;
        for block in self.blocks.clone() {
            runs.clear();
            for run in block * plan.runs_per_block..all_runs.min((block + 1) * plan.runs_per_block) {
                let (line, w) = (run / plan.runs_per_row, run % plan.runs_per_row * plan.run);
                let (n, h) = (line / height, line % height);
                let len = plan.run.min(width - w);
                runs.push(Run { x: job.x_at.at(n, h, w), dy: job.dy_at.at(n, h, w), len });
            }
            for (panel, packed) in self.panels.clone().zip(packed.chunks_exact_mut(BLOCK * S::NR)) {
                let pixels = pack_dy::<S>(job, &runs, panel, packed);
                if self.with_bias {
                    let start = (self.first_panel + panel) * S::NR;
                    // SAFETY: of the items of this share only the one with the first rows and this panel is here.
                    let bias = unsafe { self.bias_sums.slice(start..start + S::NR) };
                    add_columns::<S>(&packed[..pixels * S::NR], bias);
                }
            }
            for tap in self.taps.clone() {
                let mut row = self.rows.start;
                while row < self.rows.end {
                    let left = self.rows.end - row;
                    let x_offset = tap * job.tap_stride + row;
                    for (panel, packed) in self.panels.clone().zip(packed.chunks_exact(BLOCK * S::NR)) {
                        let at = (self.first_panel + panel) * panel_len + (tap * job.rows + row) * S::NR;
                        // SAFETY: the tile belongs to this item alone: share, panel, tap and row are its own.
                        let tile = unsafe { self.sums.slice(at..at + left.min(MR) * S::NR) };
                        // SAFETY: `check` saw that all rows of all pixels lie in `x`; `packed` holds NR columns
                        // for each pixel of the runs; tile and scratch have as many rows of NR as are asked for.
                        unsafe {
                            if left >= MR {
                                microkernel::<S, MR>(
                                    s,
                                    job,
                                    &runs,
                                    x_offset,
                                    packed.as_ptr(),
                                    tile.as_mut_ptr(),
                                );
                            } else if self.rows.len() >= MR {
                                // A whole tile that ends at the last row; its first rows are thrown away.
                                let mut scratch = [[0.0f32; MAX_NR]; MR];
                                let scratch = scratch.as_flattened_mut();
                                let kept = (MR - left) * S::NR..MR * S::NR;
                                scratch[kept.clone()].copy_from_slice(tile);
                                let x_offset = x_offset - (MR - left);
                                microkernel::<S, MR>(
                                    s,
                                    job,
                                    &runs,
                                    x_offset,
                                    packed.as_ptr(),
                                    scratch.as_mut_ptr(),
                                );
                                tile.copy_from_slice(&scratch[kept]);
                            } else {
                                for (r, tile) in tile.chunks_exact_mut(S::NR).enumerate() {
                                    let x_offset = x_offset + r;
                                    microkernel::<S, 1>(
                                        s,
                                        job,
                                        &runs,
                                        x_offset,
                                        packed.as_ptr(),
                                        tile.as_mut_ptr(),
                                    );
                                }
                            }
                        }
                    }
                    row += left.min(MR);
                }
            }
        }
    }
}

/// Copies NR columns of the runs of `dy` side by side, `[pixel][NR]`, filled up with zeros, and gives the number of
/// pixels. All row tiles read it then from a few lines of the L1 cache, wherever the pixels lay.
#[inline(always)]
fn pack_dy<S: Simd>(job: &OuterProducts, runs: &[Run], panel: usize, packed: &mut [f32]) -> usize {
    let first = panel * S::NR;
    let columns = S::NR.min(job.columns - first);
    let mut pixels = packed.chunks_exact_mut(S::NR);
    for run in runs {
        for (i, packed) in pixels.by_ref().take(run.len).enumerate() {
            let at = run.dy + i * job.dy_at.column + first;
            if columns == S::NR {
                packed.copy_from_slice(&job.dy[at..at + S::NR]);
            } else {
                packed[..columns].copy_from_slice(&job.dy[at..at + columns]);
            }
        }
    }
    runs.iter().map(|run| run.len).sum()
}

/// Adds the sums of a block's columns. f32 does for 64 pixels; the blocks' sums are added in f64.
#[inline(always)]
fn add_columns<S: Simd>(packed: &[f32], bias: &mut [f64]) {
    let mut sums = [0.0f32; MAX_NR];
    let sums = &mut sums[..S::NR];
    for pixel in packed.chunks_exact(S::NR) {
        for (sum, v) in sums.iter_mut().zip(pixel) {
            *sum += v;
        }
    }
    for (bias, sum) in bias.iter_mut().zip(sums) {
        *bias += f64::from(*sum);
    }
}

/// One tile: `sums[r][c] += sum over pixels of x[pixel][r] packed[pixel][c]`, MR rows of NR columns.
///
/// # Safety
/// `MR` elements from `x_offset` on are readable for each pixel of the runs; `dy` points to NR elements for each of
/// them, `sums` to MR rows of NR.
#[cfg_attr(target_arch = "wasm32", inline(never))]
#[cfg_attr(not(target_arch = "wasm32"), inline(always))]
unsafe fn microkernel<S: Simd, const MR: usize>(
    s: S,
    job: &OuterProducts,
    runs: &[Run],
    x_offset: usize,
    mut dy: *const f32,
    sums: *mut f32,
) {
    // SAFETY: all by the caller's promise.
    unsafe {
        let mut acc = [[s.splat(0.0); 2]; MR];
        for r in 0..MR {
            acc[r] = [s.load(sums.add(r * S::NR)), s.load(sums.add(r * S::NR + S::LANES))];
        }
        let step = job.x_at.column;
        for run in runs {
            let mut x = job.x.as_ptr().add(run.x + x_offset);
            for _ in 0..run.len {
                let d = [s.load(dy), s.load(dy.add(S::LANES))];
                dy = dy.add(S::NR);
                for r in 0..MR {
                    let v = s.splat(*x.add(r));
                    acc[r] = [s.madd(v, d[0], acc[r][0]), s.madd(v, d[1], acc[r][1])];
                }
                x = x.wrapping_add(step);
            }
        }
        for r in 0..MR {
            s.store(sums.add(r * S::NR), acc[r][0]);
            s.store(sums.add(r * S::NR + S::LANES), acc[r][1]);
        }
    }
}
