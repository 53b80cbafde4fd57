//! Arrays as images and as labels: whatever layout, order and type of number they have.

pub(super) mod idx;
pub(super) mod mat;
pub(super) mod npy;

use super::dataset::{IMAGE_BYTES, MAX_IMAGES, SIDE};
use super::input::wrong;
use super::square::Square;
use crate::Result;

/// Bytes of an array that is read. CIFAR-10's training images as f32 have 614 MB.
pub(super) const MAX_ARRAY: u64 = 1 << 30;
/// Dimensions of an array.
const MAX_DIMENSIONS: usize = 4;
/// Longest side of an image in an array, pixels.
const MAX_SIDE: usize = 1024;

/// A type of number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Dtype {
    /// numpy's letter: `u`, `i`, `f` or `b`.
    pub kind: u8,
    /// Bytes of a number.
    pub width: usize,
    pub big_endian: bool,
}

impl Dtype {
    pub const U8: Self = Self { kind: b'u', width: 1, big_endian: false };

    /// By numpy's name of it without the order, `u1`.
    pub fn new(name: &[u8], big_endian: bool) -> Option<Self> {
        let (kind, width) = match name {
            [kind @ (b'u' | b'i'), width @ (b'1' | b'2' | b'4' | b'8')] => (*kind, *width),
            [b'f', width @ (b'2' | b'4' | b'8')] => (b'f', *width),
            [b'b', b'1'] => (b'b', b'1'),
            _ => return None,
        };
        Some(Self { kind, width: usize::from(width - b'0'), big_endian })
    }

    fn bytes<const N: usize>(self, bytes: &[u8]) -> [u8; N] {
        let mut value: [u8; N] = bytes.try_into().expect("so many bytes");
        if self.big_endian {
            value.reverse();
        }
        value
    }

    /// A number of its [`Self::width`] bytes.
    pub fn value(self, bytes: &[u8]) -> f64 {
        match (self.kind, self.width) {
            (b'i', 1) => f64::from(bytes[0] as i8),
            (_, 1) => f64::from(bytes[0]),
            (b'u', 2) => f64::from(u16::from_le_bytes(self.bytes(bytes))),
            (b'i', 2) => f64::from(i16::from_le_bytes(self.bytes(bytes))),
            (b'u', 4) => f64::from(u32::from_le_bytes(self.bytes(bytes))),
            (b'i', 4) => f64::from(i32::from_le_bytes(self.bytes(bytes))),
            (b'u', _) => u64::from_le_bytes(self.bytes(bytes)) as f64,
            (b'i', _) => i64::from_le_bytes(self.bytes(bytes)) as f64,
            (_, 2) => half(u16::from_le_bytes(self.bytes(bytes))),
            (_, 4) => f64::from(f32::from_le_bytes(self.bytes(bytes))),
            _ => f64::from_le_bytes(self.bytes(bytes)),
        }
    }
}

/// A number of half precision.
fn half(bits: u16) -> f64 {
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), f64::from(bits & 0x3ff));
    let size = match exponent {
        0 => fraction * 2f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1.0 + fraction / 1024.0) * 2f64.powi(exponent - 15),
    };
    if bits >> 15 == 1 { -size } else { size }
}

/// Numbers in their order.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Array {
    pub dtype: Dtype,
    pub shape: Vec<usize>,
    /// The first index moves fastest.
    pub fortran: bool,
    pub bytes: Vec<u8>,
}

/// How the numbers of images lie: how far apart neighbours are, in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Layout {
    count: usize,
    height: usize,
    width: usize,
    channels: usize,
    /// Of images, rows, columns and channels.
    strides: [usize; 4],
}

/// The number of bytes of an array; `None` where its numbers lie farther apart than an array may be large. What an empty
/// dimension leaves out counts for that: neighbours along the others are as far apart.
pub(super) fn byte_count(dtype: Dtype, shape: &[usize]) -> Option<u64> {
    let times = |bytes: u64, &side: &usize| bytes.checked_mul(side.max(1) as u64);
    let bytes = shape.iter().try_fold(dtype.width as u64, times)?;
    (bytes <= MAX_ARRAY).then_some(if shape.contains(&0) { 0 } else { bytes })
}

/// The same, with a sentence where there is none.
pub(super) fn bytes_of(file: &str, dtype: Dtype, shape: &[usize]) -> Result<u64> {
    if shape.len() > MAX_DIMENSIONS {
        return wrong(file, format!("at most {MAX_DIMENSIONS} dimensions"), format!("{}", shape.len()));
    }
    byte_count(dtype, shape).map_or_else(
        || wrong(file, format!("an array of at most {} GB", MAX_ARRAY >> 30), format!("shape {shape:?}")),
        Ok,
    )
}

