//! The arithmetic: convolution, matrix product, normalisation, pooling, weight updates.
//!
//! Contracts that hold for everything in here:
//!
//! - Activations are [`Tensor`](crate::Tensor)s: NHWC f32. Kernels write interiors only; a halo that was zero
//!   stays zero. A convolution reads `x` (and, for the input gradient, `dy`) with a halo of at least 1 for 3x3, 2 for 5x5;
//!   everything else takes any halo, and input and output may differ in it.
//! - Shapes that do not fit together are a bug of the caller and panic. Users' input is checked before.
//! - Results are bit-identical for every number of threads of the current rayon pool: work is cut into items
//!   by shape alone, and partial sums are combined in the order of the items.
//! - [`oracle`] holds a plain loop for every kernel, with sums in f64: the oracle of the tests, kept for ever.
#![allow(clippy::needless_range_loop)] // `for r in 0..MR` over several arrays is the shape of a tile.
#![allow(unsafe_code)] // Vector instructions and disjoint writes of threads; each block says why it is sound.

pub mod batch_norm;
#[cfg(feature = "bench")]
pub mod bench;
pub mod blocks;
pub mod conv3x3;
pub mod conv5x5;
pub mod dense_shift;
pub mod deploy;
pub mod derived;
mod dot;
pub mod gemm;
pub mod gradients;
pub mod grid;
pub mod int4;
pub mod int8;
pub mod minifloat;
pub mod muon;
pub mod nearest;
pub mod oracle;
mod outer;
mod panels;
pub mod parallel;
pub mod pointwise;
pub mod pool;
pub mod rounding;
mod scratch;
mod simd;
pub mod weights;
mod winograd;

pub use batch_norm::BatchNorm;
pub use conv3x3::Conv3x3;
pub use conv5x5::Conv5x5;
pub use deploy::DeployedWeights;
pub use derived::Gradient;
pub use gemm::Linear;
pub use simd::Isa;
pub use weights::AdamW;

/// What is applied to a result before it is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Activation {
    /// Nothing.
    #[default]
    Identity,
    /// `max(v, 0)`.
    Relu,
}

/// The instruction set that the kernels use: `relaxed-simd` or `simd128` in a browser, `avx512`, `avx2` or `portable`
/// natively.
pub fn simd_kind() -> &'static str {
    Isa::current().name()
}
