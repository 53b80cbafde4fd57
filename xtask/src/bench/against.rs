//! `cargo xtask bench step --against PATH`: this checkout and another one, measured in turn in one run.
//!
//! Each is measured by its own bench (tests/bench/native.rs, and tests/bench/worker.js with its committed pkg/), so
//! that the other one needs nothing but what `bench peers` needs.

use super::arguments::Options;
use super::native;
use super::script::script;
use crate::serve::{Server, Site};
use crate::{process, project, tools};
use anyhow::{Context, Result, ensure};
use clap::ArgMatches;
use clap::parser::ValueSource;
use std::path::Path;

/// Measured unless one is named.
const MODELS: &str = "vgg4bit,simple_resnet4bit";

/// `options` hold the size of the pool, and whatever else is not about models and places.
pub fn run(arguments: &ArgMatches, other: &str, mut options: Options) -> Result<()> {
    let other = Path::new(other).canonicalize().with_context(|| format!("cannot read {other}"))?;
    ensure!(other.join("Cargo.toml").is_file(), "{} is no checkout of Nibble", other.display());
    let typed = |name: &str| arguments.value_source(name) == Some(ValueSource::CommandLine);
    let text = |name: &str| arguments.get_one::<String>(name).expect("it has a default").clone();
    options.push(("models", if typed("model") { text("model") } else { MODELS.into() }));
    tools::node_modules()?;
    // Either place when it is named, both otherwise.
    if !typed("build") {
        options.push(("native", native::build()?.display().to_string()));
        options.push(("nativeThat", native::build_at(&other)?.display().to_string()));
    }
    let browser = if arguments.get_flag("native") { None } else { Some(tools::browser()?) };
    let mut servers = Vec::new();
    if browser.is_some() {
        options.push(("build", text("build")));
        for (name, checkout) in [("site", project::root()), ("siteThat", &other)] {
            let folder = |name: &str| checkout.join(name).to_string_lossy().into_owned();
            ensure!(checkout.join("pkg").is_dir(), "{} has no pkg/", checkout.display());
            let site =
                Site::project(true).with("/pkg/", &folder("pkg")).with("/bench/", &folder("tests/bench"));
            let server = Server::start(site, 0)?;
            options.push((name, server.url()));
            servers.push(server);
        }
    }
    let mut node = script("against.mjs", &options);
    if let Some(browser) = &browser {
        node.env("CHROMIUM", &browser.chromium);
    }
    process::run(&mut node)
}
