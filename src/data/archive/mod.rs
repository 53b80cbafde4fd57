//! What was dropped, file by file, those inside of archives too.

pub(super) mod gzip;
pub(super) mod tar;
mod zip;

use std::cell::RefCell;
use std::io::{self, Read};
use std::rc::Rc;

use super::input::{fill, unreadable, wrong};
use super::recognise::{Content, HEAD, is_passed_over, picture_by_name};
use super::source::{Input, Stretch};
use crate::{Error, Result};
use gzip::Gunzip;

/// A file compressed more often than this is no longer unpacked.
const MOST_LAYERS: usize = 3;

/// A file, dropped or in an archive.
#[derive(Debug, Clone)]
pub(super) struct Leaf {
    /// From the dropped folder, or the archive's root, on.
    pub path: String,
    /// How errors name it: with its archive.
    pub name: String,
    /// Unpacked, where that is known.
    pub size: Option<u64>,
    /// Which of the inputs it is or lies in.
    pub input: usize,
    /// Whether it is the input itself, as it is.
    pub plain: bool,
}

/// Bytes of which the first were looked at.
struct Peeked {
    head: Vec<u8>,
    at: usize,
    rest: Box<dyn Read>,
}

impl Peeked {
    fn new(mut rest: Box<dyn Read>) -> io::Result<Self> {
        let mut head = vec![0; HEAD];
        let read = fill(&mut rest, &mut head)?;
        head.truncate(read);
        Ok(Self { head, at: 0, rest })
    }
}

impl Read for Peeked {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at == self.head.len() {
            return self.rest.read(buffer);
        }
        let len = buffer.len().min(self.head.len() - self.at);
        buffer[..len].copy_from_slice(&self.head[self.at..self.at + len]);
        self.at += len;
        Ok(len)
    }
}

enum Opened {
    Nothing,
    Tar(tar::Tar<Peeked>),
    Zip(zip::Zip),
}

/// Goes through the inputs, once.
pub(super) struct Walk {
    inputs: Rc<[Input]>,
    /// The input that comes next, and the one that is open.
    next: usize,
    opened: Opened,
    /// The current leaf, where it is no member of a tar archive.
    leaf: Option<Peeked>,
    /// The same before it is looked at.
    closed: Option<Box<dyn Read>>,
    /// Why unpacking failed, which the reader of a format would hide.
    failed: Rc<RefCell<Option<String>>>,
}

impl Walk {
    pub fn new(inputs: Rc<[Input]>) -> Self {
        let failed = Rc::new(RefCell::new(None));
        Self { inputs, next: 0, opened: Opened::Nothing, leaf: None, closed: None, failed }
    }

    /// The next file that is not passed over.
    ///
    /// # Errors
    /// [`Error::Data`] of an archive that is damaged; the next call goes on with the next input.
    pub fn next(&mut self) -> Result<Option<Leaf>> {
        loop {
            let leaf = self.step();
            match leaf {
                Ok(Some(leaf)) if is_passed_over(&leaf.path) => {}
                Err(error) => {
                    self.opened = Opened::Nothing;
                    return Err(self.blame(error));
                }
                leaf => return leaf,
            }
        }
    }

    fn step(&mut self) -> Result<Option<Leaf>> {
        (self.leaf, self.closed) = (None, None);
        let input = self.next.wrapping_sub(1);
        match &mut self.opened {
            Opened::Nothing => {}
            Opened::Tar(tar) => {
                let archive = &self.inputs[input].path;
                if let Some((path, size)) = tar.next().map_err(|error| unreadable(archive, &error))? {
                    let name = format!("{archive}/{path}");
                    return Ok(Some(Leaf { path, name, size: Some(size), input, plain: false }));
                }
                // To the end, for the checksum.
                tar.finish().map_err(|error| unreadable(archive, &error))?;
            }
            Opened::Zip(zip) => {
                if let Some((path, size, reader)) = zip.next(&self.failed)? {
                    let name = format!("{}/{path}", self.inputs[input].path);
                    if picture_by_name(&path).is_some() {
                        self.closed = Some(reader);
                        return Ok(Some(Leaf { path, name, size: Some(size), input, plain: false }));
                    }
                    let reader = Peeked::new(reader).map_err(|error| unreadable(&name, &error))?;
                    let (reader, size) = self.unpacked(reader, Some(size), &name)?;
                    self.leaf = Some(reader);
                    return Ok(Some(Leaf { path: plain_name(&path), name, size, input, plain: false }));
                }
            }
        }
        self.opened = Opened::Nothing;
        self.input()
    }

