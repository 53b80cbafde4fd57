//! Where the project's folders are.

use std::env;
use std::path::PathBuf;
use std::sync::OnceLock;

/// The repository's root, whatever folder the command was typed in.
pub fn root() -> &'static PathBuf {
    static ROOT: OnceLock<PathBuf> = OnceLock::new();
    ROOT.get_or_init(|| {
        // cargo sets the variable at run time too: right even for a checkout that was moved after compiling.
        let xtask = env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
        PathBuf::from(xtask).parent().expect("xtask/ lies in the root").to_path_buf()
    })
}

/// A path below the root.
pub fn path(relative: &str) -> PathBuf {
    root().join(relative)
}

/// Cargo's target folder: everything that the commands install or write, apart from pkg/, data/ and
/// node_modules/, is below it.
pub fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| path("target"), |folder| root().join(folder))
}
