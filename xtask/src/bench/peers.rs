//! `cargo xtask bench peers`: Nibble beside other libraries, in one interleaved run. What they need is installed below
//! the target folder, by name, and never becomes a dependency of the project.

use super::arguments::{build_argument, count, json_argument, threads, threads_argument, values};
use super::native;
use super::script::script;
use crate::process::{self, quiet};
use crate::serve::{Server, Site};
use crate::{project, tools};
use anyhow::{Context, Result};
use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgAction, ArgMatches, Command};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command as Process;

/// The contestants, as tests/bench/peers.mjs names them.
const PEERS: [&str; 8] = [
    "nibble-chromium",
    "nibble-native",
    "nibble-chromium-int8",
    "nibble-native-int8",
    "pytorch",
    "jax-js",
    "tensorflowjs",
    "convnetjs",
];
/// The networks that all of them are written for.
const MODELS: [&str; 3] = ["vgg4bit", "simple_resnet4bit", "convnetjs_cifar10"];
/// What npm installs, at versions whose interfaces the workers of tests/bench/peers use.
const PACKAGES: [&str; 4] = [
    "@jax-js/jax@0.1.25",
    "@tensorflow/tfjs@4.22.0",
    "@tensorflow/tfjs-backend-wasm@4.22.0",
    "convnetjs@0.3.0",
];

pub fn command() -> Command {
    let list = |name: &'static str, value: &'static str, all: &[&'static str]| {
        Arg::new(name)
            .long(name)
            .value_name(value)
            .value_delimiter(',')
            .action(ArgAction::Append)
            .value_parser(PossibleValuesParser::new(all.to_vec()))
    };
    Command::new("peers")
        .about("Train the same networks with Nibble and with other libraries, in turn")
        .arg(list("model", "M", &MODELS).help("These networks [default: all]"))
        .arg(list("only", "NAMES", &PEERS).help("These contestants [default: all]"))
        .arg(count("batch", "B").default_value("128").help("Images a step"))
        .arg(threads_argument().help("Threads of each contestant [default: this machine's cores]"))
        .arg(build_argument())
        .arg(count("rounds", "N").default_value("5").help("Rounds; the median of them counts"))
        .arg(count("steps", "N").default_value("3").help("Steps of a contestant in a round"))
        .arg(
            count("limit", "S")
                .default_value("60")
                .help("Seconds after which a guest that has not answered is out"),
        )
        .arg(
            Arg::new("python")
                .long("python")
                .value_name("PATH")
                .help("A Python that has PyTorch [default: one that is installed below target/peers]"),
        )
        .arg(json_argument())
}

pub fn run(arguments: &ArgMatches) -> Result<()> {
    let chosen = |name: &str, all: &[&str]| match arguments.get_many::<String>(name) {
        Some(names) => names.cloned().collect::<Vec<_>>(),
        None => all.iter().map(|name| (*name).to_string()).collect(),
    };
    let only = chosen("only", &PEERS);
    let takes_part = |name: &str| only.iter().any(|peer| peer == name);
    let mut options = values(arguments, &["batch", "rounds", "steps", "limit", "build"]);
    options.push(("models", chosen("model", &MODELS).join(",")));
    options.push(("only", only.join(",")));
    options.push(("threads", threads(arguments, true)?.to_string()));
    if arguments.get_flag("json") {
        options.push(("json", "true".into()));
    }

    let folder = project::target().join("peers");
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    tools::node_modules()?;
    let browser = tools::browser()?;
    if takes_part("nibble-native") || takes_part("nibble-native-int8") {
        options.push(("native", native::build()?.display().to_string()));
    }
    if takes_part("pytorch") {
        let python = match arguments.get_one::<String>("python") {
            Some(path) => path.clone(),
            None => pytorch(&folder)?.display().to_string(),
        };
        options.push(("python", python));
    }
    if ["jax-js", "tensorflowjs", "convnetjs"].into_iter().any(takes_part) {
        packages(&folder)?;
    }
    let site = Site::project(true).with("/bench/", "tests/bench").with("/peers/", &folder.to_string_lossy());
    let server = Server::start(site, 0)?;
    let mut node = script("peers.mjs", &options);
    process::run(node.env("NIBBLE_URL", server.url()).env("CHROMIUM", &browser.chromium))
}

/// A Python with PyTorch, in an environment of its own.
fn pytorch(folder: &Path) -> Result<PathBuf> {
    let environment = folder.join("python");
    let python = environment.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
    let version = || quiet(Process::new(&python).args(["-c", "import torch; print(torch.__version__)"]));
    if let Ok(version) = version() {
        eprintln!("PyTorch: found ({}, {})", version.trim(), python.display());
        return Ok(python);
    }
    eprintln!(
        "PyTorch: installing with pip (several GB with its libraries for GPUs, which it does not start without)"
    );
    let base = ["python3", "python"].into_iter().find_map(process::find);
    let base = base.context("python3 is missing: install it, or name one with --python")?;
    quiet(Process::new(base).args(["-m", "venv"]).arg(&environment))?;
    quiet(Process::new(&python).args(["-m", "pip", "install", "--quiet", "torch", "numpy"]))?;
    let version = version()?;
    eprintln!("PyTorch: installed ({}, {})", version.trim(), python.display());
    Ok(python)
}

/// The JavaScript libraries.
fn packages(folder: &Path) -> Result<()> {
    let present = |package: &&str| {
        let (name, version) = package.rsplit_once('@').expect("every package has a version");
        let file = folder.join("node_modules").join(name).join("package.json");
        fs::read_to_string(file).is_ok_and(|text| text.contains(&format!("\"version\": \"{version}\"")))
    };
    let list = PACKAGES.join(", ");
    if PACKAGES.iter().all(present) {
        eprintln!("npm packages of the peers: found ({list})");
        return Ok(());
    }
    // Without a package.json of its own, npm would install into the project's.
    fs::write(folder.join("package.json"), "{\"private\": true}\n")?;
    let mut npm = Process::new("npm");
    npm.args(["install", "--no-audit", "--no-fund", "--ignore-scripts", "--save-exact"]).args(PACKAGES);
    quiet(npm.current_dir(folder))?;
    eprintln!("npm packages of the peers: installed ({list})");
    Ok(())
}
