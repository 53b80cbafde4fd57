//! What to train: settings from flags, a file and an address, in this order of weight.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use clap::{Arg, ArgMatches, value_parser};
use nibble::RunConfig;
use nibble::recipes::{self, RECIPES, Recipe};
use nibble::settings::{SETTINGS, Setting, find};
use toml::{Table, Value};

use crate::address;
use crate::problem::{Problem, Result, note};

/// Names a recipe, whose settings come before all others.
const RECIPE: &str = "recipe";
/// What addresses hold besides the table (`www/settings.js`).
const OF_THE_PAGE: [&str; 5] = ["race", "images", "embed", "show", "lesson"];

/// What to train.
#[derive(Clone, Default)]
pub struct Wanted {
    pub config: RunConfig,
    /// The data set, where it was named.
    pub data: Option<String>,
    /// Numbers of built-in images, where they were named.
    pub train: Option<usize>,
    pub test: Option<usize>,
    /// Keys that were given and say nothing of the run.
    passed_over: Vec<String>,
}

/// A flag for each row that counts here, and where else settings may come from.
pub fn arguments() -> impl Iterator<Item = Arg> {
    let recipes: Vec<_> = RECIPES.iter().map(|recipe| recipe.entry.name).collect();
    let recipe = Arg::new(RECIPE)
        .long(RECIPE)
        .value_name("NAME")
        .help(format!("Settings that train well [{}]; all others go before them", recipes.join(", ")));
    let from = Arg::new("from")
        .long("from")
        .value_name("ADDRESS")
        .help("Settings from an address of the page, such as https://…?model=vgg4bit&bits=4");
    let file = Arg::new("settings")
        .long("settings")
        .value_name("FILE")
        .value_parser(value_parser!(PathBuf))
        .help("Settings from a TOML file, a line `key = value` each; they go before those of an address");
    let flags = rows().map(|row| {
        let hint = if row.hint.is_empty() { String::new() } else { format!(" {}", row.hint) };
        let default = row.format(&row.default_value());
        Arg::new(row.key)
            .long(row.key)
            .aliases(row.aliases)
            .value_name("VALUE")
            .allow_negative_numbers(true)
            .help_heading("Settings")
            .help(format!("{}.{hint} [{}; default {default}]", row.label, row.expected()))
    });
    [recipe, from, file].into_iter().chain(flags)
}

/// The rows that have a flag; where images lie is an argument of its own.
pub fn rows() -> impl Iterator<Item = &'static Setting> {
    SETTINGS.iter().filter(|row| row.field.is_some() || matches!(row.key, "train" | "test"))
}

/// The settings that were given as flags: key and text.
pub fn flags(arguments: &ArgMatches) -> impl Iterator<Item = (&'static str, &str)> {
    rows().filter_map(|row| Some((row.key, arguments.get_one::<String>(row.key)?.as_str())))
}

impl Wanted {
    /// # Errors
    /// For a key that does not exist, a value out of range, and a file that is none of settings.
    pub fn new(arguments: &ArgMatches) -> Result<Self> {
        let address = arguments.get_one::<String>("from");
        let address = address.map_or_else(Vec::new, |address| address::pairs(address));
        let path = arguments.get_one::<PathBuf>("settings");
        let file = path.map_or_else(|| Ok(Vec::new()), |path| read(path))?;
        let mut wanted = Self::default();
        let flag = arguments.get_one::<String>(RECIPE).map(String::as_str);
        wanted.follow(flag.or_else(|| recipe(&file)).or_else(|| recipe(&address)))?;
        wanted.set_address(address)?;
        for (key, text) in file.iter().filter(|(key, _)| key != RECIPE) {
            wanted.set(key, text).map_err(|problem| Problem {
                sentence: format!("{}: {}", path.expect("it was read").display(), problem.sentence),
                ..problem
            })?;
        }
        for (key, text) in flags(arguments) {
            wanted.set(key, text)?;
        }
        wanted.checked()
    }

