//! The order in which a module's functions compress best.
//!
//! gzip finds what bytes have in common within 32 KiB, and an engine is thirty times that. Functions that are alike, such
//! as the copies of a generic one, are to lie side by side; what they are named says that less well than their bytes.

use anyhow::{Context, Result};
use std::collections::{HashMap, VecDeque};

/// Bytes that functions have in common are counted in pieces of so many.
const PIECE: usize = 4;
/// A piece that more functions have says nothing.
const MOST_OWNERS: usize = 100;
/// Bytes before a function in which it may find its pieces.
const WINDOW: usize = 30_000;
/// Added to the length of a function: small ones would all come first otherwise.
const LEAST_LENGTH: usize = 20;

const IMPORTS: u8 = 2;
const CODE: u8 = 10;

/// The module with functions that are named after their places: in the order of their names, each is the one that has most
/// in common with those right before it.
pub fn name_by_likeness(mut module: Vec<u8>) -> Result<Vec<u8>> {
    let (imports, bodies) = functions(&module).context("no module of WebAssembly as wasm-opt writes it")?;
    let mut places = vec![0; bodies.len()];
    for (place, function) in order(&bodies).into_iter().enumerate() {
        places[function] = place;
    }
    let mut names = number(places.len());
    for (function, place) in places.into_iter().enumerate() {
        names.extend([number(imports + function), text(&format!("{place:06}"))].concat());
    }
    // The section of names, of which the functions' are part 1.
    let section = [text("name"), vec![1], number(names.len()), names].concat();
    module.extend([vec![0], number(section.len()), section].concat());
    Ok(module)
}

/// The order, from the largest function on.
fn order(bodies: &[&[u8]]) -> Vec<usize> {
    // Of each piece the functions that have it, and how often.
    let mut owners: HashMap<&[u8], Vec<(usize, usize)>> = HashMap::new();
    for (function, body) in bodies.iter().enumerate() {
        for piece in body.windows(PIECE) {
            let owners = owners.entry(piece).or_default();
            match owners.last_mut() {
                Some((last, count)) if *last == function => *count += 1,
                _ => owners.push((function, 1)),
            }
        }
    }
    let tell = |owners: &Vec<_>| (2..=MOST_OWNERS).contains(&owners.len());
    let owners: Vec<_> = owners.into_values().filter(tell).collect();
    let mut pieces = vec![Vec::new(); bodies.len()];
    for (piece, owners) in owners.iter().enumerate() {
        owners.iter().for_each(|(function, _)| pieces[*function].push(piece));
    }

    // How often each piece is in the window, and how many of each function's are.
    let mut present = vec![0; owners.len()];
    let mut shared = vec![0; bodies.len()];
    let (mut window, mut length) = (VecDeque::new(), 0);
    let mut left: Vec<usize> = (0..bodies.len()).collect();
    let mut order = Vec::new();
    loop {
        let part = |function: &usize| {
            let length = bodies[*function].len();
            // Without what is shared the largest.
            (shared[*function] as f64 / (length + LEAST_LENGTH) as f64, length)
        };
        let best = |a: &usize, b: &usize| part(a).partial_cmp(&part(b)).expect("numbers");
        let Some(at) = (0..left.len()).max_by(|a, b| best(&left[*a], &left[*b])) else { return order };
        let next = left.remove(at);
        order.push(next);
        window.push_back(next);
        length += bodies[next].len();
        for piece in &pieces[next] {
            present[*piece] += 1;
            if present[*piece] == 1 {
                owners[*piece].iter().for_each(|(function, count)| shared[*function] += count);
            }
        }
        while length > WINDOW && window.len() > 1 {
            let gone = window.pop_front().expect("more than one");
            length -= bodies[gone].len();
            for piece in &pieces[gone] {
                present[*piece] -= 1;
                if present[*piece] == 0 {
                    owners[*piece].iter().for_each(|(function, count)| shared[*function] -= count);
                }
            }
        }
    }
}

/// The number of functions that a module imports, and the bodies of its own.
fn functions(module: &[u8]) -> Option<(usize, Vec<&[u8]>)> {
    let mut rest = Bytes(module.get(8..)?);
    let (mut imports, mut bodies) = (0, Vec::new());
    while let Some(kind) = rest.byte() {
        let mut section = Bytes(rest.sized()?);
        match kind {
            IMPORTS => {
                for _ in 0..section.number()? {
                    imports += usize::from(section.import()?);
                }
            }
            CODE => {
                for _ in 0..section.number()? {
                    bodies.push(section.sized()?);
                }
            }
            _ => {}
        }
    }
    Some((imports, bodies))
}

/// What is left to read.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    /// Seven bits a byte, the lowest first.
    fn number(&mut self) -> Option<usize> {
        let (mut number, mut shift) = (0, 0);
        loop {
            let byte = self.byte()?;
            number |= usize::from(byte & 127).checked_shl(shift)?;
            shift += 7;
            if byte < 128 {
                return Some(number);
            }
        }
    }

    /// A length, and so many bytes.
    fn sized(&mut self) -> Option<&'a [u8]> {
        let length = self.number()?;
        let (sized, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(sized)
    }

    /// Passes over an import; whether it is a function.
    fn import(&mut self) -> Option<bool> {
        self.sized()?;
        self.sized()?;
        let kind = self.byte()?;
        match kind {
            0 => drop(self.number()?),
            // A table of some type, or memory: flags, of which the first says whether there is a maximum.
            1 | 2 => {
                if kind == 1 {
                    self.byte()?;
                }
                let has_most = self.byte()? & 1 == 1;
                self.number()?;
                if has_most {
                    self.number()?;
                }
            }
            // A global: type and whether it changes.
            3 => drop((self.byte()?, self.byte()?)),
            _ => return None,
        }
        Some(kind == 0)
    }
}

fn number(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 128 {
        bytes.push(number as u8 | 128);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

fn text(text: &str) -> Vec<u8> {
    [number(text.len()), text.into()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_alike_comes_to_lie_side_by_side() {
        let [a, b] = [|i: u32| i * 7 % 251, |i: u32| i * i % 241]
            .map(|byte| move |len: u32| (0..len).map(byte).map(|byte| byte as u8).collect::<Vec<u8>>());
        let bodies = [a(60), b(90), a(80), b(70), a(70)];
        let bodies: Vec<&[u8]> = bodies.iter().map(Vec::as_slice).collect();
        assert_eq!(order(&bodies), [1, 3, 2, 4, 0]);
    }

    #[test]
    fn functions_are_named_after_their_places() {
        let mut module = b"\0asm\x01\0\0\0".to_vec();
        // An import of a function, m.f of type 0, one of memory, m.g, and two bodies.
        let imports =
            [vec![2], text("m"), text("f"), vec![0, 0], text("m"), text("g"), vec![2, 3, 1, 2]].concat();
        let code = [vec![2], text("abc"), text("abcdefgh")].concat();
        module.extend(
            [vec![IMPORTS], number(imports.len()), imports, vec![CODE], number(code.len()), code].concat(),
        );
        let named = name_by_likeness(module.clone()).unwrap();
        let names = [vec![2, 1], text("000001"), vec![2], text("000000")].concat();
        let expected = [text("name"), vec![1], number(names.len()), names].concat();
        assert_eq!(named.strip_prefix(&module[..]).unwrap()[2..], expected);
        assert!(name_by_likeness(module[..20].to_vec()).is_err());
    }

    #[test]
    fn numbers_are_read_as_they_are_written() {
        for value in [0, 127, 128, 300, 1 << 20] {
            assert_eq!(Bytes(&number(value)).number(), Some(value));
        }
    }
}
