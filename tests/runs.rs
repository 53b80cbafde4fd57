//! What can be done with a run: forks, evaluation with other quantizers, looking into weights and mistakes.

use std::sync::Arc;

use nibble::data::{Dataset, synthetic};
use nibble::kernels::{AdamW, Gradient};
use nibble::layers::Param;
use nibble::metrics::{EpochReport, Event};
use nibble::predictions::Query;
use nibble::run::{Evaluation, OBSERVED_IMAGES, Quantization, Run};
use nibble::{Error, RunConfig};

/// Time stands still: reports of equal runs are then equal as a whole.
fn clock() -> f64 {
    0.0
}

fn dataset(train: usize, test: usize) -> Arc<Dataset> {
    Arc::new(synthetic::generate(train, test, 5).unwrap())
}

fn tiny_config() -> RunConfig {
    RunConfig { batch: 32, epochs: 2, ..RunConfig::default() }
}

fn tiny_run(config: RunConfig) -> Run {
    Run::new(dataset(96, 40), config, clock).unwrap()
}

/// The one scale of a quantized tensor.
fn scale(param: &Param) -> f32 {
    param.encode().unwrap().grid.scales[0]
}

fn advance(run: &mut Run, units: usize) {
    for _ in 0..units {
        run.advance().unwrap();
    }
}

/// Everything that the rest of a run reports, and its last weights and statistics.
fn rest(run: &mut Run) -> (Vec<String>, Vec<Vec<f32>>) {
    let mut events = Vec::new();
    loop {
        let event = run.advance().unwrap();
        events.push(format!("{event:?}"));
        if matches!(event, Event::Finished { .. }) {
            let values = run.model().params().map(|(_, param)| param.value.clone());
            let buffers = run.model().buffers().map(|(_, _, values)| values.to_vec());
            return (events, values.chain(buffers).collect());
        }
    }
}

fn last_epoch(run: &mut Run) -> EpochReport {
    let mut last = None;
    loop {
        match run.advance().unwrap() {
            Event::Epoch(report) => last = Some(report),
            Event::Finished { .. } => return last.expect("a run has epochs"),
            _ => {}
        }
    }
}

#[test]
fn a_fork_with_equal_settings_continues_bit_for_bit() {
    // An epoch is 3 steps and 2 test batches: in the middle of training, of the test pass, and between epochs.
    for units in [0, 2, 4, 5, 7, 9] {
        let mut run = tiny_run(tiny_config());
        advance(&mut run, units);
        let mut fork = run.fork(run.config().clone()).unwrap();
        assert_eq!(format!("{:?}", run.layer_reports()), format!("{:?}", fork.layer_reports()));
        let all = Query { label: None, predicted: None, limit: 100 };
        assert_eq!(run.predictions(all).unwrap(), fork.predictions(all).unwrap());
        assert_eq!(rest(&mut run), rest(&mut fork), "forked after {units} units");
    }
}

#[test]
fn a_fork_continues_through_dropout() {
    let config = RunConfig { model: "vgg4bit".into(), batch: 4, epochs: 1, ..RunConfig::default() };
    let mut run = Run::new(dataset(12, 2), config, clock).unwrap();
    advance(&mut run, 1);
    let mut fork = run.fork(run.config().clone()).unwrap();
    assert_eq!(rest(&mut run), rest(&mut fork));
}

#[test]
fn a_fork_leaves_the_original_untouched() {
    let mut control = tiny_run(tiny_config());
    let mut run = tiny_run(tiny_config());
    advance(&mut control, 2);
    advance(&mut run, 2);
    let changes = RunConfig { bits: 2.into(), tanh_clip: false, lr: 0.01, augment: false, ..tiny_config() };
    let mut fork = run.fork(changes).unwrap();
    let forked = rest(&mut fork);
    let original = rest(&mut run);
    assert_eq!(original, rest(&mut control));
    assert_ne!(original.1, forked.1);
}

#[test]
fn a_fork_goes_on_by_its_own_settings() {
    let mut run = tiny_run(tiny_config());
    advance(&mut run, 6);
    let weights = |run: &Run| run.model().params().map(|(_, p)| p.value.clone()).collect::<Vec<_>>();
    let mut fork = run.fork(RunConfig { bits: 3.into(), epochs: 4, ..tiny_config() }).unwrap();
    assert_eq!(weights(&run), weights(&fork), "the master weights are the same");
    for layer in fork.layer_reports() {
        assert!(layer.bits == 3 && layer.levels_used <= 7 && layer.level_counts.len() == 7);
        assert_eq!((layer.flipped_share, layer.flips_per_step), (0.0, 0.0), "nothing has moved on this grid");
    }
    let Event::Step(step) = fork.advance().unwrap() else { panic!("in the second epoch") };
    assert_eq!((step.epoch, step.step, step.global_step), (2, 2, 5));
    assert_eq!(last_epoch(&mut fork).epoch, 4);
    let full = run.fork(RunConfig { quantizer: "none".into(), ..tiny_config() }).unwrap().layer_reports();
    assert!(full.iter().all(|layer| layer.levels_used == 0 && layer.scale == 0.0));
}

