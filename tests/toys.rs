//! A toy of every kind that can be added: each is registered from here, and goes through everything that the engine does
//! with its own. What a toy needs beyond its file and its registration would show here.

use std::sync::{Arc, Once};

use nibble::data::synthetic;
use nibble::export::{self, Artifact, Content, Target};
use nibble::kernels::blocks::Blocks;
use nibble::kernels::gradients::{Noise, change};
use nibble::kernels::rounding::Rounding;
use nibble::layers::{Input, LAYERS, Layer, LayerKind, Param, Pass, Shape};
use nibble::lower::{Lowering, Op};
use nibble::metrics::{EpochReport, Event};
use nibble::models::{MODELS, Preset};
use nibble::optim::{OPTIMIZERS, Optimizer, Update};
use nibble::predictions::Query;
use nibble::quant::{
    ACTIVATIONS, ActivationQuantizer, ActivationScheme, Format, GRADIENTS, GradientScheme, Grid, Known,
    QUANTIZERS, Quantizer, Reach, Scheme, Shared,
};
use nibble::registry::Entry;
use nibble::run::{Quantization, Run};
use nibble::schedule::{Rates, SCHEDULES, Schedule};
use nibble::settings::SETTINGS;
use nibble::{RunConfig, Tensor};

const fn entry(name: &'static str) -> Entry {
    Entry { name, label: "Toy", about: "For tests" }
}

/// Three levels at uneven distances, one scale a block: neither symmetric nor uniform.
static SCHEME: Scheme = Scheme {
    entry: entry("toy_scheme"),
    format: Format::Custom,
    formula: "-1, 0.25 or 2 times the mean of |W|",
    source: "this test",
    bits: &[2],
    sharing: Shared::WithinTensor,
    build: |request| Some(Box::new(Uneven { blocks: request.blocks, scales: Vec::new() })),
};

const LEVELS: [f32; 3] = [-1.0, 0.25, 2.0];

struct Uneven {
    blocks: Blocks,
    scales: Vec<f32>,
}

impl Quantizer for Uneven {
    fn fit(&mut self, w: &[f32], _known: &Known) {
        let sums = self.blocks.fold(w, w, 0.0, |sum: f32, w, _| sum + w.abs(), |a, b| a + b);
        let mean = |(block, sum): (usize, f32)| sum / self.blocks.len(block) as f32 + 1e-8;
        self.scales = sums.into_iter().enumerate().map(mean).collect();
    }

    fn quantize(&self, w: &[f32], out: &mut [f32]) {
        self.blocks.map(w, &self.scales, out, |w, scale| {
            let nearest = |a: f32, b: f32| if (w / scale - a).abs() <= (w / scale - b).abs() { a } else { b };
            LEVELS.into_iter().reduce(nearest).unwrap() * scale
        });
    }

    fn grid(&self) -> Grid {
        Grid::table(self.blocks, LEVELS.to_vec(), self.scales.clone())
    }
}

/// Four levels, half apart.
static ACTIVATION_SCHEME: ActivationScheme = ActivationScheme {
    entry: entry("toy_activations"),
    format: Format::Integer,
    formula: "0, 0.5, 1 or 1.5",
    source: "this test",
    bits: &[2],
    reach: Reach::Given,
    build: |_| Some(Box::new(Halves)),
};

struct Halves;

impl ActivationQuantizer for Halves {
    fn rounding(&self, _training: bool) -> Option<Rounding> {
        Some(Rounding::Uniform { scale: 0.5, most: 3.0 })
    }
}

/// The power of two below.
static GRADIENT_SCHEME: GradientScheme = GradientScheme {
    entry: entry("toy_gradients"),
    format: Format::Float,
    formula: "the power of two next to 0",
    source: "this test",
    bits: &[5],
    round: Some(power_below),
    levels: None,
};

fn power_below(_bits: u8, dy: &mut Tensor, noise: Noise) {
    let scales = vec![1.0; dy.n()];
    change(dy, noise, &scales, |x, _, _| f32::from_bits(x.to_bits() & 0xff80_0000));
}

/// `y = 3 x`, in operations that exist: a factor a channel.
static LAYER: LayerKind = LayerKind {
    name: "toy_triple",
    stem: "",
    inputs: 1..=1,
    build: |context| Ok(Box::new(Triple(context.input()))),
};

struct Triple(Shape);

impl Layer for Triple {
    fn output(&self) -> Shape {
        self.0
    }

    fn forward(&mut self, inputs: &[&Tensor], y: &mut Tensor, _pass: &Pass) {
        let x = inputs[0];
        for (n, h) in (0..x.n()).flat_map(|n| (0..x.h()).map(move |h| (n, h))) {
            y.row_mut(n, h).iter_mut().zip(x.row(n, h)).for_each(|(y, x)| *y = 3.0 * x);
        }
    }

