//! Levels as the files of tests/golden have them: see its README.md.

use nibble::kernels::minifloat::Minifloat;

/// The digits of each of `count` levels, as a number; none where there are no digits.
pub fn codes(levels: &str, count: usize) -> Vec<u32> {
    let digits = (levels.len() / count).max(1);
    let chunks = levels.as_bytes().chunks(digits);
    chunks.map(|code| u32::from_str_radix(str::from_utf8(code).unwrap(), 16).unwrap()).collect()
}

/// The number that has these bits in a format; -0 is 0.
pub fn number(format: Minifloat, bits: u8, code: u32) -> f32 {
    let half = 1 << (bits - 1);
    let positive: Vec<f32> = format.values().into_iter().filter(|value| *value >= 0.0).collect();
    let magnitude = positive[(code & (half - 1)) as usize];
    if code & half == 0 { magnitude } else { 0.0 - magnitude }
}

/// 2^exponent, subnormal ones too.
pub fn two_to(exponent: i32) -> f32 {
    2f64.powi(exponent) as f32
}
