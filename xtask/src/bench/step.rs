//! `cargo xtask bench step`: one whole training step, from the choice of the images to the clipped weights.

use crate::wasm::BUILDS;
use anyhow::{Result, bail};
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use std::thread;

pub fn command() -> Command {
    let number = |name: &'static str, value: &'static str| {
        Arg::new(name).long(name).value_name(value).value_parser(value_parser!(u32).range(1..))
    };
    Command::new("step")
        .about("Time whole training steps on built-in images in headless Chromium")
        .arg(Arg::new("model").long("model").value_name("M").default_value("vgg4bit").help("A model's name"))
        .arg(
            Arg::new("quantizer")
                .long("quantizer")
                .value_name("Q")
                .default_value("symmetric")
                .help("Or none"),
        )
        .arg(number("batch", "B").default_value("128").help("Images a step"))
        .arg(number("threads", "T").help("Size of the pool [default: this machine's cores]"))
        .arg(
            Arg::new("build")
                .long("build")
                .value_parser(BUILDS.each_ref().map(|build| build.name))
                .default_value(BUILDS[0].name)
                .help("Which of pkg/'s builds"),
        )
        .arg(number("steps", "N").default_value("12").help("Steps measured, after three to warm up"))
        .arg(Arg::new("json").long("json").action(ArgAction::SetTrue).help("Print one line of JSON"))
}

pub fn run(arguments: &ArgMatches) -> Result<()> {
    let text = |name: &str| arguments.get_one::<String>(name).expect("it has a default").clone();
    let build = text("build");
    let able = BUILDS.iter().any(|each| each.name == build && each.threads);
    let threads = match arguments.get_one::<u32>("threads") {
        Some(&threads) if threads > 1 && !able => bail!("the build {build} has no threads: --threads 1"),
        Some(&threads) => threads,
        None if able => thread::available_parallelism().map_or(1, |cores| cores.get() as u32),
        None => 1,
    };
    let number = |name: &str| arguments.get_one::<u32>(name).expect("it has a default").to_string();
    let mut options = vec![
        ("subject", "step".into()),
        ("model", text("model")),
        ("quantizer", text("quantizer")),
        ("batch", number("batch")),
        ("threads", threads.to_string()),
        ("build", build),
        ("steps", number("steps")),
    ];
    if arguments.get_flag("json") {
        options.push(("json", "true".into()));
    }
    super::in_browser("bench.mjs", &options)
}
