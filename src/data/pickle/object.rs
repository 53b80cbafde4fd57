//! What a pickle is made of, and what can be wrong with it.

/// What is wrong with a pickle: what was expected, what was found.
#[derive(Debug)]
pub(in crate::data) struct Corrupt(pub &'static str, pub String);

pub(super) type Result<T> = std::result::Result<T, Corrupt>;

pub(super) fn fail<T>(expected: &'static str, found: impl Into<String>) -> Result<T> {
    Err(Corrupt(expected, found.into()))
}

/// Index of an object.
pub(in crate::data) type Ref = usize;

#[derive(Debug)]
pub(super) enum Object {
    None,
    /// Integers and booleans.
    Int(i64),
    Float(f64),
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
pub(super) enum Global {
    Reconstruct,
    FromBuffer,
    NdArray,
    Dtype,
    Encode,
    Bytes,
    /// A number of numpy.
    Scalar,
    /// A dictionary that keeps its order, as all do today.
    OrderedDict,
}

/// A numpy array; before its state is set, one of no elements.
#[derive(Debug, Clone)]
pub(super) struct Array {
    pub dtype: Option<Ref>,
    pub shape: Vec<usize>,
    /// The first index moves fastest.
    pub fortran: bool,
    pub data: Option<Ref>,
}

/// An object's kind, for messages.
pub(super) fn kind(object: &Object) -> String {
    match object {
        Object::None => "None".into(),
        Object::Int(value) => format!("the integer {value}"),
        Object::Float(value) => format!("the float {value}"),
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
