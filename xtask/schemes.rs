//! Prints every scheme of every registry: `cargo xtask schemes`; with `--time` and what they are for, or
//! `all`, what a training step takes with each.

use std::error::Error;
use std::sync::Arc;
use std::time::Instant;

use nibble::data::{Dataset, synthetic};
use nibble::metrics::Event;
use nibble::model::{Description, Model};
use nibble::models::MODELS;
use nibble::quant::SchemeEntry;
use nibble::run::Run;
use nibble::{Error as Problem, RunConfig};

#[path = "../tests/support/schemes.rs"]
mod schemes;

use schemes::{CHECKS, Tried};

/// Built-in images of the epoch, for training and for the test.
const IMAGES: [usize; 2] = [4000, 1000];
/// Batches by which statistics are estimated again before the test: after 31 steps the running ones lag behind.
const REESTIMATED: u32 = 10;
/// Bits of a row that has a choice; of activations and gradients whose time is taken.
const BITS: u8 = 4;
const TIMED_BITS: u8 = 8;

/// Pairs of rounds of a time, and steps of a round.
const ROUNDS: [usize; 2] = [9, 3];
/// Training images of a time: an epoch of four steps.
const TIMED_IMAGES: usize = 512;

/// Bits of a weight of VGG4bit, everything included that it takes to tell the weights.
fn bits_a_weight(config: &RunConfig) -> Result<f64, Problem> {
    let preset = MODELS.find("vgg4bit")?;
    let mut model = Model::new(&Description::new(preset.specs()?, 10, config.clone()))?;
    model.quantize();
    let (mut bits, mut count) = (0, 0);
    for (_, param) in model.params().filter(|(_, param)| param.is_weight()) {
        bits += param.quantizer.as_ref().map_or(32 * param.value.len(), |quantizer| quantizer.grid().bits());
        count += param.value.len();
    }
    Ok(bits as f64 / count as f64)
}

/// Loss of the test images after one epoch of SimpleResNet4bit.
fn loss(dataset: &Arc<Dataset>, config: &RunConfig) -> Result<f64, Problem> {
    let config = RunConfig { epochs: 1, reestimate: REESTIMATED, ..config.clone() };
    let mut run = Run::new(dataset.clone(), config, || 0.0)?;
    loop {
        if let Event::Epoch(epoch) = run.advance()? {
            return Ok(epoch.test_loss);
        }
    }
}

/// Milliseconds of the next steps, the middle one of them.
fn steps(run: &mut Run) -> Result<f64, Box<dyn Error>> {
    let mut times = Vec::new();
    while times.len() < ROUNDS[1] {
        let start = Instant::now();
        match run.advance()? {
            Event::Step(_) => times.push(start.elapsed().as_secs_f64() * 1e3),
            Event::Finished { .. } => return Err("the run ended".into()),
            _ => {}
        }
    }
    Ok(spread(times)[1])
}

/// The least, the middle one and the most.
fn spread(mut values: Vec<f64>) -> [f64; 3] {
    values.sort_by(f64::total_cmp);
    [0, values.len() / 2, values.len() - 1].map(|place| values[place])
}

/// Times a step of VGG4bit in turn with one of 4-bit symmetric weights.
fn print_times(wanted: &str) -> Result<(), Box<dyn Error>> {
    let dataset = Arc::new(synthetic::generate(TIMED_IMAGES, 32, 1)?);
    let start = |config: &RunConfig| {
        let config = RunConfig { model: "vgg4bit".into(), epochs: 1000, ..config.clone() };
        Run::new(dataset.clone(), config, || 0.0)
    };
    let mut plain = start(&RunConfig::default())?;
    println!(
        "A step of VGG4bit, batch 128, by one with 4-bit symmetric weights alone; {} pairs of rounds\n",
        ROUNDS[0]
    );
    println!("| for | name | bits | ms | median ratio | min | max |");
    println!("| --- | --- | ---: | ---: | ---: | ---: | ---: |");
    let weights = schemes::schemes(BITS).into_iter().filter(|tried| tried.kind == "weights");
    let others = schemes::schemes(TIMED_BITS).into_iter().filter(|tried| tried.kind != "weights");
    for Tried { kind, scheme, bits, config } in weights.chain(others) {
        if wanted != "all" && wanted != kind {
            continue;
        }
        let mut run = start(&config)?;
        steps(&mut run)?;
        let (mut times, mut ratios) = (Vec::new(), Vec::new());
        for round in 0..ROUNDS[0] {
            let (this, that) = if round % 2 == 0 {
                let this = steps(&mut run)?;
                (this, steps(&mut plain)?)
            } else {
                let that = steps(&mut plain)?;
                (steps(&mut run)?, that)
            };
            times.push(this);
            ratios.push(this / that);
        }
        let (name, [_, ms, _], [min, ratio, max]) = (scheme.entry.name, spread(times), spread(ratios));
        println!("| {kind} | {name} | {bits} | {ms:.1} | {ratio:.3} | {min:.3} | {max:.3} |");
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    if let Some(wanted) = std::env::args().skip_while(|argument| argument != "--time").nth(1) {
        return print_times(&wanted);
    }
    let dataset = Arc::new(synthetic::generate(IMAGES[0], IMAGES[1], 1)?);
    let full = RunConfig { quantizer: "none".into(), ..RunConfig::default() };
    println!(
        "Loss: of {} test images after one epoch of SimpleResNet4bit on {} built-in images, seed 1, statistics estimated again; in FP32 {:.3}",
        IMAGES[1],
        IMAGES[0],
        loss(&dataset, &full)?
    );
    let all = schemes::schemes(BITS);
    for rows in all.chunk_by(|a, b| a.kind == b.kind) {
        let kind = rows[0].kind;
        let with = if kind == "weights" { "" } else { " (with 4-bit symmetric weights)" };
        println!("\n{} schemes for {kind}{with}\n", rows.len());
        println!("| name | numbers | bits | bits a weight, VGG4bit | loss | source | independent check |");
        println!("| --- | --- | ---: | ---: | ---: | --- | --- |");
        for Tried { scheme: SchemeEntry { entry, format, source, .. }, bits, config, .. } in rows {
            let name = entry.name;
            let check = CHECKS.iter().find(|(of, scheme, _)| (*of, *scheme) == (kind, name));
            let check = check.map_or("none", |(_, _, check)| check);
            let (cost, loss) = (bits_a_weight(config)?, loss(&dataset, config)?);
            let format = format!("{format:?}").to_lowercase();
            println!("| {name} | {format} | {bits} | {cost:.3} | {loss:.3} | {source} | {check} |");
        }
    }
    Ok(())
}
