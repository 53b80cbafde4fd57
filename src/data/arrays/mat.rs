//! MATLAB's files of level 5 (up to -v7): numeric arrays by their names.
//!
//! Source: MathWorks, "MAT-File Format", version 5.

use std::io::Read;

use flate2::read::ZlibDecoder;

use super::{Array, Dtype, MAX_ARRAY, bytes_of};
use crate::Result;
use crate::data::input::{fill, take_exactly, unreadable, wrong};

const HEADER: usize = 128;
const MATRIX: u32 = 14;
const COMPRESSED: u32 = 15;
/// Variables of a file.
const MOST_VARIABLES: usize = 1000;

/// A part of a file: its type, and its bytes where it is a small one.
struct Tag {
    kind: u32,
    bytes: u64,
    /// Up to four bytes that lie in the tag itself.
    inline: Option<Vec<u8>>,
}

fn tag(file: &str, reader: &mut dyn Read) -> Result<Option<Tag>> {
    let mut bytes = [0; 8];
    match fill(reader, &mut bytes).map_err(|error| unreadable(file, &error))? {
        8 => {}
        0 => return Ok(None),
        _ => return wrong(file, "a whole MATLAB file", "its end in the middle"),
    }
    let [low, high] = [0, 4].map(|at| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes")));
    let small = low >> 16;
    if small > 0 {
        let inline = bytes[4..4 + (small as usize).min(4)].to_vec();
        return Ok(Some(Tag { kind: low & 0xffff, bytes: small.into(), inline: Some(inline) }));
    }
    Ok(Some(Tag { kind: low, bytes: high.into(), inline: None }))
}

/// The bytes of a part, at most so many, and what fills it up to eight.
fn content(file: &str, reader: &mut dyn Read, tag: Tag, most: u64) -> Result<Vec<u8>> {
    if let Some(inline) = tag.inline {
        return Ok(inline);
    }
    if tag.bytes > most {
        return wrong(file, format!("a part of at most {most} bytes"), format!("one of {}", tag.bytes));
    }
    let bytes = take_exactly(file, reader, tag.bytes)?;
    let mut padding = [0; 8];
    let over = (8 - tag.bytes % 8) % 8;
    fill(reader, &mut padding[..over as usize]).map_err(|error| unreadable(file, &error))?;
    Ok(bytes)
}

/// The arrays of numbers of a file, with their names.
///
/// # Errors
/// [`crate::Error::Data`] where it is damaged or an array is larger than it may be.
pub(in crate::data) fn read(file: &str, reader: &mut dyn Read) -> Result<Vec<(String, Array)>> {
    let mut header = [0; HEADER];
    reader.read_exact(&mut header).map_err(|error| unreadable(file, &error))?;
    if &header[126..] != b"IM" {
        return wrong(file, "a MATLAB file of a little-endian machine", "another order of bytes");
    }
    let mut found = Vec::new();
    for _ in 0..MOST_VARIABLES {
        let Some(Tag { kind, bytes, .. }) = tag(file, reader)? else { return Ok(found) };
        let mut part = reader.take(bytes);
        match kind {
            COMPRESSED => {
                let mut unpacked = ZlibDecoder::new(&mut part).take(MAX_ARRAY + (1 << 16));
                if let Some(Tag { kind: MATRIX, .. }) = tag(file, &mut unpacked)? {
                    found.extend(matrix(file, &mut unpacked)?);
                }
            }
            MATRIX => found.extend(matrix(file, &mut part)?),
            0 if bytes == 0 => {}
            other => return wrong(file, "arrays", format!("a part of type {other}")),
        }
        std::io::copy(&mut part, &mut std::io::sink()).map_err(|error| unreadable(file, &error))?;
    }
    wrong(file, format!("at most {MOST_VARIABLES} variables"), "more")
}

/// An array of numbers; `None` for what else a variable may be.
fn matrix(file: &str, reader: &mut dyn Read) -> Result<Option<(String, Array)>> {
    let mut part = |most: u64| match tag(file, reader)? {
        Some(tag) => {
            let kind = tag.kind;
            Ok((kind, content(file, reader, tag, most)?))
        }
        None => wrong(file, "a whole array", "its end in the middle"),
    };
    let (_, flags) = part(64)?;
    let (_, sides) = part(64)?;
    let (_, name) = part(256)?;
    let class = flags.first().copied().unwrap_or(0);
    let complex = flags.get(1).is_some_and(|flag| flag & 8 != 0);
    // double, single and the integers; not cells, structures, texts.
    if !(6..=15).contains(&class) || complex {
        return Ok(None);
    }
    let sides = sides.as_chunks::<4>().0.iter().map(|&side| i32::from_le_bytes(side).max(0) as usize);
    let shape: Vec<usize> = sides.collect();
    let (kind, bytes) = part(MAX_ARRAY)?;
    // The type that it is stored in may be smaller than that of its class.
    let name_of: &[u8] = match kind {
        1 => b"i1",
        2 => b"u1",
        3 => b"i2",
        4 => b"u2",
        5 => b"i4",
        6 => b"u4",
        7 => b"f4",
        9 => b"f8",
        12 => b"i8",
        13 => b"u8",
        other => return wrong(file, "an array of numbers", format!("one of type {other}")),
    };
    let dtype = Dtype::new(name_of, false).expect("numpy knows it");
    if bytes_of(file, dtype, &shape)? != bytes.len() as u64 {
        return wrong(
            file,
            "an array as large as its shape",
            format!("{shape:?} with {} bytes", bytes.len()),
        );
    }
    Ok(Some((String::from_utf8_lossy(&name).into_owned(), Array { dtype, shape, fortran: true, bytes })))
}
