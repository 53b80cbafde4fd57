//! Prints the table of settings: `cargo run --example registry -- pkg/registry.js` or `docs/SETTINGS.md`, as those
//! files have it. `cargo xtask build` writes them.

use nibble::settings;

fn main() {
    match std::env::args().nth(1).as_deref() {
        Some("pkg/registry.js") => print!("{}", settings::javascript()),
        Some("docs/SETTINGS.md") => print!("{}", settings::markdown()),
        _ => {
            eprintln!("expected pkg/registry.js or docs/SETTINGS.md");
            std::process::exit(2);
        }
    }
}
