//! `cargo xtask build`: makes pkg/, the engine as the page loads it, one folder a build.

use crate::files::files;
use crate::process::{line, quiet, run as run_command};
use crate::toolchain::{self, Toolchain};
use crate::tools::{self, WasmBindgen};
use crate::wasm::{self, BUILDS, Build};
use crate::{likeness, offline, project, stamp};
use anyhow::{Context, Result, bail};
use clap::{Arg, ArgAction, ArgMatches, Command};
use flate2::Compression;
use flate2::write::GzEncoder;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Command as Process;

/// What is printed from the table of settings: for the page, and for people.
const PRINTED: [&str; 2] = ["pkg/registry.js", "docs/SETTINGS.md"];

pub fn command() -> Command {
    Command::new("build")
        .about("Build the engine into pkg/, installing the tool chain where it is missing")
        .arg(
            Arg::new("check").long("check").action(ArgAction::SetTrue).help(
                "Build nothing: fail when pkg/ or the list of the page's files is not that of the sources, or too large",
            ),
        )
        .arg(
            Arg::new("only")
                .long("only")
                .value_name("BUILD")
                .value_parser(wasm::all().map(|build| build.name).collect::<Vec<_>>())
                .help("Make this build alone, without a stamp: for a quick look"),
        )
        .arg(
            Arg::new("page")
                .long("page")
                .action(ArgAction::SetTrue)
                .help("Only list the page's files anew (www/offline.json), after a change below www/"),
        )
        .arg(Arg::new("settings").long("settings").action(ArgAction::SetTrue).help(
            "Only print the table of settings anew (pkg/registry.js, docs/SETTINGS.md), without a stamp: for a quick look",
        ))
}

pub fn run(arguments: &ArgMatches) -> Result<()> {
    if arguments.get_flag("check") {
        return check().map(drop);
    }
    if arguments.get_flag("page") {
        return offline::write();
    }
    if arguments.get_flag("settings") {
        return print_settings();
    }
    let only = arguments.get_one::<String>("only");
    let toolchain = toolchain::find_or_install()?;
    let bindgen = tools::wasm_bindgen()?;
    tools::node_modules()?;
    for build in wasm::all().filter(|build| only.is_none_or(|name| name == build.name)) {
        make(
            build,
            &["--no-default-features", "--features", build.surface],
            &project::path("pkg"),
            &toolchain,
            &bindgen,
        )?;
    }
    if only.is_some() {
        let _ = fs::remove_file(project::path(stamp::FILE));
        return sizes().map(drop);
    }
    remove_strangers()?;
    print_settings()?;
    stamp::write(&toolchain.version()?, &bindgen.version)?;
    offline::write()?;
    check().map(drop)
}

/// Verifies pkg/ as it is committed; returns the number of builds in it.
pub fn check() -> Result<usize> {
    stamp::check()?;
    offline::check()?;
    let count = sizes()?;
    println!("pkg/ and the list of the page's files are up to date");
    Ok(count)
}

/// Makes a build that can time single kernels, which those of pkg/ cannot, in a folder laid out like pkg/.
pub fn for_benches(name: &str, packages: &Path) -> Result<()> {
    let toolchain = toolchain::find_or_install()?;
    let bindgen = tools::wasm_bindgen()?;
    tools::node_modules()?;
    let build = BUILDS.iter().find(|build| build.name == name).context("no build of that name")?;
    make(build, &[], packages, &toolchain, &bindgen)
}

fn make(
    build: &Build,
    features: &[&str],
    packages: &Path,
    toolchain: &Toolchain,
    bindgen: &WasmBindgen,
) -> Result<()> {
    let mut cargo = build.cargo(toolchain, "build");
    cargo.args(["--release", "--lib"]).args(features);
    println!("{}: {}", build.name, line(&cargo));
    run_command(&mut cargo)?;
    let folder = packages.join(build.name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder)?;
    let wasm = build.product();
    quiet(
        Process::new(&bindgen.bindgen)
            .args(["--target", "web", "--out-name", "nibble", "--out-dir"])
            .args([&folder, &wasm]),
    )?;
    if build.threads {
        start_workers_by_name(&folder)?;
    }
    optimize(build, &folder.join("nibble_bg.wasm"))?;
    // The page's scripts read the types of nibble.d.ts; nobody those of the raw exports.
    let _ = fs::remove_file(folder.join("nibble_bg.wasm.d.ts"));
    no_local_paths(&folder.join("nibble_bg.wasm"))
}

