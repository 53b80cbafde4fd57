//! Rounding of gradients, up or down by chance: passes over a batch, and the noise that decides.

use super::blocks::Extent;
use super::minifloat::{Minifloat, floor_log2, power_of_two};
use super::parallel::{self, Parts, RowBlocks, RowMap};
use super::rounding::BLOCK;
use super::simd::{Chosen, Kernel, Simd};
use crate::Tensor;

/// Numbers that hang on a key and a place alone, so never on threads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Noise {
    key: [u32; 2],
}

impl Noise {
    /// That of 64 random bits.
    pub fn new(key: u64) -> Self {
        Self { key: [key as u32, (key >> 32) as u32] }
    }

    /// 32 bits for that place.
    #[inline(always)]
    fn word(self, place: u32) -> u32 {
        // Two multiplications with shifts between them, by the constants of Wellons' hash prospector (lowbias32); the
        // key comes in twice, so that two keys do not shuffle the same numbers.
        let x = place.wrapping_add(self.key[0]);
        let x = (x ^ x >> 16).wrapping_mul(0x21f0_aaad) ^ self.key[1];
        let x = (x ^ x >> 15).wrapping_mul(0xd35a_2d97);
        x ^ x >> 15
    }

    /// A number in [0, 1) for the value at that place.
    #[inline(always)]
    pub fn at(self, place: u32) -> f32 {
        // 24 bits: exact in f32, and below 1.
        (self.word(place) >> 8) as f32 * power_of_two(-24)
    }

    /// A number between -1/2 and 1/2, in the middle of one of 65,536 parts: a word serves two places, [`HALF`] apart.
    #[inline(always)]
    fn coarse_at(self, place: u32) -> f32 {
        let (block, within) = (place / (2 * HALF), place % (2 * HALF));
        let word = self.word(block * HALF + within % HALF);
        if within < HALF { low(word) } else { high(word) }
    }
}

/// Places whose words are made together: as many as the widest vector has lanes.
const HALF: u32 = 16;

/// The low 16 bits as the middle of their part of -1/2 to 1/2.
#[inline(always)]
fn low(word: u32) -> f32 {
    centred(word << 7 & 0x007f_ff80)
}

/// The same of the high 16.
#[inline(always)]
fn high(word: u32) -> f32 {
    centred(word >> 9 & 0x007f_ff80)
}

/// These bits behind the point of a number from 1 to 2, without what is before it and the half.
#[inline(always)]
fn centred(mantissa: u32) -> f32 {
    f32::from_bits(0x3f80_0000 | mantissa) - (1.5 - power_of_two(-17))
}

/// The smallest and the largest value of each image.
pub fn extents(x: &Tensor) -> Vec<Extent> {
    let (rows, set) = (RowMap::new(x), Chosen::now());
    parallel::map(x.n(), |image| {
        let of_row = |row: usize| set.run(ExtentOf(&x.data()[rows.range(image * x.h() + row)]));
        (0..x.h()).map(of_row).fold(Extent::NOTHING, Extent::join)
    })
}

/// That of a row.
struct ExtentOf<'a>(&'a [f32]);

impl Kernel for ExtentOf<'_> {
    type Output = Extent;

    #[inline(always)]
    fn run<S: Simd>(self, _: S) -> Extent {
        let mut lanes = [Extent::NOTHING; 16];
        for row in self.0.chunks(lanes.len()) {
            lanes.iter_mut().zip(row).for_each(|(extent, x)| *extent = extent.with(*x));
        }
        lanes.into_iter().fold(Extent::NOTHING, Extent::join)
    }
}

/// `x = change(x, noise, entry of the image)`, in place; `table` has one entry an image.
pub fn change<T: Copy + Sync>(
    x: &mut Tensor,
    noise: Noise,
    table: &[T],
    change: impl Fn(f32, f32, T) -> f32 + Copy + Sync,
) {
    assert_eq!(table.len(), x.n(), "images");
    let height = x.h();
    rows(x, |row, first, values| {
        let entry = table[row / height];
        for (i, x) in values.iter_mut().enumerate() {
            *x = change(*x, noise.at(first + i as u32), entry);
        }
    });
}

