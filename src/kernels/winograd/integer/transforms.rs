//! The transforms of strips of tiles in i16, vectorised over channels.

use super::Byte;
use crate::kernels::simd::Simd;
use crate::kernels::winograd::transforms::PAIRS;
use crate::kernels::winograd::{IN, OUT};

/// Rows of the transforms that are made together.
pub(super) trait Rows {
    /// Which of the six.
    const ROWS: &'static [usize];
}

/// All of them.
pub(super) struct All;

impl Rows for All {
    const ROWS: &'static [usize] = &[0, 1, 2, 3, 4, 5];
}

/// Those in [`PAIRS`].
pub(super) struct Pair<const PAIR: usize>;

impl<const PAIR: usize> Rows for Pair<PAIR> {
    const ROWS: &'static [usize] = &PAIRS[PAIR];
}

/// `B^T d`: six pixels to six positions.
#[inline(always)]
fn input_1d<S: Simd>(s: S, d: [S::I; IN]) -> [S::I; IN] {
    let (even, odd) = (s.sub_i16(d[4], d[2]), s.sub_i16(d[3], d[1]));
    let twice = s.add_i16(odd, odd);
    let first = s.add_i16(s.shl_i16::<2>(s.sub_i16(d[0], d[2])), even);
    let last = s.sub_i16(s.sub_i16(d[5], d[3]), s.shl_i16::<2>(odd));
    let (far, near) = (s.sub_i16(d[4], s.shl_i16::<2>(d[2])), s.sub_i16(d[3], s.shl_i16::<2>(d[1])));
    [first, s.add_i16(far, near), s.sub_i16(far, near), s.add_i16(even, twice), s.sub_i16(even, twice), last]
}

/// `A d`: four pixels of a gradient to six positions.
#[inline(always)]
fn gradient_1d<S: Simd>(s: S, d: [S::I; OUT]) -> [S::I; IN] {
    let (even, odd) = (s.add_i16(d[0], d[2]), s.add_i16(d[1], d[3]));
    let far = s.add_i16(d[0], s.shl_i16::<2>(d[2]));
    let far_odd = s.add_i16(s.add_i16(d[1], d[1]), s.shl_i16::<3>(d[3]));
    [d[0], s.add_i16(even, odd), s.sub_i16(even, odd), s.add_i16(far, far_odd), s.sub_i16(far, far_odd), d[3]]
}

/// The first half of `B^T x B`: the rows of a strip that `ROWS` names, `strip[row * stride + i]`, from six rows of `len`
/// elements.
///
/// # Safety
/// Each of `x` points to `len` readable elements, a multiple of 2 LANES; `strip` to as many runs of `len` writable ones as
/// there are rows, `stride` apart.
#[cfg_attr(target_arch = "wasm32", inline(never))]
#[cfg_attr(not(target_arch = "wasm32"), inline(always))]
pub(super) unsafe fn input_rows<S: Simd, T: Byte, R: Rows>(
    s: S,
    x: [*const T; IN],
    len: usize,
    strip: *mut i16,
    stride: usize,
) {
    for i in (0..len).step_by(2 * S::LANES) {
        // SAFETY: by the caller's promise.
        unsafe {
            let mut d = [s.zero(); IN];
            for row in 0..IN {
                d[row] = T::load(s, x[row].add(i));
            }
            let v = input_1d(s, d);
            for (run, row) in R::ROWS.iter().enumerate() {
                s.store_i16(strip.add(run * stride + i), v[*row]);
            }
        }
    }
}

/// The second half of `B^T x B`: `v[(row * 6 + column) * v_stride + tile * channels + c]` from six rows of a strip.
///
/// # Safety
/// `strip` points to six runs of `(4 tiles + 2) channels` readable elements, `stride` apart; `channels` is a
/// multiple of 2 LANES; `v` points to 36 runs of `tiles * channels` writable elements, `v_stride` apart.
#[allow(clippy::too_many_arguments)] // Two buffers, each with its stride, and two lengths.
#[cfg_attr(target_arch = "wasm32", inline(never))]
#[cfg_attr(not(target_arch = "wasm32"), inline(always))]
pub(super) unsafe fn input_columns<S: Simd>(
    s: S,
    tiles: usize,
    channels: usize,
    strip: *const i16,
    stride: usize,
    v: *mut i16,
    v_stride: usize,
) {
    for row in 0..IN {
        for tile in 0..tiles {
            // SAFETY: by the caller's promise.
            unsafe {
                let from = strip.add(row * stride + tile * OUT * channels);
                let to = v.add(row * IN * v_stride + tile * channels);
                for c in (0..channels).step_by(2 * S::LANES) {
                    let mut d = [s.zero(); IN];
                    for j in 0..IN {
                        d[j] = s.load_i16(from.add(j * channels + c));
                    }
                    let v = input_1d(s, d);
                    for j in 0..IN {
                        s.store_i16(to.add(j * v_stride + c), v[j]);
                    }
                }
            }
        }
    }
}

