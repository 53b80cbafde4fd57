//! Against exact Hessians. A network of ReLUs, poolings and batch norm with fixed statistics is linear in the weights of
//! any one layer, as long as no ReLU and no pooling changes its mind: that layer's part of the Hessian is `J^T S J`, where J
//! is the gradient of the logits and S that of the softmax, `diag(p) - p p^T` an image.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;

use super::hessian::{self, signs};
use super::*;
use crate::RunConfig;
use crate::data::synthetic;
use crate::metrics::Event;
use crate::run::Run;
use crate::state::Snapshot;

#[path = "../../tests/support/network.rs"]
mod network;

const IMAGES: usize = 8;

/// A network that has learned a little, so that neither its gradient nor its curvature is that of chance.
fn trained(model: &str) -> Run {
    let dataset = Arc::new(synthetic::generate(256, 16, 5).unwrap());
    let config = RunConfig { model: model.into(), batch: 32, epochs: 2, lr: 0.003, ..RunConfig::default() };
    let mut run = Run::new(dataset, config, || 0.0).unwrap();
    while !matches!(run.advance().unwrap(), Event::Finished { .. }) {}
    run
}

fn probe(run: &mut Run) -> Probe {
    let mut probe = run.probe(IMAGES).unwrap();
    probe.look_at(0);
    probe
}

/// A layer's part of the Hessian.
struct Exact {
    jacobian: Vec<Vec<f32>>,
    probabilities: Vec<Vec<f64>>,
}

impl Exact {
    fn new(probe: &mut Probe, layer: usize) -> Self {
        let (jacobian, probabilities) = probe.jacobian(layer);
        Self { jacobian, probabilities }
    }

    fn product(&self, v: &[f64]) -> Vec<f64> {
        let images = self.probabilities.len();
        let mut out = vec![0.0; v.len()];
        for (p, rows) in
            self.probabilities.iter().zip(self.jacobian.chunks_exact(self.probabilities[0].len()))
        {
            let logits: Vec<f64> =
                rows.iter().map(|row| row.iter().zip(v).map(|(a, b)| f64::from(*a) * b).sum()).collect();
            let mean: f64 = p.iter().zip(&logits).map(|(p, logit)| p * logit).sum();
            for ((p, logit), row) in p.iter().zip(&logits).zip(rows) {
                let factor = p * (logit - mean) / images as f64;
                out.iter_mut().zip(row).for_each(|(out, a)| *out += factor * f64::from(*a));
            }
        }
        out
    }

    fn trace(&self) -> f64 {
        let mut trace = 0.0;
        for (p, rows) in
            self.probabilities.iter().zip(self.jacobian.chunks_exact(self.probabilities[0].len()))
        {
            for i in 0..rows[0].len() {
                let mean: f64 = p.iter().zip(rows).map(|(p, row)| p * f64::from(row[i])).sum();
                trace +=
                    p.iter().zip(rows).map(|(p, row)| p * (f64::from(row[i]) - mean).powi(2)).sum::<f64>();
            }
        }
        trace / self.probabilities.len() as f64
    }

    fn eigenvalue(&self) -> f64 {
        let mut v: Vec<f64> = signs(0, self.jacobian[0].len(), 0).into_iter().map(f64::from).collect();
        let mut value = 0.0;
        for _ in 0..60 {
            let norm = v.iter().map(|v| v * v).sum::<f64>().sqrt();
            v.iter_mut().for_each(|v| *v /= norm);
            let hv = self.product(&v);
            value = hv.iter().zip(&v).map(|(a, b)| a * b).sum();
            v = hv;
        }
        value
    }
}

fn measured(run: &mut Run, name: &str) -> Vec<LayerSensitivity> {
    let mut sensing = run.sensing(name, IMAGES).unwrap();
    loop {
        let Progress { done, total, result } = sensing.advance().unwrap();
        assert!(done <= total, "{name}: {done} passes of {total}");
        if let Some(result) = result {
            return result;
        }
    }
}

/// Of a product's length: what the differences of logits are off by where ReLUs and poolings change their minds on the way.
/// Measured: at most 0.016.
const PRODUCT: f64 = 0.04;
/// Of an eigenvalue: the iteration ends where it changes by a hundredth. Measured: at most 0.07.
const EIGENVALUE: f64 = 0.1;

