//! What the suites need.

use super::later::Later;
use crate::toolchain::{self, Toolchain};
use crate::tools;
use anyhow::Result;
use std::path::PathBuf;

/// What several suites need is looked for once.
pub struct Tools {
    pub clippy: Later<()>,
    pub toolchain: Later<Toolchain>,
    pub bindgen: Later<tools::WasmBindgen>,
    pub browser: Later<tools::Browser>,
    pub deny: Later<PathBuf>,
    /// What the page's tests prefer to it.
    pub shell: Later<Option<PathBuf>>,
    /// The packages of the page's tests, and Firefox, or why there is none.
    pub page: Later<Result<PathBuf, String>>,
    /// Beginnings of the names of tests/e2e's files that are run; all without.
    pub files: Vec<String>,
    /// Whether they take pictures, to be looked at.
    pub pictures: bool,
}

impl Tools {
    pub fn new(files: Vec<String>, pictures: bool) -> Tools {
        Tools {
            clippy: Later::new(tools::clippy),
            toolchain: Later::new(toolchain::find_or_install),
            bindgen: Later::new(tools::wasm_bindgen),
            browser: Later::new(tools::browser),
            deny: Later::new(tools::cargo_deny),
            shell: Later::new(|| Ok(tools::headless_shell())),
            page: Later::new(|| {
                tools::node_modules()?;
                Ok(tools::firefox().map_err(|error| format!("{error:#}").replace('\n', " ")))
            }),
            files,
            pictures,
        }
    }
}
