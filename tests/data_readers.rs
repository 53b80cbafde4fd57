//! The readers of CIFAR files: every official format, and everything that can be wrong with a file.
//!
//! The pickles under tests/fixtures were written by Python (make.py beside them).

use data::load;
use nibble::data::{DatasetKind, Decoder, Gathering, IMAGE_BYTES, Source};
use nibble::{Error, Result};
use proptest::prelude::*;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::rc::Rc;

#[allow(dead_code)]
#[path = "support/data.rs"]
mod data;

/// Image `i` of a batch numbered `batch`.
fn image(batch: usize, i: usize) -> Vec<u8> {
    (0..IMAGE_BYTES).map(|j| (batch * 97 + i * 31 + j * 7) as u8).collect()
}

/// A binary CIFAR-10 batch with the labels `0, 1, 2, ...`, and the bytes of its images.
fn cifar10(batch: usize, images: usize) -> Vec<u8> {
    (0..images).flat_map(|i| [vec![(i % 10) as u8], image(batch, i)].concat()).collect()
}

/// A binary CIFAR-100 batch with the fine labels `99, 98, ...`.
fn cifar100(batch: usize, images: usize) -> Vec<u8> {
    (0..images).flat_map(|i| [vec![(i % 20) as u8, (99 - i % 100) as u8], image(batch, i)].concat()).collect()
}

fn pickle(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/pickles").join(name);
    std::fs::read(path.with_extension("pickle")).expect(name)
}

fn tar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    let mut folder = tar::Header::new_gnu();
    folder.set_entry_type(tar::EntryType::Directory);
    folder.set_size(0);
    archive.append_data(&mut folder, "cifar", &[][..]).unwrap();
    for (name, bytes) in members {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        archive.append_data(&mut header, format!("cifar/{name}"), *bytes).unwrap();
    }
    archive.into_inner().unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// The error's file, what was expected and what was found, checked for the fragments given.
#[track_caller]
fn assert_wrong<T: std::fmt::Debug>(result: Result<T>, file: &str, expected: &str, found: &str) {
    match result {
        Err(Error::Data { file: f, expected: e, found: g }) => {
            assert!(f.contains(file), "file: \"{f}\" should name {file}");
            assert!(e.contains(expected), "expected: \"{e}\" should say {expected}");
            assert!(g.contains(found), "found: \"{g}\" should say {found}");
        }
        other => panic!("expected an error of {file}, got {other:?}"),
    }
}

#[test]
fn binary_cifar10_in_any_order() {
    let batches: Vec<Vec<u8>> = (0..6).map(|n| cifar10(n, 2 + n)).collect();
    let name = |n: usize| format!("folder/data_batch_{n}.bin");
    let mut prints = Vec::new();
    for order in [[1, 2, 3, 4, 5], [5, 4, 3, 2, 1], [3, 5, 1, 4, 2]] {
        let names = order.map(name);
        let mut files: Vec<(&str, &[u8])> = vec![("test_batch.bin", &batches[0])];
        files.extend(order.iter().zip(&names).map(|(&n, name)| (name.as_str(), batches[n].as_slice())));
        let set = load(&files).unwrap();
        assert_eq!((set.kind, set.train.len(), set.test.len()), (DatasetKind::Cifar10, 25, 2));
        assert_eq!(set.classes[9], "truck");
        assert!(set.notes.is_empty(), "{:?}", set.notes);
        assert_eq!(set.train.image(3), image(2, 0), "batch 2 follows the three images of batch 1");
        assert_eq!(set.train.label(24), 6);
        assert_eq!(set.test.image(1), image(0, 1));
        prints.push(set.fingerprint().to_owned());
    }
    prints.dedup();
    assert_eq!(prints.len(), 1, "the order of the files does not matter");
}

