//! Bytes as a checkpoint: its header and sum as they are; and loaded with zeros behind them, so that a header alone gets as
//! far as a whole file.

use std::io::{self, Read};
use std::sync::{Arc, OnceLock};

use nibble::Result;
use nibble::checkpoint::Reader;
use nibble::data::{Dataset, synthetic};

/// The zeros: more than the largest of the corpus lacks.
const BEHIND: u64 = 1 << 20;

/// The images of the corpus.
fn images() -> Arc<Dataset> {
    static IMAGES: OnceLock<Arc<Dataset>> = OnceLock::new();
    IMAGES.get_or_init(|| Arc::new(synthetic::generate(100, 100, synthetic::SEED).unwrap())).clone()
}

fn check<T>(result: Result<T>) -> Option<T> {
    result.inspect_err(|error| assert!(error.to_string().contains(": expected "), "{error}")).ok()
}

/// Whether it opens.
pub fn open(bytes: &[u8]) -> bool {
    let Some(reader) = check(Reader::open("a", bytes)) else { return false };
    let _ = reader.tensors();
    let _ = reader.settings().map(|config| config.validate().unwrap());
    let _ = check(reader.verify());
    true
}

/// How far it got: opened, loaded.
pub fn read(bytes: &[u8]) -> [bool; 2] {
    if !open(bytes) {
        return [false; 2];
    }
    let long = bytes.chain(io::repeat(0).take(BEHIND));
    let loaded = check(Reader::open("a", long).and_then(|reader| reader.load(images(), || 0.0)));
    [true, loaded.map(|mut loaded| loaded.run.layer_reports()).is_some()]
}
