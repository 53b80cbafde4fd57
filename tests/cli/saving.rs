//! Files of runs: whatever happens while one is saved, there is a whole one under its name.

use std::fs;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use nibble::kernels::Isa;
use serde_json::json;

use crate::support::*;

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
fn a_run_stops_after_the_steps_that_are_asked_for_and_ends_as_if_it_had_not() {
    let folder = folder("steps");
    let run = format!("{TINY} --epochs 2 --exact");
    done(&folder, &format!("{run} --out whole"));
    assert_eq!(
        done(&folder, &format!("{run} --out {OUT} --steps 3")),
        [format!("steps done: 3; saved to {OUT}")]
    );
    // Images that came along for another program are passed over.
    done(&folder, &format!("export {OUT} --to pytorch"));
    let told = json(&folder, "train --resume run.pytorch.nibble.safetensors --out other --steps 2 --exact");
    assert_eq!(told.last().unwrap(), &json!({ "kind": "stopped", "step": 5, "file": "other" }));
    done(&folder, "train --resume other --exact");
    assert!(fs::read(folder.join("other")).unwrap() == fs::read(folder.join("whole")).unwrap());
    refused(&folder, &format!("{run} --out none --steps 0"), 2, "--steps <N>");
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

    done(&folder, &format!("train --resume {OUT} --epochs 2"));
    let less = format!("train --resume {OUT} --epochs 1");
    refused(&folder, &less, 2, "epochs: expected at least the run's 2, found 1");
}

/// A save would give what was damaged a checksum that holds.
#[test]
fn a_damaged_file_stays_as_it_is_unless_the_user_wants_it() {
    let folder = folder("damaged");
    done(&folder, &format!("{TINY} --epochs 1 --out {OUT}"));
    let mut damaged = fs::read(folder.join(OUT)).unwrap();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    fs::write(folder.join(OUT), &damaged).unwrap();
    let resume = format!("train --resume {OUT} --epochs 2");
    let sentence = format!(
        "{OUT}: expected the file as it was saved, found another checksum, so it stays as it is; --out "
    );
    refused(&folder, &resume, 1, &sentence);
    assert_eq!(files(&folder), [OUT]);

    let note = format!("nibble: {OUT}: its checksum does not match, so it was changed after it was saved");
    let told = tell(&folder, &format!("{resume} --out other"));
    assert_eq!((told.code, told.out.len(), told.err.len()), (Some(0), 2, 1), "{:?}", told.err);
    assert!(told.err[0].starts_with(&note), "{:?}", told.err);
    assert!(fs::read(folder.join(OUT)).unwrap() == damaged);

    let told = tell(&folder, &format!("{resume} --force"));
    assert_eq!((told.code, told.err.len()), (Some(0), 1), "{:?}", told.err);
    assert_eq!(done(&folder, &format!("inspect {OUT}"))[1], "checksum  holds");
}

#[cfg(unix)]
#[test]
fn a_run_that_is_killed_at_any_moment_leaves_a_whole_file() {
    let folder = folder("kills");
    let mut command = format!("{TINY} --epochs 3 --every 0 --out {OUT}");
    // Not the same moments in every run of this test.
    let mut random = std::process::id();
    for _ in 0..10 {
        let mut child =
            nibble(&folder, &command).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        while !folder.join(OUT).exists() {
            thread::sleep(Duration::from_millis(1));
        }
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let wait = Duration::from_millis(u64::from(random >> 16) % 300);
        thread::sleep(wait);
        child.kill().unwrap();
        let told = Told::by(child.wait_with_output().unwrap());
        assert_eq!(told.err, [""; 0], "after {wait:?}");
        assert_eq!(done(&folder, &format!("inspect {OUT}"))[1], "checksum  holds", "after {wait:?}");
        command = format!("train --every 0 --resume {OUT}");
    }
    done(&folder, &command);
    assert_eq!(files(&folder), [OUT], "what was left behind is gone");
}

#[test]
fn two_processes_can_save_to_one_file() {
    let folder = folder("two");
    let arguments = format!("{TINY} --epochs 1 --every 0 --force --out {OUT}");
    for name in [format!("{OUT}.1.part"), format!("{OUT}.x.part"), "other.1.part".into()] {
        fs::write(folder.join(name), "").unwrap();
    }
    let start = || nibble(&folder, &arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    for child in [start(), start()] {
        let told = Told::by(child.wait_with_output().unwrap());
        assert_eq!((told.code, told.err), (Some(0), vec![]));
    }
    assert_eq!(done(&folder, &format!("inspect {OUT}"))[1], "checksum  holds");
    let kept = ["other.1.part".into(), OUT.into(), format!("{OUT}.x.part")];
    assert_eq!(files(&folder), kept, "what was left behind is gone, and nothing else");
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
