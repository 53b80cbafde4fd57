//! `sweep`: every combination is trained once, whatever comes between, and told by its last epoch.

use std::fs;
use std::path::Path;

use nibble::checkpoint::{Epoch, Reader};
use serde_json::{Value, json};

use crate::support::*;

/// Two epochs of five steps on the smallest network.
const SWEEP: &str =
    "sweep --train 160 --test 100 --batch 32 --model convnetjs_cifar10 --epochs 2 --out sweep";

fn last_epoch(file: &Path) -> Epoch {
    let reader = Reader::open("", fs::File::open(file).unwrap()).unwrap();
    reader.about().epochs.last().unwrap().clone()
}

/// The rows of the results, by the names of their columns.
fn results(folder: &Path) -> Vec<Value> {
    let text = fs::read_to_string(folder.join("sweep/results.csv")).unwrap();
    let mut lines = text.lines().map(|line| {
        // A comma within quotes is none between cells.
        let parts = line.split('"').enumerate();
        let cells: String =
            parts.map(|(i, part)| if i % 2 == 0 { part.replace(',', "|") } else { part.into() }).collect();
        cells.split('|').map(str::to_owned).collect::<Vec<_>>()
    });
    let head = lines.next().unwrap();
    let row = |cells: Vec<String>| {
        assert_eq!(cells.len(), head.len());
        head.iter().cloned().zip(cells.into_iter().map(Value::from)).collect::<serde_json::Map<_, _>>().into()
    };
    lines.map(row).collect()
}

#[test]
fn every_combination_is_trained_and_told_by_the_last_epochs_over_its_seeds() {
    let folder = folder("sweep");
    let grid = format!("{SWEEP} --grid bits=2,4,conv1:8 --grid lr=0.001,0.01 --seeds 2 --seed 5");
    let told = json(&folder, &grid);
    let of_kind = |kind: &str| told.iter().filter(|line| line["kind"] == kind).collect::<Vec<_>>();
    let runs = of_kind("run");
    let order: Vec<_> = runs.iter().map(|run| (run["settings"].clone(), run["seed"].clone())).collect();
    let expected = [("2", "0.001"), ("2", "0.01"), ("4,conv1:8", "0.001"), ("4,conv1:8", "0.01")];
    let expected = expected.map(|(bits, lr)| json!({ "bits": bits, "lr": lr }));
    let each = expected.iter().flat_map(|settings| [5, 6].map(|seed| (settings.clone(), json!(seed))));
    assert_eq!(order, each.collect::<Vec<_>>());
    assert_eq!(of_kind("epoch").len(), 16);
    assert_eq!(told.last().unwrap()["kind"], "results");

    let rows = results(&folder);
    assert_eq!(rows.len(), 8);
    for (row, run) in rows.iter().zip(&runs) {
        let epoch = last_epoch(&folder.join(run["file"].as_str().unwrap()));
        assert_eq!(
            Path::new("sweep").join(row["file"].as_str().unwrap()),
            Path::new(run["file"].as_str().unwrap())
        );
        let known = [
            ("seed", run["seed"].to_string()),
            ("epochs", "2".into()),
            ("quantizer", "symmetric".into()),
            ("state", "finished".into()),
            ("epoch", "2".into()),
            ("train_images", "160".into()),
            ("test_loss", epoch.test_loss.to_string()),
            ("test_accuracy", epoch.test_accuracy.to_string()),
        ];
        for (column, text) in known {
            assert_eq!(row[column], text, "{column}");
        }
        assert_eq!((&row["bits"], &row["lr"]), (&run["settings"]["bits"], &run["settings"]["lr"]));
    }
    let combinations = of_kind("combination");
    assert_eq!(combinations.len(), 4);
    for (combination, rows) in combinations.iter().zip(rows.chunks(2)) {
        let [a, b] = [0, 1].map(|i| rows[i]["test_accuracy"].as_str().unwrap().parse::<f64>().unwrap());
        let accuracy = &combination["testAccuracy"];
        // Of two values, the deviation of a sample is their distance over the root of two. A rounding of f64.
        let away = [
            accuracy["mean"].as_f64().unwrap() - (a + b) / 2.0,
            accuracy["deviation"].as_f64().unwrap() - (a - b).abs() / 2f64.sqrt(),
        ];
        assert!(away.iter().all(|away| away.abs() < 1e-12), "{combination}");
        assert_eq!(combination["seeds"], 2);
    }

    // The same again trains nothing, and says it as a table.
    let before = fs::read(folder.join("sweep/results.csv")).unwrap();
    let again = done(&folder, &grid);
    assert!(again[..8].iter().all(|line| line.ends_with(": finished before")), "{again:?}");
    assert_eq!(
        (again.len(), again[16].as_str()),
        (17, "runs done: 8; results in sweep/results.csv"),
        "{again:?}"
    );
    assert!(again[11].starts_with("bits=2 lr=0.001") && again[11].contains(" ± "), "{again:?}");
    assert!(fs::read(folder.join("sweep/results.csv")).unwrap() == before);
    // More seeds: those that there are stay.
    let more = json(&folder, &grid.replace("--seeds 2", "--seeds 3"));
    let trained = more.iter().filter(|line| line["kind"] == "run" && line["done"] == false);
    assert!(trained.map(|run| &run["seed"]).eq([&json!(7); 4]));
    assert_eq!(results(&folder).len(), 12);
}

