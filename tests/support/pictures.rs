//! A data set as somebody's own pictures make one.

use nibble::data::images::from_pixels;
use nibble::data::{Dataset, IMAGE_BYTES};

/// 60 pictures of three classes, no two alike.
pub fn own_pictures() -> Dataset {
    let labels: Vec<u16> = (0..60).map(|image| image % 3).collect();
    let pixels: Vec<u8> = (0..60 * IMAGE_BYTES).map(|i| (i * 7 + i / 251) as u8).collect();
    let read =
        |image: usize, into: &mut [u8]| into.copy_from_slice(&pixels[image * IMAGE_BYTES..][..IMAGE_BYTES]);
    from_pixels("mine", ["a", "b", "c"].map(str::to_owned).to_vec(), pixels.len(), &labels, 1, read).unwrap()
}
