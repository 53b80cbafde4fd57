//! x86-64: AVX2 with FMA.

use super::{Kernel, Simd};
use core::arch::x86_64::*;

/// Eight lanes. Only [`run_avx2`] makes one.
#[derive(Clone, Copy)]
pub(crate) struct Avx2(());

/// Compiles the kernel with AVX2 and FMA.
///
/// # Safety
/// The processor has both.
#[target_feature(enable = "avx2,fma")]
pub(super) unsafe fn run_avx2<K: Kernel>(kernel: K) -> K::Output {
    kernel.run(Avx2(()))
}

impl Simd for Avx2 {
    type V = __m256;
    const LANES: usize = 8;
    /// 12 accumulators, 2 of weights, a broadcast, of 16 registers.
    const MR: usize = 6;

    #[inline(always)]
    unsafe fn load(self, p: *const f32) -> __m256 {
        // SAFETY: the caller's promise; the value of the type proves AVX2.
        unsafe { _mm256_loadu_ps(p) }
    }

    #[inline(always)]
    unsafe fn store(self, p: *mut f32, v: __m256) {
        // SAFETY: as above.
        unsafe { _mm256_storeu_ps(p, v) }
    }

    #[inline(always)]
    fn splat(self, x: f32) -> __m256 {
        // SAFETY: the value of the type proves AVX2.
        unsafe { _mm256_set1_ps(x) }
    }

    #[inline(always)]
    fn madd(self, a: __m256, b: __m256, c: __m256) -> __m256 {
        // SAFETY: the value of the type proves FMA.
        unsafe { _mm256_fmadd_ps(a, b, c) }
    }
}
