//! Exported networks, as far as it can be told without the programs that read them (those are in tests/runtimes).

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use nibble::data::{IMAGE_BYTES, Normalize, synthetic};
use nibble::export::{self, Content, Network, Story, TARGETS};
use nibble::integer::{self, Integer};
use nibble::kernels::Isa;
use nibble::kernels::blocks::{Blocks, Granularity};
use nibble::kernels::grid::Grid;
use nibble::lower::{Lowered, Op, Weights, fold};
use nibble::models::MODELS;
use nibble::packed::PackedModel;
use nibble::quant::{ACTIVATIONS, QUANTIZERS};
use nibble::run::Run;
use nibble::{Error, RunConfig};
use sha2::{Digest, Sha256};

/// Has all tests compute with the same bits on every machine.
fn exactly() {
    Isa::available().iter().find(|isa| isa.is_exact()).unwrap().select();
}

/// The network of a run after some steps, with the images that it was trained on.
fn trained(config: RunConfig, images: usize) -> Network {
    exactly();
    let dataset = Arc::new(synthetic::generate(images, 10, 5).unwrap());
    let mut run = Run::new(dataset.clone(), RunConfig { epochs: 1, ..config }, || 0.0).unwrap();
    for _ in 0..3 {
        run.advance().unwrap();
    }
    let mut network = run.network();
    network.images = dataset.train.images[..images.min(16) * IMAGE_BYTES].to_vec();
    network
}

fn small(quantizer: &str, bits: u8, activations: &str) -> RunConfig {
    RunConfig {
        quantizer: quantizer.into(),
        bits: bits.into(),
        activations: activations.into(),
        batch: 16,
        ..RunConfig::default()
    }
}

/// Bits of the logits of some pictures.
fn logits(network: &Network) -> Vec<u32> {
    let packed = PackedModel::new(&network.lowered, Normalize::new(network.mean, network.std));
    let pictures = network.images.chunks_exact(IMAGE_BYTES).take(2).map(rgba);
    pictures.flat_map(|rgba| packed.logits(&rgba)).map(f32::to_bits).collect()
}

fn rgba(planes: &[u8]) -> Vec<u8> {
    integer::pixels(planes).chunks(3).flat_map(|rgb| [rgb[0], rgb[1], rgb[2], 255]).collect()
}

fn written(network: &Network, target: &str) -> Vec<u8> {
    (export::find(target).unwrap().write)(network).unwrap().bytes().unwrap().to_vec()
}

/// As its target has written it, and read again.
fn read_back(network: &Network, target: &str) -> Network {
    let read = export::read("network", &written(network, target)).unwrap();
    Network { images: network.images.clone(), ..read }
}

#[test]
fn what_is_read_back_computes_the_same_bits() {
    for scheme in QUANTIZERS.iter() {
        for bits in [scheme.bits[0], *scheme.bits.last().unwrap()] {
            let network = trained(small(scheme.entry.name, bits, "none"), 32);
            for target in ["json", "safetensors"] {
                let read = read_back(&network, target);
                assert_eq!(logits(&read), logits(&network), "{} {bits} {target}", scheme.entry.name);
                assert_eq!(
                    (read.classes, read.mean, read.std),
                    (network.classes.clone(), network.mean, network.std)
                );
            }
        }
    }
    for scheme in ACTIVATIONS.iter() {
        let config =
            RunConfig { activation_bits: scheme.bits[0].into(), ..small("affine", 4, scheme.entry.name) };
        let network = trained(RunConfig { granularity: "group32".into(), ..config }, 32);
        for target in ["json", "safetensors"] {
            assert_eq!(logits(&read_back(&network, target)), logits(&network), "{}", scheme.entry.name);
        }
    }
    for preset in MODELS.iter() {
        let config = RunConfig { model: preset.entry.name.into(), ..small("symmetric", 4, "none") };
        let network = trained(config, 16);
        let read = read_back(&network, "safetensors");
        assert_eq!(logits(&read), logits(&network), "{}", preset.entry.name);
        assert_eq!(read.lowered.operations.len(), network.lowered.operations.len());
    }
}

/// Bytes of VGG4bit and SimpleResNet4bit, 1,624,160 and 36,328 of codes among them.
#[test]
fn files_are_as_small_as_they_should_be() {
    let sizes = |model: &str| {
        let config = RunConfig { model: model.into(), ..small("symmetric", 4, "none") };
        let network = trained(config, 16);
        ["safetensors", "onnx", "html"].map(|target| written(&network, target).len())
    };
    let vgg = sizes("vgg4bit");
    assert!(vgg[0] <= 1_677_721 && vgg[1] <= 1_677_721, "1.60 MiB: {vgg:?}");
    assert!(vgg[2] <= 2_500_000, "{vgg:?}");
    let resnet = sizes("simple_resnet4bit");
    assert!(resnet[0] <= 50_000 && resnet[1] <= 45_000 && resnet[2] <= 85_000, "{resnet:?}");
}

