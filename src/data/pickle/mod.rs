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

mod machine;
mod numpy;
mod object;

use std::io::Read;

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

    /// A list, tuple or one-dimensional integer array of at most so many numbers.
    pub fn integers(&self, at: Ref, most: usize) -> Result<Vec<i64>> {
        match &self.objects[at] {
            Object::List(items) | Object::Tuple(items) if items.len() > most => too_long(most, items.len()),
            Object::Array(Array { shape, .. }) if shape.len() == 1 && shape[0] > most => {
                too_long(most, shape[0])
            }
            Object::List(items) | Object::Tuple(items) => {
                items.iter().map(|&item| self.integer(item)).collect()
            }
            Object::Array(Array { dtype: Some(dtype), shape, data: Some(data) }) if shape.len() == 1 => {
                let Object::Bytes(bytes) = &self.objects[*data] else {
                    return fail("an array of its own bytes", "bytes that are used twice");
                };
                numpy::integers(&self.objects[*dtype], bytes, shape[0])
            }
            other => fail("a list of integers", kind(other)),
        }
    }

    fn integer(&self, at: Ref) -> Result<i64> {
        match &self.objects[at] {
            Object::Int(value) => Ok(*value),
            other => fail("a list of integers", format!("{} in it", kind(other))),
        }
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

    /// Shape and bytes of an array of unsigned bytes in C order. The bytes move out.
    pub fn take_bytes(&mut self, at: Ref) -> Result<(Vec<usize>, Vec<u8>)> {
        let array = match &self.objects[at] {
            Object::Array(array) => array.clone(),
            other => return fail("a numpy array", kind(other)),
        };
        let (Some(dtype), Some(data)) = (array.dtype, array.data) else {
            return fail("a numpy array", "one without content");
        };
        match &self.objects[dtype] {
            Object::Dtype(name, _) if name == b"u1" => {}
            Object::Dtype(name, _) => {
                return fail("an array of uint8", format!("one of {}", name.escape_ascii()));
            }
            other => return fail("a numpy dtype", kind(other)),
        }
        let Object::Bytes(bytes) = &mut self.objects[data] else {
            return fail("an array of its own bytes", kind(&self.objects[data]));
        };
        let bytes = std::mem::take(bytes);
        let elements = array.shape.iter().try_fold(1usize, |product, &side| product.checked_mul(side));
        if elements != Some(bytes.len()) {
            return fail(
                "an array as large as its shape",
                format!("{:?} with {} bytes", array.shape, bytes.len()),
            );
        }
        Ok((array.shape, bytes))
    }
}

fn too_long<T>(most: usize, found: usize) -> Result<T> {
    fail("a list of labels", format!("one of {found}, more than {most}"))
}