#[test]
fn a_finished_run_goes_on_in_a_fork_with_more_epochs() {
    let mut run = tiny_run(tiny_config());
    rest(&mut run);
    let mut same = run.fork(tiny_config()).unwrap();
    assert!(matches!(same.advance().unwrap(), Event::Finished { epoch: 2 }));
    let mut longer = run.fork(RunConfig { epochs: 3, ..tiny_config() }).unwrap();
    assert_eq!(last_epoch(&mut longer).epoch, 3);
}

#[test]
fn a_fork_cannot_change_what_its_state_was_made_with() {
    let mut run = tiny_run(tiny_config());
    advance(&mut run, 6);
    let mut message = |config: RunConfig| run.fork(config).err().expect("refused").to_string();
    assert_eq!(
        message(RunConfig { batch: 16, ..tiny_config() }),
        "batch: expected 32, as in the run forked, found 16"
    );
    assert!(message(RunConfig { seed: 9, ..tiny_config() }).starts_with("seed: "));
    assert!(message(RunConfig { model: "vgg4bit".into(), ..tiny_config() }).starts_with("model: "));
    assert_eq!(
        message(RunConfig { epochs: 1, ..tiny_config() }),
        "epochs: expected at least the 2 already begun, found 1"
    );
    assert!(message(RunConfig { bits: 1.into(), ..tiny_config() }).starts_with("bits: "));
}

#[test]
fn straight_through_off_moves_quantized_weights_by_decay_and_clipping_alone() {
    let config = RunConfig { straight_through: false, ..tiny_config() };
    let mut run = tiny_run(config.clone());
    let values = |run: &Run, weight: bool| -> Vec<Vec<f32>> {
        let params = run.model().params().filter(|(_, param)| param.is_weight() == weight);
        params.map(|(_, param)| param.value.clone()).collect()
    };
    let (mut expected, others) = (values(&run, true), values(&run, false));
    for step in 1..=3 {
        advance(&mut run, 1);
        let decay = AdamW {
            lr: config.lr,
            beta1: 0.9,
            beta2: 0.999,
            eps: 1e-8,
            weight_decay: 5e-4,
            step,
            gradient_scale: 1.0,
            soft_clip: Some(3.0),
        };
        for w in &mut expected {
            let zeros = vec![0.0; w.len()];
            decay.update(w, Gradient::Stored(&zeros), &mut zeros.clone(), &mut zeros.clone());
        }
    }
    assert_eq!(values(&run, true), expected);
    assert!(run.layer_reports().iter().all(|layer| layer.grad_norm == 0.0));
    let moved = values(&run, false).iter().zip(&others).all(|(now, then)| now != then);
    assert!(moved, "biases and batch norm learn as ever");
    // FP32 weights are not rounded: they learn.
    let mut full = tiny_run(RunConfig { quantizer: "none".into(), ..config });
    advance(&mut full, 1);
    assert!(full.layer_reports().iter().all(|layer| layer.grad_norm > 0.0));
}

#[test]
fn confusion_counts_every_test_image_and_its_diagonal_the_hits() {
    let mut run = tiny_run(tiny_config());
    let all = |label, predicted| Query { label, predicted, limit: 1000 };
    assert!(run.predictions(all(None, None)).unwrap().is_empty(), "before the first test pass");
    let report = last_epoch(&mut run);
    assert_eq!(report.confusion.len(), 100);
    assert_eq!(report.confusion.iter().sum::<u32>(), 40);
    let hits: u32 = report.confusion.iter().step_by(11).sum();
    assert_eq!(f64::from(hits) / 40.0, report.test_accuracy);
    assert!(hits > 0 && hits < 40, "both hits and mistakes, or this test says little");
    for label in 0..10 {
        let row = &report.confusion[10 * label as usize..][..10];
        assert_eq!(row.iter().sum::<u32>(), 4, "test images of class {label}");
        for predicted in 0..10 {
            let cell = run.predictions(all(Some(label), Some(predicted))).unwrap();
            assert_eq!(cell.len() as u32, row[predicted as usize]);
            assert!(cell.iter().all(|image| u32::from(image.label) == label
                && u32::from(image.top[0].class) == predicted
                && image.index % 10 == label as usize));
        }
    }
    let wrong = run.predictions(all(None, None)).unwrap();
    assert_eq!(wrong.len() as u32, 40 - hits);
    assert!(wrong.windows(2).all(|pair| pair[0].top[0].probability >= pair[1].top[0].probability));
    // The mean over all images, of which each loss was rounded to f32.
    let cells = (0..100).flat_map(|cell| run.predictions(all(Some(cell / 10), Some(cell % 10))).unwrap());
    let loss = cells.map(|image| f64::from(image.loss)).sum::<f64>() / 40.0;
    assert!((loss - report.test_loss).abs() < 1e-5, "{loss} {}", report.test_loss);
}

