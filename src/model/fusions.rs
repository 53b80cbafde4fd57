//! Layers that are computed together: a table of chains in the graph and what is built for them.

use super::description::{Link, Source};
use crate::Result;
use crate::kernels::Activation;
use crate::layers::batch_norm::{self, Tail};
use crate::layers::{Context, Layer, Shape};

/// A chain of layers with one layer that does the work of all.
pub(super) struct Fusion {
    /// Their types. Each but the last is read by the next alone, as its first input; all but the first have no settings.
    pub kinds: &'static [&'static str],
    /// Whether an input of that shape can be taken.
    pub fits: fn(Shape) -> bool,
    /// Builds the one layer from the first one's context. Its inputs are those of the first and then the further ones of
    /// the others, in order.
    pub build: fn(&mut Context<'_>) -> Result<Box<dyn Layer>>,
}

/// The longest first.
static FUSIONS: &[Fusion] = &[
    Fusion {
        kinds: &["batch_norm", "relu", "add"],
        fits: |_| true,
        build: |context| batch_norm::fused(context, Activation::Relu, Tail::Add),
    },
    Fusion {
        kinds: &["batch_norm", "relu", "max_pool"],
        fits: can_be_pooled,
        build: |context| batch_norm::fused(context, Activation::Relu, Tail::MaxPool),
    },
    Fusion {
        kinds: &["batch_norm", "add"],
        fits: |_| true,
        build: |context| batch_norm::fused(context, Activation::Identity, Tail::Add),
    },
    Fusion {
        kinds: &["batch_norm", "max_pool"],
        fits: can_be_pooled,
        build: |context| batch_norm::fused(context, Activation::Identity, Tail::MaxPool),
    },
    Fusion {
        kinds: &["batch_norm", "relu"],
        fits: |_| true,
        build: |context| batch_norm::fused(context, Activation::Relu, Tail::Nothing),
    },
];

fn can_be_pooled([h, w, _]: Shape) -> bool {
    h > 1 && w > 1
}

/// The chain that begins at layer `first`, and how it is built; `shape` tells those of what has been built.
pub(super) fn chain(
    links: &[Link<'_>],
    first: usize,
    shape: impl Fn(&Source) -> Shape,
) -> Option<(Vec<usize>, &'static Fusion)> {
    let input = shape(links[first].inputs.first()?);
    FUSIONS.iter().find_map(|fusion| {
        let mut chain = vec![first];
        for (place, kind) in fusion.kinds.iter().enumerate() {
            let last = *chain.last()?;
            if links[last].kind.name != *kind {
                return None;
            }
            if place + 1 == fusion.kinds.len() {
                break;
            }
            let [next] = links[last].readers[..] else { return None };
            let (next_first, others) = links[next].inputs.split_first()?;
            let plain = links[next].spec.settings.is_empty() && *next_first == Source::Output(last);
            // The other inputs must be there when the first layer's turn comes. Those that do not fit are left for the
            // layer's own build to refuse.
            let ready = others
                .iter()
                .all(|other| matches!(other, Source::Output(at) if *at < first) && shape(other) == input);
            if !(plain && ready) {
                return None;
            }
            chain.push(next);
        }
        (fusion.fits)(input).then_some((chain, fusion))
    })
}
