//! `cargo nibble train`, killed while it trains and saves, and on a disk that is full.

use super::{Outcome, Random, Row, Tally};
use crate::process::{quiet, run as run_with_streams};
use crate::project;
use anyhow::{Context, Result, bail};
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// A small network on few images: most of the time goes into saving. Without times in the file equal runs have equal files.
const TRAIN: &str = "train --json --exact --threads 1 --model convnetjs_cifar10 --train 100 --test 100";
const OUT: &str = "run";
/// What is waited for comes in seconds, or not at all.
const PATIENCE: Duration = Duration::from_secs(60);
/// Of the disk that gets full: a dozen runs.
const DISK: &str = "4m";

/// How often it saves, and the steps of an epoch.
struct Way {
    what: &'static str,
    arguments: &'static str,
    steps: u64,
    strikes: When,
}

#[derive(Clone, Copy, PartialEq)]
enum When {
    /// At any moment of its life.
    Anytime,
    /// While the file beside the run's own is there, which is renamed once it is whole.
    Saving,
}

const WAYS: [Way; 3] = [
    Way {
        what: "killed (SIGKILL) at a random moment, saving after every step",
        arguments: "--epochs 5 --batch 20 --every 0",
        steps: 5,
        strikes: When::Anytime,
    },
    Way {
        what: "killed at a random moment, saving at the end of each epoch",
        arguments: "--epochs 10 --batch 20 --every 3600",
        steps: 5,
        strikes: When::Anytime,
    },
    Way {
        what: "killed in the middle of a save, saving after every step",
        arguments: "--epochs 5 --batch 20 --every 0",
        steps: 5,
        strikes: When::Saving,
    },
];

pub fn run(time: Duration, random: &mut Random) -> Result<Vec<Row>> {
    // As the tests do, which take minutes less than whole-program optimization; saving takes most of the time here.
    let build = ["build", "--profile", "test", "--features", "cli", "--bin", "nibble"];
    run_with_streams(Command::new("cargo").current_dir(project::root()).args(build))?;
    let folder = project::target().join("torture");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder)?;
    let program = project::target().join("debug/nibble");
    let mut rows = Vec::new();
    for way in &WAYS {
        println!("-- {}", way.what);
        let bench = Bench { program: program.clone(), folder: folder.clone() };
        let tally = bench.killed(way, time / (WAYS.len() as u32 + 1), random)?;
        rows.push(Row { what: way.what.into(), outcome: Outcome::Tried(tally) });
    }
    println!("-- a full disk");
    match Disk::mount(&folder.join("disk")) {
        Ok(disk) => {
            let bench = Bench { program, folder: disk.0.clone() };
            for (what, tally) in bench.full(&folder, time / (WAYS.len() as u32 + 1))? {
                rows.push(Row { what: what.into(), outcome: Outcome::Tried(tally) });
            }
        }
        Err(error) => rows.push(Row {
            what: "a full disk".into(),
            outcome: Outcome::NotRun(format!(
                "no small disk can be mounted ({})",
                format!("{error:#}").replace('\n', " ")
            )),
        }),
    }
    Ok(rows)
}

/// The program, and where its run lies.
struct Bench {
    program: PathBuf,
    folder: PathBuf,
}

impl Bench {
    fn nibble(&self, arguments: &str) -> Command {
        let mut command = Command::new(&self.program);
        command.args(arguments.split_whitespace()).current_dir(&self.folder).env_remove("NIBBLE_DATA");
        command
    }

    /// What a process writes, until it is whole and renamed.
    fn part(&self, child: &Child) -> PathBuf {
        self.folder.join(format!("{OUT}.{}.part", child.id()))
    }

    /// The names of those that are there.
    fn parts(&self) -> Result<Vec<String>> {
        let names =
            fs::read_dir(&self.folder)?.flatten().map(|file| file.file_name().to_string_lossy().into_owned());
        Ok(names.filter(|name| name.ends_with(".part")).collect())
    }

    /// The steps of the saved run, if it is whole.
    fn steps(&self) -> Result<u64> {
        let said = quiet(&mut self.nibble(&format!("inspect {OUT}")))?;
        if !said.lines().any(|line| line == "checksum  holds") {
            bail!("its checksum does not hold");
        }
        let steps =
            said.lines().find_map(|line| line.strip_prefix("steps")?.split(',').next()?.trim().parse().ok());
        steps.with_context(|| format!("no steps in {said:?}"))
    }

