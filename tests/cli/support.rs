//! What the tests of the command line share.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use nibble::RunConfig;
use nibble::checkpoint::Reader;
use nibble::data::IMAGE_BYTES;
use serde_json::Value;

/// Epochs of five steps, on the smallest network.
pub const TINY: &str = "train --train 160 --test 100 --batch 32 --model convnetjs_cifar10";
pub const OUT: &str = "run.nibble.safetensors";

/// An empty folder of a test's own.
pub fn folder(test: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cli").join(test);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

pub fn nibble(folder: &Path, arguments: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nibble"));
    command.args(arguments.split_whitespace()).current_dir(folder).env_remove("NIBBLE_DATA");
    command
}

/// What a command that has ended said.
pub struct Told {
    pub code: Option<i32>,
    pub out: Vec<String>,
    pub err: Vec<String>,
}

impl Told {
    pub fn by(output: Output) -> Self {
        let lines = |bytes: &[u8]| std::str::from_utf8(bytes).unwrap().lines().map(str::to_owned).collect();
        Self { code: output.status.code(), out: lines(&output.stdout), err: lines(&output.stderr) }
    }
}

pub fn tell(folder: &Path, arguments: &str) -> Told {
    Told::by(nibble(folder, arguments).output().unwrap())
}

/// The same, which ends well and says nothing besides.
pub fn done(folder: &Path, arguments: &str) -> Vec<String> {
    let Told { code, out, err } = tell(folder, arguments);
    assert_eq!((code, err), (Some(0), vec![]), "{arguments}");
    out
}

/// Refused in one sentence.
pub fn refused(folder: &Path, arguments: &str, code: i32, sentence: &str) {
    let told = tell(folder, arguments);
    assert_eq!(
        (told.code, &told.out, told.err.len()),
        (Some(code), &vec![], 1),
        "{arguments}: {:?}",
        told.err
    );
    assert!(
        told.err[0].starts_with("nibble: ") && told.err[0].contains(sentence),
        "{arguments}: {:?}",
        told.err
    );
}

pub fn settings(file: &Path) -> RunConfig {
    Reader::open("", File::open(file).unwrap()).unwrap().settings().unwrap()
}

pub fn files(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.collect();
    names.sort();
    names
}

/// Batches of CIFAR-10's form, of pixels that differ from image to image.
pub fn write_batches(folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    for (name, images) in [("data_batch_1.bin", 64), ("test_batch.bin", 10)] {
        let image = |i: usize| {
            let pixels = (0..IMAGE_BYTES).map(move |at| (at * (i + 3) % 251) as u8);
            std::iter::once((i % 10) as u8).chain(pixels)
        };
        fs::write(folder.join(name), (0..images).flat_map(image).collect::<Vec<_>>()).unwrap();
    }
}

/// A run that is ended by a signal once it has told of its first epoch.
#[cfg(unix)]
pub fn stopped(folder: &Path, arguments: &str, signal: &str) -> Told {
    let mut command = nibble(folder, &format!("{arguments} --json"));
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(out.by_ref().any(|line| line.unwrap().contains("\"epoch\":1")));
    let sent = Command::new("sh").args(["-c", &format!("kill -{signal} {}", child.id())]).status().unwrap();
    assert!(sent.success());
    let mut told = Told::by(child.wait_with_output().unwrap());
    told.out = out.map(Result::unwrap).collect();
    told
}

/// The lines that a command prints with `--json`.
pub fn json(folder: &Path, arguments: &str) -> Vec<Value> {
    let lines = done(folder, &format!("{arguments} --json"));
    lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect()
}
