//! The transforms of strips of tiles, vectorised over channels: along H first, for all pixels of a strip at once,
//! then along W, tile by tile.
//!
//! The functions are not inlined for WebAssembly: the engine's register allocator sees the small function by itself.

use super::{IN, OUT};
use crate::kernels::simd::Simd;

/// Where the pixels of a tile lie: elements from one row, and from one column, to the next.
#[derive(Debug, Clone, Copy)]
pub(super) struct Strides {
    pub row: usize,
    pub column: usize,
}

/// The rows of the transforms that the weight gradient makes together: pairs that share their sums.
pub(super) const PAIRS: [[usize; 2]; 3] = [[0, 5], [1, 2], [3, 4]];

/// The rows of `B^T d` in `PAIRS[PAIR]`.
#[inline(always)]
fn input_pair<S: Simd, const PAIR: usize>(s: S, d: [S::V; IN]) -> [S::V; 2] {
    match PAIR {
        0 => {
            let (four, minus_five) = (s.splat(4.0), s.splat(-5.0));
            [
                s.madd(d[0], four, s.madd(d[2], minus_five, d[4])),
                s.madd(d[1], four, s.madd(d[3], minus_five, d[5])),
            ]
        }
        1 => {
            let minus_four = s.splat(-4.0);
            let (even, odd) = (s.madd(d[2], minus_four, d[4]), s.madd(d[1], minus_four, d[3]));
            [s.add(even, odd), s.sub(even, odd)]
        }
        _ => {
            let (even, odd) = (s.sub(d[4], d[2]), s.sub(d[3], d[1]));
            let odd = s.add(odd, odd);
            [s.add(even, odd), s.sub(even, odd)]
        }
    }
}

/// `B^T d`: six pixels to six positions.
#[inline(always)]
fn input_1d<S: Simd>(s: S, d: [S::V; IN]) -> [S::V; IN] {
    let [v0, v5] = input_pair::<S, 0>(s, d);
    let [v1, v2] = input_pair::<S, 1>(s, d);
    let [v3, v4] = input_pair::<S, 2>(s, d);
    [v0, v1, v2, v3, v4, v5]
}

/// The rows of `A d` in `PAIRS[PAIR]`.
#[inline(always)]
fn gradient_pair<S: Simd, const PAIR: usize>(s: S, d: [S::V; OUT]) -> [S::V; 2] {
    match PAIR {
        0 => [d[0], d[3]],
        1 => {
            let (even, odd) = (s.add(d[0], d[2]), s.add(d[1], d[3]));
            [s.add(even, odd), s.sub(even, odd)]
        }
        _ => {
            let four = s.splat(4.0);
            let (even, odd) = (s.madd(d[2], four, d[0]), s.madd(d[3], four, d[1]));
            let odd = s.add(odd, odd);
            [s.add(even, odd), s.sub(even, odd)]
        }
    }
}

/// `A d`: four pixels of a gradient to six positions.
#[inline(always)]
fn gradient_1d<S: Simd>(s: S, d: [S::V; OUT]) -> [S::V; IN] {
    let [v0, v5] = gradient_pair::<S, 0>(s, d);
    let [v1, v2] = gradient_pair::<S, 1>(s, d);
    let [v3, v4] = gradient_pair::<S, 2>(s, d);
    [v0, v1, v2, v3, v4, v5]
}

/// `A^T m`: six positions to four pixels.
#[inline(always)]
fn output_1d<S: Simd>(s: S, m: [S::V; IN]) -> [S::V; OUT] {
    let [y0, y2] = output_pair::<S, false>(s, m);
    let [y1, y3] = output_pair::<S, true>(s, m);
    [y0, y1, y2, y3]
}

