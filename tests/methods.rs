//! What settings besides the paper's do to a run, and what they leave alone.

use std::sync::Arc;

use nibble::data::{Dataset, IMAGE_BYTES, synthetic};
use nibble::metrics::{EpochReport, Event, LayerReport};
use nibble::optim::OPTIMIZERS;
use nibble::predictions::Query;
use nibble::quant::{ACTIVATIONS, GRADIENTS, GRANULARITIES, QUANTIZERS};
use nibble::run::{Evaluation, Evaluator, Part, Quantization, Run};
use nibble::schedule::SCHEDULES;
use nibble::{Error, RunConfig};

#[path = "support/schemes.rs"]
mod schemes;

use schemes::Tried;

fn dataset() -> Arc<Dataset> {
    Arc::new(synthetic::generate(192, 64, 5).unwrap())
}

fn config() -> RunConfig {
    RunConfig { batch: 32, epochs: 2, ..RunConfig::default() }
}

fn run(config: RunConfig) -> Run {
    Run::new(dataset(), config, || 0.0).unwrap()
}

/// Everything that comes yet: bits of the losses and the epochs' reports.
fn rest(run: &mut Run) -> (Vec<u64>, Vec<EpochReport>) {
    let (mut losses, mut epochs) = (Vec::new(), Vec::new());
    loop {
        match run.advance().unwrap() {
            Event::Step(step) => losses.push(step.loss.to_bits()),
            Event::Epoch(epoch) => epochs.push(epoch),
            Event::Finished { .. } => return (losses, epochs),
            _ => {}
        }
    }
}

/// Every value of the run, as bits.
fn weights(run: &Run) -> Vec<u32> {
    let model = run.model();
    let buffers = model.buffers().flat_map(|(_, _, values)| values.iter());
    model.params().flat_map(|(_, param)| param.value.iter()).chain(buffers).map(|v| v.to_bits()).collect()
}

/// Every scheme, by a scale a tensor and by one other granularity that it takes, each in its turn; every scheme for
/// activations and for gradients; a step of every optimizer and schedule.
fn variants() -> Vec<RunConfig> {
    let mut variants = Vec::new();
    for (i, scheme) in QUANTIZERS.iter().enumerate() {
        // Four bits where it can, else what it can.
        let bits = if scheme.bits.contains(&4) { 4 } else { scheme.bits[0] };
        let mut names: Vec<&str> = GRANULARITIES
            .iter()
            .filter(|sharing| scheme.quantizer(bits, sharing.granularity, [9, 3]).is_ok())
            .map(|sharing| sharing.entry.name)
            .filter(|name| *name != "tensor")
            .collect();
        let turn = i % names.len().max(1);
        names.rotate_left(turn);
        for name in ["tensor"].into_iter().chain(names.into_iter().take(1)) {
            variants.push(RunConfig {
                quantizer: scheme.entry.name.into(),
                bits: bits.into(),
                granularity: name.into(),
                ..config()
            });
        }
    }
    for (i, scheme) in ACTIVATIONS.iter().enumerate() {
        variants.push(RunConfig {
            activations: scheme.entry.name.into(),
            activation_bits: scheme.bits[scheme.bits.len() / 2].into(),
            activation_range: ["average", "largest"][i % 2].into(),
            quantizer: "lsq".into(),
            ends: ["8", "full", "same"][i % 3].into(),
            ..config()
        });
    }
    for scheme in GRADIENTS.iter().filter(|scheme| scheme.round.is_some()) {
        let mut widths = vec![scheme.bits[0], *scheme.bits.last().unwrap()];
        widths.dedup();
        for bits in widths {
            variants.push(RunConfig {
                gradients: scheme.entry.name.into(),
                gradient_bits: bits.into(),
                ..config()
            });
        }
    }
    for (bits, quantizer) in [(4, "symmetric"), (2, "lsq"), (1, "binary")] {
        let (compute, ends) = ("int8".into(), "full".into());
        variants.push(RunConfig {
            compute,
            ends,
            bits: bits.into(),
            quantizer: quantizer.into(),
            ..config()
        });
    }
    for kind in OPTIMIZERS.iter() {
        let lr = if kind.entry.name == "sgd" { 0.05 } else { 1e-3 };
        variants.push(RunConfig {
            optimizer: kind.entry.name.into(),
            lr,
            quantizer: "lsq".into(),
            ..config()
        });
    }
    for schedule in SCHEDULES.iter() {
        variants.push(RunConfig { schedule: schedule.entry.name.into(), ..config() });
    }
    variants.push(RunConfig { bits: "3,conv1:8,linear1:8".parse().unwrap(), ..config() });
    let own = "conv1.quantizer:none,conv2.quantizer:lsq,conv2.granularity:channel,conv2.activations:pact,conv2.actbits:4";
    variants.push(RunConfig { granularity: "net".into(), layers: own.parse().unwrap(), ..config() });
    variants.push(RunConfig { label_smoothing: 0.1, decay_norms: false, bn_momentum: 0.2, ..config() });
    variants.push(RunConfig {
        schedule: "warmup_linear".into(),
        warm_up: 0.5,
        norm_rate: 8.0,
        crop: 2,
        flip: "alternating".into(),
        border: "mirrored".into(),
        ..config()
    });
    variants.push(RunConfig {
        reestimate: 3,
        ema: 0.9,
        holdout: 40,
        normalization: "own".into(),
        ..config()
    });
    variants
}

