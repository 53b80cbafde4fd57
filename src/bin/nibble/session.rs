//! A run while it trains: with its curves, and the file that it is saved to.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::{Arg, ArgMatches, value_parser};
use nibble::Error;
use nibble::checkpoint::{self, About, History, Loaded};
use nibble::kernels;
use nibble::metrics::Event;
use nibble::run::Run;

use crate::interrupt::Interrupt;
use crate::place::Place;
use crate::problem::{Result, note};
use crate::report::{self, Reporter};

/// What every command that trains takes.
pub fn arguments() -> [Arg; 2] {
    [
        Arg::new("every")
            .long("every")
            .value_name("SECONDS")
            .default_value("60")
            .value_parser(value_parser!(u32))
            .help("Time between two saves; 0: after every step. The end of an epoch is always saved"),
        report::json(),
    ]
}

/// A run with its curves and its file.
pub struct Session {
    pub run: Run,
    history: History,
    place: Place,
    path: PathBuf,
}

/// How training ended.
pub enum End {
    /// After so many epochs.
    Finished(u32),
    /// After as many steps as were asked for.
    Stopped,
    /// By a signal; the exit code.
    Interrupted(u8),
    /// The file has the run as it was before.
    Diverged(Error),
}

impl Session {
    pub fn new(run: Run, place: Place, path: &Path) -> Self {
        Self { run, history: History::default(), place, path: path.into() }
    }

    /// One that goes on from a file; says so where its last bits may differ from here on.
    pub fn resume(from: &Path, (about, loaded): (About, Loaded), place: Place, path: &Path) -> Self {
        let (before, now) = (about.arithmetic, kernels::simd_kind());
        if before != now {
            let from = from.display();
            note(format!(
                "{from}: trained with {before} so far and with {now} from here on, whose last bits may differ"
            ));
        }
        Self { run: loaded.run, history: loaded.history, place, path: path.into() }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Trains to the end, or for so many steps, and saves on the way.
    ///
    /// # Errors
    /// Where the run cannot be saved.
    pub fn train(
        &mut self,
        arguments: &ArgMatches,
        steps: Option<u64>,
        interrupt: &Interrupt,
    ) -> Result<End> {
        let last = steps.map(|steps| self.run.steps().saturating_add(steps));
        let every = arguments.get_one::<u32>("every").expect("it has a default");
        let every = Duration::from_secs((*every).into());
        // What cannot be saved is told before an hour of training.
        self.save()?;
        let mut saved = Instant::now();
        let mut reporter = Reporter::new(&self.run, self.history.losses.len(), arguments.get_flag("json"));
        loop {
            let event = match self.run.advance() {
                Ok(event) => event,
                Err(error) => {
                    self.save()?;
                    return Ok(End::Diverged(error));
                }
            };
            self.history.add(&event);
            if let Event::Finished { epoch } = event {
                self.save()?;
                return Ok(End::Finished(epoch));
            }
            let stopped = interrupt.code();
            let done = last.is_some_and(|last| self.run.steps() >= last);
            if done || stopped.is_some() || matches!(event, Event::Epoch(_)) || saved.elapsed() >= every {
                match self.save() {
                    // The disk may have room again by the end.
                    Err(problem) if stopped.is_none() && !done => {
                        reporter.note(&format!("{}; training goes on", problem.sentence));
                    }
                    outcome => outcome?,
                }
                saved = Instant::now();
            }
            reporter.event(&event)?;
            if let Some(code) = stopped {
                return Ok(End::Interrupted(code));
            }
            if done {
                return Ok(End::Stopped);
            }
        }
    }

    fn save(&mut self) -> Result<()> {
        self.place.write("the run", |out| checkpoint::write(&mut self.run, &self.history, out))
    }
}

/// A path as part of a command to type.
pub fn quoted(path: &Path) -> String {
    match path.to_string_lossy() {
        plain if plain.contains(|letter: char| letter.is_whitespace()) => format!("{plain:?}"),
        plain => plain.into_owned(),
    }
}
