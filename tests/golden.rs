//! Ten training steps beside PyTorch's: losses, gradients, final weights, levels, and evaluation mode. The files in
//! `tests/golden/` and what is in them come from `tests/golden/generate.py`.

#[path = "support/network.rs"]
mod network;

use std::collections::BTreeMap;

use nibble::kernels::Isa;
use nibble::layers::{LayerSpec, Param};
use nibble::model::Description;
use nibble::schedule::Rates;
use nibble::train::Trainer;
use nibble::{RunConfig, Tensor, models};
use serde::Deserialize;

use network::{CLASSES, weights};

/// Relative, of each step's loss.
const LOSS_TOLERANCE: f64 = 1e-4;
/// Absolute, of each sampled weight and running statistic after the last step.
const WEIGHT_TOLERANCE: f64 = 1e-3;
/// Of the ten steps' movement of a weight tensor, root mean square: the steps are small, and weights that had not
/// moved at all would pass [`WEIGHT_TOLERANCE`]. Up to 0.055 was seen, behind a ReLU on the edge.
const MOVEMENT_TOLERANCE: f64 = 0.15;
/// Of step 1's gradient: of a tensor's L2 norm relative to it, and of each sample relative to the root mean square.
/// One ReLU that opens in one implementation and not in the other, on an input of just zero, moves a channel's gradient
/// (see the generator's spread): of the samples, one in eight may be further off.
const GRADIENT_TOLERANCE: f64 = 2e-2;
/// Absolute, of logits.
const LOGIT_TOLERANCE: f64 = 1e-2;

#[derive(Deserialize)]
struct Golden {
    model: String,
    quantizer: String,
    lr: f64,
    batch: usize,
    null_biases: Vec<String>,
    steps: Vec<Step>,
    gradient: BTreeMap<String, Sample>,
    #[serde(rename = "final")]
    last: BTreeMap<String, Sample>,
    #[serde(default)]
    levels_before: BTreeMap<String, LevelCounts>,
    #[serde(default)]
    levels_after: BTreeMap<String, LevelCounts>,
    eval_before: Vec<Vec<f64>>,
    eval_after: Vec<Vec<f64>>,
}

#[derive(Deserialize)]
struct Step {
    loss: f64,
    grad_norm: f64,
    accuracy: f64,
}

/// Every `stride`-th element in PyTorch's order, and two sums over all of them.
#[derive(Deserialize)]
struct Sample {
    stride: usize,
    l2: f64,
    values: Vec<f64>,
}

#[derive(Deserialize)]
struct LevelCounts {
    scale: f64,
    counts: Vec<i64>,
}

/// Images `[n, 32, 32, 4]` and labels.
fn batch(name: &str, n: usize, halo: usize) -> (Tensor, Vec<u16>) {
    let (images, labels) = network::batch(name, n);
    (Tensor::from_dense([n, 32, 32, 4], halo, &images), labels)
}

/// Panics at the first value that is not within the tolerance, absolute.
#[track_caller]
fn compare(what: &str, found: impl Iterator<Item = f64>, expected: &[f64], tolerance: f64) {
    for (i, (found, expected)) in found.zip(expected).enumerate() {
        let error = (found - expected).abs();
        assert!(error <= tolerance, "{what}: sample {i} is {found}, not {expected}, off by {error:.2e}");
    }
}

/// A parameter in PyTorch's order.
fn published(param: &Param, stored: &[f32]) -> Vec<f64> {
    let mut values = vec![0.0; stored.len()];
    for (i, value) in stored.iter().enumerate() {
        values[param.published_index(i)] = f64::from(*value);
    }
    values
}

fn l2(values: impl Iterator<Item = f64>) -> f64 {
    values.map(|v| v * v).sum::<f64>().sqrt()
}

struct Replay {
    golden: Golden,
    name: String,
    trainer: Trainer,
}

