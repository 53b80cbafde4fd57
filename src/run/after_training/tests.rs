//! What is exact, is held against what it leaves as it is; what is measured, against plain loops.

use std::sync::Arc;

use super::*;
use crate::data::synthetic;
use crate::layers::{Pass, Role};
use crate::metrics::Event;
use crate::model::Description;
use crate::models;
use crate::quant::{ACTIVATIONS, ActivationQuantizer, ActivationRequest, Tracking};
use crate::run::images::Images;

/// How far logits may be from those of the network as it was, by the largest: each of at most 8 layers is off by 4e-6 of its
/// largest output on either side (tests/arithmetic.rs), and a weight by one rounding of f32 in each of 40 sweeps.
const TOLERANCE: f32 = 8.0 * (2.0 * 4e-6 + 40.0 * f32::EPSILON / 2.0);

/// A few steps with a large rate, so that no statistic and no factor is what it was made as.
fn trained(model: &str) -> Run {
    let dataset = Arc::new(synthetic::generate(48, 16, 5).unwrap());
    let config = RunConfig {
        model: model.into(),
        quantizer: "none".into(),
        batch: 8,
        epochs: 1,
        lr: 0.01,
        ..RunConfig::default()
    };
    let mut run = Run::new(dataset, config, || 0.0).unwrap();
    while !matches!(run.advance().unwrap(), Event::Finished { .. }) {}
    run
}

/// A copy of the network, and images to look at.
fn copied(run: &mut Run, config: &RunConfig) -> (Model, Feed) {
    (run.trainer.copy(config).unwrap(), Feed::new(run.images.clone()))
}

fn logits(model: &mut Model, feed: &mut Feed) -> Vec<f32> {
    let x = training_batch(feed, 0, model);
    model.forward(x, &Pass::EVALUATION).to_dense()
}

fn assert_close(found: &[f32], expected: &[f32], what: &str) {
    let largest = expected.iter().fold(0.0f32, |a, b| a.max(b.abs()));
    let off = found.iter().zip(expected).fold(0.0f32, |a, (b, c)| a.max((b - c).abs()));
    assert!(off <= TOLERANCE * largest, "{what}: {off} of {largest}");
}

fn prepare(preparation: &mut dyn Preparation, model: &mut Model, feed: &mut Feed) {
    while !preparation.advance(model, feed) {}
}

/// What batch norms do in evaluation: whether it is nothing.
fn norms_do_nothing(model: &Model) -> bool {
    let ones = |values: &[f32]| values.iter().all(|v| *v == 1.0);
    let norms = model.lower().operations.into_iter().filter_map(|operation| match operation.op {
        crate::lower::Op::Affine { factor, offset } => Some((factor, offset)),
        _ => None,
    });
    norms.into_iter().all(|(factor, offset)| ones(&factor) && offset.iter().all(|v| *v == 0.0))
}

#[test]
fn folding_and_equalising_leave_the_logits() {
    for (preset, neighbours) in models::MODELS.iter().zip([4, 7, 3]) {
        let name = preset.entry.name;
        let mut run = trained(name);
        let config = run.config().clone();
        let (mut model, mut feed) = copied(&mut run, &config);
        let expected = logits(&mut model, &mut feed);
        let weights = |model: &Model| -> Vec<Vec<f32>> {
            let weights = model.params().filter(|(_, param)| param.role == Role::Weight);
            weights.map(|(_, param)| param.value.clone()).collect()
        };
        let before = weights(&model);

        prepare(&mut Folding, &mut model, &mut feed);
        assert_close(&logits(&mut model, &mut feed), &expected, name);
        assert!(norms_do_nothing(&model), "{name}");
        let has_norms = model.layers().iter().any(|layer| layer.kind == "batch_norm");
        assert_eq!(weights(&model) != before, has_norms, "{name}");

        let folded = weights(&model);
        let mut equalisation = Equalisation { sweeps: 0 };
        prepare(&mut equalisation, &mut model, &mut feed);
        assert_close(&logits(&mut model, &mut feed), &expected, name);
        println!("{name}: {} sweeps", equalisation.sweeps);
        assert!(equalisation.sweeps < SWEEPS, "{name}");
        let changed = weights(&model).iter().zip(&folded).filter(|(now, then)| now != then).count();
        assert_eq!(changed, neighbours + 1, "{name}: weights of a chain of neighbours");
    }
}

