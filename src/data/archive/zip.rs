//! zip: members by the list at its end, in the order of their names.

use std::io::{self, Read};
use std::rc::Rc;

use flate2::read::DeflateDecoder;
use zip::{CompressionMethod, ZipArchive};

use super::gzip::{Failed, MAX_UNPACKED};
use crate::Result;
use crate::data::input::{describe_io, wrong};
use crate::data::source::{Seeking, Source, Stretch};

/// Members that an archive may list.
const MOST_MEMBERS: usize = 1_000_000;

struct Member {
    path: String,
    size: u64,
    packed: u64,
    start: u64,
    method: CompressionMethod,
    /// Its checksum.
    said: u32,
}

pub(super) struct Zip {
    file: String,
    source: Rc<dyn Source>,
    members: std::vec::IntoIter<Member>,
}

/// The bytes of a member, which must be as many as the archive says, and of its checksum.
struct Checked {
    reader: Box<dyn Read>,
    left: u64,
    sum: crc32fast::Hasher,
    said: u32,
    failed: Failed,
}

impl Checked {
    fn some(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        self.sum.update(&buffer[..read]);
        match self.left.checked_sub(read as u64) {
            None => Err(io::Error::other("a file larger than the archive says")),
            Some(0) if read == 0 && self.sum.clone().finalize() != self.said => {
                Err(io::Error::other("a file with another checksum"))
            }
            Some(left) if read == 0 && !buffer.is_empty() && left > 0 => {
                Err(io::Error::other("a file smaller than the archive says"))
            }
            Some(left) => {
                self.left = left;
                Ok(read)
            }
        }
    }
}

impl Read for Checked {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let result = self.some(buffer);
        if let Err(error) = &result {
            self.failed.borrow_mut().get_or_insert_with(|| describe_io(error));
        }
        result
    }
}

impl Zip {
    /// # Errors
    /// [`crate::Error::Data`] for an archive whose list is damaged, that is encrypted or that unpacks to more than
    /// [`MAX_UNPACKED`] by what it says.
    pub fn open(file: &str, source: Rc<dyn Source>) -> Result<Self> {
        let reader = Seeking::new(source.clone());
        let expected = "a whole zip archive";
        let mut archive = match ZipArchive::new(reader) {
            Ok(archive) if archive.len() > MOST_MEMBERS => {
                return wrong(file, format!("at most {MOST_MEMBERS} files in it"), archive.len().to_string());
            }
            Ok(archive) => archive,
            Err(error) => return wrong(file, expected, error.to_string()),
        };
        let (mut members, mut total) = (Vec::new(), 0u64);
        for index in 0..archive.len() {
            let member = match archive.by_index_raw(index) {
                Ok(member) => member,
                Err(error) => return wrong(file, expected, error.to_string()),
            };
            if !member.is_file() {
                continue;
            }
            if member.encrypted() {
                return wrong(file, "an archive without a password", "an encrypted one: unpack it first");
            }
            let Ok(path) = member.name().map(|name| name.replace('\\', "/")) else {
                return wrong(file, expected, "a name that cannot be read");
            };
            total = total.saturating_add(member.size());
            members.push(Member {
                path,
                size: member.size(),
                packed: member.compressed_size(),
                start: member.data_start().unwrap_or(u64::MAX),
                method: member.compression(),
                said: member.crc32(),
            });
        }
        if total > MAX_UNPACKED {
            let most = MAX_UNPACKED >> 30;
            return wrong(
                file,
                format!("an archive of at most {most} GB unpacked"),
                format!("{total} bytes"),
            );
        }
        members.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Self { file: file.into(), source, members: members.into_iter() })
    }

    /// Path, size and bytes of the next file.
    #[allow(clippy::type_complexity)]
    pub fn next(&mut self, failed: &Failed) -> Result<Option<(String, u64, Box<dyn Read>)>> {
        let Some(member) = self.members.next() else { return Ok(None) };
        let Member { path, size, packed, start, method, said } = member;
        let stretch = Stretch::new(self.source.clone(), start, packed).buffered();
        let reader: Box<dyn Read> = match method {
            CompressionMethod::Stored => Box::new(stretch),
            CompressionMethod::Deflated => Box::new(DeflateDecoder::new(stretch)),
            other => {
                let name = format!("{}/{path}", self.file);
                return wrong(
                    &name,
                    "a file packed by Deflate, as usual",
                    format!("{other}: unpack it first"),
                );
            }
        };
        let sum = crc32fast::Hasher::new();
        Ok(Some((path, size, Box::new(Checked { reader, left: size, sum, said, failed: failed.clone() }))))
    }
}
