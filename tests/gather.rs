//! Sets as people have them: folders, archives, arrays and tables, read as other programs read them, and everything that
//! cannot be read named for what it is.

use std::collections::BTreeSet;
use std::io::{Cursor, Write};
use std::path::Path;
use std::rc::Rc;

use image::{DynamicImage, ImageFormat, RgbImage};
use nibble::data::{Dataset, DatasetKind, Decoder, Gathering, IMAGE_BYTES, LeftOut, Picture, Split};
use nibble::{Error, Result};
use proptest::prelude::*;

#[path = "support/cases.rs"]
mod cases;
#[allow(dead_code)]
#[path = "support/data.rs"]
mod data;
// As the command line decodes them.
#[allow(dead_code)]
#[path = "../src/bin/nibble/pictures.rs"]
mod pictures;
#[allow(dead_code)]
#[path = "../src/bin/nibble/problem.rs"]
mod problem;

type File = (String, Vec<u8>);

/// Reads files, and decodes their pictures.
fn read_with(files: &[File], set: impl FnOnce(&mut Gathering)) -> Result<(Dataset, Vec<LeftOut>)> {
    let mut gathering = Gathering::new(Decoder { name: "the test" });
    files.iter().for_each(|(path, bytes)| gathering.add(path, Rc::new(bytes.clone())));
    set(&mut gathering);
    let mut reading = gathering.plan(&mut |_| {})?;
    while let Some(Picture { slot, input, bytes }) = reading.next_picture()? {
        let bytes = input.map_or(Ok(bytes), |input| reading.bytes(input))?;
        match pictures::planes(&bytes) {
            Some(planes) => reading.put(slot, &planes),
            None => reading.refuse(slot, &bytes[..bytes.len().min(512)]),
        }
    }
    reading.finish()
}

fn read(files: &[File]) -> Result<(Dataset, Vec<LeftOut>)> {
    read_with(files, |_| {})
}

/// The message of what is refused.
#[track_caller]
fn refused(files: &[File]) -> String {
    match read(files) {
        Ok((dataset, _)) => panic!("{} was read: {:?}", dataset.name, dataset.notes),
        Err(error) => error.to_string(),
    }
}

/// A picture of one colour, which the number tells.
fn colour(number: usize) -> [u8; 3] {
    [(number * 37) as u8, (number * 91) as u8, (number * 13 + 5) as u8]
}

