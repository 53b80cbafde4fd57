//! Trained networks in files of other programs. A target is one file and one line in [`TARGETS`]; it reads the lowered
//! network and no layer.

#[cfg(feature = "exports")]
mod c;
#[cfg(feature = "exports")]
mod card;
mod document;
#[cfg(feature = "exports")]
mod html;
#[cfg(feature = "exports")]
mod hub;
mod json;
#[cfg(feature = "exports")]
mod onnx;
#[cfg(feature = "exports")]
mod pytorch;
#[cfg(feature = "exports")]
mod read;
#[cfg(feature = "exports")]
mod safetensors;
#[cfg(feature = "exports")]
mod tensorboard;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::Result;
use crate::lower::Lowered;
use crate::registry::{Entry, Named, Registry};

#[cfg(feature = "exports")]
pub use read::read;

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
    /// Some training images, bytes `[n][3][32][32]`, for targets that choose ranges by them ([`Target::images`]).
    pub images: Vec<u8>,
    /// The run itself, saved with all of its images, for targets that go on with it ([`Target::whole`]).
    pub run: Vec<u8>,
    /// How it was trained, for targets that tell it.
    pub story: Option<Story>,
}

/// How a network was trained.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Story {
    /// Name of the data set.
    pub data: String,
    /// Numbers of its training and test images.
    pub images: [usize; 2],
    /// The settings by their keys, complete.
    pub settings: BTreeMap<String, String>,
    /// Loss of each step, in nats.
    pub losses: Vec<f64>,
    /// The [`EpochReport`](crate::metrics::EpochReport) of each epoch, as JSON in a line.
    pub reports: Vec<String>,
}

/// What a target writes.
#[derive(Debug, Clone, PartialEq)]
pub struct Artifact {
    /// The ending of a file's name, without a dot; of a folder what its name ends in, behind a dash.
    pub extension: &'static str,
    /// What is kept.
    pub content: Content,
    /// What there is to say of it besides its size.
    pub notes: Vec<String>,
}

/// A file, or a folder of them.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// A file.
    File {
        /// Its media type.
        mime: &'static str,
        /// Its content.
        bytes: Vec<u8>,
    },
    /// Files by their names in the folder.
    Folder(Vec<(&'static str, Vec<u8>)>),
}

/// A registered target.
pub struct Target {
    /// Its name and description.
    pub entry: Entry,
    /// Whether the engine's own builds have it; the page makes others by a module that it loads for them.
    pub engine: bool,
    /// Whether it reads [`Network::images`].
    pub images: bool,
    /// Whether it reads [`Network::run`].
    pub whole: bool,
    /// What it takes to use what it writes.
    pub needs: &'static str,
    /// The line that runs it in a shell, with `{file}` for the name of what was written.
    pub run: &'static str,
    /// Writes the file.
    pub write: fn(&Network) -> Result<Artifact>,
}

impl Target {
    /// What the page is told of it.
    pub(crate) fn row(&self) -> Value {
        let Self { entry: Entry { name, label, about }, engine, images, whole, needs, run, .. } = self;
        json!({
            "name": name,
            "label": label,
            "about": about,
            "engine": engine,
            "images": images,
            "whole": whole,
            "needs": needs,
            "run": run,
        })
    }
}

impl Named for Target {
    fn name(&self) -> &'static str {
        self.entry.name
    }
}

/// Every target. The engine has JSON alone, which the others can be made from ([`read`]).
pub static TARGETS: Registry<Target> = Registry::new(
    "target",
    &[
        json::TARGET,
        #[cfg(feature = "exports")]
        safetensors::TARGET,
        #[cfg(feature = "exports")]
        onnx::TARGET,
        #[cfg(feature = "exports")]
        onnx::FLOAT,
        #[cfg(feature = "exports")]
        c::TARGET,
        #[cfg(feature = "exports")]
        html::TARGET,
        #[cfg(feature = "exports")]
        hub::TARGET,
        #[cfg(feature = "exports")]
        tensorboard::TARGET,
        #[cfg(feature = "exports")]
        pytorch::TARGET,
    ],
);

/// The target of that name.
///
/// # Errors
/// [`crate::Error::Config`] for an unknown name.
pub fn find(name: &str) -> Result<&'static Target> {
    TARGETS.find(name)
}

impl Network {
    /// One that was never trained on anything.
    pub fn new(lowered: Lowered, classes: Vec<String>, [mean, std]: [[f32; 3]; 2]) -> Self {
        Self { lowered, classes, mean, std, images: Vec::new(), run: Vec::new(), story: None }
    }
}

impl Artifact {
    /// A file.
    fn file(extension: &'static str, mime: &'static str, bytes: Vec<u8>) -> Self {
        Self { extension, content: Content::File { mime, bytes }, notes: Vec::new() }
    }

    /// The same with something to say.
    #[cfg(feature = "exports")]
    fn noting(self, notes: Vec<String>) -> Self {
        Self { notes, ..self }
    }

    /// Bytes of everything.
    pub fn size(&self) -> usize {
        match &self.content {
            Content::File { bytes, .. } => bytes.len(),
            Content::Folder(files) => files.iter().map(|(_, bytes)| bytes.len()).sum(),
        }
    }

    /// The one file.
    pub fn bytes(&self) -> Option<&[u8]> {
        match &self.content {
            Content::File { bytes, .. } => Some(bytes),
            Content::Folder(_) => None,
        }
    }
}