#[test]
fn binary_cifar100() {
    let (train, test) = (cifar100(1, 120), cifar100(2, 3));
    let set = load(&[("train.bin", &train), ("test.bin", &test)]).unwrap();
    assert_eq!((set.kind, set.train.len(), set.test.len()), (DatasetKind::Cifar100, 120, 3));
    assert_eq!((set.train.label(0), set.train.label(99)), (99, 0), "the fine label");
    assert_eq!(set.train.image(119), image(1, 119));
    assert_eq!((set.classes.len(), set.classes[99].as_str()), (100, "worm"));
}

#[test]
fn pickles_of_every_protocol() {
    let test = cifar10(0, 1);
    for name in [
        "cifar10-python2",
        "cifar10-protocol2-bytes",
        "cifar10-protocol2-str",
        "cifar10-protocol3-bytes",
        "cifar10-protocol3-str",
        "cifar10-protocol4-bytes",
        "cifar10-protocol4-str",
        "cifar10-protocol5-bytes",
        "cifar10-protocol5-str",
    ] {
        let set = load(&[("data_batch_1", &pickle(name)), ("test_batch.bin", &test)]).expect(name);
        assert_eq!(set.train.labels, [3, 9], "{name}");
        assert_eq!(set.train.images, [image(0, 0), image(0, 1)].concat(), "{name}");
    }
    for name in ["cifar100-python2", "cifar100-arrays"] {
        let set = load(&[("train", &pickle(name)), ("test.bin", &cifar100(0, 1))]).expect(name);
        assert_eq!(set.train.labels, [42, 99], "{name}");
        assert_eq!(set.train.images, [image(0, 0), image(0, 1)].concat(), "{name}");
    }
}

#[test]
fn archives_of_both_versions() {
    let batches: Vec<Vec<u8>> = (0..6).map(|n| cifar10(n, 2)).collect();
    let binary = tar(&[
        ("batches.meta.txt", b"a0\na1\na2\na3\na4\na5\na6\na7\na8\na9\n\n"),
        ("data_batch_2.bin", &batches[2]),
        ("data_batch_1.bin", &batches[1]),
        ("._data_batch_1.bin", b"left by a Mac"),
        ("data_batch_5.bin", &batches[5]),
        ("data_batch_4.bin", &batches[4]),
        ("data_batch_3.bin", &batches[3]),
        ("readme.html", b"<html>"),
        ("unknown.dat", b"?"),
        ("test_batch.bin", &batches[0]),
    ]);
    let from_gzip = load(&[("cifar-10-binary.tar.gz", &gzip(&binary))]).unwrap();
    let from_tar = load(&[("any name", &binary)]).unwrap();
    assert_eq!((from_gzip.train.len(), from_gzip.test.len()), (10, 2));
    assert_eq!(from_gzip.classes[3], "a3");
    assert_eq!(from_gzip.fingerprint(), from_tar.fingerprint());

    let python = tar(&[
        ("batches.meta", &pickle("meta10")),
        ("data_batch_1", &pickle("cifar10-python2")),
        ("test_batch", &pickle("cifar10-protocol4-bytes")),
    ]);
    let set = load(&[("cifar-10-python.tar.gz", &gzip(&python))]).unwrap();
    assert_eq!((set.train.labels.as_slice(), set.test.labels.as_slice()), (&[3, 9][..], &[3, 9][..]));
    assert_eq!(set.classes[3], "class 3");

    let python = tar(&[("train", &pickle("cifar100-python2")), ("test", &pickle("cifar100-arrays"))]);
    assert_eq!(load(&[("x.tgz", &gzip(&python))]).unwrap().kind, DatasetKind::Cifar100);
}

#[test]
fn a_single_compressed_batch() {
    let (train, test) = (cifar10(1, 40), cifar10(2, 1));
    let set = load(&[("data_batch_1.bin.gz", &gzip(&train)), ("test_batch.bin", &test)]).unwrap();
    assert_eq!(set.train.image(39), image(1, 39));
    assert_eq!(set.notes, ["Training batches read: 1 (the full set has 1 to 5)."]);
}

