//! Forks and copies that change what a quantizer learns, what is averaged and where in an epoch they are made.

use std::sync::Arc;

use nibble::RunConfig;
use nibble::data::{Dataset, synthetic};
use nibble::metrics::Event;
use nibble::predictions::Query;
use nibble::run::{Quantization, Run};

fn dataset() -> Arc<Dataset> {
    Arc::new(synthetic::generate(128, 64, 5).unwrap())
}

fn config() -> RunConfig {
    RunConfig { batch: 32, epochs: 2, ..RunConfig::default() }
}

fn run(config: RunConfig) -> Run {
    Run::new(dataset(), config, || 0.0).unwrap()
}

fn steps(run: &mut Run, n: usize) {
    let mut done = 0;
    while done < n {
        if let Event::Step(_) = run.advance().unwrap() {
            done += 1;
        }
    }
}

fn finish(run: &mut Run) -> Vec<nibble::metrics::EpochReport> {
    let mut epochs = Vec::new();
    loop {
        match run.advance().unwrap() {
            Event::Epoch(epoch) => epochs.push(epoch),
            Event::Finished { .. } => return epochs,
            _ => {}
        }
    }
}

fn nonzero(run: &mut Run, layer: &str) -> usize {
    run.filters(layer).unwrap().quantized.iter().filter(|q| **q != 0.0).count()
}

fn distance(run: &mut Run, layer: &str) -> f64 {
    let f = run.filters(layer).unwrap();
    f.latent.iter().zip(&f.quantized).map(|(a, b)| f64::from(a - b).powi(2)).sum()
}

/// A fork that turns averages on after the epoch's last step.
#[test]
fn averages_can_be_turned_on_after_the_last_step_of_an_epoch() {
    let mut run = run(config());
    steps(&mut run, 4);
    let mut fork = run.fork(RunConfig { ema: 0.9, ..config() }).unwrap();
    finish(&mut fork);
}

/// A fork of lsq to finer scales.
#[test]
fn lsq_to_finer_scales_keeps_weights() {
    let lsq = RunConfig { quantizer: "lsq".into(), ..config() };
    let mut run = run(lsq.clone());
    steps(&mut run, 2);
    let before = nonzero(&mut run, "conv2");
    let mut fork = run.fork(RunConfig { granularity: "channel".into(), ..lsq }).unwrap();
    let after = nonzero(&mut fork, "conv2");
    assert!(after * 2 > before, "{before} weights were not 0, now {after}");
}

/// A fork of lsq to fewer bits.
#[test]
fn lsq_to_fewer_bits_is_no_worse_than_from_scratch() {
    let lsq = RunConfig { quantizer: "lsq".into(), bits: 8.into(), ..config() };
    let two = RunConfig { bits: 2.into(), ..lsq.clone() };
    let mut run = run(lsq);
    let mut fork = run.fork(two.clone()).unwrap();
    let mut fresh = self::run(two);
    let (forked, fresh) = (distance(&mut fork, "conv2"), distance(&mut fresh, "conv2"));
    assert!(forked < 1.5 * fresh, "{forked} {fresh}");
}

/// Averages and a fork before the first step.
#[test]
fn a_fork_before_the_first_step_goes_on_bit_for_bit() {
    let averaging = RunConfig { ema: 0.9, epochs: 1, ..config() };
    let mut untouched = run(averaging.clone());
    let mut forked = run(averaging.clone());
    let mut fork = forked.fork(averaging).unwrap();
    let expected = finish(&mut untouched)[0].average.unwrap();
    assert_eq!(finish(&mut fork)[0].average.unwrap(), expected, "the fork");
    assert_eq!(finish(&mut forked)[0].average.unwrap(), expected, "what was forked");
}

/// Averages of steps that begin with a fork.
#[test]
fn averages_of_new_steps_begin_at_the_steps() {
    let averaging = RunConfig { ema: 0.99, ..config() };
    let mut run = run(averaging.clone());
    steps(&mut run, 1);
    let mut fork = run.fork(RunConfig { quantizer: "lsq".into(), ..averaging }).unwrap();
    steps(&mut fork, 1);
    for (name, param) in fork.model().params().filter(|(_, param)| param.name == "log_step") {
        let average = &param.slots.iter().find(|slot| slot.name == "average").unwrap().values;
        assert!((average[0] - param.value[0]).abs() < 0.1, "{name}: {} {}", average[0], param.value[0]);
    }
}

