//! Makes the runs of a row, one after the other, and their logs.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Error, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;

use serde_json::Value;

use crate::log::{Log, sha256};
use crate::rows::{Assigned, FOLDER, Results, Row, Variant};
use crate::sums;

/// Checkpoints of runs, from the project's root.
const RUNS: &str = "target/results";

/// Makes every run of a row that has no whole log yet, so many at once, which share the cores; one that was interrupted
/// goes on.
///
/// # Errors
/// A sentence, where there is no such row or a run fails; the runs that are under way come to their ends.
pub fn rerun(root: &Path, results: &Results, name: &str, data: &Path, at_once: usize) -> Result<(), String> {
    let row = results.rows.iter().find(|row| row.name == name).ok_or_else(|| {
        let names: Vec<_> = results.rows.iter().map(|row| row.name.as_str()).collect();
        format!("expected one of {}, found {name}", names.join(", "))
    })?;
    if row.page {
        return Err(format!("{name} is made by {}", row.command(&row.variants[0])));
    }
    let threads = (cores() / at_once).max(1);
    let runs = row.variants.iter().flat_map(|variant| row.runs(variant).map(move |run| (variant, run)));
    // Widths are assigned by what is measured on runs of the first part.
    let (assigned, plain): (Vec<_>, Vec<_>) = runs.partition(|(variant, _)| variant.assigned.is_some());
    for part in [plain, assigned] {
        let waiting = Mutex::new(part.into_iter());
        let written = Mutex::new(());
        let one = |variant: &Variant, seed, log: PathBuf| {
            let log = root.join(FOLDER).join(log);
            if log.is_file() && Log::read(&log)?.mirrored.is_some() {
                println!("{} is there already", log.display());
                return Ok(());
            }
            make(root, row, variant, seed, &log, data, threads)?;
            let _alone = written.lock().expect("nobody panics with it");
            sums::write(root, results)
        };
        let next = || waiting.lock().expect("nobody panics with it").next();
        let work = || -> Result<(), String> {
            while let Some((variant, (seed, log))) = next() {
                one(variant, seed, log).inspect_err(|_| while next().is_some() {})?;
            }
            Ok(())
        };
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..at_once).map(|_| scope.spawn(work)).collect();
            workers.into_iter().try_for_each(|worker| worker.join().expect("errors are values"))
        })?;
    }
    Ok(())
}

fn make(
    root: &Path,
    row: &Row,
    variant: &Variant,
    seed: u32,
    log: &Path,
    data: &Path,
    threads: usize,
) -> Result<(), String> {
    let runs = PathBuf::from(RUNS).join(&row.name);
    fs::create_dir_all(root.join(&runs)).map_err(io(&runs))?;
    let folder = log.parent().expect("a log lies in a folder");
    fs::create_dir_all(folder).map_err(io(folder))?;
    let saved = |variant: &str| runs.join(format!("{variant}-seed-{seed}.nibble.safetensors"));
    let run = saved(&variant.name);
    let run_text = run.to_string_lossy();
    let mut out = File::options().create(true).append(true).open(log).map_err(io(log))?;
    let mut train = nibble(root, "train");
    if root.join(&run).is_file() {
        train.args(["--resume", &run_text]);
    } else {
        out.set_len(0).map_err(io(log))?;
        train.args(["--out", &run_text, "--seed", &seed.to_string()]).args(variant.flags.split(' '));
    }
    let mut write = |line: &str| writeln!(out, "{line}").map_err(io(log));
    if let Some(assigned) = variant.assigned.as_ref().filter(|_| !root.join(&run).is_file()) {
        let bits = assign(root, &saved(&assigned.of), assigned, data, &mut write)?;
        // Of the same settings and seed comes the same run.
        if let Some((other, lines)) = same(root, row, variant, seed, &bits)? {
            println!("{} is {other} with {bits}", variant.name);
            return lines.iter().try_for_each(|line| write(line));
        }
        train.args(["--bits", &bits]);
    }
    tell(train.args(["--threads", &threads.to_string()]).arg("--data").arg(data), &mut write)?;

    let mut about = String::new();
    tell(nibble(root, "inspect").arg(&run), &mut |line| {
        about = line.into();
        Ok(())
    })?;
    let mut about: Value = serde_json::from_str(&about).map_err(|error| format!("inspect: {error}"))?;
    let found = about["data"]["kind"].as_str().unwrap_or("nothing");
    if found != row.data {
        return Err(format!("{}: expected {}, found {found}", data.display(), row.data));
    }
    about["sha256"] = sha256(&root.join(&run))?.into();
    about["machine"] = machine().into();
    write(&about.to_string())?;
    for mirrored in [&[][..], &["--mirrored"]] {
        tell(
            nibble(root, "eval").arg(&run).arg("--test-set").args(mirrored).arg("--data").arg(data),
            &mut write,
        )?;
    }
    Ok(())
}

