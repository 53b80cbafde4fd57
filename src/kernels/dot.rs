//! The matrix kernel of forward passes and input gradients: rows of `x` times packed weights, in dot form.
//!
//! One tile is MR output pixels by NR output channels, held in registers from the bias to the end of the sum. Each
//! of the MR pixels has a pointer into `x` (indirection: nothing is copied into columns), from which it reads a
//! few runs of contiguous elements; the weights are read from one panel `[K][NR]`. This covers
//!
//! - 3x3 convolution: 3 runs (kh) of 3 c_in elements (kw, c_in), any stride;
//! - its input gradient at stride 1: the same over `dy`, with weights turned around and transposed;
//! - its input gradient at stride 2: four such products, one for each parity of (h, w);
//! - fully connected layers: one run.

use std::ops::Range;

use super::panels::Panels;
use super::parallel::{self, Parts};
use super::simd::{Chosen, Kernel, Simd};
use crate::Tensor;

/// What one output pixel reads from `x`: `segments` runs of `segment_len` contiguous elements, `segment_stride`
/// elements apart. K = `segments * segment_len`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window {
    pub segments: usize,
    pub segment_len: usize,
    pub segment_stride: usize,
}

impl Window {
    /// Length of the sums.
    pub fn k(&self) -> usize {
        self.segments * self.segment_len
    }
}

/// Where the pixels of a grid `[images, rows, columns]` lie in a buffer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lattice {
    /// Index of pixel (0, 0, 0).
    pub base: usize,
    /// Elements from one image to the next.
    pub image: usize,
    /// Elements from one row to the next.
    pub row: usize,
    /// Elements from one column to the next.
    pub column: usize,
}

impl Lattice {
    /// The interior pixels of a tensor.
    pub fn of(x: &Tensor) -> Self {
        Self { base: x.offset(0, 0, 0), image: x.image_stride(), row: x.row_stride(), column: x.c() }
    }

    /// Where the windows around the interior pixels of a tensor begin, which reach `border` pixels into its halo.
    pub fn around(x: &Tensor, border: usize) -> Self {
        assert!(x.halo() >= border, "a halo of {} where {border} is read", x.halo());
        Self { base: x.offset(0, 0, 0) - border * (x.row_stride() + x.c()), ..Self::of(x) }
    }

    /// Every `stride`-th of these pixels, along rows and columns.
    pub fn every(self, stride: usize) -> Self {
        Self { row: stride * self.row, column: stride * self.column, ..self }
    }

    /// Panics unless `reach` elements (None: more than can be counted) from every pixel of a grid are among `len`.
    pub fn check(&self, size: [usize; 3], reach: Option<usize>, len: usize) {
        // Strides are not negative: the last pixel lies furthest.
        let steps = size.into_iter().zip([self.image, self.row, self.column]);
        let end = steps.fold(reach.and_then(|reach| self.base.checked_add(reach)), |end, (count, step)| {
            end?.checked_add(count.saturating_sub(1).checked_mul(step)?)
        });
        assert!(end.is_some_and(|end| end <= len), "a grid {size:?} at {self:?} in {len} elements");
    }

    /// Panics if `len` elements from one pixel of a grid reach into those of another.
    pub fn check_apart(&self, size: [usize; 3], len: usize) {
        // Whether pixels, then rows, then images end before the next begin.
        let mut end = len;
        for (count, step) in size.into_iter().zip([self.image, self.row, self.column]).rev() {
            if count > 1 {
                assert!(end <= step, "pixels of {len} elements of a grid {size:?} overlap at {self:?}");
                end += (count - 1) * step;
            }
        }
    }

    /// Index of a pixel.
    pub fn at(&self, n: usize, h: usize, w: usize) -> usize {
        self.base + n * self.image + h * self.row + w * self.column
    }

