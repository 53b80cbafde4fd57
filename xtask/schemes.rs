//! Prints every scheme of every registry: `cargo xtask schemes`; with `--time` and what they are for, or
//! `all`, what a training step takes with each.

use std::error::Error;
use std::sync::Arc;
use std::time::Instant;

use nibble::data::{Dataset, synthetic};
use nibble::metrics::Event;
use nibble::model::{Description, Model};
use nibble::models::MODELS;
use nibble::quant::{ACTIVATIONS, Format, GRADIENTS, QUANTIZERS};
use nibble::run::Run;
use nibble::{Error as Problem, RunConfig};

#[path = "../tests/support/checks.rs"]
mod checks;

use checks::CHECKS;

/// Built-in images of the epoch, for training and for the test.
const IMAGES: [usize; 2] = [4000, 1000];
/// Batches by which statistics are estimated again before the test: after 31 steps the running ones lag behind.
const REESTIMATED: u32 = 10;
/// Bits of a row that has a choice.
const BITS: u8 = 4;

/// Pairs of rounds of a time, and steps of a round.
const ROUNDS: [usize; 2] = [9, 3];
/// Training images of a time: an epoch of four steps.
const TIMED_IMAGES: usize = 512;

/// A scheme, and the run that it is tried in.
struct Row {
    name: &'static str,
    format: Format,
    bits: u8,
    source: &'static str,
    config: RunConfig,
}

/// The bits that are wanted where a scheme can do them, else its narrowest.
fn bits(of: &[u8], wanted: u8) -> u8 {
    if of.contains(&wanted) { wanted } else { of[0] }
}

fn weights(wanted: u8) -> Vec<Row> {
    let rows = QUANTIZERS.iter().filter(|scheme| scheme.format != Format::Full).map(|scheme| {
        let (name, bits) = (scheme.entry.name, bits(scheme.bits, wanted));
        let config = RunConfig { quantizer: name.into(), bits: bits.into(), ..RunConfig::default() };
        Row { name, format: scheme.format, bits, source: scheme.source, config }
    });
    rows.collect()
}

fn activations(wanted: u8) -> Vec<Row> {
    let rows = ACTIVATIONS.iter().filter(|scheme| scheme.format != Format::Full).map(|scheme| {
        let (name, bits) = (scheme.entry.name, bits(scheme.bits, wanted));
        let config =
            RunConfig { activations: name.into(), activation_bits: bits.into(), ..RunConfig::default() };
        Row { name, format: scheme.format, bits, source: scheme.source, config }
    });
    rows.collect()
}

fn gradients(wanted: u8) -> Vec<Row> {
    let rows = GRADIENTS.iter().filter(|scheme| scheme.format != Format::Full).map(|scheme| {
        let (name, bits) = (scheme.entry.name, bits(scheme.bits, wanted));
        let config = RunConfig { gradients: name.into(), gradient_bits: bits.into(), ..RunConfig::default() };
        Row { name, format: scheme.format, bits, source: scheme.source, config }
    });
    rows.collect()
}

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
    times.sort_by(f64::total_cmp);
    Ok(times[times.len() / 2])
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
    for (kind, rows) in
        [("weights", weights(BITS)), ("activations", activations(8)), ("gradients", gradients(8))]
    {
        for Row { name, bits, config, .. } in rows {
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
            times.sort_by(f64::total_cmp);
            ratios.sort_by(f64::total_cmp);
            let (ms, ratio) = (times[times.len() / 2], ratios[ratios.len() / 2]);
            let [min, max] = [ratios[0], ratios[ratios.len() - 1]];
            println!("| {kind} | {name} | {bits} | {ms:.1} | {ratio:.3} | {min:.3} | {max:.3} |");
        }
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
    for (title, kind, rows) in [
        ("schemes for weights", "weights", weights(BITS)),
        ("schemes for activations (with 4-bit symmetric weights)", "activations", activations(BITS)),
        ("schemes for gradients (with 4-bit symmetric weights)", "gradients", gradients(BITS)),
    ] {
        println!("\n{} {title}\n", rows.len());
        println!("| name | numbers | bits | bits a weight, VGG4bit | loss | source | independent check |");
        println!("| --- | --- | ---: | ---: | ---: | --- | --- |");
        for Row { name, format, bits, source, config } in rows {
            let check = CHECKS.iter().find(|(of, scheme, _)| (*of, *scheme) == (kind, name));
            let check = check.map_or("none", |(_, _, check)| check);
            let (cost, loss) = (bits_a_weight(&config)?, loss(&dataset, &config)?);
            let format = format!("{format:?}").to_lowercase();
            println!("| {name} | {format} | {bits} | {cost:.3} | {loss:.3} | {source} | {check} |");
        }
    }
    Ok(())
}
