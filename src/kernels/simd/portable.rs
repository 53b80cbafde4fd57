//! Four lanes in an array.

use super::Simd;
use std::array::from_fn;

/// Needs nothing. Bit-identical to WebAssembly's simd128.
#[derive(Clone, Copy)]
pub(crate) struct Portable;

impl Simd for Portable {
    type V = [f32; 4];
    const LANES: usize = 4;
    const MR: usize = 5;

    #[inline(always)]
    unsafe fn load(self, p: *const f32) -> [f32; 4] {
        // SAFETY: the caller's promise; an array of f32 has the alignment of f32.
        unsafe { p.cast::<[f32; 4]>().read() }
    }

    #[inline(always)]
    unsafe fn store(self, p: *mut f32, v: [f32; 4]) {
        // SAFETY: as above.
        unsafe { p.cast::<[f32; 4]>().write(v) }
    }

    #[inline(always)]
    fn splat(self, x: f32) -> [f32; 4] {
        [x; 4]
    }

    #[inline(always)]
    fn madd(self, a: [f32; 4], b: [f32; 4], c: [f32; 4]) -> [f32; 4] {
        [a[0] * b[0] + c[0], a[1] * b[1] + c[1], a[2] * b[2] + c[2], a[3] * b[3] + c[3]]
    }

    #[inline(always)]
    fn add(self, a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
        [a[0] + b[0], a[1] + b[1], a[2] + b[2], a[3] + b[3]]
    }

    #[inline(always)]
    fn sub(self, a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
        [a[0] - b[0], a[1] - b[1], a[2] - b[2], a[3] - b[3]]
    }

    #[inline(always)]
    fn mul(self, a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
        [a[0] * b[0], a[1] * b[1], a[2] * b[2], a[3] * b[3]]
    }

    type I = [i16; 8];
    const DOT_ROWS: usize = 5;

    #[inline(always)]
    unsafe fn load_i16(self, p: *const i16) -> [i16; 8] {
        // SAFETY: the caller's promise; arrays have the alignment of their elements, here and below.
        unsafe { p.cast::<[i16; 8]>().read() }
    }

    #[inline(always)]
    unsafe fn load_u8(self, p: *const u8) -> [i16; 8] {
        // SAFETY: as above.
        unsafe { p.cast::<[u8; 8]>().read().map(i16::from) }
    }

    #[inline(always)]
    unsafe fn load_i8(self, p: *const i8) -> [i16; 8] {
        // SAFETY: as above.
        unsafe { p.cast::<[i8; 8]>().read().map(i16::from) }
    }

    #[inline(always)]
    unsafe fn store_i16(self, p: *mut i16, v: [i16; 8]) {
        // SAFETY: as above.
        unsafe { p.cast::<[i16; 8]>().write(v) }
    }

    #[inline(always)]
    unsafe fn splat_pair(self, p: *const i16) -> [i16; 8] {
        // SAFETY: as above.
        let [a, b] = unsafe { p.cast::<[i16; 2]>().read() };
        [a, b, a, b, a, b, a, b]
    }

    #[inline(always)]
    fn zero(self) -> [i16; 8] {
        [0; 8]
    }

    #[inline(always)]
    fn add_i16(self, a: [i16; 8], b: [i16; 8]) -> [i16; 8] {
        from_fn(|i| a[i].wrapping_add(b[i]))
    }

    #[inline(always)]
    fn sub_i16(self, a: [i16; 8], b: [i16; 8]) -> [i16; 8] {
        from_fn(|i| a[i].wrapping_sub(b[i]))
    }

    #[inline(always)]
    fn shl_i16<const N: u32>(self, a: [i16; 8]) -> [i16; 8] {
        from_fn(|i| a[i] << N)
    }

    #[inline(always)]
    fn interleave_i16(self, a: [i16; 8], b: [i16; 8]) -> [[i16; 8]; 2] {
        [0, 4].map(|first| from_fn(|i| if i % 2 == 0 { a[first + i / 2] } else { b[first + i / 2] }))
    }

    #[inline(always)]
    fn dot(self, a: [i16; 8], b: [i16; 8], sum: [i16; 8]) -> [i16; 8] {
        let product = |i: usize| i32::from(a[i]) * i32::from(b[i]);
        let sum = to_i32(sum);
        from_i32(from_fn(|i| sum[i].wrapping_add(product(2 * i)).wrapping_add(product(2 * i + 1))))
    }

    #[inline(always)]
    fn to_f32(self, v: [i16; 8]) -> [f32; 4] {
        to_i32(v).map(|x| x as f32)
    }
}

#[inline(always)]
fn to_i32(v: [i16; 8]) -> [i32; 4] {
    from_fn(|i| i32::from(v[2 * i] as u16) | i32::from(v[2 * i + 1]) << 16)
}

#[inline(always)]
fn from_i32(v: [i32; 4]) -> [i16; 8] {
    from_fn(|i| (v[i / 2] >> (16 * (i % 2))) as i16)
}
