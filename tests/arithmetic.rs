//! What the choice of arithmetic may change: Winograd's error budget, and nothing at all in the exact mode.

#[path = "support/digest.rs"]
mod digest;

use std::sync::{Arc, Mutex, MutexGuard};

use nibble::data::synthetic;
use nibble::kernels::conv3x3::Algorithm;
use nibble::kernels::{Conv3x3, Isa, oracle};
use nibble::metrics::Event;
use nibble::run::Run;
use nibble::{RunConfig, Tensor, random};
use rand_distr::{Distribution, StandardNormal};

/// The instruction set is chosen for the whole process: one test at a time.
fn exclusive() -> MutexGuard<'static, ()> {
    static LOCK: Mutex<()> = Mutex::new(());
    LOCK.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// Largest error of a convolution of trained weights, relative to its largest output: the budget that Winograd's
/// algorithm has (the kernels keep to a thirtieth of it).
const ERROR_BUDGET: f32 = 1e-3;

#[test]
fn winograd_keeps_its_error_budget_on_trained_weights() {
    let _guard = exclusive();
    let dataset = Arc::new(synthetic::generate(1024, 100, 1).unwrap());
    let config = RunConfig { model: "simple_resnet4bit".into(), lr: 0.004, ..RunConfig::default() };
    let mut run = Run::new(dataset, config, || 0.0).unwrap();
    for _ in 0..40 {
        run.advance().unwrap();
    }
    let mut checked = 0;
    for (layer, param) in run.model().params() {
        let [3, 3, c_in, c_out] = param.dims[..] else { continue };
        let conv = Conv3x3::new(c_in, c_out, 1);
        if conv.algorithm != Algorithm::Winograd {
            continue;
        }
        // What a convolution reads after batch norm and ReLU.
        let mut rng = random::stream(7u32, random::Purpose::Weights, 0);
        let mut normal = || -> f32 { StandardNormal.sample(&mut rng) };
        let pixels: Vec<f32> = (0..2 * 16 * 16 * c_in).map(|_| normal().max(0.0)).collect();
        let x = Tensor::from_dense([2, 16, 16, c_in], 1, &pixels);
        let (mut y, mut expected) =
            (Tensor::zeros([2, 16, 16, c_out], 0), Tensor::zeros([2, 16, 16, c_out], 0));
        let mut packed = Default::default();
        conv.pack_forward(param.forward_value(), &mut packed);
        conv.forward(&x, &packed, &[], &mut y);
        oracle::conv3x3_forward(&conv, &x, param.forward_value(), &[], &mut expected);
        let largest = expected.data().iter().fold(0.0f32, |max, v| max.max(v.abs()));
        let error = y.data().iter().zip(expected.data()).fold(0.0f32, |max, (a, b)| max.max((a - b).abs()));
        println!("{layer}: {:.1e} of the largest output", error / largest);
        assert!(error <= ERROR_BUDGET * largest, "{layer}: {error} of {largest}");
        checked += 1;
    }
    assert_eq!(checked, 5, "every convolution but the first, as if its stride were 1");
}

#[test]
fn exact_trainings_compute_what_they_always_did() {
    let _guard = exclusive();
    let exact = *Isa::available().iter().find(|isa| isa.is_exact()).expect("an exact instruction set");
    exact.select();
    digest::trainings_compute_what_they_always_did();
    Isa::available()[0].select();
}

#[test]
fn exact_training_is_bit_identical_for_any_number_of_threads() {
    let config = RunConfig { model: "simple_resnet4bit".into(), batch: 32, ..RunConfig::default() };
    let exact = *Isa::available().iter().find(|isa| isa.is_exact()).expect("an exact instruction set");
    let _guard = exclusive();
    exact.select();
    let train = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let dataset = Arc::new(synthetic::generate(128, 32, 1).unwrap());
            let mut run = Run::new(dataset, config.clone(), || 0.0).unwrap();
            let mut bits = Vec::new();
            for _ in 0..5 {
                if let Event::Step(step) = run.advance().unwrap() {
                    bits.push(step.loss.to_bits());
                }
            }
            let weights = run.model().params().flat_map(|(_, param)| param.value.iter());
            bits.extend(weights.map(|w| u64::from(w.to_bits())));
            bits
        })
    };
    let one = train(1);
    for threads in 2..=4 {
        assert!(train(threads) == one, "{threads} threads differ from one");
    }
    Isa::available()[0].select();
}
