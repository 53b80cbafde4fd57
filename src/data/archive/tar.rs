//! tar, as a stream of members: POSIX (ustar, pax) and GNU, with long names.
//!
//! The crate tar lends its members from the archive, and reads long names whole, however long they say they are: neither
//! goes with members that are taken one at a time from a stream that nobody trusts.
//!
//! Source: POSIX.1-2017, pax; GNU tar manual, "Basic Tar Format".

use std::io::{self, Read};

use crate::data::input::fill;

const BLOCK: usize = 512;
/// Bytes of a name or of extended headers.
const MAX_NAME: u64 = 64 << 10;

/// Members of an archive.
pub(super) struct Tar<R> {
    reader: R,
    /// What of the current member is not read yet, and the padding behind it.
    left: u64,
    padding: u64,
    /// What was looked at, and is read again.
    unread: Vec<u8>,
}

/// A number in octal digits, or in binary where the highest bit is set (GNU).
fn number(field: &[u8]) -> Option<u64> {
    if field[0] & 0x80 != 0 {
        let digits =
            field.iter().enumerate().map(|(at, &byte)| u64::from(if at == 0 { byte & 0x7f } else { byte }));
        let mut digits = digits;
        return digits.try_fold(0u64, |value, digit| value.checked_mul(256)?.checked_add(digit));
    }
    let text: String = field.iter().take_while(|&&byte| byte != 0).map(|&byte| byte as char).collect();
    let text = text.trim();
    if text.is_empty() { Some(0) } else { u64::from_str_radix(text, 8).ok() }
}

fn text(field: &[u8]) -> String {
    let end = field.iter().position(|&byte| byte == 0).unwrap_or(field.len());
    String::from_utf8_lossy(&field[..end]).into_owned()
}

/// Whether a block has tar's checksum: the sum of its bytes, those of the checksum taken as blanks. Some programs sum
/// signed bytes.
pub(crate) fn has_checksum(block: &[u8; BLOCK]) -> bool {
    let sum = |of: fn(u8) -> i64| {
        let all: i64 = block.iter().map(|&byte| of(byte)).sum();
        let own: i64 = block[148..156].iter().map(|&byte| of(byte)).sum();
        all - own + 8 * i64::from(b' ')
    };
    let Some(said) = number(&block[148..156]).filter(|&said| said > 0) else { return false };
    [sum(i64::from), sum(|byte| i64::from(byte as i8))].iter().any(|&sum| u64::try_from(sum) == Ok(said))
}

/// The value of a key of extended headers: lines of "LENGTH KEY=VALUE".
fn extended(headers: &[u8], key: &str) -> Option<String> {
    let mut rest = headers;
    let mut found = None;
    while let Some(space) = rest.iter().position(|&byte| byte == b' ') {
        let length: usize = std::str::from_utf8(&rest[..space]).ok()?.parse().ok()?;
        let line = rest.get(space + 1..length)?.strip_suffix(b"\n")?;
        if let Some(value) = line.strip_prefix(key.as_bytes()).and_then(|line| line.strip_prefix(b"=")) {
            found = Some(String::from_utf8_lossy(value).into_owned());
        }
        rest = &rest[length..];
    }
    found
}

impl<R: Read> Tar<R> {
    pub fn new(reader: R) -> Self {
        Self { reader, left: 0, padding: 0, unread: Vec::new() }
    }

    /// Gives back what was read of the current member, which is then read again.
    pub fn unread(&mut self, bytes: &[u8]) {
        self.unread = bytes.to_vec();
        self.left += bytes.len() as u64;
    }

    /// Path and size of the next file.
    ///
    /// # Errors
    /// Where a header is none, or the archive ends in a member.
    pub fn next(&mut self) -> io::Result<Option<(String, u64)>> {
        let (mut name, mut size_said) = (None, None);
        loop {
            self.skip()?;
            let mut block = [0; BLOCK];
            let read = fill(&mut self.reader, &mut block)?;
            if read == 0 || block.iter().all(|&byte| byte == 0) {
                return Ok(None);
            }
            if read < BLOCK || !has_checksum(&block) {
                return Err(io::Error::other("a tar archive with a damaged header"));
            }
            let mut size =
                number(&block[124..136]).ok_or_else(|| io::Error::other("a member without a size"))?;
            let kind = block[156];
            if matches!(kind, b'L' | b'x') {
                let headers = self.small(size)?;
                if kind == b'L' {
                    name = Some(text(&headers));
                } else {
                    name = extended(&headers, "path").or(name);
                    size_said = extended(&headers, "size").and_then(|size| size.parse().ok());
                }
                continue;
            }
            size = size_said.take().unwrap_or(size);
            self.left = size;
            self.padding = (BLOCK as u64 - size % BLOCK as u64) % BLOCK as u64;
            if !matches!(kind, b'0' | 0 | b'7') {
                if kind != b'g' && kind != b'K' {
                    name = None;
                }
                continue;
            }
            let of_header = || {
                let (name, prefix) = (text(&block[..100]), text(&block[345..500]));
                let posix = &block[257..263] == b"ustar\0" && !prefix.is_empty();
                if posix { format!("{prefix}/{name}") } else { name }
            };
            let path = name.take().unwrap_or_else(of_header);
            // A folder of old archives.
            if path.ends_with('/') {
                continue;
            }
            let path = path.trim_start_matches("./").trim_start_matches('/').to_owned();
            return Ok(Some((path, size)));
        }
    }

    /// The content of a header that is a member itself.
    fn small(&mut self, size: u64) -> io::Result<Vec<u8>> {
        if size > MAX_NAME {
            return Err(io::Error::other(format!("a name of {size} bytes")));
        }
        let mut content = vec![0; size as usize];
        self.reader.read_exact(&mut content)?;
        self.padding = (BLOCK as u64 - size % BLOCK as u64) % BLOCK as u64;
        Ok(content)
    }

    fn skip(&mut self) -> io::Result<()> {
        let over = self.left - self.unread.len() as u64 + self.padding;
        self.unread.clear();
        (self.left, self.padding) = (0, 0);
        let skipped = io::copy(&mut (&mut self.reader).take(over), &mut io::sink())?;
        if skipped < over { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
    }

    /// Reads what is behind the last member.
    pub fn finish(&mut self) -> io::Result<()> {
        io::copy(&mut self.reader, &mut io::sink()).map(drop)
    }
}

/// The current member.
impl<R: Read> Read for Tar<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = (buffer.len() as u64).min(self.left) as usize;
        if most == 0 {
            return Ok(0);
        }
        if !self.unread.is_empty() {
            let len = most.min(self.unread.len());
            buffer[..len].copy_from_slice(&self.unread[..len]);
            self.unread.drain(..len);
            self.left -= len as u64;
            return Ok(len);
        }
        match self.reader.read(&mut buffer[..most])? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            read => {
                self.left -= read as u64;
                Ok(read)
            }
        }
    }
}