#[test]
fn a_file_that_is_no_network_is_refused_in_a_sentence() {
    let network = trained(small("symmetric", 4, "none"), 16);
    let refused = |bytes: &[u8], found: &str| {
        let error = export::read("mine", bytes).unwrap_err();
        assert!(
            matches!(error, Error::Data { .. }) && error.to_string().starts_with("mine: expected a network")
        );
        assert!(error.to_string().contains(found), "{error}");
    };
    refused(b"{}", "missing field `format`");
    refused(b"", "found");
    let json = String::from_utf8(written(&network, "json")).unwrap();
    refused(json.replace("nibble.lowered", "another").as_bytes(), "another, version 1");
    refused(json.replace("\"inputs\":[1]", "\"inputs\":[99]").as_bytes(), "bn1 that reads what comes later");
    refused(json.replacen("\"codes\":[", "\"codes\":[1,", 1).as_bytes(), "conv1: 433 codes for 432 weights");
    refused(
        json.replace("\"max_pool\"", "\"min_pool\"").replace("\"relu\"", "\"elu\"").as_bytes(),
        "the operation elu",
    );
    let whole = written(&network, "safetensors");
    refused(&whole[..whole.len() - 1], "found");
}

/// Weights of every level, -8 among them, `[rows][2]`.
fn all_levels(granularity: Granularity, zero_points: bool) -> Weights {
    let blocks = Blocks::new(27, 2, granularity);
    let scales: Vec<f32> = (0..blocks.count()).map(|block| 0.25 * (block + 1) as f32).collect();
    let points = if zero_points { vec![3.0; blocks.count()] } else { Vec::new() };
    let levels = if zero_points { [0, 15] } else { [-8, 7] };
    let grid = Grid::uniform(blocks, levels, scales, points);
    let values: Vec<f32> = (0..54).map(|i| grid.value(i * 7 % 16, blocks.of(i))).collect();
    Weights { dims: vec![3, 3, 3, 2], encoded: Some(grid.encode(&values)), values }
}

/// A convolution with every level, a batch norm with a factor below 0, ReLU, sum, pooling, flattening and a linear layer.
fn by_hand(granularity: Granularity, zero_points: bool) -> Network {
    exactly();
    let mut lowered = Lowered::new([32, 32, 3]);
    let weight = all_levels(granularity, zero_points);
    let conv = lowered.layer("conv1", &[0], |out| {
        out.push(Op::Conv2d { weight, bias: vec![0.5, -0.25], stride: 2 });
    });
    let norm = lowered.layer("bn1", &[conv], |out| {
        out.push(Op::Affine { factor: vec![-0.5, 2.0], offset: vec![1.0, 0.125] });
        out.push(Op::Relu);
    });
    let sum = lowered.layer("add1", &[norm, norm], |out| out.push(Op::Add));
    let pool = lowered.layer("pool1", &[sum], |out| out.push(Op::MaxPool));
    let mean = lowered.layer("mean1", &[pool], |out| out.push(Op::GlobalAvgPool));
    let values = vec![0.5, -1.0, 0.25, 1.5];
    let weight = Weights { dims: vec![2, 2], values, encoded: None };
    lowered.layer("linear1", &[mean], |out| out.push(Op::Linear { weight, bias: vec![0.0, 1.0] }));
    let mut network =
        Network::new(lowered, vec!["a \"cat\"?".into(), "two\\three".into()], [[0.5; 3], [0.25; 3]]);
    network.images = (0..2 * IMAGE_BYTES).map(|i| (i * i % 251) as u8).collect();
    let report = r#"{"epoch":1,"lr":0.5,"trainLoss":1.5,"trainAccuracy":0.5,"testLoss":1.25,"testAccuracy":0.75,"secs":2,
        "layers":[{"name":"conv1","scale":0.5,"histogram":{"min":-1,"max":1,"counts":[1,2,3,4]}}]}"#;
    network.story = Some(Story {
        data: "By hand".into(),
        images: [4, 4],
        settings: [("model", "hand"), ("bits", "4"), ("seed", "7")].map(|(k, v)| (k.into(), v.into())).into(),
        losses: vec![2.0, 1.0],
        reports: vec![report.into()],
    });
    network
}