/// Packed answers are the run's.
#[test]
fn packed_is_the_run() {
    for quantizer in ["affine", "lsq", "symmetric"] {
        for granularity in ["tensor", "channel", "group32"] {
            for bits in [2, 8] {
                let config = RunConfig {
                    quantizer: quantizer.into(),
                    granularity: granularity.into(),
                    bits: bits.into(),
                    epochs: 1,
                    reestimate: 2,
                    ..config()
                };
                let mut run = run(config);
                finish(&mut run);
                let packed = run.packed().unwrap();
                let mistakes =
                    run.predictions(Query { label: None, predicted: None, limit: 64 }).unwrap().len();
                let set = dataset();
                let wrong = (0..64)
                    .filter(|i| packed.classify(&set.test.rgba(*i)).unwrap()[0].class != set.test.label(*i))
                    .count();
                assert!(
                    wrong.abs_diff(mistakes) <= 1,
                    "{quantizer} {granularity} {bits}: {wrong} {mistakes}"
                );
            }
        }
    }
}

/// Quantization after training by another way and back.
#[test]
fn other_quantizations_leave_an_lsq_run_alone() {
    let mut run =
        run(RunConfig { quantizer: "lsq".into(), granularity: "channel".into(), epochs: 1, ..config() });
    let epochs = finish(&mut run);
    let of = |run: &mut Run, q: Option<Quantization>| {
        let mut evaluator = run.evaluator(q).unwrap();
        loop {
            if let Some(result) = evaluator.advance().result {
                break result.loss;
            }
        }
    };
    of(
        &mut run,
        Some(Quantization {
            quantizer: "symmetric".into(),
            bits: 4,
            granularity: "tensor".into(),
            ..Default::default()
        }),
    );
    let eight = of(
        &mut run,
        Some(Quantization {
            quantizer: "lsq".into(),
            bits: 8,
            granularity: "tensor".into(),
            ..Default::default()
        }),
    );
    let full = of(
        &mut run,
        Some(Quantization {
            quantizer: "none".into(),
            bits: 4,
            granularity: "tensor".into(),
            ..Default::default()
        }),
    );
    assert_eq!(of(&mut run, None), epochs[0].test_loss);
    assert!((eight - full).abs() < 0.2, "lsq 8 bits {eight}, none {full}");
}

/// Forks in every stage, equal settings.
#[test]
fn forks_in_every_stage() {
    let config = RunConfig {
        reestimate: 2,
        ema: 0.8,
        holdout: 40,
        quantizer: "lsq".into(),
        granularity: "group32".into(),
        bits: "3,conv1:8".parse().unwrap(),
        ..config()
    };
    let mut run = run(config.clone());
    let mut forks = Vec::new();
    for at in 0..12 {
        forks.push((at, run.fork(config.clone()).unwrap()));
        run.advance().unwrap();
    }
    let key = |run: &mut Run| format!("{:?}", finish(run).last().unwrap());
    let expected = key(&mut run);
    for (at, mut fork) in forks {
        assert_eq!(key(&mut fork), expected, "forked at {at}");
    }
}

/// A finished run forked with more epochs, and outliers with lsq.
#[test]
fn finished_and_outliers() {
    let one = RunConfig { quantizer: "lsq".into(), epochs: 1, ema: 0.5, reestimate: 1, ..config() };
    let mut run = run(one.clone());
    finish(&mut run);
    let mut more = run.fork(RunConfig { epochs: 3, ..one }).unwrap();
    assert_eq!(finish(&mut more).len(), 2);
    more.inject_outlier("conv2", 50.0).unwrap();
    more.layer_reports();
    more.packed().unwrap();
}

/// lsq after training with fewer bits than it learned.
#[test]
fn lsq_after_training_at_two_bits_is_that_of_the_weights() {
    let mut run = run(RunConfig { quantizer: "lsq".into(), bits: 8.into(), epochs: 1, ..config() });
    finish(&mut run);
    let mut none =
        run.fork(RunConfig { quantizer: "none".into(), bits: 8.into(), epochs: 1, ..config() }).unwrap();
    let of = |run: &mut Run| {
        let mut evaluator = run
            .evaluator(Some(Quantization {
                quantizer: "lsq".into(),
                bits: 2,
                granularity: "tensor".into(),
                ..Default::default()
            }))
            .unwrap();
        loop {
            if let Some(result) = evaluator.advance().result {
                break result.loss;
            }
        }
    };
    assert_eq!(of(&mut run), of(&mut none), "the same master weights, the same quantization");
}