#[test]
fn names_as_a_second_download_leaves_them() {
    let (train, test) = (cifar10(1, 4), cifar10(6, 2));
    let files: [(&str, &[u8]); 2] = [("data_batch_1 (1).bin", &train), ("TEST_BATCH (12).BIN", &test)];
    let dataset = load(&files).unwrap();
    assert_eq!((dataset.train.len(), dataset.test.len()), (4, 2));
    let twice: [(&str, &[u8]); 2] = [("data_batch_1.bin", &train), ("data_batch_1 (1).bin", &train)];
    let once = load(&twice).unwrap();
    assert_eq!(once.train.len() + once.test.len(), 4, "the same batch twice is taken once");
    assert!(load(&[("data_batch_1 (a).bin", &train)]).is_err());
}

#[test]
fn without_a_test_batch_the_last_tenth_is_held_out() {
    let set = load(&[("train.bin", &cifar100(1, 50))]).unwrap();
    assert_eq!((set.train.len(), set.test.len()), (45, 5));
    assert_eq!(set.test.image(0), image(1, 45));
    assert_eq!(set.notes, ["No test batch: the last 5 of 50 training images are the test set."]);
    let set = load(&[("train.bin", &cifar100(1, 2))]).unwrap();
    assert_eq!((set.train.len(), set.test.len()), (1, 1));
    assert_wrong(load(&[("train.bin", &cifar100(1, 1))]), "train.bin", "a test batch", "one image");
}

#[test]
fn files_that_come_with_the_data_are_ignored() {
    let set = load(&[
        (".DS_Store", b"\0\0\0\x01Bud1"),
        ("cifar-100-binary/coarse_label_names.txt", b"fish\n"),
        ("readme.html", b"<html>"),
        ("train.bin", &cifar100(1, 2)),
    ]);
    assert_eq!(set.unwrap().train.len(), 1);
    assert_wrong(load(&[("readme.html", b"<html>")]), "readme.html", "CIFAR's batches", "a web page");
}

#[test]
fn an_empty_drop() {
    assert_wrong(load(&[]), "no data set", "pictures in a folder for each class", "no file");
}

#[test]
fn only_a_test_batch() {
    let result = load(&[("test_batch.bin", &cifar10(0, 3))]);
    assert_wrong(result, "test_batch.bin", "a training batch", "only a test batch");
}

#[test]
fn wrong_lengths() {
    let batch = cifar10(1, 3);
    let longer = [batch.as_slice(), &[1]].concat();
    let one = |name: &str, bytes: &[u8]| load(&[(name, bytes)]);
    assert_wrong(one("data_batch_1.bin", &longer), "data_batch_1.bin", "records of 3073 bytes", "9220 bytes");
    assert_wrong(one("data_batch_1.bin", &batch[..9000]), "data_batch_1.bin", "3073", "9000 bytes");
    assert_wrong(one("train.bin", &batch), "train.bin", "records of 3074 bytes (2 labels", "9219 bytes");
    assert_wrong(one("data_batch_1.bin", &[]), "data_batch_1.bin", "3073", "0 bytes");
    assert_wrong(one("data_batch_1.bin.gz", &gzip(&longer)), "data_batch_1.bin.gz", "3073", "9220 bytes");
    assert_wrong(
        one("data_batch_1.bin.gz", &gzip(&[])),
        "data_batch_1.bin.gz",
        "3073",
        "its end after 0 bytes",
    );
}

#[test]
fn labels_out_of_range() {
    let mut batch = cifar10(1, 3);
    batch[2 * 3073] = 10;
    let result = load(&[("data_batch_2.bin", &batch)]);
    assert_wrong(result, "data_batch_2.bin", "CIFAR-10 labels from 0 to 9", "label 10 in record 3");
    let mut batch = cifar100(1, 3);
    batch[3074 + 1] = 100;
    assert_wrong(load(&[("train.bin", &batch)]), "train.bin", "0 to 99", "label 100 in record 2");
    batch[3074] = 20;
    assert_wrong(load(&[("train.bin", &batch)]), "train.bin", "0 to 19", "label 20 in record 2");
    let result = load(&[("data_batch_1", &pickle("bad-label"))]);
    assert_wrong(result, "data_batch_1", "0 to 9", "label 10 of image 2");
}

