//! Random streams that depend on what they are for, never on threads, timing or platform.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// What a stream of random numbers is used for. Streams of different purposes share no numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Initial weights.
    Weights,
    /// Dropout masks of the layer of that index; the position is the step.
    Dropout {
        /// Index of the layer in its model.
        layer: usize,
    },
    /// Whether a gradient of the layer of that index is rounded up or down; the position is the step.
    Gradients {
        /// Index of the layer in its model.
        layer: usize,
    },
    /// What the quantizer of the layer of that index starts with.
    Quantizer {
        /// Index of the layer in its model.
        layer: usize,
    },
    /// The order of the training images; the position is the epoch.
    Shuffle,
    /// Crop and flip of an image; the position is its place in the epoch.
    Augment {
        /// The epoch; only its low 24 bits count.
        epoch: u32,
    },
    /// Whether a training image is mirrored in the first epoch, where that alternates; the position is its index.
    FirstFlip,
    /// A drawn training image; the position is its index.
    DrawTrain,
    /// A drawn test image; the position is its index.
    DrawTest,
    /// Which of one's own images are held out for testing; the position is their class.
    HoldOut,
    /// Which training images a run keeps aside.
    KeepAside,
    /// Training images by which statistics are estimated again; the position is the batch.
    Reestimate {
        /// The epoch; only its low 24 bits count.
        epoch: u32,
    },
    /// Training images by which a network is quantized after training; the position is the batch.
    Calibrate,
    /// Training images by which it is measured how much layers mind losing bits; the position is the batch.
    Sensitivity,
    /// A direction in which the weights of the layer of that place are moved; the position is the draw.
    Direction {
        /// Place among the layers with weights.
        layer: usize,
    },
}

/// How a purpose enters a stream.
enum Place {
    /// In the key, with a detail; the position is the number of the stream.
    Key(u32, u32),
    /// In the highest byte of the stream's number; the seed alone is the key.
    Number(u64),
}

impl Purpose {
    /// All published numbers hang on these.
    fn place(self) -> Place {
        match self {
            Self::Weights => Place::Key(1, 0),
            Self::Dropout { layer } => Place::Key(2, layer as u32),
            Self::Gradients { layer } => Place::Key(3, layer as u32),
            Self::Quantizer { layer } => Place::Key(4, layer as u32),
            Self::Direction { layer } => Place::Key(5, layer as u32),
            Self::Shuffle => Place::Number(1 << 56),
            Self::Augment { epoch } => Place::Number(2 << 56 | u64::from(epoch & 0xff_ffff) << 32),
            Self::DrawTrain => Place::Number(3 << 56),
            Self::DrawTest => Place::Number(4 << 56),
            Self::HoldOut => Place::Number(5 << 56),
            Self::KeepAside => Place::Number(6 << 56),
            Self::Reestimate { epoch } => Place::Number(7 << 56 | u64::from(epoch & 0xff_ffff) << 32),
            Self::Calibrate => Place::Number(8 << 56),
            Self::FirstFlip => Place::Number(9 << 56),
            Self::Sensitivity => Place::Number(10 << 56),
        }
    }

    /// The positions that it has room for.
    fn positions(self) -> u64 {
        match self {
            Self::Weights
            | Self::Dropout { .. }
            | Self::Gradients { .. }
            | Self::Quantizer { .. }
            | Self::Direction { .. } => u64::MAX,
            Self::Augment { .. } | Self::Reestimate { .. } => 0xffff_ffff,
            _ => (1 << 56) - 1,
        }
    }
}

/// The `position`-th stream of a purpose by that seed.
pub fn stream(seed: impl Into<u64>, purpose: Purpose, position: u64) -> ChaCha8Rng {
    let (seed, position) = (seed.into(), position & purpose.positions());
    let (mut rng, number) = match purpose.place() {
        Place::Key(kind, detail) => {
            // The seeds of runs have 32 bits, and the upper half of a longer one a place of its own.
            let mut key = [0; 32];
            key[..4].copy_from_slice(&(seed as u32).to_le_bytes());
            key[4..8].copy_from_slice(&kind.to_le_bytes());
            key[8..12].copy_from_slice(&detail.to_le_bytes());
            key[12..16].copy_from_slice(&((seed >> 32) as u32).to_le_bytes());
            (ChaCha8Rng::from_seed(key), position)
        }
        Place::Number(number) => (ChaCha8Rng::seed_from_u64(seed), number | position),
    };
    rng.set_stream(number);
    rng
}

