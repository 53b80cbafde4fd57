//! One scheme beside another.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use nibble::Error;

use super::{MISSING, figures, logs, model, seconds, tested, title};
use crate::rows::{Results, Table};

/// A line a variant: test accuracy of the last epoch, kilobytes of the weights with all that it takes to tell them, and the
/// time that an epoch took.
///
/// # Errors
/// A sentence, where a log is damaged.
pub fn schemes(root: &Path, results: &Results) -> Result<String, String> {
    let mut text = String::new();
    for row in results.rows.iter().filter(|row| row.table == Table::Schemes) {
        text += &title(row);
        text += "| what is rounded | bits | weights | test | time an epoch |\n| --- | ---: | ---: | ---: | ---: |\n";
        for variant in &row.variants {
            let found = match logs(root, row, variant)? {
                None => format!(" | | {MISSING} |"),
                Some(logs) => {
                    let settings = &logs[0].settings;
                    let size = kilobytes(settings).map_err(|error| format!("{}: {error}", variant.name))?;
                    let (test, time) = (figures(&tested(&logs)), seconds(&logs));
                    format!("{} | {size:.1} KB | {test} | {time:.0} s", bits(settings))
                }
            };
            let _ = writeln!(text, "| {} | {found} |", variant.title);
        }
    }
    Ok(text)
}

/// Bits of what a variant rounds: of activations or gradients where it rounds them, else of weights.
fn bits(settings: &BTreeMap<String, String>) -> &str {
    let text = |key: &str| settings.get(key).map_or("", String::as_str);
    let rounds = |key: &str| !matches!(text(key), "" | "none");
    match () {
        _ if rounds("gradients") => text("gradbits"),
        _ if rounds("activations") => text("actbits"),
        _ if rounds("quantizer") => text("bits"),
        _ => "32",
    }
}

/// 1000 bytes, of the weights of a network of ten classes, with scales and codebooks.
fn kilobytes(settings: &BTreeMap<String, String>) -> Result<f64, Error> {
    let mut model = model(settings, 10)?;
    model.quantize();
    let weights = model.params().filter(|(_, param)| param.is_weight());
    Ok(weights.map(|(_, param)| param.bits()).sum::<usize>() as f64 / 8e3)
}
