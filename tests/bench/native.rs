//! The native side of `cargo xtask bench`: what tests/bench/worker.js does in a browser, on this machine itself.
//!
//! The only argument is the request, the JSON object that the worker is sent; the answer is one line of JSON, with a
//! `result` or an `error`. A contestant goes on: each line `{"steps": n}` of its input is
//! answered by `{"ms": [...]}`, until the input ends.

use std::error::Error;
use std::io::{self, BufRead, Write};
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use nibble::data::{Decoder, Gathering, synthetic};
use nibble::kernels::{self, bench};
use nibble::metrics::Event;
use nibble::run::Run;
use nibble::{RunConfig, kernels::Isa};
use serde::Deserialize;
use serde_json::{Value, json};

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// What is asked for; see tests/bench/run.mjs.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    subject: String,
    threads: usize,
    #[serde(default)]
    filter: String,
    #[serde(default)]
    model: String,
    #[serde(default)]
    quantizer: String,
    #[serde(default)]
    batch: u32,
    #[serde(default)]
    steps: usize,
    #[serde(default)]
    warm_up: usize,
    #[serde(default)]
    test_images: usize,
    #[serde(default)]
    seed: u32,
    /// Whatever else a run's settings are.
    #[serde(default)]
    config: RunConfig,
    #[serde(default)]
    files: Vec<PathBuf>,
    /// Settings of a run by their keys.
    #[serde(default)]
    settings: Vec<(String, String)>,
    /// The one of them that runs differ in.
    #[serde(default)]
    varied: String,
}

fn main() {
    if let Err(error) = answer() {
        let _ = say(&json!({ "error": error.to_string() }));
        std::process::exit(1);
    }
}

fn answer() -> Outcome<()> {
    // Cargo adds `--bench`.
    let request = std::env::args().skip(1).find(|argument| argument != "--bench");
    let request = request.ok_or("the request is missing: run `cargo xtask bench --help`")?;
    let request: Request = serde_json::from_str(&request)?;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(request.threads).build()?;
    pool.install(|| match request.subject.as_str() {
        "step" => say(&json!({ "result": step(&request)? })),
        "kernels" => say(&json!({ "result": bench::run(clock, &request.filter) })),
        "peer" => peer(&request),
        "curve" => curve(&request),
        subject => Err(format!("subject {subject}: expected step, kernels, peer or curve").into()),
    })
}

/// Milliseconds since the first call.
fn clock() -> f64 {
    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed().as_secs_f64() * 1e3
}

fn say(answer: &Value) -> Outcome<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{answer}")?;
    Ok(out.flush()?)
}

/// A run on so many steps' worth of built-in images.
fn run(request: &Request, steps: usize, epochs: u32) -> Outcome<Run> {
    let images = request.batch as usize * steps;
    let dataset = Arc::new(synthetic::generate(images, request.test_images, u64::from(request.seed))?);
    let config = RunConfig {
        model: request.model.clone(),
        quantizer: request.quantizer.clone(),
        batch: request.batch,
        seed: request.seed,
        epochs,
        ..request.config.clone()
    };
    Ok(Run::new(dataset, config, clock)?)
}

/// One training step: its milliseconds. Test passes on the way there are not counted.
fn training_step(run: &mut Run) -> Outcome<f64> {
    loop {
        let start = clock();
        let event = run.advance()?;
        let ms = clock() - start;
        match event {
            Event::Step(_) => return Ok(ms),
            Event::Finished { epoch } => return Err(format!("the run ended after {epoch} epochs").into()),
            _ => {}
        }
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 { values[middle] } else { (values[middle - 1] + values[middle]) / 2.0 }
}

/// Times the steps of an epoch that is just long enough.
fn step(request: &Request) -> Outcome<Value> {
    let mut run = run(request, request.warm_up + request.steps, 1)?;
    let (mut times, mut phases) = (Vec::new(), Vec::new());
    for i in 0..request.warm_up + request.steps {
        let ms = training_step(&mut run)?;
        let spent = serde_json::to_value(run.take_phases())?;
        if i >= request.warm_up {
            times.push(ms);
            phases.push(spent);
        }
    }
    let names: Vec<String> =
        phases.first().and_then(Value::as_object).map_or_else(Vec::new, |p| p.keys().cloned().collect());
    let medians: serde_json::Map<String, Value> = names
        .into_iter()
        .map(|name| {
            let values = phases.iter().filter_map(|spent| spent[&name].as_f64()).collect();
            let value = median(values).into();
            (name, value)
        })
        .collect();
    Ok(json!({
        "build": kernels::simd_kind(),
        "step_ms": median(times),
        "phases": medians,
        "memory_mb": peak_memory_mb(),
    }))
}

/// Most memory that this process held, where Linux says so.
fn peak_memory_mb() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().trim_end_matches("kB").trim().parse::<f64>().ok()? / 1024.0)
}

/// Steps of an epoch of a contestant.
const PEER_EPOCH: usize = 16;

/// Trains as many steps at a time as each line of the input asks for.
fn peer(request: &Request) -> Outcome<()> {
    let mut run = run(request, PEER_EPOCH, 1000)?;
    for _ in 0..request.warm_up {
        training_step(&mut run)?;
    }
    say(&json!({ "ready": format!("native, {}, {} threads", Isa::current().name(), request.threads) }))?;
    for line in io::stdin().lock().lines() {
        let wanted: Value = serde_json::from_str(&line?)?;
        let steps = wanted["steps"].as_u64().ok_or("expected {\"steps\": n}")?;
        let ms = (0..steps).map(|_| training_step(&mut run)).collect::<Outcome<Vec<f64>>>()?;
        say(&json!({ "ms": ms }))?;
    }
    Ok(())
}

/// Images of the built-in set, as many as the page begins with.
const BUILT_IN: (usize, usize) = (10_000, 2_000);

/// Trains whole epochs on files, or on the built-in images where there are none; a line of JSON an epoch.
fn curve(request: &Request) -> Outcome<()> {
    let dataset = if request.files.is_empty() {
        synthetic::generate(BUILT_IN.0, BUILT_IN.1, 1)?
    } else {
        let mut gathering = Gathering::new(Decoder { name: "the benchmark" });
        for path in &request.files {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            gathering.add(&name, Rc::new(std::fs::read(path)?));
        }
        gathering.plan(&mut |_| {})?.finish()?.0
    };
    let mut config = RunConfig::default();
    for (key, value) in &request.settings {
        config.set(key, value)?;
    }
    let varied = request.settings.iter().find(|(key, _)| *key == request.varied).map(|(_, value)| value);
    let mut run = Run::new(Arc::new(dataset), config.clone(), clock)?;
    loop {
        match run.advance()? {
            Event::Epoch(epoch) => say(&json!({
                "model": config.model,
                "seed": config.seed,
                "varied": format!("{}={}", request.varied, varied.map_or("", String::as_str)),
                "epoch": epoch.epoch,
                "trainLoss": epoch.train_loss,
                "trainAccuracy": epoch.train_accuracy,
                "testLoss": epoch.test_loss,
                "testAccuracy": epoch.test_accuracy,
                "secs": epoch.secs,
            }))?,
            Event::Finished { .. } => return Ok(()),
            _ => {}
        }
    }
}
