//! Weights as initialisers: integers behind a `DequantizeLinear` where the scheme's levels are integers, codes behind a
//! `Gather` from the table of levels where they are not, else f32.

use super::graph::{Attr, Builder};
use super::proto::data_type;
use crate::export::safetensors::{BYTE, NIBBLE, nibbles};
use crate::kernels::grid::{Encoded, Grid};
use crate::lower::Weights;

/// How a tensor lies in ONNX.
struct Layout {
    /// Its sizes: `[c_out, c_in, kh, kw]`, or `[in, out]` as stored.
    dims: Vec<usize>,
    /// For each of its values the index of the stored one; empty where the order is the same.
    order: Vec<usize>,
    /// The axis of output channels.
    axis: usize,
}

/// A tensor of codes.
struct Coded<'a> {
    codes: &'a [u16],
    grid: &'a Grid,
    dims: &'a [usize],
    /// The axis of output channels.
    axis: usize,
    /// So many of the first axis share a scale.
    group: Option<usize>,
}

impl Layout {
    fn of(weight: &Weights) -> Self {
        let &[kh, kw, c_in, c_out] = weight.dims.as_slice() else {
            return Self { dims: weight.dims.clone(), order: Vec::new(), axis: 1 };
        };
        let channels = (0..c_out).flat_map(|co| (0..c_in).map(move |ci| (co, ci)));
        let taps = kh * kw;
        let order = channels.flat_map(|(co, ci)| (0..taps).map(move |tap| (tap * c_in + ci) * c_out + co));
        Self { dims: vec![c_out, c_in, kh, kw], order: order.collect(), axis: 0 }
    }

    fn reorder<T: Copy>(&self, stored: &[T]) -> Vec<T> {
        if self.order.is_empty() { stored.to_vec() } else { self.order.iter().map(|i| stored[*i]).collect() }
    }
}

/// Adds weights and gives the name of their values as f32.
pub(super) fn add(graph: &mut Builder, name: &str, weight: &Weights, float: bool) -> String {
    let layout = Layout::of(weight);
    match &weight.encoded {
        Some(encoded) if !float => {
            // Groups run along an output channel as weights are stored: such tensors stay in that order.
            let [rows, outputs] = weight.matrix();
            let shared = encoded.grid.scales.len();
            if shared == 1 || shared == outputs {
                let codes = &layout.reorder(&encoded.codes);
                let Layout { dims, axis, .. } = &layout;
                let coded = Coded { codes, grid: &encoded.grid, dims, axis: *axis, group: None };
                return quantized(graph, name, &coded);
            }
            let group = Some(encoded.grid.blocks.len(0));
            let Encoded { grid, codes } = encoded;
            let coded = Coded { codes, grid, dims: &[rows, outputs], axis: 1, group };
            let values = quantized(graph, &format!("{name}.rows"), &coded);
            let &[kh, kw, c_in, c_out] = weight.dims.as_slice() else { return values };
            let sizes = [kh, kw, c_in, c_out].map(|size| size as i64);
            let sizes = graph.ints(format!("{name}.sizes"), &sizes);
            let shaped = graph.node("Reshape", &[&values, &sizes], format!("{name}.shaped"), &[]);
            graph.node("Transpose", &[&shaped], name, &[("perm", Attr::Ints(&[3, 2, 0, 1]))])
        }
        _ => graph.floats(name.into(), &layout.dims, &layout.reorder(&weight.values)),
    }
}

/// Integers behind a `DequantizeLinear`, or else as [`looked_up`].
fn quantized(graph: &mut Builder, name: &str, coded: &Coded) -> String {
    let &Coded { codes, grid, dims, axis, group } = coded;
    let outputs = dims[axis];
    let scale_dims = match (grid.scales.len(), group) {
        (_, Some(_)) => vec![grid.scales.len() / outputs, outputs],
        (1, None) => vec![],
        _ => vec![outputs],
    };
    let Some(integer) = Integer::of(grid) else {
        return looked_up(graph, name, coded);
    };
    let levels: Vec<i32> = grid.levels.iter().map(|level| *level as i32).collect();
    let values: Vec<i32> = codes.iter().map(|code| levels[usize::from(*code)]).collect();
    let stored = graph.tensor(format!("{name}.levels"), integer.data_type(), dims, integer.bytes(&values));
    let scales = graph.floats(format!("{name}.scales"), &scale_dims, &grid.scales);
    let mut inputs = vec![stored, scales];
    if !grid.zero_points.is_empty() {
        let points: Vec<i32> = grid.zero_points.iter().map(|point| *point as i32).collect();
        let name = format!("{name}.zero_points");
        inputs.push(graph.tensor(name, integer.data_type(), &scale_dims, integer.bytes(&points)));
    }
    let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
    match group {
        Some(group) => {
            // At most the axis itself, of which the last group may be a part.
            let group = group.min(dims[0]) as i64;
            let attributes = [("axis", Attr::Int(0)), ("block_size", Attr::Int(group))];
            graph.node("DequantizeLinear", &inputs, name, &attributes)
        }
        None if scale_dims.is_empty() => graph.node("DequantizeLinear", &inputs, name, &[]),
        None => graph.node("DequantizeLinear", &inputs, name, &[("axis", Attr::Int(axis as i64))]),
    }
}

