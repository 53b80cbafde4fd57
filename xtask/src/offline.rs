//! www/offline.json: every file of the page with its SHA-256, from which the service worker knows the page's
//! version and keeps it for use without a network.
//!
//! `{"version":"…","files":{"index.html":"…","../pkg/simd/nibble.js":"…"},"later":{…}}`, paths relative to www/. What is
//! for later the service worker keeps once somebody has asked for it. `serve` makes the list on the fly; for other hosts
//! `build` writes it, and `test` finds a stale one.

use crate::files::{files, hexadecimal, relative};
use crate::project;
use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};
use std::fs;

/// The list, below the root.
const FILE: &str = "www/offline.json";

/// Whether a file below www/ or pkg/ is loaded by the page. The service worker itself is kept by the browser.
fn is_loaded(name: &str) -> bool {
    let last = name.rsplit('/').next().unwrap_or(name);
    let ignored = ["www/offline.json", "www/sw.js", "pkg/stamp.json"].contains(&name);
    let data = ["html", "js", "css", "json", "svg", "png", "wasm", "csv", "webmanifest"];
    let ending = last.rsplit_once('.').map(|(_, ending)| ending);
    !ignored && !last.starts_with('.') && ending.is_some_and(|ending| data.contains(&ending))
}

/// Whether it is fetched only when it is asked for.
fn is_for_later(name: &str) -> bool {
    name.starts_with("www/networks/") && name.ends_with(".safetensors")
}

/// The list for the files as they are.
pub fn list() -> Result<String> {
    let (mut loaded, mut later) = (Vec::new(), Vec::new());
    for folder in ["www", "pkg"] {
        for path in files(&project::path(folder))? {
            let name = relative(&path, project::root());
            let entries = match (is_loaded(&name), is_for_later(&name)) {
                (true, _) => &mut loaded,
                (_, true) => &mut later,
                _ => continue,
            };
            let bytes = fs::read(&path).with_context(|| format!("cannot read {name}"))?;
            let from_page = name.strip_prefix("www/").map_or_else(|| format!("../{name}"), String::from);
            entries.push(format!("    \"{from_page}\": \"{}\"", hexadecimal(&Sha256::digest(bytes))));
        }
    }
    let (loaded, later) = (loaded.join(",\n"), later.join(",\n"));
    let version = &hexadecimal(&Sha256::digest(format!("{loaded}\n{later}")))[..16];
    Ok(format!(
        "{{\n  \"version\": \"{version}\",\n  \"files\": {{\n{loaded}\n  }},\n  \"later\": {{\n{later}\n  }}\n}}\n"
    ))
}

pub fn write() -> Result<()> {
    fs::write(project::path(FILE), list()?).with_context(|| format!("cannot write {FILE}"))
}

/// Fails when the list is not that of the files as they are.
pub fn check() -> Result<()> {
    if fs::read_to_string(project::path(FILE)).ok() != Some(list()?) {
        bail!("{FILE} is stale: run `cargo xtask build --page` and commit it");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_page_loads_is_listed_and_nothing_else() {
        for name in [
            "www/index.html",
            "www/css/base.css",
            "pkg/simd/nibble_bg.wasm",
            "pkg/registry.js",
            "www/reference/a.csv",
        ] {
            assert!(is_loaded(name), "{name}");
        }
        for name in [
            "www/sw.js",
            "www/offline.json",
            "pkg/stamp.json",
            "pkg/simd/nibble.d.ts",
            "www/a/.x.js",
            "www/LICENSE",
        ] {
            assert!(!is_loaded(name), "{name}");
        }
        let list = list().unwrap();
        assert!(
            list.contains("\"index.html\": \"") && list.contains("\"../pkg/simd/nibble.js\": \""),
            "{list}"
        );
    }
}