/// A run on one thread, and the same on two, three or four that goes on in a fork after two steps: one end, to the last
/// bit.
#[test]
fn every_method_learns_forks_bit_for_bit_and_does_not_depend_on_threads() {
    let few = Arc::new(synthetic::generate(96, 32, 5).unwrap());
    for (turn, config) in variants().into_iter().enumerate() {
        let begun = || {
            let mut run = Run::new(few.clone(), config.clone(), || 0.0).unwrap();
            let events = [run.advance().unwrap(), run.advance().unwrap()];
            (run, events)
        };
        let end = |mut run: Run| (rest(&mut run), weights(&run));
        let on = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();

        let (events, straight) = on(1).install(|| {
            let (run, events) = begun();
            (events, end(run))
        });
        let forked = on(2 + turn % 3).install(|| end(begun().0.fork(config.clone()).unwrap()));
        assert_eq!(format!("{:?}", forked.0), format!("{:?}", straight.0), "{config:?}");
        assert!(forked.1 == straight.1, "{config:?}: a fork on more threads ends elsewhere");

        let Event::Step(first) = &events[0] else { panic!("{config:?} begins with {:?}", events[0]) };
        let last = straight.0.1[1].train_loss;
        // Of powers of two most exponents change in each of the first steps.
        let learns = last < first.loss || config.quantizer == "shift";
        assert!(learns, "{config:?} goes from {} to {last}", first.loss);
    }
}

/// The same roundings in whole numbers and in f32: the sums differ in their last digits, and a value between two levels may
/// fall to the other one.
#[test]
fn integers_compute_what_rounded_numbers_do() {
    for (quantizer, bits) in [("symmetric", 4), ("lsq", 3), ("ternary_mean", 2), ("binary", 1)] {
        let base = RunConfig { quantizer: quantizer.into(), bits: bits.into(), ..config() };
        let (activations, gradients) = ("affine".into(), "symmetric".into());
        let simulated = RunConfig { activations, gradients, ..base.clone() };
        let of = |config: RunConfig| {
            let mut run = run(config);
            let steps = [run.advance().unwrap(), run.advance().unwrap()];
            steps.map(|event| match event {
                Event::Step(step) => [step.loss, step.grad_norm],
                other => panic!("{quantizer}: {other:?}"),
            })
        };
        let (found, wanted) = (of(RunConfig { compute: "int8".into(), ..base }), of(simulated));
        println!("{quantizer}: {found:?}, in f32 {wanted:?}");
        for ((found, wanted), tolerance) in
            found.as_flattened().iter().zip(wanted.as_flattened()).zip([1e-4, 1e-2, 1e-2, 5e-2])
        {
            assert!(
                (found / wanted - 1.0).abs() < tolerance,
                "{quantizer}: {found} in integers, {wanted} in f32"
            );
        }
    }
}

/// Copies, which are tested, measured and looked into, compute in f32 what the run does.
#[test]
fn a_run_in_integers_is_looked_into_like_any_other() {
    let mut run = run(RunConfig { compute: "int8".into(), ..config() });
    (0..4).for_each(|_| drop(run.advance().unwrap()));
    let quantization = Quantization {
        quantizer: "codebook".into(),
        bits: 4,
        granularity: "tensor".into(),
        ..Quantization::default()
    };
    for quantization in [None, Some(quantization)] {
        evaluated(run.evaluator(quantization).unwrap());
    }
    let mut sensing = run.sensing("noise", 0).unwrap();
    while sensing.advance().unwrap().result.is_none() {}
    assert_eq!(run.heat_maps(&[128; 4 * 32 * 32]).unwrap().len(), 32 * 32);
}

