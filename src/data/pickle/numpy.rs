//! The classes and functions of numpy by which an array is written, and what they make.

use super::machine::Machine;
use super::object::{Array, Global, Object, Ref, Result, fail, kind};
use crate::data::arrays::Dtype;

/// A text of at most this size is copied when it is encoded to bytes, since CPython shares small strings
/// between objects; a longer one is moved.
const SHARED_TEXT: usize = 64;

impl Machine<'_> {
    pub(super) fn global(&mut self, module: &[u8], name: &[u8]) -> Result<()> {
        let global = match (module, name) {
            (b"numpy.core.multiarray" | b"numpy._core.multiarray", b"_reconstruct") => Global::Reconstruct,
            (b"numpy.core.numeric" | b"numpy._core.numeric", b"_frombuffer") => Global::FromBuffer,
            (b"numpy", b"ndarray") => Global::NdArray,
            (b"numpy", b"dtype") => Global::Dtype,
            (b"numpy.core.multiarray" | b"numpy._core.multiarray", b"scalar") => Global::Scalar,
            (b"collections", b"OrderedDict") => Global::OrderedDict,
            (b"_codecs", b"encode") => Global::Encode,
            (b"__builtin__" | b"builtins", b"bytes") => Global::Bytes,
            _ => {
                let found = format!("an object of {}.{}", module.escape_ascii(), name.escape_ascii());
                return fail("dictionaries, lists and numpy arrays", found);
            }
        };
        self.push(Object::Global(global))
    }

    /// Calls a function with a tuple of arguments.
    pub(super) fn reduce(&mut self) -> Result<()> {
        let call = self.pop_many(2)?;
        let (function, arguments) = match (&self.objects[call[0]], &self.objects[call[1]]) {
            (Object::Global(function), Object::Tuple(arguments)) if arguments.len() <= 8 => {
                (*function, arguments.clone())
            }
            (function, arguments) => {
                return fail("a call of numpy", format!("{} with {}", kind(function), kind(arguments)));
            }
        };
        let object = match (function, arguments.as_slice()) {
            (Global::Reconstruct, [class, ..]) if self.is_ndarray(*class) => {
                Object::Array(Array { dtype: None, shape: Vec::new(), fortran: false, data: None })
            }
            (Global::FromBuffer, [data, dtype, shape, order]) => {
                let fortran = match &self.objects[*order] {
                    Object::Text(order) | Object::Bytes(order) if order == b"C" || order == b"F" => {
                        order == b"F"
                    }
                    other => return fail("an array in C or Fortran order", kind(other)),
                };
                let shape = self.shape(*shape)?;
                Object::Array(Array { dtype: Some(*dtype), shape, fortran, data: Some(*data) })
            }
            (Global::Dtype, [name, ..]) => match &self.objects[*name] {
                Object::Text(name) | Object::Bytes(name) if name.len() <= 16 => {
                    Object::Dtype(name.clone(), b'|')
                }
                other => return fail("the name of a dtype", kind(other)),
            },
            (Global::Encode, [text, ..]) => Object::Bytes(self.encode(*text)?),
            (Global::Bytes, []) => Object::Bytes(Vec::new()),
            (Global::OrderedDict, []) => Object::Dict(Vec::new()),
            (Global::OrderedDict, [pairs]) => self.ordered(*pairs)?,
            (Global::Scalar, [dtype, data]) => self.scalar(*dtype, *data)?,
            _ => return fail("a call of numpy", format!("{function:?} with {} arguments", arguments.len())),
        };
        self.push(object)
    }

    /// A dictionary of a list of pairs.
    fn ordered(&self, pairs: Ref) -> Result<Object> {
        let (Object::List(pairs) | Object::Tuple(pairs)) = &self.objects[pairs] else {
            return fail("pairs of keys and values", kind(&self.objects[pairs]));
        };
        let pair = |&pair: &Ref| match &self.objects[pair] {
            Object::List(pair) | Object::Tuple(pair) if pair.len() == 2 => Ok((pair[0], pair[1])),
            other => fail("pairs of keys and values", kind(other)),
        };
        Ok(Object::Dict(pairs.iter().map(pair).collect::<Result<_>>()?))
    }

    /// A number of numpy's.
    fn scalar(&self, dtype: Ref, data: Ref) -> Result<Object> {
        match (&self.objects[dtype], &self.objects[data]) {
            (Object::Dtype(name, order), Object::Bytes(bytes)) => {
                match Dtype::new(name, *order == b'>').filter(|dtype| dtype.width == bytes.len()) {
                    Some(dtype) if dtype.kind == b'f' => Ok(Object::Float(dtype.value(bytes))),
                    Some(dtype) => Ok(Object::Int(dtype.value(bytes) as i64)),
                    None => fail("a number", format!("one of {}", name.escape_ascii())),
                }
            }
            (dtype, data) => fail("a number of numpy", format!("{}, {}", kind(dtype), kind(data))),
        }
    }

    fn is_ndarray(&self, class: Ref) -> bool {
        matches!(self.objects[class], Object::Global(Global::NdArray))
    }

    /// `text.encode("latin1")`: how Python 3 writes bytes at protocol 2.
    fn encode(&mut self, text: Ref) -> Result<Vec<u8>> {
        let mut bytes = match &mut self.objects[text] {
            Object::Text(text) if text.len() <= SHARED_TEXT => text.clone(),
            Object::Text(text) => std::mem::take(text),
            other => return fail("a text to encode", kind(other)),
        };
        // Latin-1 is the first 256 characters: one byte, or 0xc2 or 0xc3 and a byte.
        let (mut read, mut written) = (0, 0);
        while read < bytes.len() {
            let byte = match (bytes[read], bytes.get(read + 1)) {
                (byte @ ..0x80, _) => byte,
                (lead @ 0xc2..=0xc3, Some(&next @ 0x80..0xc0)) => {
                    read += 1;
                    (lead << 6) | (next & 0x3f)
                }
                (byte, _) => return fail("a text in Latin-1", format!("byte 0x{byte:02x} in it")),
            };
            bytes[written] = byte;
            read += 1;
            written += 1;
        }
        bytes.truncate(written);
        Ok(bytes)
    }

    /// Sets the state of an array or a dtype.
    pub(super) fn build(&mut self) -> Result<()> {
        let state = self.pop()?;
        let top = self.top()?;
        let Object::Tuple(state) = &self.objects[state] else {
            return fail("the state of an array", kind(&self.objects[state]));
        };
        match (&self.objects[top], state.as_slice()) {
            (Object::Dtype(name, _), [_, order, ..]) => {
                let order = match &self.objects[*order] {
                    Object::Text(order) | Object::Bytes(order) if order.len() == 1 => order[0],
                    other => return fail("the byte order of a dtype", kind(other)),
                };
                self.objects[top] = Object::Dtype(name.clone(), order);
            }
            (Object::Array(_), &[_, shape, dtype, fortran, data]) => {
                let fortran = !matches!(self.objects[fortran], Object::Int(0));
                let shape = self.shape(shape)?;
                self.objects[top] =
                    Object::Array(Array { dtype: Some(dtype), shape, fortran, data: Some(data) });
            }
            (object, state) => {
                return fail("the state of an array", format!("{} parts for {}", state.len(), kind(object)));
            }
        }
        Ok(())
    }

    fn shape(&self, at: Ref) -> Result<Vec<usize>> {
        let Object::Tuple(sides) = &self.objects[at] else {
            return fail("the shape of an array", kind(&self.objects[at]));
        };
        let side = |&side: &Ref| match self.objects[side] {
            Object::Int(side @ 0..=0x7fff_ffff) => Ok(side as usize),
            ref other => fail("the shape of an array", format!("{} in it", kind(other))),
        };
        if sides.len() > 4 {
            fail("at most 4 dimensions", sides.len().to_string())
        } else {
            sides.iter().map(side).collect()
        }
    }
}
