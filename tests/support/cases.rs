//! The table of files that people have (tests/fixtures/readers/cases.py): each row as it would be dropped, and what is right.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use flate2::read::GzDecoder;
use nibble::data::Split;
use serde_json::Value;

use super::{File, read};

/// The files of each row, by its name.
fn rows() -> BTreeMap<String, Vec<File>> {
    let archive = std::fs::read(fixture("cases.tar.gz")).unwrap();
    let mut rows: BTreeMap<String, Vec<File>> = BTreeMap::new();
    for entry in tar::Archive::new(GzDecoder::new(archive.as_slice())).entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = entry.path().unwrap().to_string_lossy().into_owned();
        let (row, path) = path.split_once('/').expect("a folder a row");
        let (row, path) = (row.to_owned(), path.to_owned());
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        rows.entry(row).or_default().push((path, bytes));
    }
    rows
}

fn fixture(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/readers").join(name)
}

/// The CRC-32 of sorted lines of part, class and the CRC-32 of an image.
fn sum(parts: &[(&str, &Split)], classes: &[String]) -> u64 {
    let of = |(part, split): &(&str, &Split)| -> Vec<String> {
        let line = |at: usize| {
            let (class, crc) = (&classes[usize::from(split.label(at))], crc32fast::hash(split.image(at)));
            format!("{part} {class} {crc:08x}")
        };
        (0..split.len()).map(line).collect()
    };
    let mut lines: Vec<String> = parts.iter().flat_map(of).collect();
    lines.sort();
    crc32fast::hash(lines.join("\n").as_bytes()).into()
}

/// What is wrong with a row; nothing: it is as it should be.
fn judge(files: &[File], right: &Value) -> Vec<String> {
    let texts = |key: &str| -> Vec<&str> {
        right[key].as_array().into_iter().flatten().map(|text| text.as_str().unwrap()).collect()
    };
    let (set, left) = match (read(files), right["refused"].is_null()) {
        (Ok(read), true) => read,
        (Ok((set, _)), false) => return vec![format!("was read: {:?}", set.notes)],
        (Err(error), true) => return vec![format!("was refused: {error}")],
        (Err(error), false) => {
            let message = error.to_string();
            return texts("refused")
                .iter()
                .filter(|part| !message.contains(**part))
                .map(|part| format!("{part:?} is not in {message:?}"))
                .collect();
        }
    };
    let mut wrong = Vec::new();
    let mut same = |what: &str, found: String, wanted: String| {
        if found != wanted {
            wrong.push(format!("{what}: {found}, not {wanted}"));
        }
    };
    let given = |key: &str| right[key].as_u64().unwrap();
    same("classes", format!("{:?}", set.classes), format!("{:?}", texts("classes")));
    same("training images", set.train.len().to_string(), given("train").to_string());
    same("test images", set.test.len().to_string(), given("test").to_string());
    same("left out", left.len().to_string(), given("left").to_string());
    if let Some(wanted) = right["images"].as_u64() {
        let parts: [&[(&str, &Split)]; 2] =
            [&[("train", &set.train), ("test", &set.test)], &[("any", &set.train), ("any", &set.test)]];
        let found = parts.map(|parts| sum(parts, &set.classes));
        same("images", (found.contains(&wanted)).to_string(), "true".into());
    }
    let notes = set.notes.join(" ");
    for part in texts("notes").iter().filter(|part| !notes.contains(**part)) {
        wrong.push(format!("{part:?} is not in {notes:?}"));
    }
    wrong
}

#[test]
fn every_row_of_the_table_is_read_or_named() {
    let (rows, right) = (rows(), std::fs::read(fixture("cases.json")).unwrap());
    let right: BTreeMap<String, Value> = serde_json::from_slice(&right).unwrap();
    assert!(rows.keys().eq(right.keys()) && rows.len() > 60, "{} rows", rows.len());
    let mut wrong = Vec::new();
    for (name, files) in &rows {
        let right = right[name].get("native").unwrap_or(&right[name]);
        wrong.extend(judge(files, right).into_iter().map(|what| format!("{name}: {what}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