#[test]
fn what_cannot_be_computed_in_integers_is_refused() {
    let refused = |config: RunConfig| {
        let run = Run::new(dataset(), RunConfig { compute: "int8".into(), ..config }, || 0.0);
        run.err().map(|error| error.to_string()).unwrap_or_default()
    };
    let of = |quantizer: &str, granularity: &str| RunConfig {
        quantizer: quantizer.into(),
        granularity: granularity.into(),
        ..config()
    };
    for (config, why) in [
        (of("none", "tensor"), "none"),
        (of("codebook", "tensor"), "codebook"),
        (of("symmetric", "channel"), "symmetric"),
        (RunConfig { model: "convnetjs_cifar10".into(), ..config() }, "convnetjs_cifar10"),
        (RunConfig { gradients: "affine".into(), ..config() }, "simple_resnet4bit"),
    ] {
        let message = refused(config);
        assert!(
            message.starts_with("compute: expected f32 with") && message.contains(why),
            "{why}: {message:?}"
        );
    }
    assert_eq!(refused(of("fp4", "tensor")), "");
}

#[test]
fn bits_of_a_layer_are_its_own() {
    let mut run = run(RunConfig { bits: "3,conv1:8,linear1:2".parse().unwrap(), ..config() });
    for layer in run.layer_reports() {
        let expected = match layer.name.as_str() {
            "conv1" => (8, 255),
            "linear1" => (2, 3),
            _ => (3, 7),
        };
        assert_eq!((layer.bits, layer.level_counts.len()), expected, "{}", layer.name);
    }
    let unknown = RunConfig { bits: "4,conv7:8".parse().unwrap(), ..config() };
    let error = Run::new(dataset(), unknown, || 0.0).err().unwrap();
    assert!(matches!(error, Error::Config { field: "bits", .. }), "{error}");
    assert!(error.to_string().ends_with("found conv7"), "{error}");
}

#[test]
fn a_scheme_of_a_layer_is_its_own() {
    let own = "conv1.quantizer:none,conv2.quantizer:fp4,conv2.granularity:channel,conv2.activations:affine";
    let config = RunConfig { granularity: "net".into(), layers: own.parse().unwrap(), ..config() };
    let mut with = run(config.clone());
    let told = with.layer_reports();
    assert_eq!((told[0].bits, told[0].scales), (32, 0));
    assert_eq!((told[1].levels.len(), told[1].scales), (15, told[1].shape[0]), "a scale a channel");
    // The others share the scale of what is left of the net.
    let of_all = run(RunConfig { layers: Default::default(), ..config.clone() }).layer_reports()[2].scale;
    assert!(told[2..].iter().all(|layer| layer.scale == told[2].scale && layer.scale < of_all));
    with.advance().unwrap();
    assert_eq!(with.activation_reports().unwrap().iter().filter(|report| report.rounded).count(), 1);

    let unknown = RunConfig { layers: "conv7.quantizer:lsq".parse().unwrap(), ..config };
    let error = Run::new(dataset(), unknown, || 0.0).err().unwrap();
    assert!(matches!(error, Error::Config { field: "layers", .. }), "{error}");
}

/// Master weights are latent variables of signs with the scheme that has such, but for layers that it does not do.
#[test]
fn reports_tell_master_weights_that_are_signs() {
    let signs = |quantizer: &str, ends: &str, bits: &str| {
        let bits = bits.parse().unwrap();
        let mut run = run(RunConfig { quantizer: quantizer.into(), ends: ends.into(), bits, ..config() });
        let reports = run.layer_reports();
        let of = |layer: &LayerReport| layer.signs;
        [of(&reports[0]), of(&reports[1]), of(reports.last().unwrap())]
    };
    assert_eq!(signs("symmetric", "same", "4"), [false; 3]);
    assert_eq!(signs("shift", "same", "4"), [true; 3]);
    for ends in ["8", "full"] {
        assert_eq!(signs("shift", ends, "4"), [false, true, false], "{ends}");
    }
    assert_eq!(signs("shift", "8", "4,conv1:3"), [true, true, false]);
}

#[test]
fn finer_scales_are_nearer_to_the_weights() {
    let error = |granularity: &str| {
        let mut run = run(RunConfig { granularity: granularity.into(), ..config() });
        let filters = run.filters("conv4").unwrap();
        let pairs = filters.latent.iter().zip(&filters.quantized);
        pairs.map(|(latent, quantized)| f64::from(latent - quantized).powi(2)).sum::<f64>()
    };
    let errors = ["net", "tensor", "channel", "group128", "group64", "group32"].map(error);
    assert!(errors.windows(2).all(|pair| pair[1] <= pair[0] * 1.0001), "{errors:?}");
    assert!(errors[5] < 0.7 * errors[1], "{errors:?}");
}

