//! The command line: `cargo nibble COMMAND`. Each command is one file and one line of [`COMMANDS`].

mod address;
mod bits;
mod diff;
mod engine;
mod eval;
mod export;
mod images;
mod inspect;
mod integers;
mod interrupt;
mod pack;
mod pictures;
mod place;
mod predict;
mod problem;
mod report;
mod saved;
mod session;
mod settings;
mod sweep;
mod train;

use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{ArgMatches, Command};

use problem::{Problem, Result, note};

/// Arguments and body of a command.
struct Task {
    command: fn() -> Command,
    run: fn(&ArgMatches) -> Result<()>,
}

const COMMANDS: &[Task] = &[
    Task { command: train::command, run: train::run },
    Task { command: eval::command, run: eval::run },
    Task { command: inspect::command, run: inspect::run },
    Task { command: predict::command, run: predict::run },
    Task { command: sweep::command, run: sweep::run },
    Task { command: diff::command, run: diff::run },
    Task { command: export::command, run: export::run },
    Task { command: pack::command, run: pack::run },
    Task { command: bits::command, run: bits::run },
];

fn cli() -> Command {
    Command::new("cargo nibble")
        .bin_name("cargo nibble")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Train networks with low-bit weights, and look at what was trained")
        .after_help("Exit codes: 0 done, 1 failed, 2 not what can be asked for, 130 interrupted.")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommands(COMMANDS.iter().map(|task| (task.command)()))
}

fn main() -> ExitCode {
    let outcome = cli().try_get_matches().map_err(refused).and_then(|matches| {
        let (name, arguments) = matches.subcommand().expect("clap requires a command");
        let task = COMMANDS
            .iter()
            .find(|task| (task.command)().get_name() == name)
            .expect("clap knows the commands");
        (task.run)(arguments)
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(Problem { code, sentence }) => {
            if !sentence.is_empty() {
                note(sentence);
            }
            ExitCode::from(code)
        }
    }
}

/// What clap says, in one sentence; help and version, which it takes for errors too, are printed.
fn refused(error: clap::Error) -> Problem {
    let helps = [
        ErrorKind::DisplayHelp,
        ErrorKind::DisplayVersion,
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand,
    ];
    if helps.contains(&error.kind()) {
        let _ = error.print();
        return Problem { code: error.exit_code() as u8, sentence: String::new() };
    }
    let text = error.render().to_string();
    let mut parts = text.split("\n\n");
    let first = parts.next().unwrap_or_default().trim_start_matches("error: ");
    let tip = parts.find_map(|part| part.trim().strip_prefix("tip: "));
    let parts: Vec<String> = std::iter::once(first)
        .chain(tip)
        .map(|part| part.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    Problem::usage(parts.join("; "))
}