impl Array {
    /// How far apart neighbours along each dimension are.
    fn strides(&self) -> Vec<usize> {
        let mut strides = vec![1; self.shape.len()];
        let mut step = 1;
        let places: Vec<usize> = if self.fortran {
            (0..self.shape.len()).collect()
        } else {
            (0..self.shape.len()).rev().collect()
        };
        for place in places {
            strides[place] = step;
            step *= self.shape[place];
        }
        strides
    }

    /// What its dimensions mean; `None` where no images are of this shape.
    fn layout(&self) -> Option<Layout> {
        let strides = self.strides();
        let (sides, step) = (self.shape.as_slice(), strides.as_slice());
        let colours = |side: usize| matches!(side, 1 | 3 | 4);
        let layout = match *sides {
            // As MATLAB and STL-10 keep them.
            [h, w, c @ (1 | 3), n] if self.fortran && h == w => Layout {
                count: n,
                height: h,
                width: w,
                channels: c,
                strides: [step[3], step[0], step[1], step[2]],
            },
            [n, h, w, c] if colours(c) && !(matches!(h, 1 | 3) && w != h && w > 4 && c == w) => Layout {
                count: n,
                height: h,
                width: w,
                channels: c,
                strides: [step[0], step[1], step[2], step[3]],
            },
            [n, c @ (1 | 3), h, w] => Layout {
                count: n,
                height: h,
                width: w,
                channels: c,
                strides: [step[0], step[2], step[3], step[1]],
            },
            [h, w, n] if self.fortran && h == w => {
                Layout { count: n, height: h, width: w, channels: 1, strides: [step[2], step[0], step[1], 0] }
            }
            [n, h, w] => {
                Layout { count: n, height: h, width: w, channels: 1, strides: [step[0], step[1], step[2], 0] }
            }
            // Rows of planes, as CIFAR has them, or of one.
            [n, numbers] => {
                let side = |numbers: usize| (2..=MAX_SIDE).find(|side| side * side == numbers);
                let (side, channels) = match (numbers % 3, side(numbers / 3), side(numbers)) {
                    (0, Some(side), _) => (side, 3),
                    (_, _, Some(side)) => (side, 1),
                    _ => return None,
                };
                let one = step[1];
                Layout {
                    count: n,
                    height: side,
                    width: side,
                    channels,
                    strides: [step[0], side * one, one, side * side * one],
                }
            }
            _ => return None,
        };
        let fits = [layout.height, layout.width].iter().all(|side| (2..=MAX_SIDE).contains(side));
        fits.then_some(layout)
    }

    /// Calls `look` with every number.
    fn each(&self, look: &mut dyn FnMut(f64)) {
        self.bytes.chunks_exact(self.dtype.width).for_each(|bytes| look(self.dtype.value(bytes)));
    }

    /// How values become bytes: times and plus so much.
    fn scale(&self, file: &str) -> Result<(f64, f64)> {
        if self.dtype == Dtype::U8 {
            return Ok((1.0, 0.0));
        }
        let (mut least, mut most, mut finite) = (f64::INFINITY, f64::NEG_INFINITY, true);
        self.each(&mut |value| {
            least = least.min(value);
            most = most.max(value);
            finite &= value.is_finite();
        });
        let whole = self.dtype.kind != b'f';
        match (least, most) {
            _ if !finite => {
                wrong(file, "numbers from 0 to 255 or from 0 to 1", "some that are none (NaN or infinite)")
            }
            _ if self.dtype.kind == b'b' => Ok((255.0, 0.0)),
            (0.0.., ..=1.0) if !whole => Ok((255.0, 0.0)),
            (0.0.., ..=255.0) => Ok((1.0, 0.0)),
            (-1.0.., ..=1.0) if !whole => Ok((127.5, 127.5)),
            (0.0.., ..=65535.0) if whole && self.dtype.width == 2 => Ok((255.0 / 65535.0, 0.0)),
            _ => wrong(file, "numbers from 0 to 255 or from 0 to 1", format!("some from {least} to {most}")),
        }
    }

    /// How many images it holds; 0 where its shape is that of none.
    pub fn count(&self) -> usize {
        self.layout().map_or(0, |layout| layout.count)
    }