/// One of the two whole numbers around `x / step`, the upper one by a chance that is the distance from the lower one; at
/// most `most` in magnitude. It is what follows the point of a large f32.
#[inline(always)]
fn level(x: f32, noise: f32, steps_of_one: f32, most: f32) -> f32 {
    let level = x * steps_of_one + noise;
    let level = if level > most { most } else { level };
    let level = if level < -most { -most } else { level };
    level + WHOLE
}

/// Numbers around this are whole.
const WHOLE: f32 = 12_582_912.0;

/// Rounds to whole multiples of a step by chance, in place; to 0 where there is no step.
pub fn round_symmetric(x: &mut Tensor, noise: Noise, step: f32, most: f32) {
    if step == 0.0 {
        return rows(x, |_, _, values| values.fill(0.0));
    }
    let steps_of_one = 1.0 / step;
    rows(x, |_, first, values| {
        for (i, x) in values.iter_mut().enumerate() {
            *x = (level(*x, noise.coarse_at(first + i as u32), steps_of_one, most) - WHOLE) * step;
        }
    });
}

/// Writes the whole numbers of steps that [`round_symmetric`] rounds to; 0 where there is no step.
pub fn levels(x: &Tensor, noise: Noise, step: f32, most: f32, levels: &mut Tensor<i8>) {
    assert_eq!(x.shape(), levels.shape(), "gradients and their levels");
    let (from, to) = (RowMap::new(x), RowMap::new(levels));
    let (blocks, set, len) = (RowBlocks::new(x), Chosen::now(), x.w() * x.c());
    let out = Parts::new(levels.data_mut());
    blocks.for_each(|range| {
        for row in range {
            // SAFETY: each row is in one item.
            let levels = unsafe { out.slice(to.range(row)) };
            let (x, first) = (&x.data()[from.range(row)], (row * len) as u32);
            if step > 0.0 {
                set.run(Levels { x, first, noise, steps_of_one: 1.0 / step, most, levels });
            } else {
                levels.fill(0);
            }
        }
    });
}

/// The levels of a row.
struct Levels<'a> {
    x: &'a [f32],
    first: u32,
    noise: Noise,
    steps_of_one: f32,
    most: f32,
    levels: &'a mut [i8],
}

impl Kernel for Levels<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let Self { x, first, noise, steps_of_one, most, levels } = self;
        let integer = |x: f32, noise: f32| level(x, noise, steps_of_one, most).to_bits() as i8;
        const LEN: usize = 2 * HALF as usize;
        let whole = if first.is_multiple_of(2 * HALF) { x.len() / LEN * LEN } else { 0 };
        let blocks = levels[..whole].chunks_exact_mut(LEN).zip(x[..whole].chunks_exact(LEN));
        for (block, (levels, x)) in (first / (2 * HALF)..).zip(blocks) {
            let (first, second) = levels.split_at_mut(HALF as usize);
            let (x_first, x_second) = x.split_at(HALF as usize);
            for i in 0..HALF as usize {
                let word = noise.word(block * HALF + i as u32);
                first[i] = integer(x_first[i], low(word));
                second[i] = integer(x_second[i], high(word));
            }
        }
        for i in whole..x.len() {
            levels[i] = integer(x[i], noise.coarse_at(first + i as u32));
        }
    }
}

/// Blocks of [`BLOCK`] channels of a pixel share a power of two (OCP microscaling formats); three quarters of a value are
/// rounded by chance, and four thirds of that stand for it: then no value lies beyond the format's largest, and the
/// mean of all roundings is the value (arXiv 2502.20586, section 3).
pub fn microscaled(x: &mut Tensor, noise: Noise, format: Minifloat) {
    let channels = x.c();
    rows(x, |_, first, values| {
        for (pixel, values) in values.chunks_mut(channels).enumerate() {
            for (block, values) in values.chunks_mut(BLOCK).enumerate() {
                let largest = values.iter().fold(0.0f32, |max, x| if x.abs() > max { x.abs() } else { max });
                let scale = format.block_scale(largest);
                let place = first + (pixel * channels + block * BLOCK) as u32;
                for (i, x) in values.iter_mut().enumerate() {
                    *x = by_chance(format, *x * 0.75 / scale, noise.at(place + i as u32))
                        * scale
                        * (4.0 / 3.0);
                }
            }
        }
    });
}

/// One of the two numbers of a format around x, which is not beyond its largest: the upper one by a chance that is x's
/// distance from the lower one.
#[inline(always)]
fn by_chance(format: Minifloat, x: f32, noise: f32) -> f32 {
    let step = floor_log2(x).max(format.lowest_exponent) - format.mantissa_bits as i32;
    // Powers of two: both products are exact.
    (x * power_of_two(-step) + noise).floor() * power_of_two(step)
}

