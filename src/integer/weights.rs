//! Weights as integers of 4 or 8 bits, with a scale an output channel.

use crate::kernels::grid::Encoded;
use crate::kernels::int4;
use crate::lower::Weights;

/// Weights `[out][h][w][in]`, the order of CMSIS-NN.
#[derive(Debug, Clone, PartialEq)]
pub struct IntegerWeights {
    /// 4 or 8: all of them fit.
    pub bits: u8,
    /// The integers.
    pub values: Vec<i8>,
    /// What they are multiplied with, one an output channel.
    pub scales: Vec<f64>,
    /// Rows and columns of a window; 1 of a linear layer.
    pub size: usize,
}

/// The largest level of 8 bits.
const MOST: f32 = 127.0;

impl IntegerWeights {
    /// The integers of a tensor, and whether they mean what was trained. Levels that are multiples of one number, with one
    /// scale for all or one an output channel, are integers; other weights are rounded to 8 bits.
    pub fn new(weight: &Weights) -> (Self, bool) {
        let [rows, outputs] = weight.matrix();
        let exact = weight.encoded.as_ref().and_then(|encoded| integers(encoded, outputs));
        let is_exact = exact.is_some();
        let (values, scales) = exact.unwrap_or_else(|| rounded(&weight.values, outputs));
        let transposed: Vec<i8> = (0..outputs)
            .flat_map(|output| (0..rows).map(move |row| (row, output)))
            .map(|(row, output)| values[row * outputs + output])
            .collect();
        let bits = if transposed.iter().all(|value| int4::LEVELS.contains(value)) { 4 } else { 8 };
        let size = if weight.dims.len() == 4 { weight.dims[0] } else { 1 };
        (Self { bits, values: transposed, scales, size }, is_exact)
    }

    /// As they lie in memory: two to a byte, the first in the low nibble, or one a byte.
    pub fn packed(&self) -> Vec<u8> {
        match self.bits {
            4 => int4::pack_int4(&self.values),
            _ => self.values.iter().map(|value| *value as u8).collect(),
        }
    }
}

/// Integers in the stored order and a scale a channel, where all levels are whole multiples of one number.
fn integers(encoded: &Encoded, outputs: usize) -> Option<(Vec<i8>, Vec<f64>)> {
    let Encoded { grid, codes } = encoded;
    let scales: Vec<f64> = match grid.scales.len() {
        1 => vec![grid.scales[0].into(); outputs],
        count if count == outputs => grid.scales.iter().map(|scale| f64::from(*scale)).collect(),
        _ => return None,
    };
    let part = grid.part()?;
    let integer = |(i, code): (usize, &u16)| {
        let level = grid.levels[usize::from(*code)] - grid.zero_point(grid.blocks.of(i));
        (level * part).round() as i8
    };
    let values = codes.iter().enumerate().map(integer).collect();
    Some((values, scales.into_iter().map(|scale| scale / f64::from(part)).collect()))
}

/// The nearest of 255 levels, up to the largest weight of each output channel.
fn rounded(values: &[f32], outputs: usize) -> (Vec<i8>, Vec<f64>) {
    let largest = |output: usize| {
        let channel = values.iter().skip(output).step_by(outputs);
        channel.fold(0.0f32, |most, value| most.max(value.abs()))
    };
    let scales: Vec<f32> =
        (0..outputs).map(largest).map(|most| if most > 0.0 { most / MOST } else { 1.0 }).collect();
    let level = |(i, value): (usize, &f32)| (value / scales[i % outputs]).round_ties_even() as i8;
    let levels = values.iter().enumerate().map(level).collect();
    (levels, scales.into_iter().map(f64::from).collect())
}