/// Rows 0 and 2 of `A^T m`, or rows 1 and 3.
#[inline(always)]
fn output_pair<S: Simd, const ODD: bool>(s: S, m: [S::V; IN]) -> [S::V; 2] {
    if ODD {
        let (b, d) = (s.sub(m[1], m[2]), s.sub(m[3], m[4]));
        [s.madd(d, s.splat(2.0), b), s.madd(d, s.splat(8.0), s.add(b, m[5]))]
    } else {
        let (a, c) = (s.add(m[1], m[2]), s.add(m[3], m[4]));
        [s.add(s.add(m[0], a), c), s.madd(c, s.splat(4.0), a)]
    }
}

/// `G^T u`: six positions to three taps.
#[inline(always)]
fn filter_transposed_1d<S: Simd>(s: S, u: [S::V; IN]) -> [S::V; 3] {
    let (near, near_odd) = (s.add(u[1], u[2]), s.sub(u[2], u[1]));
    let (far, far_odd) = (s.add(u[3], u[4]), s.sub(u[3], u[4]));
    let (sixth, minus_sixth) = (s.splat(1.0 / 6.0), s.splat(-1.0 / 6.0));
    let outer = s.madd(near, minus_sixth, s.madd(far, s.splat(1.0 / 24.0), s.mul(u[0], s.splat(0.25))));
    let middle = s.madd(near_odd, sixth, s.mul(far_odd, s.splat(1.0 / 12.0)));
    [outer, middle, s.madd(far, sixth, s.madd(near, minus_sixth, u[5]))]
}

/// The first half of `B^T x B`: six rows of a strip, `strip[row * stride + i]`, from six rows of `len` elements.
///
/// # Safety
/// Each of `x` points to `len` readable elements, a multiple of LANES; `strip` to six runs of `len` writable ones,
/// `stride` apart.
#[cfg_attr(target_arch = "wasm32", inline(never))]
#[cfg_attr(not(target_arch = "wasm32"), inline(always))]
pub(super) unsafe fn input_rows<S: Simd>(
    s: S,
    x: [*const f32; IN],
    len: usize,
    strip: *mut f32,
    stride: usize,
) {
    for i in (0..len).step_by(S::LANES) {
        // SAFETY: by the caller's promise.
        unsafe {
            let mut d = [s.splat(0.0); IN];
            for row in 0..IN {
                d[row] = s.load(x[row].add(i));
            }
            let v = input_1d(s, d);
            for row in 0..IN {
                s.store(strip.add(row * stride + i), v[row]);
            }
        }
    }
}

/// The two rows of [`input_rows`] in `PAIRS[PAIR]`.
///
/// # Safety
/// As [`input_rows`], with two runs.
#[cfg_attr(target_arch = "wasm32", inline(never))]
#[cfg_attr(not(target_arch = "wasm32"), inline(always))]
pub(super) unsafe fn input_two_rows<S: Simd, const PAIR: usize>(
    s: S,
    x: [*const f32; IN],
    len: usize,
    strip: *mut f32,
    stride: usize,
) {
    for i in (0..len).step_by(S::LANES) {
        // SAFETY: by the caller's promise.
        unsafe {
            let mut d = [s.splat(0.0); IN];
            // Rows that a pair does not use are not read.
            for row in 0..IN {
                d[row] = s.load(x[row].add(i));
            }
            let [a, b] = input_pair::<S, PAIR>(s, d);
            s.store(strip.add(i), a);
            s.store(strip.add(stride + i), b);
        }
    }
}