/// Estimating statistics again and averaging weights change what is tested, and nothing of what is trained.
#[test]
fn what_is_tested_beside_the_run_leaves_its_training_alone() {
    let mut plain = run(config());
    let (losses, epochs) = rest(&mut plain);
    assert!(epochs.iter().all(|epoch| epoch.average.is_none()));
    for beside in [RunConfig { reestimate: 4, ..config() }, RunConfig { ema: 0.8, ..config() }] {
        let mut other = run(beside.clone());
        let (other_losses, other_epochs) = rest(&mut other);
        assert_eq!(other_losses, losses, "{beside:?}");
        assert!(weights(&other) == weights(&plain), "{beside:?}");
        if beside.reestimate > 0 {
            assert_ne!(other_epochs[1].test_loss, epochs[1].test_loss, "other statistics are used");
        } else {
            assert_eq!(other_epochs[1].test_loss, epochs[1].test_loss);
            let average = other_epochs[1].average.expect("averages are tested");
            assert_ne!(average.test_loss, epochs[1].test_loss);
        }
    }
}

/// Over so many batches that every image counts about alike, the estimate is that of the whole set.
#[test]
fn statistics_are_estimated_by_the_weights_as_they_are() {
    // At this rate the running statistics lag far behind.
    let jumpy = RunConfig { lr: 0.02, epochs: 1, bn_momentum: 0.01, ..config() };
    let test_loss = |config| rest(&mut run(config)).1[0].test_loss;
    let (lagging, estimated) = (test_loss(jumpy.clone()), test_loss(RunConfig { reestimate: 20, ..jumpy }));
    assert!(estimated < 0.8 * lagging, "{estimated} {lagging}");
}

/// What a test pass gives.
fn evaluated(mut evaluator: Evaluator) -> Evaluation {
    loop {
        if let Some(result) = evaluator.advance().result {
            return result;
        }
    }
}

#[test]
fn images_kept_aside_are_tested_and_never_trained_on() {
    let mut run = run(RunConfig { holdout: 50, ..config() });
    let info = run.info();
    assert_eq!((info.images, info.tests, info.steps_per_epoch), ([142, 50], Part::Train, 5));
    let (_, epochs) = rest(&mut run);
    assert_eq!(epochs[0].confusion.iter().sum::<u32>(), 50);
    let cells = (0..100).map(|cell| Query { label: Some(cell / 10), predicted: Some(cell % 10), limit: 99 });
    let mut aside: Vec<usize> = cells
        .flat_map(|cell| run.predictions(cell).unwrap())
        .map(|prediction| {
            assert_eq!(dataset().train.label(prediction.index), prediction.label);
            prediction.index
        })
        .collect();
    aside.sort_unstable();
    aside.dedup();
    assert_eq!(aside.len(), 50, "each once");
    // The test set is seen where it is asked for, and by the same network.
    let tested = |run: &mut Run| evaluated(run.evaluator(None).unwrap().on_test_set());
    let fresh = |holdout| self::run(RunConfig { holdout, ..config() });
    assert_eq!(tested(&mut fresh(50)), tested(&mut fresh(0)));
    assert_ne!(tested(&mut fresh(50)), evaluated(fresh(50).evaluator(None).unwrap()));
    // The same for every seed: choices can be compared.
    let mut other = self::run(RunConfig { holdout: 50, seed: 9, epochs: 1, ..config() });
    rest(&mut other);
    let all = Query { label: Some(3), predicted: None, limit: 99 };
    assert!(
        other
            .predictions(all)
            .unwrap()
            .iter()
            .all(|prediction| aside.binary_search(&prediction.index).is_ok())
    );
    let message =
        Run::new(dataset(), RunConfig { holdout: 191, ..config() }, || 0.0).err().unwrap().to_string();
    assert_eq!(
        message,
        "holdout: expected at most 190, so that 2 of 192 training images are left, found 191"
    );
}

#[test]
fn the_data_sets_own_figures_normalise_it() {
    let set = dataset();
    let normalize = set.own_normalize();
    let mut sums = [[0.0f64; 2]; 3];
    for image in 0..set.train.len() {
        for rgba in set.train.rgba(image).chunks_exact(4) {
            let pixel = normalize.pixel([rgba[0], rgba[1], rgba[2]]);
            for c in 0..3 {
                sums[c][0] += f64::from(pixel[c]);
                sums[c][1] += f64::from(pixel[c]).powi(2);
            }
        }
    }
    let count = (set.train.len() * IMAGE_BYTES / 3) as f64;
    for [sum, squares] in sums {
        // Sums of 200 thousand rounded values.
        assert!((sum / count).abs() < 1e-4 && (squares / count - 1.0).abs() < 1e-3, "{sum} {squares}");
    }
}

