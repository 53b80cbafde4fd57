//! Runs that are saved and loaded: they go on bit for bit, and nothing else than what was saved is taken for it.

#[path = "support/pictures.rs"]
mod pictures;

use std::sync::Arc;

use nibble::checkpoint::{self, History, Loaded, Reader};
use nibble::data::{Dataset, DatasetInfo, IMAGE_BYTES, synthetic};
use nibble::metrics::Event;
use nibble::random::{Purpose, below, stream};
use nibble::run::Run;
use nibble::{Error, RunConfig};
use proptest::prelude::*;
use safetensors::SafeTensors;
use sha2::{Digest, Sha256};

const NAME: &str = "a.nibble.safetensors";

/// Settings whose state takes every kind of it.
const METHODS: [&str; 10] = [
    "",
    "quantizer=lsq granularity=channel activations=pact actbits=4 ends=8",
    "gradients=affine gradbits=4 quantizer=affine activations=affine actbits=8",
    "ema=0.9 reestimate=2 holdout=40 augment=0",
    "optimizer=muon schedule=one_cycle bits=4,conv1:8 activations=lsq actbits=4",
    "quantizer=shift optimizer=sgd momentum=0.8 gradients=mxfp4 gradbits=4",
    "quantizer=apot granularity=group32 normalization=own smoothing=0.1 clipnorm=0.5",
    "quantizer=codebook model=convnetjs_cifar10 tanh=0 lr=0.0007",
    "model=convnetjs_cifar10 activations=lsq actbits=4",
    "quantizer=codebook rebits=3 bitbudget=3.5 ema=0.9 ends=8 model=convnetjs_cifar10",
];

fn config(method: &str) -> RunConfig {
    let mut config = RunConfig { batch: 16, epochs: 2, ..RunConfig::default() };
    for pair in method.split_whitespace() {
        let (key, text) = pair.split_once('=').unwrap();
        config.set(key, text).unwrap_or_else(|error| panic!("{method}: {error}"));
    }
    config
}

fn images() -> Arc<Dataset> {
    Arc::new(synthetic::generate(130, 40, 1).unwrap())
}

fn start(method: &str) -> Run {
    Run::new(images(), config(method), || 0.0).unwrap_or_else(|error| panic!("{method}: {error}"))
}

fn save(run: &mut Run, history: &History) -> Vec<u8> {
    let mut file = Vec::new();
    checkpoint::write(run, history, &mut file).unwrap();
    file
}

fn load(file: &[u8]) -> nibble::Result<Loaded> {
    Reader::open(NAME, file)?.load(images(), || 0.0)
}

/// So many units of work; what they report, as text. A test pass of averages begins anew where it was stopped.
fn advance(run: &mut Run, history: &mut History, units: usize) -> Vec<String> {
    let mut unit = || {
        let event = run.advance().unwrap();
        history.add(&event);
        event
    };
    let events = (0..units).map(|_| unit()).filter(|event| !matches!(event, Event::Average { .. }));
    events.map(|event| format!("{event:?}")).collect()
}

/// A run in the middle of its second epoch, and its file.
fn saved(method: &str) -> (Run, Vec<u8>) {
    let (mut run, mut history) = (start(method), History::default());
    advance(&mut run, &mut history, 15);
    let file = save(&mut run, &history);
    (run, file)
}

#[test]
fn a_run_goes_on_bit_for_bit_wherever_it_was_stopped() {
    for method in METHODS {
        let (mut straight, mut history) = (start(method), History::default());
        let finished = |events: &[String]| events.last().is_some_and(|event| event.starts_with("Finished"));
        let mut expected = Vec::new();
        while !finished(&expected) {
            expected.extend(advance(&mut straight, &mut history, 1));
        }
        let end = save(&mut straight, &history);

        let (mut run, mut history) = (start(method), History::default());
        let mut events = Vec::new();
        let mut rng = stream(1u32, Purpose::Calibrate, 0);
        for stop in 1.. {
            let units = 1 + below(&mut rng, 7) as usize;
            events.extend(advance(&mut run, &mut history, units));
            let file = save(&mut run, &history);
            let loaded = load(&file).unwrap_or_else(|error| panic!("{method}, stop {stop}: {error}"));
            assert!(loaded.intact && loaded.history == history, "{method}, stop {stop}");
            (run, history) = (loaded.run, loaded.history);
            assert!(
                save(&mut run, &history) == file,
                "{method}, stop {stop}: saved again it is another file"
            );
            if finished(&events) {
                break;
            }
        }
        events.truncate(expected.len());
        assert_eq!(events, expected, "{method}");
        assert!(save(&mut run, &history) == end, "{method}");
    }
}

