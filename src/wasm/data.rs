//! Data sets: those that were read elsewhere, the built-in one, and their images.

use std::sync::Arc;

use js_sys::{Function, Uint8Array, Uint8ClampedArray};
use wasm_bindgen::prelude::*;

use super::error::Result;
use super::files::failed;
use super::to_js;
use crate::Error;
use crate::data::{self, DatasetKind, images, synthetic};

/// Images read at once: 768 KB.
const PIECE: usize = 256;

/// Bytes that a data set of so many images takes, training and test images together: to ask whether there is room before
/// it is made. Beside it the making takes less than one image.
#[wasm_bindgen(js_name = datasetBytes)]
pub fn dataset_bytes(images: u32) -> f64 {
    f64::from(images) * data::BYTES_PER_IMAGE as f64
}

/// A loaded or generated data set.
#[wasm_bindgen]
pub struct Dataset(pub(super) Arc<data::Dataset>);

#[wasm_bindgen]
impl Dataset {
    /// The built-in set. Throws an Error of kind `data` where there is no memory for it.
    pub fn synthetic(train: u32, test: u32, seed: u32) -> Result<Dataset> {
        let dataset = synthetic::generate(train as usize, test as usize, u64::from(seed))?;
        Ok(Self(Arc::new(dataset)))
    }

    /// A set of one's own pictures: `pixels` are 32 x 32 x RGB bytes an image, `labels` its class, an index into
    /// `classes`, as any array of numbers. A tenth of each class, at least one image, is held out for testing. The pixels
    /// stay where they are and are read one image at a time. Throws an Error of kind `data` where there is no memory for
    /// them.
    #[wasm_bindgen(js_name = fromImages)]
    pub fn from_images(
        name: &str,
        classes: Vec<String>,
        pixels: &Uint8Array,
        labels: &[u16],
        seed: u32,
    ) -> Result<Dataset> {
        let length = pixels.length() as usize;
        let read = |image: usize, into: &mut [u8]| {
            let start = (image * data::IMAGE_BYTES) as u32;
            pixels.subarray(start, start + data::IMAGE_BYTES as u32).copy_to(into);
        };
        let dataset = images::from_pixels(name, classes, length, labels, u64::from(seed), read)?;
        Ok(Self(Arc::new(dataset)))
    }

    /// A set that the readers' module has read. `kind` is that of its info; `labels` are those of its training and then of its
    /// test images, of which the first `train` are the former. `read(image, count)` gives the bytes of so many images, as
    /// [`Split`](data::Split) has them, as a `Uint8Array`. Throws an Error of kind `data` where there is no memory for them, before
    /// any is read.
    #[wasm_bindgen(js_name = fromPlanes)]
    pub fn from_planes(
        kind: &str,
        name: &str,
        classes: Vec<String>,
        notes: Vec<String>,
        labels: &[u16],
        train: u32,
        read: &Function,
    ) -> Result<Dataset> {
        let kind = match kind {
            "cifar10" => DatasetKind::Cifar10,
            "cifar100" => DatasetKind::Cifar100,
            _ => DatasetKind::Images,
        };
        let (of_train, of_test) = labels.split_at((train as usize).min(labels.len()));
        let mut splits = [data::Split::default(), data::Split::default()];
        for (split, labels) in splits.iter_mut().zip([of_train, of_test]) {
            split.try_reserve(name, labels.len())?;
        }
        let mut at = 0;
        for (split, labels) in splits.iter_mut().zip([of_train, of_test]) {
            split.labels.extend_from_slice(labels);
            split.images.resize(labels.len() * data::IMAGE_BYTES, 0);
            for piece in split.images.chunks_mut(PIECE * data::IMAGE_BYTES) {
                let count = piece.len() / data::IMAGE_BYTES;
                let bytes =
                    read.call2(&JsValue::NULL, &JsValue::from(at as f64), &JsValue::from(count as f64));
                let bytes = Uint8Array::new(&bytes.map_err(failed)?);
                if bytes.length() as usize != piece.len() {
                    let (expected, found) =
                        (format!("{} bytes", piece.len()), format!("{} bytes", bytes.length()));
                    return Err(Error::Data { file: name.into(), expected, found }.into());
                }
                bytes.copy_to(piece);
                at += count;
            }
        }
        let [train, test] = splits;
        let mut dataset = data::Dataset::new(kind, name, classes, train, test)?;
        dataset.notes = notes;
        Ok(Self(Arc::new(dataset)))
    }

    /// What it is.
    pub fn info(&self) -> Result<JsValue> {
        to_js(&self.0.info())
    }

    /// Bytes of its images.
    pub fn bytes(&self) -> f64 {
        self.0.bytes() as f64
    }

    /// Pixels of one image: 32 x 32 x RGBA bytes. `split` is `train` or `test`.
    pub fn image(&self, split: &str, index: u32) -> Result<Uint8ClampedArray> {
        let split = self.split(split, index)?;
        Ok(Uint8ClampedArray::from(split.rgba(index as usize).as_slice()))
    }

    /// Class of one image.
    pub fn label(&self, split: &str, index: u32) -> Result<u16> {
        Ok(self.split(split, index)?.label(index as usize))
    }

    fn split(&self, name: &str, index: u32) -> Result<&data::Split> {
        let refuse = |field, expected, found| Err(Error::Config { field, expected, found }.into());
        let split = match name {
            "train" => &self.0.train,
            "test" => &self.0.test,
            _ => return refuse("split", "train or test".into(), name.into()),
        };
        if index as usize >= split.len() {
            return refuse("index", format!("below {}", split.len()), index.to_string());
        }
        Ok(split)
    }
}
