//! Settings: one table says everything about each of them (`table.rs`); this is what a row can say and what reads it.

mod bits;
mod layers;
mod number;
mod print;
mod table;

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::{Map, Value, json};

pub use bits::{Bits, NoBits};
pub use layers::Layers;
pub(crate) use number::number;
pub use print::{javascript, markdown};
pub use table::{RunConfig, SETTINGS};

use crate::export::{TARGETS, Target};
use crate::kernels::blocks::Granularity;
use crate::model::{Description, Model};
use crate::quant::SchemeEntry;
use crate::recipes::{RECIPES, Recipe};
use crate::registry::{Entry, names};
use crate::run::CALIBRATIONS;
use crate::sensitivity::{SENSITIVITIES, Sensitivity, Unit};
use crate::{Error, Result, models, quant};

/// The entries of a menu.
pub type Menu = fn() -> Vec<&'static Entry>;

/// What values a setting has, and so which control shows it.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// On or off.
    Switch,
    /// A whole number.
    Integer {
        /// The smallest.
        min: u32,
        /// The largest.
        max: u32,
        /// What the arrow keys move by.
        step: u32,
    },
    /// Any number of a range.
    Number {
        /// The smallest.
        min: f64,
        /// The largest.
        max: f64,
        /// Its slider moves by factors. Where the range begins with 0, from a millionth of the largest on.
        log: bool,
    },
    /// One of a registry, in a menu.
    Choice(Menu),
    /// One of a registry of number formats, in a menu with a heading over each kind of number.
    Schemes(fn() -> Vec<SchemeEntry>),
    /// Bit widths: see [`Bits`].
    Bits {
        /// The narrowest.
        min: u8,
        /// The widest.
        max: u8,
    },
    /// What single layers have of their own: see [`Layers`].
    Layers,
    /// `auto`, or a whole number from 1 on. What `auto` is here, the page says in its menu.
    Auto {
        /// The largest.
        max: u32,
    },
    /// Any text.
    Text,
}

/// When a setting has an effect, by another one's value as the address has it.
#[derive(Debug, Clone, Copy)]
pub enum When {
    /// In every run.
    Always,
    /// Where the setting of that key has one of these values, parted by `|`.
    Is(&'static str, &'static str),
    /// Where it has none of them.
    Not(&'static str, &'static str),
    /// Where the setting of the second key has one of the values that are found for the value of the first.
    By(&'static str, &'static str, fn(&str) -> Vec<&'static str>),
}

/// One row of [`SETTINGS`].
#[derive(Debug)]
pub struct Setting {
    /// Its name in the address, in files, on the command line, and in messages.
    pub key: &'static str,
    /// Former keys, which are read and never written.
    pub aliases: &'static [&'static str],
    /// Switches that this one has taken the place of: key, value, and the value of this one that says the same. They
    /// are read and never written.
    pub former: &'static [(&'static str, &'static str, &'static str)],
    /// Former names of values, each with what it is called now. They are read and never written.
    pub renamed: &'static [(&'static str, &'static str)],
    /// The field of [`RunConfig`]; `None` where it is the page's or the command line's and not the engine's.
    pub field: Option<&'static str>,
    /// The default of one without a field, as the address has it.
    pub initial: &'static str,
    /// What people call it.
    pub label: &'static str,
    /// One sentence of help.
    pub hint: &'static str,
    /// Its values.
    pub kind: Kind,
    /// The group of controls that shows it: `top`, `method`, `data`, `seed` and `engine` have places of their own on
    /// the page, any other is a heading under "More settings".
    pub group: &'static str,
    /// What a run is called that differs in it from the one beside it; empty: runs side by side may not differ in it,
    /// since batches and initial weights would. `{}` is the value, a switch's `on` or `off`; `a|b` are a switch's two
    /// names; `{precision}` is what the weights are, as "4-bit".
    pub races: &'static str,
    /// Whether a copy of a run may go on with another value.
    pub forks: bool,
    /// The version that it came with.
    pub since: &'static str,
    /// When it has an effect.
    pub applies: When,
}

impl Setting {
    /// What a row need not say.
    pub const ROW: Self = Self {
        key: "",
        aliases: &[],
        former: &[],
        renamed: &[],
        field: None,
        initial: "",
        label: "",
        hint: "",
        kind: Kind::Text,
        group: "",
        races: "",
        forks: true,
        since: "0.1",
        applies: When::Always,
    };

    /// Whether that is its key, or a former one.
    pub fn is_named(&self, key: &str) -> bool {
        self.key == key || self.aliases.contains(&key)
    }

