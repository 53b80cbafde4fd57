//! Prints every scheme of every registry: `cargo xtask schemes`.

use std::error::Error;
use std::sync::Arc;

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
/// Bits of a row that has a choice.
const BITS: u8 = 4;

/// Bits of a weight of VGG4bit, everything included that it takes to tell the weights.
fn bits_a_weight(config: &RunConfig) -> Result<f64, Problem> {
    let preset = MODELS.find("vgg4bit")?;
    let mut model = Model::new(&Description::new(preset.specs()?, 10, config.clone()))?;
    model.quantize();
    let (mut bits, mut count) = (0, 0);
    for (_, param) in model.params().filter(|(_, param)| param.is_weight()) {
        bits += param.bits();
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

fn main() -> Result<(), Box<dyn Error>> {
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
