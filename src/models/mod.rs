//! Model presets: each is a JSON list of layer specs. A new one is one file and one line in [`MODELS`].

use crate::layers::spec::LayerSpec;
use crate::registry::{Entry, Named, Registry, told};
use crate::{Error, Result, json};

/// A registered architecture for 32x32 RGB images.
pub struct Preset {
    /// Its name and description.
    pub entry: Entry,
    /// A JSON list of [`LayerSpec`].
    pub layers: &'static str,
}

impl Preset {
    /// The layers.
    ///
    /// # Errors
    /// [`Error::Model`] if the JSON is not a list of layer specs.
    pub fn specs(&self) -> Result<Vec<LayerSpec>> {
        json::read(self.layers).map_err(|problem| Error::Model {
            layer: self.entry.name.into(),
            expected: "a JSON list of layers".into(),
            found: problem.to_string(),
        })
    }
}

impl Named for Preset {
    fn name(&self) -> &'static str {
        self.entry.name
    }
}

/// Every architecture that a run can use.
pub static MODELS: Registry<Preset> = Registry::new("model", OWN);

const OWN: &[Preset] = &[
    Preset {
        entry: Entry {
            name: "simple_resnet4bit",
            label: told("SimpleResNet4bit"),
            about: told(
                "Six 3x3 convolutions of 16 to 64 channels with one skip connection, 73 thousand weights",
            ),
        },
        layers: include_str!("simple_resnet4bit.json"),
    },
    Preset {
        entry: Entry {
            name: "vgg4bit",
            label: told("VGG4bit"),
            about: told(
                "Six 3x3 convolutions of 64 to 256 channels and two linear layers, 3.25 million weights",
            ),
        },
        layers: include_str!("vgg4bit.json"),
    },
    Preset {
        entry: Entry {
            name: "convnetjs_cifar10",
            label: told("ConvNetJS CIFAR-10"),
            about: told(
                "Three 5x5 convolutions of 16 and 20 channels, the layers of ConvNetJS's CIFAR-10 demo, 22 thousand weights",
            ),
        },
        layers: include_str!("convnetjs_cifar10.json"),
    },
];

/// The preset of that name.
///
/// # Errors
/// [`crate::Error::Config`] for an unknown name.
pub fn find(name: &str) -> Result<&'static Preset> {
    MODELS.find(name)
}
