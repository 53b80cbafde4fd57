//! numpy's own format.
//!
//! Source: numpy.lib.format, versions 1.0 to 3.0.

use std::io::Read;

use super::{Array, Dtype, bytes_of};
use crate::Result;
use crate::data::input::{take_exactly, unreadable, wrong};

/// Bytes of a header.
const MAX_HEADER: usize = 64 << 10;

/// Reads an array.
///
/// # Errors
/// [`crate::Error::Data`] where it is none of numbers, larger than it may be, or cut short.
pub(in crate::data) fn read(file: &str, reader: &mut dyn Read) -> Result<Array> {
    let text = header(file, reader)?;
    let Some((dtype, fortran, shape)) = parse(&text) else {
        return wrong(file, "a .npy array of numbers", format!("its header {}", shortened(&text)));
    };
    let bytes = bytes_of(file, dtype, &shape)?;
    let bytes = take_exactly(file, reader, bytes)?;
    Ok(Array { dtype, shape, fortran, bytes })
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
fn parse(text: &str) -> Option<(Dtype, bool, Vec<usize>)> {
    let value = |key: &str| {
        let behind = &text[text.find(&format!("'{key}'"))? + key.len() + 2..];
        Some(behind.trim_start().strip_prefix(':')?.trim_start())
    };
    let descr = value("descr")?.strip_prefix('\'')?.split('\'').next()?.as_bytes();
    let (order, name) = descr.split_first()?;
    let dtype = Dtype::new(name, *order == b'>')?;
    let fortran = value("fortran_order")?.starts_with("True");
    let shape = value("shape")?.strip_prefix('(')?.split(')').next()?;
    let sides = shape.split(',').map(str::trim).filter(|side| !side.is_empty());
    let shape = sides.map(|side| side.trim_end_matches('L').parse().ok()).collect::<Option<Vec<usize>>>()?;
    Some((dtype, fortran, shape))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read() {
        let (dtype, fortran, shape) =
            parse("{'descr': '<i8', 'fortran_order': True, 'shape': (3L,), } \n").unwrap();
        assert_eq!((dtype, fortran, shape), (Dtype::new(b"i8", false).unwrap(), true, vec![3]));
        assert!(parse("{'descr': [('a', '<i8')], 'fortran_order': False, 'shape': (3,), }").is_none());
        assert!(parse("{'descr': '|O', 'fortran_order': False, 'shape': (3,), }").is_none());
    }
}