    /// Opens the next input.
    fn input(&mut self) -> Result<Option<Leaf>> {
        let Some(Input { path, source, .. }) = self.inputs.get(self.next).cloned() else { return Ok(None) };
        let input = self.next;
        self.next += 1;
        *self.failed.borrow_mut() = None;
        let leaf =
            Leaf { path: path.clone(), name: path.clone(), size: Some(source.size()), input, plain: true };
        // Opening sixty thousand pictures only to see that they are some would take most of the time.
        if picture_by_name(&path).is_some() || is_passed_over(&path) {
            return Ok(Some(leaf));
        }
        let size = source.size();
        let reader = Stretch::new(source.clone(), 0, size).buffered();
        let reader = Peeked::new(Box::new(reader)).map_err(|error| unreadable(&path, &error))?;
        if Content::of(&reader.head, Some(size)) == Content::Zip {
            self.opened = Opened::Zip(zip::Zip::open(&path, source)?);
            return self.step();
        }
        let packed = Content::of(&reader.head, Some(size)) == Content::Gzip;
        let (reader, size) = self.unpacked(reader, Some(size), &path)?;
        match Content::of(&reader.head, size) {
            Content::Tar => {
                self.opened = Opened::Tar(tar::Tar::new(reader));
                self.step()
            }
            content if content == Content::Gzip || packed && content == Content::Zip => {
                wrong(&path, format!("at most {MOST_LAYERS} layers of gzip"), "an archive inside them")
            }
            _ => {
                self.leaf = Some(reader);
                let path = if packed { plain_name(&leaf.path) } else { leaf.path };
                Ok(Some(Leaf { path, size, plain: !packed, ..leaf }))
            }
        }
    }

    /// Takes the layers of gzip off.
    fn unpacked(
        &self,
        mut reader: Peeked,
        mut size: Option<u64>,
        name: &str,
    ) -> Result<(Peeked, Option<u64>)> {
        for _ in 0..MOST_LAYERS {
            if Content::of(&reader.head, size) != Content::Gzip {
                break;
            }
            let gunzip = Gunzip::new(reader, self.failed.clone());
            reader = Peeked::new(Box::new(gunzip)).map_err(|error| unreadable(name, &error))?;
            size = None;
        }
        Ok((reader, size))
    }

    /// Whether going back to the current leaf means to unpack all before it once more.
    pub fn unpacks_all(&self) -> bool {
        matches!(self.opened, Opened::Tar(_))
    }

    /// What the current leaf is, and its first bytes. A picture by its name is looked at here for the first time.
    pub fn content(&mut self, leaf: &Leaf) -> Result<(Content, Vec<u8>)> {
        if self.leaf.is_none() {
            let reader: Box<dyn Read> = match (self.closed.take(), &mut self.opened) {
                (Some(reader), _) => reader,
                (None, Opened::Tar(tar)) => {
                    let mut head = vec![0; HEAD];
                    let read = fill(tar, &mut head).map_err(|error| unreadable(&leaf.name, &error))?;
                    head.truncate(read);
                    // A compressed member.
                    let content = Content::of(&head, leaf.size);
                    tar.unread(&head);
                    return Ok((content, head));
                }
                _ => {
                    let source = self.inputs[leaf.input].source.clone();
                    let size = source.size();
                    Box::new(Stretch::new(source, 0, size).buffered())
                }
            };
            self.leaf = Some(Peeked::new(reader).map_err(|error| unreadable(&leaf.name, &error))?);
        }
        let head = self.leaf.as_ref().map_or_else(Vec::new, |leaf| leaf.head.clone());
        Ok((Content::of(&head, leaf.size), head))
    }

    /// The bytes of the current leaf.
    pub fn reader(&mut self) -> &mut dyn Read {
        match (&mut self.leaf, &mut self.opened) {
            (Some(leaf), _) => leaf,
            (None, Opened::Tar(tar)) => tar,
            _ => unreachable!("a leaf is looked at before it is read"),
        }
    }

    /// An error of what is read from an archive that could not be unpacked is one of the archive.
    pub fn blame(&self, error: Error) -> Error {
        let input = self.next.wrapping_sub(1);
        match (self.failed.borrow_mut().take(), self.inputs.get(input)) {
            (Some(found), Some(Input { path, .. })) => {
                let expected = format!("a whole archive of at most {} GB", gzip::MAX_UNPACKED >> 30);
                Error::Data { file: path.clone(), expected, found }
            }
            _ => error,
        }
    }
}

/// The name of what a compressed file holds.
fn plain_name(path: &str) -> String {
    let lower = path.to_ascii_lowercase();
    let stem = if lower.ends_with(".gz") { &path[..path.len() - 3] } else { path };
    stem.to_owned()
}
