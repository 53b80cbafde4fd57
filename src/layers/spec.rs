//! One layer of a model's description.

use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

/// One layer of a model's description.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LayerSpec {
    /// Name in [`LAYERS`](super::LAYERS).
    #[serde(rename = "type")]
    pub kind: String,
    /// A name for this layer's output, for skip connections.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The `id` of the layer whose output is a second input; the first is that of the layer before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The `id`s of all inputs; `image` is the image itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inputs: Option<Vec<String>>,
    /// The layer's own settings.
    #[serde(flatten)]
    pub settings: Map<String, Value>,
}

// Not derived: a reader of flattened fields is a copy of that of JSON, which every visitor would wait for.
impl<'de> Deserialize<'de> for LayerSpec {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let mut settings = Map::deserialize(from)?;
        let kind = settings.remove("type").ok_or_else(|| Error::missing_field("type"))?;
        let [id, from, inputs] =
            ["id", "from", "inputs"].map(|name| settings.remove(name).unwrap_or_default());
        Ok(Self { kind: read(kind)?, id: read(id)?, from: read(from)?, inputs: read(inputs)?, settings })
    }
}

fn read<T: DeserializeOwned, E: Error>(value: Value) -> Result<T, E> {
    serde_json::from_value(value).map_err(Error::custom)
}
