//! `cargo nibble train`: trains a network and saves it.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use nibble::checkpoint::{About, History, Loaded, Reader};
use nibble::kernels;
use nibble::metrics::Event;
use nibble::run::Run;
use nibble::train::Clock;
use serde_json::json;

use crate::interrupt::Interrupt;
use crate::output::{self, Output};
use crate::problem::{Problem, Result, note};
use crate::report::Reporter;
use crate::settings::{self, Wanted};
use crate::{engine, images};

pub fn command() -> Command {
    let path = |name: &'static str| {
        Arg::new(name).long(name).value_name("FILE").value_parser(value_parser!(PathBuf))
    };
    Command::new("train")
        .about("Train a network and save it, again and again on the way")
        .after_help(
            "Flags go before the lines of --settings, these before --from, and that before the defaults.",
        )
        .arg(images::argument())
        .arg(path("out").help("Where it is saved; MODEL-BITS-bit.nibble.safetensors by default"))
        .arg(
            path("resume").conflicts_with_all(["from", "settings"]).help(
                "Go on with a run that was saved, bit for bit; --epochs may raise the number of epochs",
            ),
        )
        .arg(
            Arg::new("force")
                .long("force")
                .action(ArgAction::SetTrue)
                .help("Overwrite the file of another run"),
        )
        .arg(
            Arg::new("every")
                .long("every")
                .value_name("SECONDS")
                .default_value("60")
                .value_parser(value_parser!(u32))
                .help("Time between two saves; 0: after every step. The end of an epoch is always saved"),
        )
        .arg(
            Arg::new("json")
                .long("json")
                .action(ArgAction::SetTrue)
                .help("Print a line of JSON for each epoch and for the end, and nothing else"),
        )
        .args(engine::arguments())
        .args(settings::arguments())
}

pub fn run(arguments: &ArgMatches) -> Result<()> {
    engine::on_pool(arguments, |clock| {
        let session = match arguments.get_one::<PathBuf>("resume") {
            Some(file) => resume(file, arguments, clock),
            None => start(arguments, clock),
        };
        session?.train(arguments)
    })
}

/// A run with its curves and its file.
struct Session {
    run: Run,
    history: History,
    output: Output,
    path: PathBuf,
}

fn start(arguments: &ArgMatches, clock: Clock) -> Result<Session> {
    let wanted = Wanted::new(arguments)?;
    let path = arguments.get_one("out").cloned().unwrap_or_else(|| output::default_name(&wanted.config));
    let output = Output::new(path.clone(), arguments.get_flag("force"))?;
    let dataset = images::wanted(&wanted, arguments)?;
    let run = Run::new(dataset, wanted.config, clock)?;
    Ok(Session { run, history: History::default(), output, path })
}

fn resume(file: &Path, arguments: &ArgMatches, clock: Clock) -> Result<Session> {
    if let Some((key, _)) = settings::flags(arguments).find(|(key, _)| *key != "epochs") {
        let expected = "no settings beside --resume but --epochs, since the file has them";
        return Err(Problem::usage(format!("--{key}: expected {expected}")));
    }
    let path = arguments.get_one::<PathBuf>("out").cloned().unwrap_or_else(|| file.into());
    let output = match path == file {
        true => Output::same(path.clone())?,
        false => Output::new(path.clone(), arguments.get_flag("force"))?,
    };
    let (about, Loaded { mut run, history, .. }) = load(file, arguments, clock)?;
    let mut config = run.config().clone();
    if let Some(text) = arguments.get_one::<String>("epochs") {
        let had = config.epochs;
        config.set("epochs", text)?;
        if config.epochs < had {
            return Err(Problem::usage(format!("epochs: expected at least the run's {had}, found {text}")));
        }
        if config.epochs > had {
            run = run.fork(config)?;
        }
    }
    let (before, now) = (about.arithmetic, kernels::simd_kind());
    if before != now {
        let file = file.display();
        note(format!(
            "{file}: trained with {before} so far and with {now} from here on, whose last bits may differ"
        ));
    }
    Ok(Session { run, history, output, path })
}

/// Reads a run with its images, and says what is odd about it.
pub fn load(file: &Path, arguments: &ArgMatches, clock: Clock) -> Result<(About, Loaded)> {
    let reader = open(file)?;
    // A setting that is wrong there was not asked for by the user.
    reader.settings().map_err(|error| Problem::failed(format!("{}: {error}", file.display())))?;
    let about = reader.about().clone();
    let dataset = images::of_checkpoint(file, &about.data, arguments)?;
    let loaded = reader.load(dataset, clock)?;
    let name = file.display();
    if !loaded.intact {
        note(format!(
            "{name}: its checksum does not match, so it was changed after it was saved; going on with what it holds"
        ));
    }
    Ok((about, loaded))
}

/// Opens a checkpoint.
pub fn open(file: &Path) -> Result<Reader<BufReader<File>>> {
    let opened = File::open(file).map_err(|error| Problem::unreadable(file, &error))?;
    Ok(Reader::open(&file.to_string_lossy(), BufReader::new(opened))?)
}

impl Session {
    fn train(mut self, arguments: &ArgMatches) -> Result<()> {
        let every = arguments.get_one::<u32>("every").expect("it has a default");
        let every = Duration::from_secs((*every).into());
        let json = arguments.get_flag("json");
        self.run.dataset().notes.iter().for_each(note);
        let interrupt = Interrupt::watch()?;
        // What cannot be saved is told before an hour of training.
        self.save()?;
        let mut saved = Instant::now();
        let mut reporter = Reporter::new(&self.run, self.history.losses.len(), json);
        loop {
            let event = match self.run.advance() {
                Ok(event) => event,
                Err(error) => {
                    self.save()?;
                    return Err(error.into());
                }
            };
            self.history.add(&event);
            if let Event::Finished { epoch } = event {
                self.save()?;
                let path = self.path.display();
                return reporter.say(&match json {
                    true => json!({ "kind": "finished", "epoch": epoch, "file": self.path }).to_string(),
                    false => format!("epochs done: {epoch}; saved to {path}"),
                });
            }
            let stopped = interrupt.code();
            if stopped.is_some() || matches!(event, Event::Epoch(_)) || saved.elapsed() >= every {
                match self.save() {
                    // The disk may have room again by the end.
                    Err(problem) if stopped.is_none() => {
                        reporter.note(&format!("{}; training goes on", problem.sentence));
                    }
                    outcome => outcome?,
                }
                saved = Instant::now();
            }
            reporter.event(&event)?;
            if let Some(code) = stopped {
                if json {
                    reporter.say(&json!({ "kind": "interrupted", "file": self.path }).to_string())?;
                }
                return Err(Problem { code, sentence: self.way_on(arguments) });
            }
        }
    }

    fn save(&mut self) -> Result<()> {
        self.output.save(&mut self.run, &self.history)
    }

    /// How to go on after an interruption.
    fn way_on(&self, arguments: &ArgMatches) -> String {
        let quoted = |path: &Path| match path.to_string_lossy() {
            plain if plain.contains(|letter: char| letter.is_whitespace()) => format!("{plain:?}"),
            plain => plain.into_owned(),
        };
        let mut command = format!("cargo nibble train --resume {}", quoted(&self.path));
        images::paths(arguments).iter().for_each(|path| command += &format!(" --data {}", quoted(path)));
        if arguments.get_flag("exact") {
            command += " --exact";
        }
        format!("interrupted and saved; go on with: {command}")
    }
}