/// An evaluator is built as the run is: with the direct algorithms its sums are the run's own, to the last bit.
#[test]
fn an_evaluator_follows_the_runs_settings() {
    for winograd in [true, false] {
        let mut run = run(RunConfig { winograd, epochs: 1, ..config() });
        let (_, epochs) = rest(&mut run);
        let result = evaluated(run.evaluator(None).unwrap());
        assert_eq!(result.loss.to_bits(), epochs[0].test_loss.to_bits(), "winograd {winograd}");
    }
}

/// A fork may change the optimizer: what the other one remembered is no use to it.
#[test]
fn a_fork_with_another_optimizer_starts_it_afresh() {
    let mut run = run(config());
    run.advance().unwrap();
    let mut fork = run.fork(RunConfig { optimizer: "sgd".into(), lr: 0.05, ..config() }).unwrap();
    rest(&mut fork);
    let slots: Vec<_> =
        fork.model().params().flat_map(|(_, param)| &param.slots).map(|slot| slot.name).collect();
    assert!(slots.iter().all(|name| *name == "velocity") && !slots.is_empty(), "{slots:?}");
}

/// Loss of a test after an epoch of 31 steps, by statistics that are estimated for it.
fn loss_after_an_epoch(dataset: &Arc<Dataset>, config: RunConfig) -> f64 {
    let config = RunConfig { batch: 64, epochs: 1, reestimate: 5, ..config };
    rest(&mut Run::new(dataset.clone(), config, || 0.0).unwrap()).1[0].test_loss
}

/// How much of FP32's way from chance to its loss a scheme must have gone after an epoch: three quarters, but less where
/// it is known to start slowly.
fn share_of_full_precision(kind: &str, name: &str) -> f64 {
    match (kind, name) {
        // One bit and three levels: the weights' sizes are lost.
        ("weights", "binary" | "ternary_mean" | "ternary_median") => 0.3,
        // Latent variables begin within one step of 0: most exponents change in each of the first steps.
        ("weights", "shift") => 0.06,
        // Half of what batch norm and ReLU give lies above 1, where it is cut off.
        ("activations", "dorefa") => 0.15,
        _ => 0.75,
    }
}

#[test]
fn every_scheme_learns_nearly_as_much_as_full_precision_in_an_epoch() {
    let dataset = Arc::new(synthetic::generate(2000, 300, 1).unwrap());
    let chance = 10f64.ln();
    let full = RunConfig { quantizer: "none".into(), ..RunConfig::default() };
    let gain = chance - loss_after_an_epoch(&dataset, full);
    assert!(gain > 0.4, "FP32 learns: {gain}");
    for Tried { kind, scheme, bits, config } in schemes::schemes(4) {
        let name = scheme.entry.name;
        let loss = loss_after_an_epoch(&dataset, config);
        let bound = chance - share_of_full_precision(kind, name) * gain;
        assert!(loss < bound, "{kind} {name}, {bits} bits: {loss}, not below {bound}");
    }
}

/// The list of what each scheme is held against knows every scheme, and no other.
#[test]
fn every_scheme_has_an_independent_check() {
    let tried = schemes::schemes(4);
    let mut registered: Vec<_> = tried.iter().map(|tried| (tried.kind, tried.scheme.entry.name)).collect();
    let mut checked: Vec<_> = schemes::CHECKS.iter().map(|(kind, name, _)| (*kind, *name)).collect();
    registered.sort_unstable();
    checked.sort_unstable();
    assert_eq!(registered, checked);
}

/// Without the straight-through estimator rounding has no gradient, so exponents stay as they are.
#[test]
fn latent_variables_learn_straight_through_alone() {
    let latents = |straight_through| {
        let mut run =
            run(RunConfig { quantizer: "shift".into(), bits: 3.into(), straight_through, ..config() });
        let of = |run: &Run| -> Vec<f32> {
            let latents = run.model().params().filter(|(_, param)| param.name == "latents");
            latents.flat_map(|(_, param)| param.value.clone()).collect()
        };
        while !matches!(run.advance().unwrap(), Event::Step(_)) {}
        let first = of(&run);
        rest(&mut run);
        (first, of(&run))
    };
    let (first, last) = latents(false);
    assert!(!first.is_empty() && first == last);
    let (first, last) = latents(true);
    assert_ne!(first, last);
}
