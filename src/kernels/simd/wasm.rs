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
