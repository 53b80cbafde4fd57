//! Runs as files, `NAME.nibble.safetensors`, that any reader of safetensors opens.
//!
//! Tensors in the file's order: own pictures, as `nibble.images` `[n][3][32][32]`, U8, and `nibble.labels`, U16, those that
//! are trained on first, for nobody else has them (in a file for PyTorch all images, which are passed over here); those of
//! the state walk ([`Run::visit`]) under their names, F32; the loss of each step, F64; what the walk shows as bytes, U8; the
//! reports of the epochs, a line of JSON each, where bits changed a line each, and notes, text; last `nibble.sum`, the SHA-256 of every byte of the file
//! before its own. Metadata: the fields of [`About`], each as JSON under `nibble.` and its name. Where the streams of random
//! numbers stand follows from seed, epoch and step.
//!
//! Written and read as a stream: besides the run there is never more in memory than the header and a history.

pub(crate) mod header;
mod history;
mod packed;
mod read;
mod write;

use std::collections::BTreeMap;
use std::io;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::data::{Dataset, DatasetKind};
use crate::run::Run;
use crate::state::Visitor;

pub use history::{Epoch, History};
pub use packed::pack;
pub use read::{Loaded, Reader};
pub use write::{write, write_with_images};

/// What names of checkpoints end in.
pub const SUFFIX: &str = ".nibble.safetensors";
/// The version of what is written; lower ones can be read.
const FORMAT: u32 = 1;
const SUM: &str = "nibble.sum";
/// Of the [`History`].
const LOSSES: &str = "nibble.losses";
const EPOCHS: &str = "nibble.epochs";
const BITS: &str = "nibble.bits";
const NOTES: &str = "nibble.notes";
/// Own pictures, and their classes.
const IMAGES: &str = "nibble.images";
const LABELS: &str = "nibble.labels";
/// Before the names of [`About`]'s fields.
const PREFIX: &str = "nibble.";
/// Longest header that is read. VGG4bit's is 20 KB, and 200 bytes for each epoch.
const MOST_HEADER: u64 = 1 << 19;
/// Bytes that go through the checksum at a time.
const CHUNK: usize = 16 << 10;

/// What a checkpoint says of itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct About {
    /// The version of the format.
    pub format: u32,
    /// The version of the engine that wrote it.
    pub engine: String,
    /// The arithmetic of its last steps, as [`simd_kind`](crate::kernels::simd_kind) names it.
    pub arithmetic: String,
    /// The settings by their keys, complete.
    pub settings: BTreeMap<String, String>,
    /// What it was trained on.
    pub data: Images,
    /// The numbers of the state walk; floating-point ones as their bits.
    pub state: BTreeMap<String, u64>,
    /// A line an epoch.
    pub epochs: Vec<Epoch>,
    /// A network alone, see [`pack`].
    #[serde(default)]
    pub packed: bool,
}

/// Which images a run was trained on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Images {
    /// Which data set it is; the first files do not say.
    #[serde(default)]
    pub kind: Option<DatasetKind>,
    /// The data set's name for people.
    pub name: String,
    /// Names of its classes.
    pub classes: Vec<String>,
    /// Numbers of training and test images.
    pub images: [usize; 2],
    /// See [`Dataset::fingerprint`].
    pub fingerprint: String,
}

impl Images {
    fn of(dataset: &Dataset) -> Self {
        Self {
            kind: Some(dataset.kind),
            name: dataset.name.clone(),
            classes: dataset.classes.clone(),
            images: [dataset.train.len(), dataset.test.len()],
            fingerprint: dataset.fingerprint().into(),
        }
    }

    /// Which data set it is; what the first files do not say is told by its name.
    pub fn dataset_kind(&self) -> DatasetKind {
        let named = [DatasetKind::Synthetic, DatasetKind::Cifar10, DatasetKind::Cifar100];
        let by_name = || named.into_iter().find(|kind| kind.label() == self.name);
        self.kind.or_else(by_name).unwrap_or(DatasetKind::Images)
    }
}

/// Sums up what is read or written through it.
struct Summed<T> {
    inner: T,
    sum: Sha256,
    bytes: u64,
}

impl<T> Summed<T> {
    fn new(inner: T) -> Self {
        Self { inner, sum: Sha256::new(), bytes: 0 }
    }

    fn add(&mut self, bytes: &[u8]) {
        self.sum.update(bytes);
        self.bytes += bytes.len() as u64;
    }

    fn sum(&self) -> [u8; 32] {
        self.sum.clone().finalize().into()
    }
}

impl<T: io::Read> io::Read for Summed<T> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.add(&buffer[..count]);
        Ok(count)
    }
}

impl<T: io::Write> io::Write for Summed<T> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.inner.write(bytes)?;
        self.add(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// The names and sizes of a run's state, in the order of the walk.
#[derive(Default)]
struct Plan {
    tensors: Vec<(String, Vec<usize>)>,
    bytes: Vec<(String, usize)>,
    numbers: BTreeMap<String, u64>,
}

impl Plan {
    fn of(run: &mut Run) -> Self {
        let mut plan = Self::default();
        run.visit(&mut plan);
        plan
    }
}

impl Visitor for Plan {
    fn tensor(&mut self, name: &str, dims: &[usize], _: &mut [f32]) {
        self.tensors.push((name.into(), dims.into()));
    }

    fn number(&mut self, name: &str, value: &mut u64) {
        self.numbers.insert(name.into(), *value);
    }

    fn bytes(&mut self, name: &str, bytes: &mut Vec<u8>) {
        self.bytes.push((name.into(), bytes.len()));
    }
}