#[test]
fn duplicates_and_mixtures() {
    let (ten, hundred) = (cifar10(1, 3), cifar100(1, 3));
    let other = cifar10(7, 3);
    let twice = load(&[("a/data_batch_1.bin", &ten), ("b/data_batch_1.bin", &other)]);
    assert_wrong(twice, "b/data_batch_1.bin", "every batch once", "another than a/data_batch_1.bin");
    let both = load(&[("data_batch_1.bin", &ten), ("data_batch_1", &pickle("cifar10-python2"))]);
    assert_wrong(both, "data_batch_1", "every batch once", "another than data_batch_1");
    let mixed = load(&[("data_batch_1.bin", &ten), ("test.bin", &hundred)]);
    assert_wrong(mixed, "test.bin", "CIFAR-10 as in data_batch_1.bin", "CIFAR-100");
    let mixed = load(&[("train.bin", &hundred), ("test_batch", &pickle("cifar10-python2"))]);
    assert_wrong(mixed, "train.bin", "CIFAR-10 as in test_batch", "CIFAR-100");
}

#[test]
fn unrelated_files() {
    let one = |name: &str, bytes: &[u8]| load(&[(name, bytes)]);
    let wanted = "pictures in a folder";
    assert_wrong(one("cifar.zip", b"PK\x03\x04...."), "cifar.zip", "a whole zip archive", "");
    assert_wrong(
        one("notes.md", b"hello"),
        "notes.md",
        wanted,
        "a text that begins with \"hello\" (5 bytes)",
    );
    assert_wrong(one("empty", b""), "empty", wanted, "an empty file");
    assert_wrong(
        one("model.pkl", &pickle("meta10")),
        "model.pkl",
        wanted,
        "a pickle without images and labels",
    );
    let archive = gzip(&tar(&[("main.c", b"int main;"), ("a.h", b"")]));
    assert_wrong(one("linux.tar.gz", &archive), "linux.tar.gz/cifar/main.c", wanted, "and 1 more files");
    assert_wrong(
        one("cat.png", b"\x89PNG\r\n\x1a\nrest"),
        "pictures",
        "one folder for each class",
        "1 pictures in one",
    );
}

#[test]
fn corrupt_archives() {
    let batches: Vec<Vec<u8>> = (0..3).map(|n| cifar10(n, 5)).collect();
    let plain = tar(&[("data_batch_1.bin", &batches[1]), ("test_batch.bin", &batches[0])]);
    let packed = gzip(&plain);
    let one = |bytes: &[u8]| load(&[("cifar.tar.gz", bytes)]);
    for cut in [11, 300, packed.len() / 2, packed.len() - 9, packed.len() - 1] {
        assert_wrong(one(&packed[..cut]), "cifar.tar.gz", "a whole archive", "its end in the middle");
    }
    let mut checksum = packed.clone();
    let at = checksum.len() - 8;
    checksum[at] ^= 1;
    assert_wrong(one(&checksum), "cifar.tar.gz", "a whole archive", "checksum");
    let mut deflate = packed.clone();
    deflate[10] = 0xff;
    assert_wrong(one(&deflate), "cifar.tar.gz", "a whole archive", "corrupt");
    // Without compression: the member is too short.
    let cut = load(&[("cifar.tar", &plain[..2000])]);
    assert_wrong(cut, "cifar.tar", "", "its end in the middle");
}

#[test]
fn an_archive_that_unpacks_without_end() {
    // Members of a gzip file may follow each other: 65 times 64 MB of zeros.
    let zeros = gzip(&vec![0; 64 << 20]);
    let bomb = [gzip(&tar(&[("data_batch_1.bin", &cifar10(1, 1))])), zeros.repeat(65)].concat();
    let result = load(&[("bomb.tar.gz", &bomb)]);
    assert_wrong(result, "bomb.tar.gz", "at most 4 GB", "more than 4 GB");
}

