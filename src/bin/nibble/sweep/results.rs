//! What a sweep found: a line a run as CSV, and means over seeds.

use std::fmt::Write;

use nibble::checkpoint::{About, Epoch};
use nibble::settings::SETTINGS;
use serde_json::{Map, Value, json};

use super::plan::Combination;
use crate::problem::{Result, say};
use crate::report::table;

/// A run of a sweep.
pub struct Item {
    /// Its combination's number.
    pub combination: usize,
    pub seed: u32,
    pub file: String,
    /// What its file says, where there is one.
    pub about: Option<About>,
    pub state: State,
}

#[derive(PartialEq)]
pub enum State {
    /// To be trained, from the start or on.
    Waiting,
    Finished,
    Diverged,
}

impl Item {
    /// The figures of the last epoch, of a run that has reached it.
    fn last(&self) -> Option<&Epoch> {
        self.about.as_ref()?.epochs.last().filter(|_| self.state == State::Finished)
    }
}

/// A cell, in quotes where it must be.
fn cell(text: &str) -> String {
    if text.contains([',', '"', '\n']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.into() }
}

/// A line a run, with every setting in a column.
pub fn csv(items: &[Item]) -> String {
    let settings: Vec<&str> = SETTINGS.iter().filter(|row| row.field.is_some()).map(|row| row.key).collect();
    let before = ["file", "state", "data", "train_images", "test_images", "images_crc32", "arithmetic"];
    let after = [
        "epoch",
        "train_loss",
        "train_accuracy",
        "test_loss",
        "test_accuracy",
        "average_test_loss",
        "average_test_accuracy",
    ];
    let head: Vec<&str> = before.into_iter().chain(settings.iter().copied()).chain(after).collect();
    let mut text = head.join(",") + "\n";
    for Item { file, about, state, .. } in items {
        let state = match state {
            State::Waiting => continue,
            State::Finished => "finished",
            State::Diverged => "diverged",
        };
        let Some(About { data, arithmetic, epochs, settings: texts, .. }) = about else { continue };
        let [train, test] = data.images.map(|count| count.to_string());
        let mut cells: Vec<&str> =
            vec![file, state, &data.name, &train, &test, &data.fingerprint, arithmetic];
        cells.extend(settings.iter().map(|key| texts.get(*key).map_or("", String::as_str)));
        let figures = epochs.last().map_or([const { String::new() }; 7], |epoch| {
            let average = |figure: fn(&nibble::metrics::AverageReport) -> f64| {
                epoch.average.as_ref().map_or(String::new(), |average| figure(average).to_string())
            };
            [
                epoch.epoch.to_string(),
                epoch.train_loss.to_string(),
                epoch.train_accuracy.to_string(),
                epoch.test_loss.to_string(),
                epoch.test_accuracy.to_string(),
                average(|average| average.test_loss),
                average(|average| average.test_accuracy),
            ]
        });
        cells.extend(figures.iter().map(String::as_str));
        let cells: Vec<_> = cells.into_iter().map(cell).collect();
        writeln!(text, "{}", cells.join(",")).expect("text takes everything");
    }
    text
}

/// Mean and, of several, standard deviation of a sample.
fn statistics(values: &[f64]) -> Option<(f64, Option<f64>)> {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (!values.is_empty()).then(|| (mean, (values.len() > 1).then(|| (squares / (count - 1.0)).sqrt())))
}

/// Says what each combination came to over its seeds, by the last epoch of each run.
///
/// # Errors
/// Where the standard output cannot be written to.
pub fn tell(combinations: &[Combination], items: &[Item], json: bool) -> Result<()> {
    let figures = |at: usize, figure: fn(&Epoch) -> f64| -> Vec<f64> {
        items.iter().filter(|item| item.combination == at).filter_map(Item::last).map(figure).collect()
    };
    let each = combinations.iter().enumerate().map(|(at, combination)| {
        let accuracies = figures(at, |epoch| epoch.test_accuracy);
        let losses = figures(at, |epoch| epoch.test_loss);
        (combination, losses.len(), statistics(&accuracies), statistics(&losses))
    });
    if json {
        let told = |figure: Option<(f64, Option<f64>)>| {
            figure.map(|(mean, deviation)| json!({ "mean": mean, "deviation": deviation }))
        };
        for (combination, seeds, accuracy, loss) in each {
            say(json!({
                "kind": "combination", "settings": settings(combination), "seeds": seeds, "testAccuracy": told(accuracy),
                "testLoss": told(loss),
            }))?;
        }
        return Ok(());
    }
    let told = |figure: Option<(f64, Option<f64>)>, factor: f64, digits: usize, unit: &str| match figure {
        None => "none".into(),
        Some((mean, None)) => format!("{:.digits$}{unit}", factor * mean),
        Some((mean, Some(deviation))) => {
            format!("{:.digits$} ± {:.digits$}{unit}", factor * mean, factor * deviation)
        }
    };
    let head = ["", "seeds", "test accuracy", "test loss"].map(String::from).to_vec();
    let row = |(combination, seeds, accuracy, loss): (&Combination, usize, _, _)| {
        vec![combination.label(), seeds.to_string(), told(accuracy, 100.0, 2, " %"), told(loss, 1.0, 4, "")]
    };
    say("")?;
    say("The last epoch of each run: mean, and standard deviation over seeds")?;
    table(std::iter::once(head).chain(each.map(row)))
}

/// What is varied, by key.
pub fn settings(combination: &Combination) -> Value {
    let varied = combination.varied.iter().map(|(key, text)| ((*key).to_owned(), text.as_str().into()));
    varied.collect::<Map<_, _>>().into()
}
