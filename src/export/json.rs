//! The lowered network as JSON: its operations, and of every weight tensor the codes and what they mean.

use serde_json::{Value, json};

use super::{Artifact, Network, Target};
use crate::kernels::rounding::{BLOCK, Rounding};
use crate::lower::{Op, Operation, Weights};
use crate::registry::Entry;

pub(super) const TARGET: Target = Target {
    entry: Entry {
        name: "json",
        label: "JSON",
        about: "The network's operations with their levels, scales and zero points, for programs of one's own",
    },
    write: |network| {
        let bytes = document(network).to_string().into_bytes();
        Ok(Artifact { extension: "json", mime: "application/json", bytes })
    },
};

/// Of the form of the document.
const VERSION: u32 = 1;

fn document(network: &Network) -> Value {
    let Network { lowered, classes, mean, std } = network;
    json!({
        "format": "nibble.lowered",
        "version": VERSION,
        "input": { "shape": lowered.input, "order": "HWC", "mean": mean, "std": std },
        "classes": classes,
        "operations": lowered.operations.iter().map(operation).collect::<Vec<_>>(),
    })
}

fn operation(operation: &Operation) -> Value {
    let Operation { name, op, inputs, shape } = operation;
    let mut value = json!({ "name": name, "op": op.name(), "inputs": inputs, "shape": shape });
    let settings = match op {
        Op::Conv2d { weight, bias, stride } => {
            json!({ "weight": weights(weight), "bias": bias, "stride": stride, "padding": weight.dims[0] / 2 })
        }
        Op::Linear { weight, bias } => json!({ "weight": weights(weight), "bias": bias }),
        Op::Affine { factor, offset } => json!({ "factor": factor, "offset": offset }),
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
fn weights(weight: &Weights) -> Value {
    let Some(encoded) = &weight.encoded else {
        return json!({ "dims": weight.dims, "values": weight.values });
    };
    let grid = &encoded.grid;
    let rows_of_a_scale = (grid.scales.len() > 1).then(|| grid.blocks.len(0));
    json!({
        "dims": weight.dims,
        "codes": encoded.codes,
        "levels": grid.levels,
        "scales": grid.scales,
        "zeroPoints": grid.zero_points,
        // Null: one scale for all; else so many rows of an output channel share one, `scales[row / rows][output]`.
        "rowsOfAScale": rows_of_a_scale,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Description, Model};
    use crate::{RunConfig, models};

    #[test]
    fn every_preset_is_written_and_its_codes_mean_its_values() {
        for preset in models::MODELS.iter() {
            for (quantizer, granularity) in
                [("symmetric", "tensor"), ("affine", "group32"), ("none", "tensor")]
            {
                let config = RunConfig {
                    model: preset.entry.name.into(),
                    quantizer: quantizer.into(),
                    granularity: granularity.into(),
                    ..RunConfig::default()
                };
                let mut model = Model::new(&Description::preset(10, config).unwrap()).unwrap();
                model.quantize();
                let network = Network {
                    lowered: model.lower(),
                    classes: (0..10).map(|class| format!("class {class}")).collect(),
                    mean: [0.5; 3],
                    std: [0.25; 3],
                };
                let bytes = (TARGET.write)(&network).unwrap().bytes;
                let document: Value = serde_json::from_slice(&bytes).unwrap();
                let operations = document["operations"].as_array().unwrap();
                assert_eq!(operations.len(), network.lowered.operations.len());
                for (written, operation) in operations.iter().zip(&network.lowered.operations) {
                    let Op::Conv2d { weight, .. } = &operation.op else { continue };
                    check(&written["weight"], weight);
                }
            }
        }
    }

    /// Reads the weights as the document says.
    fn check(written: &Value, weight: &Weights) {
        let numbers = |name: &str| -> Vec<f64> {
            written[name].as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
        };
        if weight.encoded.is_none() {
            return assert_eq!(numbers("values").len(), weight.values.len());
        }
        let (codes, levels) = (numbers("codes"), numbers("levels"));
        let (scales, zero_points) = (numbers("scales"), numbers("zeroPoints"));
        let outputs = weight.matrix()[1];
        for (i, (code, value)) in codes.iter().zip(&weight.values).enumerate() {
            let block = written["rowsOfAScale"]
                .as_u64()
                .map_or(0, |rows| i / outputs / rows as usize * outputs + i % outputs);
            let level = levels[*code as usize] - zero_points.get(block).copied().unwrap_or(0.0);
            assert!(
                (level * scales[block] - f64::from(*value)).abs() <= 1e-6 * f64::from(value.abs()),
                "{i}"
            );
        }
    }
}
