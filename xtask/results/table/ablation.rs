//! What is lost where a part of the method is left out.

use std::fmt::Write as _;
use std::path::Path;

use super::{MISSING, figures, logs, spread, tested, title, trained};
use crate::log::Log;
use crate::rows::{Results, Table};

/// A line a variant, the first of which has all parts: test accuracy of the last epoch beside what is published.
///
/// # Errors
/// A sentence, where a log is damaged.
pub fn ablation(root: &Path, results: &Results) -> Result<String, String> {
    let mut text = String::new();
    for row in results.rows.iter().filter(|row| row.table == Table::Ablation) {
        text += &title(row);
        text += "| what | published | lost there | training | test | lost here |\n| --- | ---: | ---: | ---: | ---: | ---: |\n";
        let whole = &row.variants[0];
        let mean = |logs: &[Log]| spread(&tested(logs)).0;
        let reached = logs(root, row, whole)?.map(|logs| mean(&logs));
        for variant in &row.variants {
            let published = variant.published.map_or(String::new(), |percent| format!("{percent:.2}"));
            let lost = |of: Option<f64>, left: Option<f64>| match of.zip(left) {
                Some((of, left)) if variant.name != whole.name => format!("{:.2}", of - left),
                _ => String::new(),
            };
            let there = lost(whole.published, variant.published);
            let found = match logs(root, row, variant)? {
                None => format!(" | {MISSING} |"),
                Some(logs) => {
                    let here = lost(reached, Some(mean(&logs)));
                    format!("{:.2} | {} | {here}", trained(&logs), figures(&tested(&logs)))
                }
            };
            let _ = writeln!(text, "| {} | {published} | {there} | {found} |", variant.title);
        }
    }
    Ok(text)
}
