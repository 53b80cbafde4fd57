//! Bits that are chosen anew while a run trains.

use std::sync::Arc;

use nibble::RunConfig;
use nibble::data::{Dataset, synthetic};
use nibble::metrics::Event;
use nibble::quant::QUANTIZERS;
use nibble::run::Run;
use nibble::settings::Bits;

fn dataset() -> Arc<Dataset> {
    Arc::new(synthetic::generate(96, 32, 5).unwrap())
}

/// Six steps an epoch.
fn config(changes: &str) -> RunConfig {
    let mut config =
        RunConfig { model: "convnetjs_cifar10".into(), batch: 16, epochs: 2, ..RunConfig::default() };
    for pair in changes.split_whitespace() {
        let (key, text) = pair.split_once('=').unwrap();
        config.set(key, text).unwrap();
    }
    config
}

fn run(changes: &str) -> Run {
    Run::new(dataset(), config(changes), || 0.0).unwrap()
}

/// Everything that a run tells to its end, but what only one of two tells: changes count from a fork on.
fn told(run: &mut Run) -> Vec<String> {
    let mut told = Vec::new();
    loop {
        match run.advance().unwrap() {
            Event::Step(step) => told.push(format!("{} {} {}", step.global_step, step.loss, step.grad_norm)),
            Event::Epoch(epoch) => told.push(format!("{} {:?}", epoch.test_loss, epoch.average)),
            event @ Event::Bits { .. } => told.push(format!("{event:?}")),
            Event::Finished { .. } => return told,
            _ => {}
        }
    }
}

fn weights(run: &Run) -> Vec<u32> {
    run.model().params().flat_map(|(_, param)| param.value.iter()).map(|w| w.to_bits()).collect()
}

/// The step after which bits change first, and the bits.
fn to_change(run: &mut Run) -> (u64, Bits) {
    loop {
        if let Event::Bits { step, bits } = run.advance().unwrap() {
            return (step, bits.parse().unwrap());
        }
    }
}

#[test]
fn bits_keep_to_the_budget_and_are_those_of_the_run() {
    for (budget, mut run) in
        ["2.5", "3", "4.25"].map(|budget| (budget, run(&format!("rebits=2 bitbudget={budget}"))))
    {
        let most: f64 = budget.parse().unwrap();
        let mut changes = 0;
        loop {
            let event = run.advance().unwrap();
            if let Event::Bits { step, bits } = &event {
                changes += 1;
                assert_eq!((*step, step % 2), (run.steps(), 0));
                assert_eq!(*bits, run.config().bits.to_string());
                let layers = run.layer_reports();
                let spent: usize = layers.iter().map(|layer| usize::from(layer.bits) * layer.count).sum();
                let count: usize = layers.iter().map(|layer| layer.count).sum();
                assert!(spent as f64 <= most * count as f64, "{bits}: {spent} bits of {count} weights");
                for layer in &layers {
                    assert_eq!(layer.bits, run.config().bits.of(&layer.name), "{bits}");
                    assert!(layer.level_counts.len() < 1 << layer.bits, "{bits}");
                }
            }
            if matches!(event, Event::Finished { .. }) {
                break;
            }
        }
        assert!(changes > 0, "{budget}");
        // What others get of the run has them too.
        let packed = run.packed().unwrap();
        for layer in &packed.info().layers {
            assert_eq!(layer.bits, Some(run.config().bits.of(&layer.name)));
        }
    }
}

/// A change is that of a fork: of each scheme that has several widths, what it learns and the averages included.
#[test]
fn a_change_of_bits_is_a_fork_with_other_bits() {
    let mut tried = 0;
    for scheme in QUANTIZERS.iter().filter(|scheme| !["none", "dorefa", "shift"].contains(&scheme.entry.name))
    {
        let widths: Vec<u8> = scheme.bits.iter().copied().filter(|bits| *bits <= 8).collect();
        let [narrowest, .., widest] = widths[..] else { continue };
        let budget = f64::from(narrowest + widest) / 2.0;
        let name = scheme.entry.name;
        let changes = format!("quantizer={name} bits={widest} ema=0.5 rebits=3 bitbudget={budget}");
        let mut whole = run(&changes);
        let (step, bits) = to_change(&mut whole);
        let mut plain = run(&format!("{changes} rebits=0"));
        while plain.steps() < step {
            plain.advance().unwrap();
        }
        let mut fork = plain.fork(RunConfig { bits, ..config(&changes) }).unwrap();
        assert!(weights(&fork) == weights(&whole), "{changes}: after the change");
        assert_eq!(told(&mut fork), told(&mut whole), "{changes}");
        assert!(weights(&fork) == weights(&whole), "{changes}: at the end");
        tried += 1;
    }
    assert!(tried >= 5, "{tried} schemes");
}

#[test]
fn choices_do_not_depend_on_threads_and_a_fork_goes_on_alike() {
    let on = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    let changes = "quantizer=lsq rebits=2 bitbudget=2.75";
    let one = on(1).install(|| {
        let mut run = run(changes);
        (told(&mut run), weights(&run))
    });
    assert!(one.0.iter().any(|told| told.starts_with("Bits")), "{:?}", one.0);
    let three = on(3).install(|| {
        let mut run = run(changes);
        // Not at a choice: what was noted goes with the fork.
        let events: Vec<Event> = (0..2).map(|_| run.advance().unwrap()).collect();
        assert!(events.iter().all(|event| matches!(event, Event::Step(_))));
        let mut fork = run.fork(run.config().clone()).unwrap();
        let told = told(&mut fork);
        (told, weights(&fork))
    });
    assert_eq!(one.0[2..], three.0);
    assert!(one.1 == three.1);
}

#[test]
fn what_is_said_of_the_ends_holds() {
    let mut ends = run("rebits=2 bitbudget=2.5 ends=8");
    told(&mut ends);
    let bits: Vec<u8> = ends.layer_reports().iter().map(|layer| layer.bits).collect();
    assert!(bits[0] == 8 && bits[bits.len() - 1] == 8, "{bits:?}");
    // A layer that is named goes by its name, which stays.
    let mut named = run("rebits=2 bitbudget=2.5 ends=8 bits=4,conv1:5");
    let (_, bits) = to_change(&mut named);
    assert!(bits.layers().any(|layer| layer == "conv1"), "{bits}");
    told(&mut named);
    let layers = named.layer_reports();
    assert_eq!(layers[0].bits, named.config().bits.of("conv1"));
    assert_eq!(layers[layers.len() - 1].bits, 8);
}

#[test]
fn nothing_is_chosen_where_nothing_is_rounded() {
    assert!(!told(&mut run("quantizer=none rebits=2")).iter().any(|told| told.starts_with("Bits")));
}
