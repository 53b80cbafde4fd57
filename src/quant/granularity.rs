//! Which weights share a scale, by name.

use std::fmt;

use crate::Result;
use crate::kernels::blocks::Granularity;
use crate::registry::{Entry, Named, Registry, told};

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
        entry: Entry { name: "net", label: told("The whole net"), about: told("One scale for all layers") },
        granularity: Granularity::Net,
    },
    Sharing {
        entry: Entry {
            name: "tensor",
            label: told("A layer"),
            about: told("One scale a layer, as published"),
        },
        granularity: Granularity::Tensor,
    },
    Sharing {
        entry: Entry {
            name: "channel",
            label: told("A channel"),
            about: told("One scale an output channel"),
        },
        granularity: Granularity::Channel,
    },
    Sharing {
        entry: Entry {
            name: "group128",
            label: told("128 weights"),
            about: told("One scale for 128 weights of a channel"),
        },
        granularity: Granularity::Group(128),
    },
    Sharing {
        entry: Entry {
            name: "group64",
            label: told("64 weights"),
            about: told("One scale for 64 weights of a channel"),
        },
        granularity: Granularity::Group(64),
    },
    Sharing {
        entry: Entry {
            name: "group32",
            label: told("32 weights"),
            about: told("One scale for 32 weights of a channel"),
        },
        granularity: Granularity::Group(32),
    },
];

/// The granularity of that name.
///
/// # Errors
/// [`crate::Error::Config`] for an unknown name.
pub fn find_granularity(name: &str) -> Result<Granularity> {
    Ok(GRANULARITIES.find(name)?.granularity)
}
