//! The lowered network as JSON, for programs of one's own; the page makes the other targets from it.

use serde_json::{Value, json};

use super::document::{Store, document};
use super::{Artifact, Target};
use crate::registry::{Entry, told};

pub(super) const TARGET: Target = Target {
    entry: Entry {
        name: "json",
        label: told("JSON"),
        about: told(
            "The network's operations with their levels, scales and zero points, for programs of one's own",
        ),
    },
    engine: true,
    images: false,
    whole: false,
    needs: told("any program that reads JSON"),
    run: told(
        "python3 -c \"import json; [print(o['name'], o['op'], o['shape']) for o in json.load(open('{file}'))['operations']]\"",
    ),
    write: |network| {
        let bytes = document(network, &mut Inline).to_string().into_bytes();
        Ok(Artifact::file("json", "application/json", bytes))
    },
};

/// The numbers stand in the document.
struct Inline;

impl Store for Inline {
    fn floats(&mut self, _: String, values: &[f32]) -> Value {
        json!(values)
    }

    fn codes(&mut self, _: String, codes: &[u16], _: usize) -> Value {
        json!(codes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::Network;
    use crate::lower::{Op, Weights};
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
                let classes = (0..10).map(|class| format!("class {class}")).collect();
                let network = Network::new(model.lower(), classes, [[0.5; 3], [0.25; 3]]);
                let artifact = (TARGET.write)(&network).unwrap();
                let document: Value = serde_json::from_slice(artifact.bytes().unwrap()).unwrap();
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
