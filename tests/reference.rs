//! Quantizers, optimizers, schedules and label smoothing against PyTorch: see tests/golden/README.md for what each file
//! holds and where each tolerance comes from.

use nibble::Tensor;
use nibble::kernels::blocks::Granularity;
use nibble::layers::{Param, Role};
use nibble::loss::smoothed_cross_entropy;
use nibble::optim::{self, Update};
use nibble::quant::{self, Known, Quantizer};
use nibble::schedule::{self, At};
use serde::Deserialize;

#[path = "support/golden.rs"]
mod golden;

use golden::{published_block, unit, weights};

#[derive(Deserialize)]
struct Quantizers {
    symmetric: Vec<Uniform>,
    affine: Vec<Uniform>,
    lsq: Vec<Lsq>,
}

#[derive(Deserialize)]
struct Uniform {
    kind: String,
    k: usize,
    c_out: usize,
    bits: u8,
    per: String,
    scale: Vec<f64>,
    #[serde(default)]
    zero_point: Vec<f64>,
    edges: Vec<usize>,
    levels: Vec<i32>,
}

#[derive(Deserialize)]
struct Lsq {
    seed: usize,
    k: usize,
    c_out: usize,
    bits: u8,
    per: String,
    initial: Vec<f64>,
    step: Vec<f64>,
    levels: Vec<i32>,
    outside: Vec<usize>,
    dlog: Vec<f64>,
}

#[derive(Deserialize)]
struct Optimizers {
    optimizers: Vec<FirstOrder>,
    muon: Vec<Muon>,
    schedules: Vec<Schedule>,
    label_smoothing: Vec<Smoothing>,
}

#[derive(Deserialize)]
struct FirstOrder {
    kind: String,
    decay: String,
    weight_decay: f64,
    lr: Vec<f64>,
    momentum: Vec<f64>,
    after: Vec<Parameters>,
}

#[derive(Deserialize)]
struct Parameters {
    matrix: Vec<f64>,
    bias: Vec<f64>,
}

#[derive(Deserialize)]
struct Muon {
    rows: usize,
    cols: usize,
    adjust: String,
    nesterov: bool,
    weight_decay: f64,
    lr: Vec<f64>,
    momentum: Vec<f64>,
    after: Vec<Vec<f64>>,
}

#[derive(Deserialize)]
struct Schedule {
    kind: String,
    total: u64,
    #[serde(default)]
    warmup: u64,
    lr: Vec<f64>,
    #[serde(default)]
    momentum: Vec<f64>,
}

#[derive(Deserialize)]
struct Smoothing {
    rows: usize,
    classes: usize,
    smoothing: f64,
    size: f64,
    labels: Vec<u16>,
    loss: f64,
    gradient: Vec<f64>,
}

fn quantizers() -> Quantizers {
    serde_json::from_str(include_str!("golden/quantizers.json")).unwrap()
}

fn optimizers() -> Optimizers {
    serde_json::from_str(include_str!("golden/optimizers.json")).unwrap()
}

fn granularity(per: &str) -> Granularity {
    quant::find_granularity(per).unwrap()
}

