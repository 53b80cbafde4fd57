//! The lowered network as a document of JSON: its operations, and of every weight tensor the codes and what they mean.
//! Where the numbers lie, in the document or beside it, is the target's.

use serde_json::{Value, json};

use super::Network;
use crate::kernels::rounding::{BLOCK, Rounding};
use crate::lower::{Op, Operation, Weights};

/// Of the form of the document.
pub(super) const VERSION: u32 = 1;
/// What it says it is.
pub(super) const FORMAT: &str = "nibble.lowered";

/// Takes the numbers of a tensor and gives what the document says in their place.
pub(super) trait Store {
    /// `name` is of its own in the network.
    fn floats(&mut self, name: String, values: &[f32]) -> Value;
    /// Indices into so many levels.
    fn codes(&mut self, name: String, codes: &[u16], levels: usize) -> Value;
}

pub(super) fn document(network: &Network, store: &mut dyn Store) -> Value {
    let Network { lowered, classes, mean, std, .. } = network;
    json!({
        "format": FORMAT,
        "version": VERSION,
        "input": { "shape": lowered.input, "order": "HWC", "mean": mean, "std": std },
        "classes": classes,
        "operations": lowered.operations.iter().map(|it| operation(it, store)).collect::<Vec<_>>(),
    })
}

fn operation(operation: &Operation, store: &mut dyn Store) -> Value {
    let Operation { name, op, inputs, shape } = operation;
    let mut value = json!({ "name": name, "op": op.name(), "inputs": inputs, "shape": shape });
    let mut floats = |part: &str, values: &[f32]| store.floats(format!("{name}.{part}"), values);
    let settings = match op {
        Op::Conv2d { weight, bias, stride } => {
            let bias = floats("bias", bias);
            let padding = weight.dims[0] / 2;
            json!({ "weight": weights(name, weight, store), "bias": bias, "stride": stride, "padding": padding })
        }
        Op::Linear { weight, bias } => {
            let bias = floats("bias", bias);
            json!({ "weight": weights(name, weight, store), "bias": bias })
        }
        Op::Affine { factor, offset } => {
            json!({ "factor": floats("factor", factor), "offset": floats("offset", offset) })
        }
        Op::Round(rounding) => match *rounding {
            Rounding::Uniform { scale, most } => {
                json!({ "scale": scale, "levels": { "from": 0, "to": most } })
            }
            Rounding::Float { format, scale } => json!({ "scale": scale, "levels": format.values() }),
            // The scale of a block is 2^(floor(log2 of its largest) - exponent).
            Rounding::Microscaled { format } => {
                json!({ "block": BLOCK, "exponent": format.largest_exponent(), "levels": format.values() })
            }
        },
        Op::Relu
        | Op::MaxPool
        | Op::GlobalAvgPool
        | Op::Flatten
        | Op::Add
        | Op::ScaleChannels
        | Op::Sigmoid => json!({}),
    };
    if let (Value::Object(value), Value::Object(settings)) = (&mut value, settings) {
        value.extend(settings);
    }
    value
}

/// `value = (levels[code] - zero point) * scale`, in the order of `dims`.
fn weights(name: &str, weight: &Weights, store: &mut dyn Store) -> Value {
    let mut floats = |part: &str, values: &[f32]| store.floats(format!("{name}.{part}"), values);
    let Some(encoded) = &weight.encoded else {
        return json!({ "dims": weight.dims, "values": floats("weight", &weight.values) });
    };
    let grid = &encoded.grid;
    let (levels, scales) = (floats("levels", &grid.levels), floats("scales", &grid.scales));
    let zero_points = floats("zero_points", &grid.zero_points);
    let rows_of_a_scale = (grid.scales.len() > 1).then(|| grid.blocks.len(0));
    json!({
        "dims": weight.dims,
        "codes": store.codes(format!("{name}.weight"), &encoded.codes, grid.levels.len()),
        "levels": levels,
        "scales": scales,
        "zeroPoints": zero_points,
        "overheadBits": grid.overhead_bits,
        // Null: one scale for all; else so many rows of an output channel share one, `scales[row / rows][output]`.
        "rowsOfAScale": rows_of_a_scale,
    })
}