    /// Indices of some pixels, counted row by row through a batch of images of `[_, rows, columns]`.
    pub fn indices(self, size: [usize; 3], pixels: Range<usize>) -> impl Iterator<Item = usize> {
        let [_, rows, columns] = size;
        let (mut w, line) = (pixels.start % columns, pixels.start / columns);
        let (mut h, mut n) = (line % rows, line / rows);
        pixels.map(move |_| {
            let index = self.at(n, h, w);
            w += 1;
            if w == columns {
                (w, h) = (0, h + 1);
                if h == rows {
                    (h, n) = (0, n + 1);
                }
            }
            index
        })
    }
}

/// `out[pixel][c] = bias[c] + sum over k of x[window of the pixel][k] * weights[k][c]` for all pixels of a grid.
pub(crate) struct DotProducts<'a> {
    /// The grid of output pixels: images, rows, columns.
    pub size: [usize; 3],
    /// Input.
    pub x: &'a [f32],
    /// Where in `x` the window of a pixel begins.
    pub x_at: Lattice,
    /// What it reads from there.
    pub window: Window,
    /// Weights.
    pub panels: &'a Panels,
    /// One element an output channel, or empty for zeros.
    pub bias: &'a [f32],
    /// Where in the output the channels of a pixel go. Pixels do not overlap.
    pub out_at: Lattice,
}

/// Longest stretch of k for which a panel is held in the L1 cache while pixels pass by. Longer sums are continued
/// from the output.
const K_BLOCK: usize = 1024;

/// Bytes of `x` that a work item reads: so much stays in the L2 cache while the panels pass by.
const X_BLOCK: usize = 192 * 1024;

/// Fewer work items than this are cut further, by output channels.
const MIN_ITEMS: usize = 24;

/// NR of the widest instruction set.
pub(crate) const MAX_NR: usize = 32;

impl DotProducts<'_> {
    /// Computes all of it, on the threads of the current pool.
    ///
    /// # Panics
    /// If an access would be outside of its buffer, if output pixels overlap, and if the weights do not fit, or are packed
    /// for another instruction set.
    pub fn run(&self, out: &mut [f32]) {
        let pixels: usize = self.size.iter().product();
        if pixels == 0 || self.panels.n() == 0 {
            return;
        }
        let set = Chosen::for_columns(self.panels.n());
        self.check(set, out);
        let mut bias = vec![0.0; self.panels.count() * self.panels.nr()];
        bias[..self.bias.len()].copy_from_slice(self.bias);

        let footprint = 4 * (self.x.len().div_ceil(pixels)).min(self.window.segments * K_BLOCK);
        let block = (X_BLOCK / footprint.max(1)).clamp(48, 4096).min(pixels);
        let blocks = pixels.div_ceil(block);
        let groups = MIN_ITEMS.div_ceil(blocks).min(self.panels.count());
        let group = self.panels.count().div_ceil(groups);
        let groups = self.panels.count().div_ceil(group);

        let out = Parts::new(out);
        parallel::for_each(blocks * groups, |item| {
            let (b, g) = (item / groups, item % groups);
            set.run(Item {
                job: self,
                bias: &bias,
                out: out.as_ptr(),
                pixels: b * block..pixels.min((b + 1) * block),
                panels: g * group..self.panels.count().min((g + 1) * group),
            });
        });
    }

    /// Panics unless every access is inside its buffer and every output pixel apart from the others.
    fn check(&self, set: Chosen, out: &[f32]) {
        let window = &self.window;
        let segments = window.segments.saturating_sub(1).checked_mul(window.segment_stride);
        let reach = segments.and_then(|segments| segments.checked_add(window.segment_len));
        self.x_at.check(self.size, reach, self.x.len());
        self.out_at.check(self.size, Some(self.panels.n()), out.len());
        self.out_at.check_apart(self.size, self.panels.n());
        assert_eq!(window.k(), self.panels.k(), "length of the sums and of the packed weights");
        assert!(self.bias.is_empty() || self.bias.len() == self.panels.n(), "{} biases", self.bias.len());
        self.panels.check(set);
    }
}

