//! Exports read by the programs that they are for: `cargo xtask test runtimes` installs these and says where they are
//! (`NIBBLE_PYTHON`). Every scheme of the family and every network through every target that can hold it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Arc, LazyLock};

use nibble::RunConfig;
use nibble::checkpoint::{self, History};
use nibble::data::{Dataset, DatasetKind, Decoder, Gathering, IMAGE_BYTES, Normalize, Split, synthetic};
use nibble::export::{self, Content, Network, Story};
use nibble::integer::{self, Integer};
use nibble::lower::{Op, Weights};
use nibble::models::MODELS;
use nibble::packed::PackedModel;
use nibble::quant::{ACTIVATIONS, QUANTIZERS};
use nibble::run::Run;
use rayon::prelude::*;
use serde_json::json;

/// Pictures that every network is asked about.
const PICTURES: usize = 20;
/// Pictures on which the C and the reference are compared.
const MANY: usize = 1000;

/// Networks by their names, each with its exports in a folder of its own.
static CASES: LazyLock<Vec<PathBuf>> =
    LazyLock::new(|| cases().into_iter().map(|(name, config)| write(&name, config)).collect());
static DATA: LazyLock<Arc<Dataset>> =
    LazyLock::new(|| Arc::new(synthetic::generate(256, MANY, synthetic::SEED).unwrap()));

fn root() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("runtimes").join("cases")
}

fn cases() -> Vec<(String, RunConfig)> {
    let base = || RunConfig { batch: 64, epochs: 1, lr: 3e-3, ..RunConfig::default() };
    let mut cases = Vec::new();
    for scheme in QUANTIZERS.iter() {
        let name = scheme.entry.name;
        let mut widths = vec![scheme.bits[0], 4, *scheme.bits.last().unwrap()];
        widths.retain(|bits| scheme.bits.contains(bits));
        widths.dedup();
        for bits in widths {
            cases.push((
                format!("{name}-{bits}"),
                RunConfig { quantizer: name.into(), bits: bits.into(), ..base() },
            ));
        }
    }
    for (quantizer, granularity) in [
        ("symmetric", "channel"),
        ("symmetric", "group32"),
        ("affine", "channel"),
        ("affine", "group32"),
        ("fp4", "group32"),
    ] {
        let config = RunConfig { quantizer: quantizer.into(), granularity: granularity.into(), ..base() };
        cases.push((format!("{quantizer}-{granularity}"), config));
    }
    let own = "conv1.quantizer:none,conv2.quantizer:fp4,conv2.granularity:channel,conv3.quantizer:affine,conv3.activations:pact";
    cases.push((
        "layers".into(),
        RunConfig { layers: own.parse().unwrap(), bits: "4,conv3:3".parse().unwrap(), ..base() },
    ));
    for scheme in ACTIVATIONS.iter().filter(|scheme| scheme.entry.name != "none") {
        let bits = scheme.bits.iter().copied().find(|bits| *bits >= 4).unwrap_or(scheme.bits[0]);
        let config =
            RunConfig { activations: scheme.entry.name.into(), activation_bits: bits.into(), ..base() };
        cases.push((format!("activations-{}", scheme.entry.name), config));
    }
    for preset in MODELS.iter() {
        let config = RunConfig { model: preset.entry.name.into(), ..base() };
        cases.push((format!("model-{}", preset.entry.name), config));
    }
    cases
}

