//! Settings from a text, as the command line takes them. The file that includes this has its modules `address`, `problem`
//! and `settings`.

use std::cell::RefCell;
use std::path::Path;

use clap::Command;
use nibble::RunConfig;

use crate::settings::{self, Wanted};

/// Whether these arguments are settings. What is taken is in range, and the same when it is written and read again.
fn takes(argument: String) -> bool {
    thread_local! {
        static COMMAND: RefCell<Command> = RefCell::new(Command::new("fuzz").args(settings::arguments()));
    }
    let parsed = COMMAND.with_borrow_mut(|command| command.try_get_matches_from_mut(["fuzz", &argument]));
    match Wanted::new(&parsed.expect("a flag and its value")) {
        Ok(wanted) => {
            wanted.config.validate().unwrap();
            let mut again = RunConfig::default();
            wanted.config.texts().iter().for_each(|(key, text)| again.set(key, text).unwrap());
            assert_eq!(again, wanted.config);
            true
        }
        Err(problem) => {
            assert!(matches!(problem.code, 1 | 2) && !problem.sentence.is_empty(), "{problem:?}");
            false
        }
    }
}

/// A text as an address of the page, or its query.
pub fn address(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok_and(|text| takes(format!("--from={text}")))
}

/// Bytes as a TOML file, written to `file`.
pub fn toml(bytes: &[u8], file: &Path) -> bool {
    std::fs::write(file, bytes).unwrap();
    takes(format!("--settings={}", file.display()))
}
