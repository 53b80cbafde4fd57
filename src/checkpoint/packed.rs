//! Trained networks as small files: a run without what only training needs. Weights lie there rounded, two codes to a
//! byte where they have at most [`LEVELS`] values; optimizer, losses of steps and predictions are left out. Such a file is
//! opened like any other, as a run at its end.

use std::collections::BTreeMap;
use std::io::{self, Write};

use safetensors::Dtype;

use super::header::Header;
use super::write::{about, metadata, put};
use super::{EPOCHS, History, SUM, Summed};
use crate::Result;
use crate::kernels::int4;
use crate::run::Run;
use crate::state::Visitor;

/// Values that a nibble tells apart.
const LEVELS: usize = 16;
/// Behind the name of a tensor that lies in nibbles, the low one first: its values, which come before it.
pub(super) const VALUES: &str = ".values";
/// Tensors of fewer values are left as they are.
const SMALL: usize = 64;

/// A tensor of the walk as it is written.
struct Tensor {
    name: String,
    dims: Vec<usize>,
    values: Vec<f32>,
    coded: Option<Coded>,
}

/// A tensor of few values.
struct Coded {
    /// The values of all elements, or those of each output channel: `[1 or outputs][levels]`.
    values: Vec<f32>,
    dims: [usize; 2],
    /// For each element which it is, two to a byte.
    codes: Vec<u8>,
}

impl Coded {
    /// Of elements that have at most [`LEVELS`] values, all of them or, `outputs` lying innermost, those of each output.
    fn new(elements: &[f32], outputs: usize) -> Option<Self> {
        if elements.len() < SMALL {
            return None;
        }
        [1, outputs].into_iter().find_map(|columns| Self::by_columns(elements, columns))
    }

    fn by_columns(elements: &[f32], columns: usize) -> Option<Self> {
        let mut tables = vec![Vec::new(); columns];
        let code = |(i, element): (usize, &f32)| {
            let table: &mut Vec<f32> = &mut tables[i % columns];
            let known = table.iter().position(|value| value.to_bits() == element.to_bits());
            let code = known.unwrap_or(table.len());
            if known.is_none() {
                table.push(*element);
            }
            (code < LEVELS).then_some(code as u8)
        };
        let codes: Vec<u8> = elements.iter().enumerate().map(code).collect::<Option<_>>()?;
        let levels = tables.iter().map(Vec::len).max()?;
        tables.iter_mut().for_each(|table| table.resize(levels, 0.0));
        let codes = int4::pack(codes.into_iter());
        Some(Self { values: tables.concat(), dims: [columns, levels], codes })
    }
}

/// Puts the elements that codes stand for in their place; false where the table of values, its sizes and the codes do not go
/// together.
pub(super) fn decode(table: &[f32], dims: &[usize], codes: &[u8], elements: &mut [f32]) -> bool {
    let &[columns, levels] = dims else { return false };
    let fits = columns > 0 && (1..=LEVELS).contains(&levels) && table.len() == columns * levels;
    if !fits || codes.len() != elements.len().div_ceil(2) {
        return false;
    }
    let mut good = true;
    for (i, element) in elements.iter_mut().enumerate() {
        let code = usize::from(int4::code(codes, i));
        good &= code < levels;
        *element = table[i % columns * levels + code.min(levels - 1)];
    }
    good
}

/// The file of the network of a run that is at its end, with the reports of its epochs.
///
/// # Errors
/// As [`Trainer::rounded`](crate::train::Trainer::rounded).
pub fn pack(run: &mut Run, history: &History) -> Result<Vec<u8>> {
    let mut model = run.rounded()?;
    let mut parts = Parts::default();
    model.visit(&[], &mut parts);
    let mut file = Vec::new();
    write(run, history, parts, &mut file).expect("writing to memory does not fail");
    Ok(file)
}

fn write(run: &Run, history: &History, parts: Parts, out: impl Write) -> io::Result<()> {
    let reports = history.reports.join("\n");
    let mut header = Header::default();
    for Tensor { name, dims, coded, .. } in &parts.tensors {
        match coded {
            Some(coded) => {
                header.add(&format!("{name}{VALUES}"), Dtype::F32, coded.dims.into());
                header.add(name, Dtype::U8, vec![coded.codes.len()]);
            }
            None => header.add(name, Dtype::F32, dims.clone()),
        }
    }
    for (name, bytes) in &parts.bytes {
        header.add(name, Dtype::U8, vec![bytes.len()]);
    }
    header.add(EPOCHS, Dtype::U8, vec![reports.len()]);
    header.add(SUM, Dtype::U8, vec![size_of::<[u8; 32]>()]);
    let mut about = about(run, history, parts.numbers);
    about.packed = true;

    let mut out = Summed::new(out);
    out.write_all(&header.encode(&metadata(&about)?)?)?;
    for Tensor { values, coded, .. } in &parts.tensors {
        match coded {
            Some(Coded { values, codes, .. }) => {
                put(&mut out, values, |value| value.to_le_bytes())?;
                out.write_all(codes)?;
            }
            None => put(&mut out, values, |value| value.to_le_bytes())?,
        }
    }
    parts.bytes.iter().try_for_each(|(_, bytes)| out.write_all(bytes))?;
    out.write_all(reports.as_bytes())?;
    let sum = out.sum();
    out.write_all(&sum)?;
    out.flush()
}

/// What a walk shows, in its order.
#[derive(Default)]
struct Parts {
    tensors: Vec<Tensor>,
    bytes: Vec<(String, Vec<u8>)>,
    numbers: BTreeMap<String, u64>,
}

impl Visitor for Parts {
    fn tensor(&mut self, name: &str, dims: &[usize], values: &mut [f32]) {
        let coded = Coded::new(values, dims[dims.len() - 1]);
        self.tensors.push(Tensor { name: name.into(), dims: dims.into(), values: values.into(), coded });
    }

    fn number(&mut self, name: &str, value: &mut u64) {
        self.numbers.insert(name.into(), *value);
    }

    fn bytes(&mut self, name: &str, bytes: &mut Vec<u8>) {
        self.bytes.push((name.into(), bytes.clone()));
    }
}
