//! The command line, as a user meets it: what it prints, what it leaves on the disk, and how it ends.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use nibble::RunConfig;
use nibble::checkpoint::Reader;
use nibble::data::IMAGE_BYTES;
use nibble::kernels::Isa;
use serde_json::Value;

/// Epochs of five steps, on the smallest network.
const TINY: &str = "train --train 160 --test 100 --batch 32 --model convnetjs_cifar10";
const OUT: &str = "run.nibble.safetensors";

/// An empty folder of a test's own.
fn folder(test: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cli").join(test);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn nibble(folder: &Path, arguments: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nibble"));
    command.args(arguments.split_whitespace()).current_dir(folder).env_remove("NIBBLE_DATA");
    command
}

/// What a command that has ended said.
struct Told {
    code: Option<i32>,
    out: Vec<String>,
    err: Vec<String>,
}

impl Told {
    fn by(output: Output) -> Self {
        let lines = |bytes: &[u8]| std::str::from_utf8(bytes).unwrap().lines().map(str::to_owned).collect();
        Self { code: output.status.code(), out: lines(&output.stdout), err: lines(&output.stderr) }
    }
}

fn tell(folder: &Path, arguments: &str) -> Told {
    Told::by(nibble(folder, arguments).output().unwrap())
}

/// The same, which ends well and says nothing besides.
fn done(folder: &Path, arguments: &str) -> Vec<String> {
    let Told { code, out, err } = tell(folder, arguments);
    assert_eq!((code, err), (Some(0), vec![]), "{arguments}");
    out
}

/// Refused in one sentence.
fn refused(folder: &Path, arguments: &str, code: i32, sentence: &str) {
    let told = tell(folder, arguments);
    assert_eq!(
        (told.code, &told.out, told.err.len()),
        (Some(code), &vec![], 1),
        "{arguments}: {:?}",
        told.err
    );
    assert!(
        told.err[0].starts_with("nibble: ") && told.err[0].contains(sentence),
        "{arguments}: {:?}",
        told.err
    );
}

fn settings(file: &Path) -> RunConfig {
    Reader::open("", File::open(file).unwrap()).unwrap().settings().unwrap()
}

fn files(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.collect();
    names.sort();
    names
}

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

/// A run that is ended by a signal once it has told of its first epoch.
#[cfg(unix)]
fn stopped(folder: &Path, arguments: &str, signal: &str) -> Told {
    let mut command = nibble(folder, &format!("{arguments} --json"));
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    out.read_line(&mut line).unwrap();
    assert!(line.contains("\"epoch\":1"), "{line}");
    let sent = Command::new("sh").args(["-c", &format!("kill -{signal} {}", child.id())]).status().unwrap();
    assert!(sent.success());
    let mut told = Told::by(child.wait_with_output().unwrap());
    told.out = out.lines().map(Result::unwrap).collect();
    told
}

#[cfg(unix)]
#[test]
fn a_run_that_was_stopped_ends_as_if_it_had_not_been() {
    let folder = folder("stopped");
    let run = format!("{TINY} --epochs 6 --exact --ema 0.9 --every 0 --out");
    done(&folder, &format!("{run} straight"));
    let told = tell(&folder, "train --resume straight --epochs 7 --out fused");
    let exact = "nibble: straight: trained with portable so far and with ";
    let noted = told.err.iter().filter(|line| line.starts_with(exact)).count();
    let fused = usize::from(!Isa::current().is_exact());
    assert_eq!((told.code, noted, told.err.len()), (Some(0), fused, fused), "{:?}", told.err);

    let told = stopped(&folder, &format!("{run} killed"), "KILL");
    assert_eq!((told.code, told.err), (None, vec![]));
    done(&folder, "train --exact --resume killed");

    let told = stopped(&folder, &format!("{run} interrupted"), "INT");
    let way = "train --resume interrupted --exact";
    assert_eq!(told.code, Some(130));
    assert_eq!(told.err, [format!("nibble: interrupted and saved; go on with: cargo nibble {way}")]);
    assert_eq!(told.out.last().unwrap(), r#"{"file":"interrupted","kind":"interrupted"}"#);
    done(&folder, way);

    let whole = fs::read(folder.join("straight")).unwrap();
    for stopped in ["killed", "interrupted"] {
        assert!(fs::read(folder.join(stopped)).unwrap() == whole, "{stopped}");
    }
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
        ("train --from ?data=images", "data: expected builtin, cifar10 or cifar100, found images"),
        ("train --settings open.toml", "open.toml: expected TOML, found "),
        ("train --settings list.toml", "list.toml: bits: expected a number, a switch or a text, found array"),
        ("train --settings unknown.toml", "unknown.toml: setting: expected data, model, "),
    ] {
        refused(&folder, arguments, 2, sentence);
    }
    for (arguments, sentence) in [
        ("train --settings none.toml", "none.toml: expected a readable file, found No such file"),
        ("train --data none", "none: expected a readable file, found No such file"),
        ("train --data open.toml", "open.toml: expected CIFAR-10 or CIFAR-100"),
        ("train --resume none", "none: expected a readable file, found No such file"),
        ("train --resume open.toml", "open.toml: expected a run saved by Nibble"),
    ] {
        refused(&folder, arguments, 1, sentence);
    }
    assert_eq!(files(&folder).len(), 3, "nothing was saved");
}

