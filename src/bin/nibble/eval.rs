//! `cargo nibble eval`: tests a run that was saved.

use std::path::PathBuf;

use clap::{Arg, ArgMatches, Command, value_parser};
use nibble::run::Evaluation;

use crate::problem::{Result, say};
use crate::{engine, images, train};

pub fn command() -> Command {
    Command::new("eval")
        .about("Test a saved run, as its last step left it, on the whole test set")
        .arg(Arg::new("file").value_name("FILE").required(true).value_parser(value_parser!(PathBuf)))
        .arg(images::argument())
        .args(engine::arguments())
}

pub fn run(arguments: &ArgMatches) -> Result<()> {
    let file = arguments.get_one::<PathBuf>("file").expect("it is required");
    engine::on_pool(arguments, |clock| {
        let (_, mut loaded) = train::load(file, arguments, clock)?;
        let mut evaluator = loaded.run.evaluator(None)?;
        let (images, Evaluation { loss, accuracy, .. }) = loop {
            let progress = evaluator.advance();
            if let Some(evaluation) = progress.result {
                break (progress.total, evaluation);
            }
        };
        say(format!("{images} test images: loss {loss:.4}, {:.2} % right", 100.0 * accuracy))
    })
}
