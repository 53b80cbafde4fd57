//! A run's network in integers alone, as exports have it, beside the network as it was trained.

use std::path::Path;

use nibble::data::{Dataset, IMAGE_BYTES, Normalize, Split};
use nibble::integer::{Integer, pixels};
use nibble::packed::PackedModel;
use nibble::run::Run;
use rayon::prelude::*;
use serde_json::json;

use crate::problem::{Result, note, say};

/// Training images by which ranges are chosen.
const CALIBRATION: usize = 256;

/// Training images from the whole of a split, at equal distances.
pub fn calibration(split: &Split) -> Vec<u8> {
    let count = split.len().min(CALIBRATION);
    let places = (0..count).map(|i| i * split.len() / count * IMAGE_BYTES);
    places.flat_map(|at| &split.images[at..at + IMAGE_BYTES]).copied().collect()
}

/// Tells how often both take test images for the same, and each one that they do not.
pub fn compare(file: &Path, run: &mut Run, is_json: bool) -> Result<()> {
    let Dataset { train, test, classes, .. } = &*run.dataset().clone();
    let network = run.network();
    let integer = Integer::new(&network.lowered, [network.mean, network.std], &calibration(train))?;
    let trained = PackedModel::new(&network.lowered, Normalize::new(network.mean, network.std));
    if !is_json {
        integer.notes.iter().for_each(note);
    }
    let answers: Vec<[usize; 2]> = (0..test.len())
        .into_par_iter()
        .map(|i| {
            let logits = integer.logits(&pixels(test.image(i)));
            [first_largest(&logits), first_largest(&trained.logits(&test.rgba(i)))]
        })
        .collect();

    let right = |which: usize| {
        let count =
            answers.iter().enumerate().filter(|(i, both)| both[which] == usize::from(test.label(*i))).count();
        count as f64 / test.len().max(1) as f64
    };
    let differing: Vec<_> = answers.iter().enumerate().filter(|(_, [a, b])| a != b).collect();
    let alike = test.len() - differing.len();
    if is_json {
        let others = differing.iter().map(|(i, [integers, trained])| {
            json!({ "index": i, "label": test.label(*i), "integers": integers, "asTrained": trained })
        });
        return say(json!({
            "kind": "integers", "file": file, "images": test.len(), "accuracy": right(0), "asTrained": right(1),
            "alike": alike, "others": others.collect::<Vec<_>>(),
        }));
    }
    for (i, [integers, trained]) in &differing {
        let [label, integers, trained] =
            [test.label(*i).into(), *integers, *trained].map(|class| &classes[class]);
        say(format!("test image {i}, {label}: {integers} in integers, {trained} as trained"))?;
    }
    let (images, [integers, trained]) = (test.len(), [0, 1].map(|which| 100.0 * right(which)));
    say(format!(
        "{images} test images: {integers:.2} % right in integers, {trained:.2} % as trained, the same answer to {alike}"
    ))
}

/// Index of the largest, of equals the first.
fn first_largest<T: Copy + PartialOrd>(values: &[T]) -> usize {
    (1..values.len()).fold(0, |best, i| if values[i] > values[best] { i } else { best })
}