/// A file of each version that there was. Written once, by `cargo nibble train` of that time; none is ever written anew.
const VERSIONS: [&[u8]; 1] = [include_bytes!("fixtures/checkpoints/format-1.nibble.safetensors")];

#[test]
fn files_of_every_version_are_read() {
    for (file, format) in VERSIONS.iter().zip(1..) {
        let reader = Reader::open(NAME, *file).unwrap();
        let about = reader.about().clone();
        assert_eq!((about.format, about.state["step"]), (format, 4));
        let [train, test] = about.data.images;
        let images = Arc::new(synthetic::generate(train, test, synthetic::SEED).unwrap());
        let Loaded { mut run, history, intact } = reader.load(images, || 0.0).unwrap();
        assert!(intact, "format {format}");
        let accuracies: Vec<f64> = history.epochs().iter().map(|epoch| epoch.test_accuracy).collect();
        assert_eq!((accuracies, history.losses.len()), (vec![0.08, 0.07], 4));
        // Its weights do what they did.
        let mut evaluator = run.evaluator(None).unwrap();
        let tested = std::iter::repeat_with(|| evaluator.advance().result).flatten().next().unwrap();
        // By other arithmetic: one of the 100 images may lie on an edge.
        assert!((tested.accuracy - 0.07).abs() < 0.015, "format {format}: {}", tested.accuracy);
        let longer = RunConfig { epochs: 3, ..run.config().clone() };
        let mut run = run.fork(longer).unwrap();
        assert!(matches!(run.advance().unwrap(), Event::Step(step) if step.global_step == 5));
    }
}

#[test]
fn own_pictures_travel_with_the_run() {
    let images = Arc::new(pictures::own_pictures());
    let mut run = Run::new(images.clone(), config(""), || 0.0).unwrap();
    let mut history = History { notes: "of the page".into(), ..History::default() };
    advance(&mut run, &mut history, 2);
    let file = save(&mut run, &history);
    let mut reader = Reader::open(NAME, &file[..]).unwrap();
    let own = reader.images().unwrap().unwrap();
    assert_eq!((&own.train, &own.test), (&images.train, &images.test));
    let loaded = reader.load(Arc::new(own), || 0.0).unwrap();
    assert!(loaded.intact && loaded.history == history);
    // Whoever has them need not read them.
    assert!(Reader::open(NAME, &file[..]).unwrap().load(images, || 0.0).unwrap().intact);
    assert!(Reader::open(NAME, &file[..]).unwrap().verify().unwrap());
    // Other runs are on images that everybody can get.
    let (_, file) = saved("");
    assert!(Reader::open(NAME, &file[..]).unwrap().images().unwrap().is_none());
}

#[test]
fn any_reader_of_safetensors_opens_it() {
    let (run, file) = saved("");
    let tensors = SafeTensors::deserialize(&file).unwrap();
    for (layer, param) in run.model().params() {
        let tensor = tensors.tensor(&format!("{layer}.{}", param.name)).unwrap();
        assert_eq!(tensor.shape(), param.dims);
        let values: Vec<u8> = param.value.iter().flat_map(|value| value.to_le_bytes()).collect();
        assert_eq!(tensor.data(), values);
    }
    let sum = tensors.tensor("nibble.sum").unwrap();
    assert_eq!(sum.data(), &Sha256::digest(&file[..file.len() - 32])[..]);
    assert_eq!(sum.data(), &file[file.len() - 32..], "the last one");
    assert_eq!(tensors.tensor("nibble.losses").unwrap().shape(), [run_steps(&file)]);
}

fn run_steps(file: &[u8]) -> usize {
    Reader::open(NAME, file).unwrap().about().state["step"] as usize
}

#[test]
fn a_checkpoint_says_what_it_is_before_it_is_loaded() {
    let (run, file) = saved("quantizer=lsq granularity=channel lr=0.0012345678901234567 ema=0.5");
    let reader = Reader::open(NAME, &file[..]).unwrap();
    assert_eq!(reader.settings().unwrap(), *run.config());
    let about = reader.about();
    assert_eq!((about.format, &*about.data.name), (1, &*run.dataset().name));
    assert_eq!(about.epochs.len(), 1);
    assert!(about.epochs[0].average.is_some() && about.epochs[0].test_accuracy > 0.0, "{:?}", about.epochs);
    assert_eq!(about.data.fingerprint, images().fingerprint());
    let [tensors, bytes] = reader.tensors();
    assert_eq!(tensors, SafeTensors::deserialize(&file).unwrap().len());
    assert!(bytes < file.len() && bytes > 4 * run.model().parameter_count());
    assert!(reader.verify().unwrap());
}