#[test]
fn curvatures_are_those_of_exact_hessians() {
    for model in ["simple_resnet4bit", "convnetjs_cifar10"] {
        let mut run = trained(model);
        let mut probe = probe(&mut run);
        let exact: Vec<Exact> = (0..probe.len()).map(|layer| Exact::new(&mut probe, layer)).collect();
        for (layer, exact) in exact.iter().enumerate() {
            let weights = probe.weights(layer).to_vec();
            let v = signs(layer, weights.len(), 1);
            let (found, curvature) = hessian::product(&mut probe, layer, &weights, &v).unwrap();
            let wide: Vec<f64> = v.iter().map(|v| f64::from(*v)).collect();
            let expected = exact.product(&wide);
            let norm = |values: &[f64]| values.iter().map(|v| v * v).sum::<f64>().sqrt();
            let off: Vec<f64> = found.iter().zip(&expected).map(|(a, b)| f64::from(*a) - b).collect();
            let error = norm(&off) / norm(&expected);
            println!("{model}, layer {layer}: a product is off by {error:.4}");
            assert!(error < PRODUCT, "{model}, layer {layer}: a product is off by {error:.4}");
            let expected: f64 = expected.iter().zip(&wide).map(|(a, b)| a * b).sum();
            assert!((curvature - expected).abs() < 2.0 * PRODUCT * expected, "{curvature}, {expected}");
            assert_eq!(probe.weights(layer), weights, "the weights are put back");
        }
        for (found, exact) in measured(&mut run, "eigenvalue").iter().zip(&exact) {
            let (value, expected) = (found.value, exact.eigenvalue());
            println!("{model}, {}: eigenvalue {value:.4}, exactly {expected:.4}", found.layer);
            assert!((value - expected).abs() < EIGENVALUE * expected, "{}: {value}, {expected}", found.layer);
        }
        for (found, exact) in measured(&mut run, "trace").iter().zip(&exact) {
            let [value, error] = [found.value, found.spread.unwrap()].map(|of| of * found.weights as f64);
            let expected = exact.trace();
            println!("{model}, {}: trace {value:.4} +- {error:.4}, exactly {expected:.4}", found.layer);
            // Five standard errors, which are themselves estimated from 32 draws.
            assert!((value - expected).abs() < 5.0 * error, "{}: {value}, {expected}", found.layer);
        }
    }
}

#[derive(Deserialize)]
struct Golden {
    images: usize,
    layers: BTreeMap<String, Curvature>,
}

#[derive(Deserialize)]
struct Curvature {
    stride: usize,
    l2: f64,
    values: Vec<f64>,
    curvature: f64,
    eigenvalue: f64,
}

/// Relative to the products' length, of that of their differences at the places that are stored.
/// Measured: at most 0.013; eigenvalues within 0.001.
const BESIDE_PYTORCH: f64 = 0.04;

/// See tests/golden/hessian.py.
#[test]
fn curvatures_are_those_of_double_backward_in_pytorch() {
    let golden: Golden = serde_json::from_str(include_str!("../../tests/golden/hessian.json")).unwrap();
    let dataset = Arc::new(synthetic::generate(64, 16, 5).unwrap());
    let mut run = Run::new(dataset, RunConfig::default(), || 0.0).unwrap();
    let mut probe = run.probe(golden.images).unwrap();
    let (images, labels) = network::batch("train1", golden.images);
    probe.show(&images, labels, network::weights);
    let layers = probe.published();
    assert_eq!(layers.len(), golden.layers.len());
    for (layer, (name, places)) in layers.iter().enumerate() {
        let Curvature { stride, l2, values, curvature, eigenvalue } = &golden.layers[name];
        let signs = network::unit(&format!("hessian/{name}.weight"), places.len());
        let v: Vec<f32> = places.iter().map(|at| if signs[*at] < 0.0 { -1.0 } else { 1.0 }).collect();
        let weights = probe.weights(layer).to_vec();
        let (product, vhv) = hessian::product(&mut probe, layer, &weights, &v).unwrap();
        let mut published = vec![0.0; places.len()];
        product.iter().zip(places).for_each(|(value, at)| published[*at] = f64::from(*value));
        let squares = |off: f64| off * off * *stride as f64;
        let found = published.iter().step_by(*stride).zip(values);
        let off = found.map(|(found, expected)| squares(found - expected)).sum::<f64>().sqrt() / l2;
        let length = published.iter().map(|value| value * value).sum::<f64>().sqrt();
        let mut power = hessian::PowerIteration::new(&probe, layer);
        let largest = std::iter::repeat_with(|| power.advance(&mut probe).unwrap()).find_map(|value| value);
        let largest = largest.expect("it ends");
        println!(
            "{name}: off by {off:.4}, length {:.4}, vHv {:.4}, eigenvalue {:.4}",
            length / l2,
            vhv / curvature,
            largest / eigenvalue
        );
        assert!(off < BESIDE_PYTORCH && (length / l2 - 1.0).abs() < BESIDE_PYTORCH, "{name}: {off}");
        assert!((vhv / curvature - 1.0).abs() < 2.0 * BESIDE_PYTORCH, "{name}: {vhv}, {curvature}");
        assert!((largest / eigenvalue - 1.0).abs() < EIGENVALUE, "{name}: {largest}, {eigenvalue}");
    }
}

