//! Bytes from a reader, and what is wrong with them.

use std::io::{self, Read};

use crate::{Error, Result};

/// How an error of reading reads.
pub(super) fn describe_io(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => "its end in the middle".into(),
        _ => error.to_string(),
    }
}

pub(super) fn wrong<T>(file: &str, expected: impl Into<String>, found: impl Into<String>) -> Result<T> {
    Err(Error::Data { file: file.into(), expected: expected.into(), found: found.into() })
}

/// An error of reading as an error of the file.
pub(super) fn unreadable(file: &str, error: &io::Error) -> Error {
    Error::Data { file: file.into(), expected: "a readable file".into(), found: describe_io(error) }
}

/// Reads until the buffer is full or the input ends; the bytes read.
pub(super) fn fill(reader: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match reader.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// So many bytes. Memory for them is taken as they come: a file that says more than it has takes no more than it has.
pub(super) fn take_exactly(file: &str, reader: &mut dyn Read, len: u64) -> Result<Vec<u8>> {
    const PIECE: usize = 1 << 24;
    let mut bytes = Vec::new();
    let wanted = usize::try_from(len).unwrap_or(usize::MAX);
    while bytes.len() < wanted {
        let more = (wanted - bytes.len()).min(PIECE.max(bytes.len()));
        if bytes.try_reserve_exact(more).is_err() {
            return wrong(file, format!("memory for {len} bytes"), "too little");
        }
        let before = bytes.len();
        let piece = (wanted - before).min(bytes.capacity() - before);
        bytes.resize(before + piece, 0);
        let read = fill(reader, &mut bytes[before..]).map_err(|error| unreadable(file, &error))?;
        if read < piece {
            return wrong(file, format!("{len} bytes"), format!("its end after {}", before + read));
        }
    }
    Ok(bytes)
}
