//! From bytes to normalised batches.
//!
//! [`Gathering`] reads whatever was dropped and [`synthetic::generate`] draws a set of its own; both give a [`Dataset`],
//! images kept as bytes. [`fill_batch`] turns some of its images into a tensor.
//!
//! ```text
//! source, input                                bytes of files
//!   <── archive <── recognise                  gzip, tar, zip; what a file is by its content
//!   <── arrays, pickle, parquet                one format each
//! roles <── readers <── loader                 CIFAR's batches; readers write into a Sink, which the loader is
//! folders, labels <── pairs, tables, pictures  which class, which part; sets of arrays, of tables, of pictures
//!                                   <── gather   from a drop to a set
//!   cifar, images, synthetic, batches <──┴──> dataset ──> normalize, crc
//! ```
//!
//! All that reads files is behind the feature `readers`, which the engine's builds leave out: in a browser it is a module of
//! its own. No file here imports from one that imports from it, nor from this one.

#[cfg(feature = "readers")]
mod archive;
#[cfg(feature = "readers")]
mod arrays;
pub mod batches;
pub mod cifar;
mod crc;
mod dataset;
#[cfg(feature = "readers")]
mod folders;
#[cfg(feature = "readers")]
mod gather;
pub mod images;
#[cfg(feature = "readers")]
mod input;
#[cfg(feature = "readers")]
mod labels;
#[cfg(feature = "readers")]
mod left_out;
#[cfg(feature = "readers")]
mod loader;
mod normalize;
#[cfg(feature = "readers")]
mod pairs;
#[cfg(feature = "readers")]
mod parquet;
#[cfg(feature = "readers")]
mod pickle;
#[cfg(feature = "readers")]
mod pictures;
#[cfg(feature = "readers")]
mod readers;
#[cfg(feature = "readers")]
mod recognise;
#[cfg(feature = "readers")]
mod roles;
#[cfg(feature = "readers")]
mod share;
#[cfg(feature = "readers")]
mod source;
#[cfg(feature = "readers")]
mod square;
pub mod synthetic;
#[cfg(feature = "readers")]
mod tables;

pub use batches::{Augment, PAD, epoch_order, fill_batch, mirror};
pub use dataset::{
    BYTES_PER_IMAGE, Dataset, DatasetInfo, DatasetKind, IMAGE_BYTES, MAX_IMAGES, MEAN, PLANE, SIDE, STD,
    Split,
};
#[cfg(feature = "readers")]
pub use gather::{Gathering, Picture, Reading};
#[cfg(feature = "readers")]
pub use left_out::LeftOut;
pub use normalize::{BATCH_CHANNELS, Normalize};
#[cfg(feature = "readers")]
pub use pictures::Decoder;
#[cfg(feature = "readers")]
pub use recognise::is_too_large;
#[cfg(feature = "readers")]
pub use source::Source;
#[cfg(feature = "readers")]
pub use square::Square;
