//! The tables of docs/RESULTS.md, and that of README.md.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use nibble::RunConfig;
use nibble::lower::{Op, Operation};
use nibble::model::{Description, Model};

use serde_json::{Map, Value, json};

use crate::log::Log;
use crate::rows::{FOLDER, Published, Results, Row, Table, Trial, Twin, Variant};

mod ablation;
mod budgets;
mod schemes;

pub use ablation::ablation;
pub use budgets::budgets;
pub use schemes::schemes;

/// What stands for a figure of a run that was not made yet.
const MISSING: &str = "not run yet";
/// Epochs over whose test accuracies the mean is held against a published log.
const SETTLED: std::ops::Range<usize> = 4..10;

/// Mean and standard deviation of a sample.
fn spread(values: &[f64]) -> (f64, f64) {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (mean, if values.len() > 1 { (squares / (count - 1.0)).sqrt() } else { 0.0 })
}

/// `92.41 ± 0.12 (92.30, 92.54, 92.39)`; what one value is says itself.
fn figures(values: &[f64]) -> String {
    let (mean, deviation) = spread(values);
    match values {
        [one] => format!("{one:.2}"),
        _ => {
            let each: Vec<_> = values.iter().map(|value| format!("{value:.2}")).collect();
            format!("{mean:.2} ± {deviation:.2} ({})", each.join(", "))
        }
    }
}

/// The logs of a variant, where every run of it came to its end.
fn logs(root: &Path, row: &Row, variant: &Variant) -> Result<Option<Vec<Log>>, String> {
    let mut logs = Vec::new();
    for (_, path) in row.runs(variant) {
        let path = root.join(FOLDER).join(path);
        if !path.is_file() {
            return Ok(None);
        }
        logs.push(Log::read(&path)?);
    }
    Ok(logs.iter().all(|log| log.finished).then_some(logs))
}

/// The rows: a line a variant.
///
/// # Errors
/// A sentence, where a log is damaged.
pub fn rows(root: &Path, results: &Results) -> Result<String, String> {
    let mut text = String::from(
        "| what | weights | seeds | epochs | training | test | mirrored too | goal | time an epoch | command |\n\
         | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |\n",
    );
    for row in results.rows.iter().filter(|row| row.table == Table::Rows) {
        for variant in &row.variants {
            let logs = logs(root, row, variant)?;
            let measured = logs.as_ref().map_or_else(|| format!("| {MISSING} | |"), |logs| measured(logs));
            let goal = goal(root, results, row, logs.as_deref().unwrap_or_default())?;
            let seconds = logs.as_deref().map_or(String::new(), |logs| format!("{:.0} s", seconds(logs)));
            let Variant { title, .. } = variant;
            let _ = writeln!(
                text,
                "| {} | {title} | {} | {measured} | {goal} | {seconds} | `{}` |",
                row.title,
                row.seeds,
                row.command(variant)
            );
        }
    }
    Ok(text)
}

/// The rows that were made, in few words.
///
/// # Errors
/// A sentence, where a log is damaged.
pub fn reached(root: &Path, results: &Results) -> Result<String, String> {
    let mut text = String::from(
        "| what | weights | epochs | seeds | test | command |\n| --- | --- | ---: | ---: | ---: | --- |\n",
    );
    for row in results.rows.iter().filter(|row| row.table == Table::Rows) {
        for variant in &row.variants {
            let Some(logs) = logs(root, row, variant)? else { continue };
            let (Variant { title, .. }, epochs, test) =
                (variant, logs[0].epochs.len(), figures(&tested(&logs)));
            let (what, seeds, command) = (&row.title, row.seeds, row.command(variant));
            let _ = writeln!(text, "| {what} | {title} | {epochs} | {seeds} | {test} | `{command}` |");
        }
    }
    Ok(text)
}

/// Epochs, and accuracies of their last: of training, of the test, and with mirrored images.
fn measured(logs: &[Log]) -> String {
    let mirrored: Vec<_> = logs.iter().filter_map(|log| log.mirrored).collect();
    let mirrored = if mirrored.len() == logs.len() { figures(&mirrored) } else { String::new() };
    format!("{} | {:.2} | {} | {mirrored}", logs[0].epochs.len(), trained(logs), figures(&tested(logs)))
}

