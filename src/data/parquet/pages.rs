//! The values of a column, page by page.

use std::io::Read;
use std::rc::Rc;

use super::thrift::{self, Value};
use super::{Kind, read_all, snappy};
use crate::Result;
use crate::data::input::wrong;
use crate::data::source::Source;

/// Bytes of a page, unpacked. Pages have a megabyte, unless a picture is larger.
const MAX_PAGE: i64 = 256 << 20;
/// Bytes of a page's header.
const MAX_HEADER: u64 = 64 << 10;
/// Values of a page.
const MOST_VALUES: i64 = 1 << 20;

/// Where a column of a group of rows lies.
#[derive(Debug, Clone, Copy)]
pub(super) struct Chunk {
    start: u64,
    end: u64,
    codec: i64,
}

impl Chunk {
    /// By a column's metadata.
    pub fn of(meta: &Value) -> Option<Self> {
        let first = [meta.int(9), meta.int(11)].into_iter().flatten().filter(|&at| at > 0).min()?;
        let start = u64::try_from(first).ok()?;
        let end = start.checked_add(u64::try_from(meta.int(7)?).ok()?)?;
        Some(Self { start, end, codec: meta.int(4)? })
    }
}

/// A value, or that there is none.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::data) enum Cell {
    None,
    Int(i64),
    /// Shared with a dictionary, which one may refer to a million times.
    Bytes(Rc<[u8]>),
}

/// The values of a column in order.
pub(in crate::data) struct Column {
    file: String,
    source: Rc<dyn Source>,
    kind: Kind,
    optional: u32,
    chunks: std::vec::IntoIter<Chunk>,
    chunk: Option<Chunk>,
    dictionary: Vec<Cell>,
    page: std::vec::IntoIter<Cell>,
}

impl Column {
    pub(super) fn new(
        file: &str,
        source: Rc<dyn Source>,
        kind: Kind,
        optional: u32,
        chunks: Vec<Chunk>,
    ) -> Self {
        let (dictionary, page) = (Vec::new(), Vec::new().into_iter());
        Self {
            file: file.into(),
            source,
            kind,
            optional,
            chunks: chunks.into_iter(),
            chunk: None,
            dictionary,
            page,
        }
    }

    /// The next value; `None` at the end.
    ///
    /// # Errors
    /// [`crate::Error::Data`] for a damaged page, and for an encoding that is not read.
    pub fn next(&mut self) -> Result<Option<Cell>> {
        loop {
            if let Some(cell) = self.page.next() {
                return Ok(Some(cell));
            }
            match &mut self.chunk {
                Some(chunk) if chunk.start < chunk.end => self.page = self.read_page()?.into_iter(),
                _ => {
                    self.chunk = self.chunks.next();
                    self.dictionary.clear();
                    if self.chunk.is_none() {
                        return Ok(None);
                    }
                }
            }
        }
    }

    fn broken<T>(&self, found: &str) -> Result<T> {
        wrong(&self.file, "whole pages of Parquet", found)
    }

    /// Reads the next page; that of the dictionary has no values.
    fn read_page(&mut self) -> Result<Vec<Cell>> {
        let chunk = self.chunk.expect("the caller has looked");
        let left = chunk.end.min(self.source.size()).saturating_sub(chunk.start);
        let mut head = vec![0; left.min(MAX_HEADER) as usize];
        if left == 0 || read_all(&*self.source, chunk.start, &mut head).is_none() {
            return self.broken("its end in the middle");
        }
        let Some((header, taken)) = thrift::structure(&head) else { return self.broken("a damaged header") };
        let size = |field: i16| header.int(field).filter(|size| (0..=MAX_PAGE).contains(size));
        let (Some(size), Some(packed)) = (size(2), size(3)) else {
            return self.broken("a page larger than 256 MB");
        };
        let start = chunk.start + taken as u64;
        if packed as u64 > chunk.end.min(self.source.size()).saturating_sub(start) {
            return self.broken("a page larger than its column");
        }
        let mut bytes = vec![0; packed as usize];
        if read_all(&*self.source, start, &mut bytes).is_none() {
            return self.broken("its end in the middle");
        }
        self.chunk = Some(Chunk { start: start + packed as u64, ..chunk });
        self.values(&header, chunk.codec, bytes, size as usize)
    }

