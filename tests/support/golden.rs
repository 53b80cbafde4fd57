//! What the files of tests/golden say of weights: see its README.md.

#[allow(dead_code)] // Golden trainings draw labels too.
#[path = "unit.rs"]
mod keyed;

pub use keyed::unit;

/// The weights of a case.
pub fn weights(kind: &str, k: usize, c_out: usize) -> Vec<f32> {
    let at = |(i, u): (usize, f32)| match kind {
        "noise" => u * 0.1,
        "zero" => u * 0.0,
        "constant" => 0.3,
        "outlier" if i == k * c_out / 2 => 8.0,
        "outlier" => u * 0.1,
        "denormal" => u * f32::from_bits(1 << 19), // 2^-130
        "positive" => u.abs() * 0.1 + 0.01,
        "negative" => u.abs() * -0.1 - 0.01,
        "quarters" => ((i % 49) as f32 - 24.0) / 4.0,
        "steps" => ((37 * i % 257) as f32 - 128.0) / 128.0,
        "wide" => u * 2.0,
        other => panic!("{other}"),
    };
    unit(&format!("quantizers/{kind}/{k}x{c_out}"), k * c_out).into_iter().enumerate().map(at).collect()
}

/// Number of a block in the files, which count by channel and then by group.
pub fn published_block(block: usize, blocks: usize, c_out: usize) -> usize {
    let groups = blocks / c_out;
    if blocks == 1 { 0 } else { block % c_out * groups + block / c_out }
}
