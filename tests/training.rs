//! Whole models: parameter counts, gradients against differences, learning, and what a run reports.

use std::sync::Arc;
use std::time::Instant;

use nibble::data::synthetic;
use nibble::layers::{LayerSpec, Pass};
use nibble::loss::cross_entropy;
use nibble::metrics::Event;
use nibble::model::{Description, Model};
use nibble::run::Run;
use nibble::schedule::Rates;
use nibble::train::Trainer;
use nibble::{Error, RunConfig, Tensor, models};

fn clock() -> f64 {
    static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    START.get_or_init(Instant::now).elapsed().as_secs_f64() * 1e3
}

fn specs(json: &str) -> Vec<LayerSpec> {
    serde_json::from_str(json).unwrap()
}

/// That of the settings.
const FULL_RATE: Rates = Rates { lr: 1.0, momentum: None };

/// FP32 with that seed.
fn unquantized(seed: u32) -> RunConfig {
    RunConfig { quantizer: "none".into(), seed, ..RunConfig::default() }
}

fn model_of(specs: Vec<LayerSpec>, classes: usize) -> nibble::Result<Model> {
    Model::new(&Description::new(specs, classes, unquantized(0)))
}

/// Values in [-1, 1) that look random but are the same everywhere.
fn noise(len: usize, seed: u32) -> Vec<f32> {
    let hash =
        |i: usize| (i as u32).wrapping_mul(2_654_435_761).wrapping_add(seed).wrapping_mul(2_246_822_519);
    (0..len).map(|i| ((hash(i) ^ (hash(i) >> 15)) >> 8) as f32 / (1 << 23) as f32 - 1.0).collect()
}

fn batch(shape: [usize; 4], halo: usize) -> Tensor {
    let stored = shape[3].next_multiple_of(4);
    let mut dense = noise(shape[..3].iter().product::<usize>() * stored, 7);
    for pixel in dense.chunks_exact_mut(stored) {
        pixel[shape[3]..].fill(0.0);
    }
    Tensor::from_dense([shape[0], shape[1], shape[2], stored], halo, &dense)
}

#[test]
fn models_have_the_published_parameter_counts() {
    let count = |model: &str, classes| {
        model_of(models::find(model).unwrap().specs().unwrap(), classes).unwrap().parameter_count()
    };
    assert_eq!(count("vgg4bit", 10), 3_251_018);
    assert_eq!(count("vgg4bit", 100), 3_297_188);
    assert_eq!(count("simple_resnet4bit", 10), 73_178);
    // 3-16, 16-20 and 20-20 channels of 25 taps, and 320 to 10, with biases.
    assert_eq!(count("convnetjs_cifar10", 10), 1_216 + 8_020 + 10_020 + 3_210);
}

/// Compares every parameter's gradient with central differences of the loss. The nets are smooth where they
/// are probed, but for ReLU and max pooling: a difference that crosses one of their corners is off by a few
/// percent of the largest gradient, so a small share of the probes may disagree.
fn check_gradients(json: &str, input: [usize; 3], n: usize) {
    let classes = 3;
    let description = Description { input, ..Description::new(specs(json), classes, unquantized(3)) };
    let mut model = Model::new(&description).unwrap();
    let x = batch([n, input[0], input[1], input[2]], model.input_halo());
    let labels: Vec<u16> = (0..n).map(|i| (i % classes) as u16).collect();
    let pass = Pass { training: true, seed: 1, step: 0 };

    model.forward(&x, &pass);
    let (logits, gradient) = model.logits_and_gradient();
    cross_entropy(logits, &labels, Some(gradient));
    model.backward(&x);
    let grads: Vec<Vec<f32>> = model.params().map(|(_, param)| param.grad.clone()).collect();
    let names: Vec<String> = model.params().map(|(layer, param)| format!("{layer}.{}", param.name)).collect();
    let largest = grads.iter().flatten().fold(0.0f32, |m, g| m.max(g.abs()));
    assert!(largest > 1e-3, "the gradient is there");

    let mut loss_with = |which: usize, i: usize, delta: f32| {
        let nudge = |model: &mut Model, delta: f32| {
            let mut at = 0;
            model.for_each_param_mut(|_, param| {
                if at == which {
                    param.value[i] += delta;
                }
                at += 1;
            });
        };
        nudge(&mut model, delta);
        model.refresh();
        let loss = cross_entropy(model.forward(&x, &pass), &labels, None).mean;
        nudge(&mut model, -delta);
        model.refresh();
        loss
    };
    let (mut probes, mut off) = (0, 0);
    for (which, grad) in grads.iter().enumerate() {
        for i in (0..grad.len()).step_by((grad.len() / 24).max(1)) {
            // Step 2e-3 in f32: rounding of the loss 1e-7 / 4e-3 = 3e-5, truncation below that.
            let step = 2e-3;
            let numeric = (loss_with(which, i, step) - loss_with(which, i, -step)) / (2.0 * f64::from(step));
            let error = (numeric - f64::from(grad[i])).abs();
            probes += 1;
            if error > 2e-3 * f64::from(largest).max(0.1) {
                off += 1;
                let corner = error < 0.1 * f64::from(largest);
                assert!(corner, "{}[{i}]: gradient {}, difference {numeric}", names[which], grad[i]);
            }
        }
    }
    assert!(off * 20 <= probes, "{off} of {probes} probes disagree");
}

