//! `cargo nibble inspect`: what a file is.

use std::path::PathBuf;

use clap::{Arg, ArgMatches, Command, value_parser};
use nibble::RunConfig;
use nibble::checkpoint::About;

use crate::problem::{Problem, Result, say};
use crate::report::epoch_text;
use crate::train;

pub fn command() -> Command {
    Command::new("inspect")
        .about("Say what a saved run is: its settings, images and epochs, and whether the file is whole")
        .arg(Arg::new("file").value_name("FILE").required(true).value_parser(value_parser!(PathBuf)))
}

pub fn run(arguments: &ArgMatches) -> Result<()> {
    let file = arguments.get_one::<PathBuf>("file").expect("it is required");
    let reader = train::open(file)?;
    let config =
        reader.settings().map_err(|error| Problem::failed(format!("{}: {error}", file.display())))?;
    let about = reader.about().clone();
    let [tensors, bytes] = reader.tensors();
    let checksum = if reader.verify()? { "holds" } else { "does not match: the file was changed" };

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
    say(format!(
        "steps     {}, the last ones by {arithmetic}",
        about.state.get("step").copied().unwrap_or(0)
    ))?;
    about.epochs.iter().try_for_each(|epoch| say(epoch_text(epoch, config.epochs)))
}

/// The model, and what is not at its default.
fn settings(config: &RunConfig) -> String {
    let (texts, defaults) = (config.texts(), RunConfig::default().texts());
    let others = texts.iter().filter(|(key, text)| *key != "model" && defaults.get(*key) != Some(text));
    let others: Vec<_> = others.map(|(key, text)| format!(" {key}={text}")).collect();
    format!("model={}{}", config.model, others.concat())
}
