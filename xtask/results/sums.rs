//! docs/results/SHA256SUMS: the hash of every log, as `sha256sum -c` reads it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::log::sha256;
use crate::rows::{FOLDER, Results};

const FILE: &str = "SHA256SUMS";

/// The logs that are there, by their names from the folder of results, with their hashes.
fn present(root: &Path, results: &Results) -> Result<BTreeMap<String, String>, String> {
    let folder = root.join(FOLDER);
    let runs = results.rows.iter().flat_map(|row| row.variants.iter().flat_map(|variant| row.runs(variant)));
    let logs = runs.map(|(_, log)| log).chain(results.trials.iter().map(|trial| trial.log()));
    let there = logs.filter(|log| folder.join(log).is_file());
    there.map(|log| Ok((log.to_string_lossy().into_owned(), sha256(&folder.join(&log))?))).collect()
}

/// Writes them anew.
///
/// # Errors
/// A sentence, where a file cannot be read or written.
pub fn write(root: &Path, results: &Results) -> Result<(), String> {
    let lines = present(root, results)?.into_iter().map(|(log, sum)| format!("{sum}  {log}\n"));
    let path = root.join(FOLDER).join(FILE);
    fs::write(&path, lines.collect::<String>()).map_err(|error| format!("{}: {error}", path.display()))
}

/// Holds every log against its hash.
///
/// # Errors
/// A sentence that names the logs that were changed, are missing or have no hash.
pub fn check(root: &Path, results: &Results) -> Result<(), String> {
    let path = root.join(FOLDER).join(FILE);
    let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let listed: BTreeMap<_, _> = text
        .lines()
        .filter_map(|line| line.split_once("  "))
        .map(|(sum, log)| (log.to_owned(), sum.to_owned()))
        .collect();
    let present = present(root, results)?;
    let names = listed.keys().chain(present.keys());
    let mut wrong: Vec<_> = names.filter(|log| listed.get(*log) != present.get(*log)).cloned().collect();
    wrong.dedup();
    match wrong.is_empty() {
        true => Ok(()),
        false => Err(format!(
            "{}: expected the hashes of the logs, found others of {}",
            path.display(),
            wrong.join(", ")
        )),
    }
}
