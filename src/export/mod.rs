//! Trained networks in files of other programs. A target is one file and one line in [`TARGETS`]; it reads the lowered
//! network and no layer.

mod json;

use crate::Result;
use crate::lower::Lowered;
use crate::registry::{Entry, Named, Registry};

/// What there is to export.
#[derive(Debug, Clone, PartialEq)]
pub struct Network {
    /// What it computes.
    pub lowered: Lowered,
    /// Names of the classes, in the order of the logits.
    pub classes: Vec<String>,
    /// Mean that is subtracted from the pixels in 0..1, by channel.
    pub mean: [f32; 3],
    /// Standard deviation that they are divided by.
    pub std: [f32; 3],
}

/// A file to keep.
#[derive(Debug, Clone, PartialEq)]
pub struct Artifact {
    /// Its ending, without a dot.
    pub extension: &'static str,
    /// Its media type.
    pub mime: &'static str,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// A registered target.
pub struct Target {
    /// Its name and description.
    pub entry: Entry,
    /// Writes the file.
    pub write: fn(&Network) -> Result<Artifact>,
}

impl Named for Target {
    fn name(&self) -> &'static str {
        self.entry.name
    }
}

/// Every target.
pub static TARGETS: Registry<Target> = Registry::new("target", &[json::TARGET]);

/// The target of that name.
///
/// # Errors
/// [`crate::Error::Config`] for an unknown name.
pub fn find(name: &str) -> Result<&'static Target> {
    TARGETS.find(name)
}
