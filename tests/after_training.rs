//! Quantization after training, as it is asked for from outside.

use std::sync::{Arc, LazyLock, Mutex, MutexGuard};

use nibble::data::synthetic;
use nibble::metrics::Event;
use nibble::quant::{ACTIVATIONS, GRANULARITIES, QUANTIZERS, Scheme};
use nibble::run::{CALIBRATIONS, Evaluation, Quantization, Run};
use nibble::{Error, RunConfig};

/// A trained FP32 run.
fn trained(images: [usize; 2], config: RunConfig) -> Run {
    let [train, test] = images;
    let dataset = Arc::new(synthetic::generate(train, test, 5).unwrap());
    let mut run = Run::new(dataset, RunConfig { quantizer: "none".into(), ..config }, || 0.0).unwrap();
    while !matches!(run.advance().unwrap(), Event::Finished { .. }) {}
    run
}

fn tiny(model: &str) -> Run {
    trained([24, 8], RunConfig { model: model.into(), batch: 8, epochs: 1, ..RunConfig::default() })
}

/// By that quantization; `None`: as the run does it.
fn evaluate(run: &mut Run, quantization: impl Into<Option<Quantization>>) -> Evaluation {
    let mut evaluator = run.evaluator(quantization.into()).unwrap();
    loop {
        if let Some(result) = evaluator.advance().result {
            return result;
        }
    }
}

fn plain(quantizer: &str, bits: u8) -> Quantization {
    Quantization { quantizer: quantizer.into(), bits, granularity: "tensor".into(), ..Default::default() }
}

fn everything(of: Quantization) -> Quantization {
    Quantization { fold: true, equalise: true, correct: true, ..of }
}

fn with_activations(scheme: &str, bits: u8, calibration: &str, of: Quantization) -> Quantization {
    Quantization {
        activations: Some(scheme.into()),
        activation_bits: bits,
        calibration: calibration.into(),
        ..of
    }
}

#[test]
fn every_scheme_is_tested_at_every_width() {
    // A chain of large layers by the fewest bits alone: what differs from graph to graph is how layers are folded.
    for (model, fewest) in [("simple_resnet4bit", false), ("vgg4bit", true)] {
        let mut run = tiny(model);
        let widths = |scheme: &'static Scheme| if fewest { &scheme.bits[..1] } else { scheme.bits };
        let tried =
            QUANTIZERS.iter().flat_map(|scheme| widths(scheme).iter().map(move |bits| (scheme, *bits)));
        for (scheme, bits) in tried {
            let name = scheme.entry.name;
            let of = Quantization { fold: true, equalise: true, ..plain(name, bits) };
            let result = evaluate(&mut run, of);
            assert!(result.loss.is_finite(), "{model}, {name}, {bits} bits: {result:?}");
            assert_eq!(result.bits, if name == "none" { 32 } else { bits });
        }
    }
}

/// Each scheme by another granularity, scheme for activations and way to choose their range, as their turns come.
#[test]
fn every_scheme_is_corrected_and_its_activations_calibrated() {
    let mut run = tiny("simple_resnet4bit");
    for (turn, scheme) in QUANTIZERS.iter().enumerate() {
        let (name, bits) = (scheme.entry.name, scheme.bits[0]);
        let can = |granularity| scheme.quantizer(bits, granularity, [9, 3]).is_ok();
        let sharings: Vec<_> = GRANULARITIES.iter().filter(|sharing| can(sharing.granularity)).collect();
        let (roundings, calibrations): (Vec<_>, Vec<_>) =
            (ACTIVATIONS.iter().collect(), CALIBRATIONS.iter().collect());
        let rounding = roundings[turn % roundings.len()];
        let calibration = calibrations[turn % calibrations.len()].entry.name;
        let granularity = sharings[turn % sharings.len()].entry.name.into();
        let of = Quantization { granularity, ..everything(plain(name, bits)) };
        let of = with_activations(rounding.entry.name, rounding.bits[0], calibration, of);
        assert!(evaluate(&mut run, of.clone()).loss.is_finite(), "{of:?}");
    }
}

#[test]
fn what_is_done_is_done_to_a_copy_and_changes_nothing_where_nothing_is_rounded() {
    let mut run = trained([400, 100], RunConfig { batch: 32, epochs: 1, ..RunConfig::default() });
    let full = evaluate(&mut run, plain("none", 4));
    let same = evaluate(&mut run, everything(plain("none", 4)));
    // Sums of losses of the same images; each is off by roundings of f32 (src/run/after_training/tests.rs).
    assert!((same.loss - full.loss).abs() < 1e-4, "{same:?} {full:?}");
    assert_eq!(same.accuracy, full.accuracy);
    evaluate(&mut run, Quantization { reestimate: 2, ..plain("symmetric", 2) });
    assert_eq!(evaluate(&mut run, plain("none", 4)), full, "the run is as it was");
    // 16 bits: a step of 1/32767 of the largest weight is all but none.
    let fine = evaluate(&mut run, everything(plain("dfp", 16)));
    assert!((fine.loss - full.loss).abs() < 1e-3, "{fine:?} {full:?}");
}