    /// Its images, [`IMAGE_BYTES`] each: those of `picked`, by their numbers, or all. `file` names them.
    ///
    /// # Errors
    /// [`crate::Error::Data`] for a shape that no images have, values that are no shades, too many images, and where there is
    /// no memory for them.
    pub fn images(self, file: &str, picked: Option<&[usize]>) -> Result<Vec<u8>> {
        let Some(layout) = self.layout() else {
            let expected =
                "images: shape [n, height, width, 3], [n, 3, height, width], [n, height, width] or [n, 3072]";
            return wrong(file, expected, format!("shape {:?}", self.shape));
        };
        let count = picked.map_or(layout.count, <[usize]>::len);
        if count > MAX_IMAGES {
            return wrong(file, format!("at most {MAX_IMAGES} images in all"), count.to_string());
        }
        let planes = layout.channels == 3 && layout.height == SIDE && layout.width == SIDE;
        // Nothing to do but to move.
        let bytes = self.dtype == Dtype::U8 && layout.strides == [IMAGE_BYTES, SIDE, 1, SIDE * SIDE];
        if planes && bytes && picked.is_none() {
            return Ok(self.bytes);
        }
        let (times, plus) = self.scale(file)?;
        let mut images = Vec::new();
        if images.try_reserve_exact(count * IMAGE_BYTES).is_err() {
            return wrong(file, format!("memory for {count} images"), "too little");
        }
        let [of_image, of_row, of_column, of_channel] = layout.strides;
        let width = self.dtype.width;
        let at = |place: usize| {
            let value = self.dtype.value(&self.bytes[place * width..][..width]);
            (value * times + plus).round() as u8
        };
        let square = Square::new(layout.width, layout.height);
        let mut rgba = vec![u8::MAX; 4 * layout.width * layout.height];
        for number in 0..count {
            let image = picked.map_or(number, |picked| picked[number]);
            let start = image * of_image;
            if planes {
                for channel in 0..3 {
                    for row in 0..SIDE {
                        let start = start + channel * of_channel + row * of_row;
                        images.extend((0..SIDE).map(|column| at(start + column * of_column)));
                    }
                }
                continue;
            }
            for (pixel, rgba) in rgba.as_chunks_mut::<4>().0.iter_mut().enumerate() {
                let start = start + pixel / layout.width * of_row + pixel % layout.width * of_column;
                for (channel, value) in rgba.iter_mut().enumerate() {
                    match (channel, layout.channels) {
                        (3, 4) => *value = at(start + 3 * of_channel),
                        (3, _) => {}
                        (_, 1) => *value = at(start),
                        _ => *value = at(start + channel * of_channel),
                    }
                }
            }
            images.extend_from_slice(&square.of(&rgba));
        }
        Ok(images)
    }

