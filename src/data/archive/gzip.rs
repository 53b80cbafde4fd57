//! gzip: member after member, with a bound.

use std::cell::RefCell;
use std::io::{self, BufRead, BufReader, Read};
use std::rc::Rc;

use flate2::bufread::GzDecoder;

use crate::data::input::describe_io;

/// Bytes that an archive may unpack to. STL-10's, the largest that is common, has 3.0 GB.
pub(crate) const MAX_UNPACKED: u64 = 4 << 30;

/// Why unpacking failed.
pub(super) type Failed = Rc<RefCell<Option<String>>>;

/// Unpacked bytes. What follows the last member, zeros mostly, is passed over, as gzip itself does.
pub(super) struct Gunzip<R: Read> {
    member: Option<GzDecoder<BufReader<R>>>,
    left: u64,
    failed: Failed,
}

impl<R: Read> Gunzip<R> {
    pub fn new(reader: R, failed: Failed) -> Self {
        let member = Some(GzDecoder::new(BufReader::with_capacity(1 << 16, reader)));
        Self { member, left: MAX_UNPACKED, failed }
    }

    fn some(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(member) = &mut self.member {
            let read = member.read(buffer)?;
            if read > 0 || buffer.is_empty() {
                return Ok(read);
            }
            let mut rest = self.member.take().map(GzDecoder::into_inner).expect("it was there");
            if rest.fill_buf()?.starts_with(b"\x1f\x8b") {
                self.member = Some(GzDecoder::new(rest));
            }
        }
        Ok(0)
    }
}

/// Counts down what may still come, and remembers why it failed.
impl<R: Read> Read for Gunzip<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let result = match self.some(buffer) {
            Ok(read) if read as u64 > self.left => {
                Err(io::Error::other(format!("more than {} GB in it", MAX_UNPACKED >> 30)))
            }
            result => result,
        };
        match &result {
            Ok(read) => self.left -= *read as u64,
            Err(error) => {
                self.failed.borrow_mut().get_or_insert_with(|| describe_io(error));
            }
        }
        result
    }
}
