//! The trained networks that come with the page.

use std::fs::{self, File};
use std::io::BufReader;
use std::path::Path;

use nibble::checkpoint::{Reader, SUFFIX};
use serde_json::{Value, json};

/// Where they are.
const FOLDER: &str = "www/networks";

/// What the page tells of each before it is fetched, by name: www/networks/index.json.
///
/// # Errors
/// A sentence, where one cannot be read or is no packed network whose epochs are done.
pub fn index(root: &Path) -> Result<String, String> {
    let entries = fs::read_dir(root.join(FOLDER)).map_err(|error| format!("{FOLDER}: {error}"))?;
    let mut names: Vec<_> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.ends_with(SUFFIX))
        .collect();
    names.sort();
    let told: Vec<Value> = names.iter().map(|name| entry(root, name)).collect::<Result<_, _>>()?;
    Ok(format!("{:#}\n", Value::Array(told)))
}

fn entry(root: &Path, name: &str) -> Result<Value, String> {
    let said = |problem: &dyn std::fmt::Display| format!("{FOLDER}/{name}: {problem}");
    let file = File::open(root.join(FOLDER).join(name)).map_err(|error| said(&error))?;
    let bytes = file.metadata().map_err(|error| said(&error))?.len();
    let reader = Reader::open(name, BufReader::new(file)).map_err(|error| said(&error))?;
    let about = reader.about();
    let last = about.epochs.last().filter(|_| about.packed);
    let last = last.ok_or_else(|| said(&"expected a packed network, found another file"))?;
    Ok(json!({
        "file": name,
        "bytes": bytes,
        "model": about.settings["model"],
        "kind": about.data.dataset_kind(),
        "images": about.data.images[1],
        "accuracy": last.test_accuracy,
    }))
}
