//! What there is to tell: docs/results/results.toml.

use std::fs;
use std::path::{Path, PathBuf};

use nibble::RunConfig;
use serde::Deserialize;

#[path = "../../tests/support/schemes.rs"]
#[allow(dead_code)] // What each scheme is held against is told elsewhere.
mod schemes;

use schemes::Tried;

/// Where rows, logs and sums lie.
pub const FOLDER: &str = "docs/results";

/// Bits of every scheme that has a choice.
const BITS: u8 = 4;

/// All rows and trials.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Results {
    #[serde(rename = "row")]
    pub rows: Vec<Row>,
    /// What others report, for the table of arithmetic.
    #[serde(default)]
    pub published: Vec<Published>,
    /// What was tried for the recipes, on images held out of training.
    #[serde(default, rename = "trial")]
    pub trials: Vec<Trial>,
}

/// Runs that differ in their seeds, or in a variant too.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// The folder of its logs.
    pub name: String,
    pub title: String,
    /// A data set as the setting `data` names it.
    pub data: String,
    /// Seeds from 1 on.
    pub seeds: u32,
    /// Percent of test images that the mean over seeds is to reach.
    pub goal: Option<f64>,
    /// The row of the same runs at fewer bits, and the most points that these may be above them.
    pub twin: Option<Twin>,
    /// Trained in the page, which measures its own time; `flags` are an address then.
    #[serde(default)]
    pub page: bool,
    /// Where it is told.
    #[serde(default)]
    pub table: Table,
    /// A published log to hold it against, from the project's root.
    pub reference: Option<PathBuf>,
    #[serde(default)]
    pub variants: Vec<Variant>,
    /// A variant more for every scheme, with these flags beside its own: for `cargo nibble train`.
    pub every_scheme: Option<String>,
}

/// A table of rows.
#[derive(Debug, Default, Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Table {
    #[default]
    Rows,
    /// What is lost where a part of the method is left out.
    Ablation,
    /// One scheme beside another.
    Schemes,
    /// Variants are ways to spend budgets of bits, `WAY-BUDGET`.
    Budgets,
}

/// A row that another one is held against.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Twin {
    pub row: String,
    /// Points of percent.
    pub gap: f64,
}

/// Settings of some runs of a row.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variant {
    /// In the names of its logs.
    pub name: String,
    pub title: String,
    /// For `cargo nibble train`.
    pub flags: String,
    /// The recipe that its runs follow from end to end: the page tells what it reached.
    pub recipe: Option<String>,
    /// Percent of test images that others report of it.
    pub published: Option<f64>,
    /// The widths of its layers are what a measurement gives for a budget.
    pub assigned: Option<Assigned>,
    /// Whether the table of arithmetic tells it.
    #[serde(default)]
    pub counted: bool,
}

/// Widths that are assigned by `cargo nibble bits`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Assigned {
    /// How layers are measured.
    pub by: String,
    /// What the widths may cost.
    pub budget: String,
    /// The variant of the row whose run of the same seed is measured.
    pub of: String,
}

/// A training that others report.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Published {
    pub what: String,
    /// Percent of test images, and how they were seen.
    pub accuracy: String,
    pub epochs: f64,
    /// Of floating point, in all.
    pub operations: f64,
}

/// A run that a choice was made by.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trial {
    /// Of its log, in the folder `trials`.
    pub name: String,
    /// For `cargo nibble train`.
    pub flags: String,
    /// What it taught.
    pub taught: String,
}

impl Results {
    /// # Errors
    /// A sentence, where the file is none.
    pub fn read(root: &Path) -> Result<Self, String> {
        let path = root.join(FOLDER).join("results.toml");
        let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let mut results: Self =
            toml::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?;
        for row in &mut results.rows {
            let of_schemes = row.every_scheme.iter().flat_map(|flags| every_scheme(flags));
            row.variants.extend(of_schemes);
        }
        Ok(results)
    }
}

/// A variant for each scheme of every registry.
fn every_scheme(flags: &str) -> impl Iterator<Item = Variant> {
    let defaults = RunConfig::default().texts();
    schemes::schemes(BITS).into_iter().map(move |Tried { kind, scheme, config, .. }| {
        let own = config.texts().into_iter().filter(|(key, text)| defaults.get(key) != Some(text));
        let own: String = own.map(|(key, text)| format!(" --{key} {text}")).collect();
        let name = scheme.entry.name;
        Variant {
            name: format!("{kind}-{name}"),
            title: format!("{kind}, `{name}`"),
            flags: format!("{flags}{own}"),
            recipe: None,
            published: None,
            assigned: None,
            counted: false,
        }
    })
}

impl Row {
    /// The runs of a variant: each seed, and its log from the folder of results.
    pub fn runs(&self, variant: &Variant) -> impl Iterator<Item = (u32, PathBuf)> {
        let folder = PathBuf::from(&self.name);
        let name = variant.name.clone();
        (1..=self.seeds).map(move |seed| (seed, folder.join(format!("{name}-seed-{seed}.jsonl"))))
    }

    /// How the runs of a variant are made.
    pub fn command(&self, variant: &Variant) -> String {
        match self.page {
            true => format!("cargo xtask bench epochs --data PATH --log LOG {:?}", variant.flags),
            false => format!("cargo xtask results --rerun {} --data PATH", self.name),
        }
    }
}

impl Trial {
    /// Its log, from the folder of results.
    pub fn log(&self) -> PathBuf {
        Path::new("trials").join(format!("{}.jsonl", self.name))
    }
}
