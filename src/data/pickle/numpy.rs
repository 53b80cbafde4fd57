//! The classes and functions of numpy by which an array is written, and what they make.

use super::machine::Machine;
use super::object::{Array, Global, Object, Ref, Result, fail, kind};

/// A text of at most this size is copied when it is encoded to bytes, since CPython shares small strings
/// between objects; a longer one is moved.
const SHARED_TEXT: usize = 64;

/// The integers of a one-dimensional array.
pub(super) fn integers(dtype: &Object, bytes: &[u8], len: usize) -> Result<Vec<i64>> {
    let (width, signed) = match dtype {
        Object::Dtype(name, order) if *order != b'>' => match name.as_slice() {
            [sign @ (b'i' | b'u'), width @ (b'1' | b'2' | b'4' | b'8')] => {
                (usize::from(width - b'0'), *sign == b'i')
            }
            _ => return fail("an array of integers", format!("one of {}", name.escape_ascii())),
        },
        Object::Dtype(..) => return fail("an array in little-endian order", "a big-endian one"),
        other => return fail("a numpy dtype", kind(other)),
    };
    if len.checked_mul(width) != Some(bytes.len()) {
        return fail("an array as large as its shape", format!("{len} elements in {} bytes", bytes.len()));
    }
    let value = |element: &[u8]| {
        let negative = signed && element[width - 1] >= 0x80;
        let mut wide = [if negative { 0xff } else { 0 }; 8];
        wide[..width].copy_from_slice(element);
        i64::from_le_bytes(wide)
    };
    Ok(bytes.chunks_exact(width).map(value).collect())
}

impl Machine<'_> {
    pub(super) fn global(&mut self, module: &[u8], name: &[u8]) -> Result<()> {
        let global = match (module, name) {
            (b"numpy.core.multiarray" | b"numpy._core.multiarray", b"_reconstruct") => Global::Reconstruct,
            (b"numpy.core.numeric" | b"numpy._core.numeric", b"_frombuffer") => Global::FromBuffer,
            (b"numpy", b"ndarray") => Global::NdArray,
            (b"numpy", b"dtype") => Global::Dtype,
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
                Object::Array(Array { dtype: None, shape: Vec::new(), data: None })
            }
            (Global::FromBuffer, [data, dtype, shape, order]) => {
                match &self.objects[*order] {
                    Object::Text(order) | Object::Bytes(order) if order == b"C" => {}
                    other => return fail("an array in C order", kind(other)),
                }
                let shape = self.shape(*shape)?;
                Object::Array(Array { dtype: Some(*dtype), shape, data: Some(*data) })
            }
            (Global::Dtype, [name, ..]) => match &self.objects[*name] {
                Object::Text(name) | Object::Bytes(name) if name.len() <= 16 => {
                    Object::Dtype(name.clone(), b'|')
                }
                other => return fail("the name of a dtype", kind(other)),
            },
            (Global::Encode, [text, ..]) => Object::Bytes(self.encode(*text)?),
            (Global::Bytes, []) => Object::Bytes(Vec::new()),
            _ => return fail("a call of numpy", format!("{function:?} with {} arguments", arguments.len())),
        };
        self.push(object)
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
                if !matches!(self.objects[fortran], Object::Int(0)) {
                    return fail("an array in C order", "one in Fortran order");
                }
                let shape = self.shape(shape)?;
                self.objects[top] = Object::Array(Array { dtype: Some(dtype), shape, data: Some(data) });
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
