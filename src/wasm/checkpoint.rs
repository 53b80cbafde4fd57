//! Runs as files.

use std::sync::Arc;

use js_sys::{Float64Array, Function};
use wasm_bindgen::prelude::*;

use super::engine::now;
use super::error::Result;
use super::files::Source;
use super::{Dataset, Run, object};
use crate::checkpoint::{Loaded, Reader};

/// A saved run of which the header has been read.
#[wasm_bindgen]
pub struct Checkpoint(Reader<Source>);

#[wasm_bindgen]
impl Checkpoint {
    /// Opens a file of so many bytes by `read(offset, length)`, which returns a `Uint8Array` of that part of it.
    #[wasm_bindgen(constructor)]
    pub fn new(name: &str, size: f64, read: Function) -> Result<Checkpoint> {
        Ok(Self(Reader::open(name, Source::new(read, size, None))?))
    }

    /// Own pictures that the file has with it; undefined for other runs, whose images everybody can get.
    pub fn images(&mut self) -> Result<Option<Dataset>> {
        Ok(self.0.images()?.map(|images| Dataset(Arc::new(images))))
    }

    /// What stands in for its images, where it is looked at without them; undefined where they tell how pixels are normalised.
    #[wasm_bindgen(js_name = standIn)]
    pub fn stand_in(&self) -> Result<Option<Dataset>> {
        Ok(self.0.stand_in()?.map(|stand_in| Dataset(Arc::new(stand_in))))
    }

    /// Reads the run, which goes on with the images that it was trained on.
    pub fn load(self, dataset: &Dataset) -> Result<LoadedRun> {
        Ok(LoadedRun(self.0.load(dataset.0.clone(), now)?))
    }
}

/// A run as it was.
#[wasm_bindgen]
pub struct LoadedRun(Loaded);

#[wasm_bindgen]
impl LoadedRun {
    /// What it had reported: `{losses, epochs, bits, notes, intact, step}`, the first a `Float64Array` of each step's, the second
    /// a report of each epoch as JSON, then where bits changed, `{step, bits}` each; `intact` says whether the file is the one that was written.
    pub fn history(&self) -> JsValue {
        let Loaded { run, history, intact } = &self.0;
        let epochs: js_sys::Array = history.reports.iter().map(JsValue::from).collect();
        let bits: js_sys::Array = history
            .bits
            .iter()
            .map(|(step, bits)| object([("step", (*step as f64).into()), ("bits", bits.as_str().into())]))
            .collect();
        object([
            ("losses", Float64Array::from(history.losses.as_slice()).into()),
            ("epochs", epochs.into()),
            ("bits", bits.into()),
            ("notes", history.notes.as_str().into()),
            ("intact", (*intact).into()),
            ("step", (run.steps() as f64).into()),
        ])
    }

    /// The run.
    pub fn take(self) -> Run {
        Run::of(self.0.run, self.0.history)
    }
}