    /// Starts it, or goes on with the run that is there; what it tells goes into files beside.
    fn start(&self, arguments: &str, told: &Path) -> Result<Running> {
        let all = match self.folder.join(OUT).exists() {
            true => format!("train --json --exact --threads 1 --resume {OUT} {}", every(arguments)),
            false => format!("{TRAIN} {arguments} --out {OUT}"),
        };
        let child = self
            .nibble(&all)
            .stdout(File::create(told)?)
            .stderr(File::create(told.with_extension("err"))?)
            .stdin(Stdio::null())
            .spawn();
        child.map(Running).with_context(|| format!("cannot start {}", self.program.display()))
    }

    /// Kills it until the time is over: each time it goes on with what is there, to the end of the run, and begins anew.
    fn killed(&self, way: &Way, time: Duration, random: &mut Random) -> Result<Tally> {
        let end = Instant::now() + time;
        let (out, told) = (self.folder.join(OUT), self.folder.join("told"));
        let remove = || drop(fs::remove_file(&out));
        remove();
        let began = Instant::now();
        let status = self.start(way.arguments, &told)?.0.wait()?;
        let whole = began.elapsed();
        if !status.success() {
            bail!(
                "without being killed it ended with {status}: {}",
                fs::read_to_string(told.with_extension("err"))?
            );
        }
        let straight = fs::read(&out)?;
        remove();

        let mut tally = Tally::default();
        let (mut in_save, mut early, mut ends, mut before) = (0, 0, 0, 0);
        while Instant::now() < end {
            let mut child = self.start(way.arguments, &told)?;
            let part = self.part(&child.0);
            let killed = strike(&mut child.0, way.strikes, random.up_to(whole), &part, random)?;
            if !killed {
                ends += 1;
                if fs::read(&out)? != straight {
                    bail!("{}: the end of a run that was killed is another than without", way.what);
                }
                if let Some(left) = self.parts()?.first() {
                    bail!("{left} is left at the end of a run");
                }
                (before, _) = (0, remove());
                continue;
            }
            tally.times += 1;
            in_save += usize::from(part.exists());
            let promised = epochs(&told)? * way.steps;
            if !out.exists() && promised == 0 && before == 0 {
                early += 1;
                continue;
            }
            tally.saved += 1;
            match self.steps() {
                Ok(steps) => {
                    tally.readable += 1;
                    tally.lost = tally.lost.max(promised.max(before).saturating_sub(steps));
                    before = steps;
                }
                Err(error) => {
                    let kept = self.folder.join(format!("broken-{}", tally.times));
                    let _ = fs::copy(&out, &kept);
                    println!("{}: {error:#}; it is kept as {}", way.what, kept.display());
                    (before, _) = (0, remove());
                }
            }
        }
        tally.notes = vec![
            format!("{in_save} times in the middle of a save"),
            format!("{early} times before the first one"),
            format!("{ends} runs got to their end, each equal to one without kills"),
        ];
        Ok(tally)
    }

