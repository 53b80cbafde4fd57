//! pkg/stamp.json: what the committed builds were made from, so that stale ones are found without a compiler.
//!
//! The sum covers everything that decides the engine's behaviour: src/, Cargo.toml, the locked versions of its
//! dependencies (and not those of other packages) and the compiler flags. Not the compiler itself: two versions
//! make different bytes of one meaning.

use crate::project;
use crate::wasm::BUILDS;
use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// The stamp, below the root.
pub const FILE: &str = "pkg/stamp.json";

/// SHA-256 of all that goes into the builds, as hexadecimal digits.
pub fn sources() -> Result<String> {
    let mut sum = Sha256::new();
    for path in files(&project::path("src"))?.into_iter().chain([project::path("Cargo.toml")]) {
        // Line ends may have been changed by a checkout.
        let text = fs::read(&path)?.into_iter().filter(|&byte| byte != b'\r').collect::<Vec<_>>();
        part(&mut sum, &relative(&path, project::root()), &text);
    }
    part(&mut sum, "Cargo.lock", Lock::read()?.needed_by("nibble").as_bytes());
    for build in &BUILDS {
        part(&mut sum, build.name, build.flags().join("\n").as_bytes());
    }
    Ok(hexadecimal(&sum.finalize()))
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

/// All files below a folder, sorted.
pub fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(folder) = open.pop() {
        let entries = fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
        for entry in entries {
            let path = entry?.path();
            if path.is_dir() {
                open.push(path);
            } else {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// A path from a folder on, with slashes.
pub fn relative(path: &Path, folder: &Path) -> String {
    let rest = path.strip_prefix(folder).unwrap_or(path);
    rest.components().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/")
}

/// Lower-case hexadecimal digits.
pub fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The packages of Cargo.lock: name and version to the lines of its entry.
pub struct Lock(BTreeMap<(String, String), Vec<String>>);

impl Lock {
    pub fn read() -> Result<Lock> {
        Ok(Lock::parse(&fs::read_to_string(project::path("Cargo.lock")).context("cannot read Cargo.lock")?))
    }

    fn parse(text: &str) -> Lock {
        let entries = text.split("[[package]]").skip(1).map(|entry| {
            let lines: Vec<String> = entry.lines().map(|line| line.trim().to_string()).collect();
            let value = |key: &str| {
                let line = lines.iter().find_map(|line| line.strip_prefix(&format!("{key} = \"")));
                line.unwrap_or("").trim_end_matches('"').to_string()
            };
            ((value("name"), value("version")), lines.clone())
        });
        Lock(entries.collect())
    }

    /// The version of a package that is there once.
    pub fn version(&self, name: &str) -> Result<String> {
        let mut versions = self.0.keys().filter(|key| key.0 == name).map(|key| &key.1);
        match (versions.next(), versions.next()) {
            (Some(version), None) => Ok(version.clone()),
            (None, _) => bail!("Cargo.lock has no package {name}"),
            _ => bail!("Cargo.lock has more than one version of {name}"),
        }
    }

    /// The entries of a package and of everything that it depends on, in a fixed order.
    fn needed_by(&self, package: &str) -> String {
        let mut needed = BTreeSet::new();
        // A dependency is written as `name`, or `name version` where several versions are locked.
        let mut open = vec![package.to_string()];
        while let Some(dependency) = open.pop() {
            let mut words = dependency.split(' ');
            let (name, version) = (words.next().unwrap_or(""), words.next());
            for (key, lines) in &self.0 {
                if key.0 == name && version.is_none_or(|version| version == key.1) && needed.insert(key) {
                    let listed = lines.iter().skip_while(|line| *line != "dependencies = [").skip(1);
                    let listed = listed.take_while(|line| *line != "]");
                    open.extend(listed.map(|line| line.trim_matches(['"', ',']).to_string()));
                }
            }
        }
        needed.iter().flat_map(|key| &self.0[*key]).fold(String::new(), |text, line| text + line + "\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCK: &str = r#"
version = 4

[[package]]
name = "app"
version = "0.1.0"
dependencies = [
 "left",
 "twice 2.0.0",
]

[[package]]
name = "left"
version = "1.0.0"
checksum = "aa"
dependencies = [
 "app",
]

[[package]]
name = "other"
version = "1.0.0"

[[package]]
name = "twice"
version = "1.0.0"

[[package]]
name = "twice"
version = "2.0.0"
checksum = "bb"
"#;

    #[test]
    fn only_what_the_engine_needs_is_stamped() {
        let lock = Lock::parse(LOCK);
        let needed = lock.needed_by("app");
        assert!(needed.contains("\"left\"") && needed.contains("\"bb\""), "{needed}");
        assert!(!needed.contains("\"other\"") && needed.matches("name = \"twice\"").count() == 1, "{needed}");
        let changed = Lock::parse(&LOCK.replace("\"aa\"", "\"cc\""));
        assert_ne!(changed.needed_by("app"), needed);
        let unrelated =
            Lock::parse(&LOCK.replace("name = \"other\"\nversion = \"1", "name = \"other\"\nversion = \"9"));
        assert_eq!(unrelated.needed_by("app"), needed);
    }

    #[test]
    fn a_version_must_be_unique() {
        let lock = Lock::parse(LOCK);
        assert_eq!(lock.version("left").unwrap(), "1.0.0");
        assert!(lock.version("twice").unwrap_err().to_string().contains("more than one"));
        assert!(lock.version("none").unwrap_err().to_string().contains("no package none"));
    }

    #[test]
    fn the_project_has_a_stable_sum() {
        let sum = sources().unwrap();
        assert_eq!(sum.len(), 64);
        assert_eq!(sum, sources().unwrap());
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
