//! `cargo xtask fuzz`: tests/fuzz under libFuzzer and, where there is `unsafe`, AddressSanitizer, each target from its corpus on.
//!
//! Built as cargo-fuzz does, which the folder also works with, but without that program and without a nightly tool chain. What
//! is found while it runs goes below target/; what is worth keeping is copied to tests/fuzz/corpus, which a native test reads
//! (tests/corpus.rs).

use crate::process::run as run_with_streams;
use crate::project;
use anyhow::{Context, Result, bail};
use clap::{Arg, ArgMatches, Command, value_parser};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command as Process;
use std::time::Instant;

/// The one target of the compiler here that libFuzzer is tried on.
const HOST: &str = "x86_64-unknown-linux-gnu";

/// What cargo-fuzz gives the compiler: where a program has been, and by which comparisons.
const FLAGS: [&str; 8] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "--cfg=fuzzing",
    "-Ccodegen-units=1",
    "-Cforce-frame-pointers=yes",
];

/// For code that has `unsafe` in it. The readers of images have none, and are tried some times as often without.
const SANITIZER: &str = "-Zsanitizer=address";

struct Target {
    name: &'static str,
    program: &'static str,
    /// Its folder in the corpus.
    corpus: &'static str,
    /// The longest input that is tried, bytes.
    longest: &'static str,
}

impl Target {
    const fn new(name: &'static str, corpus: &'static str, longest: &'static str) -> Self {
        Self { name, program: name, corpus, longest }
    }

    /// One parser of files of images: tests/fuzz/bodies/files.rs.
    const fn format(name: &'static str, longest: &'static str) -> Self {
        Self { name, program: FILES, corpus: name, longest }
    }
}

/// Builds a program, and says where it is.
fn build(program: &str) -> Result<PathBuf> {
    let sanitizer = (program != FILES).then_some(SANITIZER);
    let flags: Vec<&str> = FLAGS.into_iter().chain(sanitizer).collect();
    let folder = project::target().join(if sanitizer.is_some() { "fuzz" } else { "fuzz/plain" });
    run_with_streams(
        Process::new("cargo")
            .current_dir(project::root())
            .args(["build", "--release", "--target", HOST, "--manifest-path", "tests/fuzz/Cargo.toml"])
            .args(["--bin", program])
            .env("RUSTC_BOOTSTRAP", "1")
            .env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f"))
            .env_remove("RUSTFLAGS")
            .env("CARGO_TARGET_DIR", &folder),
    )?;
    Ok(folder.join(HOST).join("release").join(program))
}

/// The program that reads files, all of them or those of one format.
const FILES: &str = "files";

/// A checkpoint's header is read a hundred times as often as a run is made of one.
const TARGETS: [Target; 16] = [
    Target::new("header", "checkpoint", "16384"),
    Target::new("checkpoint", "checkpoint", "16384"),
    Target::new("address", "address", "512"),
    Target::new("settings", "settings", "1024"),
    Target::new(FILES, "files", "16384"),
    Target::format("npy", "4096"),
    Target::format("zip", "4096"),
    Target::format("tar", "4096"),
    Target::format("gzip", "4096"),
    Target::format("mat", "4096"),
    Target::format("idx", "4096"),
    Target::format("parquet", "4096"),
    Target::format("pickle", "8192"),
    Target::format("batch", "8192"),
    Target::format("csv", "1024"),
    Target::format("head", "512"),
];

/// The most that is taken at once, MiB. The sanitizer sees to it; the readers' program does so itself.
const LARGEST: &str = "-malloc_limit_mb=1100";

/// What a target ends with where somebody interrupted it: what was done until then counts.
const INTERRUPTED: i32 = 72;

pub fn command() -> Command {
    Command::new("fuzz")
        .about(
            "Look for inputs that break the readers of checkpoints, addresses, settings and files of images",
        )
        .arg(
            Arg::new("runs")
                .long("runs")
                .value_name("N")
                .default_value("100000")
                .value_parser(value_parser!(u64).range(1..))
                .help("Executions of each target"),
        )
        .arg(
            Arg::new("target")
                .long("target")
                .value_name("T")
                .value_parser(TARGETS.map(|target| target.name))
                .help("This one only"),
        )
}