/// The second half of `B^T x B`: `v[(row * 6 + column) * v_stride + tile * channels + c]` from `rows` rows of a strip.
///
/// # Safety
/// `strip` points to `rows` runs of `(4 tiles + 2) channels` readable elements, `stride` apart; `channels` is a
/// multiple of LANES; `v` points to `6 rows` runs of `tiles * channels` writable elements, `v_stride` apart.
#[allow(clippy::too_many_arguments)] // Two buffers, each with its stride, and three lengths.
#[cfg_attr(target_arch = "wasm32", inline(never))]
#[cfg_attr(not(target_arch = "wasm32"), inline(always))]
pub(super) unsafe fn input_columns<S: Simd>(
    s: S,
    rows: usize,
    tiles: usize,
    channels: usize,
    strip: *const f32,
    stride: usize,
    v: *mut f32,
    v_stride: usize,
) {
    for row in 0..rows {
        for tile in 0..tiles {
            // SAFETY: by the caller's promise.
            unsafe {
                let from = strip.add(row * stride + tile * OUT * channels);
                let to = v.add(row * IN * v_stride + tile * channels);
                for c in (0..channels).step_by(S::LANES) {
                    let mut d = [s.splat(0.0); IN];
                    for j in 0..IN {
                        d[j] = s.load(from.add(j * channels + c));
                    }
                    let v = input_1d(s, d);
                    for j in 0..IN {
                        s.store(to.add(j * v_stride + c), v[j]);
                    }
                }
            }
        }
    }
}

/// The first half of `A dy A^T`: the two rows in `PAIRS[PAIR]` of a strip, `strip[row * stride + pixel * channels + c]`,
/// from four rows of `pixels`, which lie `pixel_stride` apart.
///
/// # Safety
/// Each of `dy` points to `pixels` runs of `channels` readable elements, a multiple of LANES; `strip` to two runs of
/// `pixels * channels` writable ones.
#[allow(clippy::too_many_arguments)] // Two buffers, each with its stride, and two lengths.
#[cfg_attr(target_arch = "wasm32", inline(never))]
#[cfg_attr(not(target_arch = "wasm32"), inline(always))]
pub(super) unsafe fn gradient_two_rows<S: Simd, const PAIR: usize>(
    s: S,
    dy: [*const f32; OUT],
    pixels: usize,
    pixel_stride: usize,
    channels: usize,
    strip: *mut f32,
    stride: usize,
) {
    for pixel in 0..pixels {
        for c in (0..channels).step_by(S::LANES) {
            // SAFETY: by the caller's promise.
            unsafe {
                let mut d = [s.splat(0.0); OUT];
                for row in 0..OUT {
                    d[row] = s.load(dy[row].add(pixel * pixel_stride + c));
                }
                let [a, b] = gradient_pair::<S, PAIR>(s, d);
                s.store(strip.add(pixel * channels + c), a);
                s.store(strip.add(stride + pixel * channels + c), b);
            }
        }
    }
}

/// The second half of `A dy A^T`, in panels: `d[((row * 6 + column) * panels + panel) * panel_stride + tile * NR + c]`
/// for channel `c` of each panel, from two rows of a strip.
///
/// # Safety
/// `strip` points to two runs of `4 tiles * channels` readable elements, `stride` apart; `channels` is a multiple of
/// LANES; `d` points to 12 times `channels / NR` (rounded up) runs of `tiles * NR` writable elements, `panel_stride`
/// apart.
#[allow(clippy::too_many_arguments)] // Two buffers, each with its stride, and two lengths.
#[cfg_attr(target_arch = "wasm32", inline(never))]
#[cfg_attr(not(target_arch = "wasm32"), inline(always))]
pub(super) unsafe fn gradient_columns<S: Simd>(
    s: S,
    tiles: usize,
    channels: usize,
    strip: *const f32,
    stride: usize,
    d: *mut f32,
    panel_stride: usize,
) {
    let position_stride = channels.div_ceil(S::NR) * panel_stride;
    for row in 0..2 {
        for tile in 0..tiles {
            // SAFETY: by the caller's promise.
            unsafe {
                let from = strip.add(row * stride + tile * OUT * channels);
                let to = d.add(row * IN * position_stride + tile * S::NR);
                for c in (0..channels).step_by(S::LANES) {
                    let mut d = [s.splat(0.0); OUT];
                    for j in 0..OUT {
                        d[j] = s.load(from.add(j * channels + c));
                    }
                    let v = gradient_1d(s, d);
                    let to = to.add(c / S::NR * panel_stride + c % S::NR);
                    for j in 0..IN {
                        s.store(to.add(j * position_stride), v[j]);
                    }
                }
            }
        }
    }
}