    /// What an address of the page asks for.
    ///
    /// # Errors
    /// For a key that does not exist, and a value out of range.
    pub fn of_address(address: &str) -> Result<Self> {
        let pairs = address::pairs(address);
        let mut wanted = Self::default();
        wanted.follow(recipe(&pairs))?;
        wanted.set_address(pairs)?;
        wanted.checked()
    }

    /// Takes the settings of a recipe.
    fn follow(&mut self, name: Option<&str>) -> Result<()> {
        let recipe = name.map(recipes::find).transpose()?;
        recipe.into_iter().flat_map(Recipe::settings).try_for_each(|(key, text)| self.set(key, text))
    }

    fn checked(self) -> Result<Self> {
        if !self.passed_over.is_empty() {
            note(format!("passed over, being no setting of a run: {}", self.passed_over.join(", ")));
        }
        self.config.validate()?;
        Ok(self)
    }

    /// The texts of all by their keys, as [`Wanted::set`] takes them; without those that were not named, where no run has
    /// a default.
    pub fn texts(&self) -> BTreeMap<String, String> {
        let count = |count: Option<usize>| count.map(|count| count.to_string());
        let own = [("data", self.data.clone()), ("train", count(self.train)), ("test", count(self.test))];
        let own = own.into_iter().filter_map(|(key, text)| Some((key.to_owned(), text?)));
        self.config.texts().into_iter().chain(own).collect()
    }

    /// Addresses name every setting: beside a former key, the present one at its default says nothing.
    fn set_address(&mut self, mut pairs: Vec<(String, String)>) -> Result<()> {
        pairs.retain(|(key, _)| key != RECIPE);
        let of_former =
            |key: &str| SETTINGS.iter().find(|row| row.former.iter().any(|(former, ..)| *former == key));
        let (former, present): (Vec<_>, Vec<_>) =
            pairs.into_iter().partition(|(key, _)| of_former(key).is_some());
        for (key, text) in &former {
            self.set(key, text)?;
        }
        for (key, text) in &present {
            let row = find(key).ok();
            let replaced = |row: &&Setting| {
                former.iter().any(|(key, _)| of_former(key).is_some_and(|other| other.key == row.key))
                    && *text == row.format(&row.default_value())
            };
            if row.filter(replaced).is_none() {
                self.set(key, text)?;
            }
        }
        Ok(())
    }

    /// Sets one by its key.
    ///
    /// # Errors
    /// For a key that does not exist, and a value out of range.
    pub fn set(&mut self, key: &str, text: &str) -> Result<()> {
        if OF_THE_PAGE.contains(&key) {
            self.passed_over.push(key.into());
            return Ok(());
        }
        let row = match find(key) {
            Ok(row) if row.field.is_none() => row,
            _ => return Ok(self.config.set(key, text)?),
        };
        let value = row.parse(text)?;
        match row.key {
            "data" => self.data = Some(text.into()),
            "train" => self.train = value.as_u64().map(|count| count as usize),
            "test" => self.test = value.as_u64().map(|count| count as usize),
            _ if value != row.default_value() => self.passed_over.push(key.into()),
            _ => {}
        }
        Ok(())
    }
}

/// The recipe that settings name.
fn recipe(pairs: &[(String, String)]) -> Option<&str> {
    pairs.iter().rev().find(|(key, _)| key == RECIPE).map(|(_, name)| name.as_str())
}

/// The settings of a TOML file, as texts.
fn read(path: &Path) -> Result<Vec<(String, String)>> {
    let text = fs::read_to_string(path).map_err(|error| Problem::unreadable(path, &error))?;
    let table: Table = text.parse().map_err(|error: toml::de::Error| {
        Problem::usage(format!("{}: expected TOML, found {}", path.display(), error.message()))
    })?;
    let text = |(key, value)| match value {
        Value::String(text) => Ok((key, text)),
        Value::Boolean(on) => Ok((key, u8::from(on).to_string())),
        Value::Integer(number) => Ok((key, number.to_string())),
        Value::Float(number) => Ok((key, number.to_string())),
        other => {
            let expected = "a number, a switch or a text";
            Err(Problem::usage(format!(
                "{}: {key}: expected {expected}, found {}",
                path.display(),
                other.type_str()
            )))
        }
    };
    table.into_iter().map(text).collect()
}