#[test]
fn corrupt_pickles() {
    let one = |bytes: &[u8]| load(&[("data_batch_1", bytes)]);
    let good = pickle("cifar10-python2");
    for cut in [2, 20, 100, 3000, good.len() - 1] {
        assert_wrong(one(&good[..cut]), "data_batch_1", "a whole pickle", "");
    }
    let bad = |name: &str| one(&pickle(name));
    assert_wrong(bad("bad-object"), "data_batch_1", "numpy arrays", "builtins.complex");
    assert_wrong(bad("bad-count"), "data_batch_1", "data of 3 images", "shape [2, 3072]");
    assert_wrong(
        bad("bad-keys"),
        "data_batch_1",
        "labels (CIFAR-10) or fine_labels (CIFAR-100)",
        "a dictionary of 1 with images",
    );
    // A string that claims 4 GB, a pop of nothing, a list that holds itself, an unknown opcode.
    let claim = b"\x80\x02T\xff\xff\xff\x7f";
    assert_wrong(one(claim), "data_batch_1", "a whole pickle", "2147483647 bytes where 0 are left");
    assert_wrong(one(b"\x80\x02a."), "data_batch_1", "", "takes more from its stack");
    assert_wrong(one(b"\x80\x02]q\x00h\x00a."), "data_batch_1", "dictionary", "a list of 1");
    assert_wrong(one(b"\x80\x02P1\n."), "data_batch_1", "", "opcode 0x50");
    assert_wrong(one(b"\x80\x02h\x07."), "data_batch_1", "", "recalls number 7");
    // More opcodes than a batch has.
    let endless = [b"\x80\x02".as_slice(), &[b'N'; 1_100_000]].concat();
    assert_wrong(one(&endless), "data_batch_1", "", "more than 1000000 opcodes");
}

#[test]
fn wrong_numbers_of_class_names() {
    let batch = cifar10(1, 3);
    let result = load(&[("data_batch_1.bin", &batch), ("batches.meta.txt", b"cat\ndog\n")]);
    assert_wrong(result, "batches.meta.txt", "10 names", "2 names");
    let result = load(&[("train.bin", &cifar100(1, 3)), ("meta", &pickle("meta10"))]);
    assert_wrong(result, "meta", "100 names", "10 names");
    let binary = [0xff; 100];
    let result = load(&[("data_batch_1.bin", &batch), ("batches.meta.txt", &binary)]);
    assert_wrong(result, "batches.meta.txt", "class names", "no text");
}

/// A file that gives a few bytes at a time and fails in the end if told to.
struct Dripping {
    bytes: Vec<u8>,
    size: u64,
    drip: usize,
}

impl Source for Dripping {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let len = self.drip.min(buffer.len());
        match self.bytes.read_at(offset, &mut buffer[..len])? {
            0 => Err(io::Error::other("the disk is gone")),
            read => Ok(read),
        }
    }
}

fn drip(name: &str, file: Dripping) -> nibble::Result<nibble::data::Dataset> {
    let mut gathering = Gathering::new(Decoder { name: "nobody" });
    gathering.add("test_batch.bin", Rc::new(cifar10(0, 1)));
    gathering.add(name, Rc::new(file));
    Ok(gathering.plan(&mut |_| {})?.finish()?.0)
}

