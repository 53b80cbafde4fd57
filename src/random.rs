//! Random streams that depend on what they are for, never on threads or timing.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// What a stream of random numbers is used for. Streams of different purposes are independent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Initial weights.
    Weights,
    /// Dropout masks of the layer of that index.
    Dropout {
        /// Index of the layer in its model.
        layer: usize,
    },
}

/// The `position`-th stream of a purpose in the run with that seed.
pub fn stream(seed: u32, purpose: Purpose, position: u64) -> ChaCha8Rng {
    let mut key = [0; 32];
    key[..4].copy_from_slice(&seed.to_le_bytes());
    let (kind, detail) = match purpose {
        Purpose::Weights => (1u32, 0),
        Purpose::Dropout { layer } => (2, layer as u32),
    };
    key[4..8].copy_from_slice(&kind.to_le_bytes());
    key[8..12].copy_from_slice(&detail.to_le_bytes());
    let mut rng = ChaCha8Rng::from_seed(key);
    rng.set_stream(position);
    rng
}