#[test]
fn each_grid_of_a_layer_can_be_looked_at() {
    for (granularity, grids) in [("tensor", 1), ("channel", 16), ("group32", 5 * 16)] {
        let mut run = tiny_run(RunConfig { granularity: granularity.into(), ..tiny_config() });
        advance(&mut run, 2);
        let layer = run.layer_reports().swap_remove(1);
        assert_eq!(
            (layer.name.as_str(), layer.shape.as_slice(), layer.scales),
            ("conv2", &[16, 16, 3, 3][..], grids)
        );
        // Where there is one grid, its levels say where the weights lie.
        assert_eq!(layer.rounded.is_some(), grids > 1);
        if let Some(rounded) = layer.rounded {
            assert_eq!((rounded.counts.iter().sum::<u32>(), rounded.counts.len()), (layer.count as u32, 65));
        }
        let reports: Vec<_> = (0..grids).map(|grid| run.grid_report("conv2", grid).unwrap()).collect();
        let mut counts = vec![0; layer.levels.len()];
        for report in &reports {
            let [channels, weights] = [report.channels, report.weights].map(|[first, end]| end - first);
            assert_eq!(report.histogram.counts.iter().sum::<u32>() as usize, channels * weights);
            counts.iter_mut().zip(&report.level_counts).for_each(|(sum, count)| *sum += count);
            // The largest weight lies on an end of a symmetric grid.
            assert!((report.levels[14] - report.histogram.max).abs() < 1e-6 && report.scale > 0.0);
        }
        assert_eq!(counts, layer.level_counts);
        let last = &reports[grids - 1];
        assert_eq!((last.channels[1], last.weights[1]), (16, 9 * 16));
        let error = run.grid_report("conv2", grids).unwrap_err().to_string();
        assert_eq!(
            error,
            format!("grid: expected a number below {grids}, the grids of conv2, found {grids}")
        );
    }
    let mut full = tiny_run(RunConfig { quantizer: "none".into(), ..tiny_config() });
    assert!(full.grid_report("conv1", 0).is_err() && full.grid_report("bn1", 0).is_err());
}

#[test]
fn activations_are_reported_and_nothing_changes() {
    let config =
        RunConfig { activations: "affine".into(), activation_bits: 4, reestimate: 2, ..tiny_config() };
    let mut control = tiny_run(config.clone());
    let mut run = tiny_run(config);
    assert!(
        run.activation_reports().unwrap().iter().all(|report| !report.rounded),
        "no range was measured yet"
    );
    // In training, between two batches of the re-estimation, in the test pass, between epochs.
    for units in 1..=8 {
        advance(&mut run, 1);
        let reports = run.activation_reports().unwrap();
        assert_eq!(reports.len(), 6);
        for report in reports {
            let [h, w, c] = report.shape;
            let values = report.images * h * w * c;
            assert_eq!(report.images, 40);
            assert!(report.rounded && report.levels.len() == 16 && report.levels[0] == 0.0);
            assert_eq!(report.level_counts.iter().sum::<u32>() as usize, values);
            let above: u32 = report.histogram.counts.iter().sum();
            assert!((report.zero_share - (1.0 - f64::from(above) / values as f64)).abs() < 1e-12);
            assert!(
                report.dead_channels < c && report.clipped_share < 0.5,
                "after {units} units: {report:?}"
            );
        }
    }
    advance(&mut control, 8);
    assert_eq!(rest(&mut run), rest(&mut control));
    let mut many = Run::new(dataset(32, OBSERVED_IMAGES + 8), tiny_config(), clock).unwrap();
    assert!(
        many.activation_reports()
            .unwrap()
            .iter()
            .all(|report| report.images == OBSERVED_IMAGES && !report.rounded)
    );
}

