//! Any picture as the network takes it, as on the page (`www/images/square.js`): the square in its middle, 32 x 32 pixels,
//! over white, each of them the mean of the area that it covers.

use std::io::{BufRead, BufReader, Seek};
use std::path::Path;
use std::{fs::File, io};

use image::{DynamicImage, ImageDecoder, ImageError, ImageReader, Limits, RgbaImage};
use nibble::data::SIDE;
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
    Ok(square(&picture))
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

/// The pixels that the stretch number `i` of [`SIDE`] of so many pixels touches: the first, and how much of each it covers.
fn touched(i: usize, side: usize) -> (usize, Vec<f64>) {
    let end = |i: usize| (i * side) as f64 / SIDE as f64;
    let (from, to) = (end(i), end(i + 1));
    let (first, behind) = (from.floor() as usize, to.ceil() as usize);
    let share = |pixel: usize| (pixel as f64 + 1.0).min(to) - (pixel as f64).max(from);
    (first, (first..behind).map(share).collect())
}

fn square(picture: &RgbaImage) -> Vec<u8> {
    let [width, height] = [picture.width(), picture.height()].map(|len| len as usize);
    let side = width.min(height);
    let (left, top) = ((width - side) / 2, (height - side) / 2);
    let stretches: Vec<_> = (0..SIDE).map(|i| touched(i, side)).collect();
    let area = (side as f64 / SIDE as f64).powi(2);
    let mut result = Vec::with_capacity(PICTURE_BYTES);
    let mut sums = vec![[0.0; 3]; side];
    for (first, down) in &stretches {
        sums.fill([0.0; 3]);
        for (y, share) in (top + first..).zip(down) {
            let row = &picture.as_raw()[4 * (y * width + left)..][..4 * side];
            for (sum, pixel) in sums.iter_mut().zip(row.as_chunks::<4>().0) {
                let seen = over_white(*pixel);
                sum.iter_mut().zip(seen).for_each(|(sum, value)| *sum += share * f64::from(value));
            }
        }
        for (first, across) in &stretches {
            for c in 0..3 {
                let columns = across.iter().zip(&sums[*first..]);
                let sum = columns.fold(0.0, |all, (share, sum)| all + share * sum[c]);
                // As arrays of a canvas round.
                result.push((sum / area).round_ties_even() as u8);
            }
            result.push(u8::MAX);
        }
    }
    result
}

fn over_white([r, g, b, a]: [u8; 4]) -> [u8; 3] {
    let most = u32::from(u8::MAX);
    let opaque = u32::from(a);
    [r, g, b].map(|value| ((u32::from(value) * opaque + most * (most - opaque) + most / 2) / most) as u8)
}