    fn values(&mut self, header: &Value, codec: i64, bytes: Vec<u8>, size: usize) -> Result<Vec<Cell>> {
        let (about, levels) = match header.int(1) {
            Some(0) => (header.field(5), 0),
            Some(2) => (header.field(7), 0),
            Some(3) => {
                let about = header.field(8);
                let of = |field| about.and_then(|about| about.int(field)).unwrap_or(0).max(0) as usize;
                (about, of(5).saturating_add(of(6)))
            }
            _ => return Ok(Vec::new()),
        };
        let Some(about) = about else { return self.broken("a header without its kind") };
        let count = match about.int(1) {
            Some(count @ 0..=MOST_VALUES) => count as usize,
            _ => return self.broken("a page of more than a million values"),
        };
        let version2 = header.int(1) == Some(3);
        if levels > bytes.len() || levels > size {
            return self.broken("levels larger than their page");
        }
        // Levels of the second version are never packed.
        let packed = !version2 || about.field(7) != Some(&Value::Bool(false));
        let (levels, rest) = bytes.split_at(levels);
        let unpacked = self.unpack(if packed { codec } else { 0 }, rest, size - levels.len())?;
        if header.int(1) == Some(2) {
            let Some(values) = plain(self.kind, &unpacked, count) else {
                return self.broken("a damaged dictionary");
            };
            self.dictionary = values;
            return Ok(Vec::new());
        }
        let encoding = about.int(if version2 { 4 } else { 2 });
        let mut input = unpacked.as_slice();
        let bits = u32::BITS - self.optional.leading_zeros();
        let defined = match (self.optional, version2) {
            (0, _) => Some(vec![0; count]),
            (_, true) => {
                let repeated = about.int(6).unwrap_or(0).max(0) as usize;
                levels.get(repeated..).and_then(|levels| hybrid(levels, bits, count))
            }
            _ => (|| {
                let (length, rest) = input.split_first_chunk::<4>()?;
                let (levels, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
                input = rest;
                hybrid(levels, bits, count)
            })(),
        };
        let Some(defined) = defined else { return self.broken("damaged levels") };
        let there = defined.iter().filter(|&&level| level == self.optional).count();
        let values = match encoding {
            Some(0) => plain(self.kind, input, there),
            Some(2 | 8) => (|| {
                let (&bits, rest) = input.split_first()?;
                let indices = hybrid(rest, bits.into(), there)?;
                indices.iter().map(|&index| self.dictionary.get(index as usize).cloned()).collect()
            })(),
            other => {
                let found = format!("encoding {}", other.unwrap_or(-1));
                return wrong(
                    &self.file,
                    "plain or dictionary values, as pandas and datasets write them",
                    found,
                );
            }
        };
        let Some(values) = values else { return self.broken("damaged values") };
        let mut values = values.into_iter();
        let cell =
            |level| if level == self.optional { values.next().unwrap_or(Cell::None) } else { Cell::None };
        Ok(defined.into_iter().map(cell).collect())
    }

    fn unpack(&self, codec: i64, bytes: &[u8], size: usize) -> Result<Vec<u8>> {
        let unpacked = match codec {
            0 => Some(bytes.to_vec()),
            1 => snappy::unpack(bytes, size),
            2 => {
                let mut unpacked = Vec::new();
                let read =
                    flate2::read::MultiGzDecoder::new(bytes).take(size as u64 + 1).read_to_end(&mut unpacked);
                read.is_ok().then_some(unpacked)
            }
            other => {
                let name = ["LZO", "Brotli", "LZ4", "Zstandard", "LZ4"];
                let name =
                    usize::try_from(other - 3).ok().and_then(|at| name.get(at)).unwrap_or(&"another way");
                let expected = "pages packed by Snappy or gzip: write it with compression=\"snappy\"";
                return wrong(&self.file, expected, *name);
            }
        };
        match unpacked.filter(|unpacked| unpacked.len() == size) {
            Some(unpacked) => Ok(unpacked),
            None => self.broken("a damaged page"),
        }
    }
}

/// So many values as they are.
fn plain(kind: Kind, bytes: &[u8], count: usize) -> Option<Vec<Cell>> {
    let mut rest = bytes;
    let mut cells = Vec::new();
    for index in 0..count {
        cells.push(match kind {
            Kind::Bool => Cell::Int(i64::from(bytes.get(index / 8)? >> (index % 8) & 1)),
            Kind::Int32 => {
                let (value, behind) = rest.split_first_chunk()?;
                rest = behind;
                Cell::Int(i32::from_le_bytes(*value).into())
            }
            Kind::Int64 => {
                let (value, behind) = rest.split_first_chunk()?;
                rest = behind;
                Cell::Int(i64::from_le_bytes(*value))
            }
            Kind::Bytes => {
                let (length, behind) = rest.split_first_chunk()?;
                let (value, behind) = behind.split_at_checked(u32::from_le_bytes(*length) as usize)?;
                rest = behind;
                Cell::Bytes(value.into())
            }
        });
    }
    Some(cells)
}

/// So many small numbers of so many bits: runs of one number, and packed ones.
fn hybrid(bytes: &[u8], bits: u32, count: usize) -> Option<Vec<u32>> {
    if bits > 32 {
        return None;
    }
    let width = bits.div_ceil(8) as usize;
    let mut rest = bytes;
    let mut values = Vec::new();
    while values.len() < count {
        if bits == 0 {
            values.resize(count, 0);
            break;
        }
        let mut head = 0u64;
        for shift in (0..35).step_by(7) {
            let (&byte, behind) = rest.split_first()?;
            rest = behind;
            head |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                break;
            }
        }
        let wanted = count - values.len();
        if head & 1 == 0 {
            let (value, behind) = rest.split_at_checked(width)?;
            rest = behind;
            let value = value.iter().rev().fold(0u32, |all, &byte| all << 8 | u32::from(byte));
            let run = usize::try_from(head >> 1).ok()?.min(wanted);
            if run == 0 {
                return None;
            }
            values.resize(values.len() + run, value);
        } else {
            let groups = usize::try_from(head >> 1).ok()?.min(wanted.div_ceil(8));
            if groups == 0 {
                return None;
            }
            let (packed, behind) = rest.split_at_checked(groups * bits as usize)?;
            rest = behind;
            for index in 0..(groups * 8).min(wanted) {
                let at = index * bits as usize;
                let value = (0..bits as usize).fold(0u32, |value, bit| {
                    let place = at + bit;
                    value | u32::from(packed[place / 8] >> (place % 8) & 1) << bit
                });
                values.push(value);
            }
        }
    }
    Some(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_and_packed_numbers() {
        // Eight numbers 0 to 7 of three bits, as the format's description packs them, then a run of three fives.
        let bytes = [0b11, 0b1000_1000, 0b1100_0110, 0b1111_1010, 3 << 1, 5];
        assert_eq!(hybrid(&bytes, 3, 11).unwrap(), [0, 1, 2, 3, 4, 5, 6, 7, 5, 5, 5]);
        assert_eq!(hybrid(&bytes, 3, 12), None, "no more are there");
        assert_eq!(hybrid(&[], 0, 3).unwrap(), [0, 0, 0]);
    }
}