/// Some pixels by some panels.
struct Item<'a> {
    job: &'a DotProducts<'a>,
    /// Padded to whole panels.
    bias: &'a [f32],
    out: *mut f32,
    pixels: Range<usize>,
    panels: Range<usize>,
}

impl Kernel for Item<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        match S::MR {
            5 => self.tiles::<S, 5>(s),
            6 => self.tiles::<S, 6>(s),
            12 => self.tiles::<S, 12>(s),
            _ => unreachable!(),
        }
    }
}

impl Item<'_> {
    #[inline(always)]
    fn tiles<S: Simd, const MR: usize>(self, s: S) {
        let Self { job, bias, out, .. } = self;
        // Rows after the last one repeat it, and go to the scratch.
        let padded = |lattice: Lattice| {
            let mut at: Vec<usize> = lattice.indices(job.size, self.pixels.clone()).collect();
            at.resize(at.len().next_multiple_of(MR), at.last().copied().unwrap_or(0));
            at
        };
        let (x_at, out_at) = (padded(job.x_at), padded(job.out_at));
        let pixels = self.pixels.len();
        let mut scratch = [[0.0f32; MAX_NR]; MR];
        let scratch_at: [usize; MR] = std::array::from_fn(|r| r * MAX_NR);

        let window = job.window;
        let k_block = if window.segments == 1 { K_BLOCK } else { window.segment_len.max(1) };
        let mut k0 = 0;
        while k0 < window.segment_len.max(1) {
            let part = Window { segment_len: k_block.min(window.segment_len - k0), ..window };
            for panel in self.panels.clone() {
                let columns = S::NR.min(job.panels.n() - panel * S::NR);
                let weights = job.panels.panel(panel)[k0 * S::NR..].as_ptr();
                let bias = bias[panel * S::NR..][..S::NR].as_ptr();
                // Later parts of a sum go on from the output.
                let start = if k0 == 0 { bias } else { std::ptr::null() };
                for tile in (0..pixels).step_by(MR) {
                    let rows = MR.min(pixels - tile);
                    // SAFETY: `check` saw that all windows lie within `x`, and all pixels within the output and apart
                    // from each other; a panel holds K rows of NR, of which `part` are read; a bias row has NR
                    // elements. Each (pixel, panel) belongs to one item, so nobody else touches the target; where it
                    // has fewer rows or columns than a tile, the scratch stands in.
                    unsafe {
                        let x = job.x.as_ptr().add(k0);
                        let (x_at, out_at) = (x_at.as_ptr().add(tile), out_at.as_ptr().add(tile));
                        let out = out.add(panel * S::NR);
                        if rows == MR && columns == S::NR {
                            microkernel::<S, MR>(s, x, x_at, part, weights, start, out, out_at);
                            continue;
                        }
                        if k0 > 0 {
                            for r in 0..rows {
                                let from = out.add(*out_at.add(r));
                                scratch[r].as_mut_ptr().copy_from_nonoverlapping(from, columns);
                            }
                        }
                        let (there, there_at) = (scratch.as_mut_ptr().cast::<f32>(), scratch_at.as_ptr());
                        microkernel::<S, MR>(s, x, x_at, part, weights, start, there, there_at);
                        for r in 0..rows {
                            let to = out.add(*out_at.add(r));
                            to.copy_from_nonoverlapping(scratch[r].as_ptr(), columns);
                        }
                    }
                }
            }
            k0 += k_block;
        }
    }
}

