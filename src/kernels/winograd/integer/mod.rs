//! The same in integers: pixels and gradients of 8 bits, weights of few, products of i16 summed up in i32.
//!
//! With whole multiples of the rows of `G` ([`FACTORS`] are what was left out) everything up to the sums is exact: what
//! rounds is the way back from 36 positions to pixels, in f32. The transforms' results fit i16, and [`most_terms`] says how
//! many products i32 holds at each position.
//!
//! Layouts: V is `[position][tile][c_in]`, U `[panel][position][c_in / 2][NR][2]`; of the weight gradient V is
//! `[position][tile / 2][c_in][2]`, D `[position][panel][tile / 2][NR][2]`: neighbours in memory are multiplied and added by
//! one instruction.

mod convolve;
mod filters;
mod transforms;
mod weight_gradient;

pub(in crate::kernels) use convolve::convolve;
pub(in crate::kernels) use filters::{pack_backward, pack_forward};
pub(in crate::kernels) use weight_gradient::weight_gradient;

use super::{IN, POSITIONS};
use crate::kernels::simd::Simd;

/// What the rows of `G` are divided by here: the sums at position `(i, j)` are to be multiplied by `FACTORS[i]
/// FACTORS[j]`.
const FACTORS: [f32; IN] = [1.0 / 4.0, -1.0 / 6.0, -1.0 / 6.0, 1.0 / 24.0, 1.0 / 24.0, 1.0];

/// A whole number of 8 bits, as the transforms read it.
pub(in crate::kernels) trait Byte: Copy + Default + Send + Sync {
    /// The largest, and the smallest, that the kernels take.
    const RANGE: [i64; 2];

    /// `2 LANES` of them as i16.
    ///
    /// # Safety
    /// So many elements from `p` are readable.
    unsafe fn load<S: Simd>(s: S, p: *const Self) -> S::I;

    /// Working memory as such numbers.
    fn slice(memory: &mut [f32]) -> &mut [Self];
}

impl Byte for u8 {
    const RANGE: [i64; 2] = [0, 255];

    #[inline(always)]
    unsafe fn load<S: Simd>(s: S, p: *const Self) -> S::I {
        // SAFETY: the caller's promise.
        unsafe { s.load_u8(p) }
    }

    fn slice(memory: &mut [f32]) -> &mut [Self] {
        bytemuck::cast_slice_mut(memory)
    }
}

impl Byte for i8 {
    const RANGE: [i64; 2] = [-127, 127];

    #[inline(always)]
    unsafe fn load<S: Simd>(s: S, p: *const Self) -> S::I {
        // SAFETY: the caller's promise.
        unsafe { s.load_i8(p) }
    }

    fn slice(memory: &mut [f32]) -> &mut [Self] {
        bytemuck::cast_slice_mut(memory)
    }
}

/// `B^T`.
const INPUT: [[i64; IN]; IN] = [
    [4, 0, -5, 0, 1, 0],
    [0, -4, -4, 1, 1, 0],
    [0, 4, -4, -1, 1, 0],
    [0, -2, -1, 2, 1, 0],
    [0, 2, -1, -2, 1, 0],
    [0, 4, 0, -5, 0, 1],
];

/// `A`.
const GRADIENT: [[i64; 4]; IN] =
    [[1, 0, 0, 0], [1, 1, 1, 1], [1, -1, 1, -1], [1, 2, 4, 8], [1, -2, 4, -8], [0, 0, 0, 1]];

/// `G` times the divisors.
const FILTER: [[i64; 3]; IN] = [[1, 0, 0], [1, 1, 1], [1, -1, 1], [1, 2, 4], [1, -2, 4], [0, 0, 1]];

/// The largest magnitude of `sum over i, j of a[i] b[j] x[i][j]` for x in a range.
const fn largest(a: &[i64], b: &[i64], [min, max]: [i64; 2]) -> i64 {
    let (mut above, mut below) = (0, 0);
    let mut i = 0;
    while i < a.len() {
        let mut j = 0;
        while j < b.len() {
            let c = a[i] * b[j];
            above += if c > 0 { c * max } else { c * min };
            below += if c > 0 { c * min } else { c * max };
            j += 1;
        }
        i += 1;
    }
    if above > -below { above } else { -below }
}

const fn most_of(value: i64, other: i64) -> usize {
    (i32::MAX as i64 / (value * other)) as usize
}

/// How many products of transformed pixels and transformed weights, of at most that magnitude, i32 holds at the position
/// where it holds fewest.
pub(in crate::kernels) fn most_channels<T: Byte>(weight: i64) -> usize {
    let at = |p: usize| {
        let (i, j) = (p / IN, p % IN);
        most_of(largest(&INPUT[i], &INPUT[j], T::RANGE), largest(&FILTER[i], &FILTER[j], [-weight, weight]))
    };
    (0..POSITIONS).map(at).min().expect("there are positions")
}

/// How many products of transformed pixels and transformed gradients i32 holds, for each position.
const MOST_TILES: [usize; POSITIONS] = {
    let mut most = [0; POSITIONS];
    let mut p = 0;
    while p < POSITIONS {
        let (i, j) = (p / IN, p % IN);
        let pixels = largest(&INPUT[i], &INPUT[j], <u8 as Byte>::RANGE);
        let gradients = largest(&GRADIENT[i], &GRADIENT[j], <i8 as Byte>::RANGE);
        assert!(pixels <= i16::MAX as i64 && gradients <= i16::MAX as i64);
        most[p] = most_of(pixels, gradients);
        p += 1;
    }
    most
};
