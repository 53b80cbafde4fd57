//! A run's history as an event file of TensorBoard: the loss of each step, the figures of each epoch, and the histograms
//! of every layer's weights.

use prost::Message;
use serde_json::Value;

use super::{Artifact, Content, Network, Target, card};
use crate::registry::{Entry, told};
use crate::{Error, Result};

pub(super) const TARGET: Target = Target {
    entry: Entry {
        name: "tensorboard",
        label: told("TensorBoard"),
        about: told("The run's curves and the histograms of its weights, an event file in a folder"),
    },
    engine: false,
    images: false,
    whole: false,
    needs: "TensorBoard (pip install tensorboard)",
    run: "tensorboard --logdir \"{file}\"",
    write: |network| {
        let files = vec![(FILE, bytes(network)?)];
        Ok(Artifact { extension: "tensorboard", content: Content::Folder(files), notes: Vec::new() })
    },
};

/// TensorBoard looks for names with `tfevents` in them.
const FILE: &str = "events.out.tfevents.0000000000.nibble";

/// `Event` of event.proto; `what` is one of its alternatives.
#[derive(Clone, PartialEq, Message)]
struct Event {
    /// Seconds.
    #[prost(double, tag = "1")]
    wall_time: f64,
    #[prost(int64, tag = "2")]
    step: i64,
    #[prost(string, optional, tag = "3")]
    file_version: Option<String>,
    #[prost(message, optional, tag = "5")]
    summary: Option<Summary>,
}

/// `Summary` of summary.proto.
#[derive(Clone, PartialEq, Message)]
struct Summary {
    #[prost(message, repeated, tag = "1")]
    value: Vec<SummaryValue>,
}

#[derive(Clone, PartialEq, Message)]
struct SummaryValue {
    #[prost(string, tag = "1")]
    tag: String,
    #[prost(float, optional, tag = "2")]
    simple_value: Option<f32>,
    #[prost(message, optional, tag = "5")]
    histo: Option<Histogram>,
}

/// `HistogramProto` of histogram.proto.
#[derive(Clone, PartialEq, Message)]
struct Histogram {
    #[prost(double, tag = "1")]
    min: f64,
    #[prost(double, tag = "2")]
    max: f64,
    #[prost(double, tag = "3")]
    num: f64,
    #[prost(double, tag = "4")]
    sum: f64,
    #[prost(double, tag = "5")]
    sum_squares: f64,
    /// Upper end of each bucket.
    #[prost(double, repeated, tag = "6")]
    bucket_limit: Vec<f64>,
    #[prost(double, repeated, tag = "7")]
    bucket: Vec<f64>,
}

fn bytes(network: &Network) -> Result<Vec<u8>> {
    let story = network.story.as_ref().ok_or_else(|| Error::Data {
        file: "history".into(),
        expected: "a run that was trained".into(),
        found: "a network without one".into(),
    })?;
    let mut out = Vec::new();
    record(&mut out, &Event { file_version: Some("brain.Event:2".into()), ..Event::default() });
    let mut add = |at: usize, seconds: f64, value: Vec<SummaryValue>| {
        let summary = Some(Summary { value });
        record(&mut out, &Event { wall_time: seconds, step: at as i64, file_version: None, summary });
    };
    let reports = card::reports(network);
    let an_epoch = story.losses.len() / reports.len().max(1);
    // The clock of the run: steps of an epoch are told at its end alone, and share its time.
    let mut seconds = 0.0;
    for (epoch, report) in reports.iter().enumerate() {
        let whole = report["secs"].as_f64().unwrap_or(0.0);
        let first = epoch * an_epoch;
        for (i, loss) in story.losses[first..first + an_epoch].iter().enumerate() {
            let at = seconds + whole * (i + 1) as f64 / an_epoch as f64;
            add(first + i + 1, at, vec![scalar("loss/step", *loss)]);
        }
        seconds += whole;
        add(first + an_epoch, seconds, figures(report));
    }
    for (i, loss) in story.losses.iter().enumerate().skip(reports.len() * an_epoch) {
        add(i + 1, seconds, vec![scalar("loss/step", *loss)]);
    }
    Ok(out)
}

