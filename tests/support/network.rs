//! The networks and batches of tests/golden/generate.py.

#[path = "unit.rs"]
mod unit;

pub use unit::unit;

pub const CLASSES: usize = 10;
const LEVEL_MAX: f32 = 7.0;

/// Initial weights of a layer, in PyTorch's order.
pub fn weights(layer: &str, dims: &[usize]) -> Vec<f32> {
    let fan_in: usize = dims[1..].iter().product();
    let gain = if dims.len() == 4 { 6.0 } else { 3.0 };
    let step = ((gain / fan_in as f64).sqrt() / f64::from(LEVEL_MAX)) as f32;
    let place = |(i, unit): (usize, f32)| {
        let v = unit * LEVEL_MAX;
        let level = v.round_ties_even();
        let away = level + 0.75 * (v - level);
        if i % 512 == 0 { v * step } else { away * step }
    };
    unit(&format!("{layer}.weight"), dims.iter().product()).into_iter().enumerate().map(place).collect()
}

/// Images `[n, 32, 32, 4]` and labels.
pub fn batch(name: &str, n: usize) -> (Vec<f32>, Vec<u16>) {
    let labels: Vec<u16> =
        unit::bits(&format!("labels/{name}"), n).map(|z| ((z >> 33) % CLASSES as u64) as u16).collect();
    let patterns: Vec<_> = (0..CLASSES).map(|label| unit(&format!("pattern/{label}"), 3 * 4 * 4)).collect();
    let noise = unit(&format!("images/{name}"), n * 3 * 32 * 32);
    let mut dense = vec![0.0; n * 32 * 32 * 4];
    for (i, pixel) in dense.chunks_exact_mut(4).enumerate() {
        let (image, h, w) = (i / 1024, i / 32 % 32, i % 32);
        for (c, value) in pixel[..3].iter_mut().enumerate() {
            let pattern = patterns[usize::from(labels[image])][(c * 4 + h / 8) * 4 + w / 8];
            *value = pattern + 3.0 * noise[((image * 3 + c) * 32 + h) * 32 + w];
        }
    }
    (dense, labels)
}
