//! `cargo nibble eval`: tests a run that was saved.

use clap::{Arg, ArgAction, ArgMatches, Command};
use nibble::run::Evaluation;
use serde_json::json;

use crate::problem::{Result, say};
use crate::{engine, images, integers, report, saved};

pub fn command() -> Command {
    Command::new("eval")
        .about("Test a saved run, as its last step left it, on all images that it is tested on")
        .arg(saved::argument())
        .arg(
            Arg::new("mirrored")
                .long("mirrored")
                .action(ArgAction::SetTrue)
                .help("See each image mirrored too, and take the mean of both answers"),
        )
        .arg(Arg::new("test-set").long("test-set").action(ArgAction::SetTrue).help(
            "See the test set, also for a run that kept training images aside (holdout) and else is tested on these",
        ))
        .arg(
            Arg::new("integers")
                .long("integers")
                .action(ArgAction::SetTrue)
                .conflicts_with_all(["mirrored", "test-set"])
                .help("See the test set with the network in integers alone, as the C export has it, and as it was trained; tell each image that they differ on"),
        )
        .arg(report::json())
        .arg(images::argument())
        .args(engine::arguments())
}

pub fn run(arguments: &ArgMatches) -> Result<()> {
    let file = saved::path(arguments);
    engine::on_pool(arguments, |clock| {
        let (_, mut loaded) = saved::load(file, arguments, clock)?;
        saved::warn(file, &loaded);
        if arguments.get_flag("integers") {
            return integers::compare(file, &mut loaded.run, arguments.get_flag("json"));
        }
        let mirrored = arguments.get_flag("mirrored");
        let mut evaluator = loaded.run.evaluator(None)?;
        if mirrored {
            evaluator = evaluator.mirrored();
        }
        let test_set = arguments.get_flag("test-set") || loaded.run.config().holdout == 0;
        if test_set {
            evaluator = evaluator.on_test_set();
        }
        let (images, Evaluation { loss, accuracy, .. }) = loop {
            let progress = evaluator.advance();
            if let Some(evaluation) = progress.result {
                break (progress.total, evaluation);
            }
        };
        if arguments.get_flag("json") {
            return say(json!({
                "kind": "evaluation", "file": file, "images": images, "mirrored": mirrored, "loss": loss,
                "accuracy": accuracy,
            }));
        }
        let seen = if mirrored { ", each mirrored too" } else { "" };
        let images = format!("{images} {}", if test_set { "test images" } else { "images kept aside" });
        say(format!("{images}{seen}: loss {loss:.4}, {:.2} % right", 100.0 * accuracy))
    })
}
