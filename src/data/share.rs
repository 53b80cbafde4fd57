//! The parts of a set as published: training, validation, test.

use std::collections::HashSet;

/// A part of a set as published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Share {
    Train,
    Validation,
    Test,
}

impl Share {
    /// By the name of a folder or a word of a file's.
    pub fn of(word: &str) -> Option<Self> {
        let word = word.to_ascii_lowercase();
        match word.trim_end_matches(|letter: char| letter.is_ascii_digit() || "_-. ".contains(letter)) {
            "train" | "training" | "trn" | "tr" => Some(Self::Train),
            "val" | "valid" | "validation" | "dev" => Some(Self::Validation),
            "test" | "testing" | "tst" | "te" => Some(Self::Test),
            _ if word == "t10k" => Some(Self::Test),
            _ => None,
        }
    }

    /// By the words of a name.
    pub fn in_name(name: &str) -> Option<Self> {
        name.split(|letter: char| !letter.is_ascii_alphanumeric()).find_map(Self::of)
    }
}

/// Validation joins training, or is the test set where there is no other.
pub(super) fn settle<T>(places: &mut [Option<(Share, T)>], there: &HashSet<Share>) {
    let becomes = if there.contains(&Share::Test) { Share::Train } else { Share::Test };
    for (share, _) in places.iter_mut().flatten().filter(|(share, _)| *share == Share::Validation) {
        *share = becomes;
    }
}
