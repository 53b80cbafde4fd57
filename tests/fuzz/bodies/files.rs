//! Bytes as files that somebody drops: whatever they are by their content and their name, a data set or a sentence comes of
//! it, and no more memory is taken than the readers say.

use std::rc::Rc;

use nibble::data::{BYTES_PER_IMAGE, Dataset, Decoder, Gathering, is_too_large};

/// One parser, which every input reaches.
pub struct Format {
    /// As `cargo xtask fuzz --target` has it.
    pub name: &'static str,
    /// What the file is called.
    file: &'static str,
    /// Makes a file of an input: what any file of the format begins with, and sums that chance would never meet.
    whole: fn(&[u8]) -> Vec<u8>,
}

pub const FORMATS: [Format; 11] = [
    Format { name: "npy", file: "x.npy", whole: |bytes| [b"\x93NUMPY", bytes].concat() },
    Format { name: "zip", file: "x.npz", whole: |bytes| [b"PK\x03\x04", bytes].concat() },
    Format { name: "tar", file: "x.tar", whole: mended },
    Format { name: "gzip", file: "x.npy.gz", whole: |bytes| [b"\x1f\x8b\x08", bytes].concat() },
    Format { name: "mat", file: "x.mat", whole: |bytes| [MATLAB, bytes].concat() },
    Format { name: "idx", file: "train-images-idx3-ubyte", whole: <[u8]>::to_vec },
    Format { name: "parquet", file: "x.parquet", whole: tabled },
    Format { name: "pickle", file: "data_batch_1", whole: |bytes| [b"\x80\x02", bytes].concat() },
    Format { name: "batch", file: "train.bin", whole: <[u8]>::to_vec },
    Format { name: "csv", file: "s/labels.csv", whole: |bytes| [b"id,label\n", bytes].concat() },
    Format { name: "head", file: "s/a/1.png", whole: <[u8]>::to_vec },
];

const MATLAB: &[u8; 128] = b"MATLAB 5.0 MAT-file, Platform: none                                                                                         \0\x01IM";
/// A block of tar, and where in it the sum is and the size.
const BLOCK: usize = 512;
const SUM: std::ops::Range<usize> = 148..156;
const SIZE: std::ops::Range<usize> = 124..136;

/// With the checksum of every header of a tar archive.
fn mended(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let mut at = 0;
    while let Some(block) = bytes.get_mut(at..at + BLOCK) {
        block[SUM].copy_from_slice(b"        ");
        let sum: u32 = block.iter().map(|&byte| u32::from(byte)).sum();
        block[SUM].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        let digits: String =
            block[SIZE].iter().map(|&byte| char::from(byte)).take_while(char::is_ascii_digit).collect();
        let size = usize::from_str_radix(&digits, 8).unwrap_or(0).min(bytes.len());
        at += BLOCK + size.div_ceil(BLOCK) * BLOCK;
    }
    bytes
}

/// As a Parquet table, of which the first two bytes tell how long the description at its end is.
fn tabled(bytes: &[u8]) -> Vec<u8> {
    let (length, rest) =
        bytes.split_first_chunk().map_or((0, bytes), |(length, rest)| (u16::from_le_bytes(*length), rest));
    [b"PAR1".as_slice(), rest, &u32::from(length).to_le_bytes(), b"PAR1"].concat()
}

/// Names that mean something, where the content is not enough; the first byte chooses.
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

fn gathered(name: &str, bytes: Vec<u8>) -> nibble::Result<Dataset> {
    let mut gathering = Gathering::new(Decoder { name: "the fuzzer" });
    gathering.set_room(ROOM * BYTES_PER_IMAGE);
    gathering.add(name, Rc::new(bytes));
    // Something to go with it.
    gathering.add("s/a/2.png", Rc::new(Vec::new()));
    gathering.add("s/b/3.png", Rc::new(b"\x89PNG\r\n\x1a\n".to_vec()));
    let mut reading = gathering.plan(&mut |_| {})?;
    let image = [7; BYTES_PER_IMAGE - 2];
    while let Some(picture) = reading.next_picture()? {
        let bytes = picture.input.map_or(Ok(picture.bytes), |input| reading.bytes(input))?;
        if is_too_large(&bytes) || picture.slot % 5 == 4 {
            reading.refuse(picture.slot, &bytes[..bytes.len().min(512)]);
        } else {
            reading.put(picture.slot, &image);
        }
    }
    Ok(reading.finish()?.0)
}

fn judge(result: nibble::Result<Dataset>) -> bool {
    match result {
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

/// Whether it is a data set.
pub fn read(bytes: &[u8]) -> bool {
    let (name, bytes) = bytes.split_first().map_or((0, bytes), |(name, rest)| (usize::from(*name), rest));
    judge(gathered(NAMES[name % NAMES.len()], bytes.to_vec()))
}

/// Whether it is a data set, as a file of that format.
pub fn read_as(format: &Format, bytes: &[u8]) -> bool {
    judge(gathered(format.file, (format.whole)(bytes)))
}