/// wasm-bindgen warns in every page about the way in which the pool's workers call it.
fn start_workers_by_name(folder: &Path) -> Result<()> {
    const CALLS: [&str; 2] = [
        "pkg.default(data.module, data.memory)",
        "pkg.default({ module_or_path: data.module, memory: data.memory })",
    ];
    let scripts = files(&folder.join("snippets"))?;
    let worker = scripts.iter().find(|path| path.ends_with("src/workerHelpers.no-bundler.js"));
    let worker = worker.context("the pool has no worker's script: see wasm-bindgen-rayon")?;
    let text = fs::read_to_string(worker)?;
    if !text.contains(CALLS[0]) {
        bail!("{} starts its module in another way than it did: is this still needed?", worker.display());
    }
    Ok(fs::write(worker, text.replace(CALLS[0], CALLS[1]))?)
}

/// Functions that are alike come to lie side by side, where gzip finds what they have in common; a large one with one caller
/// stays by itself for that, while inlining small ones is worth 4 % of a step. Nothing lies in the first kilobyte but
/// the end of the stack, so that a load can do the sum of its address.
fn optimize(build: &Build, wasm: &Path) -> Result<()> {
    const INLINED: &str = "--one-caller-inline-max-function-size=500";
    wasm_opt(build, wasm, &["-O3", INLINED, "--low-memory-unused", "--strip-debug"])?;
    fs::write(wasm, likeness::name_by_likeness(fs::read(wasm)?)?)?;
    wasm_opt(build, wasm, &["--reorder-functions-by-name", "--strip-debug"])
}

fn wasm_opt(build: &Build, wasm: &Path, passes: &[&str]) -> Result<()> {
    let mut optimizer = Process::new("node");
    optimizer.arg(project::path("node_modules/binaryen/bin/wasm-opt")).args(passes);
    optimizer.args(["--enable-simd", "--enable-bulk-memory", "--enable-mutable-globals"]);
    optimizer.args(["--enable-nontrapping-float-to-int", "--enable-sign-ext", "--enable-reference-types"]);
    optimizer.args(["--enable-multivalue"]);
    if build.threads {
        optimizer.arg("--enable-threads");
    }
    if build.relaxed_simd {
        optimizer.arg("--enable-relaxed-simd");
    }
    quiet(optimizer.arg(wasm).arg("-o").arg(wasm)).map(drop)
}

/// Fails when the wasm names a folder of this machine.
fn no_local_paths(wasm: &Path) -> Result<()> {
    let bytes = fs::read(wasm)?;
    let home = std::env::home_dir().unwrap_or_default();
    for folder in [project::root().as_path(), project::target().as_path(), home.as_path()] {
        let name = folder.to_string_lossy();
        if name.len() > 1 && bytes.windows(name.len()).any(|window| window == name.as_bytes()) {
            bail!("{} carries the local path {name}", wasm.display());
        }
    }
    Ok(())
}

/// Removes what is no build: folders of former ones.
fn remove_strangers() -> Result<()> {
    for entry in fs::read_dir(project::path("pkg"))?.flatten() {
        let name = entry.file_name();
        let printed = PRINTED.iter().any(|file| project::path(file) == entry.path());
        if !printed && wasm::all().all(|build| name != build.name) {
            let path = entry.path();
            if path.is_dir() { fs::remove_dir_all(path)? } else { fs::remove_file(path)? }
        }
    }
    Ok(())
}

/// Writes what is printed from the table of settings.
fn print_settings() -> Result<()> {
    for file in PRINTED {
        let mut cargo = Process::new("cargo");
        cargo.current_dir(project::root()).args([
            "run",
            "--quiet",
            "--package",
            "nibble",
            "--features",
            "exports",
        ]);
        let text = quiet(cargo.args(["--example", "registry", "--", file]))?;
        fs::write(project::path(file), text).with_context(|| format!("cannot write {file}"))?;
    }
    Ok(())
}

/// Prints the size of each build; fails on one that is too large. Returns how many there are.
fn sizes() -> Result<usize> {
    let mut count = 0;
    let mut large = Vec::new();
    for build in wasm::all() {
        let name = format!("pkg/{}/nibble_bg.wasm", build.name);
        let bytes = match fs::read(project::path(&name)) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            result => result.with_context(|| format!("cannot read {name}"))?,
        };
        let gzipped = gzipped_size(&bytes)?;
        println!("{name}: {} KB, {} KB gzipped", kilobytes(bytes.len()), kilobytes(gzipped));
        if gzipped > build.most_gzipped {
            large.push(format!("{name} ({} KB)", kilobytes(build.most_gzipped)));
        }
        count += 1;
    }
    if !large.is_empty() {
        bail!("larger, gzipped, than they may be: {}", large.join(", "));
    }
    Ok(count)
}

fn gzipped_size(bytes: &[u8]) -> Result<usize> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?.len())
}

fn kilobytes(bytes: usize) -> String {
    format!("{:.1}", bytes as f64 / 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_measured() {
        let size = gzipped_size(&[7; 100_000]).unwrap();
        assert!((20..500).contains(&size), "{size}");
        assert_eq!(kilobytes(1536), "1.5");
    }
}
