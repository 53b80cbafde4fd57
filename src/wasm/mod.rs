//! The JavaScript surface: every JS type lives here. Handles go in, small plain values come out. There are three modules
//! of it: the engine's, in several builds, that of the readers and that of the exports, by the features of their names.

#[cfg(feature = "engine")]
mod bits;
#[cfg(feature = "engine")]
mod checkpoint;
#[cfg(feature = "engine")]
mod data;
#[cfg(feature = "engine")]
mod engine;
mod error;
#[cfg(feature = "exports")]
mod exports;
mod files;
#[cfg(feature = "readers")]
mod readers;
#[cfg(feature = "engine")]
mod run;

#[cfg(any(feature = "engine", feature = "readers"))]
use serde::Serialize;
#[cfg(any(feature = "engine", feature = "exports"))]
use serde::de::DeserializeOwned;
use wasm_bindgen::prelude::*;

#[cfg(any(feature = "engine", feature = "exports"))]
use crate::json;

#[cfg(feature = "engine")]
pub use bits::{Sensing, agreement};
#[cfg(feature = "engine")]
pub use checkpoint::{Checkpoint, LoadedRun};
#[cfg(feature = "engine")]
pub use data::{Dataset, dataset_bytes};
#[cfg(feature = "engine")]
pub use engine::*;
pub use error::{Failure, Result};
#[cfg(feature = "exports")]
pub use exports::export_to;
#[cfg(feature = "readers")]
pub use readers::{Found, Gathering, Picture, Reading};
#[cfg(feature = "engine")]
pub use run::{Evaluator, PackedModel, Run};

#[wasm_bindgen(start)]
fn start() {
    console_error_panic_hook::set_once();
}

#[cfg(any(feature = "engine", feature = "readers"))]
fn to_js<T: Serialize>(value: &T) -> Result<JsValue> {
    Ok(value.serialize(&serde_wasm_bindgen::Serializer::json_compatible())?)
}

/// A plain value. It comes by way of JSON, which is read here anyway.
#[cfg(any(feature = "engine", feature = "exports"))]
fn from_js<T: DeserializeOwned>(value: &JsValue) -> Result<T> {
    // What has no JSON is absent: undefined, a function.
    let text = js_sys::JSON::stringify(value).ok().and_then(|text| text.as_string());
    Ok(json::read(text.as_deref().unwrap_or("null"))?)
}

/// An object with these properties.
#[cfg(any(feature = "engine", feature = "exports"))]
pub(super) fn object<const N: usize>(properties: [(&str, JsValue); N]) -> JsValue {
    let object = js_sys::Object::new();
    for (name, value) in properties {
        // A property of a fresh object: setting it cannot fail.
        let _: std::result::Result<bool, JsValue> = js_sys::Reflect::set(&object, &name.into(), &value);
    }
    object.into()
}
