#![no_main]

use std::sync::LazyLock;

#[allow(dead_code)]
#[path = "../bodies/files.rs"]
mod files;

/// The parser that is tried alone; none: whatever a file is by its content.
static FORMAT: LazyLock<Option<&files::Format>> = LazyLock::new(|| {
    let wanted = std::env::var("NIBBLE_FUZZ_FORMAT").ok()?;
    Some(files::FORMATS.iter().find(|format| format.name == wanted).expect("a format of the list"))
});

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    match *FORMAT {
        Some(format) => files::read_as(format, bytes),
        None => files::read(bytes),
    };
});