fn refused(file: &[u8]) -> String {
    load(file).err().expect("no run").to_string()
}

#[test]
fn what_is_no_checkpoint_is_refused_in_a_sentence() {
    let (_, file) = saved("");
    let other = Arc::new(synthetic::generate(130, 40, 2).unwrap());
    let problem = Reader::open(NAME, &file[..]).unwrap().load(other, || 0.0).err().unwrap().to_string();
    assert!(
        problem.starts_with(
            "a.nibble.safetensors: expected a run on Shapes and textures (130 and 40 images, CRC-32 "
        ),
        "{problem}"
    );
    let head = "a.nibble.safetensors: expected a run saved by Nibble, of format 1 to 1, found";
    assert_eq!(refused(b""), format!("{head} less than eight bytes"));
    let long = [&u64::MAX.to_le_bytes()[..], b"{}"].concat();
    assert_eq!(refused(&long), format!("{head} a header of {} bytes, more than 524288", u64::MAX));
    let others =
        safetensors::serialize(Vec::<(String, safetensors::tensor::TensorView)>::new(), None).unwrap();
    assert_eq!(refused(&others), format!("{head} no run of Nibble's"));
    let later = changed(&file, "\"nibble.format\":\"1\"", "\"nibble.format\":\"2\"");
    assert_eq!(refused(&later), format!("{head} format 2"));
}

/// The file with another text, of the same length, in its header.
fn changed(file: &[u8], from: &str, to: &str) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let at = file.windows(from.len()).position(|bytes| bytes == from.as_bytes()).expect(from);
    let mut changed = file.to_vec();
    changed[at..at + to.len()].copy_from_slice(to.as_bytes());
    changed
}