/// The type of an integer initialiser.
#[derive(Clone, Copy)]
struct Integer {
    bits: u32,
    signed: bool,
}

impl Integer {
    /// The narrowest type that holds a grid's levels and zero points; `None` where they are no integers, or would take
    /// more bits than a table of them.
    fn of(grid: &Grid) -> Option<Self> {
        let values = || grid.levels.iter().chain(&grid.zero_points);
        if values().any(|value| value.fract() != 0.0) {
            return None;
        }
        let [least, most] = [f32::min, f32::max].map(|of| values().copied().fold(0.0, of));
        let fits = |bits: &u32| {
            let half = (1u32 << (bits - 1)) as f32;
            if least < 0.0 { least >= -half && most < half } else { most < 2.0 * half }
        };
        let bits = [4, 8, 16].into_iter().find(fits)?;
        let table = if grid.levels.len() <= NIBBLE { 4 } else { 8 };
        (bits == 4 || bits == table || grid.levels.len() > BYTE).then_some(Self { bits, signed: least < 0.0 })
    }

    fn data_type(self) -> i32 {
        match (self.bits, self.signed) {
            (4, false) => data_type::UINT4,
            (4, true) => data_type::INT4,
            (8, false) => data_type::UINT8,
            (8, true) => data_type::INT8,
            (_, false) => data_type::UINT16,
            (_, true) => data_type::INT16,
        }
    }

    /// As `raw_data` has them: nibbles two to a byte, the first in the low one.
    fn bytes(self, values: &[i32]) -> Vec<u8> {
        match self.bits {
            4 => nibbles(&values.iter().map(|value| (value & 0xf) as u16).collect::<Vec<_>>()),
            8 => values.iter().map(|value| *value as u8).collect(),
            _ => values.iter().flat_map(|value| (*value as u16).to_le_bytes()).collect(),
        }
    }
}

/// `(levels[code] - zero point) * scale` as nodes, which a runtime computes once.
fn looked_up(graph: &mut Builder, name: &str, coded: &Coded) -> String {
    let &Coded { codes, grid, dims, axis, group } = coded;
    assert!(grid.levels.len() <= BYTE, "levels that are no integers fit a byte");
    let (data_type, bytes) = if grid.levels.len() <= NIBBLE {
        (data_type::UINT4, nibbles(codes))
    } else {
        (data_type::UINT8, codes.iter().map(|code| *code as u8).collect())
    };
    let codes = graph.tensor(format!("{name}.codes"), data_type, dims, bytes);
    let to = Attr::Int(data_type::INT32.into());
    let indices = graph.node("Cast", &[&codes], format!("{name}.indices"), &[("to", to)]);
    let levels = graph.floats(format!("{name}.levels"), &[grid.levels.len()], &grid.levels);
    let mut values = graph.node("Gather", &[&levels, &indices], format!("{name}.looked_up"), &[]);
    let spread = |graph: &mut Builder, part: &str, of: &[f32]| {
        let name = format!("{name}.{part}");
        let outputs = dims[axis];
        let Some(group) = group else {
            let mut sizes = vec![1; dims.len() - axis];
            sizes[0] = of.len();
            return graph.floats(name, &sizes, of);
        };
        // Each row of scales as often as it is shared: [groups, 1, outputs] to [groups, group, outputs] to rows.
        let groups = of.len() / outputs;
        let few = graph.floats(format!("{name}.few"), &[groups, 1, outputs], of);
        let sizes = [groups, group, outputs].map(|size| size as i64);
        let sizes = graph.ints(format!("{name}.sizes"), &sizes);
        let many = graph.node("Expand", &[&few, &sizes], format!("{name}.many"), &[]);
        let flat = graph.ints(format!("{name}.flat"), &[-1, outputs as i64]);
        let rows = graph.node("Reshape", &[&many, &flat], format!("{name}.rows"), &[]);
        let [start, end, axes] = [("start", 0), ("end", dims[0] as i64), ("axes", 0)]
            .map(|(part, value)| graph.ints(format!("{name}.{part}"), &[value]));
        graph.node("Slice", &[&rows, &start, &end, &axes], name, &[])
    };
    if !grid.zero_points.is_empty() {
        let points = spread(graph, "zero_points", &grid.zero_points);
        values = graph.node("Sub", &[&values, &points], format!("{name}.centred"), &[]);
    }
    let scales = spread(graph, "scales", &grid.scales);
    graph.node("Mul", &[&values, &scales], name, &[])
}
