//! Data sets: files read into one, the built-in one, and their images.

use std::sync::Arc;

use js_sys::{Function, Uint8Array, Uint8ClampedArray};
use wasm_bindgen::prelude::*;

use super::error::Result;
use super::files::Source;
use super::to_js;
use crate::Error;
use crate::data::loader::Loader;
use crate::data::{self, images, synthetic};

/// Gathers files into a data set.
#[wasm_bindgen]
#[derive(Default)]
pub struct DatasetLoader {
    loader: Loader,
}

#[wasm_bindgen]
impl DatasetLoader {
    /// One without files.
    #[wasm_bindgen(constructor)]
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets the images take so many bytes at most, those read so far included; a file with more is refused before they
    /// are read. See [`dataset_bytes`].
    #[wasm_bindgen(js_name = setRoom)]
    pub fn set_room(&mut self, bytes: f64) {
        self.loader.set_room(bytes as usize);
    }

    /// Bytes of the images read so far.
    pub fn bytes(&self) -> f64 {
        self.loader.bytes() as f64
    }

    /// Reads one file or archive. `read(offset, length)` returns a `Uint8Array` of that part of it;
    /// `progress(bytes)`, where given, is called as it goes.
    #[wasm_bindgen(js_name = addFile)]
    pub fn add_file(
        &mut self,
        name: &str,
        size: f64,
        read: Function,
        progress: Option<Function>,
    ) -> Result<()> {
        Ok(self.loader.add(name, size as u64, Source::new(read, size, progress))?)
    }

    /// Ends the gathering.
    pub fn finish(self) -> Result<Dataset> {
        Ok(Dataset(Arc::new(self.loader.finish()?)))
    }
}

/// Bytes that a data set of so many images takes, training and test images together: to ask whether there is room before
/// it is made. Beside it the making takes less than one image, but for a pickled file, which is there twice while it is
/// read.
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