#[cfg(unix)]
#[test]
fn a_sweep_that_was_stopped_ends_as_if_it_had_not_been() {
    let folder = folder("sweep-stopped");
    let grid = "--grid bits=2,4 --exact --every 0";
    done(&folder, &format!("{} {grid}", SWEEP.replace("--out sweep", "--out straight")));

    let told = stopped(&folder, &format!("{SWEEP} {grid}"), "INT");
    let way = "sweep --resume sweep";
    assert_eq!(told.code, Some(130));
    assert_eq!(told.err, [format!("nibble: interrupted and saved; go on with: cargo nibble {way}")]);
    assert_eq!(told.out.last().unwrap(), r#"{"folder":"sweep","kind":"interrupted"}"#);
    let told = stopped(&folder, way, "KILL");
    assert_eq!((told.code, told.err), (None, vec![]));
    done(&folder, &format!("{SWEEP} {grid}"));

    let names = files(&folder.join("straight"));
    assert_eq!(files(&folder.join("sweep")), names);
    assert_eq!(names.len(), 4);
    for name in names {
        let [whole, stopped] = ["straight", "sweep"].map(|of| fs::read(folder.join(of).join(&name)).unwrap());
        assert!(whole == stopped, "{name}");
    }
}

#[test]
fn what_cannot_be_trained_is_told_before_anything_is() {
    let folder = folder("sweep-refused");
    let grid = format!("{SWEEP} --grid quantizer=none,binary,lsq --grid bits=1,2");
    let told = tell(&folder, &grid);
    let refusals = [
        "nibble: quantizer=none bits=2: left out, since beside quantizer=none that changes nothing",
        "nibble: quantizer=binary bits=2: bits: expected 1 with binary, found 2",
        "nibble: quantizer=lsq bits=1: bits: expected 2 to 8 with lsq, found 1",
    ];
    assert_eq!((told.code, told.out.len()), (Some(2), 0));
    assert_eq!(told.err[..3], refusals);
    let sentence = "--grid: expected combinations that can be trained, found 2 of 5 that cannot; --skip-refused leaves them out";
    assert_eq!(told.err[3..], [format!("nibble: {sentence}")]);
    assert!(files(&folder).is_empty());

    let told = tell(&folder, &format!("{grid} --skip-refused"));
    assert_eq!((told.code, &told.err[..]), (Some(0), &refusals.map(String::from)[..]));
    assert_eq!(results(&folder).len(), 3);
}

#[test]
fn what_cannot_be_asked_for_is_refused_in_a_sentence() {
    let folder = folder("sweep-usage");
    for (arguments, sentence) in [
        ("--grid bits", "--grid: expected KEY=VALUE,VALUE, found bits"),
        ("--grid bits=2,17", "bits: expected 1 to 16, found 17"),
        ("--grid bits=2,2", "--grid: expected each value once, found bits=2 twice"),
        ("--grid bits=2,", "bits: expected "),
        ("--grid colour=red", "found colour"),
        ("--grid threads=1,2", "--grid: expected a setting of a run, found threads"),
        ("--grid lr=0.1 --grid lr=0.2", "--grid: expected each setting once, found lr twice"),
        ("--grid bits=2 --bits 4", "bits: expected in --grid or as a flag, found both"),
        ("--grid seed=1,2 --seeds 2", "--seeds: expected no seeds in --grid beside it"),
        ("--grid train=100,200 --data cifar", "--grid: train: expected the built-in images, found cifar"),
        ("--seeds 0", "invalid value '0' for '--seeds <N>'"),
        ("--seeds 2 --seed 999999", "seed: expected 0 to 999999, found 1000000"),
        ("--seeds 2 --resume there", "cannot be used with"),
        (
            "--epochs 1",
            "expected --grid KEY=VALUE,VALUE or --seeds N, found a single run, which train is for",
        ),
    ] {
        refused(&folder, &format!("sweep --out sweep {arguments}"), 2, sentence);
    }
    refused(&folder, "sweep --seeds 2", 2, "--out <FOLDER>");
    refused(&folder, "sweep --resume none", 1, "none/sweep.json: expected a readable file");
    assert!(files(&folder).is_empty());
}

#[test]
fn a_folder_of_something_else_is_left_alone() {
    let folder = folder("sweep-folder");
    let sweep = format!("{SWEEP} --seeds 2");
    done(&folder, &sweep);
    let before = fs::read(folder.join("sweep/results.csv")).unwrap();
    refused(&folder, "sweep --resume sweep --exact", 2, "that the sweep began with, found --exact");
    refused(&folder, "sweep --resume sweep --bits 3", 2, "--bits: expected no settings beside --resume");
    refused(
        &folder,
        &format!("{sweep} --exact"),
        2,
        "sweep: expected the arithmetic that the sweep began with, found --exact",
    );
    let sentence =
        "expected a run of this sweep, with lr=0.01, found lr=0.001; another --out takes another sweep";
    refused(&folder, &format!("{sweep} --lr 0.01"), 1, sentence);
    assert!(fs::read(folder.join("sweep/results.csv")).unwrap() == before);

    let file = folder.join("sweep/model-convnetjs_cifar10_seed-2.nibble.safetensors");
    let mut damaged = fs::read(&file).unwrap();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    fs::write(&file, &damaged).unwrap();
    refused(
        &folder,
        "sweep --resume sweep",
        1,
        "expected the file as it was saved, found another checksum; once it is moved away",
    );
    assert!(fs::read(&file).unwrap() == damaged);

    #[cfg(unix)]
    {
        let other = fs::File::open(folder.join("sweep")).unwrap();
        other.lock().unwrap();
        refused(
            &folder,
            "sweep --resume sweep",
            1,
            "sweep: expected a folder that no other sweep is working in",
        );
    }
    fs::remove_file(folder.join("sweep/sweep.json")).unwrap();
    refused(&folder, &sweep, 1, "sweep: expected a folder for a sweep, found results.csv of something else");
}

#[test]
fn a_run_that_diverges_does_not_end_the_sweep() {
    let folder = folder("sweep-diverged");
    let wild = "--clip 0 --tanh 0 --quantizer none --optimizer sgd --momentum 0.999 --exact";
    let sweep = SWEEP.replace("--batch 32", "--batch 8").replace("--epochs 2", "--epochs 1");
    let told = tell(&folder, &format!("{sweep} {wild} --grid lr=0.5,0.001"));
    assert_eq!((told.code, told.err.len()), (Some(1), 2), "{:?}", told.err);
    assert!(told.err[0].starts_with("nibble: lr=0.5 seed=1: step "), "{:?}", told.err);
    assert_eq!(told.err[1], "nibble: 1 of 2 runs diverged");
    let rows = results(&folder);
    let states: Vec<_> = rows.iter().map(|row| (&row["state"], row["test_accuracy"] == "")).collect();
    assert_eq!(states, [(&json!("diverged"), true), (&json!("finished"), false)]);
    let table = &told.out[told.out.len() - 4..];
    let words: Vec<_> = table[0].split_whitespace().collect();
    assert_eq!(words, ["lr=0.5", "0", "none", "none"], "{table:?}");
}
