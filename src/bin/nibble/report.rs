//! What is told of a run while it trains.

use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

use clap::{Arg, ArgAction};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use nibble::checkpoint::Epoch;
use nibble::metrics::Event;
use nibble::run::Run;
use serde_json::json;

use crate::problem::{Result, note, say};

/// Of commands that tell in JSON too.
pub fn json() -> Arg {
    Arg::new("json").long("json").action(ArgAction::SetTrue).help("Print lines of JSON and nothing else")
}

/// A bar, where somebody looks.
pub fn bar(template: &str, json: bool) -> ProgressBar {
    let shown = !json && io::stderr().is_terminal();
    let target = if shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let style = ProgressStyle::with_template(template).expect("a valid template");
    ProgressBar::with_draw_target(None, target).with_style(style)
}

/// A bar where somebody looks, and a line an epoch.
pub struct Reporter {
    json: bool,
    bar: ProgressBar,
    epochs: u32,
    epoch_began: Instant,
}

impl Reporter {
    /// `done`: steps of the run so far.
    pub fn new(run: &Run, done: usize, json: bool) -> Self {
        let (steps, epochs) = (u64::from(run.info().steps_per_epoch), run.config().epochs);
        let bar = bar("{wide_bar} step {pos} of {len}, {msg}, {eta} left", json);
        bar.set_length(steps * u64::from(epochs));
        bar.set_position(done as u64);
        // Time left is told from the steps that are done now.
        bar.reset_eta();
        bar.enable_steady_tick(Duration::from_secs(1));
        Self { json, bar, epochs, epoch_began: Instant::now() }
    }

    /// # Errors
    /// Where the standard output cannot be written to.
    pub fn event(&mut self, event: &Event) -> Result<()> {
        match event {
            Event::Step(step) => {
                self.bar
                    .set_message(format!("epoch {} of {}, loss {:.3}", step.epoch, self.epochs, step.loss));
                self.bar.set_position(step.global_step);
            }
            Event::Evaluate { epoch, done, total } | Event::Average { epoch, done, total } => {
                self.bar
                    .set_message(format!("epoch {epoch} of {}, test image {done} of {total}", self.epochs));
            }
            Event::Bits { step, bits } => {
                let line = match self.json {
                    true => json!(event).to_string(),
                    false => format!("after step {step}: bits {bits}"),
                };
                return self.bar.suspend(|| say(line));
            }
            Event::Reestimate { epoch, done, total } => {
                self.bar
                    .set_message(format!("epoch {epoch} of {}, statistics {done} of {total}", self.epochs));
            }
            Event::Epoch(report) => {
                // With --exact the run's own clock stands still.
                let secs =
                    if report.secs > 0.0 { report.secs } else { self.epoch_began.elapsed().as_secs_f64() };
                self.epoch_began = Instant::now();
                let epoch =
                    serde_json::from_value(json!(report)).expect("a report has the figures of its epoch");
                let line = self.epoch_line(&epoch, secs);
                return self.bar.suspend(|| say(line));
            }
            Event::Finished { .. } => {}
        }
        Ok(())
    }

    fn epoch_line(&self, epoch: &Epoch, secs: f64) -> String {
        if self.json {
            let mut line = json!(epoch);
            line["kind"] = "epoch".into();
            line["secs"] = secs.into();
            return line.to_string();
        }
        format!("{}, {secs:.1} s", epoch_text(epoch, self.epochs))
    }

    /// A note, above the bar.
    pub fn note(&self, sentence: &str) {
        self.bar.suspend(|| note(sentence));
    }
}

impl Drop for Reporter {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// The figures of an epoch in a line.
pub fn epoch_text(epoch: &Epoch, epochs: u32) -> String {
    let percent = |share: f64| format!("{:.1} %", 100.0 * share);
    let average = epoch.average.map_or(String::new(), |average| {
        format!(", averaged {:.4}, {}", average.test_loss, percent(average.test_accuracy))
    });
    format!(
        "epoch {} of {epochs}: training loss {:.4}, {}; test loss {:.4}, {}{average}",
        epoch.epoch,
        epoch.train_loss,
        percent(epoch.train_accuracy),
        epoch.test_loss,
        percent(epoch.test_accuracy),
    )
}

/// Says rows in columns.
///
/// # Errors
/// Where the standard output cannot be written to.
pub fn table(rows: impl Iterator<Item = Vec<String>>) -> Result<()> {
    let rows: Vec<_> = rows.collect();
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width =
        |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<_> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    rows.iter().try_for_each(|row| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        say(cells.collect::<Vec<_>>().join("  ").trim_end())
    })
}