#[test]
fn uniform_quantizers_are_those_of_pytorch() {
    let (mut values, mut edges) = (0, 0);
    let Quantizers { symmetric, affine, .. } = quantizers();
    let cases =
        symmetric.iter().map(|case| ("symmetric", case)).chain(affine.iter().map(|case| ("affine", case)));
    for (scheme, case) in cases {
        let what =
            format!("{scheme} {} {}x{} {} bits per {}", case.kind, case.k, case.c_out, case.bits, case.per);
        let w = weights(&case.kind, case.k, case.c_out);
        let mut quantizer = quant::find(scheme)
            .unwrap()
            .quantizer(case.bits, granularity(&case.per), [case.k, case.c_out])
            .unwrap()
            .unwrap();
        quantizer.fit(&w, &Known::default());
        let mut out = vec![f32::NAN; w.len()];
        quantizer.quantize(&w, &mut out);
        let grid = quantizer.grid();
        let blocks = grid.scales.len();
        assert_eq!(blocks, case.scale.len(), "{what}");
        for block in 0..blocks {
            let at = published_block(block, blocks, case.c_out);
            assert_eq!(
                grid.scales[block].to_bits(),
                (case.scale[at] as f32).to_bits(),
                "{what}: scale {block}"
            );
            if scheme == "affine" {
                assert_eq!(
                    f64::from(grid.zero_point(block)),
                    case.zero_point[at],
                    "{what}: zero point {block}"
                );
            }
        }
        for (i, (found, level)) in out.iter().zip(&case.levels).enumerate() {
            values += 1;
            if case.edges.contains(&i) {
                edges += 1;
                continue;
            }
            let block = grid.blocks.of(i);
            let expected = (*level as f32 - grid.zero_point(block)) * grid.scales[block];
            assert_eq!(found.to_bits() & 0x7fff_ffff, expected.to_bits() & 0x7fff_ffff, "{what}: {i}");
            assert!(*found == expected, "{what}: {i}");
        }
        // What is on the grid keeps its place there. Steps below the normal numbers have too few digits to tell.
        if case.kind != "denormal" {
            assert_eq!(grid.encode(&out).decode(), out, "{what}");
        }
    }
    println!("{values} values, {edges} on edges");
    assert!(values > 50_000 && edges * 1000 < values);
}

/// Steps, values and gradients; those of the steps as Nibble trains them, by their logarithm.
#[test]
fn learned_steps_are_those_of_pytorch() {
    for case in quantizers().lsq {
        let Lsq { k, c_out, bits, .. } = case;
        let what = format!("lsq {k}x{c_out} {bits} bits per {}", case.per);
        let name = format!("quantizers/noise/{k}x{c_out}/{}", case.seed);
        let w: Vec<f32> = unit(&name, k * c_out).iter().map(|u| u * 0.1).collect();
        let dy = unit(&format!("quantizers/dy/{k}x{c_out}"), k * c_out);
        let mut quantizer =
            quant::find("lsq").unwrap().quantizer(bits, granularity(&case.per), [k, c_out]).unwrap().unwrap();
        quantizer.fit(&w, &Known::default());
        let blocks = quantizer.grid().scales.len();
        let at = |block| published_block(block, blocks, c_out);
        for (block, step) in quantizer.grid().scales.iter().enumerate() {
            // The exponential of a logarithm: two roundings of numbers near 5, as exponents.
            assert!(
                (f64::from(*step) / case.initial[at(block)] - 1.0).abs() < 2e-6,
                "{what}: first step {block}"
            );
        }
        let steps: Vec<f32> = (0..blocks).map(|block| case.step[at(block)] as f32).collect();
        set_steps(quantizer.as_mut(), &w, &steps);
        let mut out = vec![0.0; w.len()];
        quantizer.quantize(&w, &mut out);
        let grid = quantizer.grid();
        let encoded = grid.clone().encode(&out);
        let lowest = grid.levels[0] as i32;
        let mut dw = dy.clone();
        quantizer.backward(&w, &mut dw);
        for i in 0..w.len() {
            assert_eq!(i32::from(encoded.codes[i]) + lowest, case.levels[i], "{what}: level {i}");
            let expected = if case.outside.contains(&i) { 0.0 } else { dy[i] };
            assert_eq!(dw[i], expected, "{what}: gradient {i}");
        }
        let highest = f64::from(2f32.powi(i32::from(bits) - 1) - 1.0);
        for (block, step) in steps.iter().enumerate() {
            let inside = (0..w.len()).filter(|i| grid.blocks.of(*i) == block);
            let sum: f64 = inside.map(|i| f64::from(dy[i].abs())).sum();
            let factor = 1.0 / (grid.blocks.len(block) as f64 * highest).sqrt();
            let step = f64::from(*step);
            // The step itself is off by the exponential's rounding: another two units.
            let tolerance = 8e-7 * 2f64.powi(i32::from(bits) - 1) * sum * factor * step;
            let found = f64::from(quantizer.params()[0].grad[block]);
            let expected = case.dlog[at(block)];
            assert!((found - expected).abs() <= tolerance, "{what}: step {block}: {found}, not {expected}");
        }
    }
}

