//! `train`: what is trained, and what is told of it.

use std::fs::{self, File};
use std::sync::Arc;

use nibble::RunConfig;
use nibble::checkpoint::{self, History, Reader};
use nibble::run::Run;
use serde_json::Value;

use crate::pictures::own_pictures;
use crate::support::*;

#[test]
fn trains_to_the_end_and_saves() {
    let folder = folder("end");
    let out = done(&folder, &format!("{TINY} --epochs 2"));
    assert_eq!(out.len(), 3, "{out:?}");
    for (line, epoch) in out.iter().zip(["epoch 1 of 2: training loss 2.", "epoch 2 of 2: training loss 2."])
    {
        assert!(line.starts_with(epoch), "{line}");
    }
    let file = "convnetjs_cifar10-4-bit.nibble.safetensors";
    assert_eq!(out[2], format!("epochs done: 2; saved to {file}"));
    assert_eq!(files(&folder), [file]);
    assert_eq!(settings(&folder.join(file)).model, "convnetjs_cifar10");

    // What the epoch's own test pass found, at another batch size.
    let [tested] = &done(&folder, &format!("eval {file}"))[..] else { panic!("one line") };
    let loss = |line: &str| -> f64 {
        let (_, after) = line.rsplit_once("loss ").unwrap();
        after.split(',').next().unwrap().parse().unwrap()
    };
    assert!(tested.starts_with("100 test images: loss ") && tested.ends_with(" % right"), "{tested}");
    // Both are rounded to 4 digits.
    assert!((loss(tested) - loss(&out[1])).abs() < 2e-4, "{tested} after {}", out[1]);

    let more = done(&folder, &format!("train --resume {file} --epochs 3"));
    assert!(more.len() == 2 && more[0].starts_with("epoch 3 of 3: "), "{more:?}");
    refused(&folder, TINY, 1, "expected a name that no file has, or --force to overwrite it, found a file");
    done(&folder, &format!("{TINY} --epochs 1 --force --quantizer none"));
}

#[test]
fn flags_go_before_a_file_and_that_before_an_address() {
    let folder = folder("settings");
    fs::write(
        folder.join("run.toml"),
        "# A run\nlr = 0.003\nbits = \"6,conv1:8\"\ntanh = false\nepochs = 1\n",
    )
    .unwrap();
    let address = "https://example.org/nibble/?data=builtin&model=convnetjs_cifar10&bits=5&lr=0.002&batch=50&scale=0\
        &granularity=tensor&train=100&test=100&threads=2&build=auto&race=bits%3A3#curves";
    let told = tell(&folder, &format!("train --from {address} --settings run.toml --lr 0.004 --out {OUT}"));
    assert_eq!(told.code, Some(0));
    assert_eq!(told.err, ["nibble: passed over, being no setting of a run: threads, race"]);
    let expected = RunConfig {
        model: "convnetjs_cifar10".into(),
        bits: "6,conv1:8".parse().unwrap(),
        lr: 0.004,
        batch: 50,
        epochs: 1,
        granularity: "net".into(),
        tanh_clip: false,
        ..RunConfig::default()
    };
    assert_eq!(settings(&folder.join(OUT)), expected);
}

#[test]
fn a_recipe_comes_before_all_other_settings() {
    let folder = folder("recipe");
    fs::write(folder.join("run.toml"), "recipe = \"fast\"\nepochs = 1\nbatch = 50\n").unwrap();
    let small = "--model convnetjs_cifar10 --train 100 --test 100";
    done(&folder, &format!("train --from ?recipe=paper&bits=3 --settings run.toml {small} --out {OUT}"));
    let mut expected = RunConfig::default();
    nibble::recipes::find("fast")
        .unwrap()
        .settings()
        .for_each(|(key, text)| expected.set(key, text).unwrap());
    for (key, text) in [("model", "convnetjs_cifar10"), ("bits", "3"), ("epochs", "1"), ("batch", "50")] {
        expected.set(key, text).unwrap();
    }
    assert_eq!(settings(&folder.join(OUT)), expected);
    let sentence = "recipe: expected paper, monotone, fast, int4-everywhere, tiny";
    refused(&folder, &format!("train --recipe slow {small}"), 2, sentence);
}

