//! WebAssembly: simd128, and relaxed multiply-add on top.

use super::Simd;
use core::arch::wasm32::*;

/// An instruction set of four lanes, all alike but for the rows and for `a * b + c`.
macro_rules! instruction_set {
    (
        $(#[$doc:meta])* $name:ident,
        rows $(#[$rows_doc:meta])* $mr:literal,
        madd |$a:ident, $b:ident, $c:ident| $madd:expr
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy)]
        pub(crate) struct $name;

        impl Simd for $name {
            type V = v128;
            const LANES: usize = 4;
            $(#[$rows_doc])*
            const MR: usize = $mr;

            #[inline(always)]
            unsafe fn load(self, p: *const f32) -> v128 {
                // SAFETY: the caller's promise; v128 loads need no alignment.
                unsafe { v128_load(p.cast()) }
            }

            #[inline(always)]
            unsafe fn store(self, p: *mut f32, v: v128) {
                // SAFETY: as above.
                unsafe { v128_store(p.cast(), v) }
            }

            #[inline(always)]
            fn splat(self, x: f32) -> v128 {
                f32x4_splat(x)
            }

            #[inline(always)]
            fn madd(self, $a: v128, $b: v128, $c: v128) -> v128 {
                $madd
            }

            #[inline(always)]
            fn add(self, a: v128, b: v128) -> v128 {
                f32x4_add(a, b)
            }

            #[inline(always)]
            fn sub(self, a: v128, b: v128) -> v128 {
                f32x4_sub(a, b)
            }

            #[inline(always)]
            fn mul(self, a: v128, b: v128) -> v128 {
                f32x4_mul(a, b)
            }

            type I = v128;
            /// 10 accumulators, 2 of weights, a broadcast and the product.
            const DOT_ROWS: usize = 5;

            #[inline(always)]
            unsafe fn load_i16(self, p: *const i16) -> v128 {
                // SAFETY: the caller's promise, here and below.
                unsafe { v128_load(p.cast()) }
            }

            #[inline(always)]
            unsafe fn load_u8(self, p: *const u8) -> v128 {
                // SAFETY: as above.
                unsafe { u16x8_load_extend_u8x8(p) }
            }

            #[inline(always)]
            unsafe fn load_i8(self, p: *const i8) -> v128 {
                // SAFETY: as above.
                unsafe { i16x8_load_extend_i8x8(p) }
            }

            #[inline(always)]
            unsafe fn store_i16(self, p: *mut i16, v: v128) {
                // SAFETY: as above.
                unsafe { v128_store(p.cast(), v) }
            }

            #[inline(always)]
            unsafe fn splat_pair(self, p: *const i16) -> v128 {
                // SAFETY: as above.
                unsafe { v128_load32_splat(p.cast()) }
            }

            #[inline(always)]
            fn zero(self) -> v128 {
                i32x4_splat(0)
            }

            #[inline(always)]
            fn add_i16(self, a: v128, b: v128) -> v128 {
                i16x8_add(a, b)
            }

            #[inline(always)]
            fn sub_i16(self, a: v128, b: v128) -> v128 {
                i16x8_sub(a, b)
            }

            #[inline(always)]
            fn shl_i16<const N: u32>(self, a: v128) -> v128 {
                i16x8_shl(a, N)
            }

            #[inline(always)]
            fn interleave_i16(self, a: v128, b: v128) -> [v128; 2] {
                [
                    i16x8_shuffle::<0, 8, 1, 9, 2, 10, 3, 11>(a, b),
                    i16x8_shuffle::<4, 12, 5, 13, 6, 14, 7, 15>(a, b),
                ]
            }

            #[inline(always)]
            fn dot(self, a: v128, b: v128, sum: v128) -> v128 {
                i32x4_add(sum, i32x4_dot_i16x8(a, b))
            }

            #[inline(always)]
            fn to_f32(self, v: v128) -> v128 {
                f32x4_convert_i32x4(v)
            }
        }
    };
}

instruction_set! {
    /// Multiply, then add, each rounded: the same bits on every machine.
    Simd128,
    rows
        /// V8 has 15 vector registers: 10 accumulators, 2 of weights, a broadcast and the product. 6 rows spill.
        5,
    madd |a, b, c| f32x4_add(f32x4_mul(a, b), c)
}

#[cfg(target_feature = "relaxed-simd")]
instruction_set! {
    /// Multiply-add in one instruction, rounded once where the machine can.
    RelaxedSimd,
    rows
        /// 12 accumulators, 2 of weights, a broadcast: just V8's 15 vector registers.
        6,
    madd |a, b, c| f32x4_relaxed_madd(a, b, c)
}
