//! Reads the part of Python's pickle format that CIFAR batches use, and nothing else.
//!
//! A pickle is a program for a small stack machine. This one knows the opcodes that Python 2 and 3 write for
//! dictionaries, lists, tuples, integers, strings and numpy arrays at protocols 2 to 5; it calls nothing, and
//! any other opcode or class is an error. The crate serde-pickle does not serve: it drops the arguments of
//! classes that it does not know, which is where protocol 5 keeps an array, copies what is memoised (a batch
//! of 153 MB would be held twice), and brings big integers into the wasm module.
//!
//! Objects live in one flat list and refer to each other by index, so cyclic or deeply nested input can
//! neither leak nor overflow the stack. Steps, and bytes to read, are limited.
//!
//! Source: CPython's Lib/pickletools.py, numpy's `ndarray.__reduce_ex__`.

mod lines;
mod machine;
mod numpy;
mod object;

use std::io::Read;

use super::arrays::{self, Dtype};
use object::{Array, Object, Result, fail, kind};

pub(super) use object::{Corrupt, Ref};

/// Bytes of a pickle. CIFAR-100's training batch has 155 MB, 250 MB where Python 3 wrote it at protocol 2.
const MAX_BYTES: u64 = 384 << 20;
/// A pickle that was read.
#[derive(Debug)]
pub(super) struct Pickle {
    objects: Vec<Object>,
    root: Ref,
}

impl Pickle {
    /// Reads one pickle, up to its STOP. `size` is that of the file where it is known: no string can be
    /// longer than what is left of it.
    pub fn read(reader: &mut dyn Read, size: Option<u64>) -> Result<Self> {
        let left = size.unwrap_or(MAX_BYTES);
        if left > MAX_BYTES {
            return fail("a pickle of at most 384 MB", format!("one of {left} bytes"));
        }
        let mut machine = machine::Machine::new(reader, left);
        let root = machine.run()?;
        Ok(Self { objects: machine.objects, root })
    }

    /// The value of a key of the dictionary that the pickle holds; keys are texts or byte strings.
    pub fn get(&self, key: &str) -> Result<Option<Ref>> {
        let Object::Dict(items) = &self.objects[self.root] else {
            return fail("a pickled dictionary", kind(&self.objects[self.root]));
        };
        let is_key = |object: &Object| match object {
            Object::Bytes(name) | Object::Text(name) => name == key.as_bytes(),
            _ => false,
        };
        Ok(items.iter().rev().find(|(name, _)| is_key(&self.objects[*name])).map(|&(_, value)| value))
    }

    /// Whatever the pickle holds, by its keys or by its places: what of it may be images or labels.
    pub fn parts(&self) -> Vec<(String, Ref)> {
        match &self.objects[self.root] {
            Object::Dict(items) => {
                let name = |at: Ref| match &self.objects[at] {
                    Object::Bytes(name) | Object::Text(name) => String::from_utf8_lossy(name).into_owned(),
                    _ => String::new(),
                };
                items.iter().map(|&(key, value)| (name(key), value)).collect()
            }
            Object::Tuple(items) | Object::List(items) if items.len() <= 8 => {
                // ((x, y), (x, y)), as Keras returns them.
                let inner = |at: Ref| match &self.objects[at] {
                    Object::Tuple(inner) if inner.len() == 2 => Some([inner[0], inner[1]]),
                    _ => None,
                };
                let pairs: Option<Vec<[Ref; 2]>> = items.iter().map(|&item| inner(item)).collect();
                match pairs.as_deref() {
                    Some([train, test]) => {
                        let named = |part: &str, at: Ref| (part.to_owned(), at);
                        [("train", train), ("test", test)]
                            .into_iter()
                            .flat_map(|(part, [x, y])| [named(part, *x), named(part, *y)])
                            .collect()
                    }
                    _ => items.iter().map(|&item| (String::new(), item)).collect(),
                }
            }
            _ => vec![(String::new(), self.root)],
        }
    }

    /// What the pickle holds, for messages.
    pub fn describe(&self) -> String {
        kind(&self.objects[self.root])
    }

    /// Numbers: a list or a tuple of at most so many, or an array of any shape, whose bytes move out. `None` for what else
    /// there may be.
    ///
    /// # Errors
    /// Where an array is none.
    pub fn numbers(&mut self, at: Ref, most: usize) -> Result<Option<arrays::Array>> {
        match &self.objects[at] {
            Object::List(items) | Object::Tuple(items) if items.len() > most => {
                fail("a list of labels", format!("one of {}, more than {most}", items.len()))
            }
            Object::List(items) | Object::Tuple(items) => {
                let value = |&item: &Ref| match &self.objects[item] {
                    Object::Int(value) => Some(*value as f64),
                    Object::Float(value) => Some(*value),
                    // A list of columns of one.
                    Object::List(inner) if inner.len() == 1 => match &self.objects[inner[0]] {
                        Object::Int(value) => Some(*value as f64),
                        _ => None,
                    },
                    _ => None,
                };
                let values: Option<Vec<f64>> = items.iter().map(value).collect();
                let dtype = Dtype::new(b"f8", false).expect("numpy knows it");
                Ok(values.map(|values| arrays::Array {
                    dtype,
                    shape: vec![values.len()],
                    fortran: false,
                    bytes: values.iter().flat_map(|value| value.to_le_bytes()).collect(),
                }))
            }
            Object::Array(array) => {
                let array = array.clone();
                self.take(array).map(Some)
            }
            _ => Ok(None),
        }
    }

    fn take(&mut self, array: Array) -> Result<arrays::Array> {
        let (Some(dtype), Some(data)) = (array.dtype, array.data) else {
            return fail("a numpy array", "one without content");
        };
        let dtype = match &self.objects[dtype] {
            Object::Dtype(name, order) => match Dtype::new(name, *order == b'>') {
                Some(dtype) => dtype,
                None => return fail("an array of numbers", format!("one of {}", name.escape_ascii())),
            },
            other => return fail("a numpy dtype", kind(other)),
        };
        let Object::Bytes(bytes) = &mut self.objects[data] else {
            return fail("an array of its own bytes", kind(&self.objects[data]));
        };
        let bytes = std::mem::take(bytes);
        if arrays::byte_count(dtype, &array.shape) != Some(bytes.len() as u64) {
            let found = format!("{:?} with {} bytes", array.shape, bytes.len());
            return fail("an array as large as its shape", found);
        }
        Ok(arrays::Array { dtype, shape: array.shape, fortran: array.fortran, bytes })
    }

    /// A list of texts or byte strings, as UTF-8.
    pub fn texts(&self, at: Ref) -> Result<Vec<String>> {
        let (Object::List(items) | Object::Tuple(items)) = &self.objects[at] else {
            return fail("a list of names", kind(&self.objects[at]));
        };
        let text = |&item: &Ref| match &self.objects[item] {
            Object::Bytes(text) | Object::Text(text) => Ok(String::from_utf8_lossy(text).into_owned()),
            other => fail("a list of names", format!("{} in it", kind(other))),
        };
        items.iter().map(text).collect()
    }
}
