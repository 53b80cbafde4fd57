//! One layer of a model's description.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// One layer of a model's description.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LayerSpec {
    /// Name in [`LAYERS`](super::LAYERS).
    #[serde(rename = "type")]
    pub kind: String,
    /// A name for this layer's output, for skip connections.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The `id` of the layer whose output is a second input; the first is that of the layer before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The `id`s of all inputs; `image` is the image itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inputs: Option<Vec<String>>,
    /// The layer's own settings.
    #[serde(flatten)]
    pub settings: Map<String, Value>,
}
