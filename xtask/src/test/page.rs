//! The suite `page`: tests/e2e, run by tests/e2e/run.mjs against servers of this process.

use super::Tools;
use super::report::{Report, count_tap};
use crate::process::{line, tee};
use crate::project;
use crate::serve::{Server, Site};
use crate::site;
use anyhow::{Context, Result};
use std::fs;
use std::process::Command as Process;
use std::time::Duration;

/// Longest time that all of them may take before they count as hanging.
const LIMIT: Duration = Duration::from_secs(40 * 60);

pub fn run(tools: &Tools, report: &mut Report) -> Result<()> {
    // A machine without Firefox still checks the rest: its tests count as not run, and the summary says why.
    let firefox = tools.page.get()?;
    let browser = tools.browser.get()?;
    let isolated = Server::start(Site::project(true), 0)?;
    let plain = Server::start(Site::project(false), 0)?;
    report.part("page", || {
        fs::create_dir_all(project::target())?;
        let results = project::target().join("xtask-page.tap");
        let _ = fs::remove_file(&results);
        let folder = project::target().join("site");
        site::write(&folder)?;
        let mut node = Process::new("node");
        node.current_dir(project::root())
            .arg("tests/e2e/run.mjs")
            .arg(&results)
            .args(&tools.files)
            .env("NIBBLE_URL", isolated.url())
            .env("NIBBLE_URL_PLAIN", plain.url())
            .env("NIBBLE_SITE", &folder)
            .env("CHROMIUM", &browser.chromium);
        if let Some(shell) = tools.shell.get()? {
            node.env("HEADLESS_SHELL", shell);
        }
        if tools.pictures {
            node.env("NIBBLE_PICTURES", "1");
        }
        match firefox {
            Ok(program) => node.env("FIREFOX", program),
            Err(reason) => node.env("FIREFOX_MISSING", reason),
        };
        let outcome = tee(&mut node, LIMIT)?;
        let text =
            fs::read_to_string(&results).with_context(|| format!("`{}` left no results", line(&node)))?;
        let count = count_tap(&text).with_context(|| format!("{} has no totals", results.display()))?;
        Ok((count, outcome.success()))
    });
    if let Err(reason) = firefox {
        report.note(&format!("Firefox was not tried: {reason}"));
    }
    Ok(())
}
