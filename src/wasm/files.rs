//! Files of JavaScript, read and written piece by piece.
// The other modules need only the words of an error, or nothing.
#![cfg_attr(not(feature = "engine"), allow(dead_code))]

use std::io;

use js_sys::{Function, Uint8Array};
use wasm_bindgen::prelude::*;

/// Largest piece at once, bytes.
const PIECE: usize = 1 << 20;

/// What JavaScript threw, with its words.
pub(super) fn failed(error: JsValue) -> io::Error {
    io::Error::other(match error.dyn_ref::<js_sys::Error>() {
        Some(error) => String::from(error.message()),
        None => format!("{error:?}"),
    })
}

/// A file that is read by `read(offset, length)`, which gives a `Uint8Array`.
pub struct Source {
    read: Function,
    progress: Option<Function>,
    offset: u64,
    size: u64,
}

impl Source {
    /// One of so many bytes; `progress(bytes)`, where given, is called as it goes.
    pub fn new(read: Function, size: f64, progress: Option<Function>) -> Self {
        Self { read, progress, offset: 0, size: size as u64 }
    }
}

impl io::Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = (buffer.len().min(PIECE) as u64).min(self.size - self.offset);
        if length == 0 {
            return Ok(0);
        }
        let (offset, wanted) = (JsValue::from(self.offset as f64), JsValue::from(length as f64));
        let bytes = self.read.call2(&JsValue::NULL, &offset, &wanted).map_err(failed)?;
        let bytes = Uint8Array::new(&bytes);
        let count = bytes.length() as usize;
        if count == 0 || count > buffer.len() {
            return Err(io::Error::other(format!("{count} bytes where {length} were asked for")));
        }
        bytes.copy_to(&mut buffer[..count]);
        self.offset += count as u64;
        if let Some(progress) = &self.progress {
            progress.call1(&JsValue::NULL, &JsValue::from(self.offset as f64)).map_err(failed)?;
        }
        Ok(count)
    }
}

/// A file that is written by `write(bytes)`, which takes a `Uint8Array` each time.
pub struct Sink<'a>(pub &'a Function);

impl Sink<'_> {
    /// The same, in pieces worth a call.
    pub fn buffered(self) -> io::BufWriter<Self> {
        io::BufWriter::with_capacity(PIECE, self)
    }
}

impl io::Write for Sink<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.call1(&JsValue::NULL, &Uint8Array::from(bytes)).map_err(failed)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