/// Trains a network for an epoch and writes its exports, some pictures, and what it says of them.
fn write(name: &str, config: RunConfig) -> PathBuf {
    let folder = root().join(name);
    fs::create_dir_all(&folder).unwrap();
    let mut run = Run::new(DATA.clone(), config, || 0.0).unwrap_or_else(|error| panic!("{name}: {error}"));
    let mut history = History::default();
    loop {
        let event = run.advance().unwrap();
        history.add(&event);
        if matches!(event, nibble::metrics::Event::Finished { .. }) {
            break;
        }
    }
    let epochs = history.epochs();
    let mut saved = Vec::new();
    checkpoint::write(&mut run, &history, &mut saved).unwrap();
    fs::write(folder.join("network.nibble.safetensors"), saved).unwrap();
    let mut network = run.network();
    network.images = DATA.train.images[..64 * IMAGE_BYTES].to_vec();
    network.story = Some(Story {
        data: DATA.name.clone(),
        images: [DATA.train.len(), DATA.test.len()],
        settings: run.config().texts(),
        losses: history.losses,
        reports: history.reports,
    });
    for target in ["safetensors", "onnx", "onnx_float", "c", "html", "hub", "tensorboard"] {
        let artifact =
            (export::find(target).unwrap().write)(&network).unwrap_or_else(|error| panic!("{name}: {error}"));
        match artifact.content {
            Content::File { bytes, .. } => {
                fs::write(folder.join(format!("network.{}", artifact.extension)), bytes).unwrap()
            }
            Content::Folder(files) => {
                let inner = folder.join(format!("network-{}", artifact.extension));
                fs::create_dir_all(&inner).unwrap();
                files.into_iter().for_each(|(name, bytes)| fs::write(inner.join(name), bytes).unwrap());
            }
        }
    }
    let unfolded = Network { lowered: separate(&network), ..network.clone() };
    let bytes = (export::find("onnx_float").unwrap().write)(&unfolded).unwrap();
    fs::write(folder.join("unfolded.onnx"), bytes.bytes().unwrap()).unwrap();

    let pictures = pictures(PICTURES);
    fs::write(folder.join("pictures.rgb"), pictures.concat()).unwrap();
    image::save_buffer(folder.join("picture.png"), &pictures[0], 32, 32, image::ExtendedColorType::Rgb8)
        .unwrap();
    let packed = PackedModel::new(&network.lowered, Normalize::new(network.mean, network.std));
    let logits = pictures.iter().flat_map(|rgb| packed.logits(&rgba(rgb)));
    fs::write(folder.join("logits.f32"), logits.flat_map(f32::to_le_bytes).collect::<Vec<u8>>()).unwrap();
    let weights = || network.lowered.operations.iter().filter_map(|operation| weight(&operation.op));
    let is_packed =
        |weight: &Weights| weight.encoded.as_ref().is_some_and(|encoded| encoded.grid.levels.len() <= 16);
    let about = json!({
        "classes": network.classes,
        "exact": !network.lowered.operations.iter().any(|operation| matches!(operation.op, Op::Round(_))),
        "packed": weights().any(is_packed),
        "layers": weights().count(),
        "steps": network.story.as_ref().unwrap().losses.len(),
        "accuracy": epochs.last().unwrap().test_accuracy,
    });
    fs::write(folder.join("about.json"), about.to_string()).unwrap();
    folder
}

/// The same network in which a ReLU stands between weights and batch norm, so that nothing is folded.
fn separate(network: &Network) -> nibble::lower::Lowered {
    let mut lowered = nibble::lower::Lowered::new(network.lowered.input);
    let mut place = vec![0];
    for operation in &network.lowered.operations {
        let mut input: Vec<usize> = operation.inputs.iter().map(|input| place[*input]).collect();
        if matches!(operation.op, Op::Affine { .. }) {
            input[0] =
                lowered.layer(&format!("{}.between", operation.name), &input, |out| out.push(Op::Relu));
        }
        let value = lowered.layer(&operation.name, &input, |out| {
            out.emit(operation.op.clone(), input.clone());
        });
        place.push(value);
    }
    lowered
}

fn weight(op: &Op) -> Option<&Weights> {
    match op {
        Op::Conv2d { weight, .. } | Op::Linear { weight, .. } => Some(weight),
        _ => None,
    }
}

/// Test pictures, R G B.
fn pictures(count: usize) -> Vec<Vec<u8>> {
    DATA.test.images.chunks_exact(IMAGE_BYTES).take(count).map(integer::pixels).collect()
}

fn rgba(rgb: &[u8]) -> Vec<u8> {
    rgb.chunks(3).flat_map(|rgb| [rgb[0], rgb[1], rgb[2], 255]).collect()
}

fn python() -> PathBuf {
    std::env::var_os("NIBBLE_PYTHON").expect("cargo xtask test runtimes says where Python is").into()
}

fn told(output: Output, what: &str) -> String {
    let [out, err] = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    assert!(output.status.success(), "{what}: {out}\n{err}");
    out
}

/// Has a program of Python read exports in folders.
fn check(what: &str, folders: &[PathBuf]) {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/runtimes/check.py");
    let mut command = Command::new(python());
    let output = command.arg(script).arg(what).args(folders).output().unwrap();
    let told = told(output, what);
    println!("{told}");
    assert!(!folders.is_empty());
    assert_eq!(told.lines().count(), folders.len(), "a line a folder");
}

#[test]
fn onnx_runtime_says_what_the_network_says() {
    check("onnx", &CASES);
}