#[test]
fn a_file_says_what_it_is() {
    let folder = folder("inspect");
    let trained = done(&folder, &format!("{TINY} --epochs 2 --bits 3 --out {OUT}"));
    let said = done(&folder, &format!("inspect {OUT}"));
    let begins = [
        "file      format 1, by Nibble ",
        "checksum  holds",
        "settings  model=convnetjs_cifar10 batch=32 bits=3 epochs=2",
        "images    Shapes and textures: 160 to train on, 100 to test on, 10 classes, CRC-32 ",
        "steps     10, the last ones by ",
    ];
    assert_eq!(said.len(), begins.len() + 2, "{said:?}");
    for (line, begin) in said.iter().zip(begins) {
        assert!(line.starts_with(begin), "{line}");
    }
    for (told, line) in said[5..].iter().zip(&trained) {
        assert!(line.starts_with(&format!("{told}, ")), "{told}: {line}");
    }
    let mut file = fs::read(folder.join(OUT)).unwrap();
    *file.last_mut().unwrap() ^= 1;
    fs::write(folder.join(OUT), &file).unwrap();
    assert_eq!(done(&folder, &format!("inspect {OUT}"))[1], "checksum  does not match: the file was changed");
    file.pop();
    fs::write(folder.join(OUT), &file).unwrap();
    refused(&folder, &format!("inspect {OUT}"), 1, "its end after ");
    refused(&folder, "inspect", 2, "the following required arguments were not provided: <FILE>");
    refused(&folder, "eval none", 1, "none: expected a readable file");
}

#[test]
fn a_file_that_is_not_as_it_was_saved_is_told() {
    let folder = folder("changed");
    done(&folder, &format!("{TINY} --epochs 1 --out {OUT}"));
    let whole = fs::read(folder.join(OUT)).unwrap();
    refused(
        &folder,
        &format!("train --resume {OUT} --bits 3"),
        2,
        "--bits: expected no settings beside --resume",
    );
    refused(&folder, &format!("train --resume {OUT} --train 200"), 2, "--train: expected no settings");
    refused(&folder, &format!("train --resume {OUT} --from ?bits=3"), 2, "cannot be used with");
    fs::write(folder.join("cut"), &whole[..whole.len() / 2]).unwrap();
    refused(&folder, "train --resume cut", 1, "its end after ");

    let mut flipped = whole;
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    fs::write(folder.join("flipped"), flipped).unwrap();
    let told = tell(&folder, "train --resume flipped --epochs 2");
    assert_eq!((told.code, told.out.len(), told.err.len()), (Some(0), 2, 1), "{:?}", told.err);
    assert!(told.err[0].starts_with("nibble: flipped: its checksum does not match"), "{:?}", told.err);
    refused(
        &folder,
        "train --resume flipped --epochs 1",
        2,
        "epochs: expected at least the run's 2, found 1",
    );
}

/// Batches of CIFAR-10's form, of pixels that differ from image to image.
fn write_batches(folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    for (name, images) in [("data_batch_1.bin", 64), ("test_batch.bin", 10)] {
        let image = |i: usize| {
            let pixels = (0..IMAGE_BYTES).map(move |at| (at * (i + 3) % 251) as u8);
            std::iter::once((i % 10) as u8).chain(pixels)
        };
        fs::write(folder.join(name), (0..images).flat_map(image).collect::<Vec<_>>()).unwrap();
    }
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
fn where_a_run_cannot_be_saved_it_does_not_begin() {
    let folder = folder("unwritable");
    refused(
        &folder,
        &format!("{TINY} --out none/{OUT}"),
        1,
        "expected to save the run there, found No such file",
    );
    let run = format!("{TINY} --force --out");
    refused(&folder, &format!("{run} ."), 1, ".: expected a file to save to, found a folder or a device");
    assert!(files(&folder).is_empty());
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

#[cfg(unix)]
#[test]
fn a_device_is_not_replaced_by_a_file() {
    let folder = folder("device");
    // A pipe is as little a file as a device, and can be made anywhere.
    assert!(Command::new("mkfifo").arg(folder.join("pipe")).status().unwrap().success());
    let sentence = "pipe: expected a file to save to, found a folder or a device";
    refused(&folder, &format!("{TINY} --force --out pipe"), 1, sentence);
    assert!(!folder.join("pipe").is_file());
}

/// A limit on the size of files stands for a full disk.
#[cfg(unix)]
#[test]
fn a_full_disk_leaves_the_file_before_as_it_was() {
    let folder = folder("full");
    done(&folder, &format!("{TINY} --epochs 1 --out {OUT}"));
    let before = fs::read(folder.join(OUT)).unwrap();
    let binary = env!("CARGO_BIN_EXE_nibble");
    let limited = format!("trap '' XFSZ; ulimit -f 8; exec '{binary}' train --resume {OUT} --epochs 2");
    let output = Command::new("sh").args(["-c", &limited]).current_dir(&folder).output().unwrap();
    let told = Told::by(output);
    assert_eq!((told.code, told.err.len()), (Some(1), 1), "{:?}", told.err);
    assert!(told.err[0].contains("expected to save the run there, found File too large"), "{:?}", told.err);
    assert!(fs::read(folder.join(OUT)).unwrap() == before);
    assert_eq!(files(&folder), [OUT]);
}