/// Half of a test pass by one network says nothing of another.
#[test]
fn a_test_pass_begins_anew_where_a_fork_computes_otherwise() {
    let mut base = run(config());
    while !matches!(base.advance().unwrap(), Event::Evaluate { .. }) {}
    // One batch of two is done.
    let is_last = |mut run: Run| matches!(run.advance().unwrap(), Event::Epoch(_));
    assert!(is_last(base.fork(config()).unwrap()));
    for other in [
        RunConfig { activations: "affine".into(), ..config() },
        RunConfig { ends: "8".into(), ..config() },
        RunConfig { bits: 3.into(), ..config() },
    ] {
        assert!(!is_last(base.fork(other.clone()).unwrap()), "{other:?}");
    }
}

/// The master weights of `shift` are signs; what they stand for is what goes on.
#[test]
fn powers_of_two_go_on_as_weights_of_another_kind() {
    let of_shift = |bits: u8| RunConfig { quantizer: "shift".into(), bits: bits.into(), ..config() };
    let mut base = run(of_shift(3));
    steps(&mut base, 2);
    let powers = base.filters("conv2").unwrap().quantized;
    let full = RunConfig { quantizer: "none".into(), ..config() };
    assert_eq!(base.fork(full).unwrap().filters("conv2").unwrap().latent, powers);
    // A finer grid of powers holds the same ones.
    assert_eq!(base.fork(of_shift(4)).unwrap().filters("conv2").unwrap().quantized, powers);
    // The same scheme goes on with the signs as they are.
    let (same, signs) =
        (base.fork(of_shift(3)).unwrap().filters("conv2").unwrap(), base.filters("conv2").unwrap());
    assert_eq!((same.latent, same.quantized), (signs.latent, powers));
}

/// What was averaged were latent variables of signs.
#[test]
fn averages_begin_anew_where_weights_come_from_latent_variables() {
    let shift = RunConfig { quantizer: "shift".into(), ema: 0.999, ..config() };
    let mut run = run(shift.clone());
    steps(&mut run, 2);
    let mut fork = run.fork(RunConfig { quantizer: "symmetric".into(), ..shift }).unwrap();
    steps(&mut fork, 1);
    for (layer, param) in fork.model().params().filter(|(_, param)| param.is_weight()) {
        let average = param.slots.iter().find(|slot| slot.name == "average").unwrap();
        assert!(average.values == param.value, "{layer}: its first step is the first of the average");
    }
}

/// Each seed has magnitudes of its own, and so has each layer.
#[test]
fn latent_variables_are_drawn_by_the_seed() {
    let latents = |seed| -> Vec<f32> {
        let mut run = run(RunConfig { quantizer: "shift".into(), seed, ..config() });
        run.filters("conv1").unwrap();
        let params = run.model().params().filter(|(_, param)| param.name == "latents");
        params.map(|(_, param)| param.value[0].abs()).collect()
    };
    let (first, second) = (latents(1), latents(2));
    assert!(first.iter().zip(&second).all(|(a, b)| a != b), "{first:?} {second:?}");
    assert!(first.windows(2).all(|pair| pair[0] != pair[1]), "{first:?}");
    assert_eq!(first, latents(1));
}

/// A fork in the middle of a test pass tests its activations as they are to be rounded.
#[test]
fn activations_are_measured_where_a_fork_is_about_to_be_tested() {
    for scheme in ["affine", "lsq", "fp4"] {
        let mut run = run(config());
        steps(&mut run, 4);
        let rounded = RunConfig { activations: scheme.into(), activation_bits: 4, ..config() };
        let mut fork = run.fork(rounded).unwrap();
        let report = |run: &mut Run| finish(run).remove(0).test_loss;
        assert_ne!(report(&mut fork), report(&mut run), "{scheme}");
    }
}

/// One scale for the net is that of the layers that are rounded.
#[test]
fn a_layer_that_is_not_rounded_has_no_part_in_the_scale_of_the_net() {
    let mut run = run(RunConfig { granularity: "net".into(), ends: "full".into(), ..config() });
    let scale = |run: &mut Run| run.layer_reports()[1].scale;
    let before = scale(&mut run);
    run.inject_outlier("conv1", 20.0).unwrap();
    assert_eq!(scale(&mut run), before);
}