/// Trained on 1,500 images of the built-in set, with 400 to test on.
fn learned() -> MutexGuard<'static, Run> {
    static RUN: LazyLock<Mutex<Run>> = LazyLock::new(|| {
        let config = RunConfig { epochs: 3, lr: 3e-3, ..RunConfig::default() };
        Mutex::new(trained([1500, 400], config))
    });
    RUN.lock().unwrap()
}

/// What few bits a layer cost, and what of it comes back: losses, since so few images tell accuracies apart by points
/// alone.
#[test]
fn each_step_takes_back_some_of_what_three_bits_a_layer_cost() {
    let mut run = learned();
    let three = plain("symmetric", 3);
    let rounded = evaluate(&mut run, three.clone());
    let corrected = evaluate(&mut run, Quantization { correct: true, ..three.clone() });
    let estimated = evaluate(&mut run, Quantization { reestimate: 8, ..three.clone() });
    // Folding makes the channels of a layer unlike each other: what equalising is for.
    let folded = evaluate(&mut run, Quantization { fold: true, ..three.clone() });
    let equalised = evaluate(&mut run, Quantization { fold: true, equalise: true, ..three.clone() });
    let all = evaluate(&mut run, everything(three));
    println!("3 bits {rounded:?}\ncorrected {corrected:?}\nestimated {estimated:?}");
    println!("folded {folded:?}\nequalised {equalised:?}\nall {all:?}");
    for (better, worse) in [(corrected, rounded), (estimated, rounded), (equalised, folded), (all, equalised)]
    {
        assert!(better.loss < worse.loss, "{better:?} {worse:?}");
    }
}

#[test]
fn activations_of_few_bits_do_better_where_few_values_are_clipped() {
    let mut run = learned();
    let full = evaluate(&mut run, plain("none", 4));
    let mut rounded = |bits, calibration| {
        evaluate(&mut run, with_activations("affine", bits, calibration, plain("none", 4)))
    };
    let [largest, percentile, least] = ["minmax", "percentile", "mse"].map(|name| rounded(2, name));
    println!("FP32 {full:?}\n2-bit activations: {largest:?}, {percentile:?}, {least:?}");
    assert!(least.loss < largest.loss && percentile.loss < largest.loss, "the largest value is an outlier");
    assert!((rounded(8, "minmax").accuracy - full.accuracy).abs() <= 0.02, "8-bit activations");
}

#[test]
fn what_cannot_be_done_is_refused_and_says_what_can() {
    let mut run = tiny("simple_resnet4bit");
    let four = || plain("symmetric", 4);
    let cases = [
        (plain("symmetric", 9), "bits: expected 2 to 8 with symmetric, found 9"),
        (
            Quantization { granularity: "channel".into(), ..plain("mxfp4", 4) },
            "granularity: expected tensor (a scale for 32 weights is part of the format) with mxfp4, found channel",
        ),
        (
            Quantization { equalise: true, ..four() },
            "equalise: expected fold as well, since layers can be scaled where no batch norm is between them, found no fold",
        ),
        (
            Quantization { fold: true, reestimate: 4, ..four() },
            "reestimate: expected 0 with fold, which leaves no batch norm to estimate, found 4",
        ),
        (with_activations("fp4", 3, "mse", four()), "actbits: expected 4 with fp4, found 3"),
        (
            with_activations("affine", 4, "guess", four()),
            "calibration: expected minmax, percentile, mse, found guess",
        ),
    ];
    for (of, message) in cases {
        let refused = run.evaluator(Some(of)).err().expect("refused");
        assert!(matches!(refused, Error::Config { .. }));
        assert_eq!(refused.to_string(), message);
    }
    let unknown = serde_json::from_str::<Quantization>(
        r#"{"quantizer": "symmetric", "bits": 4, "granularity": "tensor", "folded": true}"#,
    );
    assert!(unknown.unwrap_err().to_string().contains("unknown field `folded`"));
}

/// Activations that nothing is said of are rounded as the run does it, the last ones by its choice for the ends.
#[test]
fn ends_of_the_run_hold_for_its_activations() {
    for (activations, ends) in [("affine", "8"), ("lsq", "8"), ("pact", "full")] {
        let config = RunConfig {
            batch: 8,
            epochs: 1,
            activations: activations.into(),
            activation_bits: 3,
            ends: ends.into(),
            ..RunConfig::default()
        };
        let mut run = trained([24, 8], config);
        let own = evaluate(&mut run, None);
        assert_eq!(evaluate(&mut run, plain("none", 4)), own, "{activations}, ends {ends}");
    }
}
