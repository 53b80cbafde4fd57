//! The first and the last layer with weights, which many papers leave alone.

use super::activations::{ACTIVATIONS, ActivationScheme};
use super::gradients::{GRADIENTS, GradientScheme};
use super::weights::{QUANTIZERS, Scheme};
use crate::Result;
use crate::registry::{Entry, Named, Registry, told};

/// How the first and the last layer are rounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Like all others.
    Same,
    /// At 8 bits: by the run's scheme, or where that has no 8 bits by the plain integer one.
    Byte,
    /// Not at all.
    Full,
}

/// A named [`End`].
pub struct Ends {
    /// Its name and description.
    pub entry: Entry,
    /// What it is.
    pub end: End,
}

impl Named for Ends {
    fn name(&self) -> &'static str {
        self.entry.name
    }
}

/// Every way to treat the first and the last layer.
pub static ENDS: Registry<Ends> = Registry::new("ends", OWN);

const OWN: &[Ends] = &[
    Ends {
        entry: Entry { name: "same", label: told("Like the others"), about: told("As published") },
        end: End::Same,
    },
    Ends {
        entry: Entry {
            name: "8",
            label: told("8 bits"),
            about: told("By the same scheme, or as integers where it has no 8 bits"),
        },
        end: End::Byte,
    },
    Ends { entry: Entry { name: "full", label: told("FP32"), about: told("Not rounded") }, end: End::Full },
];

/// Bits of [`End::Byte`].
const BYTE: u8 = 8;

impl End {
    /// The scheme and the bits for such a layer's weights; `None` where they are not rounded.
    pub fn of_weights(self, scheme: &'static Scheme, bits: u8) -> Option<(&'static Scheme, u8)> {
        self.choose(scheme, scheme.bits, bits, || QUANTIZERS.find("symmetric"))
    }

    /// The same for the activations that such a layer reads.
    pub fn of_activations(
        self,
        scheme: &'static ActivationScheme,
        bits: u8,
    ) -> Option<(&'static ActivationScheme, u8)> {
        self.choose(scheme, scheme.bits, bits, || ACTIVATIONS.find("affine"))
    }

    /// The same for the gradients of such a layer's output.
    pub fn of_gradients(
        self,
        scheme: &'static GradientScheme,
        bits: u8,
    ) -> Option<(&'static GradientScheme, u8)> {
        self.choose(scheme, scheme.bits, bits, || GRADIENTS.find("affine"))
    }

    /// `takes` are the bits that the scheme can do, `plain` is one that can do 8.
    fn choose<S>(
        self,
        scheme: &'static S,
        takes: &[u8],
        bits: u8,
        plain: impl FnOnce() -> Result<&'static S>,
    ) -> Option<(&'static S, u8)> {
        match self {
            Self::Same => Some((scheme, bits)),
            Self::Byte if takes.contains(&BYTE) => Some((scheme, BYTE)),
            Self::Byte => plain().ok().map(|scheme| (scheme, BYTE)),
            Self::Full => None,
        }
    }
}

/// How the first and the last layer are rounded, by name.
///
/// # Errors
/// [`crate::Error::Config`] for an unknown name.
pub fn find_end(name: &str) -> Result<End> {
    Ok(ENDS.find(name)?.end)
}