/// ONNX Runtime's answers on a whole test set, of each network that comes with the page and was trained on such images.
fn shipped_networks_answer_alike(kind: DatasetKind, test: &Split) {
    let shipped = fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/www/networks")).unwrap();
    let mut folders = Vec::new();
    for path in shipped.map(|entry| entry.unwrap().path()) {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let Some(stem) = name.strip_suffix(checkpoint::SUFFIX) else { continue };
        let reader = checkpoint::Reader::open(&name, fs::File::open(&path).unwrap()).unwrap();
        if reader.about().data.dataset_kind() != kind {
            continue;
        }
        let dataset = Arc::new(reader.stand_in().unwrap().unwrap());
        let mut network = reader.load(dataset, || 0.0).unwrap().run.network();
        let folder = root().with_file_name("shipped").join(stem);
        fs::create_dir_all(&folder).unwrap();
        let pictures: Vec<Vec<u8>> = test.images.chunks_exact(IMAGE_BYTES).map(integer::pixels).collect();
        fs::write(folder.join("pictures.rgb"), pictures.concat()).unwrap();
        let packed = PackedModel::new(&network.lowered, Normalize::new(network.mean, network.std));
        let logits: Vec<Vec<f32>> = pictures.par_iter().map(|rgb| packed.logits(&rgba(rgb))).collect();
        let logits = logits.concat().into_iter().flat_map(f32::to_le_bytes);
        fs::write(folder.join("logits.f32"), logits.collect::<Vec<u8>>()).unwrap();
        network.images.clear();
        let onnx = (export::find("onnx").unwrap().write)(&network).unwrap();
        fs::write(folder.join("network.onnx"), onnx.bytes().unwrap()).unwrap();
        folders.push(folder);
    }
    check("answers", &folders);
}

#[test]
fn onnx_runtime_answers_as_shipped_networks_on_ten_thousand_built_in_images() {
    let data = synthetic::generate(100, 10_000, synthetic::SEED).unwrap();
    shipped_networks_answer_alike(DatasetKind::Synthetic, &data.test);
}

#[test]
#[ignore = "needs CIFAR-10"]
fn onnx_runtime_answers_as_shipped_networks_on_all_test_images_of_cifar_10() {
    let folder = std::env::var_os("NIBBLE_DATA").expect("cargo xtask test runtimes says where CIFAR-10 is");
    let mut gathering = Gathering::new(Decoder { name: "nobody" });
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let bytes = fs::read(entry.path()).unwrap();
        gathering.add(&entry.file_name().to_string_lossy(), std::rc::Rc::new(bytes));
    }
    let data = gathering.plan(&mut |_| {}).unwrap().finish().unwrap().0;
    assert_eq!((data.kind, data.test.len()), (DatasetKind::Cifar10, 10_000));
    shipped_networks_answer_alike(DatasetKind::Cifar10, &data.test);
}

#[test]
fn safetensors_in_python_holds_the_weights() {
    check("safetensors", &CASES);
}

#[test]
fn tensorboard_reads_the_history() {
    check("tensorboard", &CASES);
}

#[test]
fn the_hub_accepts_the_model_card() {
    check("hub", &CASES);
}

/// Of every case: the compiler takes it, and its test vectors hold.
#[test]
#[cfg(unix)]
fn every_header_compiles_and_computes_its_test_vectors() {
    CASES.par_iter().for_each(|folder| {
        let flags = "-std=c99 -Wall -Wextra -Werror -pedantic -O1 -fsanitize=undefined -fno-sanitize-recover=all -DNIBBLE_MAIN -x c network.h -o network";
        let compiled = Command::new("cc").args(flags.split(' ')).current_dir(folder).output().unwrap();
        told(compiled, &folder.display().to_string());
        let told = told(Command::new(folder.join("network")).output().unwrap(), &folder.display().to_string());
        assert!(told.contains("test pictures, 0 logits that are not"), "{}: {told}", folder.display());
    });
}

