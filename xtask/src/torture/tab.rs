//! The page, in Chromium: tests/torture/tab.mjs ends its tab, its worker and the browser.

use super::{Outcome, Random, Row, Tally};
use crate::serve::{Server, Site};
use crate::{process, project, tools};
use anyhow::{Context, Result, bail};
use std::fs;
use std::process::Command;
use std::time::Duration;

pub fn run(time: Duration, random: &mut Random) -> Result<Vec<Row>> {
    tools::node_modules()?;
    let browser = tools::browser()?;
    let server = Server::start(Site::project(true), 0)?;
    let results = project::target().join("torture-tab.tsv");
    let _ = fs::remove_file(&results);
    let mut node = Command::new("node");
    node.current_dir(project::root()).arg("tests/torture/tab.mjs");
    node.arg(time.as_secs().to_string())
        .arg(random.up_to(Duration::from_secs(1 << 30)).as_secs().to_string());
    process::run(node.arg(&results).env("NIBBLE_URL", server.url()).env("CHROMIUM", &browser.chromium))?;
    let text = fs::read_to_string(&results).with_context(|| format!("{} is missing", results.display()))?;
    text.lines().map(row).collect()
}

/// Of the script's columns.
fn row(line: &str) -> Result<Row> {
    let [what, times, saved, readable, lost, notes] = line.split('\t').collect::<Vec<_>>()[..] else {
        bail!("no row: {line}");
    };
    let tally = Tally {
        times: times.parse()?,
        saved: saved.parse()?,
        readable: readable.parse()?,
        lost: lost.parse()?,
        notes: vec![notes.into()],
    };
    Ok(Row { what: what.into(), outcome: Outcome::Tried(tally) })
}
