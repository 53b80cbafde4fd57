//! The stack machine.

use std::collections::{HashMap, TryReserveError};
use std::io::{BufReader, Read};

use super::lines;
use super::object::{Corrupt, Object, Ref, Result, fail, kind};
use crate::data::input::{describe_io, fill};

/// Opcodes that a pickle may have. CIFAR-100's training batch has about 250,000.
const MAX_STEPS: u32 = 1_000_000;

/// What a program takes grows with its steps: a hundred megabytes at most, which must not end the engine.
fn no_room(_: TryReserveError) -> Corrupt {
    Corrupt("memory for a batch", "too little".into())
}

/// Bytes of the file, counted down.
struct Input<'r> {
    reader: BufReader<&'r mut dyn Read>,
    left: u64,
}

impl Input<'_> {
    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut bytes = [0; N];
        match self.reader.read_exact(&mut bytes) {
            Ok(()) => {
                self.left = self.left.saturating_sub(N as u64);
                Ok(bytes)
            }
            Err(error) => fail("a whole pickle", describe_io(&error)),
        }
    }

    fn byte(&mut self) -> Result<u8> {
        Ok(self.array::<1>()?[0])
    }

    fn u32(&mut self) -> Result<u32> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    /// A string whose length is known: memory for it is taken at once, so that it is not doubled.
    fn string(&mut self, len: u64) -> Result<Vec<u8>> {
        if len > self.left {
            return fail("a whole pickle", format!("a string of {len} bytes where {} are left", self.left));
        }
        let mut bytes = Vec::new();
        if bytes.try_reserve_exact(len as usize).is_err() {
            return fail("memory for a batch", format!("none for its {len} bytes"));
        }
        bytes.resize(len as usize, 0);
        match fill(&mut self.reader, &mut bytes) {
            Ok(read) if read == bytes.len() => {
                self.left -= len;
                Ok(bytes)
            }
            Ok(read) => fail("a whole pickle", format!("its end {read} bytes into a string of {len}")),
            Err(error) => fail("a whole pickle", describe_io(&error)),
        }
    }

    /// A text that ends with a newline, of at most so many bytes.
    fn line_of(&mut self, most: u64) -> Result<Vec<u8>> {
        let mut line = Vec::new();
        loop {
            match self.byte()? {
                b'\n' => return Ok(line),
                _ if line.len() as u64 >= most => {
                    return fail("a line of a pickle", format!("one of more than {most} bytes"));
                }
                byte => {
                    line.try_reserve(1).map_err(no_room)?;
                    line.push(byte);
                }
            }
        }
    }

    /// A name or a number.
    fn line(&mut self) -> Result<Vec<u8>> {
        self.line_of(256)
    }

    /// A whole number.
    fn decimal(&mut self) -> Result<i64> {
        let line = self.line()?;
        let text = String::from_utf8_lossy(&line);
        match text.trim_end_matches('L').parse() {
            Ok(value) => Ok(value),
            Err(_) => fail("a number of at most 64 bits", text.into_owned()),
        }
    }
}

pub(super) struct Machine<'r> {
    input: Input<'r>,
    pub objects: Vec<Object>,
    stack: Vec<Ref>,
    /// Heights of the stack at its marks.
    marks: Vec<usize>,
    memo: HashMap<u32, Ref>,
}

impl<'r> Machine<'r> {
    /// A machine about to read a program of at most `left` bytes.
    pub fn new(reader: &'r mut dyn Read, left: u64) -> Self {
        let input = Input { reader: BufReader::new(reader), left };
        Self { input, objects: Vec::new(), stack: Vec::new(), marks: Vec::new(), memo: HashMap::new() }
    }

    /// Runs the program; the object on top of the stack at its STOP.
    pub fn run(&mut self) -> Result<Ref> {
        for _ in 0..MAX_STEPS {
            let opcode = self.input.byte()?;
            if opcode == b'.' {
                return self.pop();
            }
            self.step(opcode)?;
        }
        fail("a CIFAR batch", format!("a pickle of more than {MAX_STEPS} opcodes"))
    }