    /// A disk that gets full while it trains, and has room again or not.
    fn full(&self, beside: &Path, time: Duration) -> Result<[(&'static str, Tally); 3]> {
        let end = Instant::now() + time;
        let arguments = "--epochs 1000 --batch 20 --every 0";
        let out = self.folder.join(OUT);
        let (ballast, told) = (self.folder.join("ballast"), beside.join("told"));
        let [mut begun, mut killed, mut freed] = [Tally::default(), Tally::default(), Tally::default()];
        let (mut failed, mut behind) = (0, 0);
        while Instant::now() < end || freed.times == 0 {
            for file in fs::read_dir(&self.folder)?.flatten() {
                fs::remove_file(file.path())?;
            }
            fill(&ballast)?;
            let status = self.start(arguments, &told)?.0.wait()?;
            let said = fs::read_to_string(told.with_extension("err"))?;
            let refused = status.code() == Some(1)
                && said.lines().count() == 1
                && said.contains("expected to save the run there");
            if !refused || out.exists() || !self.parts()?.is_empty() {
                bail!("on a full disk it ended with {status} and said {said:?}");
            }
            begun.times += 1;
            fs::remove_file(&ballast)?;

            let child = self.start(arguments, &told)?;
            wait_for("a first epoch", || Ok(epochs(&told)? >= 2))?;
            fill(&ballast)?;
            let noted = || {
                Ok::<_, anyhow::Error>(
                    fs::read_to_string(told.with_extension("err"))?.matches("; training goes on").count(),
                )
            };
            wait_for("saves that fail", || Ok(noted()? >= 10))?;
            let at = epochs(&told)?;
            wait_for("training that goes on", || Ok(epochs(&told)? >= at + 2))?;
            let stands = self.steps();
            freed.times += 1;
            freed.saved += 1;
            if let Ok(steps) = stands {
                behind = behind.max((epochs(&told)? * 5).saturating_sub(steps));
                fs::remove_file(&ballast)?;
                wait_for("a save once there is room", || Ok(self.steps()? > steps + 10))?;
                freed.readable += 1;
            }
            failed += noted()?;
            fill(&ballast)?;
            let already = noted()?;
            wait_for("saves that fail again", || Ok(noted()? >= already + 3))?;
            drop(child);
            killed.times += 1;
            killed.saved += 1;
            killed.readable += usize::from(self.steps().is_ok());
        }
        begun.notes = vec!["refused in a sentence; nothing is left on the disk".into()];
        freed.notes = vec![
            format!("{failed} saves failed, and training went on"),
            format!("meanwhile the run on the disk was up to {behind} steps behind"),
        ];
        killed.notes = vec!["the run of before the disk was full is there".into()];
        Ok([
            ("begun on a full disk", begun),
            ("the disk gets full while it trains, and has room again", freed),
            ("killed on a full disk", killed),
        ])
    }
}

/// A process that is killed when it is dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What of the arguments a run that goes on takes.
fn every(arguments: &str) -> &str {
    &arguments[arguments.find("--every").unwrap_or(arguments.len())..]
}

/// Kills it after that life, or in the first save from then on; false where it had ended by itself, and well.
fn strike(child: &mut Child, when: When, life: Duration, part: &Path, random: &mut Random) -> Result<bool> {
    let until = Instant::now() + life;
    loop {
        if let Some(status) = child.try_wait()? {
            if !status.success() {
                bail!("it ended with {status} before it was killed");
            }
            return Ok(false);
        }
        if Instant::now() >= until {
            if when == When::Anytime {
                break;
            }
            if part.exists() {
                // A save takes a few milliseconds.
                thread::sleep(random.up_to(Duration::from_millis(2)));
                break;
            }
        } else {
            thread::sleep(Duration::from_micros(500).min(life));
        }
    }
    child.kill()?;
    // One that had just ended is not killed any more.
    Ok(!child.wait()?.success())
}

/// The last epoch that it told of.
fn epochs(told: &Path) -> Result<u64> {
    let text = fs::read_to_string(told)?;
    let number = |line: &str| {
        line.split("\"epoch\":").nth(1)?.split(|letter: char| !letter.is_ascii_digit()).next()?.parse().ok()
    };
    Ok(text
        .split_inclusive('\n')
        .filter(|line| line.ends_with('\n'))
        .filter_map(number)
        .next_back()
        .unwrap_or(0))
}

fn wait_for(what: &str, mut there: impl FnMut() -> Result<bool>) -> Result<()> {
    let end = Instant::now() + PATIENCE;
    while !there()? {
        if Instant::now() > end {
            bail!("waited in vain for {what}");
        }
        thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}

/// Takes all the room that is left, also what is given back meanwhile.
fn fill(ballast: &Path) -> Result<()> {
    let mut file = File::options().create(true).append(true).open(ballast)?;
    let mut refused = 0;
    while refused < 20 {
        match file.write_all(&[0; 4096]) {
            Ok(()) => refused = 0,
            Err(_) => {
                refused += 1;
                thread::sleep(Duration::from_millis(1));
            }
        }
    }
    Ok(())
}

/// A small disk, until it is dropped.
struct Disk(PathBuf);

impl Disk {
    fn mount(folder: &Path) -> Result<Disk> {
        fs::create_dir_all(folder)?;
        quiet(
            Command::new("mount")
                .args(["-t", "tmpfs", "-o", &format!("size={DISK}"), "nibble-torture"])
                .arg(folder),
        )?;
        Ok(Disk(folder.into()))
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = quiet(Command::new("umount").arg(&self.0));
    }
}