pub fn run(arguments: &ArgMatches) -> Result<()> {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        bail!("not run: it is there for {HOST}");
    }
    let runs = arguments.get_one::<u64>("runs").expect("it has a default");
    let wanted = arguments.get_one::<String>("target");
    let folder = project::target().join("fuzz");
    let (mut lines, mut found) = (Vec::new(), Vec::new());
    for target in TARGETS.iter().filter(|target| wanted.is_none_or(|wanted| wanted == target.name)) {
        let name = target.name;
        println!("== {name}");
        let program = build(target.program)?;
        let start = Instant::now();
        let Fuzzed { executions, faults } = fuzz(&folder, &program, target, *runs)?;
        let outcome = match &faults[..] {
            [] => "nothing found".to_owned(),
            faults => format!("found {}", faults.join(", ")),
        };
        lines.push(format!(
            "{name:<12}{executions:>10} executions {:>6} s  {outcome}",
            start.elapsed().as_secs()
        ));
        found.extend(faults);
    }
    println!("\n{}", lines.join("\n"));
    if found.is_empty() { Ok(()) } else { bail!("{}", found.join(", ")) }
}

struct Fuzzed {
    executions: u64,
    /// Files with the inputs.
    faults: Vec<String>,
}

fn fuzz(folder: &Path, built: &Path, target: &Target, runs: u64) -> Result<Fuzzed> {
    let Target { name, program, corpus, longest } = target;
    let [grown, artifacts] = ["corpus", "artifacts"].map(|what| folder.join(what).join(name));
    let _ = fs::remove_dir_all(&artifacts);
    fs::create_dir_all(&grown)?;
    fs::create_dir_all(&artifacts)?;
    let log = folder.join(format!("{name}.log"));
    let status = Process::new(built)
        .current_dir(project::root())
        // What is found goes into the first.
        .arg(&grown)
        .arg(project::path("tests/fuzz/corpus").join(corpus))
        .arg(format!("-runs={runs}"))
        .arg(format!("-max_len={longest}"))
        .arg(format!("-artifact_prefix={}/", artifacts.display()))
        // What the readers say to users is not looked at.
        .args(["-print_final_stats=1", "-close_fd_mask=2", "-timeout=20", "-rss_limit_mb=4096", LARGEST])
        .env("ASAN_OPTIONS", "detect_leaks=0")
        .envs((name != program).then_some(("NIBBLE_FUZZ_FORMAT", name)))
        // Settings are read from a file: in memory that is ten times as quick.
        .envs(Path::new("/dev/shm").is_dir().then_some(("TMPDIR", "/dev/shm")))
        .stderr(File::create(&log)?)
        .status()
        .with_context(|| format!("cannot start {name}"))?;
    let text = String::from_utf8_lossy(&fs::read(&log)?).into_owned();
    let executions =
        executions(&text).with_context(|| format!("{} tells of no executions", log.display()))?;
    let mut faults: Vec<String> =
        fs::read_dir(&artifacts)?.flatten().map(|file| file.path().display().to_string()).collect();
    if !status.success() && status.code() != Some(INTERRUPTED) && faults.is_empty() {
        faults.push(format!("{status}, see {}", log.display()));
    }
    Ok(Fuzzed { executions, faults })
}

/// What libFuzzer ends with, or where it was last before it died.
fn executions(log: &str) -> Option<u64> {
    let told = log
        .lines()
        .find_map(|line| line.strip_prefix("stat::number_of_executed_units:")?.trim().parse().ok());
    let at = |line: &str| line.strip_prefix('#')?.split(['\t', ':']).next()?.parse().ok();
    told.or_else(|| log.lines().rev().find_map(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn executions_are_read() {
        let log = "INFO: seed corpus\n#12\tINITED cov: 5\n#4096: cov: 6\n#8192\tpulse  cov: 7\n";
        assert_eq!(executions(log), Some(8192));
        assert_eq!(executions(&format!("{log}stat::number_of_executed_units: 9000\n")), Some(9000));
        assert_eq!(executions("==1== ERROR"), None);
    }

    #[test]
    fn every_target_has_a_corpus_and_a_program() {
        let manifest = fs::read_to_string(project::path("tests/fuzz/Cargo.toml")).unwrap();
        let formats = fs::read_to_string(project::path("tests/fuzz/bodies/files.rs")).unwrap();
        for Target { name, program, corpus, .. } in TARGETS {
            assert!(manifest.contains(&format!("name = \"{program}\"")), "{name}");
            assert!(name == program || formats.contains(&format!("name: \"{name}\"")), "{name}");
            let files = fs::read_dir(project::path("tests/fuzz/corpus").join(corpus)).unwrap();
            let bytes: u64 = files.map(|file| file.unwrap().metadata().unwrap().len()).sum();
            assert!((1..300_000).contains(&bytes), "{name}: {bytes} bytes");
        }
    }
}
