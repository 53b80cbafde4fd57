//! Any picture as the network takes it, as on the page (`www/images/square.js`): the square in its middle, 32 x 32 pixels,
//! over white, each of them the mean of the area that it covers.

use super::dataset::{IMAGE_BYTES, PLANE, SIDE};

/// The pixels that the stretch number `i` of [`SIDE`] of so many pixels touches: the first, and how much of each it covers.
fn touched(i: usize, side: usize) -> (usize, Vec<f64>) {
    let end = |i: usize| (i * side) as f64 / SIDE as f64;
    let (from, to) = (end(i), end(i + 1));
    let (first, behind) = (from.floor() as usize, to.ceil() as usize);
    let share = |pixel: usize| (pixel as f64 + 1.0).min(to) - (pixel as f64).max(from);
    (first, (first..behind).map(share).collect())
}

/// Makes pictures of one size square.
pub struct Square {
    width: usize,
    left: usize,
    top: usize,
    side: usize,
    stretches: Vec<(usize, Vec<f64>)>,
}

impl Square {
    /// Of so many pixels.
    ///
    /// # Panics
    /// If there are none.
    pub fn new(width: usize, height: usize) -> Self {
        let side = width.min(height);
        assert!(side > 0, "a picture has pixels");
        let stretches = (0..SIDE).map(|i| touched(i, side)).collect();
        Self { width, left: (width - side) / 2, top: (height - side) / 2, side, stretches }
    }

    /// `rgba`, `[height][width]` pixels R G B A, as `[3][SIDE][SIDE]`.
    pub fn of(&self, rgba: &[u8]) -> [u8; IMAGE_BYTES] {
        let Self { width, left, top, side, .. } = *self;
        let area = (side as f64 / SIDE as f64).powi(2);
        let mut result = [0; IMAGE_BYTES];
        let mut sums = vec![[0.0; 3]; side];
        for (row, (first, down)) in self.stretches.iter().enumerate() {
            sums.fill([0.0; 3]);
            for (y, share) in (top + first..).zip(down) {
                let pixels = &rgba[4 * (y * width + left)..][..4 * side];
                for (sum, pixel) in sums.iter_mut().zip(pixels.as_chunks::<4>().0) {
                    let seen = over_white(*pixel);
                    sum.iter_mut().zip(seen).for_each(|(sum, value)| *sum += share * f64::from(value));
                }
            }
            for (column, (first, across)) in self.stretches.iter().enumerate() {
                for c in 0..3 {
                    let columns = across.iter().zip(&sums[*first..]);
                    let sum = columns.fold(0.0, |all, (share, sum)| all + share * sum[c]);
                    // As arrays of a canvas round.
                    result[c * PLANE + row * SIDE + column] = (sum / area).round_ties_even() as u8;
                }
            }
        }
        result
    }
}

fn over_white([r, g, b, a]: [u8; 4]) -> [u8; 3] {
    let most = u32::from(u8::MAX);
    let opaque = u32::from(a);
    [r, g, b].map(|value| ((u32::from(value) * opaque + most * (most - opaque) + most / 2) / most) as u8)
}