/// A number in `0..n`, the same on every platform. Uneven by less than n / 2^32.
pub fn below(rng: &mut ChaCha8Rng, n: u32) -> u32 {
    ((u64::from(rng.next_u32()) * u64::from(n)) >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    const PURPOSES: [Purpose; 18] = [
        Purpose::Weights,
        Purpose::Dropout { layer: 0 },
        Purpose::Dropout { layer: 1 },
        Purpose::Gradients { layer: 0 },
        Purpose::Gradients { layer: 1 },
        Purpose::Quantizer { layer: 0 },
        Purpose::Direction { layer: 0 },
        Purpose::Direction { layer: 1 },
        Purpose::Shuffle,
        Purpose::Augment { epoch: 0 },
        Purpose::DrawTrain,
        Purpose::DrawTest,
        Purpose::HoldOut,
        Purpose::KeepAside,
        Purpose::Reestimate { epoch: 0 },
        Purpose::Calibrate,
        Purpose::FirstFlip,
        Purpose::Sensitivity,
    ];

    #[test]
    fn streams_of_different_purposes_seeds_and_positions_differ() {
        let mut words = Vec::new();
        for purpose in PURPOSES {
            for (seed, position) in [(7u64, 0), (7, 1), (8, 0), (7 | 1 << 32, 0)] {
                words.push(stream(seed, purpose, position).next_u64());
            }
        }
        words.sort_unstable();
        assert!(words.windows(2).all(|pair| pair[0] != pair[1]));
    }

    #[test]
    fn a_short_seed_is_the_same_in_either_width() {
        for purpose in PURPOSES {
            assert_eq!(stream(9u32, purpose, 4).next_u64(), stream(9u64, purpose, 4).next_u64());
        }
    }

    /// Positions and epochs too large for their place stay within it, and out of the purpose.
    #[test]
    fn what_is_too_large_does_not_reach_another_purpose() {
        let word = |purpose, position| stream(3u32, purpose, position).next_u64();
        assert_eq!(word(Purpose::Shuffle, 1 << 56 | 5), word(Purpose::Shuffle, 5));
        let augment = |epoch| Purpose::Augment { epoch };
        assert_eq!(word(augment(1), 1 << 32 | 5), word(augment(1), 5));
        assert_eq!(word(augment(1 << 24 | 1), 5), word(augment(1), 5));
    }

    #[derive(serde::Deserialize)]
    struct References {
        words: Vec<Words>,
        order: Order,
    }

    #[derive(serde::Deserialize)]
    struct Words {
        purpose: String,
        detail: u32,
        seed: u64,
        position: u64,
        start: u128,
        words: Vec<u32>,
    }

    #[derive(serde::Deserialize)]
    struct Order {
        seed: u64,
        epoch: u32,
        order: Vec<u32>,
    }

    /// The package in interop/ is held against the same numbers.
    #[test]
    fn streams_are_those_that_go_on_in_pytorch() {
        let References { words, order: Order { seed, epoch, order } } =
            serde_json::from_str(include_str!("../tests/golden/streams.json")).unwrap();
        assert_eq!(crate::data::epoch_order(order.len(), seed, epoch), order);
        assert_eq!(words.len(), 14);
        for Words { purpose, detail, seed, position, start, words } in words {
            let purpose = match &*purpose {
                "dropout" => Purpose::Dropout { layer: detail as usize },
                "gradients" => Purpose::Gradients { layer: detail as usize },
                "shuffle" => Purpose::Shuffle,
                "augment" => Purpose::Augment { epoch: detail },
                "first_flip" => Purpose::FirstFlip,
                "keep_aside" => Purpose::KeepAside,
                "reestimate" => Purpose::Reestimate { epoch: detail },
                other => panic!("{other}"),
            };
            let mut rng = stream(seed, purpose, position);
            rng.set_word_pos(start);
            let found: Vec<u32> = words.iter().map(|_| rng.next_u32()).collect();
            assert_eq!(found, words, "{purpose:?}");
        }
    }

    /// The numbers of streams and keys, written out: a change of these changes every published run.
    #[test]
    fn streams_are_those_of_every_run_so_far() {
        let mut shuffle = ChaCha8Rng::seed_from_u64(6);
        shuffle.set_stream((1 << 56) | 2);
        assert_eq!(stream(6u32, Purpose::Shuffle, 2), shuffle);
        let mut augment = ChaCha8Rng::seed_from_u64(6);
        augment.set_stream((2 << 56) | (3 << 32) | 4);
        assert_eq!(stream(6u32, Purpose::Augment { epoch: 3 }, 4), augment);
        let mut key = [0; 32];
        (key[0], key[4], key[8]) = (6, 2, 5);
        let mut dropout = ChaCha8Rng::from_seed(key);
        dropout.set_stream(9);
        assert_eq!(stream(6u32, Purpose::Dropout { layer: 5 }, 9), dropout);
    }
}
