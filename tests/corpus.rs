//! The fuzzers' corpus (tests/fuzz/corpus), read as they read it: what once was a fault stays none.

use std::fs;
use std::path::Path;

#[path = "../src/bin/nibble/address.rs"]
mod address;
#[path = "fuzz/bodies/settings.rs"]
mod body;
#[path = "fuzz/bodies/checkpoint.rs"]
mod checkpoint;
#[path = "fuzz/bodies/files.rs"]
mod dropped;
#[allow(dead_code)]
#[path = "../src/bin/nibble/problem.rs"]
mod problem;
#[allow(dead_code)]
#[path = "../src/bin/nibble/settings.rs"]
mod settings;

/// Reads every file of a target's; how many there are.
fn each(target: &str, mut read: impl FnMut(&[u8])) -> usize {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus").join(target);
    let mut files: Vec<_> = fs::read_dir(&folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    for file in &files {
        read(&fs::read(file).unwrap());
    }
    files.len()
}

#[test]
fn checkpoints() {
    let (mut opened, mut loaded) = (0, 0);
    let files = each("checkpoint", |bytes| {
        let [opens, loads] = checkpoint::read(bytes);
        opened += usize::from(opens);
        loaded += usize::from(loads);
    });
    println!("{files} files, {opened} opened, {loaded} loaded");
    assert!(files > opened && opened > 1, "{files} files, {opened} opened: the corpus reaches too little");
}

#[test]
fn addresses() {
    let mut taken = 0;
    let files = each("address", |bytes| taken += usize::from(body::address(bytes)));
    assert!(files > taken && taken > 2, "{files} files, {taken} taken: the corpus reaches too little");
}

#[test]
fn files_of_settings() {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("corpus.toml");
    let mut taken = 0;
    let files = each("settings", |bytes| taken += usize::from(body::toml(bytes, &file)));
    assert!(files > taken && taken > 2, "{files} files, {taken} taken: the corpus reaches too little");
}

#[test]
fn files_of_images() {
    let mut read = 0;
    let files = each("files", |bytes| read += usize::from(dropped::read(bytes)));
    assert!(files > read && read > 4, "{files} files, {read} read: the corpus reaches too little");
    let mut read = 0;
    for format in &dropped::FORMATS {
        let files = each(format.name, |bytes| read += usize::from(dropped::read_as(format, bytes)));
        assert!(files > 0, "{} has no corpus", format.name);
    }
    assert!(read > 10, "{read} read: the corpus reaches too little");
}
