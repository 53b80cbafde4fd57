//! Batches: the order of an epoch, random crop and flip, normalisation.

use super::dataset::{PLANE, SIDE, Split};
use super::normalize::{BATCH_CHANNELS, Normalize};
use crate::Tensor;
use crate::kernels::parallel;
use crate::random::{Purpose, below, stream};

/// Pixels around an image before it is cropped back to its size.
pub const PAD: usize = 4;

/// Random crop and flip of the training images of one epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Augment {
    /// Seed of the run.
    pub seed: u64,
    /// The epoch; only its low 24 bits count.
    pub epoch: u32,
    /// Position within the epoch of the first image of the batch. An image's crop and flip depend on the
    /// seed, the epoch and its position alone, not on the batch size or the threads.
    pub position: u32,
    /// The most pixels of a shift, at most [`PAD`].
    pub reach: usize,
    /// Whether an image is mirrored in every other epoch; else with probability 1/2 each time.
    pub alternating: bool,
    /// Whether what is around an image is its mirror image; else it is black.
    pub reflecting: bool,
}

/// What happens to one image: its crop's corner in the padded image and whether it is mirrored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Crop {
    top: usize,
    left: usize,
    flip: bool,
    reflecting: bool,
}

/// The crop that leaves an image as it is.
const CENTRE: Crop = Crop { top: PAD, left: PAD, flip: false, reflecting: false };

impl Augment {
    /// Of image `index` of the split, the `place`-th of the batch.
    fn crop(&self, place: usize, index: u32) -> Crop {
        let position = u64::from(self.position) + place as u64;
        let mut rng = stream(self.seed, Purpose::Augment { epoch: self.epoch }, position);
        let corners = 2 * self.reach as u32 + 1;
        let mut corner = || PAD - self.reach + below(&mut rng, corners) as usize;
        let (top, left) = (corner(), corner());
        let flip = if self.alternating {
            let first = below(&mut stream(self.seed, Purpose::FirstFlip, u64::from(index)), 2);
            (first + self.epoch) % 2 == 1
        } else {
            below(&mut rng, 2) == 1
        };
        Crop { top, left, flip, reflecting: self.reflecting }
    }
}

/// The order of `len` images in an epoch: a Fisher-Yates shuffle from the seed and the epoch alone.
pub fn epoch_order(len: usize, seed: u64, epoch: u32) -> Vec<u32> {
    let mut rng = stream(seed, Purpose::Shuffle, u64::from(epoch));
    let mut order: Vec<u32> = (0..len as u32).collect();
    for i in (1..order.len()).rev() {
        order.swap(i, below(&mut rng, i as u32 + 1) as usize);
    }
    order
}

/// Makes a batch of the images `indices` of `split`: `x` becomes `[n, SIDE, SIDE, 4]` with that halo, channel 3
/// and halo zero; `labels` their classes. With `augment`, each image is padded by [`PAD`], cropped back to its size at
/// random and perhaps mirrored; black padding normalises to `-mean / std`. Without, the images are only normalised, as for
/// the test pass.
///
/// # Panics
/// If an index is outside the split.
pub fn fill_batch(
    split: &Split,
    indices: &[u32],
    augment: Option<Augment>,
    normalize: &Normalize,
    halo: usize,
    x: &mut Tensor,
    labels: &mut Vec<u16>,
) {
    labels.clear();
    labels.extend(indices.iter().map(|&index| split.label(index as usize)));
    x.reshape([indices.len(), SIDE, SIDE, BATCH_CHANNELS], halo);
    let (image_stride, row_stride) = (x.image_stride(), x.row_stride());
    parallel::for_each_chunk(x.data_mut(), image_stride, |n, image| {
        let index = indices[n];
        let crop = augment.map_or(CENTRE, |augment| augment.crop(n, index));
        let rows = image.chunks_exact_mut(row_stride).skip(halo).take(SIDE);
        for (h, row) in rows.enumerate() {
            let interior = &mut row[halo * BATCH_CHANNELS..][..SIDE * BATCH_CHANNELS];
            let pixels = interior.as_chunks_mut::<BATCH_CHANNELS>().0;
            fill_row(split.image(index as usize), h, crop, normalize, pixels);
        }
    });
}

/// Turns every image's left to its right.
pub fn mirror(x: &mut Tensor) {
    let [n, h, _, c] = x.shape();
    for (image, row) in (0..n).flat_map(|image| (0..h).map(move |row| (image, row))) {
        // All values the other way round, then those of each pixel.
        let row = x.row_mut(image, row);
        row.reverse();
        row.chunks_exact_mut(c).for_each(<[f32]>::reverse);
    }
}

