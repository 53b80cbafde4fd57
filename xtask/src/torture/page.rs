//! The page, in Chromium, by the scripts of tests/torture.

use super::{Outcome, Random, Row, Tally};
use crate::serve::{Server, Site};
use crate::{process, project, tools};
use anyhow::{Context, Result, bail};
use std::fs;
use std::process::Command;
use std::time::Duration;

/// Ends the tab, its worker and the browser while a run is saved.
pub fn ended(time: Duration, random: &mut Random) -> Result<Vec<Row>> {
    let seed = random.up_to(Duration::from_secs(1 << 30)).as_secs();
    let lines = script("tab.mjs", &[time.as_secs().to_string(), seed.to_string()])?;
    let row = |line: &String| {
        let [what, times, saved, readable, lost, notes] = columns(line)?;
        let tally = Tally {
            times: times.parse()?,
            saved: saved.parse()?,
            readable: readable.parse()?,
            lost: lost.parse()?,
            notes: vec![notes.into()],
        };
        Ok(Row { what: what.into(), outcome: Outcome::Tried(tally) })
    };
    lines.iter().map(row).collect()
}

/// Trains in a hidden tab, and through many epochs and runs.
pub fn steady(time: Duration, _: &mut Random) -> Result<Vec<Row>> {
    let lines = script("steady.mjs", &[time.as_secs().to_string()])?;
    let row = |line: &String| {
        let [what, figure, holds] = columns(line)?;
        let outcome = Outcome::Measured { figure: figure.into(), holds: holds == "1" };
        Ok(Row { what: what.into(), outcome })
    };
    lines.iter().map(row).collect()
}

/// What a script leaves: lines of columns.
fn script(name: &str, arguments: &[String]) -> Result<Vec<String>> {
    tools::node_modules()?;
    let browser = tools::browser()?;
    let server = Server::start(Site::project(true), 0)?;
    let results = project::target().join("torture.tsv");
    let _ = fs::remove_file(&results);
    let mut node = Command::new("node");
    node.current_dir(project::root()).arg(format!("tests/torture/{name}")).args(arguments).arg(&results);
    process::run(node.env("NIBBLE_URL", server.url()).env("CHROMIUM", &browser.chromium))?;
    let text = fs::read_to_string(&results).with_context(|| format!("{} is missing", results.display()))?;
    Ok(text.lines().map(str::to_owned).collect())
}

fn columns<const N: usize>(line: &str) -> Result<[&str; N]> {
    match line.split('\t').collect::<Vec<_>>().try_into() {
        Ok(columns) => Ok(columns),
        Err(_) => bail!("no row: {line}"),
    }
}
