//! Bit widths: one for all layers, and exceptions by a layer's name.

use std::fmt;
use std::str::FromStr;

use serde::de::{self, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Bits of the weights, as text `4` or `4,conv1:8,linear2:8`: 4 in every layer, but 8 in two of them.
///
/// In JSON a number where there are no exceptions, else the text. Whether there are layers of these names, only a
/// model knows; what widths there are, only the table of settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bits {
    /// Of every layer that is no exception.
    pub all: u8,
    /// The exceptions, each layer once, in the order in which they were given.
    pub layers: Vec<(String, u8)>,
}

impl Bits {
    /// Bits of the layer of that name.
    pub fn of(&self, layer: &str) -> u8 {
        self.layers.iter().find(|(name, _)| name == layer).map_or(self.all, |(_, bits)| *bits)
    }

    /// Names of the layers that are exceptions.
    pub fn layers(&self) -> impl Iterator<Item = &str> {
        self.layers.iter().map(|(name, _)| name.as_str())
    }

    /// The first width outside of a range, as it is written: `9`, or `conv1:9`.
    pub(super) fn outside(&self, min: u8, max: u8) -> Option<String> {
        let good = min..=max;
        if !good.contains(&self.all) {
            return Some(self.all.to_string());
        }
        let (name, bits) = self.layers.iter().find(|(_, bits)| !good.contains(bits))?;
        Some(format!("{name}:{bits}"))
    }
}

impl From<u8> for Bits {
    fn from(all: u8) -> Self {
        Self { all, layers: Vec::new() }
    }
}

impl fmt::Display for Bits {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}", self.all)?;
        self.layers.iter().try_for_each(|(name, bits)| write!(f, ",{name}:{bits}"))
    }
}

/// Text that is no bit widths: what was expected in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoBits(&'static str);

impl fmt::Display for NoBits {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl FromStr for Bits {
    type Err = NoBits;

    fn from_str(text: &str) -> Result<Self, NoBits> {
        const FORM: NoBits = NoBits("a width and perhaps exceptions (4,conv1:8)");
        let mut parts = text.split(',').map(str::trim);
        let mut bits = Self::from(parts.next().and_then(width).ok_or(FORM)?);
        for part in parts {
            let (name, width) = part
                .split_once(':')
                .and_then(|(name, bits)| Some((name.trim(), width(bits.trim())?)))
                .ok_or(FORM)?;
            if name.is_empty() {
                return Err(FORM);
            }
            if bits.layers().any(|other| other == name) {
                return Err(NoBits("each layer once"));
            }
            bits.layers.push((name.into(), width));
        }
        Ok(bits)
    }
}

/// A number of digits alone: no sign, which the number's own parser would take.
fn width(text: &str) -> Option<u8> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

impl Serialize for Bits {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        if self.layers.is_empty() { to.serialize_u8(self.all) } else { to.collect_str(self) }
    }
}

impl<'de> Deserialize<'de> for Bits {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct NumberOrText;

        impl Visitor<'_> for NumberOrText {
            type Value = Bits;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a width, or text such as \"4,conv1:8\"")
            }

            fn visit_u64<E: de::Error>(self, bits: u64) -> Result<Bits, E> {
                let bits =
                    u8::try_from(bits).map_err(|_| E::invalid_value(Unexpected::Unsigned(bits), &self))?;
                Ok(bits.into())
            }

            fn visit_i64<E: de::Error>(self, bits: i64) -> Result<Bits, E> {
                let whole =
                    u64::try_from(bits).map_err(|_| E::invalid_value(Unexpected::Signed(bits), &self))?;
                self.visit_u64(whole)
            }

            // JavaScript has one kind of number.
            fn visit_f64<E: de::Error>(self, bits: f64) -> Result<Bits, E> {
                if bits.fract() == 0.0 && (0.0..=255.0).contains(&bits) {
                    return Ok((bits as u8).into());
                }
                Err(E::invalid_value(Unexpected::Float(bits), &self))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Bits, E> {
                text.parse().map_err(|_| E::invalid_value(Unexpected::Str(text), &self))
            }
        }

        from.deserialize_any(NumberOrText)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_json_say_the_same() {
        for (text, json) in [("4", "4"), ("4,conv1:8,linear2:2", "\"4,conv1:8,linear2:2\"")] {
            let bits: Bits = text.parse().unwrap();
            assert_eq!(bits.to_string(), text);
            assert_eq!(serde_json::to_string(&bits).unwrap(), json);
            assert_eq!(serde_json::from_str::<Bits>(json).unwrap(), bits);
        }
        assert_eq!(" 4, conv1 : 8 ".parse::<Bits>().unwrap().to_string(), "4,conv1:8");
        assert_eq!(serde_json::from_str::<Bits>("3.0").unwrap(), 3.into());
    }

    #[test]
    fn exceptions_go_before_the_rule() {
        let bits: Bits = "4,conv1:8".parse().unwrap();
        assert_eq!((bits.of("conv1"), bits.of("conv2"), bits.of("conv")), (8, 4, 4));
        assert_eq!(bits.layers().collect::<Vec<_>>(), ["conv1"]);
        assert_eq!(bits.outside(2, 8), None);
        assert_eq!(bits.outside(2, 4), Some("conv1:8".into()));
        assert_eq!(bits.outside(5, 8), Some("4".into()));
    }

    #[test]
    fn what_is_no_width_is_refused() {
        for text in
            ["", "four", "+4", "-4", "4.5", "256", "4,", "4,8", "4,conv1", "4,:8", "4,conv1:", "4,a:8,a:2"]
        {
            assert!(text.parse::<Bits>().is_err(), "{text}");
        }
        for json in ["-4", "4.5", "300", "true", "\"4,\"", "[4]"] {
            assert!(serde_json::from_str::<Bits>(json).is_err(), "{json}");
        }
    }
}
