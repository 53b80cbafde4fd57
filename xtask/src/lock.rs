//! Cargo.lock: the versions of the dependencies.

use crate::project;
use anyhow::{Context, Result, bail};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;

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

    /// The entries of a package and of everything that it depends on, in a fixed order. It goes without those of its
    /// own dependencies that are named, unless another one depends on them.
    pub fn needed_by(&self, package: &str, without: &[String]) -> String {
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
                    let listed = listed.map(|line| line.trim_matches(['"', ',']).to_string());
                    let passed_over = |listed: &String| key.0 == package && without.contains(listed);
                    open.extend(listed.filter(|listed| !passed_over(listed)));
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
        let needed = lock.needed_by("app", &[]);
        assert!(needed.contains("\"left\"") && needed.contains("\"bb\""), "{needed}");
        assert!(!needed.contains("\"other\"") && needed.matches("name = \"twice\"").count() == 1, "{needed}");
        let changed = Lock::parse(&LOCK.replace("\"aa\"", "\"cc\""));
        assert_ne!(changed.needed_by("app", &[]), needed);
        let unrelated =
            Lock::parse(&LOCK.replace("name = \"other\"\nversion = \"1", "name = \"other\"\nversion = \"9"));
        assert_eq!(unrelated.needed_by("app", &[]), needed);
        let without = lock.needed_by("app", &["left".to_string()]);
        assert!(!without.contains("\"aa\"") && without.contains("\"bb\""), "{without}");
    }

    #[test]
    fn a_version_must_be_unique() {
        let lock = Lock::parse(LOCK);
        assert_eq!(lock.version("left").unwrap(), "1.0.0");
        assert!(lock.version("twice").unwrap_err().to_string().contains("more than one"));
        assert!(lock.version("none").unwrap_err().to_string().contains("no package none"));
    }
}
