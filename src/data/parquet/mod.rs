//! Tables of pictures and labels in Parquet, as Hugging Face publishes them.
//!
//! The subset that such tables use: columns without lists, plain values or a dictionary, pages of both versions, packed by
//! Snappy, gzip or not at all. The crate parquet reads everything and is larger than the engine.
//!
//! Source: apache/parquet-format, README, Encodings.md and parquet.thrift.

mod pages;
mod snappy;
mod thrift;

use std::rc::Rc;

use super::input::wrong;
use super::source::Source;
use crate::Result;
use pages::Chunk;
use thrift::Value;

pub(super) use pages::{Cell, Column};

/// Bytes of a footer. That of 60,000 rows in groups of a hundred has 1 MB.
const MAX_FOOTER: u64 = 16 << 20;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Bool,
    Int32,
    Int64,
    Bytes,
}

/// A column that can be read.
pub(super) struct About {
    /// With those that it lies in, and dots between.
    pub path: String,
    pub kind: Kind,
    /// How many of its path may be missing.
    optional: u32,
    chunks: Vec<Chunk>,
}

pub(super) struct Table {
    file: String,
    source: Rc<dyn Source>,
    pub rows: usize,
    pub columns: Vec<About>,
    /// Names of classes, by the column of their numbers.
    pub classes: Vec<(String, Vec<String>)>,
}

impl Table {
    /// Reads the footer of a file.
    ///
    /// # Errors
    /// [`crate::Error::Data`] where it has none.
    pub fn open(file: &str, source: Rc<dyn Source>) -> Result<Self> {
        let broken = |found: &str| wrong(file, "a whole Parquet file", found);
        let size = source.size();
        let mut end = [0; 8];
        if size < 12 || read_all(&*source, size - 8, &mut end).is_none() || &end[4..] != b"PAR1" {
            return broken("no footer at its end");
        }
        let length = u64::from(u32::from_le_bytes(end[..4].try_into().expect("four bytes")));
        if length > MAX_FOOTER.min(size - 12) {
            return broken("a footer larger than the file or than 16 MB");
        }
        let mut footer = vec![0; length as usize];
        if read_all(&*source, size - 8 - length, &mut footer).is_none() {
            return broken("its end in the middle");
        }
        let Some((about, _)) = thrift::structure(&footer) else { return broken("a damaged footer") };
        let rows = usize::try_from(about.int(3).unwrap_or(-1)).unwrap_or(usize::MAX);
        let mut columns = columns(about.list(2));
        for group in about.list(4) {
            for chunk in group.list(1) {
                let Some(meta) = chunk.field(3) else { continue };
                let path: Vec<&str> = meta.list(3).iter().filter_map(Value::as_text).collect();
                let path = path.join(".");
                if let Some(column) = columns.iter_mut().find(|column| column.path == path) {
                    column.chunks.extend(Chunk::of(meta));
                }
            }
        }
        let classes = about.list(5).iter().find(|pair| pair.text(1) == Some("huggingface"));
        let classes = classes.and_then(|pair| pair.text(2)).map_or_else(Vec::new, class_names);
        Ok(Self { file: file.into(), source, rows, columns, classes })
    }

    /// The values of a column, from the first row on.
    pub fn column(&self, about: &About) -> Column {
        Column::new(&self.file, self.source.clone(), about.kind, about.optional, about.chunks.clone())
    }
}

/// Fills the buffer from a place; `None` where there is less.
fn read_all(source: &dyn Source, mut at: u64, buffer: &mut [u8]) -> Option<()> {
    let mut filled = 0;
    while filled < buffer.len() {
        let read = source.read_at(at, &mut buffer[filled..]).ok().filter(|&read| read > 0)?;
        filled += read;
        at += read as u64;
    }
    Some(())
}

/// The columns of a schema that are no lists and of a type that is read: elements in the order of the tree, parents first.
fn columns(schema: &[Value]) -> Vec<About> {
    let mut found = Vec::new();
    // Names, optional ones, lists among them, and children still to come of those that are open.
    let mut open: Vec<(String, u32, bool, i64)> = Vec::new();
    for (index, element) in schema.iter().enumerate() {
        let name = element.text(4).unwrap_or("").to_owned();
        let (above, optional, listed) = match open.last_mut() {
            Some((path, optional, listed, left)) => {
                *left -= 1;
                (path.clone(), *optional, *listed)
            }
            None => (String::new(), 0, false),
        };
        let repetition = element.int(3).unwrap_or(0);
        let optional = optional + u32::from(index > 0 && repetition == 1);
        let listed = listed || repetition == 2;
        let path = match (index, above.is_empty()) {
            (0, _) => String::new(),
            (_, true) => name,
            _ => format!("{above}.{name}"),
        };
        match element.int(5).filter(|&children| children > 0) {
            Some(children) => open.push((path, optional, listed, children)),
            None => {
                let kind = match element.int(1) {
                    Some(0) => Some(Kind::Bool),
                    Some(1) => Some(Kind::Int32),
                    Some(2) => Some(Kind::Int64),
                    Some(6) => Some(Kind::Bytes),
                    _ => None,
                };
                if let Some(kind) = kind.filter(|_| !listed) {
                    found.push(About { path, kind, optional, chunks: Vec::new() });
                }
            }
        }
        while open.last().is_some_and(|(.., left)| *left <= 0) {
            open.pop();
        }
    }
    found
}

/// `{"info": {"features": {"label": {"names": [...], "_type": "ClassLabel"}}}}`
fn class_names(text: &str) -> Vec<(String, Vec<String>)> {
    let Ok(json) = serde_json::from_str::<serde_json::Value>(text) else { return Vec::new() };
    let Some(features) = json["info"]["features"].as_object() else { return Vec::new() };
    let names = |feature: &serde_json::Value| {
        let names = feature["names"].as_array()?;
        names.iter().map(|name| name.as_str().map(String::from)).collect::<Option<Vec<String>>>()
    };
    features.iter().filter_map(|(column, feature)| Some((column.clone(), names(feature)?))).collect()
}
