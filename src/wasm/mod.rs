//! The JavaScript surface: every JS type lives here. Handles go in, small plain values come out. There are two modules of
//! it: the engine's, in several builds, and that of the readers, by the features of their names.

#[cfg(feature = "engine")]
mod checkpoint;
#[cfg(feature = "engine")]
mod data;
#[cfg(feature = "engine")]
mod engine;
mod error;
mod files;
#[cfg(feature = "readers")]
mod readers;
#[cfg(feature = "engine")]
mod run;

use serde::Serialize;
use wasm_bindgen::prelude::*;

#[cfg(feature = "engine")]
pub use checkpoint::{Checkpoint, LoadedRun};
#[cfg(feature = "engine")]
pub use data::{Dataset, dataset_bytes};
#[cfg(feature = "engine")]
pub use engine::*;
pub use error::{Failure, Result};
#[cfg(feature = "readers")]
pub use readers::{Found, Gathering, Picture, Reading};
#[cfg(feature = "engine")]
pub use run::{Evaluator, PackedModel, Run};

#[wasm_bindgen(start)]
fn start() {
    console_error_panic_hook::set_once();
}

fn to_js<T: Serialize>(value: &T) -> Result<JsValue> {
    Ok(value.serialize(&serde_wasm_bindgen::Serializer::json_compatible())?)
}
