//! From files to a data set: the surface of the module that reads, which is no engine's.

use std::io;
use std::rc::Rc;

use js_sys::{Function, Uint8Array, Uint16Array};
use serde::Serialize;
use wasm_bindgen::prelude::*;

use super::error::Result;
use super::files::failed;
use super::to_js;
use crate::data::{self, DatasetInfo, Decoder, IMAGE_BYTES, LeftOut, PLANE, Source};

/// Largest piece read at once, bytes.
const PIECE: usize = 1 << 20;

/// A file of JavaScript, read by `read(file, offset, length)`, which gives a `Uint8Array`.
struct File {
    read: Function,
    number: u32,
    size: u64,
}

impl Source for File {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let length = (buffer.len().min(PIECE) as u64).min(self.size.saturating_sub(offset));
        if length == 0 {
            return Ok(0);
        }
        let (offset, wanted) = (JsValue::from(offset as f64), JsValue::from(length as f64));
        let bytes = self.read.call3(&JsValue::NULL, &self.number.into(), &offset, &wanted).map_err(failed)?;
        let bytes = Uint8Array::new(&bytes);
        let count = bytes.length() as usize;
        if count == 0 || count > buffer.len() {
            return Err(io::Error::other(format!("{count} bytes where {length} were asked for")));
        }
        bytes.copy_to(&mut buffer[..count]);
        Ok(count)
    }
}

/// Gathers what was dropped.
#[wasm_bindgen]
pub struct Gathering {
    gathering: data::Gathering,
    read: Function,
    files: u32,
}

#[wasm_bindgen]
impl Gathering {
    /// One of nothing. `read(file, offset, length)` gives that part of a file as a `Uint8Array`; files are counted from 0.
    #[wasm_bindgen(constructor)]
    pub fn new(read: Function) -> Self {
        Self { gathering: data::Gathering::new(Decoder { name: "this browser" }), read, files: 0 }
    }

    /// Adds the next file.
    pub fn add(&mut self, path: &str, size: f64) {
        let file = File { read: self.read.clone(), number: self.files, size: size as u64 };
        self.files += 1;
        self.gathering.add(path, Rc::new(file));
    }

    /// Lets the images take so many bytes at most; more are refused before they are read.
    #[wasm_bindgen(js_name = setRoom)]
    pub fn set_room(&mut self, bytes: f64) {
        self.gathering.set_room(bytes as usize);
    }

    /// Takes only about so many pictures, evenly of each class.
    #[wasm_bindgen(js_name = setSample)]
    pub fn set_sample(&mut self, images: u32) {
        self.gathering.set_sample(images as usize);
    }

    /// Looks at every file, and reads what is no picture. `looked(count)` is called as it goes.
    pub fn plan(self, looked: &Function) -> Result<Reading> {
        let mut tell = |count: usize| {
            // What a listener throws is none of ours.
            let _: std::result::Result<JsValue, JsValue> =
                looked.call1(&JsValue::NULL, &JsValue::from(count as f64));
        };
        Ok(Reading(self.gathering.plan(&mut tell)?))
    }
}

/// A picture to decode.
#[wasm_bindgen]
pub struct Picture {
    /// Its place, for `put` or `refuse`.
    pub slot: u32,
    /// The number of the file that it is; undefined where it lies in another.
    pub file: Option<u32>,
    bytes: Vec<u8>,
}

#[wasm_bindgen]
impl Picture {
    /// Its bytes, where it lies in another file.
    pub fn bytes(&self) -> Uint8Array {
        Uint8Array::from(self.bytes.as_slice())
    }
}

/// Whether a picture says in its first bytes that it has more pixels than are decoded.
#[wasm_bindgen(js_name = isTooLarge)]
pub fn is_too_large(head: &[u8]) -> bool {
    data::is_too_large(head)
}

/// A data set while its pictures are decoded.
#[wasm_bindgen]
pub struct Reading(data::Reading);

#[wasm_bindgen]
impl Reading {
    /// How many pictures there are to decode.
    pub fn pictures(&self) -> u32 {
        self.0.pictures() as u32
    }

    /// The next of them; undefined after the last.
    #[wasm_bindgen(js_name = nextPicture)]
    pub fn next_picture(&mut self) -> Result<Option<Picture>> {
        let picture = self.0.next_picture()?;
        Ok(picture.map(|data::Picture { slot, input, bytes }| Picture {
            slot: slot as u32,
            file: input.map(|input| self.0.origin(input) as u32),
            bytes,
        }))
    }

    /// Puts a decoded picture in its place: 32 x 32 pixels R G B A.
    pub fn put(&mut self, slot: u32, rgba: &[u8]) {
        let mut planes = [0; IMAGE_BYTES];
        for (at, pixel) in rgba.chunks_exact(4).take(PLANE).enumerate() {
            (0..3).for_each(|channel| planes[channel * PLANE + at] = pixel[channel]);
        }
        self.0.put(slot as usize, &planes);
    }

    /// A picture could not be decoded; `head` are its first bytes.
    pub fn refuse(&mut self, slot: u32, head: &[u8]) {
        self.0.refuse(slot as usize, head);
    }

    /// The data set.
    pub fn finish(self) -> Result<Found> {
        let (dataset, left_out) = self.0.finish()?;
        Ok(Found { dataset, left_out })
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FoundInfo {
    #[serde(flatten)]
    dataset: DatasetInfo,
    left_out: Vec<(String, String)>,
}

/// A data set that was read, to be taken out piece by piece.
#[wasm_bindgen]
pub struct Found {
    dataset: data::Dataset,
    left_out: Vec<LeftOut>,
}

#[wasm_bindgen]
impl Found {
    /// What it is, and `leftOut`: paths, each with what it is.
    pub fn info(&self) -> Result<JsValue> {
        let left_out = self.left_out.iter().map(|left| (left.path.clone(), left.why.clone())).collect();
        to_js(&FoundInfo { dataset: self.dataset.info(), left_out })
    }

    /// Class of each image, those of the training set first.
    pub fn labels(&self) -> Uint16Array {
        Uint16Array::from(
            [self.dataset.train.labels.as_slice(), &self.dataset.test.labels].concat().as_slice(),
        )
    }

    /// Bytes of images of `train` or `test`, from a place on; none behind the last.
    pub fn piece(&self, split: &str, offset: f64, length: u32) -> Uint8Array {
        let images = if split == "train" { &self.dataset.train.images } else { &self.dataset.test.images };
        let from = (offset as usize).min(images.len());
        let to = (from + length as usize).min(images.len());
        Uint8Array::from(&images[from..to])
    }
}
