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

use std::io::Read;

/// Bytes of a pickle. CIFAR-100's training batch has 155 MB, 250 MB where Python 3 wrote it at protocol 2.
const MAX_BYTES: u64 = 384 << 20;
/// What is wrong with a pickle: what was expected, what was found.
#[derive(Debug)]
pub(crate) struct Corrupt(pub &'static str, pub String);

type Result<T> = std::result::Result<T, Corrupt>;

fn fail<T>(expected: &'static str, found: impl Into<String>) -> Result<T> {
    Err(Corrupt(expected, found.into()))
}

/// Index of an object.
pub(crate) type Ref = usize;

#[derive(Debug)]
enum Object {
    None,
    /// Integers and booleans.
    Int(i64),
    Float,
    Bytes(Vec<u8>),
    /// UTF-8 as it was read; not validated unless it is used.
    Text(Vec<u8>),
    Tuple(Vec<Ref>),
    List(Vec<Ref>),
    Dict(Vec<(Ref, Ref)>),
    Global(Global),
    /// numpy's name of an element type, as `u1`, and its byte order.
    Dtype(Vec<u8>, u8),
    Array(Array),
}

/// The classes and functions that an array is written with.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Global {
    Reconstruct,
    FromBuffer,
    NdArray,
    Dtype,
    Encode,
    Bytes,
}

/// A numpy array; before its state is set, one of no elements.
#[derive(Debug, Clone)]
struct Array {
    dtype: Option<Ref>,
    shape: Vec<usize>,
    data: Option<Ref>,
}

/// A pickle that was read.
#[derive(Debug)]
pub(crate) struct Pickle {
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

    /// A list, tuple or one-dimensional integer array of numbers.
    pub fn integers(&self, at: Ref) -> Result<Vec<i64>> {
        match &self.objects[at] {
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

/// An object's kind, for messages.
fn kind(object: &Object) -> String {
    match object {
        Object::None => "None".into(),
        Object::Int(value) => format!("the integer {value}"),
        Object::Float => "a float".into(),
        Object::Bytes(bytes) => format!("a string of {} bytes", bytes.len()),
        Object::Text(text) => format!("a text of {} bytes", text.len()),
        Object::Tuple(items) => format!("a tuple of {}", items.len()),
        Object::List(items) => format!("a list of {}", items.len()),
        Object::Dict(items) => format!("a dictionary of {}", items.len()),
        Object::Global(_) => "a class".into(),
        Object::Dtype(..) => "a dtype".into(),
        Object::Array(array) => format!("an array of shape {:?}", array.shape),
    }
}