/// Mean accuracy of training in the last epoch.
fn trained(logs: &[Log]) -> f64 {
    let train: Vec<_> = logs.iter().filter_map(|log| log.epochs.last()).map(|[train, _]| *train).collect();
    spread(&train).0
}

fn tested(logs: &[Log]) -> Vec<f64> {
    logs.iter().filter_map(Log::accuracy).collect()
}

/// Mean seconds of an epoch.
fn seconds(logs: &[Log]) -> f64 {
    let epochs: usize = logs.iter().map(|log| log.epochs.len()).sum();
    logs.iter().map(|log| log.seconds).sum::<f64>() / epochs as f64
}

/// What stands above a table of its own: what was trained, and how it is made again.
fn title(row: &Row) -> String {
    let command = row.command(&row.variants[0]);
    let seeds = if row.seeds == 1 { "seed" } else { "seeds" };
    format!("{}, {} {seeds}: `{command}`\n\n", row.title, row.seeds)
}

/// What a row is to reach, and whether it does; `logs` are those of its finished runs.
fn goal(root: &Path, results: &Results, row: &Row, logs: &[Log]) -> Result<String, String> {
    let verdict = |met: bool| if met { "met" } else { "not met" };
    let mean = (!logs.is_empty()).then(|| spread(&tested(logs)).0);
    if let Some(goal) = row.goal {
        let verdict = mean.map_or(String::new(), |mean| format!(": {}", verdict(mean >= goal)));
        return Ok(format!("{goal:.2}{verdict}"));
    }
    let Some(Twin { row: name, gap }) = &row.twin else { return Ok(String::new()) };
    let twin = results.rows.iter().find(|row| row.name == *name);
    let twin = twin.ok_or_else(|| format!("{}: expected the name of a row, found {name}", row.name))?;
    let lower = self::logs(root, twin, &twin.variants[0])?.map(|logs| spread(&tested(&logs)).0);
    Ok(match mean.zip(lower) {
        Some((mean, lower)) => {
            let above = mean - lower;
            format!("at most {gap:.2} above {name}, is {above:.2}: {}", verdict(above <= *gap))
        }
        None => format!("at most {gap:.2} above {name}"),
    })
}

/// The network of a run.
fn model(settings: &BTreeMap<String, String>, classes: usize) -> Result<Model, nibble::Error> {
    let mut config = RunConfig::default();
    settings.iter().try_for_each(|(key, text)| config.set(key, text))?;
    Model::new(&Description::preset(classes, config)?)
}

/// Arithmetic of a forward pass of an image: multiplications with an addition each.
fn multiply_adds(settings: &BTreeMap<String, String>, classes: usize) -> Result<u64, nibble::Error> {
    let model = model(settings, classes)?;
    let count = |operation: &Operation| match &operation.op {
        Op::Conv2d { weight, .. } => weight.values.len() * operation.shape[0] * operation.shape[1],
        Op::Linear { weight, .. } => weight.values.len(),
        _ => 0,
    };
    Ok(model.lower().operations.iter().map(|operation| count(operation) as u64).sum())
}

/// Operations to the accuracy reached: a step takes three times its forward pass, and a multiplication with its addition is
/// two.
///
/// # Errors
/// A sentence, where a log is damaged.
pub fn arithmetic(root: &Path, results: &Results) -> Result<String, String> {
    let mut text = String::from("| run | test | epochs | operations |\n| --- | ---: | ---: | ---: |\n");
    for Published { what, accuracy, epochs, operations } in &results.published {
        let _ = writeln!(text, "| {what} | {accuracy} | {epochs} | {operations:.1e} |");
    }
    for row in &results.rows {
        for variant in row.variants.iter().filter(|variant| variant.counted) {
            let Some(logs) = logs(root, row, variant)? else { continue };
            let (log, epochs) = (&logs[0], logs[0].epochs.len());
            let forward =
                multiply_adds(&log.settings, 10).map_err(|error| format!("{}: {error}", row.name))?;
            let operations = (6 * forward * log.images) as f64 * epochs as f64;
            let (mean, _) = spread(&tested(&logs));
            let _ = writeln!(
                text,
                "| {}, {} | {mean:.2} | {epochs} | {operations:.1e} |",
                row.title, variant.title
            );
        }
    }
    Ok(text)
}