fn scalar(tag: impl Into<String>, value: f64) -> SummaryValue {
    SummaryValue { tag: tag.into(), simple_value: Some(value as f32), histo: None }
}

/// What the report of an epoch says.
fn figures(report: &Value) -> Vec<SummaryValue> {
    let mut values: Vec<SummaryValue> = [
        ("loss/training", &report["trainLoss"]),
        ("loss/test", &report["testLoss"]),
        ("accuracy/training", &report["trainAccuracy"]),
        ("accuracy/test", &report["testAccuracy"]),
        ("loss/test averaged", &report["average"]["testLoss"]),
        ("accuracy/test averaged", &report["average"]["testAccuracy"]),
        ("learning rate", &report["lr"]),
    ]
    .into_iter()
    .filter_map(|(tag, value)| Some(scalar(tag, value.as_f64()?)))
    .collect();
    for layer in report["layers"].as_array().into_iter().flatten() {
        let name = layer["name"].as_str().unwrap_or("layer");
        for (of, key) in [
            ("gradient norm", "gradNorm"),
            ("entropy in bits", "entropyBits"),
            ("share of flipped weights", "flippedShare"),
            ("share of saturated weights", "saturatedShare"),
            ("scale", "scale"),
        ] {
            values.extend(layer[key].as_f64().map(|value| scalar(format!("{of}/{name}"), value)));
        }
        for (of, key) in [("latent weights", "histogram"), ("rounded weights", "rounded")] {
            values.extend(histogram(format!("{of}/{name}"), &layer[key]));
        }
    }
    values
}

/// Equal buckets from `min` to `max`, as reports have them.
fn histogram(tag: String, report: &Value) -> Option<SummaryValue> {
    let (min, max) = (report["min"].as_f64()?, report["max"].as_f64()?);
    let bucket: Vec<f64> = report["counts"].as_array()?.iter().filter_map(Value::as_f64).collect();
    let width = (max - min) / bucket.len() as f64;
    let limit = |i: usize| if i + 1 == bucket.len() { max } else { min + width * (i + 1) as f64 };
    let bucket_limit = (0..bucket.len()).map(limit).collect();
    // Of a weight it is known in which bucket it is: its middle stands for it.
    let moment = |power: i32| {
        let term = |(i, count): (usize, &f64)| count * (min + width * (i as f64 + 0.5)).powi(power);
        bucket.iter().enumerate().map(term).sum()
    };
    let histo = Histogram {
        min,
        max,
        num: bucket.iter().sum(),
        sum: moment(1),
        sum_squares: moment(2),
        bucket_limit,
        bucket,
    };
    Some(SummaryValue { tag, simple_value: None, histo: Some(histo) })
}

/// A record of TensorFlow's format: length, its checksum, content, its checksum.
fn record(out: &mut Vec<u8>, event: &Event) {
    let content = event.encode_to_vec();
    let length = (content.len() as u64).to_le_bytes();
    out.extend(length);
    out.extend(masked(crc32c(&length)).to_le_bytes());
    out.extend(&content);
    out.extend(masked(crc32c(&content)).to_le_bytes());
}

fn masked(sum: u32) -> u32 {
    sum.rotate_right(15).wrapping_add(0xa282_ead8)
}

/// CRC-32C (Castagnoli), bit by bit: an event file has some hundred KB.
fn crc32c(bytes: &[u8]) -> u32 {
    let step = |sum: u32| if sum & 1 == 1 { sum >> 1 ^ 0x82f6_3b78 } else { sum >> 1 };
    !bytes.iter().fold(!0, |sum, byte| (0..8).fold(sum ^ u32::from(*byte), |sum, _| step(sum)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 3720, appendix B.4, and the catalogue's check value.
    #[test]
    fn the_checksum_is_castagnolis() {
        assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
    }
}