#[test]
fn a_folded_network_computes_the_same_but_for_rounding() {
    for (granularity, zero_points) in [
        (Granularity::Tensor, false),
        (Granularity::Channel, false),
        (Granularity::Group(8), false),
        (Granularity::Tensor, true),
        (Granularity::Group(8), true),
    ] {
        let network = by_hand(granularity, zero_points);
        let folded = Network { lowered: fold(&network.lowered), ..network.clone() };
        assert_eq!(folded.lowered.operations.len() + 1, network.lowered.operations.len());
        let Op::Conv2d { weight, .. } = &folded.lowered.operations[0].op else { panic!("a convolution") };
        let encoded = weight.encoded.as_ref().unwrap();
        assert!(
            encoded.grid.scales[0] < 0.0 && encoded.grid.levels[0] == if zero_points { 0.0 } else { -8.0 }
        );
        let values =
            |network: &Network| -> Vec<f32> { logits(network).into_iter().map(f32::from_bits).collect() };
        for (found, expected) in values(&folded).iter().zip(values(&network)) {
            // Sums of some hundred terms, each rounded to 2^-24 of at most a hundred.
            assert!((found - expected).abs() < 1e-3, "{found}, not {expected}");
        }
    }
}

/// Sums of what targets write of a network by hand. A change of these bytes is a change of what other programs read:
/// `cargo xtask test runtimes` says whether they still do.
const GOLDEN: [(&str, &str); 6] = [
    ("json", "01349afb97baf5f6"),
    ("safetensors", "a2100a52198b90fc"),
    ("onnx", "b913bac08e2d8d6c"),
    ("onnx_float", "6ad3a4632c13915d"),
    ("c", "7e06a1857c0f7193"),
    ("tensorboard", "f2877dbd36f9c073"),
];

/// What a target writes, one file behind the other.
fn all_bytes(network: &Network, target: &str) -> Vec<u8> {
    match (export::find(target).unwrap().write)(network).unwrap().content {
        Content::File { bytes, .. } => bytes,
        Content::Folder(files) => {
            files.into_iter().flat_map(|(name, bytes)| [name.as_bytes(), &bytes].concat()).collect()
        }
    }
}

#[test]
fn each_target_writes_the_bytes_that_were_seen_to_work() {
    let network = by_hand(Granularity::Channel, false);
    let found = GOLDEN.map(|(target, _)| {
        let sum = Sha256::digest(all_bytes(&network, target));
        (target, sum[..8].iter().map(|byte| format!("{byte:02x}")).collect::<String>())
    });
    assert_eq!(found, GOLDEN.map(|(target, sum)| (target, sum.to_owned())));
}

/// These two are for people: they may change their words, but not what they hold.
#[test]
fn a_page_and_a_folder_for_a_hub_hold_the_network_and_what_is_to_be_said_of_it() {
    let network = by_hand(Granularity::Channel, false);
    let [page, hub] = ["html", "hub"].map(|target| all_bytes(&network, target));
    let holds = |bytes: &[u8], part: &[u8]| bytes.windows(part.len()).any(|window| window == part);
    for target in ["safetensors", "onnx"] {
        assert!(holds(&hub, &written(&network, target)), "{target}");
    }
    let page = String::from_utf8(page).unwrap();
    // 3 of 4 images, Wilson's interval.
    let accuracy = "75.00 % (95 % interval 30.06 to 95.44 %)";
    assert!(page.contains(accuracy) && holds(&hub, accuracy.as_bytes()));
    assert!(page.contains("a &quot;cat&quot;?, two\\three"), "names are escaped");
    assert!(!page.contains("}}\n") && !page.contains("\nimport "), "everything is filled in");
    assert!(holds(&hub, b"value: 0.7500") && holds(&hub, b"curves.svg<svg "));
    let lonely = Network { story: None, images: Vec::new(), ..network };
    for target in ["hub", "tensorboard", "c", "pytorch"] {
        let error = (export::find(target).unwrap().write)(&lonely).unwrap_err();
        assert!(matches!(error, Error::Data { .. }), "{target}: {error}");
    }
}

#[test]
fn each_target_says_what_it_needs_and_how_it_is_run() {
    for target in TARGETS.iter() {
        assert!(!target.needs.is_empty() && target.run.contains("{file}"), "{}", target.entry.name);
    }
}