/// Central differences of the function with the residual of rounding held fixed, `round(v) = v + r`.
#[test]
fn learned_steps_have_the_gradient_of_the_function_with_its_residual_fixed() {
    let (k, c_out) = (40, 3);
    let w: Vec<f32> = unit("differences", k * c_out).iter().map(|u| u * 0.1).collect();
    let dy = unit("differences/dy", k * c_out);
    for granularity in [Granularity::Tensor, Granularity::Channel, Granularity::Group(32)] {
        let mut quantizer =
            quant::find("lsq").unwrap().quantizer(3, granularity, [k, c_out]).unwrap().unwrap();
        quantizer.fit(&w, &Known::default());
        let grid = quantizer.grid();
        quantizer.backward(&w, &mut dy.clone());
        for (block, step) in grid.scales.iter().map(|step| f64::from(*step)).enumerate() {
            let loss = |log: f64| -> f64 {
                let members = (0..w.len()).filter(|i| grid.blocks.of(*i) == block);
                let value = |i: usize| {
                    let (v, moved) = (f64::from(w[i]) / step, f64::from(w[i]) / log.exp());
                    let residual = v.round_ties_even() - v;
                    let level = if v <= -4.0 {
                        -4.0
                    } else if v >= 3.0 {
                        3.0
                    } else {
                        moved + residual
                    };
                    f64::from(dy[i]) * level * log.exp()
                };
                members.map(value).sum()
            };
            let numeric = (loss(step.ln() + 1e-5) - loss(step.ln() - 1e-5)) / 2e-5;
            let expected = numeric / (grid.blocks.len(block) as f64 * 3.0).sqrt();
            let found = f64::from(quantizer.params()[0].grad[block]);
            // Truncation 1e-10 of the value; the gradient's own terms are f32.
            assert!(
                (found - expected).abs() <= 2e-6 * expected.abs().max(0.01),
                "{block}: {found} {expected}"
            );
        }
    }
}

fn set_steps(quantizer: &mut dyn Quantizer, w: &[f32], steps: &[f32]) {
    quantizer.params_mut()[0].value = steps.iter().map(|step| step.ln()).collect();
    quantizer.fit(w, &Known::default());
}

/// The gradient of step t, from 1.
fn gradient(name: &str, len: usize, t: usize) -> Vec<f32> {
    let size = if t.is_multiple_of(2) { 1.0 } else { 0.001 };
    unit(&format!("optimizers/{name}/gradient/{t}"), len).iter().map(|g| g * size).collect()
}

/// Twelve steps; calls `check` after those that are in the files.
fn twelve_steps(
    kind: &str,
    param: &mut Param,
    name: &str,
    weight_decay: f64,
    rates: [&[f64]; 2],
    mut check: impl FnMut(usize, &[f32]),
) {
    let optimizer = optim::find(kind).unwrap().optimizer;
    param.value = unit(&format!("optimizers/{name}/start"), param.value.len());
    for t in 1..=12 {
        param.grad = gradient(name, param.value.len(), t);
        let update = Update {
            step: t as u64,
            lr: rates[0][t - 1],
            momentum: rates[1][t - 1],
            weight_decay,
            gradient_scale: 1.0,
            soft_clip: None,
        };
        optimizer.update(param, &update);
        if let Some(stored) = [1, 2, 12].iter().position(|stored| *stored == t) {
            check(stored, &param.value);
        }
    }
}

