//! Thrift's compact protocol, as far as the footers and page headers of Parquet need it: a value is read with all that is in
//! it, and asked for its fields by their numbers.
//!
//! Source: Apache Thrift, "Thrift Compact protocol encoding".

/// Values in one structure, those inside of values too.
const MOST_VALUES: u32 = 2_000_000;
/// How deep values may lie in each other.
const DEEPEST: u32 = 16;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Bool(bool),
    Int(i64),
    Bytes(Vec<u8>),
    List(Vec<Value>),
    Struct(Vec<(i16, Value)>),
    /// Read over.
    Other,
}

impl Value {
    /// A field of a structure.
    pub fn field(&self, number: i16) -> Option<&Value> {
        match self {
            Self::Struct(fields) => fields.iter().find(|(field, _)| *field == number).map(|(_, value)| value),
            _ => None,
        }
    }

    pub fn int(&self, number: i16) -> Option<i64> {
        match self.field(number) {
            Some(Self::Int(value)) => Some(*value),
            _ => None,
        }
    }

    pub fn list(&self, number: i16) -> &[Value] {
        match self.field(number) {
            Some(Self::List(items)) => items,
            _ => &[],
        }
    }

    pub fn text(&self, number: i16) -> Option<&str> {
        match self.field(number) {
            Some(value) => value.as_text(),
            None => None,
        }
    }

    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Bytes(bytes) => std::str::from_utf8(bytes).ok(),
            _ => None,
        }
    }
}

/// Reads a structure from the start of `bytes`, and tells how many it took; `None` where it is none.
pub(super) fn structure(bytes: &[u8]) -> Option<(Value, usize)> {
    let mut input = Input { bytes, at: 0, left: MOST_VALUES };
    let value = input.structure(0)?;
    Some((value, input.at))
}

struct Input<'a> {
    bytes: &'a [u8],
    at: usize,
    left: u32,
}

impl Input<'_> {
    fn byte(&mut self) -> Option<u8> {
        let byte = *self.bytes.get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    fn zigzag(&mut self) -> Option<i64> {
        let value = self.varint()?;
        Some((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    fn structure(&mut self, depth: u32) -> Option<Value> {
        let mut fields = Vec::new();
        let mut number = 0i16;
        loop {
            let head = self.byte()?;
            if head == 0 {
                return Some(Value::Struct(fields));
            }
            number = match head >> 4 {
                0 => i16::try_from(self.zigzag()?).ok()?,
                delta => number.checked_add(i16::from(delta))?,
            };
            let value = match head & 15 {
                1 => Value::Bool(true),
                2 => Value::Bool(false),
                kind => self.value(kind, depth + 1)?,
            };
            fields.push((number, value));
        }
    }

    fn value(&mut self, kind: u8, depth: u32) -> Option<Value> {
        self.left = self.left.checked_sub(1)?;
        if depth > DEEPEST {
            return None;
        }
        match kind {
            1 | 2 => Some(Value::Bool(self.byte()? == 1)),
            3 => Some(Value::Int(i64::from(self.byte()? as i8))),
            4..=6 => self.zigzag().map(Value::Int),
            7 => {
                self.at = self.at.checked_add(8).filter(|&at| at <= self.bytes.len())?;
                Some(Value::Other)
            }
            8 => {
                let len = usize::try_from(self.varint()?).ok()?;
                let bytes = self.bytes.get(self.at..self.at.checked_add(len)?)?;
                self.at += len;
                Some(Value::Bytes(bytes.to_vec()))
            }
            9 | 10 => {
                let head = self.byte()?;
                let len = if head >> 4 == 15 { self.varint()? } else { u64::from(head >> 4) };
                let mut items = Vec::new();
                for _ in 0..len {
                    items.push(self.value(head & 15, depth + 1)?);
                }
                Some(Value::List(items))
            }
            11 => {
                let len = self.varint()?;
                let kinds = if len > 0 { self.byte()? } else { 0 };
                for _ in 0..len {
                    self.value(kinds >> 4, depth + 1)?;
                    self.value(kinds & 15, depth + 1)?;
                }
                Some(Value::Other)
            }
            12 => self.structure(depth),
            _ => None,
        }
    }
}