/// Of rows that have a published log, the epochs side by side.
///
/// # Errors
/// A sentence, where a log is damaged.
pub fn references(root: &Path, results: &Results) -> Result<String, String> {
    let mut text = String::new();
    for row in &results.rows {
        let Some(reference) = &row.reference else { continue };
        let published = published(&root.join(reference))?;
        let mut found = Vec::new();
        for variant in &row.variants {
            match logs(root, row, variant)? {
                Some(logs) => found.push((variant, logs)),
                None => return Ok(text),
            }
        }
        text += "| epoch | published: training | ours | published: test |";
        found.iter().for_each(|(variant, _)| _ = write!(text, " {} |", variant.title));
        text += "\n| ---: | ---: | ---: | ---: |";
        text += &" ---: |".repeat(found.len());
        let epochs = found[0].1[0].epochs.len();
        let mean = |logs: &[Log], epoch: usize, of: usize| {
            logs.iter().map(|log| log.epochs[epoch][of]).sum::<f64>() / logs.len() as f64
        };
        for (epoch, [train, test]) in published.iter().enumerate().take(epochs) {
            let _ = write!(
                text,
                "\n| {} | {train:.2} | {:.2} | {test:.2} |",
                epoch + 1,
                mean(&found[0].1, epoch, 0)
            );
            found.iter().for_each(|(_, logs)| _ = write!(text, " {:.2} |", mean(logs, epoch, 1)));
        }
        let apart = (0..epochs).map(|epoch| (mean(&found[0].1, epoch, 0) - published[epoch][0]).abs());
        let settled = |of: &dyn Fn(usize) -> f64| SETTLED.map(of).sum::<f64>() / SETTLED.len() as f64;
        let _ = write!(
            text,
            "\n\nTraining accuracy lies at most {:.2} points from the published one. Mean test accuracy of epochs {} to {}: \
             published {:.2} %",
            apart.fold(0.0, f64::max),
            SETTLED.start + 1,
            SETTLED.end,
            settled(&|epoch| published[epoch][1]),
        );
        for (variant, logs) in &found {
            let _ = write!(text, ", {} {:.2} %", variant.title, settled(&|epoch| mean(logs, epoch, 1)));
        }
        text += ".\n";
    }
    Ok(text)
}

/// Of each epoch of a published log: accuracy of training and of the test, in percent.
fn published(path: &Path) -> Result<Vec<[f64; 2]>, String> {
    let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let line = |line: &str| {
        let cells: Vec<f64> = line.split(',').filter_map(|cell| cell.parse().ok()).collect();
        Some([*cells.get(3)?, *cells.get(5)?])
    };
    Ok(text.lines().skip(1).filter_map(line).collect())
}

/// What each recipe reached, as JSON by its name: mean accuracy, data set, epochs and seeds.
///
/// # Errors
/// A sentence, where a log is damaged.
pub fn recipes(root: &Path, results: &Results) -> Result<String, String> {
    let mut reached = Map::new();
    for row in &results.rows {
        for variant in &row.variants {
            let Some(recipe) = &variant.recipe else { continue };
            let Some(logs) = logs(root, row, variant)? else { continue };
            let (mean, _) = spread(&tested(&logs));
            // As exact as it is told.
            let accuracy = (mean * 100.0).round() / 1e4;
            let (data, epochs, seeds) = (&row.data, logs[0].epochs.len(), row.seeds);
            let told = json!({ "accuracy": accuracy, "data": data, "epochs": epochs, "seeds": seeds });
            reached.insert(recipe.clone(), told);
        }
    }
    Ok(format!("{:#}\n", Value::Object(reached)))
}

/// What was tried: a line a trial, in the order of the file.
///
/// # Errors
/// A sentence, where a log is missing or damaged.
pub fn trials(root: &Path, results: &Results) -> Result<String, String> {
    let mut text = String::from(
        "| trial | settings | epochs | training | held out | what it taught |\n| --- | --- | ---: | ---: | ---: | --- |\n",
    );
    for trial in &results.trials {
        let Trial { name, flags, taught } = trial;
        let log = Log::read(&root.join(FOLDER).join(trial.log()))?;
        let Some([train, test]) = log.epochs.last() else {
            return Err(format!("{name}: expected epochs in its log, found none"));
        };
        let epochs = log.epochs.len();
        let _ = writeln!(text, "| {name} | `{flags}` | {epochs} | {train:.2} | {test:.2} | {taught} |");
    }
    Ok(text)
}