    /// Name of its field in JSON: `straightThrough`.
    pub fn json_field(&self) -> Option<String> {
        let mut words = self.field?.split('_');
        let first = words.next().unwrap_or("").to_string();
        // A field's name is ASCII: Unicode's tables would be 13 KB of every build.
        Some(words.fold(first, |name, word| name + &word[..1].to_ascii_uppercase() + &word[1..]))
    }

    /// The entries of its menu, if it has one.
    pub fn choices(&self) -> Option<Vec<&'static Entry>> {
        match self.kind {
            Kind::Choice(menu) => Some(menu()),
            Kind::Schemes(menu) => Some(menu().into_iter().map(|scheme| scheme.entry).collect()),
            _ => None,
        }
    }

    /// What is accepted, as messages say it.
    pub fn expected(&self) -> String {
        match self.kind {
            Kind::Switch => "1 (on) or 0 (off)".into(),
            Kind::Integer { min, max, .. } => format!("{min} to {max}"),
            Kind::Number { min, max, .. } => format!("{min} to {max}"),
            Kind::Bits { min, max } => format!("{min} to {max}"),
            Kind::Choice(_) | Kind::Schemes(_) => names(self.choices().unwrap_or_default().into_iter()),
            Kind::Auto { max } => format!("auto, or 1 to {max}"),
            Kind::Layers => "settings of single layers (conv1.quantizer:lsq)".into(),
            Kind::Text => "text".into(),
        }
    }

    /// Checks a value, as JSON.
    ///
    /// # Errors
    /// [`Error::Config`] for one that is not of this kind or out of range.
    pub fn check(&self, value: &Value) -> Result<()> {
        let within = |min: f64, max: f64| value.as_f64().is_some_and(|number| number >= min && number <= max);
        let good = match self.kind {
            Kind::Switch => value.is_boolean(),
            Kind::Integer { min, max, .. } => within(min.into(), max.into()) && value.as_u64().is_some(),
            Kind::Number { min, max, .. } => within(min, max),
            Kind::Bits { min, max } => match serde_json::from_value::<Bits>(value.clone()) {
                Ok(bits) => match bits.outside(min, max) {
                    Some(found) => return Err(self.problem(self.expected(), found)),
                    None => true,
                },
                Err(_) => false,
            },
            Kind::Choice(_) | Kind::Schemes(_) => {
                let choices = self.choices().unwrap_or_default();
                choices.iter().any(|entry| value.as_str() == Some(entry.name))
            }
            Kind::Auto { max } => value.as_str().is_some_and(|text| {
                text == "auto" || text.parse().is_ok_and(|count: u32| (1..=max).contains(&count))
            }),
            Kind::Layers => match serde_json::from_value::<Layers>(value.clone()) {
                Ok(layers) => return layers.check(),
                Err(_) => false,
            },
            Kind::Text => value.is_string(),
        };
        if good { Ok(()) } else { Err(self.problem(self.expected(), self.format(value))) }
    }

    /// Reads a value as the address, a file or the command line has it; switches may also be `true`, `false`, `on`,
    /// `off`.
    ///
    /// # Errors
    /// [`Error::Config`] for text that is no value of it.
    pub fn parse(&self, text: &str) -> Result<Value> {
        let value = match self.kind {
            Kind::Switch => match text {
                "1" | "true" | "on" => true.into(),
                "0" | "false" | "off" => false.into(),
                _ => Value::Null,
            },
            Kind::Integer { .. } => text.parse::<u32>().map_or(Value::Null, Value::from),
            Kind::Number { .. } => number(text).map_or(Value::Null, Value::from),
            Kind::Bits { .. } => match text.parse::<Bits>() {
                Ok(bits) => json!(bits),
                Err(problem) => return Err(self.problem(problem.to_string(), text.into())),
            },
            Kind::Layers => match text.parse::<Layers>() {
                Ok(layers) => json!(layers),
                Err(form) => return Err(self.problem(form.into(), text.into())),
            },
            Kind::Choice(_) | Kind::Schemes(_) | Kind::Auto { .. } | Kind::Text => {
                self.renamed.iter().find(|(former, _)| *former == text).map_or(text, |(_, now)| now).into()
            }
        };
        if value.is_null() {
            return Err(self.problem(self.expected(), text.into()));
        }
        self.check(&value)?;
        Ok(value)
    }

    /// A value as the address has it.
    pub fn format(&self, value: &Value) -> String {
        match value {
            Value::Bool(on) => if *on { "1" } else { "0" }.into(),
            Value::String(text) => text.clone(),
            // Not by JSON's own text, which has `0.0`, and whose tables every build would carry.
            Value::Number(number) => match (number.as_u64(), number.as_f64()) {
                (Some(whole), _) => whole.to_string(),
                (None, number) => number.unwrap_or(f64::NAN).to_string(),
            },
            _ => "no number".into(),
        }
    }

    /// Its default, as JSON.
    pub fn default_value(&self) -> Value {
        match self.field {
            Some(field) => RunConfig::default().get(field).expect("a row's field is there"),
            None => self.parse(self.initial).expect("a row's default is valid"),
        }
    }

    fn problem(&self, expected: String, found: String) -> Error {
        Error::Config { field: self.key, expected, found }
    }

    /// What the page is told of it; what a row need not say is left out.
    fn row(&self) -> Value {
        let (kind, range) = match self.kind {
            Kind::Switch => ("switch", json!({})),
            Kind::Integer { min, max, step } => ("integer", json!({ "min": min, "max": max, "step": step })),
            Kind::Number { min, max, log } => ("number", json!({ "min": min, "max": max, "log": log })),
            Kind::Choice(menu) => ("choice", json!({ "choices": menu() })),
            Kind::Schemes(menu) => ("choice", json!({ "choices": menu() })),
            Kind::Bits { min, max } => ("bits", json!({ "min": min, "max": max })),
            Kind::Auto { .. } => ("choice", json!({ "choices": [{ "name": "auto", "label": "Auto" }] })),
            Kind::Layers => ("layers", json!({ "keys": layers::OWN })),
            Kind::Text => ("text", json!({})),
        };
        let mut row = Map::new();
        row.extend(range.as_object().cloned().unwrap_or_default());
        let mut put = |name: &str, value: Value| {
            if value != json!("") && value != json!([]) && !value.is_null() {
                row.insert(name.into(), value);
            }
        };
        put("key", self.key.into());
        put("aliases", json!(self.aliases));
        put("former", json!(self.former));
        put("renamed", json!(self.renamed));
        put("label", self.label.into());
        put("hint", self.hint.into());
        put("kind", kind.into());
        put("group", self.group.into());
        put("races", self.races.into());
        put("forks", self.forks.into());
        put("field", json!(self.json_field()));
        put("applies", json!(self.applies));
        row.insert("default".into(), self.default_value());
        row.into()
    }
}

