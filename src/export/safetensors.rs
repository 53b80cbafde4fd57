//! The network in safetensors: codes two to a byte, the low nibble first, since the format has no 4-bit type; scales,
//! zero points, levels, biases and batch norm as f32; the document of [`super::document`], which names them, as metadata.

use std::collections::BTreeMap;

use safetensors::Dtype;
use serde_json::{Value, json};

use super::document::{Store, document};
use super::{Artifact, Network, Target};
use crate::checkpoint::header::Header;
use crate::kernels::int4;
use crate::registry::{Entry, told};

pub(super) const TARGET: Target = Target {
    entry: Entry {
        name: "safetensors",
        label: told("safetensors"),
        about: told("Weights two to a byte with all that it takes to compute with them, bit for bit"),
    },
    engine: false,
    images: false,
    whole: false,
    needs: "Python 3 with safetensors and numpy (pip install safetensors numpy)",
    run: "python3 -c \"from safetensors import safe_open as o; f = o('{file}', 'numpy'); [print(k, f.get_tensor(k).dtype, f.get_tensor(k).shape) for k in f.keys()]; print(f.metadata()['nibble.network'])\"",
    write: |network| Ok(Artifact::file("safetensors", "application/octet-stream", bytes(network))),
};

/// The document's key in the metadata.
pub(super) const KEY: &str = "nibble.network";
/// Levels that a nibble tells apart.
pub(super) const NIBBLE: usize = 16;
/// Levels that a byte tells apart.
pub(super) const BYTE: usize = 256;

/// The file.
pub(super) fn bytes(network: &Network) -> Vec<u8> {
    let mut tensors = Tensors::default();
    let document = document(network, &mut tensors).to_string();
    // The widest first: so each is aligned.
    let Tensors(mut tensors) = tensors;
    tensors.sort_by_key(|(_, dtype, _, _)| std::cmp::Reverse(dtype.bitsize()));
    let mut header = Header::default();
    for (name, dtype, shape, _) in &tensors {
        header.add(name, *dtype, shape.clone());
    }
    let metadata = BTreeMap::from([(KEY.into(), document)]);
    let mut bytes = header.encode(&metadata).expect("writing to memory does not fail");
    tensors.iter().for_each(|(.., content)| bytes.extend(content));
    bytes
}

/// Name, type, shape and content.
#[derive(Default)]
struct Tensors(Vec<(String, Dtype, Vec<usize>, Vec<u8>)>);

impl Tensors {
    fn add(&mut self, name: String, dtype: Dtype, content: Vec<u8>) -> Value {
        let shape = vec![8 * content.len() / dtype.bitsize()];
        let value = json!(name);
        self.0.push((name, dtype, shape, content));
        value
    }
}

impl Store for Tensors {
    fn floats(&mut self, name: String, values: &[f32]) -> Value {
        if values.is_empty() {
            return Value::Null;
        }
        self.add(name, Dtype::F32, values.iter().flat_map(|value| value.to_le_bytes()).collect())
    }

    fn codes(&mut self, name: String, codes: &[u16], levels: usize) -> Value {
        if levels <= NIBBLE {
            self.add(name, Dtype::U8, nibbles(codes))
        } else if levels <= BYTE {
            self.add(name, Dtype::U8, codes.iter().map(|code| *code as u8).collect())
        } else {
            self.add(name, Dtype::U16, codes.iter().flat_map(|code| code.to_le_bytes()).collect())
        }
    }
}

/// Codes below 16 two to a byte, the first of each pair in the low nibble.
pub(super) fn nibbles(codes: &[u16]) -> Vec<u8> {
    int4::pack(codes.iter().map(|code| *code as u8))
}
