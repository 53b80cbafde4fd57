//! What a run has reported so far: its curves.

use serde::{Deserialize, Serialize};

use crate::metrics::{AverageReport, EpochReport, Event};

/// The reports of a run, from its first step on.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct History {
    /// Loss of each step.
    pub losses: Vec<f64>,
    /// The [`EpochReport`](crate::metrics::EpochReport) of each epoch, as JSON in a line.
    pub reports: Vec<String>,
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
            _ => {}
        }
    }

    /// The epochs; a report that lacks a figure is left out.
    pub fn epochs(&self) -> Vec<Epoch> {
        self.reports.iter().filter_map(|report| serde_json::from_str(report).ok()).collect()
    }
}