    fn step(&mut self, opcode: u8) -> Result<()> {
        match opcode {
            // PROTO, FRAME
            0x80 => match self.input.byte()? {
                0..=5 => Ok(()),
                other => fail("a pickle of protocol 0 to 5", format!("protocol {other}")),
            },
            0x95 => self.input.array::<8>().map(|_| ()),
            // MARK
            b'(' => {
                self.marks.push(self.stack.len());
                Ok(())
            }
            // NONE, NEWTRUE, NEWFALSE, BININT1, BININT2, BININT, LONG1, BINFLOAT
            b'N' => self.push(Object::None),
            0x88 => self.push(Object::Int(1)),
            0x89 => self.push(Object::Int(0)),
            b'K' => {
                let value = self.input.byte()?;
                self.push(Object::Int(value.into()))
            }
            b'M' => {
                let value = u16::from_le_bytes(self.input.array()?);
                self.push(Object::Int(value.into()))
            }
            b'J' => {
                let value = i32::from_le_bytes(self.input.array()?);
                self.push(Object::Int(value.into()))
            }
            0x8a => {
                let value = self.long()?;
                self.push(Object::Int(value))
            }
            b'G' => {
                let value = f64::from_be_bytes(self.input.array()?);
                self.push(Object::Float(value))
            }
            // INT, LONG, FLOAT, STRING, UNICODE: those of protocol 0
            b'I' | b'L' => {
                let value = self.input.decimal()?;
                self.push(Object::Int(value))
            }
            b'F' => {
                let line = self.input.line()?;
                let value = String::from_utf8_lossy(&line).parse().unwrap_or(f64::NAN);
                self.push(Object::Float(value))
            }
            b'S' => {
                let line = self.input.line_of(self.input.left)?;
                self.push(Object::Bytes(lines::string(&line)?))
            }
            b'V' => {
                let line = self.input.line_of(self.input.left)?;
                self.push(Object::Text(lines::unicode(&line)?))
            }
            // SHORT_BINSTRING and SHORT_BINBYTES, BINSTRING and BINBYTES, BINBYTES8 and BYTEARRAY8
            b'U' | b'C' | b'T' | b'B' | 0x8e | 0x96 => {
                let len = self.length(opcode)?;
                let bytes = self.input.string(len)?;
                self.push(Object::Bytes(bytes))
            }
            // SHORT_BINUNICODE, BINUNICODE, BINUNICODE8
            0x8c | b'X' | 0x8d => {
                let len = self.length(opcode)?;
                let text = self.input.string(len)?;
                self.push(Object::Text(text))
            }
            // EMPTY_DICT, EMPTY_LIST, EMPTY_TUPLE, TUPLE, TUPLE1 to 3
            b'}' => self.push(Object::Dict(Vec::new())),
            b']' => self.push(Object::List(Vec::new())),
            b')' => self.push(Object::Tuple(Vec::new())),
            b't' => {
                let items = self.pop_to_mark()?;
                self.push(Object::Tuple(items))
            }
            0x85..=0x87 => {
                let items = self.pop_many(usize::from(opcode - 0x84))?;
                self.push(Object::Tuple(items))
            }
            // LIST, DICT, POP
            b'l' => {
                let items = self.pop_to_mark()?;
                self.push(Object::List(items))
            }
            b'd' => {
                let items = self.pop_to_mark()?;
                self.push(Object::Dict(Vec::new()))?;
                self.set_items(&items)
            }
            b'0' => self.pop().map(drop),
            // APPEND, APPENDS, SETITEM, SETITEMS
            b'a' => {
                let items = self.pop_many(1)?;
                self.append(items)
            }
            b'e' => {
                let items = self.pop_to_mark()?;
                self.append(items)
            }
            b's' => {
                let items = self.pop_many(2)?;
                self.set_items(&items)
            }
            b'u' => {
                let items = self.pop_to_mark()?;
                self.set_items(&items)
            }
            // PUT, GET
            b'p' => {
                let key = self.input.decimal()?;
                self.put(key as u32)
            }
            b'g' => {
                let key = self.input.decimal()?;
                self.get(key as u32)
            }
            // BINPUT, LONG_BINPUT, MEMOIZE
            b'q' => {
                let key = self.input.byte()?;
                self.put(key.into())
            }
            b'r' => {
                let key = self.input.u32()?;
                self.put(key)
            }
            0x94 => self.put(self.memo.len() as u32),
            // BINGET, LONG_BINGET
            b'h' => {
                let key = self.input.byte()?;
                self.get(key.into())
            }
            b'j' => {
                let key = self.input.u32()?;
                self.get(key)
            }
            // GLOBAL, STACK_GLOBAL
            b'c' => {
                let (module, name) = (self.input.line()?, self.input.line()?);
                self.global(&module, &name)
            }
            0x93 => {
                let names = self.pop_many(2)?;
                match (&self.objects[names[0]], &self.objects[names[1]]) {
                    (Object::Text(module), Object::Text(name)) if module.len().max(name.len()) <= 256 => {
                        let (module, name) = (module.clone(), name.clone());
                        self.global(&module, &name)
                    }
                    (module, name) => {
                        fail("the name of a class", format!("{}, {}", kind(module), kind(name)))
                    }
                }
            }
            // REDUCE, BUILD
            b'R' => self.reduce(),
            b'b' => self.build(),
            other => fail("a pickled CIFAR batch", format!("a pickle with opcode 0x{other:02x}")),
        }
    }

