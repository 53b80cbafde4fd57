//! The bench target tests/bench/native.rs: the engine compiled for this machine. It picks its instruction set when it
//! runs, so the compiler is told nothing about the processor.

use crate::process;
use crate::project;
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const TARGET: &str = "native";

/// Compiles it and says where it is.
pub fn build() -> Result<PathBuf> {
    build_in(project::root(), &project::target())
}

/// Compiles that of another checkout, with the same compiler. Cargo tells two checkouts apart by nothing but their
/// target folders.
pub fn build_at(checkout: &Path) -> Result<PathBuf> {
    build_in(checkout, &checkout.join("target"))
}

fn build_in(checkout: &Path, target: &Path) -> Result<PathBuf> {
    let mut cargo = Command::new("cargo");
    cargo
        .args(["bench", "--package", "nibble", "--bench", TARGET, "--no-run"])
        .args(["--message-format", "json-render-diagnostics"])
        .current_dir(checkout)
        .env("CARGO_TARGET_DIR", target)
        .stderr(Stdio::inherit());
    let output = cargo.output().with_context(|| format!("cannot start `{}`", process::line(&cargo)))?;
    anyhow::ensure!(output.status.success(), "`{}` failed ({})", process::line(&cargo), output.status);
    let path = executable(&String::from_utf8_lossy(&output.stdout));
    path.with_context(|| format!("`{}` names no executable", process::line(&cargo)))
}

/// The `"executable"` of the one message, of one line, that has it; cargo writes null into the others.
fn executable(messages: &str) -> Option<PathBuf> {
    let start = messages.lines().rev().find_map(|line| line.split_once("\"executable\":\""))?.1;
    // The only escapes in a path are those of a Windows one.
    Some(start.split('"').next()?.replace("\\\\", "\\").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_executable_is_found() {
        let messages = "{\"reason\":\"compiler-artifact\",\"executable\":null,\"fresh\":true}\n\
            {\"reason\":\"compiler-artifact\",\"executable\":\"/a b/native-1\",\"fresh\":true}\n\
            {\"reason\":\"build-finished\",\"success\":true}\n";
        assert_eq!(executable(messages), Some("/a b/native-1".into()));
        assert_eq!(executable("{\"executable\":null}\n"), None);
    }
}
