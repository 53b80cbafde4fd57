//! What is printed from the table of settings and committed is that of the table as it is.

use std::fs;
use std::path::Path;

use nibble::settings;

#[test]
fn the_committed_tables_are_the_present_one() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (file, printed) in
        [("pkg/registry.js", settings::javascript()), ("docs/SETTINGS.md", settings::markdown())]
    {
        let committed = fs::read_to_string(root.join(file)).unwrap_or_default().replace("\r\n", "\n");
        assert!(committed == printed, "{file} is not the table's: run `cargo xtask build` and commit it");
    }
}
