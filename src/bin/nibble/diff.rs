//! `cargo nibble diff`: in what two runs differ.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::{Arg, ArgMatches, Command, value_parser};
use nibble::checkpoint::{About, Epoch, Loaded};
use nibble::data::synthetic;
use nibble::metrics;
use nibble::param::Param;
use nibble::run::Run;
use nibble::settings::SETTINGS;
use serde_json::json;

use crate::problem::{Result, say};
use crate::report::table;
use crate::settings::Wanted;
use crate::{address, engine, images, report, saved};

/// Which images they are, of addresses and of runs on images that are not the built-in ones.
const IMAGES: &str = "images";

pub fn command() -> Command {
    let side = |name: &'static str| {
        Arg::new(name)
            .value_name(name)
            .required(true)
            .value_parser(value_parser!(PathBuf))
            .help("A run that was saved, or an address of the page")
    };
    Command::new("diff")
        .about("Say in what two runs differ: settings, test accuracy, and the levels of the weights of saved runs")
        .args([side("A"), side("B")])
        .arg(report::json())
        .arg(images::argument())
        .args(engine::arguments())
}

pub fn run(arguments: &ArgMatches) -> Result<()> {
    let names = ["A", "B"].map(|name| arguments.get_one::<PathBuf>(name).expect("it is required"));
    engine::on_pool(arguments, |clock| {
        let [a, b] = names;
        let read = |name: &Path| -> Result<_> {
            if !name.is_file() && is_address(name) {
                return Ok((of_address(&name.to_string_lossy())?, None));
            }
            let (about, loaded) = saved::load_weights(name, arguments, clock)?;
            saved::warn(name, &loaded);
            Ok((of_run(&about, &loaded), Some((about, loaded))))
        };
        let ((a_settings, a_run), (b_settings, b_run)) = (read(a)?, read(b)?);
        let differing = differing([&a_settings, &b_settings]);
        let last =
            |run: &Option<(About, Loaded)>| run.as_ref().and_then(|(about, _)| about.epochs.last().cloned());
        let epochs = [last(&a_run), last(&b_run)];
        let layers = match [a_run, b_run] {
            [Some((_, mut a)), Some((_, mut b))] => Some(compare([&mut a.run, &mut b.run])),
            _ => None,
        };
        if arguments.get_flag("json") {
            let layers = layers
                .map(|compared| compared.map(|layers| layers.iter().map(Layer::json).collect::<Vec<_>>()));
            let settings: Vec<_> =
                differing.iter().map(|[key, a, b]| json!({ "key": key, "a": a, "b": b })).collect();
            return say(json!({
                "kind": "difference", "a": a, "b": b, "settings": settings, "epochs": { "a": epochs[0], "b": epochs[1] },
                "layers": layers.and_then(std::result::Result::ok),
            }));
        }
        tell(names, &differing, &epochs, layers)
    })
}

/// Whether a name that no file has is meant for an address.
fn is_address(name: &Path) -> bool {
    let name = name.to_string_lossy();
    name.contains("://") || name.contains(['?', '='])
}

type Texts = BTreeMap<String, String>;

fn of_address(text: &str) -> Result<Texts> {
    let wanted = Wanted::of_address(text)?;
    let mut texts = wanted.texts();
    let data = texts.entry("data".into()).or_insert_with(|| "builtin".into()).clone();
    if data == "builtin" {
        for (key, count) in [("train", synthetic::TRAIN), ("test", synthetic::TEST)] {
            texts.entry(key.into()).or_insert_with(|| count.to_string());
        }
    } else {
        // Addresses of the page name their numbers of built-in images in any case.
        texts.retain(|key, _| !matches!(&**key, "train" | "test"));
        texts.extend(address::pairs(text).into_iter().filter(|(key, _)| key == IMAGES));
    }
    Ok(texts)
}

fn of_run(About { data, .. }: &About, loaded: &Loaded) -> Texts {
    let mut texts = loaded.run.config().texts();
    let name = saved::data_setting(data);
    let mut put = |key: &str, text: String| texts.insert(key.into(), text);
    put("data", name.into());
    if name == "builtin" {
        put("train", data.images[0].to_string());
        put("test", data.images[1].to_string());
    } else {
        put(IMAGES, data.fingerprint.clone());
    }
    texts
}

