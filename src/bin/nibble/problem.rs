//! Why a command ends early, and what is said on the way.

use std::fmt::Display;
use std::io::{self, Write};
use std::path::Path;

use nibble::Error;

/// A command that ends early.
#[derive(Debug)]
pub struct Problem {
    /// The exit code.
    pub code: u8,
    /// Why, for the user.
    pub sentence: String,
}

pub type Result<T> = std::result::Result<T, Problem>;

impl Problem {
    /// Of what was tried.
    pub fn failed(sentence: impl Display) -> Self {
        Self { code: 1, sentence: sentence.to_string() }
    }

    /// Of what cannot be asked for.
    pub fn usage(sentence: impl Display) -> Self {
        Self { code: 2, sentence: sentence.to_string() }
    }

    /// Of a file that cannot be read.
    pub fn unreadable(path: &Path, error: &io::Error) -> Self {
        Self::data(path, "a readable file", error)
    }

    /// Of a file that holds something else.
    pub fn data(path: &Path, expected: impl Display, found: impl Display) -> Self {
        Self::failed(format!("{}: expected {expected}, found {found}", path.display()))
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::Config { .. } => Self::usage(error),
            _ => Self::failed(error),
        }
    }
}

/// Says a sentence on the standard error stream.
pub fn note(sentence: impl Display) {
    // Where nobody can be told, nothing else can be done.
    let _ = writeln!(io::stderr(), "nibble: {sentence}");
}

/// Writes a line to the standard output.
///
/// # Errors
/// Where it cannot be written to.
pub fn say(line: impl Display) -> Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).map_err(|error| match error.kind() {
        // Who reads it has seen enough.
        io::ErrorKind::BrokenPipe => Problem::failed(""),
        _ => Problem::failed(format!("standard output: {error}")),
    })
}
