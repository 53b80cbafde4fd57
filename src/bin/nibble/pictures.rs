//! Pictures as the network takes them ([`Square`]).

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Seek};
use std::path::Path;

use image::{DynamicImage, ImageDecoder, ImageError, ImageReader, Limits, RgbaImage};
use nibble::data::{IMAGE_BYTES, Square, is_too_large};
use nibble::packed::PICTURE_BYTES;

use crate::problem::{Problem, Result};

/// Reads a file as `[32][32]` pixels R G B A.
///
/// # Errors
/// Where there is none, or it is no picture of a format that is known.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    let file = File::open(path).map_err(|error| Problem::unreadable(path, &error))?;
    let picture = decode(BufReader::new(file)).map_err(|error| match error {
        ImageError::IoError(error) if error.kind() != io::ErrorKind::UnexpectedEof => {
            Problem::unreadable(path, &error)
        }
        ImageError::Limits(_) => {
            Problem::data(path, "a picture that takes at most 512 MiB in memory", "a larger one")
        }
        error => {
            // Of several lines the first says what is wrong.
            let found = error.to_string();
            Problem::data(path, "a picture (PNG or JPEG)", found.lines().next().unwrap_or("none"))
        }
    })?;
    let planes = square(&picture);
    let plane = planes.len() / 3;
    let mut rgba = Vec::with_capacity(PICTURE_BYTES);
    for pixel in 0..plane {
        rgba.extend([planes[pixel], planes[plane + pixel], planes[2 * plane + pixel], u8::MAX]);
    }
    Ok(rgba)
}

/// The bytes of a file as `[3][32][32]`; nothing where they are no picture that is known.
pub fn planes(bytes: &[u8]) -> Option<[u8; IMAGE_BYTES]> {
    if is_too_large(bytes) {
        return None;
    }
    decode(Cursor::new(bytes)).ok().map(|picture| square(&picture))
}

fn decode(input: impl BufRead + Seek) -> std::result::Result<RgbaImage, ImageError> {
    let mut decoder = ImageReader::new(input).with_guessed_format()?.into_decoder()?;
    // Of the picture itself: decoders count only what they need beside it.
    let mut limits = Limits::default();
    limits.reserve(decoder.total_bytes())?;
    decoder.set_limits(limits)?;
    // Cameras write down how they were held.
    let orientation = decoder.orientation()?;
    let mut picture = DynamicImage::from_decoder(decoder)?;
    picture.apply_orientation(orientation);
    Ok(picture.into_rgba8())
}

fn square(picture: &RgbaImage) -> [u8; IMAGE_BYTES] {
    let [width, height] = [picture.width(), picture.height()].map(|len| len as usize);
    Square::new(width, height).of(picture.as_raw())
}
