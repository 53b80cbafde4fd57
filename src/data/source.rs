//! Files as the readers take them: bytes at any place, so that a format that keeps its list at the end can be read.

use std::io::{self, BufReader, Read};
use std::rc::Rc;

/// A file of known size.
pub trait Source {
    /// Its bytes.
    fn size(&self) -> u64;

    /// Reads from `offset` on as much as is there and fits; 0 at the end.
    ///
    /// # Errors
    /// Where it cannot be read.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize>;
}

impl Source for Vec<u8> {
    fn size(&self) -> u64 {
        self.len() as u64
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let from = usize::try_from(offset).unwrap_or(usize::MAX).min(self.len());
        let len = buffer.len().min(self.len() - from);
        buffer[..len].copy_from_slice(&self[from..from + len]);
        Ok(len)
    }
}

/// A file that was dropped: its path from the dropped folder on, with slashes, and its bytes.
#[derive(Clone)]
pub(super) struct Input {
    /// From the dropped or chosen folder on.
    pub path: String,
    /// What is in it.
    pub source: Rc<dyn Source>,
    /// Its number among those that were dropped.
    pub origin: usize,
}

/// Bytes asked of a file at once: in a browser each read is a call of JavaScript.
const READ_BYTES: u64 = 1 << 20;

/// A stretch of a source, from its first byte to before its last.
pub(super) struct Stretch {
    source: Rc<dyn Source>,
    at: u64,
    end: u64,
}

impl Stretch {
    pub fn new(source: Rc<dyn Source>, at: u64, len: u64) -> Self {
        let end = at.saturating_add(len).min(source.size());
        Self { source, at, end }
    }

    /// The same, read in few large pieces.
    pub fn buffered(self) -> BufReader<Self> {
        let piece = self.end.saturating_sub(self.at).clamp(512, READ_BYTES);
        BufReader::with_capacity(piece as usize, self)
    }
}

impl Read for Stretch {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let len = (buffer.len() as u64).min(self.end.saturating_sub(self.at)) as usize;
        if len == 0 {
            return Ok(0);
        }
        let read = self.source.read_at(self.at, &mut buffer[..len])?;
        self.at += read as u64;
        Ok(read)
    }
}

/// The whole of a source as something to seek in. What was read last is kept when a place near it is looked for: the headers of
/// an archive's members lie apart, and each of sixty thousand reads would cost as much as the pictures.
pub(super) struct Seeking {
    source: Rc<dyn Source>,
    at: u64,
    kept: Vec<u8>,
    /// Where in the source that begins.
    start: u64,
}

/// Bytes that are kept.
const KEPT: usize = 1 << 16;

impl Seeking {
    pub fn new(source: Rc<dyn Source>) -> Self {
        Self { source, at: 0, kept: Vec::new(), start: 0 }
    }
}

impl Read for Seeking {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let from = match self.at.checked_sub(self.start) {
            Some(from) if from < self.kept.len() as u64 => from as usize,
            _ => {
                self.kept.resize(KEPT, 0);
                let read = self.source.read_at(self.at, &mut self.kept);
                self.kept.truncate(*read.as_ref().unwrap_or(&0));
                self.start = self.at;
                read?;
                0
            }
        };
        let len = buffer.len().min(self.kept.len() - from);
        buffer[..len].copy_from_slice(&self.kept[from..from + len]);
        self.at += len as u64;
        Ok(len)
    }
}

impl io::Seek for Seeking {
    fn seek(&mut self, to: io::SeekFrom) -> io::Result<u64> {
        let place = match to {
            io::SeekFrom::Start(at) => Some(at),
            io::SeekFrom::End(by) => self.source.size().checked_add_signed(by),
            io::SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = place.ok_or_else(|| io::Error::other("a place before the beginning"))?;
        Ok(self.at)
    }
}