/// What is said is finite and positive (0 where weights lie on such a grid already), for every scheme, and less for more bits.
#[test]
fn every_scheme_can_be_measured() {
    let dataset = Arc::new(synthetic::generate(64, 16, 5).unwrap());
    for scheme in crate::quant::QUANTIZERS.iter() {
        let name = scheme.entry.name;
        let mut config = RunConfig { quantizer: name.into(), batch: 32, epochs: 1, ..RunConfig::default() };
        config.bits = (*scheme.bits.iter().min_by_key(|bits| bits.abs_diff(4)).unwrap()).into();
        let mut run = Run::new(dataset.clone(), config, || 0.0).unwrap();
        run.advance().unwrap();
        if name == "dorefa" {
            let refused = run.sensing("noise", IMAGES).err().unwrap().to_string();
            assert_eq!(
                refused,
                "quantizer: expected a scheme whose levels stand near the weights, found dorefa"
            );
            continue;
        }
        for layer in measured(&mut run, "noise") {
            let rises: Vec<f64> = layer.widths.iter().map(|width| width.damage.rise).collect();
            assert!(
                rises[0] > 0.0 && rises.iter().all(|rise| *rise >= 0.0 && rise.is_finite()),
                "{name}, {}: {rises:?}",
                layer.layer
            );
            assert!(rises.first() >= rises.last(), "{name}, {}: {rises:?}", layer.layer);
            let sizes: Vec<u64> = layer.widths.iter().map(|width| width.size).collect();
            assert!(
                sizes.is_sorted() && sizes.iter().all(|size| *size >= layer.weights as u64),
                "{name}: {sizes:?}"
            );
        }
    }
}

/// Plain gradient descent moves weights by the rate times the gradient: of each layer one figure follows from the other.
#[test]
fn a_copy_that_trains_on_notes_gradients_and_updates() {
    let dataset = Arc::new(synthetic::generate(256, 16, 5).unwrap());
    let mut config = RunConfig { epochs: 2, schedule: "steps".into(), ..RunConfig::default() };
    for (key, text) in [("optimizer", "sgd"), ("momentum", "0"), ("clip", "0"), ("decay", "0"), ("tanh", "0")]
    {
        config.set(key, text).unwrap();
    }
    let mut run = Run::new(dataset, config, || 0.0).unwrap();
    run.advance().unwrap();
    let mut probe = run.probe(IMAGES).unwrap();
    let before = Snapshot::of(|visitor| run.visit(visitor));
    let learner = run.learner().unwrap();
    let rate = run.config().lr * learner.rates.lr;
    probe.learn_by(learner);
    for batch in 0..3 {
        probe.look_at(batch);
        probe.learn().unwrap();
    }
    let noted = probe.learned();
    assert!(noted.loss > 0.5 && noted.loss < 5.0, "{}", noted.loss);
    for (layer, [gradient, update]) in noted.layers.iter().enumerate() {
        assert!(*gradient > 0.0, "{layer}");
        // A difference of weights has lost some bits.
        let expected = rate * rate * gradient;
        assert!((update - expected).abs() < 1e-3 * expected, "{layer}: {update}, {expected}");
    }
    assert!(Snapshot::of(|visitor| run.visit(visitor)) == before, "the run itself stays");

    let found = measured(&mut run, "snip");
    for layer in &found {
        let damage = |at: usize| layer.widths[at].damage.rise;
        assert_eq!(layer.value, damage(layer.shown.unwrap()), "{}", layer.layer);
        let sizes: Vec<f64> = (0..layer.widths.len()).map(damage).collect();
        assert!(sizes.is_sorted_by(|a, b| a >= b) && sizes[0] > 0.0, "{}: {sizes:?}", layer.layer);
    }
}

#[test]
fn what_the_loss_does_is_what_a_test_pass_says() {
    for model in ["convnetjs_cifar10", "simple_resnet4bit"] {
        rises_are_those_of_whole_passes(trained(model));
    }
}

