#![no_main]

#[path = "../../../src/bin/nibble/address.rs"]
mod address;
#[allow(dead_code)]
#[path = "../bodies/settings.rs"]
mod body;
#[allow(dead_code)]
#[path = "../../../src/bin/nibble/problem.rs"]
mod problem;
#[allow(dead_code)]
#[path = "../../../src/bin/nibble/settings.rs"]
mod settings;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    body::address(bytes);
});
