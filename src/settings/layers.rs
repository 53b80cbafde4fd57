//! Settings of single layers: exceptions to what a run has for all of them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{RunConfig, find};
use crate::{Error, Result};

/// Settings that a layer can have of its own. Its bits are those of [`Bits`](super::Bits).
pub(super) const OWN: [&str; 4] = ["quantizer", "granularity", "activations", "actbits"];

/// What single layers have of their own, as text `conv1.quantizer:lsq,conv1.granularity:channel`: a layer's name, the
/// setting's key and its value. Activations of a layer are those that its ReLU hands on.
///
/// Whether there are layers of these names, only a model knows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Layers(Vec<Own>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Own {
    layer: String,
    key: String,
    value: String,
}

impl Layers {
    /// Names of the layers, with the setting that each has; a layer may come several times.
    pub fn settings(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|own| (own.layer.as_str(), own.key.as_str()))
    }

    /// Whether that layer has one of these settings of its own.
    pub fn has(&self, layer: &str, keys: &[&str]) -> bool {
        self.settings().any(|(name, key)| name == layer && keys.contains(&key))
    }

    /// Keeps what is said of some settings.
    pub fn retain(&mut self, keep: impl Fn(&str) -> bool) {
        self.0.retain(|own| keep(&own.key));
    }

    /// Checks every value.
    ///
    /// # Errors
    /// [`Error::Config`] for a setting that no layer can have of its own, and for a value that is none of it.
    pub(super) fn check(&self) -> Result<()> {
        self.0.iter().try_for_each(|Own { layer, key, value }| {
            let problem = |expected| Error::Config {
                field: "layers",
                expected,
                found: format!("{layer}.{key}:{value}"),
            };
            if !OWN.contains(&key.as_str()) {
                return Err(problem(OWN.join(", ")));
            }
            if (key.as_str(), value.as_str()) == ("granularity", "net") {
                return Err(problem("a scale of its own".into()));
            }
            find(key)?.parse(value).map(drop)
        })
    }
}

impl RunConfig {
    /// These settings as one layer has them.
    ///
    /// # Errors
    /// [`Error::Config`] for a value out of range.
    pub fn of_layer(&self, layer: &str) -> Result<Self> {
        let mut config = self.clone();
        for own in self.layers.0.iter().filter(|own| own.layer == layer) {
            config.set(&own.key, &own.value)?;
        }
        Ok(config)
    }
}

impl fmt::Display for Layers {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        self.0.iter().enumerate().try_for_each(|(i, Own { layer, key, value })| {
            let comma = if i > 0 { "," } else { "" };
            write!(f, "{comma}{layer}.{key}:{value}")
        })
    }
}

/// What is expected in the place of other text.
const FORM: &str = "a layer, a setting and its value (conv1.quantizer:lsq), each setting of a layer once";

impl FromStr for Layers {
    type Err = &'static str;

    fn from_str(text: &str) -> std::result::Result<Self, &'static str> {
        let mut layers = Self::default();
        for part in text.split(',').map(str::trim).filter(|_| !text.is_empty()) {
            let (path, value) = part.split_once(':').ok_or(FORM)?;
            let (layer, key) = path.rsplit_once('.').ok_or(FORM)?;
            let [layer, key, value] = [layer, key, value].map(|word| word.trim().to_owned());
            if layer.is_empty() || layers.has(&layer, &[&key]) {
                return Err(FORM);
            }
            layers.0.push(Own { layer, key, value });
        }
        Ok(layers)
    }
}

impl Serialize for Layers {
    fn serialize<S: Serializer>(&self, to: S) -> std::result::Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Layers {
    fn deserialize<D: Deserializer<'de>>(from: D) -> std::result::Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exceptions_go_before_the_rule() {
        let text = "conv1.quantizer:lsq,conv1.granularity:channel,a.b.activations:pact";
        let mut config = RunConfig::default();
        config.set("layers", text).unwrap();
        assert_eq!(config.layers.to_string(), text);
        let of = |layer: &str| {
            let own = config.of_layer(layer).unwrap();
            [own.quantizer, own.granularity, own.activations]
        };
        assert_eq!(of("conv1"), ["lsq", "channel", "none"]);
        assert_eq!(of("a.b"), ["symmetric", "tensor", "pact"]);
        assert_eq!(of("conv2"), ["symmetric", "tensor", "none"]);
        assert!(
            config.layers.has("conv1", &["bits", "quantizer"])
                && !config.layers.has("conv1", &["activations"])
        );
        config.set("layers", "").unwrap();
        assert_eq!(config, RunConfig::default());
    }

    #[test]
    fn what_no_layer_can_have_is_refused() {
        for text in [
            "conv1",
            "conv1.quantizer",
            "conv1:lsq",
            ".quantizer:lsq",
            "conv1.quantizer:magic",
            "conv1.lr:0.1",
            "conv1.granularity:net",
            "conv1.actbits:9",
            "conv1.quantizer:lsq,",
            "conv1.quantizer:lsq,conv1.quantizer:fp4",
        ] {
            assert!(RunConfig::default().set("layers", text).is_err(), "{text}");
        }
    }
}
