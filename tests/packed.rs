//! Packed networks: their answers against those of the run that they were packed from.

use std::sync::Arc;
use std::time::Instant;

use nibble::data::{Dataset, synthetic};
use nibble::metrics::Event;
use nibble::models::MODELS;
use nibble::packed::PackedModel;
use nibble::predictions::{ClassProbability, Query};
use nibble::quant::{Format, QUANTIZERS};
use nibble::run::{Quantization, Run};
use nibble::{Error, RunConfig};

/// Between the probabilities of a run and of its packed network. The sums are those of the same numbers in another
/// order, and scales and batch norm come in at another place: some roundings of f32 a layer, through seven layers.
const TOLERANCE: f32 = 1e-4;

fn dataset(train: usize, test: usize) -> Arc<Dataset> {
    Arc::new(synthetic::generate(train, test, 5).unwrap())
}

fn finished(dataset: &Arc<Dataset>, config: RunConfig) -> Run {
    let mut run = Run::new(dataset.clone(), config, || 0.0).unwrap();
    while !matches!(run.advance().unwrap(), Event::Finished { .. }) {}
    run
}

/// Compares the answers to every test image with those of the run's own test pass; gives the share that is right.
fn check_answers(run: &mut Run, dataset: &Dataset) -> f64 {
    let packed = run.packed().unwrap();
    let classes = dataset.classes.len() as u32;
    let (mut images, mut alike, mut correct) = (0, 0, 0);
    for cell in 0..classes * classes {
        let query = Query { label: Some(cell / classes), predicted: Some(cell % classes), limit: usize::MAX };
        for prediction in run.predictions(query).unwrap() {
            let answers = packed.classify(&dataset.test.rgba(prediction.index)).unwrap();
            assert_eq!(answers.len(), dataset.classes.len());
            assert!(answers.windows(2).all(|pair| pair[0].probability >= pair[1].probability));
            // The sum of ten probabilities, each rounded.
            assert!((answers.iter().map(|answer| answer.probability).sum::<f32>() - 1.0).abs() < 1e-5);
            let error = |top: &ClassProbability| {
                let answer = answers.iter().find(|answer| answer.class == top.class).unwrap();
                (answer.probability - top.probability).abs()
            };
            let error = prediction.top.iter().map(error).fold(0.0, f32::max);
            assert!(
                error <= TOLERANCE || run.config().activations != "none",
                "image {}: {answers:?}, not {prediction:?}",
                prediction.index
            );
            alike += usize::from(error <= TOLERANCE && answers[0].class == prediction.top[0].class);
            images += 1;
            correct += usize::from(answers[0].class == prediction.label);
        }
    }
    // Where a sum lies on the edge between two levels, another order of it may change a level.
    assert!(alike * 10 >= images * 9, "{alike} of {images} images alike");
    assert_eq!(images, dataset.test.len());
    correct as f64 / images as f64
}

/// Bits of the weights of each layer that has some.
fn widths(packed: &PackedModel) -> Vec<u8> {
    packed.info().layers.iter().filter_map(|layer| layer.bits).collect()
}

/// With these schemes and bits for weights and activations.
fn rounded(base: &RunConfig, (weights, bits): (&str, u8), (activations, width): (&str, u32)) -> RunConfig {
    RunConfig {
        quantizer: weights.into(),
        bits: bits.into(),
        activations: activations.into(),
        activation_bits: width,
        ..base.clone()
    }
}

#[test]
fn a_packed_network_answers_as_its_run_does() {
    let dataset = dataset(600, 200);
    let base = RunConfig { epochs: 2, batch: 64, lr: 3e-3, ..RunConfig::default() };
    let cases = [
        base.clone(),
        RunConfig { bits: 2.into(), ..base.clone() },
        RunConfig { bits: 7.into(), ..base.clone() },
        RunConfig { granularity: "net".into(), ..base.clone() },
        rounded(&base, ("nvfp4", 4), ("affine", 4)),
        rounded(&base, ("dfp", 12), ("mxfp4", 4)),
        rounded(&base, ("ternary_median", 2), ("pact", 4)),
        rounded(&base, ("apot", 4), ("fp4", 4)),
        rounded(&base, ("codebook", 4), ("fp8_e4m3", 8)),
        rounded(&base, ("symmetric", 4), ("dorefa", 4)),
        RunConfig { ends: "full".into(), ..rounded(&base, ("lsq", 4), ("lsq", 3)) },
        RunConfig { model: "convnetjs_cifar10".into(), ..base },
    ];
    for config in cases {
        let mut run = finished(&dataset, config.clone());
        let correct = check_answers(&mut run, &dataset);
        println!("{config:?}: {correct}");
        assert!(correct > 0.1, "better than chance: {correct}");
    }
}

/// After two steps, so with what a scheme learns at other values than those it starts from.
#[test]
fn every_scheme_packs_to_the_same_answers() {
    let dataset = dataset(64, 12);
    let base = RunConfig { epochs: 1, batch: 32, ..RunConfig::default() };
    // Weights in FP32 are packed by another scheme than their run's.
    for scheme in QUANTIZERS.iter().filter(|scheme| scheme.format != Format::Full) {
        for bits in [scheme.bits[0], *scheme.bits.last().unwrap()] {
            let mut run = finished(&dataset, rounded(&base, (scheme.entry.name, bits), ("none", 8)));
            check_answers(&mut run, &dataset);
        }
    }
}

