//! Nibble trains a convolutional network with 4-bit weights, natively or in a browser tab.
//!
//! The method is quantization-aware training with tanh soft clipping, a symmetric 4-bit grid, one scale a
//! layer and the straight-through estimator: "True 4-Bit Quantized Convolutional Neural Network Training on
//! CPU", arXiv 2603.13931.
//!
//! Index letters: N images, H rows, W columns, C channels; GEMMs are M x N x K.
#![deny(unsafe_code)]
// Tests compare with the C library's functions, which are not the same everywhere (clippy.toml).
#![cfg_attr(not(test), warn(clippy::disallowed_methods))]

pub mod checkpoint;
pub mod data;
mod elementary;
pub mod error;
pub mod export;
#[cfg(feature = "exports")]
pub mod integer;
mod json;
pub mod kernels;
pub mod layers;
pub mod loss;
pub mod lower;
pub mod metrics;
pub mod model;
pub mod models;
pub mod optim;
pub mod packed;
pub mod param;
pub mod predictions;
pub mod quant;
pub mod random;
pub mod recipes;
pub mod registry;
pub mod run;
pub mod schedule;
pub mod sensitivity;
pub mod settings;
pub mod state;
pub mod task;
pub mod tensor;
pub mod train;
#[cfg(target_arch = "wasm32")]
pub mod wasm;

pub use error::{Error, Result};
pub use settings::RunConfig;
pub use tensor::Tensor;
