//! `cargo xtask torture`: ends trainings in the roughest ways, again and again, and tells what was lost.
//!
//! Each program that trains is a part, one file and one line of [`PARTS`]; what it tries are rows of one table.

mod command_line;
mod page;

use crate::process::quiet;
use anyhow::{Result, bail};
use clap::{Arg, ArgMatches, Command, value_parser};
use std::process::Command as Process;
use std::time::{Duration, SystemTime};

/// A program that trains. `run` tries what it can in about that time.
struct Part {
    name: &'static str,
    run: fn(Duration, &mut Random) -> Result<Vec<Row>>,
}

const PARTS: &[Part] = &[
    Part { name: "command line", run: command_line::run },
    Part { name: "page, ended", run: page::ended },
    Part { name: "page, training for long", run: page::steady },
];

/// What was tried, and what became of the saved runs.
pub struct Row {
    pub what: String,
    pub outcome: Outcome,
}

pub enum Outcome {
    Tried(Tally),
    /// And why.
    NotRun(String),
    /// What was measured, and whether it is good enough.
    Measured {
        figure: String,
        holds: bool,
    },
}

#[derive(Default)]
pub struct Tally {
    /// How often it was tried.
    pub times: usize,
    /// How often a whole run was there afterwards, of those where one had been saved.
    pub readable: usize,
    /// How often one had been saved.
    pub saved: usize,
    /// The most steps that the program had told of and that the saved run lacks.
    pub lost: u64,
    /// What else was seen.
    pub notes: Vec<String>,
}

pub fn command() -> Command {
    Command::new("torture")
        .about("Kill trainings and fill disks under them, again and again, and tell what was lost")
        .arg(
            Arg::new("minutes")
                .long("minutes")
                .value_name("N")
                .default_value("2")
                .value_parser(value_parser!(u32).range(1..))
                .help("About how long"),
        )
        .arg(
            Arg::new("part").long("part").value_name("NAME").help("The parts whose names contain this alone"),
        )
        .arg(
            Arg::new("seed")
                .long("seed")
                .value_name("N")
                .value_parser(value_parser!(u64))
                .help("Of the moments at which it strikes [default: the time]"),
        )
}

pub fn run(arguments: &ArgMatches) -> Result<()> {
    let minutes = *arguments.get_one::<u32>("minutes").expect("it has a default");
    let wanted = arguments.get_one::<String>("part").map_or("", String::as_str);
    let parts: Vec<_> = PARTS.iter().filter(|part| part.name.contains(wanted)).collect();
    if parts.is_empty() {
        let names: Vec<_> = PARTS.iter().map(|part| part.name).collect();
        bail!("no part is called {wanted:?}: there are {}", names.join("; "));
    }
    let time = Duration::from_secs(60 * u64::from(minutes)) / parts.len() as u32;
    let now = || SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(1, |since| since.as_secs());
    let seed = arguments.get_one::<u64>("seed").copied().unwrap_or_else(now);
    let mut random = Random::new(seed);
    let mut tables = Vec::new();
    for part in parts {
        println!("== {}", part.name);
        tables.push((part.name, (part.run)(time, &mut random)?));
    }
    let part = if wanted.is_empty() { String::new() } else { format!(" --part {wanted:?}") };
    println!("\n`cargo xtask torture --minutes {minutes}{part} --seed {seed}`\n");
    let mut bad = Vec::new();
    for (name, rows) in &tables {
        println!("| {name} | times | whole run left | told steps lost | |\n| --- | --- | --- | --- | --- |");
        for Row { what, outcome } in rows {
            match outcome {
                Outcome::Measured { figure, holds } => {
                    println!("| {what} | | | | {figure} |");
                    if !holds {
                        bad.push(what.as_str());
                    }
                }
                Outcome::NotRun(why) => println!("| {what} | not run | | | {why} |"),
                Outcome::Tried(Tally { times, readable, saved, lost, notes }) => {
                    println!("| {what} | {times} | {readable} of {saved} | {lost} | {} |", notes.join("; "));
                    if readable < saved || *times == 0 {
                        bad.push(what.as_str());
                    }
                }
            }
        }
    }
    println!();
    if let Ok(machine) = quiet(&mut Process::new("lscpu")) {
        let wanted = ["Model name:", "CPU(s):", "Hypervisor vendor:"];
        machine
            .lines()
            .filter(|line| wanted.iter().any(|start| line.starts_with(start)))
            .for_each(|line| println!("{line}"));
    }
    if bad.is_empty() { Ok(()) } else { bail!("not good enough, or nothing was tried: {}", bad.join("; ")) }
}

/// Marsaglia's xorshift: when it strikes can be repeated, though not what it hits.
pub struct Random(u64);

impl Random {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A time up to that one.
    pub fn up_to(&mut self, most: Duration) -> Duration {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        most.mul_f64((self.0 >> 11) as f64 / (1u64 << 53) as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_spread_and_repeat() {
        let second = Duration::from_secs(1);
        let draw = || {
            let mut random = Random::new(7);
            (0..1000).map(|_| random.up_to(second)).collect::<Vec<_>>()
        };
        let moments = draw();
        assert_eq!(moments, draw());
        assert!(moments.iter().all(|moment| *moment < second));
        for tenth in 0..10 {
            let from = second / 10 * tenth;
            let count = moments.iter().filter(|moment| (from..from + second / 10).contains(*moment)).count();
            assert!((60..140).contains(&count), "{tenth}: {count}");
        }
    }
}
