//! What a file of safetensors begins with.

use std::collections::BTreeMap;
use std::io;

use safetensors::Dtype;
use safetensors::tensor::TensorInfo;
use serde::Serialize;

/// The tensors of a file, in its order.
#[derive(Default)]
pub(crate) struct Header {
    tensors: Vec<(String, TensorInfo)>,
    end: usize,
}

impl Header {
    /// Adds the next tensor.
    pub(crate) fn add(&mut self, name: &str, dtype: Dtype, shape: Vec<usize>) {
        let start = self.end;
        self.end += shape.iter().product::<usize>() * dtype.bitsize() / 8;
        self.tensors.push((name.into(), TensorInfo { dtype, shape, data_offsets: (start, self.end) }));
    }

    /// What the file begins with: its own length, and itself, up to a multiple of eight bytes.
    pub(crate) fn encode(self, metadata: &BTreeMap<String, String>) -> io::Result<Vec<u8>> {
        // Piece by piece: a library's general way to write such a map is five kilobytes of every visit.
        let mut text = format!("{{\"__metadata__\":{}", json(metadata)?);
        for (name, TensorInfo { dtype, shape, data_offsets: (start, end) }) in &self.tensors {
            let name = json(name)?;
            text += &format!(
                ",{name}:{{\"dtype\":\"{dtype:?}\",\"shape\":{shape:?},\"data_offsets\":[{start},{end}]}}"
            );
        }
        text.push('}');
        let length = text.len().next_multiple_of(8);
        Ok([&(length as u64).to_le_bytes(), text.as_bytes(), &[b' '; 8][..length - text.len()]].concat())
    }
}

/// A value as JSON.
pub(super) fn json(value: &impl Serialize) -> io::Result<String> {
    Ok(serde_json::to_string(value)?)
}