/// Row `h` of a cropped image.
fn fill_row(image: &[u8], h: usize, crop: Crop, normalize: &Normalize, pixels: &mut [[f32; BATCH_CHANNELS]]) {
    // Of the image where the padded one has row or column `at`; `None` in a black border.
    let place = |at: usize| match at.checked_sub(PAD) {
        Some(at) if at < SIDE => Some(at),
        Some(at) if crop.reflecting => Some(2 * (SIDE - 1) - at),
        None if crop.reflecting => Some(PAD - at),
        _ => None,
    };
    let row = place(h + crop.top);
    let plane = |c: usize| row.map(|row| &image[c * PLANE + row * SIDE..][..SIDE]);
    let planes = [plane(0), plane(1), plane(2)];
    for w in 0..SIDE {
        let source = place(w + crop.left);
        let colour = planes.map(|plane| plane.zip(source).map_or(0, |(plane, source)| plane[source]));
        pixels[if crop.flip { SIDE - 1 - w } else { w }] = normalize.pixel(colour);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crops_cover_all_corners_and_flip_half_of_the_images() {
        let augment =
            Augment { seed: 7, epoch: 3, position: 0, reach: PAD, alternating: false, reflecting: false };
        let crops: Vec<Crop> = (0..10_000).map(|place| augment.crop(place, place as u32)).collect();
        for corner in 0..=2 * PAD {
            // 10,000 / 9 = 1,111 with a standard deviation of 31.
            for count in [
                crops.iter().filter(|crop| crop.top == corner).count(),
                crops.iter().filter(|crop| crop.left == corner).count(),
            ] {
                assert!((950..1270).contains(&count), "corner {corner} drawn {count} times in 10,000");
            }
        }
        let flips = crops.iter().filter(|crop| crop.flip).count();
        assert!((4750..5250).contains(&flips), "{flips} flips in 10,000");
    }

    #[test]
    fn a_crop_depends_on_seed_epoch_and_position_alone() {
        let at = |seed, epoch, position, place| {
            Augment { seed, epoch, position, reach: PAD, alternating: false, reflecting: false }
                .crop(place, 0)
        };
        let crops = |seed, epoch| (0..32).map(|n| at(seed, epoch, 0, n)).collect::<Vec<_>>();
        assert_eq!(at(1, 2, 10, 5), at(1, 2, 0, 15));
        assert_ne!(crops(1, 2), crops(1, 3));
        assert_ne!(crops(1, 2), crops(2, 2));
    }

    #[test]
    fn a_shift_stays_within_its_reach_and_alternating_images_are_mirrored_in_every_other_epoch() {
        let crop = |epoch, index| {
            Augment { seed: 7, epoch, position: 64 * epoch, reach: 2, alternating: true, reflecting: false }
                .crop(3, index)
        };
        for index in 0..1000 {
            for epoch in 0..5 {
                let Crop { top, left, flip, .. } = crop(epoch, index);
                assert!([top, left].iter().all(|at| (PAD - 2..=PAD + 2).contains(at)), "{top}, {left}");
                assert_ne!(flip, crop(epoch + 1, index).flip, "image {index}, epoch {epoch}");
            }
        }
        let flips = (0..10_000).filter(|index| crop(0, *index).flip).count();
        assert!((4750..5250).contains(&flips), "{flips} flips in 10,000");
    }

    #[test]
    fn around_an_image_is_black_or_its_mirror_image() {
        let of =
            |pixel: fn(usize, usize) -> usize| (0..PLANE).map(move |at| pixel(at / SIDE, at % SIDE) as u8);
        let image: Vec<u8> =
            of(|row, _| 10 + row).chain(of(|_, column| 50 + column)).chain(of(|_, _| 90)).collect();
        let plain = Normalize::new([0.0; 3], [1.0 / 255.0; 3]);
        let row = |h, top, left, reflecting| {
            let mut pixels = [[0.0; BATCH_CHANNELS]; SIDE];
            fill_row(&image, h, Crop { top, left, flip: false, reflecting }, &plain, &mut pixels);
            pixels.map(|[red, green, blue, _]| [red, green, blue].map(|value| value.round() as usize))
        };
        let before = row(0, PAD - 2, PAD - 3, true);
        assert_eq!(before[..5], [[12, 53, 90], [12, 52, 90], [12, 51, 90], [12, 50, 90], [12, 51, 90]]);
        let behind = row(SIDE - 1, PAD + 1, PAD + 2, true);
        assert_eq!(behind[SIDE - 3..], [[40, 81, 90], [40, 80, 90], [40, 79, 90]]);
        assert!(row(0, PAD - 2, PAD, false).iter().all(|pixel| *pixel == [0; 3]));
        assert_eq!(row(5, PAD, PAD - 1, false)[..2], [[0; 3], [15, 50, 90]]);
    }
}
