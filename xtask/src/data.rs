//! `cargo xtask data`: puts the real CIFAR-10 or CIFAR-100 into data/, from where the page and the tests read it.
//!
//! The sets are described at https://www.cs.toronto.edu/~kriz/cifar.html, with the MD5 sums that are checked here.

use crate::files::hexadecimal;
use crate::process::{find, quiet};
use crate::project;
use anyhow::{Context, Result, bail};
use clap::{Arg, ArgMatches, Command, value_parser};
use flate2::read::GzDecoder;
use md5::Md5;
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::Command as Process;

const HOST: &str = "https://www.cs.toronto.edu/~kriz";

/// One of the data sets.
struct Set {
    /// Its folder below data/.
    name: &'static str,
    /// Official archives and their published MD5; the first is the one that is downloaded.
    archives: [(&'static str, &'static str); 2],
    /// The batches of the binary version and their SHA-256.
    batches: &'static [(&'static str, &'static str)],
}

const SETS: [Set; 2] = [
    Set {
        name: "cifar10",
        archives: [
            ("cifar-10-binary.tar.gz", "c32a1d4ab5d03f1284b67883e8d87530"),
            ("cifar-10-python.tar.gz", "c58f30108f718f92721af3b95e74349a"),
        ],
        batches: &[
            ("data_batch_1.bin", "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5"),
            ("data_batch_2.bin", "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed"),
            ("data_batch_3.bin", "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67"),
            ("data_batch_4.bin", "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48"),
            ("data_batch_5.bin", "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add"),
            ("test_batch.bin", "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b"),
        ],
    },
    Set {
        name: "cifar100",
        archives: [
            ("cifar-100-binary.tar.gz", "03b5dce01913d631647c71ecec9e9cb8"),
            ("cifar-100-python.tar.gz", "eb9058c3a382ffc7106e4002c42a8d85"),
        ],
        batches: &[
            ("train.bin", "f31298fc616915fa142368359df1c4ca2ae984d6915ca468b998a5ec6aeebf29"),
            ("test.bin", "d8b1e6b7b3bee4020055f0699b111f60b1af1e262aeb93a0b659061746f8224a"),
        ],
    },
];

pub fn command() -> Command {
    Command::new("data")
        .about("Put the real CIFAR into data/")
        .arg(
            Arg::new("set")
                .value_name("SET")
                .value_parser(SETS.each_ref().map(|set| set.name))
                .default_value(SETS[0].name)
                .help("Which data set"),
        )
        .arg(
            Arg::new("from")
                .long("from")
                .value_name("FILE")
                .value_parser(value_parser!(PathBuf))
                .help("An official .tar.gz, or a folder with the .bin batches [default: download it]"),
        )
}

pub fn run(arguments: &ArgMatches) -> Result<()> {
    let name = arguments.get_one::<String>("set").expect("it has a default");
    let set = SETS.iter().find(|set| set.name == name).expect("clap knows the sets");
    let destination = project::path("data").join(set.name);
    match arguments.get_one::<PathBuf>("from") {
        Some(from) if from.is_dir() => take_folder(set, from, &destination)?,
        Some(from) => take_archive(set, from, &destination)?,
        None if destination.is_dir() => {
            println!("{} is there already (give --from to replace it)", destination.display());
            return Ok(());
        }
        None => take_archive(set, &download(set)?, &destination)?,
    }
    println!("{} is ready: `cargo xtask serve` offers it to the page", destination.display());
    Ok(())
}

fn download(set: &Set) -> Result<PathBuf> {
    let (file, md5) = set.archives[0];
    let folder = project::target().join("downloads");
    fs::create_dir_all(&folder)?;
    let (path, part) = (folder.join(file), folder.join(format!("{file}.part")));
    if path.exists() && sum_of::<Md5>(&path)? == md5 {
        return Ok(path);
    }
    let url = format!("{HOST}/{file}");
    println!("downloading {url} (about 170 MB)");
    let mut program = if find("curl").is_some() {
        let mut curl = Process::new("curl");
        curl.args([
            "--fail",
            "--location",
            "--silent",
            "--show-error",
            "--connect-timeout",
            "20",
            "--output",
        ]);
        curl
    } else {
        let mut wget = Process::new("wget");
        wget.args(["--no-verbose", "--timeout=20", "--tries=2", "-O"]);
        wget
    };
    quiet(program.arg(&part).arg(&url)).with_context(|| {
        format!("{url} cannot be fetched from here. Bring {file} in another way and give it with --from")
    })?;
    fs::rename(&part, &path)?;
    Ok(path)
}

fn take_archive(set: &Set, archive: &Path, destination: &Path) -> Result<()> {
    let sum = sum_of::<Md5>(archive)?;
    if !set.archives.iter().any(|(_, md5)| *md5 == sum) {
        bail!("{}", wrong_archive(set, archive, &sum));
    }
    replace(destination, |folder| unpack(archive, folder))
}

fn wrong_archive(set: &Set, archive: &Path, sum: &str) -> String {
    for other in &SETS {
        if let Some((file, _)) = other.archives.iter().find(|(_, md5)| *md5 == sum) {
            return format!(
                "{}: this is {file}: `cargo xtask data {} --from …`",
                archive.display(),
                other.name
            );
        }
    }
    let expected: Vec<_> = set.archives.iter().map(|(file, md5)| format!("{md5} ({file})")).collect();
    format!("{}: expected an MD5 of {}, found {sum}", archive.display(), expected.join(" or "))
}

