//! The project's commands: `cargo xtask COMMAND`. Each command is one file and one line of [`COMMANDS`].

mod audit;
mod bench;
mod build;
mod data;
mod files;
mod fuzz;
mod likeness;
mod lock;
mod offline;
mod process;
mod project;
mod results;
mod sanitize;
mod schemes;
mod serve;
mod site;
mod stamp;
mod test;
mod toolchain;
mod tools;
mod torture;
mod wasm;

use anyhow::Result;
use clap::{ArgMatches, Command};

/// Name, arguments and body of a command.
struct Task {
    command: fn() -> Command,
    run: fn(&ArgMatches) -> Result<()>,
}

const COMMANDS: &[Task] = &[
    Task { command: serve::command, run: serve::run },
    Task { command: site::command, run: site::run },
    Task { command: build::command, run: build::run },
    Task { command: test::command, run: test::run },
    Task { command: schemes::command, run: schemes::run },
    Task { command: results::command, run: results::run },
    Task { command: sanitize::command, run: sanitize::run },
    Task { command: audit::command, run: audit::run },
    Task { command: fuzz::command, run: fuzz::run },
    Task { command: torture::command, run: torture::run },
    Task { command: data::command, run: data::run },
    Task { command: bench::command, run: bench::run },
];

fn cli() -> Command {
    Command::new("cargo xtask")
        .bin_name("cargo xtask")
        .about("Serve, build, test and measure Nibble")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommands(COMMANDS.iter().map(|task| (task.command)()))
}

fn main() {
    let matches = cli().get_matches();
    let (name, arguments) = matches.subcommand().expect("clap requires a command");
    let task =
        COMMANDS.iter().find(|task| (task.command)().get_name() == name).expect("clap knows the commands");
    if let Err(error) = (task.run)(arguments) {
        eprintln!("cargo xtask {name}: {error:#}");
        std::process::exit(1);
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_command_and_argument_is_well_formed() {
        super::cli().debug_assert();
    }
}