/// One tile: `out[out_at[r] + c] = start[c] + sum over k of x[x_at[r] + k] weights[k][c]`, MR rows of NR columns. A null
/// `start` stands for what `out` holds.
///
/// # Safety
/// `x_at` and `out_at` point to MR offsets; at each there is a readable `window` in `x`, and NR elements in `out`;
/// `weights` points to K rows of NR, `start` to NR elements or nowhere.
// Not inlined for WebAssembly: the engine's register allocator sees the small function by itself.
#[allow(clippy::too_many_arguments)] // Three buffers, where in them, and how much.
#[cfg_attr(target_arch = "wasm32", inline(never))]
#[cfg_attr(not(target_arch = "wasm32"), inline(always))]
unsafe fn microkernel<S: Simd, const MR: usize>(
    s: S,
    x: *const f32,
    x_at: *const usize,
    window: Window,
    mut weights: *const f32,
    start: *const f32,
    out: *mut f32,
    out_at: *const usize,
) {
    // SAFETY: all by the caller's promise.
    unsafe {
        let mut rows = [x; MR];
        for r in 0..MR {
            rows[r] = x.add(*x_at.add(r));
        }
        let mut sums = [[s.splat(0.0); 2]; MR];
        if start.is_null() {
            for r in 0..MR {
                let out = out.add(*out_at.add(r));
                sums[r] = [s.load(out), s.load(out.add(S::LANES))];
            }
        } else {
            sums = [[s.load(start), s.load(start.add(S::LANES))]; MR];
        }
        for _ in 0..window.segments {
            for k in 0..window.segment_len {
                let w = [s.load(weights), s.load(weights.add(S::LANES))];
                weights = weights.add(S::NR);
                for r in 0..MR {
                    let v = s.splat(*rows[r].add(k));
                    sums[r] = [s.madd(v, w[0], sums[r][0]), s.madd(v, w[1], sums[r][1])];
                }
            }
            for r in 0..MR {
                rows[r] = rows[r].wrapping_add(window.segment_stride);
            }
        }
        for r in 0..MR {
            let out = out.add(*out_at.add(r));
            s.store(out, sums[r][0]);
            s.store(out.add(S::LANES), sums[r][1]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::panic::catch_unwind;

    /// Two images of 3 x 4 pixels of 5 channels, with a halo of 1.
    fn tensor() -> Tensor {
        Tensor::zeros([2, 3, 4, 5], 1)
    }

    #[test]
    fn grids_within_a_buffer_pass_and_others_do_not() {
        let x = tensor();
        let (at, len) = (Lattice::of(&x), x.data().len());
        let fits = |at: Lattice, size, reach, len| catch_unwind(|| at.check(size, reach, len)).is_ok();
        let last = at.at(1, 2, 3) + 5;
        assert!(fits(at, [2, 3, 4], Some(5), last));
        assert!(!fits(at, [2, 3, 4], Some(5), last - 1));
        assert!(fits(Lattice::around(&x, 1), [2, 3, 4], Some(2 * x.row_stride() + 15), len));
        assert!(!fits(Lattice::around(&x, 1), [2, 3, 4], Some(2 * x.row_stride() + 16), len));
        // What wraps round to something small.
        assert!(!fits(at, [2, 3, 4], None, len));
        assert!(!fits(Lattice { image: usize::MAX, ..at }, [2, 3, 4], Some(5), len));
        assert!(!fits(Lattice { row: usize::MAX / 2 + 1, ..at }, [1, 3, 1], Some(5), len));
    }

    #[test]
    fn pixels_that_overlap_are_refused() {
        let at = Lattice::of(&tensor());
        let apart = |at: Lattice, size, len| catch_unwind(|| at.check_apart(size, len)).is_ok();
        assert!(apart(at, [2, 3, 4], 5) && apart(at.every(2), [2, 2, 2], 5));
        assert!(!apart(at, [2, 3, 4], 6), "a pixel more");
        assert!(apart(at, [2, 3, 6], 5) && !apart(at, [2, 3, 7], 5), "as many columns as a row has room for");
        assert!(apart(at, [2, 5, 4], 5) && !apart(at, [2, 6, 4], 5), "as many rows as an image has room for");
        assert!(!apart(Lattice { image: 0, ..at }, [2, 3, 4], 5));
        assert!(apart(Lattice { base: 0, image: 0, row: 0, column: 0 }, [1, 1, 1], 5), "one pixel");
    }
}