/// What floating-point numbers say most is what integers say most, but where two classes are nearly alike.
#[test]
fn integers_answer_as_floating_point_numbers_do() {
    for (activations, bits) in [("none", 8), ("affine", 4), ("lsq", 4)] {
        let config = RunConfig { activation_bits: bits, lr: 3e-3, ..small("symmetric", 4, activations) };
        exactly();
        let dataset = Arc::new(synthetic::generate(640, 100, 5).unwrap());
        let mut run = Run::new(dataset.clone(), RunConfig { epochs: 1, ..config }, || 0.0).unwrap();
        while !matches!(run.advance().unwrap(), nibble::metrics::Event::Finished { .. }) {}
        let network = run.network();
        let images = &dataset.train.images[..64 * IMAGE_BYTES];
        let integer = Integer::new(&network.lowered, [network.mean, network.std], images).unwrap();
        assert!(integer.notes.is_empty(), "{:?}", integer.notes);
        let packed = PackedModel::new(&network.lowered, Normalize::new(network.mean, network.std));
        let unit = integer.values.last().unwrap().span.scale;
        let (mut alike, mut furthest) = (0, 0.0f64);
        let test = dataset.test.images.chunks_exact(IMAGE_BYTES);
        for planes in test.take(40) {
            let (floats, integers) = (packed.logits(&rgba(planes)), integer.logits(&integer::pixels(planes)));
            let most = |values: Vec<f64>| {
                (0..values.len()).max_by(|a, b| values[*a].total_cmp(&values[*b])).unwrap()
            };
            let integers: Vec<f64> = integers.iter().map(|logit| f64::from(*logit) * unit).collect();
            let floats: Vec<f64> = floats.into_iter().map(f64::from).collect();
            let distance = floats.iter().zip(&integers).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            furthest = furthest.max(distance / floats.iter().fold(0.0f64, |most, x| most.max(x.abs())));
            alike += usize::from(most(floats) == most(integers));
        }
        println!("{activations}: {alike} of 40 alike, logits at most {furthest:.3} of the largest away");
        // Rounding to 16 levels turns a small difference into a whole level now and then.
        assert!(alike >= 34, "{activations}: {alike} of 40 alike");
    }
}

/// Compiles a header's program with every warning an error and undefined behaviour caught; runs it on pictures.
fn compiled(folder: &str, header: &[u8], pictures: &[u8]) -> String {
    let folder: PathBuf = Path::new(env!("CARGO_TARGET_TMPDIR")).join("exports").join(folder);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("network.h"), header).unwrap();
    fs::write(folder.join("pictures.rgb"), pictures).unwrap();
    let told = |command: &mut Command| {
        let output = command.current_dir(&folder).output().unwrap();
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success() && text.is_empty(), "{command:?}: {text}");
        String::from_utf8(output.stdout).unwrap()
    };
    let flags = "-std=c99 -Wall -Wextra -Werror -pedantic -O1 -fsanitize=undefined -fno-sanitize-recover=all -DNIBBLE_MAIN -x c network.h -o network";
    told(Command::new("cc").args(flags.split(' ')));
    let vectors = told(&mut Command::new(folder.join("network")));
    assert!(vectors.contains("test pictures, 0 logits that are not those of the reference"), "{vectors}");
    told(Command::new(folder.join("network")).arg("pictures.rgb"))
}

/// The C says what the reference says, to the last logit.
#[test]
#[cfg(unix)]
fn the_c_computes_the_references_logits() {
    let cases = [
        ("hand", by_hand(Granularity::Channel, false)),
        ("zero_points", by_hand(Granularity::Tensor, true)),
        ("resnet", trained(RunConfig { activation_bits: 4, ..small("symmetric", 4, "affine") }, 32)),
        (
            "convnetjs",
            trained(RunConfig { model: "convnetjs_cifar10".into(), ..small("dorefa", 4, "none") }, 32),
        ),
    ];
    for (name, network) in cases {
        let pictures: Vec<u8> = network.images.chunks_exact(IMAGE_BYTES).flat_map(integer::pixels).collect();
        let told = compiled(name, &written(&network, "c"), &pictures);
        let integer = Integer::new(&network.lowered, [network.mean, network.std], &network.images).unwrap();
        assert_eq!(told.lines().count(), pictures.len() / IMAGE_BYTES, "{name}");
        for (line, pixels) in told.lines().zip(pictures.chunks_exact(IMAGE_BYTES)) {
            let found: Vec<i32> = line.split('\t').skip(1).map(|logit| logit.parse().unwrap()).collect();
            assert_eq!(found, integer.logits(pixels), "{name}: {line}");
        }
    }
}