#[test]
fn a_state_that_no_run_is_ever_in_is_refused() {
    let (_, file) = saved("");
    for (from, to, wanted) in [
        ("\\\"position\\\":48", "\\\"position\\\":49", "the state of a run, found Training { position: 49 }"),
        ("\\\"stage\\\":0", "\\\"stage\\\":2", "the state of a run, found Testing { position: 48 }"),
        ("\\\"stage\\\":0", "\\\"stage\\\":7", "the state of a run, found Finished"),
        (
            "\\\"epoch\\\":1,\\\"epoch_ms",
            "\\\"epoch\\\":9,\\\"epoch_ms",
            "the state of a run, found Training",
        ),
        ("\\\"epoch\\\":1,\\\"epoch_ms", "\\\"epock\\\":1,\\\"epoch_ms", "the number epoch, found none"),
        ("conv1.weight\"", "conv9.weight\"", "conv1.weight as F32"),
        ("\\\"bits\\\":\\\"4\\\"", "\\\"bits\\\":\\\"9\\\"", "bits: expected"),
    ] {
        let problem = refused(&changed(&file, from, to));
        assert!(problem.contains(wanted), "{to}: {problem}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_flipped_bit_is_told(place in any::<proptest::sample::Index>(), bit in 0u8..8, in_header in any::<bool>()) {
        static FILE: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();
        let file = FILE.get_or_init(|| saved("quantizer=lsq activations=affine actbits=4").1);
        let header = 8 + u64::from_le_bytes(file[..8].try_into().unwrap()) as usize;
        let mut flipped = file.clone();
        flipped[place.index(if in_header { header } else { file.len() })] ^= 1 << bit;
        let verified = Reader::open(NAME, &flipped[..]).and_then(Reader::verify);
        prop_assert!(!verified.is_ok_and(|intact| intact));
        match load(&flipped) {
            Err(Error::Data { .. } | Error::Config { .. }) => {}
            Err(other) => prop_assert!(false, "{}", other),
            Ok(mut loaded) => {
                prop_assert!(!loaded.intact);
                // And can be looked at and trained, or ends as a run that diverged does.
                loaded.run.layer_reports();
                while let Ok(event) = loaded.run.advance() {
                    if matches!(event, Event::Step(_) | Event::Finished { .. }) {
                        break;
                    }
                }
            }
        }
    }

    #[test]
    fn a_file_cut_short_is_told(place in any::<proptest::sample::Index>()) {
        static FILE: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();
        let file = FILE.get_or_init(|| saved("").1);
        let cut = &file[..place.index(file.len())];
        let problem = refused(cut);
        let verified = Reader::open(NAME, cut).and_then(Reader::verify);
        prop_assert_eq!(verified.unwrap_err().to_string(), problem.clone());
        prop_assert!(problem.contains("its end after") || problem.contains("less than eight bytes"), "{}", problem);
    }
}

/// What the test set gave, and every report of a layer.
fn seen(run: &mut Run) -> (f64, Vec<String>) {
    let mut evaluator = run.evaluator(None).unwrap();
    let accuracy = loop {
        if let Some(result) = evaluator.advance().result {
            break result.accuracy;
        }
    };
    let layers = run.layer_reports();
    (accuracy, layers.iter().map(|layer| format!("{} {:?}", layer.name, layer.levels_used)).collect())
}

#[test]
fn a_packed_network_computes_what_the_run_did_and_is_small() {
    for method in METHODS {
        let (mut run, mut history) = (start(method), History::default());
        while !matches!(
            run.advance().map(|event| noted(&mut history, event)).unwrap(),
            Event::Finished { .. }
        ) {}
        let whole = save(&mut run, &history).len();
        let mut file = checkpoint::pack(&mut run, &history).unwrap();
        let Loaded { run: mut network, history: told, intact } = load(&file).unwrap();
        assert!(intact, "{method}");
        assert_eq!(told.reports, history.reports, "{method}");
        assert!(matches!(network.advance().unwrap(), Event::Finished { epoch: 2 }), "{method}");
        assert_eq!(seen(&mut network), seen(&mut run), "{method}");
        assert_eq!(network.steps(), run.steps(), "{method}");
        assert!(file.len() < whole, "{method}: {} of {whole} bytes", file.len());
        // Damage is told, and never taken for a network.
        for cut in [0, 9, file.len() / 2, file.len() - 1] {
            assert!(load(&file[..cut]).is_err(), "{method}: {cut} bytes");
        }
        let last = file.len() - 40;
        file[last] ^= 1;
        assert!(load(&file).map_or(true, |loaded| !loaded.intact), "{method}");
    }
}

#[test]
fn weights_of_four_bits_take_four_bits_in_a_packed_network() {
    let mut config = config("model=vgg4bit");
    config.epochs = 1;
    let data = Arc::new(synthetic::generate(16, 8, 1).unwrap());
    let mut run = Run::new(data, config, || 0.0).unwrap();
    let mut history = History::default();
    while !matches!(run.advance().map(|event| noted(&mut history, event)).unwrap(), Event::Finished { .. }) {}
    let file = checkpoint::pack(&mut run, &history).unwrap();
    let weights = 3_251_018 / 2;
    assert!((weights..weights + 64 * 1024).contains(&file.len()), "{} bytes", file.len());
}

#[test]
fn a_packed_network_opens_without_its_images_and_asks_for_them_where_it_needs_them() {
    let (mut run, mut history) = (start(METHODS[0]), History::default());
    while !matches!(run.advance().map(|event| noted(&mut history, event)).unwrap(), Event::Finished { .. }) {}
    let file = checkpoint::pack(&mut run, &history).unwrap();
    let reader = Reader::open(NAME, &file[..]).unwrap();
    let stand_in = reader.stand_in().unwrap().unwrap();
    assert!(stand_in.bytes() < IMAGE_BYTES, "{} bytes", stand_in.bytes());
    assert_eq!(
        stand_in.info(),
        DatasetInfo { notes: stand_in.notes.clone(), is_stand_in: true, ..run.dataset().info() }
    );
    let Loaded { run: mut network, history: told, .. } = reader.load(Arc::new(stand_in), || 0.0).unwrap();
    assert_eq!(told.reports, history.reports);
    let picture = run.dataset().test.rgba(0);
    let classes = |run: &mut Run| run.packed().unwrap().classify(&picture).unwrap();
    // The scale is that of the rounded weights, and may be another in its last bit.
    for (here, there) in classes(&mut network).iter().zip(&classes(&mut run)) {
        assert_eq!(here.class, there.class);
        assert!((here.probability - there.probability).abs() < 1e-6, "{here:?}, {there:?}");
    }
    assert_eq!(network.layer_reports().len(), run.layer_reports().len());
    let refused = [
        network.advance().map(drop),
        network.evaluator(None).map(drop),
        network.activation_reports().map(drop),
    ];
    for outcome in refused {
        assert!(outcome.unwrap_err().to_string().contains("expected its images"));
    }
}

#[test]
fn there_is_no_stand_in_for_images_that_tell_how_pixels_are_normalised() {
    let (_, file) = saved("normalization=own");
    assert!(Reader::open(NAME, &file[..]).unwrap().stand_in().unwrap().is_none());
}

fn noted(history: &mut History, event: Event) -> Event {
    history.add(&event);
    event
}
