//! `cargo nibble inspect`: what a file is.

use clap::{ArgMatches, Command};
use nibble::RunConfig;
use nibble::checkpoint::About;
use serde_json::json;

use crate::problem::{Result, say};
use crate::report::{self, epoch_text};
use crate::saved;

pub fn command() -> Command {
    Command::new("inspect")
        .about("Say what a saved run is: its settings, images and epochs, and whether the file is whole")
        .arg(saved::argument())
        .arg(report::json())
}

pub fn run(arguments: &ArgMatches) -> Result<()> {
    let file = saved::path(arguments);
    let reader = saved::open(file)?;
    let config = saved::settings(file, &reader)?;
    let about = reader.about().clone();
    let [tensors, bytes] = reader.tensors();
    let intact = reader.verify()?;
    let steps = about.state.get("step").copied().unwrap_or(0);
    if arguments.get_flag("json") {
        let About { format, engine, arithmetic, data, epochs, .. } = &about;
        return say(json!({
            "kind": "checkpoint", "file": file, "format": format, "engine": engine, "tensors": tensors, "bytes": bytes,
            "intact": intact, "settings": config.texts(), "data": data, "steps": steps, "arithmetic": arithmetic,
            "epochs": epochs,
        }));
    }

    let checksum = if intact { "holds" } else { "does not match: the file was changed" };
    let About { format, engine, arithmetic, data, .. } = &about;
    let [train, test] = data.images;
    let (classes, fingerprint) = (data.classes.len(), &data.fingerprint);
    say(format!("file      format {format}, by Nibble {engine}; {tensors} tensors, {bytes} bytes"))?;
    say(format!("checksum  {checksum}"))?;
    say(format!("settings  {}", settings(&config)))?;
    say(format!(
        "images    {}: {train} to train on, {test} to test on, {classes} classes, CRC-32 {fingerprint}",
        data.name
    ))?;
    say(format!("steps     {steps}, the last ones by {arithmetic}"))?;
    about.epochs.iter().try_for_each(|epoch| say(epoch_text(epoch, config.epochs)))
}

/// The model, and what is not at its default.
fn settings(config: &RunConfig) -> String {
    let (texts, defaults) = (config.texts(), RunConfig::default().texts());
    let others = texts.iter().filter(|(key, text)| *key != "model" && defaults.get(*key) != Some(text));
    let others: Vec<_> = others.map(|(key, text)| format!(" {key}={text}")).collect();
    format!("model={}{}", config.model, others.concat())
}
