//! How much layers mind losing bits, and the best bits for every budget.

use serde::Serialize;
use wasm_bindgen::prelude::*;

use super::engine::on_pool;
use super::error::Result;
use super::to_js;
use crate::sensitivity::{self, Damage, Front, LayerSensitivity, fronts};

/// A measurement over a copy of a run's network.
#[wasm_bindgen]
pub struct Sensing(pub(super) sensitivity::Sensing);

#[derive(Serialize)]
struct Progress {
    done: usize,
    total: usize,
    result: Option<Measured>,
}

#[derive(Serialize)]
struct Measured {
    fronts: Vec<Front>,
    layers: Vec<LayerSensitivity>,
}

#[wasm_bindgen]
impl Sensing {
    /// A piece of it: `{done, total, result}`, where `result` is null until all is done, and then `{layers, fronts}`, an array
    /// of `LayerSensitivity` and one of `Front`.
    pub fn advance(&mut self) -> Result<JsValue> {
        let sensitivity::Progress { done, total, result } = on_pool(|| self.0.advance())?;
        let result = result.map(|layers| Measured { fronts: fronts(&layers), layers });
        to_js(&Progress { done, total, result })
    }
}

/// Kendall's tau of what two measurements say of some layers, and its standard deviation; each is an array of `[rise, error]`
/// one after the other.
#[wasm_bindgen]
pub fn agreement(a: &[f64], b: &[f64]) -> Vec<f64> {
    let damages = |figures: &[f64]| -> Vec<Damage> {
        figures.as_chunks::<2>().0.iter().map(|[rise, error]| Damage { rise: *rise, error: *error }).collect()
    };
    sensitivity::agreement(&damages(a), &damages(b)).into()
}
