#![no_main]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::LazyLock;

#[allow(dead_code)]
#[path = "../bodies/files.rs"]
mod files;

/// The most that is taken at once: an array, which may have a gigabyte.
const LARGEST: usize = 1100 << 20;

/// The system's allocator, which ends the program where more is asked of it.
struct Bounded;

// SAFETY: every call is handed on as it is.
unsafe impl GlobalAlloc for Bounded {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.size() > LARGEST {
            std::process::abort();
        }
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static MEMORY: Bounded = Bounded;

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
