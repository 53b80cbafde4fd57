//! From bytes to normalised batches.
//!
//! [`Loader`] reads CIFAR in its official formats, [`images::from_images`] takes pictures and
//! [`synthetic::generate`] draws a set of its own; all give a [`Dataset`], images kept as bytes. [`fill_batch`] turns
//! some of its images into a tensor.
//!
//! ```text
//! input <── pickle <── readers <── loader      bytes of files; readers write into a Sink, which the loader is
//!             cifar <────┴───────────┤         names, records and classes of the official files
//!                  images, synthetic ┤         other sources
//!                           batches ─┴──> dataset ──> normalize
//! ```
//!
//! No file here imports from one that imports from it, nor from this one.

pub mod batches;
pub mod cifar;
mod dataset;
pub mod images;
mod input;
pub mod loader;
mod normalize;
mod pickle;
mod readers;
pub mod synthetic;

pub use batches::{Augment, PAD, epoch_order, fill_batch, mirror};
pub use dataset::{
    BYTES_PER_IMAGE, Dataset, DatasetInfo, DatasetKind, IMAGE_BYTES, MAX_IMAGES, MEAN, PLANE, SIDE, STD,
    Split,
};
pub use loader::Loader;
pub use normalize::{BATCH_CHANNELS, Normalize};