impl Replay {
    fn new(json: &str, isa: Isa) -> Self {
        let golden: Golden = serde_json::from_str(json).unwrap();
        let mut specs = models::find(&golden.model).unwrap().specs().unwrap();
        specs.retain(|spec: &LayerSpec| spec.kind != "dropout");
        let config = RunConfig { quantizer: golden.quantizer.clone(), lr: golden.lr, ..RunConfig::default() };
        let mut trainer = Trainer::new(Description::new(specs, CLASSES, config), || 0.0).unwrap();
        trainer.set_params(|layer, param| {
            if param.is_weight() {
                let values = weights(layer, &param.published_dims());
                for i in 0..values.len() {
                    param.value[i] = values[param.published_index(i)];
                }
            }
        });
        let name = format!("{} {} {}", golden.model, golden.quantizer, isa.name());
        Self { golden, name, trainer }
    }

    fn run(mut self) {
        let halo = self.trainer.model().input_halo();
        let (test, _) = batch("test", self.golden.batch, halo);
        self.evaluate(&test, "before");
        self.check_levels("before");
        let start: BTreeMap<String, Vec<f64>> = self.params(|param| published(param, &param.value));
        for step in 0..self.golden.steps.len() {
            let (x, labels) = batch(&format!("train{}", step + 1), self.golden.batch, halo);
            self.step(step, &x, &labels);
        }
        self.check_weights(&start);
        self.evaluate(&test, "after");
        self.check_levels("after");
    }

    fn step(&mut self, step: usize, x: &Tensor, labels: &[u16]) {
        let Self { golden, name, trainer } = self;
        let expected = &golden.steps[step];
        let outcome = trainer.step(x, labels, Rates { lr: 1.0, momentum: None }).unwrap();
        let relative = |found: f64, expected: f64| (found - expected).abs() / expected.abs();
        let error = relative(outcome.loss.mean, expected.loss);
        println!("{name} step {}: loss off by {error:.1e}", step + 1);
        assert!(
            error <= LOSS_TOLERANCE,
            "{name} step {}: loss {}, not {}",
            step + 1,
            outcome.loss.mean,
            expected.loss
        );
        let error = relative(outcome.grad_norm, expected.grad_norm);
        assert!(error <= GRADIENT_TOLERANCE, "{name} step {}: gradient norm off by {error:.1e}", step + 1);
        let correct = (expected.accuracy * labels.len() as f64).round() as usize;
        assert!(outcome.loss.correct.abs_diff(correct) <= 1, "{name} step {}: hits", step + 1);
        if step == 0 {
            self.check_gradient();
        }
        // The gradient of a bias in front of batch norm is zero; AdamW would turn its rounding noise into steps.
        let Self { golden, trainer, .. } = self;
        trainer.set_params(|layer, param| {
            if golden.null_biases.contains(&format!("{layer}.{}", param.name)) {
                param.value.fill(0.0);
            }
        });
    }

    /// What `value` gives for each parameter that is compared, by PyTorch's name.
    fn params<T>(&self, value: impl Fn(&Param) -> T) -> BTreeMap<String, T> {
        let named =
            self.trainer.model().params().map(|(layer, param)| (format!("{layer}.{}", param.name), param));
        named
            .filter(|(name, _)| !self.golden.null_biases.contains(name))
            .map(|(name, param)| (name, value(param)))
            .collect()
    }

    fn check_gradient(&self) {
        let found = self.params(|param| published(param, &param.grad));
        assert!(found.keys().eq(self.golden.gradient.keys()), "{}: names of the gradients", self.name);
        for (name, sample) in &self.golden.gradient {
            let what = format!("{} gradient of {name}", self.name);
            let rms = sample.l2 / (found[name].len() as f64).sqrt();
            let sampled = found[name].iter().step_by(sample.stride).zip(&sample.values);
            let far =
                sampled.filter(|(found, expected)| (*found - *expected).abs() > GRADIENT_TOLERANCE * rms);
            let far = far.count();
            assert!(
                far <= sample.values.len().div_ceil(8),
                "{what}: {far} of {} samples",
                sample.values.len()
            );
            let total = l2(found[name].iter().copied());
            assert!((total - sample.l2).abs() <= GRADIENT_TOLERANCE * sample.l2, "{what}: norm {total}");
        }
    }

