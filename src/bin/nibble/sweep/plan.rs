//! What a sweep trains: every combination of the values of some settings, with several seeds.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use clap::ArgMatches;
use nibble::RunConfig;
use nibble::checkpoint::SUFFIX;
use nibble::settings::{Kind, Setting, When, find};
use serde::{Deserialize, Serialize};

use crate::images;
use crate::problem::{Problem, Result};
use crate::settings::{self, Wanted};

/// The version of [`Request`]'s file.
const FORMAT: u32 = 1;

/// What was asked for, as it is kept beside the runs: all that it takes to go on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Request {
    format: u32,
    /// Of every run, where the grid says nothing else.
    settings: BTreeMap<String, String>,
    grid: Vec<Axis>,
    seeds: Vec<u32>,
    skip_refused: bool,
    pub exact: bool,
    /// Where images lie.
    pub data: Vec<PathBuf>,
}

/// A setting and the values that it takes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Axis {
    key: String,
    values: Vec<String>,
}

/// Runs that differ in their seeds alone.
#[derive(Clone)]
pub struct Combination {
    /// The settings that the sweep varies and that have an effect here.
    pub varied: Vec<(&'static str, String)>,
    pub wanted: Wanted,
}

/// Every combination, and those that say the same as one before.
pub struct Plan {
    pub combinations: Vec<Combination>,
    pub seeds: Vec<u32>,
    pub skip_refused: bool,
    /// A sentence each.
    pub left_out: Vec<String>,
}

impl Request {
    /// What the command line asks for.
    ///
    /// # Errors
    /// For settings that do not exist, values out of range, and a setting that is given twice.
    pub fn new(arguments: &ArgMatches) -> Result<Self> {
        let wanted = Wanted::new(arguments)?;
        let mut grid: Vec<Axis> = Vec::new();
        for text in arguments.get_many::<String>("grid").into_iter().flatten() {
            let axis = Axis::new(text)?;
            if settings::flags(arguments).any(|(key, _)| key == axis.key) {
                return Err(Problem::usage(format!(
                    "{}: expected in --grid or as a flag, found both",
                    axis.key
                )));
            }
            if grid.iter().any(|other| other.key == axis.key) {
                return Err(Problem::usage(format!(
                    "--grid: expected each setting once, found {} twice",
                    axis.key
                )));
            }
            grid.push(axis);
        }
        let files = images::paths(arguments);
        if let (Some(axis), Some(file)) =
            (grid.iter().find(|axis| matches!(&*axis.key, "train" | "test")), files.first())
        {
            return Err(Problem::usage(format!(
                "--grid: {}: expected the built-in images, found {}",
                axis.key,
                file.display()
            )));
        }
        let seeds = seeds(&mut grid, wanted.config.seed, arguments)?;
        if grid.is_empty() && seeds.len() == 1 {
            return Err(Problem::usage(
                "sweep: expected --grid KEY=VALUE,VALUE or --seeds N, found a single run, which train is for",
            ));
        }
        let data = files.into_iter().map(|path| fs::canonicalize(&path).unwrap_or(path)).collect();
        Ok(Self {
            format: FORMAT,
            settings: wanted.texts(),
            grid,
            seeds,
            skip_refused: arguments.get_flag("skip-refused"),
            exact: arguments.get_flag("exact"),
            data,
        })
    }

    /// One that was kept.
    ///
    /// # Errors
    /// Where the file cannot be read, or is none.
    pub fn read(file: &Path) -> Result<Self> {
        let text = fs::read_to_string(file).map_err(|error| Problem::unreadable(file, &error))?;
        let none = |found: String| Problem::data(file, format!("a sweep of format {FORMAT}"), found);
        let request: Self = serde_json::from_str(&text).map_err(|error| none(error.to_string()))?;
        if request.format != FORMAT {
            return Err(none(format!("format {}", request.format)));
        }
        Ok(request)
    }

    /// What is kept.
    pub fn text(&self) -> String {
        serde_json::to_string_pretty(self).expect("keys are text") + "\n"
    }