/// The whole of it for a microcontroller: the reference's answers on many pictures, and its flash.
#[test]
#[cfg(unix)]
fn simple_resnet4bit_in_c_answers_as_the_reference_on_a_thousand_pictures_and_fits_64_kib() {
    let folder = CASES.iter().find(|folder| folder.ends_with("model-simple_resnet4bit")).unwrap();
    let network = export::read("network", &fs::read(folder.join("network.safetensors")).unwrap()).unwrap();
    let calibration = &DATA.train.images[..64 * IMAGE_BYTES];
    let integer = Integer::new(&network.lowered, [network.mean, network.std], calibration).unwrap();
    let pictures = pictures(MANY);
    fs::write(folder.join("many.rgb"), pictures.concat()).unwrap();
    let flags = "-std=c99 -Wall -Wextra -Werror -pedantic -O2 -DNIBBLE_MAIN -x c network.h -o fast";
    told(Command::new("cc").args(flags.split(' ')).current_dir(folder).output().unwrap(), "cc");
    let said =
        told(Command::new(folder.join("fast")).arg("many.rgb").current_dir(folder).output().unwrap(), "fast");
    let found: Vec<Vec<i32>> = said
        .lines()
        .map(|line| line.split('\t').skip(1).map(|logit| logit.parse().unwrap()).collect())
        .collect();
    let expected: Vec<Vec<i32>> = pictures.par_iter().map(|pixels| integer.logits(pixels)).collect();
    assert_eq!(found.len(), MANY);
    assert!(found == expected, "the same logits");

    // What a program would hold of it: code and constants, without the test vectors.
    let source = "#include \"network.h\"\nvoid classify(const uint8_t *p, int8_t *a, int32_t *l) { nibble_logits(p, a, l); }\n";
    fs::write(folder.join("program.c"), source).unwrap();
    let flags = "-std=c99 -Wall -Wextra -Werror -Os -c program.c -o program.o";
    told(Command::new("cc").args(flags.split(' ')).current_dir(folder).output().unwrap(), "cc");
    let size = told(Command::new("size").arg("program.o").current_dir(folder).output().unwrap(), "size");
    let flash: usize = size.lines().nth(1).unwrap().split_whitespace().next().unwrap().parse().unwrap();
    println!("{flash} bytes of code and constants");
    assert!(flash < 64 * 1024, "{size}");
}

/// The package in interop/, installed as its README says, and its own tests: runs go on in PyTorch and come back.
#[test]
fn runs_go_on_in_pytorch_and_come_back() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let packages = Path::new(env!("CARGO_TARGET_TMPDIR")).join("runtimes/interop");
    let _ = fs::remove_dir_all(&packages);
    let mut install = Command::new(python());
    install.args(["-m", "pip", "install", "--quiet", "--no-deps", "--target"]).arg(&packages);
    told(install.arg(root.join("interop")).output().unwrap(), "pip install ./interop");
    let mut tests = Command::new(python());
    tests.args(["-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider"]).arg(root.join("interop/tests"));
    tests
        .env("PYTHONPATH", &packages)
        .env("NIBBLE", env!("CARGO_BIN_EXE_nibble"))
        .env("OMP_NUM_THREADS", "1");
    let said = told(tests.output().unwrap(), "interop/tests");
    println!("{said}");
    assert!(said.contains(" passed") && !said.contains("skipped"), "{said}");
}

/// Each target's own line, in a folder with nothing but the saved run and a picture.
#[test]
#[cfg(unix)]
fn each_export_is_run_by_the_line_that_it_prints() {
    // With a space in their names, as folders of people have.
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("runtimes/as a new user");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    let case = CASES.iter().find(|folder| folder.ends_with("model-convnetjs_cifar10")).unwrap();
    fs::copy(case.join("network.nibble.safetensors"), folder.join("mine.nibble.safetensors")).unwrap();
    fs::copy(case.join("picture.png"), folder.join("picture.png")).unwrap();
    let path = std::env::join_paths(
        std::iter::once(python().parent().unwrap().to_path_buf())
            .chain(std::env::split_paths(&std::env::var_os("PATH").unwrap())),
    )
    .unwrap();
    // A browser, a server that goes on for ever and an upload are tried elsewhere.
    for target in ["json", "safetensors", "onnx", "onnx_float", "c"] {
        let mut export = Command::new(env!("CARGO_BIN_EXE_nibble"));
        let run = folder.join("mine.nibble.safetensors");
        export.arg("export").arg(run).args(["--to", target]).current_dir(&folder);
        let printed = told(export.output().unwrap(), target);
        let line = printed.lines().last().unwrap();
        let mut shell = Command::new("sh");
        shell.args(["-c", line]).current_dir(&folder).env("PATH", &path);
        let said = told(shell.output().unwrap(), line);
        println!("{line}\n{said}");
        let expected = match target {
            "json" => "conv1 conv2d",
            "safetensors" => "nibble.lowered",
            "c" => "0 logits that are not",
            _ => {
                DATA.classes.iter().map(String::as_str).find(|class| said.trim() == *class).expect("a class")
            }
        };
        assert!(said.contains(expected), "{said}");
    }
}