#[test]
fn what_cannot_be_asked_for_is_refused_in_a_sentence() {
    let folder = folder("refused");
    fs::write(folder.join("open.toml"), "bits = ").unwrap();
    fs::write(folder.join("list.toml"), "bits = [4]").unwrap();
    fs::write(folder.join("unknown.toml"), "colour = 3").unwrap();
    for (arguments, sentence) in [
        ("learn", "unrecognized subcommand 'learn'"),
        ("train --bitz 4", "unexpected argument '--bitz' found; a similar argument exists: '--bits'"),
        ("train --bits 17", "bits: expected 1 to 16, found 17"),
        ("train --lr -1", "lr: expected 0.00001 to 1, found -1"),
        ("train --bits", "a value is required"),
        ("train --quantizer binary --bits 4", "bits: expected"),
        ("train --train 5", "train: expected 100 to 50000, found 5"),
        ("train --threads 0", "threads: expected auto, or 1 to 1024, found 0"),
        ("train --every soon", "invalid value 'soon' for '--every <SECONDS>'"),
        ("train --from ?colour=red", "found colour"),
        ("train --from https://example.org/?bits=0", "bits: expected 1 to 16, found 0"),
        ("train --from ?data=cifar10", "data: expected where CIFAR-10 lies (--data PATH"),
        ("train --from ?data=images", "data: expected where your images lie (--data PATH"),
        ("train --settings open.toml", "open.toml: expected TOML, found "),
        ("train --settings list.toml", "list.toml: bits: expected a number, a switch or a text, found array"),
        ("train --settings unknown.toml", "unknown.toml: setting: expected data, model, "),
    ] {
        refused(&folder, arguments, 2, sentence);
    }
    for (arguments, sentence) in [
        ("train --settings none.toml", "none.toml: expected a readable file, found No such file"),
        ("train --data none", "none: expected a readable file, found No such file"),
        ("train --data open.toml", "open.toml: expected pictures in a folder for each class"),
        ("train --resume none", "none: expected a readable file, found No such file"),
        ("train --resume open.toml", "open.toml: expected a run saved by Nibble"),
    ] {
        refused(&folder, arguments, 1, sentence);
    }
    assert_eq!(files(&folder).len(), 3, "nothing was saved");
}

#[test]
fn images_come_from_files_and_a_run_keeps_to_its_own() {
    let folder = folder("images");
    write_batches(&folder.join("cifar"));
    let cifar = format!("train --batch 32 --epochs 1 --model convnetjs_cifar10 --out {OUT} --data cifar");
    let told = tell(&folder, &cifar);
    assert_eq!((told.code, told.out.len()), (Some(0), 2), "{:?}", told.err);
    assert_eq!(told.err, ["nibble: Training batches read: 1 (the full set has 1 to 5)."]);
    let other = cifar.replace(OUT, "other");
    refused(
        &folder,
        &format!("{other} --from ?data=cifar100"),
        1,
        "cifar: expected CIFAR-100, found CIFAR-10",
    );
    refused(
        &folder,
        &format!("{other} --train 200"),
        2,
        "--train: expected the built-in images, found cifar",
    );

    let resume = format!("train --resume {OUT} --epochs 2");
    refused(&folder, &resume, 2, "expected CIFAR-10, which it was trained on (--data PATH");
    let told = Told::by(nibble(&folder, &resume).env("NIBBLE_DATA", "cifar").output().unwrap());
    assert_eq!((told.code, told.out.len()), (Some(0), 2), "{:?}", told.err);

    done(&folder, &format!("{TINY} --epochs 1 --out drawn"));
    refused(&folder, "train --resume drawn --data cifar", 1, "expected a run on CIFAR-10 (64 and 10 images");
    // Images that are drawn need no files, and none are read.
    let told =
        Told::by(nibble(&folder, "train --resume drawn").env("NIBBLE_DATA", "cifar").output().unwrap());
    assert_eq!((told.code, told.err), (Some(0), vec![]));
}

