//! What budgets of bits reach.

use std::fmt::Write as _;
use std::path::Path;

use super::{MISSING, figures, logs, tested, title};
use crate::rows::{Results, Table};

/// Each once, as they come.
fn distinct<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut all = Vec::new();
    for name in names {
        if !all.contains(&name) {
            all.push(name);
        }
    }
    all
}

/// What budgets of bits reach, a line a way and a column a budget: test accuracy of the last epoch, mean over seeds.
///
/// # Errors
/// A sentence, where a log is damaged.
pub fn budgets(root: &Path, results: &Results) -> Result<String, String> {
    let mut text = String::new();
    for row in results.rows.iter().filter(|row| row.table == Table::Budgets) {
        let names = || row.variants.iter().filter_map(|variant| variant.name.rsplit_once('-'));
        let mut budgets = distinct(names().map(|(_, budget)| budget));
        budgets.sort_by(|a, b| a.parse::<f64>().unwrap_or(0.0).total_cmp(&b.parse().unwrap_or(0.0)));
        let ways = distinct(names().map(|(way, _)| way));
        text += &title(row);
        let heads: String = budgets.iter().map(|budget| format!(" {budget} bits |")).collect();
        let _ = writeln!(text, "| bits by |{heads}\n| --- |{}", " ---: |".repeat(budgets.len()));
        for way in ways {
            let _ = write!(text, "| {way} |");
            for budget in &budgets {
                let name = format!("{way}-{budget}");
                let variant = row.variants.iter().find(|variant| variant.name == name);
                let logs = variant.map(|variant| logs(root, row, variant)).transpose()?;
                let told = match logs {
                    None => String::new(),
                    Some(None) => MISSING.into(),
                    Some(Some(logs)) => figures(&tested(&logs)),
                };
                let _ = write!(text, " {told} |");
            }
            text += "\n";
        }
    }
    Ok(text)
}
