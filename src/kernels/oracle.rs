//! The oracle: every kernel as the plainest loop, with sums in f64.
#![allow(clippy::disallowed_methods)]

mod activations;
mod products;
mod weights;

pub use activations::*;
pub use products::*;
pub use weights::*;