fn rises_are_those_of_whole_passes(mut run: Run) {
    let found = measured(&mut run, "rounding");
    let mut probe = run.probe(IMAGES).unwrap();
    for (layer, found) in found.iter().enumerate() {
        let at = found.widths.iter().position(|width| width.bits == 2).unwrap();
        let weights = probe.weights(layer).to_vec();
        let mut rise = 0.0;
        for batch in 0..4 {
            probe.look_at(batch);
            let plain = probe.loss().unwrap();
            probe.set_weights(layer, probe.rounded(layer, 2).unwrap());
            rise += (probe.loss().unwrap() - plain) / 4.0;
            probe.set_weights(layer, weights.clone());
        }
        assert!((found.widths[at].damage.rise - rise).abs() < 1e-12, "{}: {rise}", found.layer);
    }
}

#[test]
fn budgets_are_kept_and_spent() {
    let mut run = trained("simple_resnet4bit");
    let layers = measured(&mut run, "noise");
    let weights: usize = layers.iter().map(|layer| layer.weights).sum();
    for text in ["2.5", "3", "4", "30KB", "2GBOP"] {
        let budget: Budget = text.parse().unwrap();
        let bits = budget.assign(&layers).unwrap();
        println!("{text}: {}, {}", bits_setting(&layers, &bits, &[]), budget.spent(&layers, &bits));
        let bits_used: usize =
            layers.iter().zip(&bits).map(|(layer, bits)| layer.weights * usize::from(*bits)).sum();
        if let Budget { unit: Unit::AverageBits, amount: mean } = budget {
            assert!(bits_used as f64 <= mean * weights as f64, "{text}");
            // One layer with one bit more would be too much.
            let smallest = layers.iter().map(|layer| layer.weights).min().unwrap();
            assert!((bits_used + smallest) as f64 > mean * weights as f64, "{text}");
        }
    }
    for (front, text) in fronts(&layers).iter().zip(["2.5", "30KB", "2GBOP"]) {
        let budget: Budget = text.parse().unwrap();
        let within: Vec<_> = front.steps.iter().filter(|step| step.cost <= budget.amount).collect();
        assert_eq!(within.last().unwrap().bits, budget.assign(&layers).unwrap(), "{text}");
        assert!(front.steps.is_sorted_by(|a, b| a.cost < b.cost && a.rise > b.rise), "{text}");
        println!("{} assignments", front.steps.len());
    }
    assert_eq!(
        "1".parse::<Budget>().unwrap().assign(&layers).unwrap_err().to_string(),
        "budget: expected at least 2.000 bits a weight, found 1.000 bits a weight"
    );
    for text in ["", "0", "-3", "3MB", "many", "inf"] {
        assert!(text.parse::<Budget>().is_err(), "{text}");
    }
    let setting = bits_setting(&layers, &[4, 4, 4, 3, 4, 4, 8], &["conv1", "linear1"]);
    assert_eq!(setting.to_string(), "4,conv1:4,conv4:3,linear1:8");
}

/// Of a logit: sums of f32 over up to 131,072 values of an image, each within half of 2^-23, at each of at most 10 layers.
const CONSERVED: f64 = 1e-4;

#[test]
fn relevance_is_conserved() {
    for model in ["simple_resnet4bit", "convnetjs_cifar10", "vgg4bit"] {
        let mut run = trained(model);
        let mut probe = probe(&mut run);
        let before = probe.logits().unwrap();
        probe.fold();
        let after = probe.logits().unwrap();
        assert!(before.iter().zip(&after).all(|(a, b)| (a - b).abs() < 1e-3), "folding leaves the logits");
        let (relevance, logits) = probe.relevance().unwrap();
        assert_eq!(relevance.layers.len(), probe.len());
        let pixels = relevance.pixels.chunks_exact(relevance.pixels.len() / IMAGES);
        for (image, (pixels, logit)) in pixels.zip(&logits).enumerate() {
            let of_pixels: f64 = pixels.iter().map(|pixel| f64::from(*pixel)).sum();
            let [biases, epsilon] = [&relevance.taken[0], &relevance.taken[1]].map(|taken| taken[image]);
            let sum = of_pixels + biases + epsilon;
            println!(
                "{model}: {logit:.4} = {of_pixels:.4} of pixels + {biases:.4} of biases + {epsilon:.1e}"
            );
            assert!((sum - logit).abs() <= CONSERVED * logit.abs(), "{model}: {sum} of {logit}");
            assert!(
                of_pixels != 0.0 && epsilon.abs() < 0.05 * logit.abs(),
                "{model}: {of_pixels}, {epsilon}"
            );
        }
        assert_eq!(probe.logits().unwrap(), after, "the weights are put back");
    }
}
