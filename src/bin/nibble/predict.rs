//! `cargo nibble predict`: what a saved run takes pictures for.

use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgGroup, ArgMatches, Command, value_parser};
use nibble::checkpoint::About;
use nibble::predictions::ClassProbability;
use serde_json::{Value, json};

use crate::problem::{Problem, Result, note, say};
use crate::{engine, images, pictures, report, saved};

pub fn command() -> Command {
    Command::new("predict")
        .about("Say what a saved run, its weights packed, takes pictures for")
        .override_usage("cargo nibble predict [OPTIONS] <FILE> [PICTURE]...")
        .after_help(
            "As the page's \"Try it\": of each picture the square in its middle counts, brought to 32 x 32 pixels, and weights \
             of a run in FP32 are rounded to 4 bits. The images that it was trained on are needed for --test-image alone.",
        )
        .arg(saved::argument())
        .arg(
            Arg::new("pictures")
                .value_name("PICTURE")
                .action(ArgAction::Append)
                .value_parser(value_parser!(PathBuf))
                .help("Pictures, PNG or JPEG"),
        )
        .arg(
            Arg::new("test-image")
                .long("test-image")
                .value_name("N")
                .action(ArgAction::Append)
                .value_parser(value_parser!(u32))
                .help("A test image of the data set, from 0; may be given again"),
        )
        .group(ArgGroup::new("what").args(["pictures", "test-image"]).required(true).multiple(true))
        .arg(
            Arg::new("top")
                .long("top")
                .value_name("N")
                .default_value("3")
                .value_parser(value_parser!(u16).range(1..=1000))
                .help("How many classes are told of each, the likeliest first"),
        )
        .arg(report::json())
        .arg(images::argument())
        .args(engine::arguments())
}

pub fn run(arguments: &ArgMatches) -> Result<()> {
    let file = saved::path(arguments);
    let tests: Vec<u32> = arguments.get_many("test-image").into_iter().flatten().copied().collect();
    engine::on_pool(arguments, |clock| {
        let load = if tests.is_empty() { saved::load_weights } else { saved::load };
        let (about, mut loaded) = load(file, arguments, clock)?;
        saved::warn(file, &loaded);
        let test = &loaded.run.dataset().clone().test;
        if let Some(index) = tests.iter().find(|index| **index as usize >= test.len()) {
            return Err(Problem::usage(format!(
                "--test-image: expected 0 to {}, found {index}",
                test.len() - 1
            )));
        }
        let model = loaded.run.packed()?;
        let teller = Teller { arguments, about: &about };
        let mut unread = false;
        for path in arguments.get_many::<PathBuf>("pictures").into_iter().flatten() {
            match pictures::read(path) {
                Ok(pixels) => {
                    let name = path.display().to_string();
                    teller.tell(&name, json!({ "file": path }), &model.classify(&pixels)?)?;
                }
                Err(problem) => {
                    note(problem.sentence);
                    unread = true;
                }
            }
        }
        for index in tests {
            let label = &about.data.classes[usize::from(test.label(index as usize))];
            let name = format!("test image {index} ({label})");
            let classes = model.classify(&test.rgba(index as usize))?;
            teller.tell(&name, json!({ "testImage": index, "label": label }), &classes)?;
        }
        if unread { Err(Problem::failed("")) } else { Ok(()) }
    })
}

/// Says what pictures are taken for.
struct Teller<'a> {
    arguments: &'a ArgMatches,
    about: &'a About,
}

impl Teller<'_> {
    fn tell(&self, name: &str, mut line: Value, classes: &[ClassProbability]) -> Result<()> {
        let top = *self.arguments.get_one::<u16>("top").expect("it has a default");
        let named = classes.iter().take(top.into()).map(|ClassProbability { class, probability }| {
            (&self.about.data.classes[usize::from(*class)], probability)
        });
        if self.arguments.get_flag("json") {
            line["kind"] = "prediction".into();
            line["top"] = named
                .map(|(class, probability)| json!({ "class": class, "probability": probability }))
                .collect();
            return say(line);
        }
        let told: Vec<_> =
            named.map(|(class, probability)| format!("{class} {:.1} %", 100.0 * probability)).collect();
        say(format!("{name}: {}", told.join(", ")))
    }
}