#[test]
fn conv_and_pool_backward_match_finite_differences() {
    check_gradients(
        r#"[{"type":"conv2d","out":5},{"type":"max_pool"},{"type":"conv2d","out":4,"stride":2},
            {"type":"flatten"},{"type":"linear"}]"#,
        [6, 6, 3],
        4,
    );
}

#[test]
fn conv_5x5_backward_matches_finite_differences() {
    check_gradients(
        r#"[{"type":"conv2d","out":5,"kernel":5},{"type":"relu"},{"type":"max_pool"},
            {"type":"conv2d","out":6,"kernel":5},{"type":"relu"},{"type":"flatten"},{"type":"linear"}]"#,
        [7, 6, 3],
        4,
    );
}

/// Batches come with a halo of 1, 5x5 convolutions read 2.
#[test]
fn a_batch_may_have_a_narrower_halo_than_is_read() {
    let specs = models::find("convnetjs_cifar10").unwrap().specs().unwrap();
    let mut model = model_of(specs, 10).unwrap();
    assert_eq!(model.input_halo(), 2);
    let labels = [1, 7, 3];
    let results = [0, 1, 2].map(|halo| {
        let x = batch([3, 32, 32, 3], halo);
        model.forward(&x, &Pass { training: true, seed: 1, step: 0 });
        let (logits, gradient) = model.logits_and_gradient();
        let logits = logits.to_dense();
        cross_entropy(&Tensor::from_dense([3, 1, 1, 10], 0, &logits), &labels, Some(gradient));
        model.backward(&x);
        let grads: Vec<Vec<f32>> = model.params().map(|(_, param)| param.grad.clone()).collect();
        assert!(grads[0].iter().any(|g| *g != 0.0));
        (logits, grads)
    });
    assert!(results.iter().all(|result| *result == results[2]));
}

#[test]
fn batch_norm_and_skip_backward_match_finite_differences() {
    check_gradients(
        r#"[{"type":"conv2d","out":6},{"type":"batch_norm"},{"type":"relu","id":"stem"},
            {"type":"conv2d","out":6},{"type":"batch_norm"},{"type":"relu"},{"type":"add","from":"stem"},
            {"type":"global_avg_pool"},{"type":"linear"}]"#,
        [5, 7, 2],
        6,
    );
}

#[test]
fn batch_norm_and_pool_backward_match_finite_differences() {
    check_gradients(
        r#"[{"type":"conv2d","out":6},{"type":"batch_norm"},{"type":"relu"},{"type":"max_pool"},
            {"type":"conv2d","out":5},{"type":"batch_norm"},{"type":"max_pool"},
            {"type":"flatten"},{"type":"linear"}]"#,
        [7, 9, 2],
        6,
    );
}

/// Layers that keep their own activation, one of them read by three: the next layer and two sums, one of which is
/// just that layer's input.
#[test]
fn skips_without_batch_norm_backward_match_finite_differences() {
    check_gradients(
        r#"[{"type":"conv2d","out":4,"id":"stem"},{"type":"add","from":"stem"},{"type":"conv2d","out":4},
            {"type":"relu"},{"type":"add","from":"stem"},{"type":"max_pool"},{"type":"relu"},
            {"type":"flatten"},{"type":"linear"}]"#,
        [4, 6, 3],
        4,
    );
}