/// Key and both values of what differs, in the order of the table. What one side does not say is no difference.
fn differing([a, b]: [&Texts; 2]) -> Vec<[String; 3]> {
    let keys = SETTINGS.iter().map(|row| row.key).chain([IMAGES]);
    let both = keys.filter_map(|key| Some([key.into(), a.get(key)?.clone(), b.get(key)?.clone()]));
    both.filter(|[_, a, b]| a != b).collect()
}

/// A layer of both runs.
struct Layer {
    name: String,
    weights: usize,
    /// Share of weights on another level; else why their levels cannot be compared.
    other: std::result::Result<f64, String>,
}

impl Layer {
    fn json(&self) -> serde_json::Value {
        json!({ "name": self.name, "weights": self.weights, "otherLevels": self.other.as_ref().ok() })
    }
}

/// The layers of both; else why they cannot be compared.
fn compare(runs: [&mut Run; 2]) -> std::result::Result<Vec<Layer>, &'static str> {
    let [a, b] = runs.map(|run| {
        // Brings the forward weights up to date.
        run.lowered();
        &*run
    });
    if a.config().model != b.config().model {
        return Err("the models differ");
    }
    let (a, b) = (weights(a), weights(b));
    if a.iter().map(|(_, param)| &param.dims).ne(b.iter().map(|(_, param)| &param.dims)) {
        return Err("their layers differ in size");
    }
    let layer = |((name, a), (_, b)): (&(&str, &Param), &(&str, &Param))| {
        let grids = [a, b].map(|param| param.encode().map(|encoded| encoded.grid));
        let other = match grids {
            [Some(a_grid), Some(b_grid)] => {
                let [a_levels, b_levels] = [&a_grid, &b_grid].map(|grid| grid.levels.len());
                // Levels count from the zero point where there is one, else from the lowest.
                let alike = a_grid.zero_points.is_empty() == b_grid.zero_points.is_empty();
                match a_levels == b_levels && alike {
                    true => Ok(metrics::flipped_share(&metrics::levels(a), &metrics::levels(b))),
                    false if alike => Err(format!("{a_levels} and {b_levels} levels")),
                    false => Err("levels with and without a zero point".into()),
                }
            }
            _ => Err("FP32".into()),
        };
        Layer { name: (*name).into(), weights: a.value.len(), other }
    };
    Ok(a.iter().zip(&b).map(layer).collect())
}

/// The layers with weights.
fn weights(run: &Run) -> Vec<(&str, &Param)> {
    run.model().params().filter(|(_, param)| param.is_weight()).collect()
}

fn tell(
    names: [&PathBuf; 2],
    differing: &[[String; 3]],
    epochs: &[Option<Epoch>; 2],
    layers: Option<std::result::Result<Vec<Layer>, &str>>,
) -> Result<()> {
    let [a, b] = names;
    say(format!("A  {}", a.display()))?;
    say(format!("B  {}", b.display()))?;
    say("")?;
    if differing.is_empty() {
        say("settings  the same")?;
    } else {
        let head = ["setting", "A", "B"].map(String::from);
        table(std::iter::once(&head).chain(differing).map(|row| row.to_vec()))?;
    }
    if epochs.iter().any(Option::is_some) {
        say("")?;
        let row = |(side, epoch): (&str, &Option<Epoch>)| {
            let figures = match epoch {
                Some(epoch) => [
                    epoch.epoch.to_string(),
                    format!("{:.2} %", 100.0 * epoch.test_accuracy),
                    format!("{:.4}", epoch.test_loss),
                ],
                None => ["none", "", ""].map(String::from),
            };
            std::iter::once(side.to_owned()).chain(figures).collect()
        };
        let head = ["", "last epoch", "test accuracy", "test loss"].map(String::from).to_vec();
        table(std::iter::once(head).chain(["A", "B"].into_iter().zip(epochs).map(row)))?;
    }
    match layers {
        None => Ok(()),
        Some(Err(why)) => {
            say("")?;
            say(format!("layers  not compared: {why}"))
        }
        Some(Ok(layers)) => {
            say("")?;
            let row = |layer: &Layer| {
                let other = match &layer.other {
                    Ok(share) => format!("{:.2} %", 100.0 * share),
                    Err(why) => format!("not compared: {why}"),
                };
                vec![layer.name.clone(), layer.weights.to_string(), other]
            };
            let head = ["layer", "weights", "on another level"].map(String::from).to_vec();
            table(std::iter::once(head).chain(layers.iter().map(row)))
        }
    }
}
