//! Quantizers: how f32 values become the few values that a network computes with.
//!
//! A scheme is one file and one line in its registry: [`QUANTIZERS`] for weights, [`ACTIVATIONS`] for activations,
//! [`GRADIENTS`] for gradients.

mod activations;
mod ends;
mod format;
mod gradients;
mod granularity;
mod learned;
mod levels;
mod weights;

use crate::Result;

pub use crate::kernels::grid::{Encoded, Grid};
pub use crate::param::{Known, Quantizer};
pub use activations::{
    ACTIVATIONS, ActivationQuantizer, ActivationRequest, ActivationScheme, Look, Tracking,
};
pub use ends::{ENDS, End, find_end};
pub use format::{Format, Reach, SchemeEntry};
pub use gradients::{GRADIENTS, GradientRounding, GradientScheme};
pub use granularity::{GRANULARITIES, Sharing, find_granularity};
pub use levels::SchemeLevels;
pub use weights::{QUANTIZERS, Request, Scheme, Shared};

/// The schemes for weights, for a menu.
pub(crate) fn weight_menu() -> Vec<SchemeEntry> {
    let entry = |scheme: &'static Scheme| SchemeEntry {
        entry: &scheme.entry,
        format: scheme.format,
        formula: scheme.formula,
        source: scheme.source,
        bits: scheme.bits,
        granularities: scheme.sharing.names(),
        reach: None,
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
        reach: Some(scheme.reach),
    };
    ACTIVATIONS.iter().map(entry).collect()
}

/// The schemes for gradients, for a menu.
pub(crate) fn gradient_menu() -> Vec<SchemeEntry> {
    let entry = |scheme: &'static GradientScheme| SchemeEntry {
        entry: &scheme.entry,
        format: scheme.format,
        formula: scheme.formula,
        source: scheme.source,
        bits: scheme.bits,
        granularities: Vec::new(),
        reach: None,
    };
    GRADIENTS.iter().map(entry).collect()
}

/// Names of the schemes by which some range of activations is measured, where the last layer with weights is treated as
/// that entry of [`ENDS`] says.
pub(crate) fn measuring(ends: &str) -> Vec<&'static str> {
    let measures = |scheme: &&'static ActivationScheme| {
        let of_last = find_end(ends).ok().and_then(|end| end.of_activations(scheme, scheme.bits[0]));
        let of_last = of_last.map_or(Reach::Given, |(scheme, _)| scheme.reach);
        [scheme.reach, of_last].contains(&Reach::Measured)
    };
    ACTIVATIONS.iter().filter(measures).map(|scheme| scheme.entry.name).collect()
}

/// Names of the schemes for activations with which something is learned by its logarithm, beside weights by that scheme.
pub(crate) fn learning(quantizer: &str) -> Vec<&'static str> {
    let of_weights = find(quantizer).is_ok_and(Scheme::learns_steps);
    let learns = |scheme: &&'static ActivationScheme| of_weights || scheme.reach == Reach::Learned;
    ACTIVATIONS.iter().filter(learns).map(|scheme| scheme.entry.name).collect()
}

/// The scheme for gradients of that name.
///
/// # Errors
/// [`crate::Error::Config`] for an unknown name.
pub fn find_gradients(name: &str) -> Result<&'static GradientScheme> {
    GRADIENTS.find(name)
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