#[test]
fn batch_norm_first_backward_matches_finite_differences() {
    check_gradients(
        r#"[{"type":"batch_norm"},{"type":"conv2d","out":5,"stride":2},{"type":"global_avg_pool"},
            {"type":"linear"}]"#,
        [5, 4, 4],
        6,
    );
}

/// A shortcut that changes channels and size, whose projection comes first of what reads the stem.
#[test]
fn projection_shortcut_backward_matches_finite_differences() {
    for stride in [1, 2] {
        let json = r#"[{"type":"conv2d","out":6},{"type":"batch_norm"},{"type":"relu","id":"stem"},
            {"type":"projection","out":8,"stride":STRIDE,"id":"shortcut"},
            {"type":"conv2d","out":8,"stride":STRIDE,"inputs":["stem"]},{"type":"batch_norm"},
            {"type":"add","from":"shortcut"},{"type":"global_avg_pool"},{"type":"linear"}]"#;
        check_gradients(&json.replace("STRIDE", &stride.to_string()), [5, 7, 2], 6);
    }
}

/// Three readers of one output, one of them twice, and a skip from the image: gradients that have no place of their own.
#[test]
fn outputs_with_many_readers_backward_match_finite_differences() {
    check_gradients(
        r#"[{"type":"conv2d","out":3,"id":"a"},{"type":"relu","id":"b"},
            {"type":"conv2d","out":3,"inputs":["a"],"id":"c"},{"type":"add","inputs":["a","b"],"id":"d"},
            {"type":"add","inputs":["d","c"]},{"type":"add","from":"a","id":"e"},{"type":"add","inputs":["e","e"]},
            {"type":"add","from":"image"},{"type":"global_avg_pool"},{"type":"linear"}]"#,
        [5, 7, 3],
        5,
    );
}

/// Any layer may come first; those but convolutions see the image without the channel that pads it.
#[test]
fn a_model_may_begin_with_any_layer() {
    for json in [
        r#"[{"type":"batch_norm"},{"type":"relu"},{"type":"conv2d","out":4},{"type":"global_avg_pool"},{"type":"linear"}]"#,
        r#"[{"type":"max_pool"},{"type":"conv2d","out":4},{"type":"global_avg_pool"},{"type":"linear"}]"#,
        r#"[{"type":"projection","out":4},{"type":"relu"},{"type":"global_avg_pool"},{"type":"linear"}]"#,
        r#"[{"type":"flatten"},{"type":"linear"}]"#,
    ] {
        check_gradients(json, [6, 6, 3], 6);
    }
}

#[test]
fn vector_layers_backward_match_finite_differences() {
    check_gradients(
        r#"[{"type":"flatten"},{"type":"linear","out":12},{"type":"batch_norm"},{"type":"relu"},
            {"type":"dropout","p":0.5},{"type":"linear"}]"#,
        [2, 2, 4],
        9,
    );
}

