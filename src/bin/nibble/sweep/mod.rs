//! `cargo nibble sweep`: trains every combination of some settings, one after the other.

mod plan;
mod results;

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use nibble::Error;
use nibble::checkpoint::About;
use nibble::data::Dataset;
use nibble::run::Run;
use nibble::train::Clock;
use serde_json::json;

use self::plan::{Combination, Plan, Request};
use self::results::{Item, State};
use crate::interrupt::Interrupt;
use crate::place::Place;
use crate::problem::{Problem, Result, note, say};
use crate::session::{self, End, Session, quoted};
use crate::settings::{self, Wanted};
use crate::{engine, images, saved};

/// In the folder: what was asked for.
const REQUEST: &str = "sweep.json";
/// In the folder: a line a run.
const RESULTS: &str = "results.csv";

pub fn command() -> Command {
    let folder = |name: &'static str| {
        Arg::new(name).long(name).value_name("FOLDER").value_parser(value_parser!(PathBuf))
    };
    Command::new("sweep")
        .about("Train every combination of some settings, with several seeds, one run after the other")
        .after_help(
            "The settings' flags, --settings and --from say what is the same in all runs. Each is saved in the folder as train \
             saves it. The same command again goes on where it stopped, also with more values or seeds; runs that are finished \
             stay. In the end the last epochs' test accuracy and loss are told, with mean and standard deviation over seeds, and \
             results.csv in the folder has a line a run with every setting.",
        )
        .arg(
            Arg::new("grid")
                .long("grid")
                .value_name("KEY=VALUES")
                .action(ArgAction::Append)
                .help("A setting and its values, such as bits=2,4,8; of several every combination is trained"),
        )
        .arg(
            Arg::new("seeds")
                .long("seeds")
                .value_name("N")
                .value_parser(value_parser!(u32).range(1..=1000))
                .help("Train each combination with so many seeds, from --seed on"),
        )
        .arg(folder("out").required_unless_present("resume").help("Where runs and results are saved"))
        .arg(
            folder("resume")
                .conflicts_with_all(["out", "grid", "seeds", "from", "settings", "skip-refused"])
                .help("Go on with the sweep of that folder"),
        )
        .arg(
            Arg::new("skip-refused")
                .long("skip-refused")
                .action(ArgAction::SetTrue)
                .help("Leave out combinations that cannot be trained, such as bits that a scheme does not take"),
        )
        .arg(images::argument())
        .args(session::arguments())
        .args(engine::arguments())
        .args(settings::arguments())
}

pub fn run(arguments: &ArgMatches) -> Result<()> {
    let resumed = arguments.get_one::<PathBuf>("resume");
    let folder = resumed.or(arguments.get_one("out")).expect("clap requires one of them");
    let kept = folder.join(REQUEST);
    let request = if resumed.is_some() {
        if let Some((key, _)) = settings::flags(arguments).next() {
            return Err(Problem::usage(format!(
                "--{key}: expected no settings beside --resume, since the folder has them"
            )));
        }
        Request::read(&kept)?
    } else {
        Request::new(arguments)?
    };
    let exact = arguments.get_flag("exact");
    if kept.is_file() && (exact || resumed.is_none()) && Request::read(&kept)?.exact != exact {
        let found = if exact { "--exact" } else { "no --exact" };
        let folder = folder.display();
        return Err(Problem::usage(format!(
            "{folder}: expected the arithmetic that the sweep began with, found {found}"
        )));
    }
    engine::with(arguments, request.exact, |clock| Sweep::new(folder, request, arguments, clock)?.train())
}

/// A sweep under way.
struct Sweep<'a> {
    folder: &'a Path,
    arguments: &'a ArgMatches,
    clock: Clock,
    plan: Plan,
    items: Vec<Item>,
    images: Images<'a>,
    /// Keeps other sweeps out of the folder.
    _lock: Option<File>,
}

/// The images of one combination after the other; mostly they are the same.
struct Images<'a> {
    arguments: &'a ArgMatches,
    paths: Vec<PathBuf>,
    last: Option<(Key, Arc<Dataset>)>,
}

/// What images depend on: name and numbers.
type Key = (Option<String>, Option<usize>, Option<usize>);