    pub(super) fn push(&mut self, object: Object) -> Result<()> {
        self.stack.try_reserve(1).map_err(no_room)?;
        self.objects.try_reserve(1).map_err(no_room)?;
        self.stack.push(self.objects.len());
        self.objects.push(object);
        Ok(())
    }

    /// The lowest height to which the stack may be popped.
    fn floor(&self) -> usize {
        self.marks.last().copied().unwrap_or(0)
    }

    pub(super) fn pop(&mut self) -> Result<Ref> {
        Ok(self.pop_many(1)?[0])
    }

    pub(super) fn pop_many(&mut self, count: usize) -> Result<Vec<Ref>> {
        match self.stack.len().checked_sub(count) {
            Some(height) if height >= self.floor() => Ok(self.stack.split_off(height)),
            _ => fail("a pickled CIFAR batch", "a pickle that takes more from its stack than is there"),
        }
    }

    fn pop_to_mark(&mut self) -> Result<Vec<Ref>> {
        match self.marks.pop() {
            Some(height) => Ok(self.stack.split_off(height)),
            None => fail("a pickled CIFAR batch", "a pickle that goes back to a mark that is not there"),
        }
    }

    pub(super) fn top(&self) -> Result<Ref> {
        match self.stack.last() {
            Some(&top) if self.stack.len() > self.floor() => Ok(top),
            _ => fail("a pickled CIFAR batch", "a pickle that uses an empty stack"),
        }
    }

    /// The length of a string, of the width that its opcode says.
    fn length(&mut self, opcode: u8) -> Result<u64> {
        Ok(match opcode {
            b'U' | b'C' | 0x8c => self.input.byte()?.into(),
            b'T' | b'B' | b'X' => self.input.u32()?.into(),
            _ => u64::from_le_bytes(self.input.array()?),
        })
    }

    /// A little-endian two's-complement integer of up to eight bytes.
    fn long(&mut self) -> Result<i64> {
        let len = self.input.byte()?;
        if len > 8 {
            return fail("an integer of at most 8 bytes", format!("one of {len}"));
        }
        let bytes = self.input.string(len.into())?;
        let negative = bytes.last().is_some_and(|&high| high >= 0x80);
        let mut wide = [if negative { 0xff } else { 0 }; 8];
        wide[..bytes.len()].copy_from_slice(&bytes);
        Ok(i64::from_le_bytes(wide))
    }

    fn append(&mut self, items: Vec<Ref>) -> Result<()> {
        let top = self.top()?;
        match &mut self.objects[top] {
            Object::List(list) => {
                list.try_reserve(items.len()).map_err(no_room)?;
                list.extend(items);
                Ok(())
            }
            other => fail("a list to append to", kind(other)),
        }
    }

    fn set_items(&mut self, items: &[Ref]) -> Result<()> {
        let top = self.top()?;
        let (pairs, rest) = items.as_chunks::<2>();
        match &mut self.objects[top] {
            Object::Dict(dict) if rest.is_empty() => {
                dict.try_reserve(pairs.len()).map_err(no_room)?;
                dict.extend(pairs.iter().map(|&[key, value]| (key, value)));
                Ok(())
            }
            Object::Dict(_) => fail("keys with values", "a key without"),
            other => fail("a dictionary to fill", kind(other)),
        }
    }

    fn put(&mut self, key: u32) -> Result<()> {
        let top = self.top()?;
        self.memo.try_reserve(1).map_err(no_room)?;
        self.memo.insert(key, top);
        Ok(())
    }

    fn get(&mut self, key: u32) -> Result<()> {
        match self.memo.get(&key) {
            Some(&object) => {
                self.stack.try_reserve(1).map_err(no_room)?;
                self.stack.push(object);
                Ok(())
            }
            None => {
                fail("a pickled CIFAR batch", format!("a pickle that recalls number {key}, never stored"))
            }
        }
    }
}