#[test]
fn layer_reports_tell_what_the_last_step_did() {
    let mut run = tiny_run(tiny_config());
    let levels = |run: &Run| -> Vec<Vec<i32>> {
        let weights = run.model().params().filter(|(_, param)| param.is_weight());
        weights
            .map(|(_, param)| {
                let scale = scale(param);
                param.quantized.iter().map(|w| (w / scale).round() as i32).collect()
            })
            .collect()
    };
    assert!(run.layer_reports().iter().all(|layer| layer.flips_per_step == 0.0 && layer.grad_norm == 0.0));
    advance(&mut run, 1);
    let mut any = 0;
    for _ in 0..2 {
        let first = run.layer_reports();
        let before = levels(&run);
        let Event::Step(step) = run.advance().unwrap() else { panic!("a step") };
        let reports = run.layer_reports();
        let after = levels(&run);
        for (i, report) in reports.iter().enumerate() {
            let flips = after[i].iter().zip(&before[i]).filter(|(now, then)| now != then).count();
            assert_eq!(report.flips_per_step, flips as f64 / report.count as f64, "{}", report.name);
            any += flips;
            let outermost = after[i].iter().filter(|level| level.abs() == 7).count();
            assert_eq!(report.saturated_share, outermost as f64 / report.count as f64);
            assert!(outermost >= 1, "the largest weight is on an outermost level");
        }
        let squares: f64 = reports.iter().map(|report| report.grad_norm.powi(2)).sum();
        assert!(squares > 0.0 && squares.sqrt() <= step.grad_norm, "{squares} {}", step.grad_norm);
        assert_ne!(first[0].grad_norm, reports[0].grad_norm);
        assert_eq!(format!("{reports:?}"), format!("{:?}", run.layer_reports()), "asking changes nothing");
    }
    assert!(any > 0, "some weight moved to another level");
}

#[test]
fn an_outlier_stretches_the_grid_of_its_layer() {
    let mut run = tiny_run(tiny_config());
    advance(&mut run, 2);
    let before = run.layer_reports();
    let outlier = run.inject_outlier("conv3", 20.0).unwrap();
    assert_eq!((outlier.before * 20.0, outlier.before.abs()), (outlier.after, outlier.absmax_before));
    assert_eq!(outlier.absmax_after, outlier.after.abs());
    let after = run.layer_reports();
    for (now, then) in after.iter().zip(&before) {
        if now.name == "conv3" {
            assert!((now.scale / then.scale - 20.0).abs() < 1e-4, "{} {}", now.scale, then.scale);
            assert!(now.levels_used < then.levels_used && now.flipped_share > 0.5);
            assert_eq!(now.flips_per_step, then.flips_per_step, "that was no step");
        } else {
            assert_eq!(format!("{now:?}"), format!("{then:?}"));
        }
    }
    // The weight that was multiplied is where the answer says: [c_out, c_in, kh, kw] = [32, 16, 3, 3].
    let filters = run.filters("conv3").unwrap();
    let (filter, rest) = (outlier.index / 144, outlier.index % 144);
    let (channel, tap) = (rest / 9, rest % 9);
    assert_eq!(filters.latent[(filter * 9 + tap) * 16 + channel], outlier.after);
    advance(&mut run, 1);

    let message =
        |run: &mut Run, layer: &str, factor| run.inject_outlier(layer, factor).unwrap_err().to_string();
    assert_eq!(
        message(&mut run, "bn1", 20.0),
        "layer: expected conv1, conv2, conv3, conv4, conv5, conv6, linear1, found bn1"
    );
    for factor in [0.0, f32::NAN, f32::INFINITY, 3e38 * 10.0] {
        assert!(message(&mut run, "conv1", factor).starts_with("factor: expected a number other than 0"));
    }
}

#[test]
fn filters_hold_latent_and_quantized_weights() {
    let mut run = tiny_run(tiny_config());
    advance(&mut run, 1);
    let filters = run.filters("conv1").unwrap();
    assert_eq!((filters.count, filters.height, filters.width, filters.channels), (16, 3, 3, 3));
    let (_, param) =
        run.model().params().find(|(name, param)| *name == "conv1" && param.is_weight()).unwrap();
    for (i, (latent, quantized)) in filters.latent.iter().zip(&filters.quantized).enumerate() {
        // Stored as [kh][kw][c_in][c_out].
        let stored = i % 27 * 16 + i / 27;
        assert_eq!((*latent, *quantized), (param.value[stored], param.quantized[stored]));
        assert!((latent - quantized).abs() <= 0.501 * scale(param));
    }
    let linear = run.filters("linear1").unwrap();
    assert_eq!((linear.count, linear.height, linear.width, linear.channels), (10, 1, 1, 64));
    assert_eq!((linear.latent.len(), linear.quantized.len()), (640, 640));
    let mut full = tiny_run(RunConfig { quantizer: "none".into(), ..tiny_config() });
    let filters = full.filters("conv1").unwrap();
    assert_eq!(filters.latent, filters.quantized);
    assert!(matches!(full.filters("conv9"), Err(Error::Config { field: "layer", .. })));
}

