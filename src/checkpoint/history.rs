//! What a run has reported so far: its curves.

use serde::{Deserialize, Serialize};

use crate::json;
use crate::metrics::{AverageReport, EpochReport, Event};

/// The reports of a run, from its first step on.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct History {
    /// Loss of each step.
    pub losses: Vec<f64>,
    /// The [`EpochReport`](crate::metrics::EpochReport) of each epoch, as JSON in a line.
    pub reports: Vec<String>,
    /// The steps after which bits changed, each with the bits from there on.
    pub bits: Vec<(u64, String)>,
    /// What a program that shows the run wants to find again; the others keep it as it is.
    pub notes: String,
}

/// An epoch in a few figures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Epoch {
    /// From 1.
    pub epoch: u32,
    /// The learning rate of its last step.
    pub lr: f64,
    /// Mean loss of its training steps, in nats.
    pub train_loss: f64,
    /// Share of training images classified rightly, as they were trained on.
    pub train_accuracy: f64,
    /// Mean loss on the whole test set, in nats.
    pub test_loss: f64,
    /// Share of the whole test set classified rightly.
    pub test_accuracy: f64,
    /// The same two with the averages of the weights; absent without averages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub average: Option<AverageReport>,
}

impl History {
    /// Adds what an event of the run reports.
    pub fn add(&mut self, event: &Event) {
        self.add_by(event, |report| serde_json::to_string(report).expect("keys are text"));
    }

    /// The same with a way of one's own to write a report as JSON.
    pub(crate) fn add_by(&mut self, event: &Event, json: impl FnOnce(&EpochReport) -> String) {
        match event {
            Event::Step(step) => self.losses.push(step.loss),
            Event::Epoch(report) => self.reports.push(json(report)),
            Event::Bits { step, bits } => self.bits.push((*step, bits.clone())),
            _ => {}
        }
    }

    /// The changes of bits as text: a line each, of the step and the bits.
    pub(super) fn bits_text(&self) -> String {
        self.bits.iter().map(|(step, bits)| format!("{step} {bits}\n")).collect()
    }

    /// The same from such text; a line of another form is left out.
    pub(super) fn read_bits(text: &str) -> Vec<(u64, String)> {
        let pairs = text.lines().filter_map(|line| line.split_once(' '));
        pairs.filter_map(|(step, bits)| Some((step.parse().ok()?, bits.to_owned()))).collect()
    }

    /// The epochs; a report that lacks a figure is left out.
    pub fn epochs(&self) -> Vec<Epoch> {
        self.reports.iter().filter_map(|report| json::read(report).ok()).collect()
    }
}