#[test]
fn a_reader_that_fails() {
    let batch = cifar10(1, 30);
    for (name, bytes) in
        [("data_batch_1.bin", batch.clone()), ("cifar.tar", tar(&[("data_batch_1.bin", &batch)]))]
    {
        let size = bytes.len() as u64;
        let result = drip(name, Dripping { bytes: bytes[..bytes.len() / 2].to_vec(), size, drip: 999 });
        assert_wrong(result, name, "a readable file", "the disk is gone");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_batch_reads_back(
        labels in proptest::collection::vec(0u8..10, 1..40),
        fill in any::<u64>(),
        dripping in 1usize..8000,
        packing in 0..3,
    ) {
        let mut state = fill;
        let mut noise = || { state = state.wrapping_mul(6364136223846793005).wrapping_add(1); (state >> 56) as u8 };
        let images: Vec<u8> = (0..labels.len() * IMAGE_BYTES).map(|_| noise()).collect();
        let records = labels.iter().zip(images.chunks(IMAGE_BYTES));
        let batch: Vec<u8> = records.flat_map(|(&label, image)| [&[label], image].concat()).collect();
        let (name, bytes) = match packing {
            0 => ("data_batch_1.bin", batch),
            1 => ("data_batch_1.bin.gz", gzip(&batch)),
            _ => ("archive", gzip(&tar(&[("data_batch_1.bin", &batch)]))),
        };
        let set = drip(name, Dripping { size: bytes.len() as u64, bytes, drip: dripping }).unwrap();
        prop_assert!(set.train.labels.iter().copied().eq(labels.into_iter().map(u16::from)));
        prop_assert_eq!(set.train.images, images);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    /// Hostile input: any bytes overwritten, inserted, removed or repeated. Whatever comes of it is a data
    /// set or an error, never a panic; the sanitised size of what is allocated is bounded by the file's.
    #[test]
    fn mutated_files_do_not_panic(
        which in 0usize..6,
        edits in proptest::collection::vec((any::<u32>(), any::<u8>(), 0..4), 1..6),
        early in any::<bool>(),
    ) {
        let (name, mut bytes) = match which {
            0 => ("data_batch_1", pickle("cifar10-python2")),
            1 => ("data_batch_1", pickle("cifar10-protocol2-bytes")),
            2 => ("data_batch_1", pickle("cifar10-protocol5-str")),
            3 => ("train", pickle("cifar100-arrays")),
            4 => ("a.tar", tar(&[("data_batch_1", &pickle("cifar10-protocol4-str"))])),
            _ => ("a.tar.gz", gzip(&tar(&[("train", &pickle("cifar100-python2")), ("meta", &pickle("meta10"))]))),
        };
        for (at, byte, edit) in edits {
            // The opcodes are at the two ends: most edits go there.
            let at = at as usize % if early { bytes.len().min(256) } else { bytes.len() };
            let at = if early && byte & 1 == 1 { bytes.len() - 1 - at } else { at };
            match edit {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                2 => { bytes.remove(at); }
                _ => { let piece = bytes[at..bytes.len().min(at + usize::from(byte))].to_vec(); bytes.splice(at..at, piece); }
            }
        }
        if let Err(error) = load(&[(name, &bytes)]) {
            let of_a_file = matches!(error, Error::Data { .. } | Error::Room { .. });
            prop_assert!(of_a_file, "{}", error);
        }
    }

    /// Programs of plausible opcodes in any order.
    #[test]
    fn random_pickles_do_not_panic(program in proptest::collection::vec(opcode(), 0..200)) {
        let bytes = [b"\x80\x04".as_slice(), &program.concat(), b"."].concat();
        let _ = load(&[("data_batch_1", &bytes)]);
    }
}

/// One opcode with its argument.
fn opcode() -> impl Strategy<Value = Vec<u8>> {
    let plain = proptest::sample::select(b"(N\x88\x89})]t\x85\x86\x87aesu\x94\x93Rb".to_vec());
    let text = proptest::sample::select(vec![
        "numpy", "dtype", "ndarray", "u1", "C", "data", "labels", "_codecs", "encode",
    ]);
    let class = proptest::sample::select(vec![
        "numpy.core.multiarray\n_reconstruct\n",
        "numpy.core.numeric\n_frombuffer\n",
        "numpy\nndarray\n",
        "numpy\ndtype\n",
        "_codecs\nencode\n",
        "builtins\nbytes\n",
    ]);
    prop_oneof![
        6 => plain.prop_map(|opcode| vec![opcode]),
        2 => text.prop_map(|text| [&[0x8c, text.len() as u8], text.as_bytes()].concat()),
        2 => class.prop_map(|class| [b"c", class.as_bytes()].concat()),
        2 => any::<u8>().prop_map(|value| vec![b'K', value % 8]),
        2 => any::<u8>().prop_map(|key| vec![b'h', key % 16]),
        1 => any::<u8>().prop_map(|key| vec![b'q', key % 16]),
        1 => (0u8..20).prop_map(|len| [vec![b'C', len], vec![7; usize::from(len)]].concat()),
    ]
}

/// The folder with the real data, as `NIBBLE_DATA`: cifar-10-batches-bin, cifar-10-batches-py,
/// cifar-100-binary, cifar-100-python and the four archives they came in; any of them may be missing.
fn real_data() -> Option<PathBuf> {
    let folder = std::env::var_os("NIBBLE_DATA").map(PathBuf::from);
    if folder.is_none() {
        println!(
            "not run: needs NIBBLE_DATA (folder with cifar-10-batches-bin, cifar-10-binary.tar.gz, ...)"
        );
    }
    folder
}

#[test]
fn the_official_data_reads_the_same_from_every_form() {
    let Some(folder) = real_data() else { return };
    // Figures of the data sets' description, and CIFAR-10's known mean of the training pixels.
    for (kind, sources, mean) in [
        (
            DatasetKind::Cifar10,
            [
                "cifar-10-batches-bin",
                "cifar-10-batches-py",
                "cifar-10-binary.tar.gz",
                "cifar-10-python.tar.gz",
            ],
            Some([0.491_399_68, 0.482_158_41, 0.446_530_91]),
        ),
        (
            DatasetKind::Cifar100,
            ["cifar-100-binary", "cifar-100-python", "cifar-100-binary.tar.gz", "cifar-100-python.tar.gz"],
            None,
        ),
    ] {
        let mut prints: Vec<String> = Vec::new();
        for source in sources {
            let path = folder.join(source);
            let files = match std::fs::read_dir(&path) {
                Ok(entries) => entries.map(|entry| entry.unwrap().path()).collect(),
                Err(_) if path.is_file() => vec![path.clone()],
                Err(_) => {
                    println!("not run: needs {} in NIBBLE_DATA", source);
                    continue;
                }
            };
            let start = std::time::Instant::now();
            let read: Vec<(String, Vec<u8>)> = files
                .iter()
                .map(|file| {
                    (file.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read(file).unwrap())
                })
                .collect();
            let files: Vec<(&str, &[u8])> =
                read.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
            let set = load(&files).unwrap();
            println!("{source}: {} in {:.2} s", set.fingerprint(), start.elapsed().as_secs_f32());
            assert_eq!((set.kind, set.train.len(), set.test.len()), (kind, 50_000, 10_000));
            assert!(set.notes.is_empty(), "{:?}", set.notes);
            assert_eq!(set.classes, kind.class_names());
            assert_eq!(set.train.images.capacity(), 50_000 * IMAGE_BYTES, "no memory beside the images");
            let per_class = 10_000 / set.classes.len();
            let count =
                |class: usize| set.test.labels.iter().filter(|&&label| usize::from(label) == class).count();
            assert!((0..set.classes.len()).all(|class| count(class) == per_class), "balanced classes");
            if let Some(mean) = mean {
                for (c, expected) in mean.into_iter().enumerate() {
                    let planes = set.train.images.chunks(1024).skip(c).step_by(3);
                    let sum: u64 = planes.flatten().map(|&v| u64::from(v)).sum();
                    let found = sum as f64 / 255.0 / (50_000.0 * 1024.0);
                    assert!((found - expected).abs() < 1e-6, "mean of channel {c}: {found}");
                }
            }
            prints.push(set.fingerprint().to_owned());
        }
        prints.dedup();
        assert!(prints.len() <= 1, "{kind:?} differs by source: {prints:?}");
    }
}
