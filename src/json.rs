//! Reading JSON.

use serde::de::DeserializeOwned;

/// What a text says. It is read as a [`Value`](serde_json::Value) first: a reader of text for each type is many times the
/// code, which every visitor waits for.
pub fn read<T: DeserializeOwned>(text: &str) -> serde_json::Result<T> {
    serde_json::from_value(serde_json::from_reader(text.as_bytes())?)
}
