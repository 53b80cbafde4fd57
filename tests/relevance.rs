//! Heat maps against the built-in images, whose generator knows where the figure is.

use std::fs::File;
use std::io::BufReader;
use std::sync::Arc;

use nibble::checkpoint::Reader;
use nibble::data::synthetic;
use nibble::run::Run;
use nibble::{RunConfig, train};

const IMAGES: usize = 200;
const NO_CLOCK: train::Clock = || 0.0;

/// The network that comes with the page.
fn trained() -> Run {
    let path =
        concat!(env!("CARGO_MANIFEST_DIR"), "/www/networks/simple-resnet4bit-shapes.nibble.safetensors");
    let reader = Reader::open(path, BufReader::new(File::open(path).unwrap())).unwrap();
    let [train, test] = reader.about().data.images;
    let dataset = synthetic::generate(train, test, synthetic::SEED).unwrap();
    reader.load(Arc::new(dataset), NO_CLOCK).unwrap().run
}

/// Mean share of the positive relevance that is within the figure, and of the pixels that are.
fn shares(run: &mut Run) -> [f64; 2] {
    let test = synthetic::generate(100, IMAGES, synthetic::SEED).unwrap().test;
    let pictures: Vec<u8> = (0..IMAGES).flat_map(|i| test.rgba(i)).collect();
    let maps = run.heat_maps(&pictures).unwrap();
    let mut sums = [0.0; 2];
    for (i, map) in maps.chunks_exact(maps.len() / IMAGES).enumerate() {
        let mask = synthetic::mask(synthetic::SEED, i);
        let positive = map.iter().map(|value| f64::from(value.max(0.0)));
        let all: f64 = positive.clone().sum();
        let inside: f64 = positive.zip(mask).filter(|(_, inside)| *inside).map(|(value, _)| value).sum();
        sums[0] += inside / all.max(f64::MIN_POSITIVE);
        sums[1] += mask.iter().filter(|inside| **inside).count() as f64 / mask.len() as f64;
    }
    sums.map(|sum| sum / IMAGES as f64)
}

#[test]
fn relevance_lies_within_the_figure() {
    let [share, area] = shares(&mut trained());
    let config = RunConfig { model: "simple_resnet4bit".into(), ..RunConfig::default() };
    let dataset = synthetic::generate(100, IMAGES, synthetic::SEED).unwrap();
    let [untrained, _] = shares(&mut Run::new(Arc::new(dataset), config, NO_CLOCK).unwrap());
    println!("{share:.3} of the relevance on {area:.3} of the pixels; untrained {untrained:.3}");
    assert!(share >= 2.0 * area && share >= untrained + 0.2, "{share}, {area}, {untrained}");
}