fn encoded(number: usize, format: ImageFormat) -> Vec<u8> {
    let picture = RgbImage::from_pixel(40, 30, image::Rgb(colour(number)));
    let mut bytes = Cursor::new(Vec::new());
    DynamicImage::ImageRgb8(picture).write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn png(number: usize) -> Vec<u8> {
    encoded(number, ImageFormat::Png)
}

/// Which picture an image is.
fn number(image: &[u8]) -> usize {
    let of = |number: &usize| (0..3).all(|c| image[c * 1024] == colour(*number)[c]);
    (0..256).find(of).expect("a colour of the test's")
}

/// The class and the number of each image of a split.
fn shown(dataset: &Dataset, split: &Split) -> Vec<String> {
    (0..split.len())
        .map(|at| format!("{} {}", dataset.classes[usize::from(split.label(at))], number(split.image(at))))
        .collect()
}

fn files(paths: &[(&str, usize)]) -> Vec<File> {
    paths.iter().map(|&(path, number)| (path.into(), png(number))).collect()
}

fn text(path: &str, text: &str) -> File {
    (path.into(), text.into())
}

fn zip(files: &[File]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (path, bytes) in files {
        archive.start_file(path.as_str(), zip::write::SimpleFileOptions::default()).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

fn tar(files: &[File]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (path, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        archive.append_data(&mut header, path, bytes.as_slice()).unwrap();
    }
    archive.into_inner().unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

const PUBLISHED: [(&str, usize); 6] = [
    ("cifar10/train/cat/1.png", 1),
    ("cifar10/train/cat/2.png", 2),
    ("cifar10/train/dog/1.png", 3),
    ("cifar10/train/dog/2.png", 4),
    ("cifar10/test/cat/1.png", 5),
    ("cifar10/test/dog/1.png", 6),
];

#[test]
fn arrays_tables_and_archives_are_read_as_their_own_programs_read_them() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/readers");
    let expected: serde_json::Value =
        serde_json::from_slice(&std::fs::read(folder.join("expected.json")).unwrap()).unwrap();
    let expected = expected.as_object().unwrap();
    assert_eq!(expected.len(), 12);
    for (name, wanted) in expected {
        let (set, _) = read(&[(name.clone(), std::fs::read(folder.join(name)).unwrap())]).expect(name);
        let classes: Vec<&str> =
            wanted["classes"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
        assert_eq!(set.classes, classes, "{name}");
        let fingerprint = wanted["fingerprint"].as_str();
        let found = |split: &Split| -> Vec<(u64, u64)> {
            let sum = |image: &[u8]| u64::from(crc32fast::hash(image));
            (0..split.len()).map(|at| (split.label(at).into(), sum(split.image(at)))).collect()
        };
        let wanted = |part: &str| -> Vec<(u64, u64)> {
            let images = wanted[part].as_array().unwrap().iter();
            images.map(|image| (image[0].as_u64().unwrap(), image[1].as_u64().unwrap())).collect()
        };
        if wanted("test").is_empty() {
            // Some are held out.
            let mut all = [found(&set.train), found(&set.test)].concat();
            let mut right = wanted("train");
            all.sort_unstable();
            right.sort_unstable();
            assert_eq!(all, right, "{name}");
        } else {
            assert_eq!(found(&set.train), wanted("train"), "{name}, training");
            assert_eq!(found(&set.test), wanted("test"), "{name}, test");
            assert_eq!(Some(set.fingerprint()), fingerprint, "{name}");
        }
    }
}

#[test]
fn parts_as_published_are_kept_from_a_folder_and_from_every_archive() {
    let published = files(&PUBLISHED);
    let (folder, left) = read(&published).unwrap();
    assert_eq!(folder.notes, ["Read as 2 classes; train and test as given."]);
    assert!(left.is_empty());
    assert_eq!((folder.kind, folder.name.as_str()), (DatasetKind::Images, "cifar10"));
    assert_eq!(shown(&folder, &folder.train), ["cat 1", "cat 2", "dog 3", "dog 4"]);
    assert_eq!(shown(&folder, &folder.test), ["cat 5", "dog 6"]);
    let tar = tar(&published);
    for (name, bytes) in
        [("a.zip", zip(&published)), ("a.tgz", gzip(&tar)), ("a.gz.gz", gzip(&gzip(&tar))), ("a.tar", tar)]
    {
        let (set, _) = read(&[(name.into(), bytes)]).expect(name);
        assert_eq!(set.fingerprint(), folder.fingerprint(), "{name}");
    }
    // In any order, and beside the archive that it was unpacked from.
    let mut twice = published.clone();
    twice.reverse();
    twice.push(("cifar10.zip".into(), zip(&published)));
    assert_eq!(read(&twice).unwrap().0.fingerprint(), folder.fingerprint());
}

#[test]
fn what_systems_leave_is_passed_over_and_the_rest_is_listed() {
    let mut all = files(&PUBLISHED);
    for junk in [
        "__MACOSX/cifar10/train/cat/._1.png",
        "cifar10/.ipynb_checkpoints/1.png",
        "cifar10/@eaDir/1.png",
        "cifar10/train/cat/Thumbs.db",
    ] {
        all.push((junk.into(), b"x".to_vec()));
    }
    all.push(("cifar10/cover.png".into(), png(9)));
    all.push(("cifar10/thesis.pdf".into(), b"%PDF-1.7".to_vec()));
    all.push(text("cifar10/labels.txt", "cat\ndog\n"));
    let (set, left) = read(&all).unwrap();
    assert_eq!(set.notes[0], "Read as 2 classes; train and test as given; 2 files left out.");
    let left: BTreeSet<&str> = left.iter().map(|left| left.path.as_str()).collect();
    assert_eq!(left, BTreeSet::from(["cifar10/cover.png", "cifar10/thesis.pdf"]));
}

#[test]
fn kaggle_has_its_labels_in_a_table() {
    let mut all = files(&[
        ("c/train/1.png", 1),
        ("c/train/2.png", 2),
        ("c/train/3.png", 3),
        ("c/train/4.png", 4),
        ("c/test/1.png", 5),
    ]);
    all.push(text("c/trainLabels.csv", "id,label\n1,frog\n2,cat\n3,frog\n4,cat\n"));
    all.push(text("c/sampleSubmission.csv", "id,label\n1,cat\n"));
    let (set, left) = read(&all).unwrap();
    assert_eq!(set.classes, ["cat", "frog"]);
    let all = [shown(&set, &set.train), shown(&set, &set.test)].concat();
    assert_eq!(
        BTreeSet::from_iter(all.iter().map(String::as_str)),
        BTreeSet::from(["cat 2", "cat 4", "frog 1", "frog 3"])
    );
    assert_eq!(
        (left.len(), left[0].path.as_str(), left[0].why.as_str()),
        (1, "c/test/1.png", "without a label")
    );
}

#[test]
fn what_cannot_be_decoded_is_told_by_class_and_kind() {
    let heic = |path: &str| (path.to_owned(), b"\0\0\0\x18ftypheic".to_vec());
    let mut all =
        files(&[("p/cats/1.png", 1), ("p/cats/2.png", 2), ("p/owls/1.png", 3), ("p/owls/2.png", 4)]);
    all.extend([
        heic("p/dogs/1.HEIC"),
        heic("p/dogs/2.HEIC"),
        ("p/owls/3.jpg".into(), b"<html>404".to_vec()),
        ("p/owls/4.png".into(), png(5)[..60].to_vec()),
    ]);
    // Without an ending, and with another's.
    all.push(("p/cats/3".into(), png(6)));
    all.push(("p/cats/4.png".into(), encoded(7, ImageFormat::Bmp)));
    let (set, left) = read(&all).unwrap();
    assert_eq!(set.classes, ["cats", "owls"]);
    assert_eq!(set.train.len() + set.test.len(), 6);
    assert_eq!(left.len(), 4);
    let notes = set.notes.join("\n");
    for part in [
        "dogs: all 2 are HEIC, which the test cannot read.",
        "owls: 1 left out, damaged PNG (4.png).",
        "owls: 1 left out, a web page",
        "to train on: dogs.",
    ] {
        assert!(notes.contains(part), "{part} is not in {notes}");
    }
    all.retain(|(path, _)| !path.contains("owls"));
    let message = refused(&all);
    assert!(message.contains("found one, cats. dogs: all 2 are HEIC"), "{message}");
}

#[test]
fn strangers_beside_batches_and_copies_of_them() {
    let record = |label: u8| [vec![label], vec![label; IMAGE_BYTES]].concat();
    let batch: Vec<u8> = (0..20).flat_map(|i| record(i % 10)).collect();
    let batches = [("b/data_batch_1.bin".to_owned(), batch.clone()), ("b/test_batch.bin".to_owned(), batch)];
    let mut all = batches.to_vec();
    all.push(("b/loss.png".into(), png(1)));
    all.push(("b.tar.gz".into(), gzip(&tar(&batches))));
    let (set, left) = read(&all).unwrap();
    assert_eq!((set.kind, set.train.len(), set.test.len()), (DatasetKind::Cifar10, 20, 20));
    assert_eq!(set.notes.last().unwrap(), "Passed over beside the batches: loss.png.");
    assert_eq!(left.len(), 1);
}

#[test]
fn what_is_no_data_set_is_named_with_what_to_do() {
    for (name, bytes, parts) in [
        ("a.tar.bz2", b"BZh91AY".as_slice(), ["a bzip2 archive", "unpack it"]),
        ("a.tar.xz", b"\xfd7zXZ\0\0", ["an xz archive", "unpack it"]),
        ("a.tar.gz", b"<!DOCTYPE html><html>", ["a web page", "download it again"]),
        ("a.tgz", b"version https://git-lfs.github.com/spec/v1\n", ["a Git LFS pointer", "git lfs pull"]),
        ("a.mat", b"MATLAB 7.3 MAT-file, Platform", ["HDF5", "-v7"]),
        ("a.npz", b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", ["no file", ""]),
    ] {
        let message = refused(&[(name.into(), bytes.to_vec())]);
        assert!(parts.iter().all(|part| message.contains(part)), "{name}: {message}");
    }
    let one = refused(&files(&[("set/cats/1.png", 1), ("set/cats/2.png", 2)]));
    assert!(
        one.contains("one folder for each class") && one.contains("found one class only")
            || one.contains("2 pictures in one folder"),
        "{one}"
    );
    assert!(!one.contains("CIFAR"), "{one}");
}

#[test]
fn a_damaged_zip_archive_is_named() {
    let whole = include_bytes!("fixtures/readers/floats.npz");
    let list = whole.windows(4).position(|four| four == b"PK\x01\x02").unwrap();
    // The checksum and the size in its list.
    for (at, found) in [(16, "another checksum"), (24, "the archive says")] {
        let mut other = whole.to_vec();
        other[list + at] ^= 1;
        let message = refused(&[("a.npz".into(), other)]);
        assert!(
            message.starts_with("a.npz: expected a whole archive of at most 4 GB") && message.contains(found),
            "{message}"
        );
    }
}

#[test]
fn a_thousand_classes_and_not_one_more() {
    let of = |classes: usize| -> Vec<File> {
        let tiny = png(1);
        (0..classes).flat_map(|class| [1, 2].map(|i| (format!("s/{class}/{i}.png"), tiny.clone()))).collect()
    };
    assert_eq!(read(&of(1000)).unwrap().0.classes.len(), 1000);
    assert_eq!(refused(&of(1001)), "s: expected at most 1000 classes, found 1001");
}

#[test]
fn what_does_not_fit_is_refused_before_it_is_read_and_a_sample_may_be_taken() {
    let all: Vec<File> = (0..60).map(|i| (format!("s/{}/{i}.png", ["a", "b"][i % 2]), png(i))).collect();
    let room = 40 * (IMAGE_BYTES + 2);
    let result = read_with(&all, |gathering| gathering.set_room(room));
    let message = result.unwrap_err().to_string();
    assert_eq!(message, "s: expected at most 40 images, which is what there is room for, found 60");
    let (set, _) = read_with(&all, |gathering| {
        gathering.set_room(room);
        gathering.set_sample(40);
    })
    .unwrap();
    assert_eq!(set.train.len() + set.test.len(), 40);
    assert!(set.notes[0].contains("a sample of 40 of 60"), "{:?}", set.notes);
    let members =
        |class| set.train.labels.iter().chain(&set.test.labels).filter(|label| **label == class).count();
    assert_eq!([members(0), members(1)], [20, 20]);
}

/// An array as numpy saves it.
fn npy(shape: &str, bytes: &[u8]) -> Vec<u8> {
    npy_of("|u1", shape, bytes)
}

fn npy_of(dtype: &str, shape: &str, bytes: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{dtype}', 'fortran_order': False, 'shape': ({shape}), }}\n");
    [b"\x93NUMPY\x01\0".as_slice(), &(header.len() as u16).to_le_bytes(), header.as_bytes(), bytes].concat()
}

/// An array of texts: four bytes a letter, or one.
fn npy_of_texts(texts: &[&str], wide: bool) -> Vec<u8> {
    let width = texts.iter().map(|text| text.chars().count()).max().unwrap();
    let mut bytes = Vec::new();
    for text in texts {
        let letters = text.chars().map(u32::from).chain(std::iter::repeat(0)).take(width);
        letters.for_each(|letter| bytes.extend(&letter.to_le_bytes()[..if wide { 4 } else { 1 }]));
    }
    let dtype = if wide { format!("<U{width}") } else { format!("|S{width}") };
    npy_of(&dtype, &format!("{},", texts.len()), &bytes)
}

#[test]
fn texts_of_arrays_are_labels_or_names_of_classes() {
    let images: Vec<u8> = (0..40).flat_map(|i| colour(i).repeat(1024)).collect();
    let images = ("data.npy".to_owned(), npy("40, 32, 32, 3", &images));
    let numbers: Vec<u8> = (0..40).map(|i| i % 2).collect();
    let target = ("target.npy".to_owned(), npy("40,", &numbers));
    let words: Vec<&str> = (0..40).map(|i| if i % 2 == 1 { "dachs" } else { "fuchs ☘" }).collect();
    let plain: Vec<&str> = words.iter().map(|word| &word[..5]).collect();
    let labels = |texts: &[&str], wide| ("y.npy".to_owned(), npy_of_texts(texts, wide));
    let files: Vec<String> = (0..40).map(|i| format!("{i}.png")).collect();
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    let names = ("target_names.npy".to_owned(), npy_of_texts(&["up", "down"], true));
    let objects = ("meta.npy".to_owned(), npy_of("|O", "3,", b"\x80\x04."));
    let paths = ("filenames.npy".to_owned(), npy_of_texts(&files, true));
    for (members, classes) in [
        (vec![images.clone(), target.clone(), names.clone()], ["up", "down"]),
        (vec![names, images.clone(), target.clone()], ["up", "down"]),
        (vec![images.clone(), labels(&words, true)], ["dachs", "fuchs ☘"]),
        (vec![images.clone(), labels(&plain, false)], ["dachs", "fuchs"]),
        (vec![images, target, objects, paths], ["0", "1"]),
    ] {
        let (set, _) = read(&[("set.npz".to_owned(), zip(&members))]).unwrap();
        assert_eq!(set.classes, classes);
        // Odd numbers are of class 1, or of dachs.
        let odd = usize::from(classes[0] != "dachs");
        for split in [&set.train, &set.test] {
            for at in 0..split.len() {
                let is_odd = usize::from(split.label(at)) == odd;
                assert_eq!(number(split.image(at)) % 2 == 1, is_odd, "{classes:?}");
            }
        }
    }
    let message = refused(&[("meta.npy".to_owned(), npy_of("|O", "3,", b"\x80\x04."))]);
    assert!(message.contains("expected a .npy array of numbers, found its header"), "{message}");
}

#[test]
fn a_column_of_the_table_parts_the_set() {
    let pictures = (0..20).map(|i| (format!("week3/images/{i}.png"), png(i)));
    let rows: Vec<String> =
        (0..20).map(|i| format!("{i},{},{}", i % 2, if i % 5 < 2 { "test" } else { "train" })).collect();
    let table =
        ("week3/labels.csv".to_owned(), format!("id,class,split\n{}\n", rows.join("\n")).into_bytes());
    let (set, _) = read(&pictures.chain([table]).collect::<Vec<_>>()).unwrap();
    assert_eq!((set.train.len(), set.test.len()), (12, 8));
    assert!(set.notes[0].contains("labels from a table; train and test as given"), "{:?}", set.notes);
}

#[test]
fn of_arrays_a_sample_may_be_taken_too() {
    let images: Vec<u8> = (0..60).flat_map(|i| colour(i).repeat(1024)).collect();
    let labels: Vec<u8> = (0..60).map(|i| i % 2).collect();
    let all = zip(&[
        ("x_train.npy".into(), npy("40, 32, 32, 3", &images[..40 * IMAGE_BYTES])),
        ("y_train.npy".into(), npy("40, 1", &labels[..40])),
        ("x_test.npy".into(), npy("20, 32, 32, 3", &images[40 * IMAGE_BYTES..])),
        ("y_test.npy".into(), npy("20,", &labels[40..])),
    ]);
    let file = [("colours.npz".to_owned(), all)];
    let room = 30 * (IMAGE_BYTES + 2);
    let error = read_with(&file, |gathering| gathering.set_room(room)).unwrap_err();
    assert!(matches!(error, Error::Room { most: 30, found: 60, .. }), "{error}");
    let (set, _) = read_with(&file, |gathering| {
        gathering.set_room(room);
        gathering.set_sample(30);
    })
    .unwrap();
    assert_eq!((set.train.len(), set.test.len()), (20, 10));
    assert!(set.notes.contains(&"A sample of 30 of 60 images.".to_owned()), "{:?}", set.notes);
    for split in [&set.train, &set.test] {
        let even = (0..split.len()).filter(|&at| split.label(at) == 0).count();
        assert_eq!(2 * even, split.len());
        assert!((0..split.len()).all(|at| number(split.image(at)) % 2 == usize::from(split.label(at))));
    }
}

/// The files of the fixtures and of the fuzzers' corpus, which the name tells apart where the content does not.
fn samples() -> Vec<File> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let of = |folder: &str| {
        std::fs::read_dir(here.join(folder)).unwrap().map(|file| file.unwrap().path()).collect::<Vec<_>>()
    };
    let mut all: Vec<File> = of("tests/fixtures/readers")
        .into_iter()
        .filter(|path| path.extension().is_some_and(|ending| ending != "py" && ending != "json"))
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read(path).unwrap()))
        .collect();
    all.extend(
        of("tests/fixtures/pickles")
            .into_iter()
            .filter(|path| path.extension().is_some_and(|e| e == "pickle"))
            .map(|path| ("data".to_owned(), std::fs::read(path).unwrap())),
    );
    all.sort();
    all
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Hostile input: any bytes overwritten, inserted, removed or repeated. Whatever comes of it is a data set or an error,
    /// never a panic.
    #[test]
    fn mutated_files_do_not_panic(
        which in any::<prop::sample::Index>(),
        edits in proptest::collection::vec((any::<u32>(), any::<u8>(), 0..4), 1..6),
        place in 0..3,
    ) {
        let all = samples();
        let (name, mut bytes) = all[which.index(all.len())].clone();
        for (at, byte, edit) in edits {
            // Headers are at the two ends: most edits go there.
            let at = at as usize % if place > 0 { bytes.len().min(300) } else { bytes.len() };
            let at = if place == 2 { bytes.len() - 1 - at } else { at };
            match edit {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                2 if bytes.len() > 1 => { bytes.remove(at); }
                _ => { let piece = bytes[at..bytes.len().min(at + usize::from(byte))].to_vec(); bytes.splice(at..at, piece); }
            }
        }
        if let Err(error) = read(&[(name, bytes)]) {
            let of_a_file = matches!(error, Error::Data { .. } | Error::Room { .. });
            prop_assert!(of_a_file, "{}", error);
        }
    }
}