impl Images<'_> {
    fn of(&mut self, wanted: &Wanted) -> Result<Arc<Dataset>> {
        let key = (wanted.data.clone(), wanted.train, wanted.test);
        match &self.last {
            Some((last, dataset)) if *last == key => Ok(dataset.clone()),
            _ => {
                // Two of them need not be in memory.
                self.last = None;
                let dataset = images::wanted(wanted, self.paths.clone(), self.arguments)?;
                dataset.notes.iter().for_each(note);
                Ok(self.last.insert((key, dataset)).1.clone())
            }
        }
    }
}

impl<'a> Sweep<'a> {
    /// Says what cannot be trained, and looks at what is there already.
    fn new(folder: &'a Path, request: Request, arguments: &'a ArgMatches, clock: Clock) -> Result<Self> {
        let mut plan = request.plan().map_err(|problem| match arguments.contains_id("resume") {
            // The user did not ask for it.
            true => Problem::failed(format!("{}: {}", folder.join(REQUEST).display(), problem.sentence)),
            false => problem,
        })?;
        let given = images::paths(arguments);
        let paths = if given.is_empty() { request.data.clone() } else { given };
        let mut images = Images { arguments, paths, last: None };
        plan.left_out.iter().for_each(note);
        plan.refuse(&mut images, clock)?;

        let unwritable = |error| Problem::data(folder, "a folder to save to", error);
        fs::create_dir_all(folder).map_err(unwritable)?;
        let lock = lock(folder)?;
        let kept = folder.join(REQUEST);
        if folder.join(RESULTS).exists() && !kept.exists() {
            return Err(Problem::data(
                folder,
                "a folder for a sweep",
                format!("{RESULTS} of something else"),
            ));
        }
        let mut items = Vec::new();
        for (at, combination) in plan.combinations.iter().enumerate() {
            for seed in &plan.seeds {
                let file = combination.file(*seed);
                let path = folder.join(&file);
                let about = match path.exists() {
                    true => Some(survey(&path, combination, *seed, &mut images)?),
                    false => None,
                };
                let last = about.as_ref().and_then(|about| about.epochs.last());
                let finished = last.is_some_and(|last| last.epoch == combination.wanted.config.epochs);
                let state = if finished { State::Finished } else { State::Waiting };
                items.push(Item { combination: at, seed: *seed, file, about, state });
            }
        }
        let text = request.text();
        Place::same(&kept)?.write("the sweep", |out| out.write_all(text.as_bytes()))?;
        Ok(Self { folder, arguments, clock, plan, items, images, _lock: lock })
    }

    fn train(mut self) -> Result<()> {
        let json = self.arguments.get_flag("json");
        let interrupt = Interrupt::watch()?;
        let results = Place::same(&self.folder.join(RESULTS))?;
        let of = self.items.len();
        for at in 0..of {
            self.announce(at, json)?;
            if self.items[at].state == State::Finished {
                continue;
            }
            let end = match interrupt.code() {
                Some(code) => End::Interrupted(code),
                None => self.session(at)?.train(self.arguments, None, &interrupt)?,
            };
            let item = &mut self.items[at];
            item.state = match end {
                End::Finished(_) => State::Finished,
                End::Diverged(error) => {
                    let label = self.plan.combinations[item.combination].label();
                    note(format!("{label} seed={}: {error}", item.seed));
                    State::Diverged
                }
                End::Stopped => unreachable!("each is trained to its end"),
                End::Interrupted(code) => return Err(self.interrupted(code, json)?),
            };
            item.about = Some(saved::open(&self.folder.join(&item.file))?.about().clone());
            self.write(&results)?;
        }
        self.write(&results)?;
        results::tell(&self.plan.combinations, &self.items, json)?;
        let file = self.folder.join(RESULTS);
        let diverged = self.items.iter().filter(|item| item.state == State::Diverged).count();
        if json {
            say(json!({ "kind": "results", "runs": of, "diverged": diverged, "file": file }))?;
        } else {
            say("")?;
            say(format!("runs done: {}; results in {}", of - diverged, file.display()))?;
        }
        match diverged {
            0 => Ok(()),
            _ => Err(Problem::failed(format!("{diverged} of {of} runs diverged"))),
        }
    }

