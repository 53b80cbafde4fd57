//! What the CIFAR files look like: their names, records and keys.
//!
//! Source: Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009, and its data page.
//!
//! | | CIFAR-10 | CIFAR-100 |
//! | --- | --- | --- |
//! | binary files | `data_batch_1.bin` to `5`, `test_batch.bin` | `train.bin`, `test.bin` |
//! | record | label, 3072 pixels | coarse label, fine label, 3072 pixels |
//! | pickled files | `data_batch_1` to `5`, `test_batch` | `train`, `test` |
//! | keys | `data`, `labels` | `data`, `fine_labels` |
//! | class names | `batches.meta.txt`, `batches.meta` | `fine_label_names.txt`, `meta` |

use super::dataset::{DatasetKind, IMAGE_BYTES};

/// Training images of an official batch of CIFAR-10, of which there are five.
pub(crate) const CIFAR10_BATCH: usize = 10_000;

/// The training or the test set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    Train,
    Test,
}

/// What a file is by its name.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Role {
    /// Images; the kind is what a binary file of this name would hold.
    Batch {
        part: Part,
        number: u32,
        kind: DatasetKind,
    },
    /// Names of the classes, a line each.
    NamesText,
    /// Names of the classes, pickled.
    NamesPickle,
    /// Comes with the data sets, or with any folder, and holds nothing for us.
    Ignored,
    Unknown,
}

impl Role {
    /// The role of a file by the last part of its path.
    pub fn of(path: &str) -> Self {
        let name = base_name(path).to_ascii_lowercase();
        let name = name.strip_suffix(".gz").unwrap_or(&name);
        let stem = original_name(name.strip_suffix(".bin").unwrap_or(name));
        let number = stem.strip_prefix("data_batch_").and_then(|number| number.parse().ok());
        let batch = |part, number, kind| Self::Batch { part, number, kind };
        match (stem, number) {
            (_, Some(number @ 1..=999)) => batch(Part::Train, number, DatasetKind::Cifar10),
            ("test_batch", _) => batch(Part::Test, 1, DatasetKind::Cifar10),
            ("train", _) => batch(Part::Train, 1, DatasetKind::Cifar100),
            ("test", _) => batch(Part::Test, 1, DatasetKind::Cifar100),
            ("batches.meta" | "meta", _) => Self::NamesPickle,
            ("batches.meta.txt" | "fine_label_names.txt", _) => Self::NamesText,
            _ if [".txt", ".html", ".txt~"].iter().any(|ending| name.ends_with(ending)) => Self::Ignored,
            _ => Self::Unknown,
        }
    }
}

/// A name without the number that browsers append at a second download: `test_batch (1)`.
fn original_name(name: &str) -> &str {
    let numbered = name.strip_suffix(')').and_then(|name| name.rsplit_once(" ("));
    let original = numbered.filter(|(_, number)| number.bytes().all(|byte| byte.is_ascii_digit()));
    original.map_or(name, |(original, _)| original)
}

/// The last part of a path.
pub(crate) fn base_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

impl DatasetKind {
    /// How many values each label byte of a binary record can take; the last one is the class. Empty where there are
    /// no such records.
    pub(crate) fn label_limits(self) -> &'static [u8] {
        match self {
            Self::Cifar100 => &[20, 100],
            Self::Cifar10 | Self::Synthetic => &[10],
            Self::Images => &[],
        }
    }

    /// Bytes of a binary record.
    pub(crate) fn record_bytes(self) -> usize {
        self.label_limits().len() + IMAGE_BYTES
    }
}