#[test]
fn vgg4bit_answers_as_its_run_does_at_an_eighth_of_the_size() {
    let dataset = dataset(40, 6);
    let config = RunConfig { model: "vgg4bit".into(), batch: 8, epochs: 1, ..RunConfig::default() };
    let mut run = finished(&dataset, config);
    check_answers(&mut run, &dataset);
    let info = run.packed().unwrap().info().clone();
    // 3,248,320 weights, 1,418 biases, 2 * 1,408 values of batch norm (2 more in f32), 8 scales.
    assert_eq!(info.fp32_bytes, 4 * (3_251_018 + 2 * 1_408));
    assert_eq!(info.packed_bytes, 3_246_784 / 2 + 4 * (1_418 + 2 * 1_408 + 8));
    assert_eq!(info.layers.len(), 15);
    let conv2 = info.layers.iter().find(|layer| layer.name == "conv2").unwrap();
    assert_eq!((conv2.packed_bytes, conv2.fp32_bytes), (9 * 64 * 64 / 2 + 4 * 65, 4 * (9 * 64 * 64 + 64)));
    let picture = dataset.test.rgba(0);
    let start = Instant::now();
    let packed = run.packed().unwrap();
    let packing = start.elapsed();
    packed.classify(&picture).unwrap();
    println!(
        "VGG4bit is packed in {packing:.1?} and classifies a picture in {:.1?}",
        start.elapsed() - packing
    );
}

#[test]
fn an_fp32_run_is_packed_at_four_bits() {
    let dataset = dataset(600, 200);
    let config = RunConfig {
        quantizer: "none".into(),
        bits: 8.into(),
        epochs: 2,
        batch: 64,
        lr: 3e-3,
        ..RunConfig::default()
    };
    let mut run = finished(&dataset, config);
    let packed = run.packed().unwrap();
    assert_eq!(widths(&packed), [4; 7]);
    let four = Quantization {
        quantizer: "symmetric".into(),
        bits: 4,
        granularity: "tensor".into(),
        ..Default::default()
    };
    let mut evaluator = run.evaluator(Some(four)).unwrap();
    let result = loop {
        if let Some(result) = evaluator.advance().result {
            break result;
        }
    };
    let right = |image: &usize| {
        let answers = packed.classify(&dataset.test.rgba(*image)).unwrap();
        answers[0].class == dataset.test.label(*image)
    };
    let correct = (0..dataset.test.len()).filter(right).count();
    assert_eq!(correct as f64 / dataset.test.len() as f64, result.accuracy);
}

#[test]
fn every_layer_tells_its_own_bits() {
    let dataset = dataset(4, 2);
    let base = RunConfig { batch: 2, ..RunConfig::default() };
    let cases = [
        (base.clone(), [4; 7]),
        (RunConfig { bits: "4,conv2:3".parse().unwrap(), ..base.clone() }, [4, 3, 4, 4, 4, 4, 4]),
        (RunConfig { ends: "8".into(), ..base.clone() }, [8, 4, 4, 4, 4, 4, 8]),
        (RunConfig { ends: "full".into(), ..base.clone() }, [32, 4, 4, 4, 4, 4, 32]),
        (rounded(&base, ("dfp", 12), ("none", 8)), [12; 7]),
    ];
    for (config, expected) in cases {
        let mut run = Run::new(dataset.clone(), config, || 0.0).unwrap();
        assert_eq!(widths(&run.packed().unwrap()), expected);
    }
}

#[test]
fn every_model_can_be_packed() {
    let dataset = dataset(4, 2);
    for preset in MODELS.iter() {
        let config = RunConfig { model: preset.entry.name.into(), batch: 2, ..RunConfig::default() };
        let mut run = Run::new(dataset.clone(), config, || 0.0).unwrap();
        let packed = run.packed().unwrap();
        let weighted = run.info().layers.iter().filter(|layer| layer.parameters > 0).count();
        assert_eq!(packed.info().layers.len(), weighted, "{}", preset.entry.name);
        assert_eq!(packed.classify(&dataset.test.rgba(0)).unwrap().len(), 10, "{}", preset.entry.name);
    }
}

#[test]
fn answers_do_not_depend_on_the_number_of_threads() {
    let dataset = dataset(4, 2);
    let mut run = Run::new(dataset.clone(), RunConfig::default(), || 0.0).unwrap();
    let packed = run.packed().unwrap();
    let answers = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| packed.classify(&dataset.test.rgba(0)).unwrap())
    };
    let one = answers(1);
    for threads in 2..=4 {
        assert_eq!(answers(threads), one, "{threads} threads");
    }
}

#[test]
fn a_picture_of_another_size_is_refused() {
    let mut run = Run::new(dataset(4, 2), RunConfig::default(), || 0.0).unwrap();
    let error = run.packed().unwrap().classify(&[0; 3072]).unwrap_err();
    assert!(matches!(error, Error::Data { .. }));
    assert_eq!(
        error.to_string(),
        "picture: expected 4096 bytes, 32 x 32 pixels of R G B A, found 3072 bytes"
    );
}
