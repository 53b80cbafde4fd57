//! Digests of whole trainings in exact arithmetic, kept for ever: a change of the engine leaves them as they are, or
//! says in its commit why not.

use std::fmt::Write as _;
use std::sync::Arc;

use nibble::RunConfig;
use nibble::data::synthetic;
use nibble::metrics::Event;
use nibble::run::Run;

/// What two epochs of 25 steps on the built-in images, batch 4, and their test passes compute, by preset and quantizer,
/// natively as in the browser.
const DIGESTS: [(&str, &str, u64); 6] = [
    ("simple_resnet4bit", "symmetric", 0x71d5_069e_993b_5fd4),
    ("simple_resnet4bit", "none", 0xcbc3_7d7f_a80d_0a55),
    ("vgg4bit", "symmetric", 0x6a6c_2c6b_eb02_d5b4),
    ("vgg4bit", "none", 0x319e_9288_fe8d_9a08),
    ("convnetjs_cifar10", "symmetric", 0xe923_a401_03fc_d3a8),
    ("convnetjs_cifar10", "none", 0xe831_2faf_dd90_39a0),
];

/// FNV-1a of 64 bits.
struct Digest(u64);

impl Digest {
    fn update<const N: usize>(&mut self, bytes: [u8; N]) {
        let add = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        self.0 = bytes.into_iter().fold(self.0, add);
    }
}

/// Of everything that a training computes.
fn digest(model: &str, quantizer: &str) -> u64 {
    let config = RunConfig {
        model: model.into(),
        quantizer: quantizer.into(),
        batch: 4,
        epochs: 2,
        ..RunConfig::default()
    };
    let dataset = Arc::new(synthetic::generate(100, 16, synthetic::SEED).unwrap());
    let mut run = Run::new(dataset, config, || 0.0).unwrap();
    let mut sum = Digest(0xcbf2_9ce4_8422_2325);
    let mut steps = 0;
    loop {
        match run.advance().unwrap() {
            Event::Step(step) => {
                steps += 1;
                [step.loss, step.grad_norm, step.accuracy]
                    .iter()
                    .for_each(|value| sum.update(value.to_le_bytes()));
            }
            Event::Evaluate { .. }
            | Event::Reestimate { .. }
            | Event::Average { .. }
            | Event::Bits { .. } => {}
            Event::Epoch(epoch) => {
                [epoch.test_loss, epoch.test_accuracy]
                    .iter()
                    .for_each(|value| sum.update(value.to_le_bytes()));
                epoch.confusion.iter().for_each(|count| sum.update(count.to_le_bytes()));
            }
            Event::Finished { .. } => break,
        }
    }
    assert_eq!(steps, 50);
    let model = run.model();
    model.params().for_each(|(_, param)| param.value.iter().for_each(|v| sum.update(v.to_le_bytes())));
    model.buffers().for_each(|(_, _, values)| values.iter().for_each(|v| sum.update(v.to_le_bytes())));
    sum.0
}

/// In the arithmetic in use, which must be exact.
pub fn trainings_compute_what_they_always_did() {
    let mut wrong = String::new();
    for (model, quantizer, expected) in DIGESTS {
        let found = digest(model, quantizer);
        if found != expected {
            let _ = write!(wrong, "\n{model} {quantizer}: expected {expected:#018x}, found {found:#018x}");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}