/// A batch norm reads a convolution and adds a projection: it is the convolution's alone.
#[test]
fn a_batch_norm_is_folded_into_what_it_normalises() {
    let layers = serde_json::from_str(
        r#"[
            {"type": "conv2d", "out": 8}, {"type": "batch_norm"}, {"type": "relu", "id": "stem"},
            {"type": "projection", "out": 12, "id": "short"},
            {"type": "conv2d", "out": 12, "inputs": ["stem"]}, {"type": "batch_norm"},
            {"type": "add", "from": "short"}, {"type": "relu"}, {"type": "global_avg_pool"}, {"type": "linear"}
        ]"#,
    );
    let config = RunConfig { quantizer: "none".into(), ..RunConfig::default() };
    let mut model = Model::new(&Description::new(layers.unwrap(), 10, config.clone())).unwrap();
    let dataset = Arc::new(synthetic::generate(48, 16, 5).unwrap());
    let mut feed = Feed::new(Images::new(dataset, &config).unwrap());
    let x = training_batch(&mut feed, 1, &model);
    model.forward(x, &Pass { training: true, seed: 1, step: 0 });
    model.end_step();
    model.for_each_param_mut(|_, param| {
        if param.role == Role::Norm {
            param.value.iter_mut().enumerate().for_each(|(i, v)| *v += 0.1 * (i as f32 - 2.0));
        }
    });
    let expected = logits(&mut model, &mut feed);
    prepare(&mut Folding, &mut model, &mut feed);
    assert!(norms_do_nothing(&model));
    assert_close(&logits(&mut model, &mut feed), &expected, "folded");
    prepare(&mut Equalisation { sweeps: 0 }, &mut model, &mut feed);
    assert_close(&logits(&mut model, &mut feed), &expected, "equalised");
}

#[test]
fn equalised_neighbours_have_the_same_range_in_every_channel() {
    let mut run = trained("simple_resnet4bit");
    let config = run.config().clone();
    let (mut model, mut feed) = copied(&mut run, &config);
    prepare(&mut Folding, &mut model, &mut feed);
    prepare(&mut Equalisation { sweeps: 0 }, &mut model, &mut feed);
    let weight = |layer: &str| {
        let (_, param) = model.params().find(|(name, p)| *name == layer && p.is_weight()).unwrap();
        (param.value.clone(), param.dims.clone())
    };
    for [first, second] in [["conv3", "conv4"], ["conv4", "conv5"], ["conv5", "conv6"], ["conv6", "linear1"]]
    {
        let ((before, dims), (after, next)) = (weight(first), weight(second));
        let channels = dims[3];
        for c in 0..channels {
            let range = before.iter().skip(c).step_by(channels).fold(0.0f32, |a, b| a.max(b.abs()));
            // Rows of either kind have the channel as their index, convolutions one a tap.
            let rows = after.chunks_exact(*next.last().unwrap()).skip(c).step_by(channels);
            let range_after = rows.flatten().fold(0.0f32, |a, b| a.max(b.abs()));
            // Another sweep would change neither by 1 %, so that they are within 2 %.
            assert!((range / range_after - 1.0).abs() < 0.02, "{first} {c}: {range} and {range_after}");
        }
    }
}

/// The mean of every channel of every layer with weights over the images that networks are prepared by.
fn means(model: &mut Model, feed: &mut Feed) -> Vec<Vec<f64>> {
    let layers = model.linear_layers();
    let mut sums: Vec<Vec<f64>> = vec![Vec::new(); layers.len()];
    let mut counts = vec![0; layers.len()];
    for batch in 0..BATCHES {
        let x = training_batch(feed, batch, model);
        model.forward(x, &Pass::EVALUATION);
        for ((layer, sums), count) in layers.iter().zip(&mut sums).zip(&mut counts) {
            let y = model.output(*layer);
            sums.resize(y.c(), 0.0);
            y.to_dense().iter().enumerate().for_each(|(i, v)| sums[i % y.c()] += f64::from(*v));
            *count += y.n() * y.h() * y.w();
        }
    }
    sums.iter().zip(counts).map(|(sums, count)| sums.iter().map(|sum| sum / count as f64).collect()).collect()
}

#[test]
fn corrected_biases_bring_back_the_means_of_every_channel() {
    let mut run = trained("simple_resnet4bit");
    let config = RunConfig { quantizer: "symmetric".into(), bits: 2.into(), ..run.config().clone() };
    let (mut model, mut feed) = copied(&mut run, &config);
    let rounded = means(&mut model, &mut feed);
    let mut correction = BiasCorrection::new(&mut model);
    let expected = means(&mut model, &mut feed);
    prepare(&mut correction, &mut model, &mut feed);
    let found = means(&mut model, &mut feed);
    let furthest = |means: &[Vec<f64>]| {
        let pairs = means.iter().flatten().zip(expected.iter().flatten());
        pairs.fold(0.0f64, |furthest, (a, b)| furthest.max((a - b).abs()))
    };
    // Outputs are of the order of 1, their f32 sums of some hundred products good to some 1e-6.
    assert!(furthest(&found) < 1e-5, "{} off", furthest(&found));
    assert!(furthest(&rounded) > 0.01, "2 bits move means: {}", furthest(&rounded));
}