/// Unpacks the batches and the names of the classes of a .tar.gz, leaving folders out.
fn unpack(archive: &Path, folder: &Path) -> Result<()> {
    let mut entries = tar::Archive::new(GzDecoder::new(File::open(archive)?));
    for entry in entries.entries()? {
        let mut entry = entry?;
        let path = entry.path()?.into_owned();
        let Some(name) = path.file_name().filter(|_| entry.header().entry_type().is_file()) else { continue };
        if path.extension().is_none_or(|extension| extension != "html") {
            io::copy(&mut entry, &mut File::create(folder.join(name))?)
                .with_context(|| format!("{}: cannot unpack {}", archive.display(), path.display()))?;
        }
    }
    Ok(())
}

fn take_folder(set: &Set, from: &Path, destination: &Path) -> Result<()> {
    for (name, expected) in set.batches {
        let path = from.join(name);
        if !path.is_file() {
            let all: Vec<_> = set.batches.iter().map(|(name, _)| *name).collect();
            bail!("{}: expected {}, found no {name}", from.display(), all.join(", "));
        }
        let sum = sum_of::<Sha256>(&path)?;
        if sum != *expected {
            bail!("{}: expected SHA-256 {expected}, found {sum}", path.display());
        }
    }
    replace(destination, |folder| {
        for (name, _) in set.batches {
            // A link where both are on one disk: the sets are 180 MB each.
            let (path, link) = (from.join(name), folder.join(name));
            if fs::hard_link(&path, &link).is_err() {
                fs::copy(&path, &link).with_context(|| format!("cannot copy {}", path.display()))?;
            }
        }
        Ok(())
    })
}

/// Fills a new folder and then puts it in the old one's place, which stays as it was on an error.
fn replace(destination: &Path, fill: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let part = destination.with_extension("part");
    let _ = fs::remove_dir_all(&part);
    fs::create_dir_all(&part)?;
    if let Err(error) = fill(&part) {
        let _ = fs::remove_dir_all(&part);
        return Err(error);
    }
    if destination.exists() {
        fs::remove_dir_all(destination)?;
    }
    fs::rename(&part, destination).with_context(|| format!("cannot make {}", destination.display()))
}

/// A file's checksum, as hexadecimal digits.
fn sum_of<D: Digest>(path: &Path) -> Result<String> {
    let mut file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    let mut sum = D::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer).with_context(|| format!("cannot read {}", path.display()))? {
            0 => return Ok(hexadecimal(&sum.finalize())),
            count => sum.update(&buffer[..count]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;

    fn scratch(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("nibble-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    fn archive(path: &Path, files: &[(&str, &[u8])]) {
        let mut tar = tar::Builder::new(GzEncoder::new(File::create(path).unwrap(), Compression::fast()));
        for (name, content) in files {
            let mut header = tar::Header::new_gnu();
            header.set_size(content.len() as u64);
            header.set_mode(0o644);
            tar.append_data(&mut header, name, *content).unwrap();
        }
        tar.into_inner().unwrap().finish().unwrap();
    }

    #[test]
    fn an_archive_is_unpacked_without_its_folders() {
        let folder = scratch("unpack");
        let file = folder.join("a.tar.gz");
        archive(&file, &[("top/b.bin", b"12"), ("top/readme.html", b"x"), ("top/names.txt", b"cat")]);
        let md5: &'static str = sum_of::<Md5>(&file).unwrap().leak();
        let set = Set { name: "small", archives: [("a.tar.gz", md5), ("b.tar.gz", "")], batches: &[] };
        take_archive(&set, &file, &folder.join("out")).unwrap();
        assert_eq!(fs::read(folder.join("out/b.bin")).unwrap(), b"12");
        assert_eq!(fs::read(folder.join("out/names.txt")).unwrap(), b"cat");
        assert!(!folder.join("out/readme.html").exists());
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn what_is_not_official_changes_nothing() {
        let folder = scratch("wrong");
        let out = folder.join("out");
        fs::create_dir_all(&out).unwrap();
        fs::write(out.join("kept"), "x").unwrap();
        let file = folder.join("a.tar.gz");
        archive(&file, &[("b.bin", b"12")]);
        let error = take_archive(&SETS[0], &file, &out).unwrap_err().to_string();
        assert!(error.contains("a.tar.gz") && error.contains(SETS[0].archives[0].1), "{error}");
        let error = take_folder(&SETS[0], &folder, &out).unwrap_err().to_string();
        assert!(error.contains("found no data_batch_1.bin"), "{error}");
        fs::write(folder.join("train.bin"), "short").unwrap();
        let error = take_folder(&SETS[1], &folder, &out).unwrap_err().to_string();
        assert!(error.contains("train.bin") && error.contains("SHA-256"), "{error}");
        assert!(out.join("kept").exists());
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn the_other_set_is_recognised() {
        let text = wrong_archive(&SETS[0], Path::new("x"), SETS[1].archives[1].1);
        assert!(text.contains("cifar-100-python.tar.gz") && text.contains("data cifar100"), "{text}");
    }

    #[test]
    fn sums_are_right() {
        let folder = scratch("sums");
        fs::write(folder.join("a"), "abc").unwrap();
        assert_eq!(sum_of::<Md5>(&folder.join("a")).unwrap(), "900150983cd24fb0d6963f7d28e17f72");
        let sha = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sum_of::<Sha256>(&folder.join("a")).unwrap(), sha);
        fs::remove_dir_all(folder).unwrap();
    }
}