    /// Its labels: whole numbers in a row or a column, or one-hot rows. `None` where it holds none.
    pub fn labels(&self) -> Option<Vec<i64>> {
        let whole = |value: f64| (value.fract() == 0.0 && value.abs() < 1e15).then_some(value as i64);
        let count = self.shape.iter().product::<usize>();
        let long: Vec<usize> = self.shape.iter().copied().filter(|&side| side > 1).collect();
        if count == 0 || long.len() > 2 || count > 1000 * MAX_IMAGES {
            return None;
        }
        let mut values = Vec::new();
        let mut right = true;
        if long.len() <= 1 {
            self.each(&mut |value| match whole(value) {
                Some(value) => values.push(value),
                None => right = false,
            });
            return right.then_some(values);
        }
        let &[rows, columns] = self.shape.as_slice() else { return None };
        let strides = self.strides();
        for row in 0..rows {
            let mut hot = None;
            for column in 0..columns {
                let at = (row * strides[0] + column * strides[1]) * self.dtype.width;
                let value = self.dtype.value(&self.bytes[at..][..self.dtype.width]);
                match (value, hot) {
                    (0.0, _) => {}
                    (1.0, None) => hot = Some(column as i64),
                    _ => return None,
                }
            }
            values.push(hot?);
        }
        Some(values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two images, their bytes counted up, in each layout that people have.
    fn image(n: usize, c: usize, y: usize, x: usize) -> u8 {
        (n * 100 + c * 50 + y * 3 + x * 7) as u8
    }

    fn array(shape: &[usize], fortran: bool, of: impl Fn(&[usize]) -> u8) -> Array {
        let count: usize = shape.iter().product();
        let bytes = (0..count)
            .map(|i| {
                let (mut rest, mut index) = (i, vec![0; shape.len()]);
                let places: Vec<usize> =
                    if fortran { (0..shape.len()).collect() } else { (0..shape.len()).rev().collect() };
                for place in places {
                    index[place] = rest % shape[place];
                    rest /= shape[place];
                }
                of(&index)
            })
            .collect();
        Array { dtype: Dtype::U8, shape: shape.to_vec(), fortran, bytes }
    }

    #[test]
    fn numbers_lie_no_farther_apart_than_an_array_is_large() {
        assert_eq!(byte_count(Dtype::U8, &[10, 32, 32, 3]), Some(30_720));
        assert_eq!(byte_count(Dtype::U8, &[0, 32, 32, 3]), Some(0));
        for shape in [[0, 1, 1_272_718_382_687_531_827, 3], [1 << 32, 1 << 32, 0, 3], [1 << 31, 1, 1, 1]] {
            assert_eq!(byte_count(Dtype::U8, &shape), None, "{shape:?}");
        }
    }

    #[test]
    fn every_layout_gives_the_same_images() {
        let planes =
            array(&[2, 3, 32, 32], false, |i| image(i[0], i[1], i[2], i[3])).images("a", None).unwrap();
        assert_eq!(planes[IMAGE_BYTES + 1024 + 32 + 1], image(1, 1, 1, 1));
        let others = [
            array(&[2, 3, 32, 32], true, |i| image(i[0], i[1], i[2], i[3])),
            array(&[2, 32, 32, 3], false, |i| image(i[0], i[3], i[1], i[2])),
            array(&[2, 32, 32, 3], true, |i| image(i[0], i[3], i[1], i[2])),
            array(&[32, 32, 3, 2], true, |i| image(i[3], i[2], i[0], i[1])),
            array(&[2, 3072], false, |i| image(i[0], i[1] / 1024, i[1] / 32 % 32, i[1] % 32)),
            array(&[2, 3072], true, |i| image(i[0], i[1] / 1024, i[1] / 32 % 32, i[1] % 32)),
        ];
        for other in others {
            let what = format!("{:?}, {}", other.shape, other.fortran);
            assert_eq!(other.images("a", None).unwrap(), planes, "{what}");
        }
        let mut wide = array(&[2, 32, 32, 3], false, |i| image(i[0], i[3], i[1], i[2]));
        wide.bytes = wide.bytes.iter().flat_map(|&byte| (f32::from(byte) / 255.0).to_be_bytes()).collect();
        wide.dtype = Dtype::new(b"f4", true).unwrap();
        assert_eq!(wide.images("a", None).unwrap(), planes);
    }

    #[test]
    fn grey_becomes_three_channels_and_other_sizes_go_through_the_one_way() {
        for shape in [vec![2, 64, 64], vec![2, 64, 64, 1], vec![2, 1, 64, 64], vec![2, 4096]] {
            let images = array(&shape, false, |i| if i[0] == 0 { 7 } else { 200 }).images("a", None).unwrap();
            assert_eq!(images, [vec![7; IMAGE_BYTES], vec![200; IMAGE_BYTES]].concat(), "{shape:?}");
        }
    }

    #[test]
    fn labels_in_every_form() {
        let row = array(&[3], false, |i| i[0] as u8);
        assert_eq!(row.labels(), Some(vec![0, 1, 2]));
        assert_eq!(array(&[3, 1], false, |i| i[0] as u8).labels(), Some(vec![0, 1, 2]));
        assert_eq!(array(&[2, 3], true, |i| u8::from(i[1] == 2 - i[0])).labels(), Some(vec![2, 1]));
        assert_eq!(array(&[2, 3], false, |_| 1).labels(), None);
        let halves = [0x3c00u16, 0x4000].iter().flat_map(|bits| bits.to_le_bytes()).collect();
        let halves =
            Array { dtype: Dtype::new(b"f2", false).unwrap(), shape: vec![2], fortran: false, bytes: halves };
        assert_eq!(halves.labels(), Some(vec![1, 2]));
    }

    #[test]
    fn what_is_no_picture_is_refused() {
        let mut odd = array(&[1, 32, 32, 3], false, |_| 1);
        odd.bytes = odd.bytes.iter().flat_map(|_| 300f64.to_le_bytes()).collect();
        odd.dtype = Dtype::new(b"f8", false).unwrap();
        let message = odd.images("x.npy", None).unwrap_err().to_string();
        assert_eq!(
            message,
            "x.npy: expected numbers from 0 to 255 or from 0 to 1, found some from 300 to 300"
        );
        let odd = array(&[10, 7], false, |_| 1).images("x.npy", None).unwrap_err().to_string();
        assert!(odd.contains("found shape [10, 7]"), "{odd}");
    }
}
