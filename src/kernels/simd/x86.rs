//! x86-64: AVX2 with FMA, and AVX-512F with BW and, for products of integers, VNNI.

use super::{Kernel, Simd};
use core::arch::x86_64::*;

/// Defines an instruction set from its intrinsics. They differ in nothing but names and widths.
macro_rules! instruction_set {
    (
        $(#[$doc:meta])* $name:ident, $run:ident, $features:literal, $vector:ty, $lanes:literal,
        rows $(#[$rows_doc:meta])* $mr:literal,
        $load:ident, $store:ident, $splat:ident, $madd:ident, $add:ident, $sub:ident, $mul:ident,
        integers $integers:ty, $half:ty,
        $load_i:ident, $store_i:ident, $load_half:ident, $widen_u8:ident, $widen_i8:ident, $splat_i32:ident, $zero:ident,
        $add_i16:ident, $sub_i16:ident, $shl_i16:ident, $to_f32:ident,
        interleave $interleave:expr, dot $dot:expr
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

            type I = $integers;
            const DOT_ROWS: usize = $mr;

            #[inline(always)]
            unsafe fn load_i16(self, p: *const i16) -> $integers {
                // SAFETY: the caller's promise, here and below.
                unsafe { $load_i(p.cast()) }
            }

            #[inline(always)]
            unsafe fn load_u8(self, p: *const u8) -> $integers {
                // SAFETY: as above.
                unsafe { $widen_u8($load_half(p.cast())) }
            }

            #[inline(always)]
            unsafe fn load_i8(self, p: *const i8) -> $integers {
                // SAFETY: as above.
                unsafe { $widen_i8($load_half(p.cast())) }
            }

            #[inline(always)]
            unsafe fn store_i16(self, p: *mut i16, v: $integers) {
                // SAFETY: as above.
                unsafe { $store_i(p.cast(), v) }
            }

            #[inline(always)]
            unsafe fn splat_pair(self, p: *const i16) -> $integers {
                // SAFETY: as above.
                unsafe { $splat_i32(p.cast::<i32>().read_unaligned()) }
            }

            #[inline(always)]
            fn zero(self) -> $integers {
                // SAFETY: the value of the type proves the instruction, here and below.
                unsafe { $zero() }
            }

            #[inline(always)]
            fn add_i16(self, a: $integers, b: $integers) -> $integers {
                // SAFETY: as above.
                unsafe { $add_i16(a, b) }
            }

            #[inline(always)]
            fn sub_i16(self, a: $integers, b: $integers) -> $integers {
                // SAFETY: as above.
                unsafe { $sub_i16(a, b) }
            }

            #[inline(always)]
            fn shl_i16<const N: u32>(self, a: $integers) -> $integers {
                // SAFETY: as above. A constant, which the compiler makes an immediate.
                unsafe { $shl_i16(a, _mm_cvtsi32_si128(N as i32)) }
            }

            #[inline(always)]
            fn interleave_i16(self, a: $integers, b: $integers) -> [$integers; 2] {
                // SAFETY: as above.
                unsafe { $interleave(a, b) }
            }

            #[inline(always)]
            fn dot(self, a: $integers, b: $integers, sum: $integers) -> $integers {
                // SAFETY: as above.
                unsafe { $dot(a, b, sum) }
            }

            #[inline(always)]
            fn to_f32(self, v: $integers) -> $vector {
                // SAFETY: as above.
                unsafe { $to_f32(v) }
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
    _mm256_mul_ps,
    integers __m256i, __m128i,
    _mm256_loadu_si256, _mm256_storeu_si256, _mm_loadu_si128, _mm256_cvtepu8_epi16, _mm256_cvtepi8_epi16,
    _mm256_set1_epi32, _mm256_setzero_si256, _mm256_add_epi16, _mm256_sub_epi16, _mm256_sll_epi16, _mm256_cvtepi32_ps,
    interleave |a, b| {
        let (low, high) = (_mm256_unpacklo_epi16(a, b), _mm256_unpackhi_epi16(a, b));
        [_mm256_permute2x128_si256::<0x20>(low, high), _mm256_permute2x128_si256::<0x31>(low, high)]
    },
    dot |a, b, sum| _mm256_add_epi32(sum, _mm256_madd_epi16(a, b))
);

/// Sixteen lanes. Only `$run` makes one.
macro_rules! sixteen_lanes {
    ($name:ident, $run:ident, $features:literal, dot $dot:expr) => {
        instruction_set!(
            $name, $run, $features, __m512, 16,
            rows
            /// 24 accumulators, 2 of weights, a broadcast, of 32 registers.
            12,
            _mm512_loadu_ps, _mm512_storeu_ps, _mm512_set1_ps, _mm512_fmadd_ps, _mm512_add_ps, _mm512_sub_ps,
            _mm512_mul_ps,
            integers __m512i, __m256i,
            _mm512_loadu_si512, _mm512_storeu_si512, _mm256_loadu_si256, _mm512_cvtepu8_epi16, _mm512_cvtepi8_epi16,
            _mm512_set1_epi32, _mm512_setzero_si512, _mm512_add_epi16, _mm512_sub_epi16, _mm512_sll_epi16,
            _mm512_cvtepi32_ps,
            interleave |a, b| {
                let (low, high) = (_mm512_unpacklo_epi16(a, b), _mm512_unpackhi_epi16(a, b));
                let first = _mm512_setr_epi64(0, 1, 8, 9, 2, 3, 10, 11);
                let second = _mm512_setr_epi64(4, 5, 12, 13, 6, 7, 14, 15);
                [_mm512_permutex2var_epi64(low, first, high), _mm512_permutex2var_epi64(low, second, high)]
            },
            dot $dot
        );
    };
}

sixteen_lanes!(
    Avx512,
    run_avx512,
    "avx512f,avx512bw,avx2,fma",
    dot | a,
    b,
    sum | { _mm512_add_epi32(sum, _mm512_madd_epi16(a, b)) }
);

// With an instruction for sums of products of integers.
sixteen_lanes!(
    Avx512Vnni,
    run_avx512_vnni,
    "avx512f,avx512bw,avx512vnni,avx2,fma",
    dot | a,
    b,
    sum | { _mm512_dpwssd_epi32(sum, a, b) }
);