/// The second half of `B^T x B` in pairs of tiles: `v[column * v_stride + (pair * channels + c) * 2 + tile % 2]` from one
/// row of a strip. The tile after an odd last one counts as zeros.
///
/// # Safety
/// `strip` points to `(4 tiles + 2) channels` readable elements; `channels` is a multiple of 2 LANES; `v` points to six runs
/// of `tiles * channels` writable elements, `tiles` rounded up to pairs, `v_stride` apart.
#[cfg_attr(target_arch = "wasm32", inline(never))]
#[cfg_attr(not(target_arch = "wasm32"), inline(always))]
pub(super) unsafe fn input_pairs<S: Simd>(
    s: S,
    tiles: usize,
    channels: usize,
    strip: *const i16,
    v: *mut i16,
    v_stride: usize,
) {
    for tile in (0..tiles).step_by(2) {
        // SAFETY: by the caller's promise.
        unsafe {
            let from = strip.add(tile * OUT * channels);
            let to = v.add(tile * channels);
            for c in (0..channels).step_by(2 * S::LANES) {
                let mut d = [s.zero(); IN];
                for j in 0..IN {
                    d[j] = s.load_i16(from.add(j * channels + c));
                }
                let first = input_1d(s, d);
                let mut second = [s.zero(); IN];
                if tile + 1 < tiles {
                    for j in 0..IN {
                        d[j] = s.load_i16(from.add((OUT + j) * channels + c));
                    }
                    second = input_1d(s, d);
                }
                for j in 0..IN {
                    let [low, high] = s.interleave_i16(first[j], second[j]);
                    let to = to.add(j * v_stride + 2 * c);
                    s.store_i16(to, low);
                    s.store_i16(to.add(2 * S::LANES), high);
                }
            }
        }
    }
}

/// The first half of `A dy A^T`: the rows of a strip that `ROWS` names, `strip[row * stride + pixel * channels + c]`, from
/// four rows of `pixels`, which lie `pixel_stride` apart.
///
/// # Safety
/// Each of `dy` points to `pixels` runs of `channels` readable elements, a multiple of 2 LANES; `strip` to as many runs of
/// `pixels * channels` writable ones as there are rows.
#[allow(clippy::too_many_arguments)] // Two buffers, each with its stride, and two lengths.
#[cfg_attr(target_arch = "wasm32", inline(never))]
#[cfg_attr(not(target_arch = "wasm32"), inline(always))]
pub(super) unsafe fn gradient_rows<S: Simd, R: Rows>(
    s: S,
    dy: [*const i8; OUT],
    pixels: usize,
    pixel_stride: usize,
    channels: usize,
    strip: *mut i16,
    stride: usize,
) {
    for pixel in 0..pixels {
        for c in (0..channels).step_by(2 * S::LANES) {
            // SAFETY: by the caller's promise.
            unsafe {
                let mut d = [s.zero(); OUT];
                for row in 0..OUT {
                    d[row] = s.load_i8(dy[row].add(pixel * pixel_stride + c));
                }
                let v = gradient_1d(s, d);
                for (run, row) in R::ROWS.iter().enumerate() {
                    s.store_i16(strip.add(run * stride + pixel * channels + c), v[*row]);
                }
            }
        }
    }
}

/// The second half of `A dy A^T` in pairs of tiles and panels: `d[(column * panels + panel) * panel_stride + (pair * NR +
/// c) * 2 + tile % 2]` for channel `c` of each panel, from one row of a strip.
///
/// # Safety
/// `strip` points to `4 tiles * channels` readable elements; `channels` is a multiple of NR = 2 LANES; `d` points to six
/// times `channels / NR` runs of `tiles * NR` writable elements, `tiles` rounded up to pairs, `panel_stride` apart.
#[cfg_attr(target_arch = "wasm32", inline(never))]
#[cfg_attr(not(target_arch = "wasm32"), inline(always))]
pub(super) unsafe fn gradient_pairs<S: Simd>(
    s: S,
    tiles: usize,
    channels: usize,
    strip: *const i16,
    d: *mut i16,
    panel_stride: usize,
) {
    let position_stride = channels / S::NR * panel_stride;
    for tile in (0..tiles).step_by(2) {
        // SAFETY: by the caller's promise.
        unsafe {
            let from = strip.add(tile * OUT * channels);
            for c in (0..channels).step_by(2 * S::LANES) {
                let mut pixels = [s.zero(); OUT];
                for j in 0..OUT {
                    pixels[j] = s.load_i16(from.add(j * channels + c));
                }
                let first = gradient_1d(s, pixels);
                let mut second = [s.zero(); IN];
                if tile + 1 < tiles {
                    for j in 0..OUT {
                        pixels[j] = s.load_i16(from.add((OUT + j) * channels + c));
                    }
                    second = gradient_1d(s, pixels);
                }
                let to = d.add(c / S::NR * panel_stride + tile * S::NR);
                for j in 0..IN {
                    let [low, high] = s.interleave_i16(first[j], second[j]);
                    let to = to.add(j * position_stride);
                    s.store_i16(to, low);
                    s.store_i16(to.add(2 * S::LANES), high);
                }
            }
        }
    }
}
