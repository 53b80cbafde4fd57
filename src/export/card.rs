//! What there is to say of a network in words: facts for the model card and the page of one file.

use serde_json::Value;

use super::Network;
use crate::lower::Op;
use crate::settings;

/// Quantile of the standard normal distribution for an interval of 95 %.
const Z: f64 = 1.96;

/// The last epoch's share of test images classified rightly, with its interval of 95 %.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Accuracy {
    pub share: f64,
    pub interval: [f64; 2],
}

impl Accuracy {
    /// Wilson's interval for a share of so many images.
    pub fn new(share: f64, images: usize) -> Self {
        let n = images.max(1) as f64;
        let centre = share + Z * Z / (2.0 * n);
        let half = Z * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
        let scale = 1.0 + Z * Z / n;
        Self { share, interval: [(centre - half) / scale, (centre + half) / scale] }
    }

    /// As a sentence has it.
    pub fn text(&self) -> String {
        let [low, high] = self.interval.map(|share| 100.0 * share);
        format!("{:.2} % (95 % interval {low:.2} to {high:.2} %)", 100.0 * self.share)
    }
}

/// The reports of the epochs.
pub(super) fn reports(network: &Network) -> Vec<Value> {
    let lines = network.story.iter().flat_map(|story| &story.reports);
    lines.filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// That of the last epoch.
pub(super) fn accuracy(network: &Network) -> Option<Accuracy> {
    let share = reports(network).last()?["testAccuracy"].as_f64()?;
    Some(Accuracy::new(share, network.story.as_ref()?.images[1]))
}

/// Weights and biases.
pub(super) fn parameters(network: &Network) -> usize {
    let count = |op: &Op| match op {
        Op::Conv2d { weight, bias, .. } | Op::Linear { weight, bias } => weight.values.len() + bias.len(),
        Op::Affine { factor, offset } => factor.len() + offset.len(),
        _ => 0,
    };
    network.lowered.operations.iter().map(|operation| count(&operation.op)).sum()
}

/// Label and text of each fact.
pub(super) fn facts(network: &Network) -> Vec<(&'static str, String)> {
    let mut facts =
        vec![("Classes", network.classes.join(", ")), ("Parameters", parameters(network).to_string())];
    let Some(story) = &network.story else { return facts };
    let [train, test] = story.images;
    facts.push(("Data", format!("{}, {train} images to train on and {test} to test on", story.data)));
    if let Some(accuracy) = accuracy(network) {
        facts.push(("Test accuracy", accuracy.text()));
    }
    let epochs = story.reports.len();
    let images = format!("{epochs} epochs, {} steps", story.losses.len());
    facts.push(("Trained for", images));
    for key in [
        "model",
        "quantizer",
        "bits",
        "granularity",
        "activations",
        "layers",
        "optimizer",
        "lr",
        "batch",
        "seed",
    ] {
        let value = story.settings.get(key).filter(|value| !value.is_empty());
        if let (Some(value), Ok(setting)) = (value, settings::find(key)) {
            facts.push((setting.label, value.clone()));
        }
    }
    facts
}

/// Text between tags or within quotes of HTML.
pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