    fn check_weights(&self, start: &BTreeMap<String, Vec<f64>>) {
        let mut found = self.params(|param| published(param, &param.value));
        for (name, start) in start {
            let sample = &self.golden.last[name];
            let moved: Vec<_> =
                start.iter().step_by(sample.stride).zip(&sample.values).map(|(a, b)| b - a).collect();
            let errors = found[name].iter().step_by(sample.stride).zip(&sample.values).map(|(a, b)| a - b);
            let (error, movement) = (l2(errors), l2(moved.into_iter()));
            println!("{} {name}: off by {:.1e} of its movement", self.name, error / movement);
            assert!(
                error <= MOVEMENT_TOLERANCE * movement,
                "{} {name}: off by {error:.1e} of {movement:.1e}",
                self.name
            );
        }
        for (layer, name, values) in self.trainer.model().buffers() {
            found.insert(format!("{layer}.{name}"), values.iter().map(|v| f64::from(*v)).collect());
        }
        assert!(found.keys().eq(self.golden.last.keys()), "{}: names of the tensors", self.name);
        for (name, sample) in &self.golden.last {
            let what = format!("{} {name} at the end", self.name);
            let sampled = found[name].iter().step_by(sample.stride).copied();
            assert_eq!(found[name].len().div_ceil(sample.stride), sample.values.len(), "{what}");
            compare(&what, sampled, &sample.values, WEIGHT_TOLERANCE);
        }
    }

    fn evaluate(&mut self, test: &Tensor, when: &str) {
        let expected = if when == "before" { &self.golden.eval_before } else { &self.golden.eval_after };
        let logits = self.trainer.logits(test).to_dense();
        for (image, (found, expected)) in logits.chunks_exact(CLASSES).zip(expected).enumerate() {
            let what = format!("{} logits {when}, image {image}", self.name);
            compare(&what, found.iter().map(|v| f64::from(*v)), expected, LOGIT_TOLERANCE);
        }
    }

    /// Scale and counts of every quantized layer. Of ten thousand weights at most one may be on another level.
    fn check_levels(&self, when: &str) {
        let expected = if when == "before" { &self.golden.levels_before } else { &self.golden.levels_after };
        let weights = self.trainer.model().params().filter(|(_, param)| param.is_weight());
        let mut layers = 0;
        for (layer, param) in weights.filter(|_| self.golden.quantizer != "none") {
            let what = format!("{} {layer} {when}", self.name);
            let expected = &expected[layer];
            let encoded = param.encode().unwrap();
            let scale = encoded.grid.scales[0];
            assert!((f64::from(scale) / expected.scale - 1.0).abs() <= 1e-4, "{what}: scale {scale}");
            let found: Vec<i64> = encoded.counts().into_iter().map(i64::from).collect();
            assert_eq!(found.len(), expected.counts.len(), "{what}");
            let moved: i64 = found.iter().zip(&expected.counts).map(|(a, b)| (a - b).abs()).sum();
            assert!(
                moved as usize <= 2 + param.value.len() / 5000,
                "{what}: levels {found:?}, not {:?}",
                expected.counts
            );
            layers += 1;
        }
        assert_eq!(layers, expected.len(), "{} layers with levels", self.name);
    }
}

/// Both ways of the matrix kernels: fused and not.
fn replay(json: &str) {
    for isa in Isa::available() {
        isa.select();
        Replay::new(json, *isa).run();
    }
    Isa::available()[0].select();
}

/// The instruction set is chosen for the whole process: one test for all.
#[test]
fn ten_steps_are_those_of_pytorch() {
    replay(include_str!("golden/simple_resnet4bit_none.json"));
    replay(include_str!("golden/simple_resnet4bit_symmetric.json"));
    replay(include_str!("golden/vgg4bit_none.json"));
    replay(include_str!("golden/vgg4bit_symmetric.json"));
}
