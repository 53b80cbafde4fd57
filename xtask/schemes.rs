//! Prints every scheme of every registry: `cargo xtask schemes`.

use std::error::Error;
use std::sync::Arc;

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
/// Bits of a row that has a choice.
const BITS: u8 = 4;

/// A scheme, and the run that it is tried in.
struct Row {
    name: &'static str,
    format: Format,
    bits: u8,
    source: &'static str,
    config: RunConfig,
}

/// Four bits where a scheme can do them, else its narrowest.
fn bits(of: &[u8]) -> u8 {
    if of.contains(&BITS) { BITS } else { of[0] }
}

fn weights() -> Vec<Row> {
    let rows = QUANTIZERS.iter().filter(|scheme| scheme.format != Format::Full).map(|scheme| {
        let (name, bits) = (scheme.entry.name, bits(scheme.bits));
        let config = RunConfig { quantizer: name.into(), bits: bits.into(), ..RunConfig::default() };
        Row { name, format: scheme.format, bits, source: scheme.source, config }
    });
    rows.collect()
}

fn activations() -> Vec<Row> {
    let rows = ACTIVATIONS.iter().filter(|scheme| scheme.format != Format::Full).map(|scheme| {
        let (name, bits) = (scheme.entry.name, bits(scheme.bits));
        let config =
            RunConfig { activations: name.into(), activation_bits: bits.into(), ..RunConfig::default() };
        Row { name, format: scheme.format, bits, source: scheme.source, config }
    });
    rows.collect()
}

fn gradients() -> Vec<Row> {
    let rows = GRADIENTS.iter().filter(|scheme| scheme.format != Format::Full).map(|scheme| {
        let (name, bits) = (scheme.entry.name, bits(scheme.bits));
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
    let config = RunConfig { epochs: 1, ..config.clone() };
    let mut run = Run::new(dataset.clone(), config, || 0.0)?;
    loop {
        if let Event::Epoch(epoch) = run.advance()? {
            return Ok(epoch.test_loss);
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let dataset = Arc::new(synthetic::generate(IMAGES[0], IMAGES[1], 1)?);
    let full = RunConfig { quantizer: "none".into(), ..RunConfig::default() };
    println!(
        "Loss: of {} test images after one epoch of SimpleResNet4bit on {} built-in images, seed 1; in FP32 {:.3}",
        IMAGES[1],
        IMAGES[0],
        loss(&dataset, &full)?
    );
    for (title, kind, rows) in [
        ("schemes for weights", "weights", weights()),
        ("schemes for activations (with 4-bit symmetric weights)", "activations", activations()),
        ("schemes for gradients (with 4-bit symmetric weights)", "gradients", gradients()),
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
