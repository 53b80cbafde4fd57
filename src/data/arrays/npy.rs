//! numpy's own format.
//!
//! Source: numpy.lib.format, versions 1.0 to 3.0.

use std::io::Read;

use super::{Array, Dtype, bytes_of};
use crate::Result;
use crate::data::dataset::MAX_IMAGES;
use crate::data::input::{take_exactly, unreadable, wrong};

/// Bytes of a header.
const MAX_HEADER: usize = 64 << 10;
/// Texts of an array that are read, and letters of each.
const MAX_TEXTS: usize = MAX_IMAGES;
const MAX_TEXT: usize = 256;

/// What a header tells.
#[derive(Debug, PartialEq)]
struct Header {
    /// numpy's letter of the type, and how many bytes or letters a value has.
    letter: u8,
    width: usize,
    big_endian: bool,
    fortran: bool,
    shape: Vec<usize>,
}

/// What an array holds.
pub(in crate::data) enum Npy {
    Numbers(Array),
    /// In a row or a column.
    Texts(Vec<String>),
    /// Objects and the like. Its header.
    Other(String),
}

/// Reads an array.
///
/// # Errors
/// [`crate::Error::Data`] where it is none, larger than it may be, or cut short.
pub(in crate::data) fn read(file: &str, reader: &mut dyn Read) -> Result<Npy> {
    let text = header(file, reader)?;
    let Some(Header { letter, width, big_endian, fortran, shape }) = parse(&text) else {
        return Ok(Npy::Other(shortened(&text)));
    };
    if let Some(dtype) = Dtype::new(&[&[letter], width.to_string().as_bytes()].concat(), big_endian) {
        let bytes = bytes_of(file, dtype, &shape)?;
        let bytes = take_exactly(file, reader, bytes)?;
        return Ok(Npy::Numbers(Array { dtype, shape, fortran, bytes }));
    }
    let unit = match letter {
        b'U' => 4,
        b'S' | b'a' => 1,
        _ => return Ok(Npy::Other(shortened(&text))),
    };
    let count = shape.iter().fold(1usize, |count, &side| count.saturating_mul(side));
    if width == 0
        || count > MAX_TEXTS
        || width > MAX_TEXT
        || shape.iter().filter(|side| **side > 1).count() > 1
    {
        return Ok(Npy::Other(shortened(&text)));
    }
    let bytes = take_exactly(file, reader, (count * width * unit) as u64)?;
    let texts = bytes.chunks_exact(width * unit).map(|bytes| {
        let letter = |bytes: &[u8]| match *bytes {
            [a, b, c, d] if big_endian => u32::from_be_bytes([a, b, c, d]),
            [a, b, c, d] => u32::from_le_bytes([a, b, c, d]),
            _ => u32::from(bytes[0]),
        };
        let letters = bytes.chunks_exact(unit).map(letter).take_while(|letter| *letter != 0);
        letters.map(|letter| char::from_u32(letter).unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
    });
    Ok(Npy::Texts(texts.collect()))
}

fn shortened(text: &str) -> String {
    text.trim().chars().take(120).collect()
}

fn header(file: &str, reader: &mut dyn Read) -> Result<String> {
    let mut read = |buffer: &mut [u8]| reader.read_exact(buffer).map_err(|error| unreadable(file, &error));
    let mut start = [0; 8];
    read(&mut start)?;
    let length = if start[6] == 1 {
        let mut length = [0; 2];
        read(&mut length)?;
        usize::from(u16::from_le_bytes(length))
    } else {
        let mut length = [0; 4];
        read(&mut length)?;
        u32::from_le_bytes(length) as usize
    };
    if length > MAX_HEADER {
        return wrong(file, "a .npy array", format!("a header of {length} bytes"));
    }
    let mut text = vec![0; length];
    read(&mut text)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// `{'descr': '|u1', 'fortran_order': False, 'shape': (10, 32, 32, 3), }`
fn parse(text: &str) -> Option<Header> {
    let value = |key: &str| {
        let behind = &text[text.find(&format!("'{key}'"))? + key.len() + 2..];
        Some(behind.trim_start().strip_prefix(':')?.trim_start())
    };
    let descr = value("descr")?.strip_prefix('\'')?.split('\'').next()?.as_bytes();
    let (order, name) = descr.split_first()?;
    let (letter, width) = name.split_first()?;
    let width = std::str::from_utf8(width).ok()?.parse().ok()?;
    let fortran = value("fortran_order")?.starts_with("True");
    let shape = value("shape")?.strip_prefix('(')?.split(')').next()?;
    let sides = shape.split(',').map(str::trim).filter(|side| !side.is_empty());
    let shape = sides.map(|side| side.trim_end_matches('L').parse().ok()).collect::<Option<Vec<usize>>>()?;
    Some(Header { letter: *letter, width, big_endian: *order == b'>', fortran, shape })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read() {
        let header = parse("{'descr': '<i8', 'fortran_order': True, 'shape': (3L,), } \n").unwrap();
        let expected = Header { letter: b'i', width: 8, big_endian: false, fortran: true, shape: vec![3] };
        assert_eq!(header, expected);
        assert_eq!(parse("{'descr': '<U12', 'fortran_order': False, 'shape': (3,), }").unwrap().width, 12);
        assert!(parse("{'descr': [('a', '<i8')], 'fortran_order': False, 'shape': (3,), }").is_none());
        assert!(parse("{'descr': '|O', 'fortran_order': False, 'shape': (3,), }").is_none());
    }
}
