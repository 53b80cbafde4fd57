//! Quantizers: how f32 values become the few values that a network computes with.
//!
//! A scheme is one file and one line in its registry: [`QUANTIZERS`] for weights, [`ACTIVATIONS`] for activations.

mod activations;
mod ends;
mod granularity;
mod learned;
mod weights;

use crate::Result;
use crate::settings::SchemeEntry;

pub use crate::kernels::grid::{Encoded, Grid};
pub use crate::param::{Known, Quantizer};
pub use activations::{ACTIVATIONS, ActivationQuantizer, ActivationRequest, ActivationScheme, Tracking};
pub use ends::{ENDS, End, find_end};
pub use granularity::{GRANULARITIES, Sharing, find_granularity};
pub use weights::{QUANTIZERS, Request, Scheme, Shared};

/// The kinds of number that a scheme represents values by (the taxonomy of arXiv 2505.01043).
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Format {
    /// f32 as it is.
    Full,
    /// Equally spaced levels.
    Integer,
    /// A few bits of exponent and of mantissa.
    Float,
    /// Any other set of levels.
    Custom,
}

/// `2 to 8`, or `8, 12, 16`.
fn bits_listed(bits: &[u8]) -> String {
    match bits {
        [first, .., last] if usize::from(last - first) == bits.len() - 1 => format!("{first} to {last}"),
        _ => bits.iter().map(u8::to_string).collect::<Vec<_>>().join(", "),
    }
}

/// The schemes for weights, for a menu.
pub(crate) fn weight_menu() -> Vec<SchemeEntry> {
    let entry = |scheme: &'static Scheme| SchemeEntry {
        entry: &scheme.entry,
        format: scheme.format,
        formula: scheme.formula,
        source: scheme.source,
        bits: scheme.bits,
        granularities: scheme.sharing.names(),
    };
    QUANTIZERS.iter().map(entry).collect()
}

/// The schemes for activations, for a menu.
pub(crate) fn activation_menu() -> Vec<SchemeEntry> {
    let entry = |scheme: &'static ActivationScheme| SchemeEntry {
        entry: &scheme.entry,
        format: scheme.format,
        formula: scheme.formula,
        source: scheme.source,
        bits: scheme.bits,
        granularities: Vec::new(),
    };
    ACTIVATIONS.iter().map(entry).collect()
}

/// The scheme for activations of that name.
///
/// # Errors
/// [`crate::Error::Config`] for an unknown name.
pub fn find_activations(name: &str) -> Result<&'static ActivationScheme> {
    ACTIVATIONS.find(name)
}

/// The scheme for weights of that name.
///
/// # Errors
/// [`crate::Error::Config`] for an unknown name.
pub fn find(name: &str) -> Result<&'static Scheme> {
    QUANTIZERS.find(name)
}
