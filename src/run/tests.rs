//! What is seen from inside alone: the batches of a run.

use std::sync::Arc;

use super::{Evaluator, Run};
use crate::RunConfig;
use crate::data::{SIDE, synthetic};
use crate::metrics::Event;

/// What a run starts from and is fed with.
#[derive(PartialEq)]
struct Inputs {
    weights: Vec<Vec<f32>>,
    pixels: Vec<Vec<f32>>,
    labels: Vec<Vec<u16>>,
}

/// The initial weights and every batch of both epochs.
fn inputs(config: RunConfig) -> Inputs {
    let dataset = Arc::new(synthetic::generate(40, 10, 5).unwrap());
    let mut run = Run::new(dataset, config, || 0.0).unwrap();
    let weights = run.model().params().map(|(_, param)| param.value.clone()).collect();
    let (mut pixels, mut labels) = (Vec::new(), Vec::new());
    loop {
        match run.advance().unwrap() {
            Event::Step(_) => {
                pixels.push(run.x.data().to_vec());
                labels.push(run.labels.clone());
            }
            Event::Finished { .. } => return Inputs { weights, pixels, labels },
            _ => {}
        }
    }
}

#[test]
fn runs_that_differ_in_one_setting_see_the_same_batches_and_initial_weights() {
    let base = RunConfig { batch: 16, epochs: 2, ..RunConfig::default() };
    let expected = inputs(base.clone());
    // 40 images in batches of 16: 16, 16 and 8.
    assert_eq!(expected.labels.iter().map(Vec::len).collect::<Vec<_>>(), [16, 16, 8, 16, 16, 8]);
    assert_ne!(expected.labels[0], expected.labels[3], "another order in the second epoch");
    let others = [
        RunConfig { quantizer: "none".into(), ..base.clone() },
        RunConfig { bits: 2.into(), ..base.clone() },
        RunConfig { tanh_clip: false, ..base.clone() },
        RunConfig { granularity: "net".into(), ..base.clone() },
        RunConfig { grad_clip: false, ..base.clone() },
        RunConfig { straight_through: false, ..base.clone() },
        RunConfig { lr: 0.02, ..base.clone() },
        RunConfig { schedule: "cosine_climbing".into(), ..base.clone() },
    ];
    for config in others {
        assert!(inputs(config.clone()) == expected, "{config:?}");
    }
    let seeded = inputs(RunConfig { seed: 2, ..base.clone() });
    assert!(seeded.labels != expected.labels && seeded.weights != expected.weights, "another seed");
    // Without crops and flips the pixels differ, the images and their order do not.
    let plain = inputs(RunConfig { augment: false, ..base });
    assert!(plain.labels == expected.labels && plain.weights == expected.weights);
    assert!(plain.pixels != expected.pixels);
}

/// Batches come with the border that the first layer reads: none is copied into a wider one.
#[test]
fn batches_have_the_halo_that_the_model_asks_for() {
    for (model, halo) in [("simple_resnet4bit", 1), ("convnetjs_cifar10", 2)] {
        let dataset = Arc::new(synthetic::generate(8, 4, 5).unwrap());
        let config = RunConfig { model: model.into(), batch: 4, epochs: 1, ..RunConfig::default() };
        let mut run = Run::new(dataset, config, || 0.0).unwrap();
        while !matches!(run.advance().unwrap(), Event::Finished { .. }) {
            assert_eq!(run.x.halo(), halo, "{model}");
        }
    }
}

#[test]
fn a_mirrored_test_takes_the_mean_of_both_sides() {
    let config = RunConfig { batch: 16, epochs: 1, ..RunConfig::default() };
    let data = synthetic::generate(40, 10, 5).unwrap();
    let mut turned = synthetic::generate(40, 10, 5).unwrap();
    for row in turned.test.images.chunks_exact_mut(SIDE) {
        row.reverse();
    }
    let [plain, mirrored] = [data, turned].map(|dataset| {
        let mut run = Run::new(Arc::new(dataset), config.clone(), || 0.0).unwrap();
        while !matches!(run.advance().unwrap(), Event::Finished { .. }) {}
        let test = |evaluator: Evaluator| {
            let mut evaluator = evaluator;
            loop {
                if let Some(result) = evaluator.advance().result {
                    return result.loss;
                }
            }
        };
        [test(run.evaluator(None).unwrap()), test(run.evaluator(None).unwrap().mirrored())]
    });
    assert_ne!(plain[0], mirrored[0], "both sides differ");
    assert_eq!(plain[1], mirrored[1], "one after the other or the other way round");
    // Cross-entropy is convex in the logits.
    assert!(plain[1] < (plain[0] + mirrored[0]) / 2.0, "{plain:?}, {mirrored:?}");
}
