//! The transforms of a tile, vectorised over channels.
//!
//! Each goes through the tile's rows first and its columns then, for two rows of the result at a time: twelve
//! values, which the registers of every instruction set hold. Pairs share their sums.
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

/// The rows of the transforms that are made together: 0 and 5, 1 and 2, 3 and 4.
pub(super) const PAIRS: [[usize; 2]; 3] = [[0, 5], [1, 2], [3, 4]];

/// `B^T d`.
#[inline(always)]
fn input_1d<S: Simd>(s: S, d: [S::V; IN]) -> [S::V; IN] {
    let [v0, v5] = input_pair::<S, 0>(s, d);
    let [v1, v2] = input_pair::<S, 1>(s, d);
    let [v3, v4] = input_pair::<S, 2>(s, d);
    [v0, v1, v2, v3, v4, v5]
}

/// The rows of `B^T d` in `PAIRS[PAIR]`.
#[inline(always)]
fn input_pair<S: Simd, const PAIR: usize>(s: S, d: [S::V; IN]) -> [S::V; 2] {
    let (four, minus_four, minus_five) = (s.splat(4.0), s.splat(-4.0), s.splat(-5.0));
    match PAIR {
        0 => [
            s.madd(d[0], four, s.madd(d[2], minus_five, d[4])),
            s.madd(d[1], four, s.madd(d[3], minus_five, d[5])),
        ],
        1 => {
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

/// `A d`: four pixels of a gradient to six positions.
#[inline(always)]
fn gradient_1d<S: Simd>(s: S, d: [S::V; OUT]) -> [S::V; IN] {
    let [v1, v2] = gradient_pair::<S, 1>(s, d);
    let [v3, v4] = gradient_pair::<S, 2>(s, d);
    [d[0], v1, v2, v3, v4, d[3]]
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

/// `A^T m`: six positions to four pixels.
#[inline(always)]
fn output_1d<S: Simd>(s: S, m: [S::V; IN]) -> [S::V; OUT] {
    let (a, b) = (s.add(m[1], m[2]), s.sub(m[1], m[2]));
    let (c, d) = (s.add(m[3], m[4]), s.sub(m[3], m[4]));
    let (two, four, eight) = (s.splat(2.0), s.splat(4.0), s.splat(8.0));
    [s.add(s.add(m[0], a), c), s.madd(d, two, b), s.madd(c, four, a), s.madd(d, eight, s.add(b, m[5]))]
}

/// Rows 0 and 2 of `A^T m`, or rows 1 and 3. `m` gives a row by its index.
#[inline(always)]
fn output_pair<S: Simd, const ODD: bool>(s: S, m: impl Fn(usize) -> S::V) -> [S::V; 2] {
    if ODD {
        let (b, d) = (s.sub(m(1), m(2)), s.sub(m(3), m(4)));
        [s.madd(d, s.splat(2.0), b), s.madd(d, s.splat(8.0), s.add(b, m(5)))]
    } else {
        let (a, c) = (s.add(m(1), m(2)), s.add(m(3), m(4)));
        [s.add(s.add(m(0), a), c), s.madd(c, s.splat(4.0), a)]
    }
}

/// Two rows of `B^T x B` for LANES channels.
///
/// # Safety
/// `x` points to 6x6 pixels `at`, each of LANES readable elements.
#[inline(always)]
unsafe fn input_rows<S: Simd, const PAIR: usize>(s: S, x: *const f32, at: Strides) -> [[S::V; IN]; 2] {
    let mut rows = [[s.splat(0.0); IN]; 2];
    for j in 0..IN {
        let d = std::array::from_fn(|i| {
            // Rows that a pair does not use are not read.
            // SAFETY: by the caller's promise.
            unsafe { s.load(x.add(i * at.row + j * at.column)) }
        });
        let [a, b] = input_pair::<S, PAIR>(s, d);
        (rows[0][j], rows[1][j]) = (a, b);
    }
    [input_1d(s, rows[0]), input_1d(s, rows[1])]
}

/// `B^T x B` of one tile: `v[position * stride + c]` for all channels.
///
/// # Safety
/// `x` points to 6x6 pixels `at`, each of `channels` readable elements, a multiple of LANES; `v` to 36 runs of
/// `channels` writable elements, `stride` apart.
#[cfg_attr(target_arch = "wasm32", inline(never))]
#[cfg_attr(not(target_arch = "wasm32"), inline(always))]
pub(super) unsafe fn input<S: Simd>(
    s: S,
    x: *const f32,
    at: Strides,
    channels: usize,
    v: *mut f32,
    stride: usize,
) {
    let mut c = 0;
    while c < channels {
        // SAFETY: by the caller's promise.
        unsafe {
            store_pair(s, 0, input_rows::<S, 0>(s, x.add(c), at), v.add(c), stride);
            store_pair(s, 1, input_rows::<S, 1>(s, x.add(c), at), v.add(c), stride);
            store_pair(s, 2, input_rows::<S, 2>(s, x.add(c), at), v.add(c), stride);
        }
        c += S::LANES;
    }
}

/// # Safety
/// `v` points to 36 runs of LANES writable elements, `stride` apart.
#[inline(always)]
unsafe fn store_pair<S: Simd>(s: S, pair: usize, rows: [[S::V; IN]; 2], v: *mut f32, stride: usize) {
    for (row, values) in PAIRS[pair].into_iter().zip(rows) {
        for (j, value) in values.into_iter().enumerate() {
            // SAFETY: by the caller's promise.
            unsafe { s.store(v.add((row * IN + j) * stride), value) };
        }
    }
}

/// The 12 positions of `B^T x B` in two rows, `v[(row of the pair * 6 + column) * stride + c]`.
///
/// # Safety
/// As [`input`], with 12 runs.
#[cfg_attr(target_arch = "wasm32", inline(never))]
#[cfg_attr(not(target_arch = "wasm32"), inline(always))]
pub(super) unsafe fn input_two_rows<S: Simd, const PAIR: usize>(
    s: S,
    x: *const f32,
    at: Strides,
    channels: usize,
    v: *mut f32,
    stride: usize,
) {
    let mut c = 0;
    while c < channels {
        // SAFETY: by the caller's promise.
        unsafe {
            let rows = input_rows::<S, PAIR>(s, x.add(c), at);
            for (p, value) in rows.into_iter().flatten().enumerate() {
                s.store(v.add(p * stride + c), value);
            }
        }
        c += S::LANES;
    }
}

/// The 12 positions of `A dy A^T` in two rows, in panels: `v[(p * panels + panel) * panel_stride + c % NR]` for channel
/// `c` of panel `c / NR`, p being row of the pair * 6 + column.
///
/// # Safety
/// `dy` points to 4x4 pixels `at`, each of `channels` readable elements, a multiple of LANES; `v` to 12 times
/// `channels / NR` (rounded up) runs of NR writable elements, `panel_stride` apart.
#[cfg_attr(target_arch = "wasm32", inline(never))]
#[cfg_attr(not(target_arch = "wasm32"), inline(always))]
pub(super) unsafe fn gradient_two_rows<S: Simd, const PAIR: usize>(
    s: S,
    dy: *const f32,
    at: Strides,
    channels: usize,
    v: *mut f32,
    panel_stride: usize,
) {
    let panels = channels.div_ceil(S::NR);
    let mut c = 0;
    while c < channels {
        // SAFETY: by the caller's promise.
        unsafe {
            let mut rows = [[s.splat(0.0); OUT]; 2];
            for j in 0..OUT {
                let d = std::array::from_fn(|i| s.load(dy.add(i * at.row + j * at.column + c)));
                let [a, b] = gradient_pair::<S, PAIR>(s, d);
                (rows[0][j], rows[1][j]) = (a, b);
            }
            let v = v.add(c / S::NR * panel_stride + c % S::NR);
            for (i, row) in rows.into_iter().enumerate() {
                for (j, value) in gradient_1d(s, row).into_iter().enumerate() {
                    s.store(v.add((i * IN + j) * panels * panel_stride), value);
                }
            }
        }
        c += S::LANES;
    }
}

/// `y = A^T m A + bias` of one tile, from `m[position * stride + c]`.
///
/// # Safety
/// `m` points to 36 runs of `channels` readable elements, `stride` apart; `bias` to `channels` of them, a multiple of
/// LANES; `y` to 4x4 pixels `at`, each of `channels` writable elements.
#[cfg_attr(target_arch = "wasm32", inline(never))]
#[cfg_attr(not(target_arch = "wasm32"), inline(always))]
pub(super) unsafe fn output<S: Simd>(
    s: S,
    m: *const f32,
    stride: usize,
    bias: *const f32,
    channels: usize,
    y: *mut f32,
    at: Strides,
) {
    let mut c = 0;
    while c < channels {
        // SAFETY: by the caller's promise.
        unsafe {
            output_rows::<S, false>(s, m.add(c), stride, s.load(bias.add(c)), y.add(c), at);
            output_rows::<S, true>(s, m.add(c), stride, s.load(bias.add(c)), y.add(c), at);
        }
        c += S::LANES;
    }
}

/// Rows 0 and 2, or 1 and 3, of a tile of output.
///
/// # Safety
/// As [`output`], for LANES channels.
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
        // SAFETY: by the caller's promise.
        let [a, b] = output_pair::<S, ODD>(s, |i| unsafe { s.load(m.add((i * IN + j) * stride)) });
        (rows[0][j], rows[1][j]) = (a, b);
    }
    for (i, row) in rows.into_iter().enumerate() {
        for (j, value) in output_1d(s, row).into_iter().enumerate() {
            let row = 2 * i + usize::from(ODD);
            // SAFETY: by the caller's promise.
            unsafe { s.store(y.add(row * at.row + j * at.column), s.add(value, bias)) };
        }
    }
}
