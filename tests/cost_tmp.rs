//! Temporary: what it costs, and what it reaches.
use nibble::RunConfig;
use nibble::data::synthetic;
use nibble::metrics::Event;
use nibble::run::Run;
use std::sync::Arc;
use std::time::Instant;

fn now() -> f64 {
    static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    START.get_or_init(Instant::now).elapsed().as_secs_f64() * 1e3
}

fn config(changes: &str) -> RunConfig {
    let mut config = RunConfig::default();
    for pair in changes.split_whitespace() {
        let (key, text) = pair.split_once('=').unwrap();
        config.set(key, text).unwrap();
    }
    config
}

#[test]
fn cost() {
    for model in ["convnetjs_cifar10", "simple_resnet4bit", "vgg4bit"] {
        let data = Arc::new(synthetic::generate(1024, 32, 5).unwrap());
        let batch = 32;
        let mut runs: Vec<Run> = [0, 10000, 1]
            .map(|rebits| {
                Run::new(data.clone(), config(&format!("model={model} batch={batch} rebits={rebits}")), now)
                    .unwrap()
            })
            .into();
        let n = if model == "vgg4bit" { 6 } else { 25 };
        for (i, run) in runs.iter_mut().enumerate() {
            for _ in 0..if i < 2 { 2 } else { 1 } {
                run.advance().unwrap();
            }
            run.take_phases();
        }
        let mut times = vec![Vec::new(); 3];
        for _ in 0..n {
            for (run, times) in runs.iter_mut().zip(&mut times).take(2) {
                run.advance().unwrap();
                let p = run.take_phases();
                times.push((p.update, p.forward + p.backward + p.update + p.quantize));
            }
        }
        let med = |v: &[f64]| {
            let mut v = v.to_vec();
            v.sort_by(f64::total_cmp);
            v[v.len() / 2]
        };
        for (what, times) in ["off", "on"].iter().zip(&times) {
            println!(
                "{model} {what}: update {:.3} of {:.3} ms",
                med(&times.iter().map(|t| t.0).collect::<Vec<_>>()),
                med(&times.iter().map(|t| t.1).collect::<Vec<_>>())
            );
        }
        let start = now();
        let event = runs[2].advance().unwrap();
        println!("{model}: a choice {:.1} ms, {event:?}", now() - start);
    }
}

#[test]
fn reach() {
    let base = std::env::var("BASE").unwrap_or("model=simple_resnet4bit batch=64 epochs=6 lr=0.003".into());
    let images: usize = std::env::var("IMAGES").map_or(2000, |n| n.parse().unwrap());
    for changes in std::env::var("RUNS").unwrap().split(';') {
        for seed in 1..=std::env::var("SEEDS").map_or(1, |n| n.parse().unwrap()) {
            let data = Arc::new(synthetic::generate(images, 1000, synthetic::SEED).unwrap());
            let mut run = Run::new(data, config(&format!("{base} seed={seed} {changes}")), now).unwrap();
            let mut told = String::new();
            let mut changed = Vec::new();
            loop {
                match run.advance().unwrap() {
                    Event::Bits { step, bits } => changed.push(format!("{step}: {bits}")),
                    Event::Epoch(e) => {
                        told = format!(
                            "train {:.4} test {:.4} {:.1} %",
                            e.train_loss,
                            e.test_loss,
                            100.0 * e.test_accuracy
                        )
                    }
                    Event::Finished { .. } => break,
                    _ => {}
                }
            }
            println!(
                "[{changes}] seed {seed}: {told}, {} changes\n    {}",
                changed.len(),
                changed.join("\n    ")
            );
        }
    }
}
