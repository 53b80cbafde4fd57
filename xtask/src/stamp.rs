//! pkg/stamp.json: what the committed builds were made from, so that stale ones are found without a compiler.
//!
//! The sum covers everything that decides the engine's behaviour: src/, Cargo.toml, the locked versions of its
//! dependencies (and not those of other packages) and the compiler flags. Not the command line, which no build has:
//! src/bin, and what only the feature `cli` depends on. Not the compiler itself: two versions make different
//! bytes of one meaning.

use crate::files::{files, hexadecimal, relative};
use crate::lock::Lock;
use crate::project;
use crate::wasm;
use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};
use std::fs;
use std::path::PathBuf;

/// The stamp, below the root.
pub const FILE: &str = "pkg/stamp.json";

/// SHA-256 of all that goes into the builds, as hexadecimal digits.
pub fn sources() -> Result<String> {
    let mut sum = Sha256::new();
    for path in engine()?.into_iter().chain([project::path("Cargo.toml")]) {
        // Line ends may have been changed by a checkout.
        let text = fs::read(&path)?.into_iter().filter(|&byte| byte != b'\r').collect::<Vec<_>>();
        part(&mut sum, &relative(&path, project::root()), &text);
    }
    let programs = native(&fs::read_to_string(project::path("Cargo.toml"))?);
    part(&mut sum, "Cargo.lock", Lock::read()?.needed_by("nibble", &programs).as_bytes());
    for build in wasm::all() {
        part(&mut sum, build.name, build.flags().join("\n").as_bytes());
    }
    Ok(hexadecimal(&sum.finalize()))
}

/// The source files of the library.
fn engine() -> Result<Vec<PathBuf>> {
    let programs = project::path("src/bin");
    Ok(files(&project::path("src"))?.into_iter().filter(|path| !path.starts_with(&programs)).collect())
}

/// What only the feature that no build has depends on.
fn native(manifest: &str) -> Vec<String> {
    dependencies(manifest, "cli")
}

/// What a feature of a Cargo.toml depends on, by its line there.
fn dependencies(manifest: &str, feature: &str) -> Vec<String> {
    let line = manifest.lines().find_map(|line| line.strip_prefix(&format!("{feature} = [")));
    line.unwrap_or("").split('"').filter_map(|word| word.strip_prefix("dep:")).map(String::from).collect()
}

/// SHA-256 of every file in pkg/ apart from the stamp: a build copied in by half is found.
pub fn products() -> Result<String> {
    let folder = project::path("pkg");
    let mut sum = Sha256::new();
    for path in files(&folder)? {
        let name = relative(&path, &folder);
        if name != "stamp.json" {
            part(&mut sum, &name, &fs::read(&path)?);
        }
    }
    Ok(hexadecimal(&sum.finalize()))
}

/// Adds a named part; lengths keep two different lists of parts from reading alike.
fn part(sum: &mut Sha256, name: &str, content: &[u8]) {
    sum.update(format!("{name}\n{}\n", content.len()));
    sum.update(content);
}

/// Writes the stamp of the builds that lie in pkg/ now.
pub fn write(rustc: &str, wasm_bindgen: &str) -> Result<()> {
    let text = format!(
        "{{\n  \"sources\": \"{}\",\n  \"products\": \"{}\",\n  \"rustc\": \"{rustc}\",\n  \"wasmBindgen\": \"{wasm_bindgen}\"\n}}\n",
        sources()?,
        products()?
    );
    fs::write(project::path(FILE), text).with_context(|| format!("cannot write {FILE}"))
}

/// Fails when pkg/ was not built from the sources as they are.
pub fn check() -> Result<()> {
    let again = "run `cargo xtask build` and commit pkg/";
    let text = fs::read_to_string(project::path(FILE))
        .ok()
        .with_context(|| format!("{FILE} is missing: {again}"))?;
    let (sources, products) = (sources()?, products()?);
    for (key, now, what) in [
        ("sources", sources, "src/, Cargo.toml, Cargo.lock or the build flags changed after pkg/ was built"),
        ("products", products, "the files in pkg/ are not those of the last build"),
    ] {
        let stamped = field(&text, key).with_context(|| format!("{FILE} has no \"{key}\": {again}"))?;
        if stamped != now {
            bail!("pkg/ is stale: {what} ({key}: stamped {stamped:.12}, now {now:.12}): {again}");
        }
    }
    Ok(())
}

/// A text field of the stamp, which [`write`] alone writes.
fn field<'a>(json: &'a str, key: &str) -> Option<&'a str> {
    let line = json.lines().find_map(|line| line.trim().strip_prefix(&format!("\"{key}\": \"")))?;
    line.split('"').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_project_has_a_stable_sum() {
        let sum = sources().unwrap();
        assert_eq!(sum.len(), 64);
        assert_eq!(sum, sources().unwrap());
    }

    #[test]
    fn the_library_is_stamped_and_no_program_is() {
        let stamped: Vec<_> = engine().unwrap().iter().map(|path| relative(path, project::root())).collect();
        assert!(stamped.iter().any(|path| path == "src/run/mod.rs"));
        assert!(project::path("src/bin/nibble/main.rs").is_file());
        assert!(!stamped.iter().any(|path| path.starts_with("src/bin/")), "{stamped:?}");

        let programs = native(&fs::read_to_string(project::path("Cargo.toml")).unwrap());
        assert!(
            ["clap", "toml", "image"].iter().all(|name| programs.contains(&name.to_string())),
            "{programs:?}"
        );
        let needed = Lock::read().unwrap().needed_by("nibble", &programs);
        let stamps = |name: &str| needed.contains(&format!("name = \"{name}\"\n"));
        assert!(["rayon", "safetensors", "prost", "zip", "flate2"].into_iter().all(stamps));
        assert!(!programs.iter().any(|name| stamps(name)), "{programs:?}");
    }

    #[test]
    fn parts_do_not_run_into_each_other() {
        let sum = |parts: &[(&str, &str)]| {
            let mut sum = Sha256::new();
            parts.iter().for_each(|(name, content)| part(&mut sum, name, content.as_bytes()));
            hexadecimal(&sum.finalize())
        };
        assert_ne!(sum(&[("a", "bc")]), sum(&[("a", "b"), ("c", "")]));
        assert_ne!(sum(&[("a", "b"), ("c", "d")]), sum(&[("a", "d"), ("c", "b")]));
    }

    #[test]
    fn fields_are_read_back() {
        let text = "{\n  \"sources\": \"ab\",\n  \"rustc\": \"x\"\n}\n";
        assert_eq!(field(text, "sources"), Some("ab"));
        assert_eq!(field(text, "rustc"), Some("x"));
        assert_eq!(field(text, "none"), None);
    }
}
