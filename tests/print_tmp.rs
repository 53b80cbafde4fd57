#[test]
fn print() {
    std::fs::write("pkg/registry.js", nibble::settings::javascript()).unwrap();
    std::fs::write("docs/SETTINGS.md", nibble::settings::markdown()).unwrap();
}