/// Values as behind a ReLU: half of them 0, the others with a long tail.
fn activations(count: u32) -> Vec<f32> {
    let uniform = |i: u32| f64::from(i.wrapping_mul(2_654_435_761) >> 8) / f64::from(1 << 24);
    (0..count).map(|i| (-(2.0 * uniform(i)).max(1e-7).ln()).max(0.0) as f32).collect()
}

fn distribution(values: &[f32]) -> Distribution {
    let mut distribution = Distribution::new(values.iter().fold(0.0, |a, b| a.max(*b)));
    values.chunks(1000).for_each(|values| distribution.add(values));
    distribution
}

#[test]
fn a_percentile_is_the_sorted_value_to_a_part() {
    let mut values = activations(50_000);
    let distribution = distribution(&values);
    values.sort_by(f32::total_cmp);
    for share in [0.4, 0.5, 0.9, 0.999, 0.9999, 1.0] {
        let exact = values[(share * values.len() as f64).ceil() as usize - 1];
        let found = distribution.percentile(share);
        let part = distribution.largest / 2048.0;
        assert!(found >= exact && found <= exact + 1.01 * part, "{share}: {found} of {exact}");
    }
}

#[test]
fn the_least_squared_error_is_that_of_plain_loops() {
    let values = activations(50_000);
    let distribution = distribution(&values);
    let calibrator = CALIBRATIONS.find("mse").unwrap();
    for (name, bits) in
        [("affine", 2), ("affine", 4), ("affine", 8), ("pact", 3), ("lsq", 3), ("fp4", 4), ("fp8_e4m3", 8)]
    {
        let request = ActivationRequest { bits, tracking: Tracking::Average, clip_decay: 0.0 };
        let mut quantizer = ACTIVATIONS.find(name).unwrap().quantizer(&request).unwrap().unwrap();
        let error = |quantizer: &mut dyn ActivationQuantizer, range: f32| -> f64 {
            quantizer.calibrate(range);
            let mut rounded = values.clone();
            quantizer.rounding(false).unwrap().apply(&mut rounded, 1);
            rounded.iter().zip(&values).map(|(a, b)| f64::from(a - b).powi(2)).sum()
        };
        let ranges = (1..=100).map(|percent| distribution.largest * percent as f32 / 100.0);
        let tried = ranges.map(|range| error(quantizer.as_mut(), range));
        let least = tried.fold(f64::INFINITY, f64::min);
        let whole = error(quantizer.as_mut(), distribution.largest);
        let range = (calibrator.range)(&distribution, quantizer.as_mut());
        let found = error(quantizer.as_mut(), range);
        // A part is at most an eighth of a step of 8 bits: its values differ from their mean by 1/64 of the error's square.
        assert!(found <= least * (1.0 + 1.0 / 64.0), "{name} {bits}: {found} of {least}");
        assert!(bits == 8 || least < 0.9 * whole, "{name} {bits}: clipping helps");
    }
}

/// There is no range to choose, and nothing to round.
#[test]
fn a_layer_that_gives_nothing_is_calibrated_too() {
    let mut run = trained("simple_resnet4bit");
    for calibrator in CALIBRATIONS.iter() {
        let config = RunConfig { activations: "affine".into(), ..run.config().clone() };
        let (mut model, mut feed) = copied(&mut run, &config);
        // The first ReLU gets nothing above 0.
        model.for_each_param_mut(|layer, param| {
            if layer == "bn1" {
                param.value.fill(0.0);
            }
        });
        prepare(&mut Calibration::new(calibrator, &mut model), &mut model, &mut feed);
        let found = logits(&mut model, &mut feed);
        assert!(found.iter().all(|logit| logit.is_finite()), "{}: {found:?}", calibrator.entry.name);
        let places = model.take_roundings();
        assert!(places[0].1.rounding(false).is_none() && places[2].1.rounding(false).is_some());
    }
}

/// Every scheme with a range takes the one that it is given, and keeps it.
#[test]
fn a_calibrated_range_is_where_values_end() {
    for scheme in ACTIVATIONS.iter() {
        let request =
            ActivationRequest { bits: scheme.bits[0], tracking: Tracking::Average, clip_decay: 0.0 };
        let Some(mut quantizer) = scheme.quantizer(&request).unwrap() else { continue };
        quantizer.calibrate(3.0);
        let bound = quantizer.rounding(false).unwrap().bound();
        match scheme.entry.name {
            "dorefa" => assert_eq!(bound, 1.0),
            "mxfp4" => assert_eq!(bound, f32::INFINITY),
            name => assert!((bound - 3.0).abs() < 1e-5, "{name}: {bound}"),
        }
    }
}