#[test]
fn bad_models_name_the_layer() {
    let message = |json: &str| model_of(specs(json), 10).err().expect("refused").to_string();
    assert!(message(r#"[{"type":"conv3d"}]"#).starts_with("layer 0 (conv3d): expected conv2d, linear"));
    assert!(message(r#"[{"type":"conv2d","out":4,"stride":3}]"#).contains("expected stride 1 or 2, found 3"));
    assert!(message(r#"[{"type":"conv2d","out":4,"kernel":4}]"#).contains("expected kernel 3 or 5, found 4"));
    let strided = r#"[{"type":"conv2d","out":4,"kernel":5,"stride":2}]"#;
    assert!(message(strided).contains("expected stride 1 for kernel 5, found 2"));
    assert!(message(r#"[{"type":"conv2d","outs":4}]"#).contains("outs"));
    assert!(message(r#"[{"type":"linear"}]"#).contains("expected a vector"));
    assert!(message(r#"[{"type":"add","from":"x"}]"#).contains("id of an earlier layer"));
    assert!(message(r#"[{"type":"flatten"}]"#).contains("10 classes"));
    let conv = |rest: &str| message(&format!(r#"[{{"type":"conv2d","out":4,"id":"a"}},{rest}]"#));
    assert!(conv(r#"{"type":"relu","from":"a"}"#).starts_with("layer 1 (relu): expected one input"));
    assert!(conv(r#"{"type":"add"}"#).contains("expected 2 inputs"));
    assert!(conv(r#"{"type":"relu","id":"a"}"#).contains("found `a` a second time"));
    assert!(conv(r#"{"type":"relu","id":"image"}"#).contains("found `image` a second time"));
    assert!(conv(r#"{"type":"relu","inputs":["a"],"from":"a"}"#).contains("expected `inputs` or `from`"));
    assert!(conv(r#"{"type":"conv2d","out":5},{"type":"add","from":"a"}"#).starts_with("layer 2 (add)"));
    let unread = r#"{"type":"conv2d","out":5},{"type":"relu","inputs":["a"]},{"type":"flatten"}"#;
    assert!(conv(unread).starts_with("layer 1 (conv2d): expected a layer that reads its output"));
    assert!(message("[]").contains("at least one layer"));
}

fn tiny_run(config: RunConfig) -> Run {
    let dataset = Arc::new(synthetic::generate(96, 40, 5).unwrap());
    Run::new(dataset, config, clock).unwrap()
}

fn tiny_config() -> RunConfig {
    RunConfig { batch: 32, epochs: 2, ..RunConfig::default() }
}

#[test]
fn a_run_goes_through_steps_tests_and_epochs() {
    let mut run = tiny_run(tiny_config());
    let mut kinds = String::new();
    loop {
        match run.advance().unwrap() {
            Event::Step(step) => {
                assert_eq!((step.steps_per_epoch, step.images), (3, 32));
                kinds.push('s');
            }
            event @ (Event::Reestimate { .. } | Event::Average { .. } | Event::Bits { .. }) => {
                panic!("not by default: {event:?}")
            }
            Event::Evaluate { total, .. } => {
                assert_eq!(total, 40);
                kinds.push('t');
            }
            Event::Epoch(report) => {
                for layer in &report.layers {
                    assert!((1..=15).contains(&layer.levels_used), "{} of {}", layer.levels_used, layer.name);
                    assert_eq!(layer.level_counts.iter().sum::<u32>() as usize, layer.count);
                    assert_eq!(layer.histogram.counts.iter().sum::<u32>() as usize, layer.count);
                }
                assert_eq!(report.layers.len(), 7);
                kinds.push('e');
            }
            Event::Finished { epoch } => {
                assert_eq!(epoch, 2);
                break;
            }
        }
    }
    assert_eq!(kinds, "ssstessste");
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let losses = |seed| {
        let mut run = tiny_run(RunConfig { seed, ..tiny_config() });
        (0..3)
            .map(|_| run.advance().unwrap())
            .map(|event| format!("{event:?}"))
            .map(loss_of)
            .collect::<Vec<_>>()
    };
    assert_eq!(losses(1), losses(1));
    assert_ne!(losses(1), losses(2));
}

fn loss_of(event: String) -> String {
    event.split("loss: ").nth(1).unwrap().split(',').next().unwrap().into()
}

/// The update remembers the largest weight for the next scale; an outlier that is set from outside must still count, and
/// the next step's soft clip bring it back.
#[test]
fn a_weight_set_from_outside_counts_in_the_next_scale() {
    let description = Description::preset(10, RunConfig::default()).unwrap();
    let mut trainer = Trainer::new(description, clock).unwrap();
    let x = batch([4, 32, 32, 3], 1);
    trainer.step(&x, &[0, 1, 2, 3], FULL_RATE).unwrap();
    let scale = |trainer: &Trainer| {
        let (_, param) = trainer.model().params().find(|(name, _)| *name == "conv2").unwrap();
        param.encode().unwrap().grid.scales[0]
    };
    trainer.evaluate(&x, &[0, 1, 2, 3]);
    assert!(scale(&trainer) < 0.5, "scale {}", scale(&trainer));
    trainer.set_params(|layer, param| {
        if layer == "conv2" && param.is_weight() {
            param.value[5] = -700.0;
        }
    });
    trainer.evaluate(&x, &[0, 1, 2, 3]);
    assert_eq!(scale(&trainer), 100.0);
    trainer.step(&x, &[0, 1, 2, 3], FULL_RATE).unwrap();
    trainer.evaluate(&x, &[0, 1, 2, 3]);
    assert_eq!(scale(&trainer), 3.0 / 7.0);
}

/// Everything of a step (batch, passes, update) cut among threads: the same bits as one thread's.
#[test]
fn steps_do_not_depend_on_the_number_of_threads() {
    let dataset = Arc::new(synthetic::generate(64, 10, 5).unwrap());
    for model in ["simple_resnet4bit", "vgg4bit"] {
        let bits = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let config = RunConfig { model: model.into(), batch: 12, ..RunConfig::default() };
                let mut run = Run::new(dataset.clone(), config, clock).unwrap();
                let mut losses = Vec::new();
                for _ in 0..2 {
                    let Event::Step(step) = run.advance().unwrap() else { panic!("a step") };
                    losses.push((step.loss.to_bits(), step.grad_norm.to_bits()));
                }
                (losses, format!("{:?}", run.layer_reports()))
            })
        };
        let one = bits(1);
        for threads in 2..=4 {
            assert!(bits(threads) == one, "{model}: {threads} threads differ from one");
        }
    }
}

#[test]
fn a_diverging_step_leaves_the_weights() {
    let description = Description::preset(10, RunConfig::default()).unwrap();
    let mut trainer = Trainer::new(description, clock).unwrap();
    let x = Tensor::from_dense([2, 32, 32, 4], 1, &vec![f32::INFINITY; 2 * 32 * 32 * 4]);
    let before: Vec<Vec<f32>> = trainer.model().params().map(|(_, param)| param.value.clone()).collect();
    let result = trainer.step(&x, &[0, 1], FULL_RATE);
    assert!(matches!(result, Err(Error::Diverged { step: 1, .. })), "{result:?}");
    let after: Vec<Vec<f32>> = trainer.model().params().map(|(_, param)| param.value.clone()).collect();
    assert_eq!(before, after);
    assert!(trainer.model().buffers().all(|(_, _, values)| values.iter().all(|v| v.is_finite())));
}

#[test]
fn every_switch_trains() {
    let off = RunConfig {
        tanh_clip: false,
        granularity: "net".into(),
        grad_clip: false,
        augment: false,
        ..tiny_config()
    };
    let cases = [
        off,
        RunConfig { quantizer: "none".into(), ..tiny_config() },
        RunConfig { bits: 2.into(), ..tiny_config() },
        RunConfig { bits: 8.into(), schedule: "cosine_climbing".into(), ..tiny_config() },
    ];
    for config in cases {
        let mut run = tiny_run(config.clone());
        for _ in 0..4 {
            run.advance().unwrap();
        }
        let most = if config.quantizer == "none" { 0 } else { (1 << config.bits.all) - 1 };
        for layer in run.layer_reports() {
            assert!(layer.levels_used <= most, "{config:?}: {} levels", layer.levels_used);
        }
        let reports = run.layer_reports();
        let same_scale = reports.iter().all(|layer| layer.scale == reports[0].scale);
        assert_eq!(same_scale, config.quantizer == "none" || config.granularity == "net");
    }
}

/// Runs to the end and gives the accuracies of the last epoch, on training and test images.
fn accuracies(mut run: Run) -> (f64, f64) {
    let mut last = (0.0, 0.0);
    loop {
        match run.advance().unwrap() {
            Event::Epoch(report) => last = (report.train_accuracy, report.test_accuracy),
            Event::Finished { .. } => return last,
            _ => {}
        }
    }
}

#[test]
fn a_small_set_is_overfitted() {
    let dataset = Arc::new(synthetic::generate(64, 10, 5).unwrap());
    let config = RunConfig { batch: 16, epochs: 30, augment: false, lr: 3e-3, ..RunConfig::default() };
    let (train, _) = accuracies(Run::new(dataset, config, clock).unwrap());
    assert!(train > 0.9, "training accuracy {train} on 64 images after 30 epochs");
}

/// The built-in set is worth learning: what a linear softmax cannot do (tests/data.rs), a small 4-bit net can.
#[test]
fn simple_resnet4bit_passes_85_percent_on_the_built_in_set() {
    let dataset = Arc::new(synthetic::generate(synthetic::TRAIN, synthetic::TEST, synthetic::SEED).unwrap());
    let config = RunConfig { epochs: 5, ..RunConfig::default() };
    let (_, test) = accuracies(Run::new(dataset, config, clock).unwrap());
    println!("SimpleResNet4bit: {:.1} % of the test images after 5 epochs", 100.0 * test);
    assert!(test > 0.85, "test accuracy {test} after 5 epochs");
}
