//! What a network is made from, and how its layers hang together.

use crate::layers::{Context, LAYERS, LayerKind, LayerSpec, Shape};
use crate::{Error, Result, RunConfig, models};

/// Pixels of an image side.
pub const IMAGE_SIZE: usize = 32;
/// Channels of an image.
pub const IMAGE_CHANNELS: usize = 3;
/// The `id` by which layers name the image itself.
const IMAGE: &str = "image";

/// Everything that a network is built from. A run holds one and builds every copy of its network from it.
#[derive(Debug, Clone, PartialEq)]
pub struct Description {
    /// The layers in order.
    pub layers: Vec<LayerSpec>,
    /// `[h, w, c]` of an image.
    pub input: Shape,
    /// Number of classes.
    pub classes: usize,
    /// The settings.
    pub config: RunConfig,
}

impl Description {
    /// A network for 32x32 RGB images.
    pub fn new(layers: Vec<LayerSpec>, classes: usize, config: RunConfig) -> Self {
        Self { layers, input: [IMAGE_SIZE, IMAGE_SIZE, IMAGE_CHANNELS], classes, config }
    }

    /// The preset that the settings name.
    ///
    /// # Errors
    /// [`Error::Config`] for an unknown name.
    pub fn preset(classes: usize, config: RunConfig) -> Result<Self> {
        Ok(Self::new(models::find(&config.model)?.specs()?, classes, config))
    }

    /// The same network under other settings.
    #[must_use]
    pub fn with(&self, config: RunConfig) -> Self {
        Self { config, ..self.clone() }
    }
}

/// Where an input comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// The batch of images.
    Image,
    /// The output of the layer (or node) of that index.
    Output(usize),
}

/// A layer of the description with its type and its inputs, by index in the description.
pub(super) struct Link<'a> {
    pub spec: &'a LayerSpec,
    pub kind: &'static LayerKind,
    pub inputs: Vec<Source>,
    /// Layers that read the output.
    pub readers: Vec<usize>,
}

/// Resolves types and names.
///
/// # Errors
/// [`Error::Model`] for an unknown type, a name that is not known (yet) or given twice, a number of inputs that the
/// layer does not take, and an output that nothing reads.
pub(super) fn link(description: &Description) -> Result<Vec<Link<'_>>> {
    let specs = &description.layers;
    let mut links: Vec<Link<'_>> = Vec::new();
    for (index, spec) in specs.iter().enumerate() {
        let refuse =
            |expected: String, found: String| Err(Context::error_about(index, spec, expected, found));
        let Some(kind) = LAYERS.iter().find(|kind| kind.name == spec.kind) else {
            let names: Vec<_> = LAYERS.iter().map(|kind| kind.name).collect();
            return refuse(names.join(", "), spec.kind.clone());
        };
        if let Some(id) = &spec.id
            && (id == IMAGE || specs[..index].iter().any(|other| other.id.as_ref() == Some(id)))
        {
            return refuse("an `id` of its own".into(), format!("`{id}` a second time"));
        }
        let previous = index.checked_sub(1).map_or(Source::Image, Source::Output);
        let named = |id: &String| match specs[..index].iter().position(|other| other.id.as_ref() == Some(id))
        {
            Some(at) => Ok(Source::Output(at)),
            None if id == IMAGE => Ok(Source::Image),
            None => Err(Context::error_about(index, spec, "the id of an earlier layer", id)),
        };
        let inputs = match (&spec.inputs, &spec.from) {
            (Some(_), Some(_)) => return refuse("`inputs` or `from`".into(), "both".into()),
            (Some(ids), None) => ids.iter().map(named).collect::<Result<Vec<_>>>()?,
            (None, Some(id)) => vec![previous, named(id)?],
            (None, None) => vec![previous],
        };
        if !kind.inputs.contains(&inputs.len()) {
            let (least, most) = (*kind.inputs.start(), *kind.inputs.end());
            let expected = match (least, most) {
                (1, 1) => "one input".into(),
                (least, most) if least == most => format!("{least} inputs"),
                (least, usize::MAX) => format!("at least {least} inputs"),
                (least, most) => format!("{least} to {most} inputs"),
            };
            return refuse(
                format!("{expected} (`from` adds one, `inputs` lists all)"),
                inputs.len().to_string(),
            );
        }
        for input in &inputs {
            if let Source::Output(at) = input {
                links[*at].readers.push(index);
            }
        }
        links.push(Link { spec, kind, inputs, readers: Vec::new() });
    }
    let unread = links[..links.len().saturating_sub(1)].iter().position(|link| link.readers.is_empty());
    if let Some(index) = unread {
        let expected = "a layer that reads its output";
        return Err(Context::error_about(index, &specs[index], expected, "none"));
    }
    if links.is_empty() {
        return Err(Error::Model {
            layer: "first".into(),
            expected: "at least one layer".into(),
            found: "none".into(),
        });
    }
    Ok(links)
}
