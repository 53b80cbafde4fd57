//! Batch norm folded away.

use super::{Lowered, Op, Weights};
use crate::kernels::blocks::{Blocks, Granularity};
use crate::kernels::grid::Grid;

/// Folds each batch norm into the weights that it alone follows: the same network, but for the rounding of f32. Scales are
/// multiplied by its factors, so a negative one leaves a negative scale and every code as it is; values that are not
/// quantized are multiplied themselves.
pub fn fold(lowered: &Lowered) -> Lowered {
    let mut folded = Lowered::new(lowered.input);
    // Where each value of the network is found in the folded one.
    let mut place: Vec<usize> = vec![0];
    for operation in &lowered.operations {
        let before = operation.inputs[0];
        let readers = lowered.operations.iter().filter(|other| other.inputs.contains(&before)).count();
        if let Op::Affine { factor, offset } = &operation.op
            && readers == 1
            // What was made last, so that it still comes last where logits are.
            && place[before] == folded.operations.len()
            && let Some(last) = folded.operations.last_mut()
            && let Op::Conv2d { weight, bias, .. } | Op::Linear { weight, bias } = &mut last.op
        {
            *weight = scaled(weight, factor);
            for ((bias, factor), offset) in bias.iter_mut().zip(factor).zip(offset) {
                *bias = *bias * factor + offset;
            }
            place.push(place[before]);
            continue;
        }
        let mut operation = operation.clone();
        operation.inputs.iter_mut().for_each(|input| *input = place[*input]);
        folded.operations.push(operation);
        place.push(folded.operations.len());
    }
    folded
}

/// Weights with each output channel multiplied by a factor.
fn scaled(weight: &Weights, factor: &[f32]) -> Weights {
    let [rows, outputs] = weight.matrix();
    let mut encoded = weight.encoded.clone();
    if let Some(encoded) = &mut encoded {
        let grid = &encoded.grid;
        let by_channel = |values: &[f32]| match values {
            // One for all: a channel each from now on.
            [one] => vec![*one; outputs],
            many => many.to_vec(),
        };
        let blocks = match grid.scales.len() {
            1 => Blocks::new(rows, outputs, Granularity::Channel),
            _ => grid.blocks,
        };
        let scales =
            by_channel(&grid.scales).iter().enumerate().map(|(i, s)| s * factor[i % outputs]).collect();
        let zero_points = by_channel(&grid.zero_points);
        encoded.grid = Grid {
            blocks,
            levels: grid.levels.clone(),
            scales,
            zero_points,
            overhead_bits: grid.overhead_bits,
        };
    }
    let values = match &encoded {
        Some(encoded) => encoded.decode(),
        None => weight.values.iter().enumerate().map(|(i, value)| value * factor[i % outputs]).collect(),
    };
    Weights { dims: weight.dims.clone(), values, encoded }
}