    /// Says which run comes now.
    fn announce(&self, at: usize, json: bool) -> Result<()> {
        let (item, of) = (&self.items[at], self.items.len());
        let combination = &self.plan.combinations[item.combination];
        let done = item.state == State::Finished;
        if json {
            return say(json!({
                "kind": "run", "number": at + 1, "of": of, "settings": results::settings(combination),
                "seed": item.seed, "file": self.folder.join(&item.file), "done": done,
            }));
        }
        let before = if done { ": finished before" } else { "" };
        say(format!("run {} of {of}, {} seed={}{before}", at + 1, combination.label(), item.seed))
    }

    /// A run, new or as its file has it.
    fn session(&mut self, at: usize) -> Result<Session> {
        let item = &self.items[at];
        let combination = &self.plan.combinations[item.combination];
        let dataset = self.images.of(&combination.wanted)?;
        let path = self.folder.join(&item.file);
        let place = Place::same(&path)?;
        if item.about.is_some() {
            let saved = saved::with(&path, self.clock, |_| Ok(dataset))?;
            return Ok(Session::resume(&path, saved, place, &path));
        }
        Ok(Session::new(Run::new(dataset, combination.config(item.seed), self.clock)?, place, &path))
    }

    fn write(&self, results: &Place) -> Result<()> {
        let text = results::csv(&self.items);
        results.write("the results", |out| out.write_all(text.as_bytes()))
    }

    /// The end by a signal.
    fn interrupted(&self, code: u8, json: bool) -> Result<Problem> {
        if json {
            say(json!({ "kind": "interrupted", "folder": self.folder }))?;
        }
        let command = format!("cargo nibble sweep --resume {}", quoted(self.folder));
        Ok(Problem { code, sentence: format!("interrupted and saved; go on with: {command}") })
    }
}

impl Plan {
    /// Tells the combinations that cannot be trained, a sentence each, and leaves them out where that was asked for.
    fn refuse(&mut self, images: &mut Images, clock: Clock) -> Result<()> {
        let total = self.combinations.len();
        let mut taken = Vec::new();
        for combination in std::mem::take(&mut self.combinations) {
            let dataset = images.of(&combination.wanted)?;
            match Run::new(dataset, combination.config(self.seeds[0]), clock) {
                Ok(_) => taken.push(combination),
                Err(error @ Error::Config { .. }) => note(format!("{}: {error}", combination.label())),
                Err(error) => return Err(error.into()),
            }
        }
        let refused = total - taken.len();
        if refused > 0 && (!self.skip_refused || taken.is_empty()) {
            let way = if taken.is_empty() { "" } else { "; --skip-refused leaves them out" };
            return Err(Problem::usage(format!(
                "--grid: expected combinations that can be trained, found {refused} of {total} that cannot{way}"
            )));
        }
        self.combinations = taken;
        Ok(())
    }
}

/// What a file says that is there already.
fn survey(path: &Path, combination: &Combination, seed: u32, images: &mut Images) -> Result<About> {
    let reader = saved::open(path)?;
    let (had, wanted) = (saved::settings(path, &reader)?.texts(), combination.config(seed).texts());
    // Bits that are chosen anew are those in force, not those that the run began with.
    let chosen = wanted["rebits"] != "0";
    let differs =
        |(key, text): &(&String, &String)| wanted.get(*key) != Some(text) && !(chosen && *key == "bits");
    if let Some((key, text)) = had.iter().find(differs) {
        let expected = format!("a run of this sweep, with {key}={}", wanted[key]);
        return Err(Problem::data(
            path,
            expected,
            format!("{key}={text}; another --out takes another sweep"),
        ));
    }
    let about = reader.about().clone();
    let dataset = images.of(&combination.wanted)?;
    if about.data.fingerprint != dataset.fingerprint() {
        let expected = format!("a run on {} ({})", dataset.name, dataset.fingerprint());
        let found = format!("one on {} ({})", about.data.name, about.data.fingerprint);
        return Err(Problem::data(path, expected, found));
    }
    if !reader.verify()? {
        let found = "another checksum; once it is moved away that run is trained again";
        return Err(Problem::data(path, "the file as it was saved", found));
    }
    Ok(about)
}

/// Two sweeps in a folder would train every run twice. Where folders have no locks, nothing is done.
fn lock(folder: &Path) -> Result<Option<File>> {
    let Ok(file) = File::open(folder) else { return Ok(None) };
    match file.try_lock() {
        Err(fs::TryLockError::WouldBlock) => {
            Err(Problem::data(folder, "a folder that no other sweep is working in", "one that is locked"))
        }
        _ => Ok(Some(file)),
    }
}