    fn backward(&mut self, inputs: &mut [Input<'_>], dy: &Tensor) {
        let Some(dx) = inputs[0].gradient() else { return };
        for (n, h) in (0..dy.n()).flat_map(|n| (0..dy.h()).map(move |h| (n, h))) {
            dx.row_mut(n, h).iter_mut().zip(dy.row(n, h)).for_each(|(dx, dy)| *dx = 3.0 * dy);
        }
    }

    fn lower(&self, out: &mut Lowering<'_>) {
        let channels = self.0[2];
        out.push(Op::Affine { factor: vec![3.0; channels], offset: vec![0.0; channels] });
    }
}

static MODEL: Preset = Preset {
    entry: entry("toy_model"),
    layers: r#"[{"type":"conv2d","out":8},{"type":"batch_norm"},{"type":"relu","id":"stem"},{"type":"toy_triple"},
        {"type":"conv2d","out":8,"stride":2},{"type":"batch_norm","id":"main"},
        {"type":"projection","out":8,"stride":2,"inputs":["stem"]},{"type":"add","from":"main"},{"type":"relu"},
        {"type":"global_avg_pool"},{"type":"linear"}]"#,
};

/// Steps of equal size against the sign of a remembered gradient.
static OPTIMIZER: nibble::optim::Kind =
    nibble::optim::Kind { entry: entry("toy_sign"), source: "this test", optimizer: &Signs };

struct Signs;

impl Optimizer for Signs {
    fn slots(&self) -> &'static [&'static str] {
        &["toy_memory"]
    }

    fn update(&self, param: &mut Param, at: &Update) {
        let slot = param.slot("toy_memory");
        let gradient = param.gradient().to_vec();
        let memory = &mut param.slots[slot].values;
        for ((w, g), m) in param.value.iter_mut().zip(gradient).zip(memory) {
            *m += (1.0 - at.momentum as f32) * (g - *m);
            *w -= at.lr as f32 * m.signum();
        }
        param.abs_max = None;
    }
}

static SCHEDULE: Schedule = Schedule {
    entry: entry("toy_halves"),
    rates: |at| Rates { lr: 0.5f64.powi(at.epoch as i32), momentum: Some(0.8) },
};

static TARGET: Target = Target {
    entry: entry("toy_names"),
    engine: true,
    images: false,
    whole: false,
    needs: "nothing",
    run: "cat {file}",
    write: |network| {
        let names: Vec<&str> =
            network.lowered.operations.iter().map(|operation| operation.name.as_str()).collect();
        let content = Content::File { mime: "text/plain", bytes: names.join("\n").into_bytes() };
        Ok(Artifact { extension: "txt", content, notes: Vec::new() })
    },
};

fn register() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        QUANTIZERS.add(&SCHEME).unwrap();
        ACTIVATIONS.add(&ACTIVATION_SCHEME).unwrap();
        GRADIENTS.add(&GRADIENT_SCHEME).unwrap();
        LAYERS.add(&LAYER).unwrap();
        MODELS.add(&MODEL).unwrap();
        OPTIMIZERS.add(&OPTIMIZER).unwrap();
        SCHEDULES.add(&SCHEDULE).unwrap();
        export::TARGETS.add(&TARGET).unwrap();
        let twice = SCHEDULES.add(&SCHEDULE).unwrap_err().to_string();
        assert_eq!(twice, "schedule: expected a name of its own, found toy_halves");
    });
}

fn config() -> RunConfig {
    RunConfig {
        model: "toy_model".into(),
        quantizer: "toy_scheme".into(),
        granularity: "channel".into(),
        bits: 2.into(),
        activations: "toy_activations".into(),
        activation_bits: 2,
        gradients: "toy_gradients".into(),
        gradient_bits: 5,
        optimizer: "toy_sign".into(),
        schedule: "toy_halves".into(),
        lr: 2e-3,
        batch: 32,
        epochs: 2,
        reestimate: 2,
        ..RunConfig::default()
    }
}

fn run(config: RunConfig) -> Run {
    register();
    Run::new(Arc::new(synthetic::generate(256, 64, 3).unwrap()), config, || 0.0).unwrap()
}

fn rest(run: &mut Run) -> (Vec<u64>, Vec<EpochReport>) {
    let (mut losses, mut epochs) = (Vec::new(), Vec::new());
    loop {
        match run.advance().unwrap() {
            Event::Step(step) => losses.push(step.loss.to_bits()),
            Event::Epoch(epoch) => epochs.push(epoch),
            Event::Finished { .. } => return (losses, epochs),
            _ => {}
        }
    }
}