    /// The combinations, in the order of the grid, the last setting varying first.
    ///
    /// # Errors
    /// For settings that do not exist or are out of range.
    pub fn plan(&self) -> Result<Plan> {
        let mut base = Wanted::default();
        self.settings.iter().try_for_each(|(key, text)| base.set(key, text))?;
        let mut all: Vec<Vec<(&'static Setting, &str)>> = vec![Vec::new()];
        for axis in &self.grid {
            let row = find(&axis.key)?;
            let with = |one: Vec<_>| {
                axis.values
                    .iter()
                    .map(move |value| one.iter().copied().chain([(row, value.as_str())]).collect())
            };
            all = all.into_iter().flat_map(with).collect();
        }
        let (mut combinations, mut left_out) = (Vec::<Combination>::new(), Vec::new());
        for values in all {
            let mut full = base.clone();
            values.iter().try_for_each(|(row, text)| full.set(row.key, text))?;
            let mut given = vec![full.texts()];
            for (layer, _) in full.config.layers.settings() {
                given.push(full.config.of_layer(layer)?.texts());
            }
            let applies = |row| given.iter().any(|texts| applies(row, texts));
            let (varied, idle) = values.into_iter().partition(|(row, _)| applies(row));
            let [varied, idle] = [varied, idle].map(|some: Vec<(&Setting, &str)>| {
                some.into_iter().map(|(row, text)| (row.key, text.to_owned())).collect::<Vec<_>>()
            });
            if combinations.iter().any(|combination| combination.varied == varied) {
                let (rest, idle) = (label(&varied), label(&idle));
                left_out.push(format!("{rest} {idle}: left out, since beside {rest} that changes nothing"));
                continue;
            }
            // What has no effect stays as it would be without the grid.
            let mut wanted = base.clone();
            varied.iter().try_for_each(|(key, text)| wanted.set(key, text))?;
            combinations.push(Combination { varied, wanted });
        }
        Ok(Plan { combinations, seeds: self.seeds.clone(), skip_refused: self.skip_refused, left_out })
    }
}

/// The seeds: those of the grid, or so many from the first on.
fn seeds(grid: &mut Vec<Axis>, first: u32, arguments: &ArgMatches) -> Result<Vec<u32>> {
    let count = arguments.get_one::<u32>("seeds").copied();
    if let Some(at) = grid.iter().position(|axis| axis.key == "seed") {
        if count.is_some() {
            return Err(Problem::usage("--seeds: expected no seeds in --grid beside it, found both"));
        }
        let values = grid.remove(at).values;
        return Ok(values.iter().filter_map(|seed| seed.parse().ok()).collect());
    }
    let seeds: Vec<_> = (first..).take(count.unwrap_or(1) as usize).collect();
    let last = seeds.last().expect("at least one");
    find("seed")?.parse(&last.to_string())?;
    Ok(seeds)
}

impl Axis {
    /// Of `KEY=VALUE,VALUE`.
    fn new(text: &str) -> Result<Self> {
        let (key, values) = text
            .split_once('=')
            .ok_or_else(|| Problem::usage(format!("--grid: expected KEY=VALUE,VALUE, found {text}")))?;
        let row = find(key)?;
        if !settings::rows().any(|other| other.key == row.key) {
            return Err(Problem::usage(format!("--grid: expected a setting of a run, found {key}")));
        }
        let mut texts: Vec<String> = Vec::new();
        for part in values.split(',') {
            match texts.last_mut() {
                // Bits of a single layer belong to those before: 2,4,conv1:8 is 2, and 4 but for one layer.
                Some(last) if matches!(row.kind, Kind::Bits { .. }) && part.contains(':') => {
                    *last += ",";
                    *last += part;
                }
                _ => texts.push(part.into()),
            }
        }
        let mut values = Vec::new();
        for text in texts {
            let value = row.format(&row.parse(&text)?);
            if values.contains(&value) {
                return Err(Problem::usage(format!(
                    "--grid: expected each value once, found {key}={value} twice"
                )));
            }
            values.push(value);
        }
        Ok(Self { key: row.key.into(), values })
    }
}

/// Whether a setting has an effect beside others.
fn applies(row: &Setting, texts: &BTreeMap<String, String>) -> bool {
    let text = |key: &str| texts.get(key).map_or("builtin", String::as_str);
    match row.applies {
        When::Always => true,
        When::Is(key, values) => values.split('|').any(|value| value == text(key)),
        When::Not(key, values) => values.split('|').all(|value| value != text(key)),
        When::By(by, key, found) => found(text(by)).contains(&text(key)),
    }
}

impl Combination {
    /// `bits=2 quantizer=lsq`.
    pub fn label(&self) -> String {
        label(&self.named())
    }

    /// What it is called by: what is varied, or the model.
    fn named(&self) -> Vec<(&'static str, String)> {
        match &self.varied[..] {
            [] => vec![("model", self.wanted.config.model.clone())],
            varied => varied.to_vec(),
        }
    }

    pub fn config(&self, seed: u32) -> RunConfig {
        RunConfig { seed, ..self.wanted.config.clone() }
    }

    /// `bits-2_quantizer-lsq_seed-1.nibble.safetensors`.
    pub fn file(&self, seed: u32) -> String {
        let mut name = String::new();
        for (key, text) in self.named() {
            // Not every system has colons in names.
            name += &format!("{key}-{}_", text.replace([',', ':'], "-"));
        }
        format!("{name}seed-{seed}{SUFFIX}")
    }
}

fn label(varied: &[(&'static str, String)]) -> String {
    varied.iter().map(|(key, text)| format!("{key}={text}")).collect::<Vec<_>>().join(" ")
}
