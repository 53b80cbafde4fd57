//! `cargo xtask site --out DIR`: the page as a folder for any host of plain files, below any path of it.
//!
//! | in the folder | |
//! | --- | --- |
//! | index.html | leads to www/, with what stands behind the address |
//! | www/, pkg/ | page and engine, as they lie here: they find each other by relative addresses alone |
//! | .nojekyll | has GitHub's pages serve the files as they are |
//!
//! Nothing is asked of the host: the page's service worker adds the headers that threads need.

use crate::files::{files, relative};
use crate::{offline, project};
use anyhow::{Context, Result, bail};
use clap::{Arg, ArgMatches, Command, value_parser};
use std::fs;
use std::path::{Path, PathBuf};

/// What is copied, and replaced where an earlier site is.
const FOLDERS: [&str; 2] = ["www", "pkg"];

/// Leads on to the page; what an address says is behind its `?`.
const INDEX: &str = r#"<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>Nibble: 4-bit training in a tab</title>
  <script>location.replace(`www/${location.search}${location.hash}`);</script>
</head>
<body><p><a href="www/">Nibble</a></p></body>
</html>
"#;

pub fn command() -> Command {
    Command::new("site").about("Write the page as a folder for any static host, below any path of it").arg(
        Arg::new("out")
            .long("out")
            .value_name("DIR")
            .required(true)
            .value_parser(value_parser!(PathBuf))
            .help("Write it there: a folder that is new, empty, or has an earlier one, which is replaced"),
    )
}

pub fn run(arguments: &ArgMatches) -> Result<()> {
    let out: &PathBuf = arguments.get_one("out").expect("clap requires it");
    let (count, bytes) = write(out)?;
    println!("{}: {count} files, {:.1} MB.", out.display(), bytes as f64 / 1e6);
    println!("Put what is in it on any host with https, at any path: the page opens at that address.");
    Ok(())
}

/// Writes it; returns the number of files and their bytes. What else lies in the folder stays.
pub fn write(out: &Path) -> Result<(usize, u64)> {
    make_room(out)?;
    let mut count = 2;
    let mut bytes = INDEX.len() as u64;
    for folder in FOLDERS {
        for path in files(&project::path(folder))? {
            let name = relative(&path, project::root());
            if is_left_out(&name) {
                continue;
            }
            let to = out.join(&name);
            fs::create_dir_all(to.parent().expect("it lies in a folder"))?;
            bytes += fs::copy(&path, &to).with_context(|| format!("cannot write {}", to.display()))?;
            count += 1;
        }
    }
    // Of the files as they are.
    fs::write(out.join("www/offline.json"), offline::list()?)?;
    fs::write(out.join("index.html"), INDEX)?;
    fs::write(out.join(".nojekyll"), "")?;
    Ok((count, bytes))
}

/// What no page asks for.
fn is_left_out(name: &str) -> bool {
    let last = name.rsplit('/').next().unwrap_or(name);
    last.starts_with('.') || last.ends_with(".d.ts") || name == "pkg/stamp.json"
}

/// Takes an earlier site away; refuses a folder of somebody else's.
fn make_room(out: &Path) -> Result<()> {
    fs::create_dir_all(out).with_context(|| format!("cannot make {}", out.display()))?;
    let is_empty = fs::read_dir(out)?.next().is_none();
    if !is_empty && !out.join("www/offline.json").exists() {
        bail!("{} has files that are no earlier site: name a new folder or an empty one", out.display());
    }
    for folder in FOLDERS.map(|name| out.join(name)).iter().filter(|folder| folder.exists()) {
        fs::remove_dir_all(folder).with_context(|| format!("cannot replace {}", folder.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_earlier_site_is_replaced_and_what_is_not_of_it_stays() {
        let out = project::target().join("site-test");
        let _ = fs::remove_dir_all(&out);
        let (count, bytes) = write(&out).unwrap();
        assert_eq!(files(&out).unwrap().len(), count);
        assert!(bytes > 1_000_000, "{bytes} bytes");
        for name in
            ["index.html", "www/index.html", "www/sw.js", "www/offline.json", "pkg/single/nibble_bg.wasm"]
        {
            assert!(out.join(name).exists(), "{name}");
        }
        fs::write(out.join("mine.json"), "{}").unwrap();
        fs::write(out.join("www/old.js"), "").unwrap();
        write(&out).unwrap();
        assert!(out.join("mine.json").exists() && !out.join("www/old.js").exists());

        fs::remove_dir_all(out.join("www")).unwrap();
        assert!(write(&out).unwrap_err().to_string().contains("no earlier site"));
        assert!(out.join("pkg").exists(), "a folder that was refused is as it was");
        fs::remove_dir_all(&out).unwrap();
    }
}