/// Calls `body` with each row's number, the place of its first value among all, and its values.
fn rows(x: &mut Tensor, body: impl Fn(usize, u32, &mut [f32]) + Copy + Sync) {
    let (map, blocks, set) = (RowMap::new(x), RowBlocks::new(x), Chosen::now());
    let len = x.w() * x.c();
    let data = Parts::new(x.data_mut());
    blocks.for_each(|range| {
        for row in range {
            // SAFETY: each row is in one item.
            let values = unsafe { data.slice(map.range(row)) };
            set.run(Row { row, first: (row * len) as u32, values, body });
        }
    });
}

/// A row, and what is done with it.
struct Row<'a, F> {
    row: usize,
    first: u32,
    values: &'a mut [f32],
    body: F,
}

impl<F: Fn(usize, u32, &mut [f32])> Kernel for Row<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        (self.body)(self.row, self.first, self.values);
    }
}

#[cfg(test)]
mod tests {
    use super::super::minifloat::E2M1;
    use super::*;

    #[test]
    fn noise_is_even_and_does_not_repeat_with_place_or_key() {
        let count = 1 << 16;
        let mean = |values: &[f32]| values.iter().map(|x| f64::from(*x)).sum::<f64>() / values.len() as f64;
        let mut last: Option<Vec<f32>> = None;
        for key in [0, 1, 1 << 32, 0x0123_4567_89ab_cdef] {
            let values: Vec<f32> = (0..count).map(|place| Noise::new(key).at(place)).collect();
            assert!(values.iter().all(|x| (0.0..1.0).contains(x)));
            let mut counts = [0u32; 16];
            values.iter().for_each(|x| counts[(x * 16.0) as usize] += 1);
            // 4,096 each: six deviations of 62.
            assert!(counts.iter().all(|count| count.abs_diff(4096) < 372), "{counts:?}");
            let product = |a: &[f32], b: &[f32]| {
                let products = a.iter().zip(b).map(|(a, b)| (a - 0.5) * (b - 0.5));
                mean(&products.collect::<Vec<_>>()).abs()
            };
            // Of independent numbers 1/12 / sqrt(65,536): five of them.
            assert!(product(&values, &values[1..]) < 1.7e-3);
            if let Some(last) = last.replace(values.clone()) {
                assert!(product(&values, &last) < 1.7e-3);
            }
        }
    }

    #[test]
    fn four_bits_by_chance_are_right_on_the_average() {
        // A pixel of 70 channels: blocks of 32, 32 and 6.
        let values: Vec<f32> = (0..70).map(|i| (i as f32 * 0.37).sin() * power_of_two(i % 5)).collect();
        let mut sums = vec![0.0f64; values.len()];
        let rounds = 4000u64;
        let numbers = E2M1.values();
        for key in 0..rounds {
            let mut x = Tensor::from_dense([1, 1, 1, 70], 0, &values);
            microscaled(&mut x, Noise::new(key.wrapping_mul(0x9e37_79b9_7f4a_7c15)), E2M1);
            for (i, (sum, x)) in sums.iter_mut().zip(x.to_dense()).enumerate() {
                let block = &values[i / BLOCK * BLOCK..values.len().min((i / BLOCK + 1) * BLOCK)];
                let scale = E2M1.block_scale(block.iter().fold(0.0, |max, x| x.abs().max(max)));
                let number = x * 0.75 / scale;
                assert!(numbers.iter().any(|known| (known - number).abs() < 1e-6), "{number}");
                *sum += f64::from(x);
            }
        }
        for (i, (sum, x)) in sums.iter().zip(&values).enumerate() {
            // A rounding's deviation is half a step of at most 2 units at most: five of the mean's.
            let block = &values[i / BLOCK * BLOCK..values.len().min((i / BLOCK + 1) * BLOCK)];
            let unit = E2M1.block_scale(block.iter().fold(0.0, |max, x| x.abs().max(max)));
            let tolerance = f64::from(unit) * 4.0 / 3.0 / (rounds as f64).sqrt() * 5.0;
            assert!((sum / rounds as f64 - f64::from(*x)).abs() < tolerance, "{i}: {x}");
        }
    }
}
