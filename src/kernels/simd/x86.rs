//! x86-64: AVX2 with FMA, and AVX-512F.

use super::{Kernel, Simd};
use core::arch::x86_64::*;

/// Defines an instruction set from its intrinsics. They differ in nothing but names and widths.
macro_rules! instruction_set {
    (
        $(#[$doc:meta])* $name:ident, $run:ident, $features:literal, $vector:ty, $lanes:literal,
        rows $(#[$rows_doc:meta])* $mr:literal,
        $load:ident, $store:ident, $splat:ident, $madd:ident, $add:ident, $sub:ident, $mul:ident
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy)]
        pub(crate) struct $name(());

        /// Compiles the kernel with these instructions.
        ///
        /// # Safety
        /// The processor has them.
        #[target_feature(enable = $features)]
        pub(super) unsafe fn $run<K: Kernel>(kernel: K) -> K::Output {
            kernel.run($name(()))
        }

        impl Simd for $name {
            type V = $vector;
            const LANES: usize = $lanes;
            $(#[$rows_doc])*
            const MR: usize = $mr;

            #[inline(always)]
            unsafe fn load(self, p: *const f32) -> $vector {
                // SAFETY: the caller's promise; the value of the type proves the instruction.
                unsafe { $load(p) }
            }

            #[inline(always)]
            unsafe fn store(self, p: *mut f32, v: $vector) {
                // SAFETY: as above.
                unsafe { $store(p, v) }
            }

            #[inline(always)]
            fn splat(self, x: f32) -> $vector {
                // SAFETY: the value of the type proves the instruction, here and below.
                unsafe { $splat(x) }
            }

            #[inline(always)]
            fn madd(self, a: $vector, b: $vector, c: $vector) -> $vector {
                // SAFETY: as above.
                unsafe { $madd(a, b, c) }
            }

            #[inline(always)]
            fn add(self, a: $vector, b: $vector) -> $vector {
                // SAFETY: as above.
                unsafe { $add(a, b) }
            }

            #[inline(always)]
            fn sub(self, a: $vector, b: $vector) -> $vector {
                // SAFETY: as above.
                unsafe { $sub(a, b) }
            }

            #[inline(always)]
            fn mul(self, a: $vector, b: $vector) -> $vector {
                // SAFETY: as above.
                unsafe { $mul(a, b) }
            }
        }
    };
}

instruction_set!(
    /// Eight lanes. Only [`run_avx2`] makes one.
    Avx2, run_avx2, "avx2,fma", __m256, 8,
    rows
    /// 12 accumulators, 2 of weights, a broadcast, of 16 registers.
    6,
    _mm256_loadu_ps, _mm256_storeu_ps, _mm256_set1_ps, _mm256_fmadd_ps, _mm256_add_ps, _mm256_sub_ps,
    _mm256_mul_ps
);

instruction_set!(
    /// Sixteen lanes. Only [`run_avx512`] makes one.
    Avx512, run_avx512, "avx512f,avx2,fma", __m512, 16,
    rows
    /// 24 accumulators, 2 of weights, a broadcast, of 32 registers.
    12,
    _mm512_loadu_ps, _mm512_storeu_ps, _mm512_set1_ps, _mm512_fmadd_ps, _mm512_add_ps, _mm512_sub_ps,
    _mm512_mul_ps
);
