//! What budgets of bits reach.

use std::fmt::Write as _;
use std::path::Path;

use super::{MISSING, figures, logs, spread, tested, title};
use crate::log::Log;
use crate::rows::{Results, Table};

/// The way that gives every layer the same.
const UNIFORM: &str = "uniform";

/// Percent of the images kept aside, mean over seeds, and of the test set with each; none before all runs are made.
#[derive(Default)]
struct Reached {
    kept_aside: f64,
    tested: Vec<f64>,
}

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

/// What budgets of bits reach, a line a way and two columns a budget: accuracy on the images kept aside, mean over seeds,
/// and on the test set. Under it, what the way that is best on the images kept aside reaches at the cost of uniform bits.
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
        let reached = |way: &str, budget: &str| -> Result<Option<Reached>, String> {
            let name = format!("{way}-{budget}");
            let Some(variant) = row.variants.iter().find(|variant| variant.name == name) else {
                return Ok(None);
            };
            let of = |logs: Vec<Log>| Reached {
                kept_aside: spread(&tested(&logs)).0,
                tested: logs.iter().filter_map(|log| log.tested).collect(),
            };
            Ok(Some(logs(root, row, variant)?.map(of).unwrap_or_default()))
        };
        let line = |way: &&str| budgets.iter().map(|budget| reached(way, budget)).collect();
        let lines = ways.iter().map(line).collect::<Result<Vec<Vec<_>>, String>>()?;

        text += &title(row);
        let heads: String =
            budgets.iter().map(|budget| format!(" {budget} bits: kept aside | test |")).collect();
        let _ = writeln!(text, "| bits by |{heads}\n| --- |{}", " ---: |".repeat(2 * budgets.len()));
        for (way, line) in ways.iter().zip(&lines) {
            let _ = write!(text, "| {way} |");
            for reached in line {
                text += &match reached {
                    None => " | |".into(),
                    Some(reached) if reached.tested.is_empty() => format!(" {MISSING} | |"),
                    Some(Reached { kept_aside, tested }) => {
                        format!(" {kept_aside:.2} | {} |", figures(tested))
                    }
                };
            }
            text += "\n";
        }

        for (column, budget) in budgets.iter().enumerate() {
            let here = ways.iter().zip(&lines).filter_map(|(way, line)| Some((*way, line[column].as_ref()?)));
            let here: Vec<_> = here.collect();
            if here.iter().any(|(_, reached)| reached.tested.is_empty()) {
                continue;
            }
            let Some((_, uniform)) = here.iter().find(|(way, _)| *way == UNIFORM) else { continue };
            let others = here.iter().filter(|(way, _)| *way != UNIFORM);
            let best = others.max_by(|(_, a), (_, b)| a.kept_aside.total_cmp(&b.kept_aside));
            let Some((way, best)) = best else { continue };
            let gains: Vec<_> = best.tested.iter().zip(&uniform.tested).map(|(a, b)| a - b).collect();
            let (gain, deviation) = spread(&gains);
            let _ = writeln!(
                text,
                "\nChosen on the images kept aside, at the cost of {budget} bits for all: `{way}`. On the test set \
                 {gain:+.2} ± {deviation:.2} points against uniform bits."
            );
        }
    }
    Ok(text)
}
