//! Bytes as files that somebody drops: whatever they are by their content and their name, a data set or a sentence comes of
//! it, and no more memory is taken than the readers say.

use std::rc::Rc;

use nibble::data::{BYTES_PER_IMAGE, Dataset, Decoder, Gathering};

/// Names that mean something; the first byte chooses.
pub const NAMES: [&str; 12] = [
    "a.npz",
    "a.npy",
    "a.mat",
    "a.parquet",
    "a.tgz",
    "data_batch_1",
    "train",
    "train-images-idx3-ubyte",
    "labels.csv",
    "train_X.bin",
    "s/a/1.png",
    "a",
];
/// Images that there is room for.
const ROOM: usize = 100;

fn gathered(bytes: &[u8]) -> nibble::Result<Dataset> {
    let (name, bytes) = bytes.split_first().map_or((0, bytes), |(name, rest)| (usize::from(*name), rest));
    let mut gathering = Gathering::new(Decoder { name: "the fuzzer" });
    gathering.set_room(ROOM * BYTES_PER_IMAGE);
    gathering.add(NAMES[name % NAMES.len()], Rc::new(bytes.to_vec()));
    // Something to go with it.
    gathering.add("s/a/2.png", Rc::new(Vec::new()));
    gathering.add("s/b/3.png", Rc::new(b"\x89PNG\r\n\x1a\n".to_vec()));
    let mut reading = gathering.plan(&mut |_| {})?;
    let image = [7; BYTES_PER_IMAGE - 2];
    while let Some(picture) = reading.next_picture()? {
        if picture.slot % 5 == 4 {
            reading.refuse(picture.slot, &picture.bytes[..picture.bytes.len().min(512)]);
        } else {
            reading.put(picture.slot, &image);
        }
    }
    Ok(reading.finish()?.0)
}

/// Whether it is a data set.
pub fn read(bytes: &[u8]) -> bool {
    match gathered(bytes) {
        Ok(dataset) => {
            assert!(dataset.train.len() + dataset.test.len() <= ROOM);
            true
        }
        Err(error) => {
            assert!(error.to_string().contains(": expected "), "{error}");
            false
        }
    }
}
