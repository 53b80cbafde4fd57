//! Quantizers: how f32 master values become the few values that the forward pass uses.
//!
//! A scheme is one file and one line in [`QUANTIZERS`]. Each weight tensor owns a quantizer, made by the scheme for its
//! bits and its blocks.

mod affine;
mod lsq;
mod symmetric;

use std::fmt;
use std::ops::RangeInclusive;

use crate::kernels::blocks::{Blocks, Granularity};
use crate::registry::{Entry, Named, Registry};
use crate::{Error, Result};

pub use crate::kernels::grid::{Encoded, Grid};
pub use crate::param::{Known, Quantizer};

/// What a quantizer is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request {
    /// Bits of a value.
    pub bits: u8,
    /// Which values share a scale.
    pub blocks: Blocks,
}

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

/// A registered scheme.
pub struct Scheme {
    /// Its name and description.
    pub entry: Entry,
    /// What kind of numbers it uses.
    pub format: Format,
    /// What it does, in one line.
    pub formula: &'static str,
    /// Where it was published.
    pub source: &'static str,
    /// The bit widths that it takes.
    pub bits: RangeInclusive<u8>,
    /// Whether the net, a channel or a group may share a scale, besides a tensor.
    pub granularities: &'static [Shared],
    /// Makes one for a tensor; `None`: the values stay as they are.
    pub build: fn(&Request) -> Option<Box<dyn Quantizer>>,
}

/// A kind of [`Granularity`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shared {
    /// [`Granularity::Net`].
    Net,
    /// [`Granularity::Channel`] and [`Granularity::Group`].
    Part,
}

impl Named for Scheme {
    fn name(&self) -> &'static str {
        self.entry.name
    }
}

/// Every scheme that a run can use.
pub static QUANTIZERS: Registry<Scheme> =
    Registry::new("quantizer", &[symmetric::SCHEME, affine::SCHEME, lsq::SCHEME, NONE]);

/// No quantization: the FP32 baseline.
const NONE: Scheme = Scheme {
    entry: Entry { name: "none", label: "FP32", about: "Full-precision weights, the baseline" },
    format: Format::Full,
    formula: "W_q = W",
    source: "IEEE 754",
    bits: 1..=32,
    granularities: &[Shared::Net, Shared::Part],
    build: |_| None,
};

impl Scheme {
    /// A quantizer of this scheme; `None` where values stay as they are.
    ///
    /// # Errors
    /// [`Error::Config`] for bits or a granularity that it cannot do; the message says what it can.
    pub fn quantizer(
        &self,
        bits: u8,
        granularity: Granularity,
        [rows, outputs]: [usize; 2],
    ) -> Result<Option<Box<dyn Quantizer>>> {
        let name = self.entry.name;
        if !self.bits.contains(&bits) {
            return Err(Error::Config {
                field: "bits",
                expected: match (self.bits.start(), self.bits.end()) {
                    (least, most) if least == most => format!("{least} with {name}"),
                    (least, most) => format!("{least} to {most} with {name}"),
                },
                found: bits.to_string(),
            });
        }
        let needed = match granularity {
            Granularity::Tensor => None,
            Granularity::Net => Some(Shared::Net),
            Granularity::Channel | Granularity::Group(_) => Some(Shared::Part),
        };
        if needed.is_some_and(|needed| !self.granularities.contains(&needed)) {
            return Err(Error::Config {
                field: "granularity",
                expected: format!("{} with {name}", self.accepted()),
                found: granularity.to_string(),
            });
        }
        Ok((self.build)(&Request { bits, blocks: Blocks::new(rows, outputs, granularity) }))
    }

    /// The granularities that it takes, for messages.
    fn accepted(&self) -> String {
        let mut names = vec!["tensor"];
        if self.granularities.contains(&Shared::Net) {
            names.insert(0, "net");
        }
        if self.granularities.contains(&Shared::Part) {
            names.extend(["channel", "group32", "group64", "group128"]);
        }
        names.join(", ")
    }
}

impl fmt::Display for Granularity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Net => f.write_str("net"),
            Self::Tensor => f.write_str("tensor"),
            Self::Channel => f.write_str("channel"),
            Self::Group(len) => write!(f, "group{len}"),
        }
    }
}

/// The granularity of a named choice, and what a menu shows of it.
pub struct Sharing {
    /// Its name and description.
    pub entry: Entry,
    /// What it is.
    pub granularity: Granularity,
}

impl Named for Sharing {
    fn name(&self) -> &'static str {
        self.entry.name
    }
}

/// Every granularity that a run can use.
pub static GRANULARITIES: Registry<Sharing> = Registry::new("granularity", SHARINGS);

const SHARINGS: &[Sharing] = &[
    Sharing {
        entry: Entry { name: "net", label: "Whole net", about: "One scale for all layers" },
        granularity: Granularity::Net,
    },
    Sharing {
        entry: Entry { name: "tensor", label: "Layer", about: "One scale a layer, as published" },
        granularity: Granularity::Tensor,
    },
    Sharing {
        entry: Entry { name: "channel", label: "Channel", about: "One scale an output channel" },
        granularity: Granularity::Channel,
    },
    Sharing {
        entry: Entry {
            name: "group128",
            label: "Groups of 128",
            about: "One scale for 128 weights of a channel",
        },
        granularity: Granularity::Group(128),
    },
    Sharing {
        entry: Entry {
            name: "group64",
            label: "Groups of 64",
            about: "One scale for 64 weights of a channel",
        },
        granularity: Granularity::Group(64),
    },
    Sharing {
        entry: Entry {
            name: "group32",
            label: "Groups of 32",
            about: "One scale for 32 weights of a channel",
        },
        granularity: Granularity::Group(32),
    },
];

/// The scheme of that name.
///
/// # Errors
/// [`crate::Error::Config`] for an unknown name.
pub fn find(name: &str) -> Result<&'static Scheme> {
    QUANTIZERS.find(name)
}

/// The granularity of that name.
///
/// # Errors
/// [`crate::Error::Config`] for an unknown name.
pub fn find_granularity(name: &str) -> Result<Granularity> {
    Ok(GRANULARITIES.find(name)?.granularity)
}
