//! Errors as JavaScript sees them.

use js_sys::Reflect;
use wasm_bindgen::prelude::*;

use crate::Error;

/// A JavaScript `Error`. What the engine itself refuses has a `kind` (`data`, `config`, `model` or `diverged`); a
/// refused setting also its `field`, too many images how many there is room for as `most`, a diverged step its `step`, `loss` and `gradNorm`.
pub struct Failure(js_sys::Error);

/// Result with [`Failure`].
pub type Result<T> = std::result::Result<T, Failure>;

impl Failure {
    fn with(self, property: &str, value: impl Into<JsValue>) -> Self {
        // Setting a property of an Error that nobody has frozen cannot fail.
        let _ = Reflect::set(&self.0, &property.into(), &value.into());
        self
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let failure = Self(js_sys::Error::new(&error.to_string()));
        match error {
            Error::Data { .. } => failure.with("kind", "data"),
            Error::Room { most, .. } => failure.with("kind", "data").with("most", most as f64),
            Error::Config { field, .. } => failure.with("kind", "config").with("field", field),
            Error::Model { .. } => failure.with("kind", "model"),
            Error::Diverged { step, loss, grad_norm } => failure
                .with("kind", "diverged")
                .with("step", step as f64)
                .with("loss", loss)
                .with("gradNorm", grad_norm),
        }
    }
}

/// A file that could not be written, in the words of whoever refused it.
impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self(js_sys::Error::new(&error.to_string()))
    }
}

/// A value that JavaScript does not have.
impl From<serde_wasm_bindgen::Error> for Failure {
    fn from(error: serde_wasm_bindgen::Error) -> Self {
        Self(js_sys::Error::new(&error.to_string()))
    }
}

/// A value of the wrong type, or with unknown or missing fields.
impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Self(js_sys::Error::new(&error.to_string()))
    }
}

impl From<Failure> for JsValue {
    fn from(failure: Failure) -> Self {
        failure.0.into()
    }
}