impl When {
    /// Of [`When::By`], every value of the first setting with those of the second.
    fn pairs(key: &str, found: fn(&str) -> Vec<&'static str>) -> Vec<(&'static str, Vec<&'static str>)> {
        let choices = find(key).ok().and_then(Setting::choices).unwrap_or_default();
        choices.into_iter().map(|entry| (entry.name, found(entry.name))).collect()
    }
}

impl Serialize for When {
    fn serialize<S: Serializer>(&self, to: S) -> std::result::Result<S::Ok, S::Error> {
        let values = |text: &str| text.split('|').map(String::from).collect::<Vec<_>>();
        match self {
            Self::Always => to.serialize_none(),
            Self::Is(key, of) => json!({ "key": key, "is": values(of) }).serialize(to),
            Self::Not(key, of) => json!({ "key": key, "not": values(of) }).serialize(to),
            Self::By(by, key, found) => {
                let is: Map<String, Value> = Self::pairs(by, *found)
                    .into_iter()
                    .map(|(value, of)| (value.into(), json!(of)))
                    .collect();
                json!({ "key": key, "by": by, "is": is }).serialize(to)
            }
        }
    }
}

/// The row of a key, or of a former one.
///
/// # Errors
/// [`Error::Config`] that lists the keys.
pub fn find(key: &str) -> Result<&'static Setting> {
    SETTINGS.iter().find(|row| row.is_named(key)).ok_or_else(|| Error::Config {
        field: "setting",
        expected: SETTINGS.iter().map(|row| row.key).collect::<Vec<_>>().join(", "),
        found: key.into(),
    })
}

/// What the page knows of the engine before the engine is there: the table, and the settings of a run by default. It
/// has them from pkg/registry.js, so that no build carries them a second time.
pub fn registry() -> Value {
    json!({
        "settings": SETTINGS.iter().map(Setting::row).collect::<Vec<_>>(),
        "defaults": RunConfig::default(),
        "weightLayers": of_models(|model| json!(model.params().filter(|(_, param)| param.is_weight()).map(|(layer, _)| layer).collect::<Vec<_>>())),
        "skips": of_models(|model| json!(model.skips())),
        "targets": TARGETS.iter().map(Target::row).collect::<Vec<_>>(),
        "recipes": RECIPES.iter().map(Recipe::row).collect::<Vec<_>>(),
        "sensitivities": SENSITIVITIES.iter().map(Sensitivity::row).collect::<Vec<_>>(),
        "budgets": Unit::ALL.map(Unit::entry),
        "calibrations": CALIBRATIONS.iter().map(|calibrator| &calibrator.entry).collect::<Vec<_>>(),
    })
}