/// `y = A^T m A + bias` of neighbouring tiles, from `m[position * stride + tile * columns + c]`.
///
/// # Safety
/// `m` points to 36 runs of `tiles * columns` readable elements, `stride` apart; `bias` to `channels <= columns` of
/// them, a multiple of LANES; `y` to `4 x 4 tiles` pixels `at`, each of `channels` writable elements.
#[allow(clippy::too_many_arguments)] // Three buffers and their strides.
#[cfg_attr(target_arch = "wasm32", inline(never))]
#[cfg_attr(not(target_arch = "wasm32"), inline(always))]
pub(super) unsafe fn output<S: Simd>(
    s: S,
    tiles: usize,
    channels: usize,
    m: *const f32,
    stride: usize,
    columns: usize,
    bias: *const f32,
    y: *mut f32,
    at: Strides,
) {
    for tile in 0..tiles {
        for c in (0..channels).step_by(S::LANES) {
            // SAFETY: by the caller's promise.
            unsafe {
                let m = m.add(tile * columns + c);
                let y = y.add(tile * OUT * at.column + c);
                output_rows::<S, false>(s, m, stride, s.load(bias.add(c)), y, at);
                output_rows::<S, true>(s, m, stride, s.load(bias.add(c)), y, at);
            }
        }
    }
}

/// Rows 0 and 2, or 1 and 3, of a tile of output: two at a time, whose twelve values fit into the registers.
///
/// # Safety
/// As [`output`], for LANES channels of one tile.
#[inline(always)]
unsafe fn output_rows<S: Simd, const ODD: bool>(
    s: S,
    m: *const f32,
    stride: usize,
    bias: S::V,
    y: *mut f32,
    at: Strides,
) {
    let mut rows = [[s.splat(0.0); IN]; 2];
    for j in 0..IN {
        let mut column = [s.splat(0.0); IN];
        for i in 0..IN {
            // SAFETY: by the caller's promise.
            column[i] = unsafe { s.load(m.add((i * IN + j) * stride)) };
        }
        let [a, b] = output_pair::<S, ODD>(s, column);
        (rows[0][j], rows[1][j]) = (a, b);
    }
    for i in 0..2 {
        let values = output_1d(s, rows[i]);
        let row = 2 * i + usize::from(ODD);
        for j in 0..OUT {
            // SAFETY: by the caller's promise.
            unsafe { s.store(y.add(row * at.row + j * at.column), s.add(values[j], bias)) };
        }
    }
}

/// `dw = G^T dU G` for LANES output channels: `dw[tap * dw_stride]` from the sum over shares of
/// `u[share * share_stride + position * stride]`.
///
/// # Safety
/// `u` points to `shares` times 36 runs of LANES readable elements, `dw` to nine runs of LANES writable ones.
#[allow(clippy::too_many_arguments)] // Two buffers and their strides.
#[inline(always)]
pub(super) unsafe fn filter_gradient<S: Simd>(
    s: S,
    shares: usize,
    u: *const f32,
    share_stride: usize,
    stride: usize,
    dw: *mut f32,
    dw_stride: usize,
) {
    let mut rows = [[s.splat(0.0); IN]; 3];
    for j in 0..IN {
        let mut column = [s.splat(0.0); IN];
        for i in 0..IN {
            for share in 0..shares {
                // SAFETY: by the caller's promise.
                let part = unsafe { s.load(u.add(share * share_stride + (i * IN + j) * stride)) };
                column[i] = s.add(column[i], part);
            }
        }
        let taps = filter_transposed_1d(s, column);
        for kh in 0..3 {
            rows[kh][j] = taps[kh];
        }
    }
    for kh in 0..3 {
        let taps = filter_transposed_1d(s, rows[kh]);
        for kw in 0..3 {
            // SAFETY: by the caller's promise.
            unsafe { s.store(dw.add((kh * 3 + kw) * dw_stride), taps[kw]) };
        }
    }
}
