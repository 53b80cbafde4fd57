//! The scripts of tests/bench.

use super::arguments::{Options, pool, threads};
use super::native;
use crate::serve::{Server, Site};
use crate::{process, project, tools};
use anyhow::{Result, bail};
use clap::ArgMatches;
use std::process::Command as Process;

/// A script of tests/bench with these options.
pub fn script(name: &str, options: &Options) -> Process {
    let mut node = Process::new("node");
    node.current_dir(project::root()).arg(format!("tests/bench/{name}"));
    for (name, value) in options {
        node.arg(format!("--{name}={value}"));
    }
    node
}

/// What visitors load.
pub fn visited(_build: &str) -> Result<Site> {
    if !project::path("pkg").is_dir() {
        bail!("pkg/ is missing: run `cargo xtask build`");
    }
    Ok(Site::project(true))
}

/// Runs a script of tests/bench that drives headless Chromium.
pub fn in_browser(name: &str, options: &Options) -> Result<()> {
    on_site(name, options, visited("")?)
}

fn on_site(name: &str, options: &Options, site: Site) -> Result<()> {
    tools::node_modules()?;
    let browser = tools::browser()?;
    let server = Server::start(site.with("/bench/", "tests/bench"), 0)?;
    let mut node = script(name, options);
    process::run(node.env("NIBBLE_URL", server.url()).env("CHROMIUM", &browser.chromium))
}

/// Runs a script where the arguments say: natively, or in Chromium on what `site` makes of the build's name.
pub fn measure(
    name: &str,
    arguments: &ArgMatches,
    mut options: Options,
    site: fn(&str) -> Result<Site>,
) -> Result<()> {
    if arguments.get_flag("json") {
        options.push(("json", "true".into()));
    }
    if arguments.try_get_one::<bool>("native").is_ok_and(|native| native == Some(&true)) {
        options.push(("threads", threads(arguments, true)?.to_string()));
        options.push(("native", native::build()?.display().to_string()));
        tools::node()?;
        return process::run(&mut script(name, &options));
    }
    options.push(("threads", pool(arguments)?.to_string()));
    let build = arguments.get_one::<String>("build").expect("it has a default").clone();
    options.push(("build", build.clone()));
    on_site(name, &options, site(&build)?)
}

/// Runs a subject of tests/bench/run.mjs.
pub fn run_subject(
    subject: &str,
    arguments: &ArgMatches,
    mut options: Options,
    site: fn(&str) -> Result<Site>,
) -> Result<()> {
    options.push(("subject", subject.into()));
    measure("run.mjs", arguments, options, site)
}
