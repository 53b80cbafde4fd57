//! Vectors of f32 behind one small trait, and the choice among their implementations.
//!
//! A kernel is a value that implements [`Kernel`]: its `run` is generic over [`Simd`] and `#[inline(always)]`
//! down to the instruction, so that [`Chosen::run`] can compile it once for each instruction set. This module holds
//! the only `cfg` and the only run-time detection that select one. A job asks once which is in use
//! ([`Chosen::now`]) and does everything by that one, whoever selects another meanwhile.
//!
//! Passes that are bound by memory are plain loops inside a kernel: the compiler vectorises them for each set.
//! They never fuse a multiply and an add, so they give the same bits on every set. The matrix kernels use
//! [`Simd::madd`] and give the same bits on sets that agree on fusing, whatever their width: each result is one
//! chain of multiply-adds in the order of k.

#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
mod portable;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod wasm;
#[cfg(target_arch = "x86_64")]
mod x86;

use std::sync::atomic::{AtomicU8, Ordering};

/// A vector of f32. A value of an implementing type is the proof that the processor has its instructions.
pub(crate) trait Simd: Copy + Send + Sync {
    /// The register type.
    type V: Copy;
    /// Elements of a vector.
    const LANES: usize;
    /// Rows of the accumulator tile of the matrix kernels: as many as leave registers for two vectors of weights
    /// and a broadcast. Its columns are [`Simd::NR`].
    const MR: usize;
    /// Columns of the accumulator tile: two vectors.
    const NR: usize = 2 * Self::LANES;

    /// # Safety
    /// `LANES` elements from `p` are readable.
    unsafe fn load(self, p: *const f32) -> Self::V;
    /// # Safety
    /// `LANES` elements from `p` are writable.
    unsafe fn store(self, p: *mut f32, v: Self::V);
    /// All lanes `x`.
    fn splat(self, x: f32) -> Self::V;
    /// `a b + c`, fused or not as the set has it.
    fn madd(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// `a + b`.
    fn add(self, a: Self::V, b: Self::V) -> Self::V;
    /// `a - b`.
    fn sub(self, a: Self::V, b: Self::V) -> Self::V;
    /// `a b`.
    fn mul(self, a: Self::V, b: Self::V) -> Self::V;

    /// The register type of integers: `2 LANES` i16, or `LANES` i32.
    type I: Copy;
    /// Rows of the accumulator tile of integer products: [`Simd::MR`], or less where a product needs a register of its
    /// own.
    const DOT_ROWS: usize;

    /// # Safety
    /// `2 LANES` elements from `p` are readable.
    unsafe fn load_i16(self, p: *const i16) -> Self::I;
    /// `2 LANES` bytes as i16.
    ///
    /// # Safety
    /// So many elements from `p` are readable.
    unsafe fn load_u8(self, p: *const u8) -> Self::I;
    /// `2 LANES` signed bytes as i16.
    ///
    /// # Safety
    /// So many elements from `p` are readable.
    unsafe fn load_i8(self, p: *const i8) -> Self::I;
    /// # Safety
    /// `2 LANES` elements from `p` are writable.
    unsafe fn store_i16(self, p: *mut i16, v: Self::I);
    /// The two i16 from `p` in all pairs of lanes.
    ///
    /// # Safety
    /// They are readable.
    unsafe fn splat_pair(self, p: *const i16) -> Self::I;
    /// All bits 0.
    fn zero(self) -> Self::I;
    /// `a + b` of i16, modulo 2^16.
    fn add_i16(self, a: Self::I, b: Self::I) -> Self::I;
    /// `a - b` of i16, modulo 2^16.
    fn sub_i16(self, a: Self::I, b: Self::I) -> Self::I;
    /// `2^N a` of i16, modulo 2^16.
    fn shl_i16<const N: u32>(self, a: Self::I) -> Self::I;
    /// The lanes of `a` and `b` in turn: `a[0], b[0], a[1], b[1]...` as two vectors.
    fn interleave_i16(self, a: Self::I, b: Self::I) -> [Self::I; 2];
    /// `sum + a[2 i] b[2 i] + a[2 i + 1] b[2 i + 1]` for each lane i of i32. Modulo 2^32; the products are those of i16.
    fn dot(self, a: Self::I, b: Self::I, sum: Self::I) -> Self::I;
    /// Lanes of i32 as f32.
    fn to_f32(self, v: Self::I) -> Self::V;
}

/// A computation that can be compiled for every instruction set.
pub(crate) trait Kernel {
    /// What it gives.
    type Output;
    /// Does it. Must be `#[inline(always)]`, as everything that it calls: only so does it get the instructions.
    fn run<S: Simd>(self, simd: S) -> Self::Output;
}

/// An instruction set that the kernels can use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Isa {
    /// Arrays of 4, as the compiler likes to translate them; multiply and add are not fused.
    Portable = 1,
    /// WebAssembly SIMD, 4 lanes; multiply and add are not fused. Bit-identical to `Portable`.
    Simd128,
    /// The same with relaxed multiply-add, fused where the machine can: results depend on the machine.
    RelaxedSimd,
    /// AVX2 and FMA, 8 lanes.
    Avx2,
    /// AVX-512F and BW, 16 lanes. Bit-identical to `Avx2`.
    Avx512,
}

