//! One walk over everything that must survive: what a fork copies, a checkpoint keeps, a digest sums up.

use std::collections::HashMap;

/// Is shown every piece of state, by name, in a fixed order, and may read or replace it.
pub trait Visitor {
    /// A tensor of fixed sizes.
    fn tensor(&mut self, name: &str, dims: &[usize], values: &mut [f32]);

    /// A number; floating-point ones as their bits.
    fn number(&mut self, name: &str, value: &mut u64);

    /// Bytes, as many as there are.
    fn bytes(&mut self, name: &str, bytes: &mut Vec<u8>);
}

/// A number that is a float.
pub fn float(visitor: &mut dyn Visitor, name: &str, value: &mut f64) {
    let mut bits = value.to_bits();
    visitor.number(name, &mut bits);
    *value = f64::from_bits(bits);
}

/// Values of `N` bytes each, as many as there are.
pub fn list<T, const N: usize>(
    visitor: &mut dyn Visitor,
    name: &str,
    values: &mut Vec<T>,
    encode: fn(&T) -> [u8; N],
    decode: fn([u8; N]) -> T,
) {
    let mut bytes = values.iter().flat_map(encode).collect();
    visitor.bytes(name, &mut bytes);
    *values = bytes.as_chunks().0.iter().copied().map(decode).collect();
}

/// Puts a prefix before every name: `conv1.` makes `conv1.weight` of `weight`.
pub struct Under<'a> {
    /// Who is shown the state.
    pub visitor: &'a mut dyn Visitor,
    /// What comes before the names.
    pub prefix: &'a str,
}

impl Visitor for Under<'_> {
    fn tensor(&mut self, name: &str, dims: &[usize], values: &mut [f32]) {
        self.visitor.tensor(&format!("{}.{name}", self.prefix), dims, values);
    }

    fn number(&mut self, name: &str, value: &mut u64) {
        self.visitor.number(&format!("{}.{name}", self.prefix), value);
    }

    fn bytes(&mut self, name: &str, bytes: &mut Vec<u8>) {
        self.visitor.bytes(&format!("{}.{name}", self.prefix), bytes);
    }
}

/// State in memory.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Snapshot {
    tensors: HashMap<String, (Vec<usize>, Vec<f32>)>,
    numbers: HashMap<String, u64>,
    bytes: HashMap<String, Vec<u8>>,
}

impl Snapshot {
    /// Takes a copy of what `walk` shows.
    pub fn of(walk: impl FnOnce(&mut dyn Visitor)) -> Self {
        let mut save = Save(Self::default());
        walk(&mut save);
        save.0
    }

    /// Gives back to what `walk` shows the values of the same name (and sizes); the rest stays as it is.
    pub fn restore(&self, walk: impl FnOnce(&mut dyn Visitor)) {
        walk(&mut Load(self));
    }
}

struct Save(Snapshot);

impl Visitor for Save {
    fn tensor(&mut self, name: &str, dims: &[usize], values: &mut [f32]) {
        let known = self.0.tensors.insert(name.into(), (dims.to_vec(), values.to_vec()));
        assert!(known.is_none(), "two tensors are called {name}");
    }

    fn number(&mut self, name: &str, value: &mut u64) {
        let known = self.0.numbers.insert(name.into(), *value);
        assert!(known.is_none(), "two numbers are called {name}");
    }

    fn bytes(&mut self, name: &str, bytes: &mut Vec<u8>) {
        let known = self.0.bytes.insert(name.into(), bytes.clone());
        assert!(known.is_none(), "two arrays are called {name}");
    }
}

struct Load<'a>(&'a Snapshot);

impl Visitor for Load<'_> {
    fn tensor(&mut self, name: &str, dims: &[usize], values: &mut [f32]) {
        if let Some((known, saved)) = self.0.tensors.get(name)
            && known == dims
        {
            values.copy_from_slice(saved);
        }
    }

    fn number(&mut self, name: &str, value: &mut u64) {
        if let Some(saved) = self.0.numbers.get(name) {
            *value = *saved;
        }
    }

    fn bytes(&mut self, name: &str, bytes: &mut Vec<u8>) {
        if let Some(saved) = self.0.bytes.get(name) {
            bytes.clone_from(saved);
        }
    }
}