/// What there is to say of each model.
fn of_models(told: impl Fn(&Model) -> Value) -> BTreeMap<&'static str, Value> {
    let of = |preset: &'static models::Preset| {
        let config = RunConfig { model: preset.entry.name.into(), ..RunConfig::default() };
        let model = Description::preset(2, config).and_then(|description| Model::new(&description));
        let model = model.unwrap_or_else(|problem| panic!("{}: {problem}", preset.entry.name));
        (preset.entry.name, told(&model))
    };
    models::MODELS.iter().map(of).collect()
}

impl RunConfig {
    /// Every row with a field, and the field's value.
    fn rows(&self) -> impl Iterator<Item = (&'static Setting, Value)> {
        SETTINGS.iter().filter_map(|row| Some((row, self.get(row.field?)?)))
    }

    /// The same with the roundings that integers need where nothing is said of them: to 8 bits.
    pub(crate) fn with_implied(&self) -> Self {
        let mut config = self.clone();
        if config.compute == "int8" && config.activations == "none" {
            (config.activations, config.activation_bits) = ("affine".into(), 8);
        }
        if config.compute == "int8" && config.gradients == "none" {
            (config.gradients, config.gradient_bits) = ("symmetric".into(), 8);
        }
        config
    }

    /// The texts of all by their keys, as [`RunConfig::set`] takes them.
    pub fn texts(&self) -> BTreeMap<String, String> {
        self.rows().map(|(row, value)| (row.key.into(), row.format(&value))).collect()
    }

    /// Checks every field.
    ///
    /// # Errors
    /// [`Error::Config`] for the first one outside its range.
    pub fn validate(&self) -> Result<()> {
        self.rows().try_for_each(|(row, value)| row.check(&value))
    }

    /// Which weights share a scale.
    ///
    /// # Errors
    /// [`Error::Config`] for an unknown name.
    pub fn granularity(&self) -> Result<Granularity> {
        quant::find_granularity(&self.granularity)
    }

    /// Checks that a copy of a run with these settings can go on with other ones.
    ///
    /// # Errors
    /// [`Error::Config`] for the first that the copied state was made with and that differs.
    pub fn check_fork(&self, to: &Self) -> Result<()> {
        for ((row, from), (_, to)) in self.rows().zip(to.rows()) {
            if !row.forks && from != to {
                let expected = format!("{}, as in the run forked", row.format(&from));
                return Err(row.problem(expected, row.format(&to)));
            }
        }
        Ok(())
    }

    /// These settings with some replaced, by their JSON names.
    ///
    /// # Errors
    /// [`Error::Config`] for an unknown name or a value of the wrong type; ranges are those of
    /// [`RunConfig::validate`].
    pub fn with(&self, changes: Map<String, Value>) -> Result<Self> {
        let mut settings = self.clone();
        for (name, value) in changes {
            let refuse = |problem: String| Error::Config {
                field: "config",
                expected: format!("valid settings ({problem})"),
                found: format!("{name}: {value}"),
            };
            let row = SETTINGS.iter().find(|row| row.json_field().as_ref() == Some(&name));
            let field = row.and_then(|row| row.field).ok_or_else(|| refuse("unknown field".into()))?;
            settings.put(field, value.clone()).map_err(|problem| refuse(problem.to_string()))?;
        }
        Ok(settings)
    }

    /// Sets one by its key and the value's text, as the address, a file or the command line have it.
    ///
    /// # Errors
    /// [`Error::Config`] for an unknown key, one that is no setting of a run, and a value out of range.
    pub fn set(&mut self, key: &str, text: &str) -> Result<()> {
        let former = |row: &Setting| row.former.iter().find(|(old, value, _)| (*old, *value) == (key, text));
        if let Some((key, (_, _, now))) = SETTINGS.iter().find_map(|row| Some((row.key, former(row)?))) {
            return self.set(key, now);
        }
        let row = find(key)?;
        let value = row.parse(text)?;
        let Some(field) = row.field else {
            return Err(row.problem("a setting of a run".into(), format!("{key}={text}")));
        };
        self.put(field, value).map_err(|problem| row.problem(problem.to_string(), text.into()))
    }
}

// By the table and not derived: code for each of the fields, and a visitor of them all, was 21 KB of each wasm build.
impl Serialize for RunConfig {
    fn serialize<S: Serializer>(&self, to: S) -> std::result::Result<S::Ok, S::Error> {
        let fields = self.rows().filter_map(|(row, value)| Some((row.json_field()?, value)));
        fields.collect::<Map<_, _>>().serialize(to)
    }
}

impl<'de> Deserialize<'de> for RunConfig {
    fn deserialize<D: Deserializer<'de>>(from: D) -> std::result::Result<Self, D::Error> {
        Self::default().with(Map::deserialize(from)?).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests;
