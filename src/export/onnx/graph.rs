//! Building a graph node by node.

use super::proto::{Attribute, Dimension, Graph, Node, Shape, Tensor, TensorType, Type, ValueInfo};
use super::proto::{attribute_type, data_type};

/// A graph that grows. Nodes are named by what they give.
#[derive(Default)]
pub(super) struct Builder {
    nodes: Vec<Node>,
    initializers: Vec<Tensor>,
}

/// The value of an attribute.
pub(super) enum Attr<'a> {
    Int(i64),
    Ints(&'a [i64]),
}

impl Builder {
    /// Adds a node with one output and gives that one's name.
    pub fn node(
        &mut self,
        op: &str,
        inputs: &[&str],
        output: impl Into<String>,
        attributes: &[(&str, Attr<'_>)],
    ) -> String {
        let output = output.into();
        let attribute = |(name, value): &(&str, Attr<'_>)| {
            let name = (*name).into();
            match value {
                Attr::Int(i) => Attribute { name, i: *i, r#type: attribute_type::INT, ints: Vec::new() },
                Attr::Ints(ints) => {
                    Attribute { name, i: 0, r#type: attribute_type::INTS, ints: ints.to_vec() }
                }
            }
        };
        self.nodes.push(Node {
            input: inputs.iter().map(|input| (*input).into()).collect(),
            output: vec![output.clone()],
            name: output.clone(),
            op_type: op.into(),
            attribute: attributes.iter().map(attribute).collect(),
        });
        output
    }

    /// Adds a tensor and gives its name.
    pub fn tensor(&mut self, name: String, data_type: i32, dims: &[usize], raw_data: Vec<u8>) -> String {
        let dims = dims.iter().map(|dim| *dim as i64).collect();
        self.initializers.push(Tensor { dims, data_type, name: name.clone(), raw_data });
        name
    }

    /// Adds a tensor of f32.
    pub fn floats(&mut self, name: String, dims: &[usize], values: &[f32]) -> String {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.tensor(name, data_type::FLOAT, dims, bytes)
    }

    /// Adds a number.
    pub fn float(&mut self, name: String, value: f32) -> String {
        self.floats(name, &[], &[value])
    }

    /// Adds a list, as of axes or sizes.
    pub fn ints(&mut self, name: String, values: &[i64]) -> String {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.tensor(name, data_type::INT64, &[values.len()], bytes)
    }

    /// The graph.
    pub fn finish(self, name: &str, input: ValueInfo, output: ValueInfo) -> Graph {
        Graph {
            node: self.nodes,
            name: name.into(),
            initializer: self.initializers,
            input: vec![input],
            output: vec![output],
        }
    }
}

/// A batch of tensors of these sizes.
pub(super) fn batch(name: &str, elem_type: i32, sizes: &[usize], doc_string: String) -> ValueInfo {
    let batch = Dimension { dim_value: None, dim_param: Some("batch".into()) };
    let sizes = sizes.iter().map(|size| Dimension { dim_value: Some(*size as i64), dim_param: None });
    let shape = Shape { dim: std::iter::once(batch).chain(sizes).collect() };
    let tensor_type = Some(TensorType { elem_type, shape: Some(shape) });
    ValueInfo { name: name.into(), r#type: Some(Type { tensor_type }), doc_string }
}
