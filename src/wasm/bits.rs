//! How much layers mind losing bits, and the best bits under a budget.

use wasm_bindgen::prelude::*;

use super::engine::on_pool;
use super::error::Result;
use super::to_js;
use crate::sensitivity;

/// A measurement over a copy of a run's network.
#[wasm_bindgen]
pub struct Sensing(pub(super) sensitivity::Sensing);

#[wasm_bindgen]
impl Sensing {
    /// A piece of it: `{done, total, result}`, where `result` is null until all is done, and an array of
    /// `LayerSensitivity` then.
    pub fn advance(&mut self) -> Result<JsValue> {
        to_js(&on_pool(|| self.0.advance())?)
    }
}