#[test]
fn adamw_and_sgd_are_those_of_pytorch() {
    for case in optimizers().optimizers {
        for (name, len) in [("matrix", 15), ("bias", 5)] {
            let mut param = Param::constant("weight", Role::Weight, &[1, len], 0.0);
            let decays = name == "matrix" || case.decay == "all";
            let decay = if decays { case.weight_decay } else { 0.0 };
            twelve_steps(&case.kind, &mut param, name, decay, [&case.lr, &case.momentum], |stored, found| {
                let after = &case.after[stored];
                let expected = if name == "matrix" { &after.matrix } else { &after.bias };
                for (found, expected) in found.iter().zip(expected) {
                    let error = (f64::from(*found) - expected).abs();
                    assert!(error <= 1e-6, "{} {}: {name} off by {error:.1e}", case.kind, case.decay);
                }
            });
        }
    }
}

#[test]
fn muon_is_that_of_pytorch() {
    let mut cases = 0;
    // Nibble has one of the published choices.
    let ours = |case: &&Muon| case.adjust == "match_rms_adamw" && case.nesterov;
    for case in optimizers().muon.iter().filter(ours) {
        let Muon { rows, cols, .. } = *case;
        // As a convolution's, which Muon takes whatever its size.
        let mut param = Param::constant("weight", Role::Weight, &[1, 1, rows, cols], 0.0);
        let name = format!("muon/{rows}x{cols}");
        let factor = 0.2 * (rows.max(cols) as f64).sqrt();
        let tolerance = 1.2e-5 * case.lr.iter().sum::<f64>() * factor;
        twelve_steps(
            "muon",
            &mut param,
            &name,
            case.weight_decay,
            [&case.lr, &case.momentum],
            |stored, found| {
                for (found, expected) in found.iter().zip(&case.after[stored]) {
                    let error = (f64::from(*found) - expected).abs();
                    assert!(error <= tolerance, "{name}: off by {error:.1e} of {tolerance:.1e}");
                }
            },
        );
        cases += 1;
    }
    assert!(cases > 0);
}

#[test]
fn schedules_are_those_of_pytorch() {
    let mut compared = 0;
    for case in optimizers().schedules {
        let name = match case.kind.as_str() {
            "one_cycle" => "one_cycle",
            // Nibble warms up in a twentieth of the steps.
            "warmup_linear" if case.warmup == (case.total as f64 * 0.05).round().max(1.0) as u64 => {
                "warmup_linear"
            }
            _ => continue,
        };
        for (step, expected) in case.lr.iter().enumerate() {
            let at = At { step: step as u64, steps: case.total, epoch: 0, epochs: 1, warm_up: 0.0 };
            let rates = (schedule::find(name).unwrap().rates)(&at);
            assert!((rates.lr - expected).abs() <= 1e-12, "{name} {step} of {}: {}", case.total, rates.lr);
            if let Some(momentum) = rates.momentum {
                assert!((momentum - case.momentum[step]).abs() <= 1e-12, "{name} {step}: {momentum}");
            }
        }
        compared += 1;
    }
    assert!(compared >= 2, "{compared} schedules");
}

#[test]
fn label_smoothing_is_that_of_pytorch() {
    for case in optimizers().label_smoothing {
        let Smoothing { rows, classes, .. } = case;
        let size = case.size as f32;
        let logits: Vec<f32> =
            unit(&format!("smoothing/{rows}x{classes}"), rows * classes).iter().map(|u| u * size).collect();
        let logits = Tensor::from_dense([rows, 1, 1, classes], 0, &logits);
        let mut gradient = Tensor::zeros(logits.shape(), 0);
        let loss = smoothed_cross_entropy(&logits, &case.labels, case.smoothing as f32, Some(&mut gradient));
        // f32 logits up to `size`, and their exponentials.
        assert!((loss.mean / case.loss - 1.0).abs() < 2e-6, "loss {}, not {}", loss.mean, case.loss);
        for (found, expected) in gradient.data().iter().zip(&case.gradient) {
            assert!(
                (f64::from(*found) - expected).abs() * rows as f64 <= 1e-6,
                "gradient {found}, not {expected}"
            );
        }
    }
}
