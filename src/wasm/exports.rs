//! From a network to files of other programs: the surface of the module that exports, which is no engine's.

use std::io::{Cursor, Write};

use js_sys::{Array, Uint8Array};
use wasm_bindgen::prelude::*;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use super::error::Result;
use super::{from_js, object};
use crate::export::{self, Artifact, Content, Network, Story};

/// A network as the engine's target `json` has written it, with what some targets tell of it: `story` is a [`Story`], `images`
/// are some training images, bytes `[n][3][32][32]`. Gives `{extension, mime, bytes, notes}`; a folder is packed as a zip.
#[wasm_bindgen(js_name = exportTo)]
pub fn export_to(target: &str, network: &[u8], story: JsValue, images: Vec<u8>) -> Result<JsValue> {
    let target = export::find(target)?;
    let story: Story = from_js(&story)?;
    let network = Network { story: Some(story), images, ..export::read("the network", network)? };
    let Artifact { extension, content, notes } = (target.write)(&network)?;
    let (extension, mime, bytes) = match content {
        Content::File { mime, bytes } => (extension.to_owned(), mime, bytes),
        Content::Folder(files) => (format!("{extension}.zip"), "application/zip", zipped(&files)?),
    };
    Ok(object([
        ("extension", extension.into()),
        ("mime", mime.into()),
        ("bytes", Uint8Array::from(bytes.as_slice()).into()),
        ("notes", notes.iter().map(JsValue::from).collect::<Array>().into()),
    ]))
}

/// A folder as one file.
fn zipped(files: &[(&'static str, Vec<u8>)]) -> std::io::Result<Vec<u8>> {
    // The same bytes whenever it is made.
    let stored = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .last_modified_time(DateTime::default());
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        zip.start_file(*name, stored)?;
        zip.write_all(bytes)?;
    }
    Ok(zip.finish()?.into_inner())
}