impl Isa {
    /// Those that this machine and build can run, best first. Never empty.
    pub fn available() -> &'static [Isa] {
        #[cfg(all(target_arch = "wasm32", target_feature = "relaxed-simd", feature = "bench"))]
        return &[Isa::RelaxedSimd, Isa::Simd128];
        // Visitors have a build of its own for the exact arithmetic.
        #[cfg(all(target_arch = "wasm32", target_feature = "relaxed-simd", not(feature = "bench")))]
        return &[Isa::RelaxedSimd];
        #[cfg(all(
            target_arch = "wasm32",
            target_feature = "simd128",
            not(target_feature = "relaxed-simd")
        ))]
        return &[Isa::Simd128];
        #[cfg(target_arch = "x86_64")]
        if std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma") {
            if std::arch::is_x86_feature_detected!("avx512f")
                && std::arch::is_x86_feature_detected!("avx512bw")
            {
                return &[Isa::Avx512, Isa::Avx2, Isa::Portable];
            }
            return &[Isa::Avx2, Isa::Portable];
        }
        #[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
        return &[Isa::Portable];
    }

    /// The one in use: the best, unless [`Isa::select`] changed it.
    pub fn current() -> Isa {
        let selected = SELECTED.load(Ordering::Relaxed);
        let available = Isa::available();
        *available.iter().find(|isa| **isa as u8 == selected).unwrap_or(&available[0])
    }

    /// Uses this one in the whole process, for every job that begins from now on. Weights are packed for one, and using
    /// them with another panics: pack them again.
    ///
    /// # Panics
    /// If it is not among [`Isa::available`].
    pub fn select(self) {
        assert!(Isa::available().contains(&self), "{self:?} is not among {:?}", Isa::available());
        SELECTED.store(self as u8, Ordering::Relaxed);
    }

    /// Whether results are the same on every machine: nothing is fused or relaxed.
    pub fn is_exact(self) -> bool {
        matches!(self, Isa::Portable | Isa::Simd128)
    }

    /// The name shown to users.
    pub fn name(self) -> &'static str {
        match self {
            Isa::Portable => "portable",
            Isa::Simd128 => "simd128",
            Isa::RelaxedSimd => "relaxed-simd",
            Isa::Avx2 => "avx2",
            Isa::Avx512 => "avx512",
        }
    }
}

/// The code of the selected one, or 0.
static SELECTED: AtomicU8 = AtomicU8::new(0);

/// The instruction set of a job: one that this machine and build have, since only [`Chosen::now`] and [`Chosen::for_columns`] make it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Chosen(Isa);

impl Chosen {
    /// The one in use.
    pub fn now() -> Self {
        Self(Isa::current())
    }

    /// The one in use for products of so many columns: where two of its vectors are twice as many, that of half the width.
    /// Halves of vectors that are multiplied for nothing cost more than a processor gains by their width.
    pub fn for_columns(columns: usize) -> Self {
        match Isa::current() {
            Isa::Avx512 if columns <= 16 => Self(Isa::Avx2),
            isa => Self(isa),
        }
    }

    /// The widest of its kind, two vectors of which hold no more than these numbers of channels and divide them.
    pub fn dividing(self, channels: usize) -> Self {
        match self.0 {
            Isa::Avx512 if !channels.is_multiple_of(32) => Self(Isa::Avx2),
            _ => self,
        }
    }

    /// Runs a kernel.
    pub fn run<K: Kernel>(self, kernel: K) -> K::Output {
        match self.0 {
            #[cfg(all(target_arch = "wasm32", target_feature = "relaxed-simd"))]
            Isa::RelaxedSimd => kernel.run(wasm::RelaxedSimd),
            #[cfg(all(
                target_arch = "wasm32",
                target_feature = "simd128",
                any(feature = "bench", not(target_feature = "relaxed-simd"))
            ))]
            Isa::Simd128 => kernel.run(wasm::Simd128),
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `current` gives only what `available` detected on this processor.
            Isa::Avx2 => unsafe { x86::run_avx2(kernel) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: as above.
            Isa::Avx512 => unsafe { x86::run_avx512(kernel) },
            #[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
            Isa::Portable => kernel.run(portable::Portable),
            isa => unreachable!("{isa:?} is not in this build"),
        }
    }

    /// Runs a kernel whose time goes to [`Simd::dot`] with an instruction of the processor's for that, where it has one. The
    /// result is the same. (Products whose operands are broadcast wait for those and gain nothing.)
    pub fn run_dots<K: Kernel>(self, kernel: K) -> K::Output {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `current` gives only what `available` detected on this processor, and the rest is detected here.
            Isa::Avx512 if std::arch::is_x86_feature_detected!("avx512vnni") => unsafe {
                x86::run_avx512_vnni(kernel)
            },
            _ => self.run(kernel),
        }
    }

    /// Runs plain loops compiled for it. `body` must be small enough to be inlined, with all that it calls.
    #[inline(always)]
    pub fn vectorize<R>(self, body: impl FnOnce() -> R) -> R {
        struct Plain<F>(F);
        impl<R, F: FnOnce() -> R> Kernel for Plain<F> {
            type Output = R;
            #[inline(always)]
            fn run<S: Simd>(self, _: S) -> R {
                (self.0)()
            }
        }
        self.run(Plain(body))
    }

    /// Rows of the accumulator tile and columns of the weight panels: [`Simd::MR`] and [`Simd::NR`].
    pub fn tile_size(self) -> [usize; 2] {
        struct Size;
        impl Kernel for Size {
            type Output = [usize; 2];
            #[inline(always)]
            fn run<S: Simd>(self, _: S) -> [usize; 2] {
                [S::MR, S::NR]
            }
        }
        self.run(Size)
    }

    /// Rows of the accumulator tile of integer products.
    pub fn dot_rows(self) -> usize {
        struct Rows;
        impl Kernel for Rows {
            type Output = usize;
            #[inline(always)]
            fn run<S: Simd>(self, _: S) -> usize {
                S::DOT_ROWS
            }
        }
        self.run(Rows)
    }

    /// Columns of the weight panels.
    pub fn panel_width(self) -> usize {
        self.tile_size()[1]
    }
}
