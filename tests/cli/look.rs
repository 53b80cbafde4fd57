//! Commands that look at saved runs: `inspect`, `eval`, `predict`, `diff` and `export`.

use std::fs;

use crate::support::*;

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
