//! What defines a run: every setting, its range and its default, in one struct.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{Error, Result, models, optim, quant};

/// The settings of one run. Together with the data set they determine every number of it.
///
/// Serialises to camelCase JSON; missing fields take their default, unknown ones are an error.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct RunConfig {
    /// Name of a preset in [`models::MODELS`].
    pub model: String,
    /// Name of a scheme in [`quant::QUANTIZERS`]; `none` trains in FP32.
    pub quantizer: String,
    /// Bit width of the weights, 2 to 8.
    pub bits: u8,
    /// `W <- 3 tanh(W / 3)` after every step.
    pub tanh_clip: bool,
    /// One scale a layer; off: one scale for the whole net.
    pub per_layer_scale: bool,
    /// Clips the global gradient norm to 0.5.
    pub grad_clip: bool,
    /// Passes the gradient of the quantized weights on to the master weights; off: the true derivative of
    /// rounding, which is 0.
    pub straight_through: bool,
    /// Random crops and horizontal flips of the training images.
    pub augment: bool,
    /// Passes over the training images, 1 to 1000.
    pub epochs: u32,
    /// Images a step, 2 to 1024.
    pub batch: u32,
    /// Initial learning rate, above 0 and at most 1.
    pub lr: f64,
    /// Convolutions by Winograd's algorithm where that is faster; off: all by the direct one.
    pub winograd: bool,
    /// Name of a rule in [`optim::SCHEDULES`].
    pub schedule: String,
    /// Seed of initial weights, shuffling, augmentation and dropout.
    pub seed: u32,
}

impl Default for RunConfig {
    /// The published settings, but for the schedule (which only falls here) and the number of epochs.
    fn default() -> Self {
        Self {
            model: "simple_resnet4bit".into(),
            quantizer: "symmetric".into(),
            bits: 4,
            tanh_clip: true,
            per_layer_scale: true,
            grad_clip: true,
            straight_through: true,
            augment: true,
            epochs: 10,
            batch: 128,
            lr: 1e-3,
            winograd: true,
            schedule: "cosine".into(),
            seed: 1,
        }
    }
}

impl RunConfig {
    /// Checks every field.
    ///
    /// # Errors
    /// [`Error::Config`] for the first field outside its range.
    pub fn validate(&self) -> Result<()> {
        models::find(&self.model)?;
        quant::find(&self.quantizer)?;
        optim::find_schedule(&self.schedule)?;
        check_range("bits", self.bits, 2, 8)?;
        check_range("epochs", self.epochs, 1, 1000)?;
        check_range("batch", self.batch, 2, 1024)?;
        if !(self.lr > 0.0 && self.lr <= 1.0) {
            return Err(Error::Config {
                field: "lr",
                expected: "a number above 0 and at most 1".into(),
                found: self.lr.to_string(),
            });
        }
        Ok(())
    }

    /// These settings with some replaced, by their JSON names.
    ///
    /// # Errors
    /// [`Error::Config`] for an unknown name or a value of the wrong type; ranges are those of
    /// [`RunConfig::validate`].
    pub fn with(&self, changes: Map<String, Value>) -> Result<Self> {
        let mut settings = serde_json::to_value(self).expect("settings are plain values");
        let object = settings.as_object_mut().expect("settings are an object");
        let found = Value::Object(changes.clone()).to_string();
        object.extend(changes);
        serde_json::from_value(settings).map_err(|problem| Error::Config {
            field: "config",
            expected: format!("valid settings ({problem})"),
            found,
        })
    }
}

fn check_range<T: PartialOrd + std::fmt::Display>(
    field: &'static str,
    value: T,
    min: T,
    max: T,
) -> Result<()> {
    if value < min || value > max {
        return Err(Error::Config { field, expected: format!("{min} to {max}"), found: value.to_string() });
    }
    Ok(())
}

/// A named choice for menus, URLs and parametrised tests.
#[derive(Debug, Clone, Serialize)]
pub struct Entry {
    /// The name in the URL and in [`RunConfig`].
    pub name: &'static str,
    /// What a menu shows.
    pub label: &'static str,
    /// One sentence on what it is.
    pub about: &'static str,
}

/// Finds `name` among named values.
///
/// # Errors
/// [`Error::Config`] that lists the accepted names.
pub(crate) fn find_named<T>(
    field: &'static str,
    name: &str,
    all: &'static [T],
    entry: impl Fn(&T) -> &Entry,
) -> Result<&'static T> {
    all.iter().find(|item| entry(item).name == name).ok_or_else(|| Error::Config {
        field,
        expected: all.iter().map(|item| entry(item).name).collect::<Vec<_>>().join(", "),
        found: name.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn default_is_valid_and_survives_json() {
        let config = RunConfig::default();
        config.validate().unwrap();
        let json = serde_json::to_string(&config).unwrap();
        assert_eq!(serde_json::from_str::<RunConfig>(&json).unwrap(), config);
    }

    #[test]
    fn some_settings_are_replaced_and_the_others_kept() {
        let config = RunConfig { lr: 0.25, bits: 8, ..RunConfig::default() };
        let with = |json: &str| config.with(serde_json::from_str(json).unwrap());
        assert_eq!(with("{}").unwrap(), config);
        let changed = with(r#"{"bits":3,"tanhClip":false}"#).unwrap();
        assert_eq!(changed, RunConfig { bits: 3, tanh_clip: false, ..config.clone() });
        let message = with(r#"{"bitz":3}"#).unwrap_err().to_string();
        assert!(message.contains("bitz"), "{message}");
    }

    #[test]
    fn bad_fields_are_named() {
        let cases = [
            (r#"{"bits":9}"#, "bits: expected 2 to 8, found 9"),
            (r#"{"lr":0}"#, "lr: expected a number above 0 and at most 1, found 0"),
            (r#"{"batch":1}"#, "batch: expected 2 to 1024, found 1"),
            (r#"{"quantizer":"magic"}"#, "quantizer: expected symmetric, none, found magic"),
        ];
        for (json, message) in cases {
            let config: RunConfig = serde_json::from_str(json).unwrap();
            assert_eq!(config.validate().unwrap_err().to_string(), message);
        }
        assert!(serde_json::from_str::<RunConfig>(r#"{"learning_rate":1}"#).is_err());
    }
}
