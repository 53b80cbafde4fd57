//! Ten epochs with five stops are ten epochs straight, bit for bit: whatever the step at which a run is saved, dropped and
//! loaded, in the arithmetic that is the same on every machine. tests/checkpoints.rs stops everywhere, over two epochs.

use std::sync::Arc;

use nibble::RunConfig;
use nibble::checkpoint::{self, History, Reader};
use nibble::data::{Dataset, synthetic};
use nibble::kernels::Isa;
use nibble::metrics::Event;
use nibble::random::{Purpose, below, stream};
use nibble::run::Run;

const EPOCHS: u32 = 10;
const STOPS: usize = 5;

/// What is trained, by its differences from the defaults, which are the paper's method.
const METHODS: [(&str, &str); 4] = [
    ("the paper's method", ""),
    (
        "learned steps, of weights and activations",
        "quantizer=lsq activations=lsq actbits=4 model=convnetjs_cifar10",
    ),
    (
        "gradients rounded by chance",
        "gradients=affine gradbits=4 activations=affine actbits=8 model=convnetjs_cifar10",
    ),
    ("bits chosen anew", "quantizer=lsq ema=0.5 rebits=3 model=convnetjs_cifar10"),
];

fn images() -> Arc<Dataset> {
    Arc::new(synthetic::generate(40, 10, 1).unwrap())
}

fn config(method: &str) -> RunConfig {
    let mut config = RunConfig { batch: 10, epochs: EPOCHS, ..RunConfig::default() };
    for pair in method.split_whitespace() {
        let (key, text) = pair.split_once('=').unwrap();
        config.set(key, text).unwrap();
    }
    config
}

/// A run on its way, and what it has told.
struct Way {
    run: Run,
    history: History,
    told: Vec<String>,
}

impl Way {
    fn start(method: &str) -> Self {
        Self {
            run: Run::new(images(), config(method), || 0.0).unwrap(),
            history: History::default(),
            told: vec![],
        }
    }

    /// Goes on to so many steps in all, or to the end; whether there is more.
    fn to(&mut self, steps: usize) -> bool {
        while self.history.losses.len() < steps {
            let event = self.run.advance().unwrap();
            self.history.add(&event);
            self.told.push(format!("{event:?}"));
            if matches!(event, Event::Finished { .. }) {
                return false;
            }
        }
        true
    }

    fn file(&mut self) -> Vec<u8> {
        let mut file = Vec::new();
        checkpoint::write(&mut self.run, &self.history, &mut file).unwrap();
        file
    }

    /// The same from its file alone.
    fn stopped(mut self) -> Self {
        let (file, told) = (self.file(), self.told);
        drop(self.run);
        let loaded = Reader::open("a", &file[..]).unwrap().load(images(), || 0.0).unwrap();
        assert!(loaded.intact);
        Self { run: loaded.run, history: loaded.history, told }
    }
}

/// The only test of this file: the instruction set is one of the process.
#[test]
fn ten_epochs_with_five_stops_are_ten_epochs_straight() {
    Isa::available().iter().find(|isa| isa.is_exact()).unwrap().select();
    assert!(Isa::current().is_exact());
    for (seed, (name, method)) in (1u32..).zip(METHODS) {
        let mut straight = Way::start(method);
        assert!(!straight.to(usize::MAX), "{name}");
        let steps = straight.history.losses.len();
        assert_eq!(steps, 4 * EPOCHS as usize);
        assert_eq!(straight.history.bits.is_empty(), !method.contains("rebits"), "{name}");

        let mut rng = stream(seed, Purpose::Calibrate, 0);
        let mut stops: Vec<usize> = Vec::new();
        while stops.len() < STOPS {
            let step = 1 + below(&mut rng, steps as u32 - 1) as usize;
            if !stops.contains(&step) {
                stops.push(step);
            }
        }
        stops.sort_unstable();
        let mut way = Way::start(method);
        for stop in &stops {
            assert!(way.to(*stop), "{name}");
            way = way.stopped();
        }
        assert!(!way.to(usize::MAX), "{name}");
        assert_eq!(way.told, straight.told, "{name}, stopped after the steps {stops:?}");
        assert!(way.history == straight.history, "{name}, stopped after the steps {stops:?}");
        assert!(way.file() == straight.file(), "{name}, stopped after the steps {stops:?}");
    }
}
