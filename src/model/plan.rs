//! Where gradients lie: made once from the graph.
//!
//! The gradient of an output takes the place of the output itself as soon as nobody needs the values any more: the
//! first of its readers comes last in the backward pass and writes over them. What later readers have to add has been
//! computed before: for a sum it is the gradient of the sum, which still lies in the sum's own place; else it lies in a
//! tensor of its own. In a chain there is but one reader, and no tensor besides the activations.

use super::description::Source;
use super::node::Node;

/// What the backward pass of a layer does with one of its inputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// Nothing: images have no gradient.
    Image,
    /// Writes its gradient over the values.
    Own { source: usize },
    /// Nothing: its gradient is that of the layer's output.
    Passed { source: usize },
    /// Writes its gradient over a copy of the values.
    Separate { source: usize, at: usize },
}

/// A part of the gradient of an output, besides what lies in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Addend {
    /// What lies in the place of that node's output.
    Output(usize),
    /// A tensor of [`Plan::separate`].
    Separate(usize),
}

#[derive(Debug)]
pub(super) struct Plan {
    /// For every node, one an input.
    pub uses: Vec<Vec<Use>>,
    /// The node whose output each separate tensor has a gradient of.
    pub separate: Vec<usize>,
    /// By node: whose gradient is complete with its backward pass, once these are added.
    complete: Vec<Vec<(usize, Vec<Addend>)>>,
    /// Whether a layer reads the images without the channel that pads them.
    pub reads_image: bool,
}

impl Plan {
    pub fn new(nodes: &[Node]) -> Self {
        let mut owner: Vec<Option<usize>> = vec![None; nodes.len()];
        let mut addends: Vec<Vec<Addend>> = vec![Vec::new(); nodes.len()];
        let mut separate = Vec::new();
        let mut uses = Vec::new();
        for (i, node) in nodes.iter().enumerate() {
            let mut choose = |(k, source): (usize, &Source)| {
                let Source::Output(source) = *source else { return Use::Image };
                if owner[source].is_none() {
                    owner[source] = Some(i);
                    return Use::Own { source };
                }
                if node.layer.passes_gradient(k) {
                    addends[source].push(Addend::Output(i));
                    return Use::Passed { source };
                }
                separate.push(source);
                addends[source].push(Addend::Separate(separate.len() - 1));
                Use::Separate { source, at: separate.len() - 1 }
            };
            uses.push(node.inputs.iter().enumerate().map(&mut choose).collect());
        }
        let mut complete = vec![Vec::new(); nodes.len()];
        for (source, addends) in addends.into_iter().enumerate().filter(|(_, addends)| !addends.is_empty()) {
            complete[owner[source].expect("who adds comes after the owner")].push((source, addends));
        }
        let of_image = |node: &Node| node.inputs.contains(&Source::Image) && !node.layer.reads_stored_image();
        Self { uses, separate, complete, reads_image: nodes.iter().any(of_image) }
    }

    /// The outputs whose gradient lies in place after the backward pass of that node, and what is to be added to it.
    pub fn owned_by(&self, node: usize) -> impl Iterator<Item = (usize, &[Addend])> {
        self.complete[node].iter().map(|(source, addends)| (*source, addends.as_slice()))
    }
}
