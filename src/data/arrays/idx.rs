//! The format of MNIST: numbers with their dimensions before them, big-endian.
//!
//! Source: LeCun, Cortes and Burges, "The MNIST database of handwritten digits".

use std::io::Read;

use super::{Array, Dtype, bytes_of};
use crate::Result;
use crate::data::input::{take_exactly, unreadable, wrong};

pub(in crate::data) struct Header {
    dtype: Dtype,
    shape: Vec<usize>,
    /// Those of the file.
    pub bytes: u64,
}

/// What the first bytes of a file say; `None` where they are those of another.
pub(in crate::data) fn header(head: &[u8]) -> Option<Header> {
    let &[0, 0, kind, dimensions @ 1..=4, ref rest @ ..] = head else { return None };
    let name: &[u8] = match kind {
        8 => b"u1",
        9 => b"i1",
        11 => b"i2",
        12 => b"i4",
        13 => b"f4",
        14 => b"f8",
        _ => return None,
    };
    let dtype = Dtype::new(name, true)?;
    let sides = rest.as_chunks::<4>().0.get(..usize::from(dimensions))?;
    let shape: Vec<usize> = sides.iter().map(|&side| u32::from_be_bytes(side) as usize).collect();
    let numbers = shape.iter().try_fold(dtype.width as u64, |bytes, &side| bytes.checked_mul(side as u64))?;
    let bytes = numbers.checked_add(4 + 4 * u64::from(dimensions))?;
    (numbers > 0).then_some(Header { dtype, shape, bytes })
}

/// Reads an array.
///
/// # Errors
/// [`crate::Error::Data`] where it is larger than it may be, or cut short.
pub(in crate::data) fn read(file: &str, reader: &mut dyn Read) -> Result<Array> {
    let mut start = [0; 4];
    reader.read_exact(&mut start).map_err(|error| unreadable(file, &error))?;
    let mut head = start.to_vec();
    let sides = u64::from(start[3].min(4)) * 4;
    reader.take(sides).read_to_end(&mut head).map_err(|error| unreadable(file, &error))?;
    let Some(Header { dtype, shape, .. }) = header(&head) else {
        return wrong(file, "an array in MNIST's format (IDX)", "another header");
    };
    let bytes = bytes_of(file, dtype, &shape)?;
    let bytes = take_exactly(file, reader, bytes)?;
    Ok(Array { dtype, shape, fortran: false, bytes })
}
