//! Kinds of number, facts of schemes, and what menus say of one.

use serde::Serialize;

use crate::registry::Entry;
use crate::{Error, Result};

/// The kinds of number that a scheme represents values by (the taxonomy of arXiv 2505.01043).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
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

/// Where the highest level of a scheme for activations comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Reach {
    /// The scheme, or each block of values by itself: nothing is kept of the batches.
    Given,
    /// A range that follows the batches while training, and can be chosen after it.
    Measured,
    /// A parameter, which can be chosen after training too.
    Learned,
}

/// A number format in a menu, and what the menu says of it.
#[derive(Debug, Clone, Serialize)]
pub struct SchemeEntry {
    /// Name and description.
    #[serde(flatten)]
    pub entry: &'static Entry,
    /// The heading.
    pub format: Format,
    /// What it does, in one line.
    pub formula: &'static str,
    /// Where it was published.
    pub source: &'static str,
    /// The bit widths that it takes.
    pub bits: &'static [u8],
    /// The granularities that it takes; empty where there is nothing to choose.
    pub granularities: Vec<&'static str>,
    /// Of a scheme for activations, where its highest level comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reach: Option<Reach>,
}

/// Checks the bits, a setting of that name, that are asked for of a scheme that takes some.
///
/// # Errors
/// [`Error::Config`] for others; the message says which it takes.
pub(super) fn check_bits(field: &'static str, scheme: &str, takes: &[u8], bits: u8) -> Result<()> {
    if takes.contains(&bits) {
        return Ok(());
    }
    Err(Error::Config {
        field,
        expected: format!("{} with {scheme}", bits_listed(takes)),
        found: bits.to_string(),
    })
}

/// The highest of `2^bits` levels from 0 on.
pub(super) fn most(bits: u8) -> f32 {
    ((1u32 << bits) - 1) as f32
}

/// `2 to 8`, or `8, 12, 16`.
fn bits_listed(bits: &[u8]) -> String {
    match bits {
        [first, .., last] if usize::from(last - first) == bits.len() - 1 => format!("{first} to {last}"),
        _ => bits.iter().map(u8::to_string).collect::<Vec<_>>().join(", "),
    }
}