/// Another variant of the row whose run of that seed has the same settings and these widths, and what its log tells from
/// the first epoch on.
fn same<'r>(
    root: &Path,
    row: &'r Row,
    variant: &Variant,
    seed: u32,
    bits: &str,
) -> Result<Option<(&'r str, Vec<String>)>, String> {
    let with_bits = format!("{} --bits {bits}", variant.flags);
    for other in row.variants.iter().filter(|other| [&variant.flags, &with_bits].contains(&&other.flags)) {
        let log = row.runs(other).find(|(own, _)| *own == seed).map(|(_, log)| root.join(FOLDER).join(log));
        let Some(path) = log.filter(|log| log.is_file()) else { continue };
        let log = Log::read(&path)?;
        if log.mirrored.is_none() || log.settings.get("bits").is_none_or(|own| own != bits) {
            continue;
        }
        let text = fs::read_to_string(&path).map_err(io(&path))?;
        let measured =
            |line: &&str| serde_json::from_str::<Value>(line).is_ok_and(|told| told["kind"] != "epoch");
        return Ok(Some((&other.name, text.lines().skip_while(measured).map(String::from).collect())));
    }
    Ok(None)
}

/// The widths that a measurement of a saved run gives for a budget, as the setting `bits` has them; what was measured is
/// written too.
fn assign(
    root: &Path,
    run: &Path,
    Assigned { by, budget, .. }: &Assigned,
    data: &Path,
    write: &mut dyn FnMut(&str) -> Result<(), String>,
) -> Result<String, String> {
    let mut bits = None;
    let mut command = nibble(root, "bits");
    command.arg(run).args(["--by", by, "--budget", budget]).arg("--data").arg(data);
    tell(&mut command, &mut |line| {
        let told: Value = serde_json::from_str(line).map_err(|error| format!("bits: {error}"))?;
        bits = told["bits"].as_str().map(String::from).or(bits.take());
        write(line)
    })?;
    bits.ok_or_else(|| format!("{}: expected widths for {budget}, found none", run.display()))
}

/// How a file's error is told.
fn io(path: &Path) -> impl Fn(Error) -> String {
    move |error| format!("{}: {error}", path.display())
}

/// A command of `cargo nibble` that tells in JSON.
fn nibble(root: &Path, name: &str) -> Command {
    let mut command = Command::new("cargo");
    command.current_dir(root).args(["nibble", name, "--json"]);
    command
}

/// Runs a command, and passes on each line that it prints.
fn tell(command: &mut Command, line: &mut dyn FnMut(&str) -> Result<(), String>) -> Result<(), String> {
    println!("{}", format!("{command:?}").replace('"', ""));
    let mut child = command.stdout(Stdio::piped()).spawn().map_err(|error| format!("cargo: {error}"))?;
    for told in BufReader::new(child.stdout.take().expect("it is piped")).lines() {
        let told = told.map_err(|error| format!("cargo: {error}"))?;
        println!("{told}");
        line(&told)?;
    }
    let status = child.wait().map_err(|error| format!("cargo: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("{command:?}: {status}")) }
}

/// How many there are.
fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// The processor's name and how many cores there are.
fn machine() -> String {
    let cores = cores();
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model =
        text.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or(": another processor");
    format!(
        "{}, {cores} cores",
        model.trim_start_matches(|letter: char| letter == ':' || letter.is_whitespace())
    )
}