#[test]
fn toys_train_report_fork_pack_and_export() {
    let mut run = run(config());
    for _ in 0..5 {
        run.advance().unwrap();
    }
    let mut fork = run.fork(config()).unwrap();
    let (losses, epochs) = rest(&mut run);
    assert_eq!(rest(&mut fork).0, losses, "a fork goes on bit for bit");
    let mean =
        |losses: &[u64]| losses.iter().map(|bits| f64::from_bits(*bits)).sum::<f64>() / losses.len() as f64;
    assert!(mean(&losses[8..]) < mean(&losses[..3]), "it learns");
    assert_eq!((losses.len(), epochs.len()), (11, 2));
    assert_eq!(epochs[1].lr, 1e-3, "the schedule's half");

    for layer in &epochs[1].layers {
        assert_eq!((layer.level_counts.len(), layer.levels.len()), (3, 3), "{}", layer.name);
        assert_eq!(layer.level_counts.iter().sum::<u32>() as usize, layer.count);
        assert!(layer.levels.windows(2).all(|pair| pair[0] < pair[1]));
        assert_eq!(layer.scales, layer.shape[0], "{}: a scale a channel", layer.name);
    }

    let relus = run.activation_reports().unwrap();
    assert!(!relus.is_empty());
    for relu in relus {
        assert_eq!(relu.levels, [0.0, 0.5, 1.0, 1.5], "{}", relu.name);
    }
    let whole = RunConfig { gradients: "none".into(), gradient_bits: 8, ..config() };
    let [rounded, whole] = [config(), whole].map(|config| rest(&mut self::run(config)).0);
    assert!(rounded[0] == whole[0] && rounded[1] != whole[1], "from the first step on gradients are rounded");

    // Weights that stay packed classify as the run's own test pass did.
    let packed = run.packed().unwrap();
    assert!(packed.info().layers.iter().filter_map(|layer| layer.bits).all(|bits| bits == 2));
    let dataset = synthetic::generate(256, 64, 3).unwrap();
    let mistakes = run.predictions(Query { label: None, predicted: None, limit: 64 }).unwrap();
    let wrong = |image: &usize| {
        let answers = packed.classify(&dataset.test.rgba(*image)).unwrap();
        answers[0].class != dataset.test.label(*image)
    };
    assert_eq!((0..64).filter(wrong).count(), mistakes.len());

    let network = run.network();
    let written = |target: &str| {
        let artifact = (export::find(target).unwrap().write)(&network).unwrap();
        String::from_utf8(artifact.bytes().unwrap().to_vec()).unwrap()
    };
    let names = written("toy_names");
    assert!(
        names.contains("toy_triple") && names.contains("projection1") && names.contains("bn1.relu"),
        "{names}"
    );
    let json = written("json");
    assert!(json.contains(r#""name":"toy_triple""#) && json.contains(r#""levels":[-1.0,0.25,2.0]"#));

    // After training, and under a fork with other settings.
    let quantization = Quantization {
        quantizer: "toy_scheme".into(),
        bits: 2,
        granularity: "tensor".into(),
        ..Default::default()
    };
    let mut full = self::run(RunConfig { quantizer: "none".into(), bits: 4.into(), ..config() });
    full.advance().unwrap();
    let mut evaluator = full.evaluator(Some(quantization)).unwrap();
    while evaluator.advance().result.is_none() {}
    let changed =
        RunConfig { optimizer: "adamw".into(), quantizer: "lsq".into(), bits: 4.into(), ..config() };
    let mut other = full.fork(changed).unwrap();
    assert_eq!(rest(&mut other).1.len(), 2);
}

#[test]
fn toys_are_in_menus_addresses_and_messages() {
    register();
    for (key, name) in [
        ("quantizer", "toy_scheme"),
        ("activations", "toy_activations"),
        ("gradients", "toy_gradients"),
        ("model", "toy_model"),
        ("optimizer", "toy_sign"),
        ("schedule", "toy_halves"),
    ] {
        let row = SETTINGS.iter().find(|row| row.key == key).unwrap();
        assert_eq!(row.parse(name).unwrap(), name, "{key}");
        let mut config = RunConfig::default();
        config.set(key, name).unwrap();
        let unknown = config.set(key, "magic").unwrap_err().to_string();
        assert!(unknown.contains(name), "{unknown}");
    }
    let settings = nibble::settings::javascript();
    assert!(
        [
            "toy_scheme",
            "toy_activations",
            "toy_gradients",
            "toy_model",
            "toy_sign",
            "toy_halves",
            "toy_names"
        ]
        .iter()
        .all(|name| settings.contains(name))
    );
}

/// What a scheme cannot do is refused by a sentence that says what it can.
#[test]
fn what_a_toy_cannot_do_is_refused() {
    register();
    let refused = |config: RunConfig| {
        let dataset = Arc::new(synthetic::generate(64, 16, 3).unwrap());
        Run::new(dataset, config, || 0.0).err().expect("refused").to_string()
    };
    let bits = refused(RunConfig { bits: 4.into(), ..config() });
    assert_eq!(bits, "bits: expected 2 with toy_scheme, found 4");
    let activations = refused(RunConfig { activation_bits: 8, ..config() });
    assert_eq!(activations, "actbits: expected 2 with toy_activations, found 8");
    let gradients = refused(RunConfig { gradient_bits: 8, ..config() });
    assert_eq!(gradients, "gradbits: expected 5 with toy_gradients, found 8");
    let net = refused(RunConfig { granularity: "net".into(), ..config() });
    assert_eq!(
        net,
        "granularity: expected tensor, channel, group128, group64, group32 with toy_scheme, found net"
    );
    let layer = refused(RunConfig { bits: "2,conv9:2".parse().unwrap(), ..config() });
    assert_eq!(layer, "bits: expected conv1, conv2, projection1, linear1, found conv9");
}