#[test]
fn json_is_a_line_an_epoch_and_one_for_the_end() {
    let folder = folder("json");
    let out = done(&folder, &format!("{TINY} --epochs 2 --json --ema 0.5 --out {OUT}"));
    let lines: Vec<Value> = out.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let kinds: Vec<_> = lines.iter().map(|line| line["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["epoch", "epoch", "finished"]);
    for (line, epoch) in lines.iter().zip([1, 2]) {
        assert_eq!(line["epoch"], epoch);
        let figures = ["lr", "trainLoss", "trainAccuracy", "testLoss", "testAccuracy", "secs"];
        assert!(figures.iter().all(|figure| line[figure].is_f64()), "{line}");
        assert!(line["average"]["testLoss"].is_f64(), "{line}");
    }
    assert_eq!(lines[2], serde_json::json!({ "kind": "finished", "epoch": 2, "file": OUT }));
}

#[test]
fn bits_that_are_chosen_anew_are_told_as_they_change() {
    let folder = folder("rebits");
    let train = format!("{TINY} --epochs 2 --rebits 3 --bitbudget 2.5 --out {OUT}");
    let lines = json(&folder, &train);
    let changes: Vec<&Value> = lines.iter().filter(|line| line["kind"] == "bits").collect();
    assert_eq!(changes[0]["step"], 3);
    let last = changes[changes.len() - 1]["bits"].as_str().unwrap();
    assert_eq!(settings(&folder.join(OUT)).bits.to_string(), last);
    let history = {
        let images =
            Arc::new(nibble::data::synthetic::generate(160, 100, nibble::data::synthetic::SEED).unwrap());
        let file = File::open(folder.join(OUT)).unwrap();
        Reader::open(OUT, file).unwrap().load(images, || 0.0).unwrap().history
    };
    let told: Vec<_> =
        changes.iter().map(|line| (line["step"].as_u64().unwrap(), line["bits"].as_str().unwrap())).collect();
    assert!(history.bits.iter().map(|(step, bits)| (*step, bits.as_str())).eq(told));

    let out = done(&folder, &format!("{train} --force"));
    assert!(out[0].starts_with("after step 3: bits "), "{out:?}");
    assert_eq!(out[out.len() - 1], format!("epochs done: 2; saved to {OUT}"));
    // A sweep knows its runs by what they began with.
    let sweep = "sweep --grid lr=0.001 --train 160 --test 100 --batch 32 --model convnetjs_cifar10 --epochs 1 --rebits 3 --out many";
    let results = done(&folder, sweep);
    assert_eq!(done(&folder, sweep).last(), results.last());
    refused(
        &folder,
        &format!("{TINY} --rebits 3 --bitbudget 1"),
        2,
        "bitbudget: expected at least 2.000 bits a weight",
    );
}

#[test]
fn a_run_that_diverges_is_saved_as_it_was_before() {
    let folder = folder("diverged");
    let wild = "--clip 0 --tanh 0 --quantizer none --optimizer sgd --momentum 0.999 --lr 0.5 --exact";
    let run = TINY.replace("--batch 32", "--batch 8");
    let told = tell(&folder, &format!("{run} {wild} --out {OUT}"));
    assert_eq!((told.code, told.err.len()), (Some(1), 1), "{:?}", told.err);
    assert!(told.err[0].contains("expected a finite loss and gradient, found "), "{:?}", told.err);
    assert_eq!(done(&folder, &format!("inspect {OUT}"))[1], "checksum  holds");
}

#[test]
fn a_run_on_own_pictures_goes_on_with_those_in_its_file() {
    let folder = folder("own");
    let config = RunConfig { epochs: 2, batch: 16, ..RunConfig::default() };
    let mut run = Run::new(Arc::new(own_pictures()), config, || 0.0).unwrap();
    let history = History { notes: "of the page".into(), ..History::default() };
    checkpoint::write(&mut run, &history, File::create(folder.join(OUT)).unwrap()).unwrap();
    assert_eq!(done(&folder, &format!("train --resume {OUT}")).len(), 3);
    let mut reader = Reader::open(OUT, File::open(folder.join(OUT)).unwrap()).unwrap();
    let images = reader.images().unwrap().unwrap();
    let loaded = reader.load(Arc::new(images), || 0.0).unwrap();
    // What the page wants to find again is there.
    assert_eq!((loaded.history.notes.as_str(), loaded.history.reports.len()), ("of the page", 2));
}