fn evaluate(run: &mut Run, quantization: Option<Quantization>) -> Evaluation {
    let mut evaluator = run.evaluator(quantization).unwrap();
    let mut done = 0;
    loop {
        let progress = evaluator.advance();
        assert!(progress.done > done || progress.result.is_some());
        done = progress.done;
        if let Some(result) = progress.result {
            assert_eq!((done, evaluator.advance().result), (progress.total, Some(result)));
            return result;
        }
    }
}

fn symmetric(bits: u8) -> Option<Quantization> {
    Some(Quantization {
        quantizer: "symmetric".into(),
        bits,
        granularity: "tensor".into(),
        ..Default::default()
    })
}

#[test]
fn quantization_after_training_keeps_eight_bits_and_loses_two() {
    let config = RunConfig { quantizer: "none".into(), epochs: 3, lr: 3e-3, ..RunConfig::default() };
    let mut run = Run::new(dataset(1500, 400), config, clock).unwrap();
    let report = last_epoch(&mut run);
    let full = evaluate(&mut run, None);
    assert_eq!((full.accuracy, full.bits), (report.test_accuracy, 32));
    // Sums of the same losses by other batches.
    assert!((full.loss - report.test_loss).abs() < 1e-9, "{} {}", full.loss, report.test_loss);
    assert!(full.accuracy > 0.4, "learnt something: {}", full.accuracy);

    let (eight, two) = (evaluate(&mut run, symmetric(8)), evaluate(&mut run, symmetric(2)));
    println!("FP32 {full:?}, 8 bits {eight:?}, 2 bits {two:?}");
    assert_eq!((eight.bits, two.bits), (8, 2));
    // A step of 1/127 of the largest weight: a handful of the 400 images at most change sides.
    assert!(
        (eight.accuracy - full.accuracy).abs() <= 0.02,
        "8 bits {} FP32 {}",
        eight.accuracy,
        full.accuracy
    );
    assert!(two.accuracy < full.accuracy - 0.1, "2 bits {} FP32 {}", two.accuracy, full.accuracy);
    assert!(two.loss > eight.loss);
    assert_eq!(evaluate(&mut run, None), full, "the run is untouched");
}

#[test]
fn a_test_pass_counts_one_set_of_weights_alone() {
    let check = |run: &mut Run| {
        let expected = evaluate(run, None);
        let Event::Evaluate { done: 32, .. } = run.advance().unwrap() else { panic!("begins again") };
        let Event::Epoch(report) = run.advance().unwrap() else { panic!("40 images in two batches") };
        assert_eq!(report.test_accuracy, expected.accuracy);
        assert!((report.test_loss - expected.loss).abs() < 1e-9, "{} {}", report.test_loss, expected.loss);
        assert_eq!(report.confusion.iter().sum::<u32>(), 40);
    };
    let mut run = tiny_run(tiny_config());
    while !matches!(run.advance().unwrap(), Event::Evaluate { .. }) {}
    check(&mut run.fork(RunConfig { bits: 2.into(), ..tiny_config() }).unwrap());
    let mut same = run.fork(RunConfig { lr: 0.01, ..tiny_config() }).unwrap();
    assert!(matches!(same.advance().unwrap(), Event::Epoch(_)), "the weights are the same: it goes on");
    run.inject_outlier("conv3", 20.0).unwrap();
    check(&mut run);
}

#[test]
fn an_evaluator_keeps_the_weights_it_was_made_from() {
    let mut run = tiny_run(tiny_config());
    let report = last_epoch(&mut run);
    let mut run = run.fork(RunConfig { epochs: 3, ..tiny_config() }).unwrap();
    let mut evaluator = run.evaluator(None).unwrap();
    advance(&mut run, 3);
    while evaluator.advance().result.is_none() {}
    let result = evaluator.advance().result.unwrap();
    assert_eq!((result.accuracy, result.bits), (report.test_accuracy, 4));
    let refused = run.evaluator(symmetric(9)).err().expect("refused").to_string();
    assert_eq!(refused, "bits: expected 2 to 8 with symmetric, found 9");
}
