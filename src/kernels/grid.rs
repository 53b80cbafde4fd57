//! Quantized values as codes, and what the codes mean: what reports, packing and exports read.

use super::blocks::Blocks;
use super::simd::Chosen;

/// Bits of a number in full.
pub const F32_BITS: usize = 32;

/// The values that a quantized tensor can take: `(level - zero point of the block) * scale of the block`.
#[derive(Debug, Clone, PartialEq)]
pub struct Grid {
    /// Which values share a scale.
    pub blocks: Blocks,
    /// The levels in units of the scale, lowest first, one after the other 1 apart in a uniform grid.
    pub levels: Vec<f32>,
    /// One a block.
    pub scales: Vec<f32>,
    /// One a block; empty where all are 0.
    pub zero_points: Vec<f32>,
    /// Bits of all that it takes to tell values from codes: scales, zero points, levels that are no standard's.
    pub overhead_bits: usize,
}

/// A tensor on a [`Grid`].
#[derive(Debug, Clone, PartialEq)]
pub struct Encoded {
    /// What the codes mean.
    pub grid: Grid,
    /// Index into [`Grid::levels`] of every value.
    pub codes: Vec<u16>,
}

/// A tensor in whole numbers of a step.
#[derive(Debug, Clone, PartialEq)]
pub struct Integers {
    /// The numbers.
    pub values: Vec<i8>,
    /// What they are multiplied with.
    pub step: f32,
    /// The largest magnitude that they can have.
    pub most: i8,
}

impl Grid {
    /// Integer levels from `lowest` to `highest`.
    pub fn uniform(
        blocks: Blocks,
        [lowest, highest]: [i32; 2],
        scales: Vec<f32>,
        zero_points: Vec<f32>,
    ) -> Self {
        let levels: Vec<f32> = (lowest..=highest).map(|level| level as f32).collect();
        let overhead_bits = F32_BITS * scales.len() + code_bits(levels.len()) * zero_points.len();
        Self { blocks, levels, scales, zero_points, overhead_bits }
    }

    /// Levels of any kind, lowest first, that are the same in every block but for its scale, an f32.
    pub fn table(blocks: Blocks, levels: Vec<f32>, scales: Vec<f32>) -> Self {
        let overhead_bits = F32_BITS * scales.len();
        Self { blocks, levels, scales, zero_points: Vec::new(), overhead_bits }
    }

    /// The same with other [`Grid::overhead_bits`].
    #[must_use]
    pub fn costing(self, overhead_bits: usize) -> Self {
        Self { overhead_bits, ..self }
    }

    /// Bits of a code.
    pub fn code_bits(&self) -> usize {
        code_bits(self.levels.len())
    }

    /// Bits of all weights, scales and the like included.
    pub fn bits(&self) -> usize {
        self.blocks.rows * self.blocks.outputs * self.code_bits() + self.overhead_bits
    }

    /// The zero point of a block.
    pub fn zero_point(&self, block: usize) -> f32 {
        self.zero_points.get(block).copied().unwrap_or(0.0)
    }

    /// The value of a level in a block.
    pub fn value(&self, level: usize, block: usize) -> f32 {
        (self.levels[level] - self.zero_point(block)) * self.scales[block]
    }

    /// Whether its levels are neighbouring integers.
    pub fn is_uniform(&self) -> bool {
        self.levels.windows(2).all(|pair| pair[1] - pair[0] == 1.0) && self.levels[0].fract() == 0.0
    }

    /// The levels, less the zero points, times this are whole numbers within i8; `None` where no such number is found.
    pub fn part(&self) -> Option<f32> {
        // Halves and smaller parts of floating-point formats; the equal steps of levels from -1 to 1.
        let steps = (self.levels.len() - 1) as f32;
        let parts = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, steps];
        // Steps of such levels are rounded as f32: to 2^-24 of 1, times so many steps.
        let close = |value: f32| (value - value.round()).abs() < 1e-4;
        let fits = |value: f32| close(value) && value.abs() <= f32::from(i8::MAX);
        let whole = |part: &f32| {
            let fit = |level: &f32| {
                (0..self.scales.len()).all(|block| fits((level - self.zero_point(block)) * part))
            };
            self.levels.iter().all(fit)
        };
        parts.into_iter().find(whole)
    }

    /// Values on the grid as whole numbers of one step; `None` where they are none, or have more than one scale.
    pub fn integers(&self, values: &[f32]) -> Option<Integers> {
        let (part, &[scale]) = (self.part()?, &self.scales[..]) else { return None };
        let step = scale / part;
        let mut integers = vec![0; values.len()];
        if step > 0.0 {
            Chosen::now().vectorize(|| {
                for (integer, value) in integers.iter_mut().zip(values) {
                    *integer = (*value / step).round_ties_even() as i32 as i8;
                }
            });
        }
        let ends = [self.levels.first(), self.levels.last()].into_iter().flatten();
        let most = ends.map(|level| ((level - self.zero_point(0)) * part).abs()).fold(0.0, f32::max);
        Some(Integers { values: integers, step, most: most.round() as i8 })
    }

    /// A tensor of these values, which lie on the grid.
    pub fn encode(self, values: &[f32]) -> Encoded {
        let codes = self.codes(values.iter().enumerate().map(|(i, value)| (self.blocks.of(i), *value)));
        Encoded { grid: self, codes }
    }

    /// The codes of values, which lie on the grid, with their blocks: of each the nearest level.
    pub fn codes(&self, values: impl Iterator<Item = (usize, f32)>) -> Vec<u16> {
        let uniform = self.is_uniform();
        let last = self.levels.len() - 1;
        let code = |(block, value): (usize, f32)| {
            let scale = self.scales[block];
            let position = if scale == 0.0 { 0.0 } else { value / scale } + self.zero_point(block);
            if uniform {
                return (position - self.levels[0]).round_ties_even().clamp(0.0, last as f32) as u16;
            }
            let above = self.levels.partition_point(|level| *level < position);
            let below = above.saturating_sub(1);
            let above = above.min(last);
            let nearer = position - self.levels[below] <= self.levels[above] - position;
            (if nearer { below } else { above }) as u16
        };
        values.map(code).collect()
    }
}

/// Bits that tell so many levels apart.
fn code_bits(levels: usize) -> usize {
    levels.saturating_sub(1).max(1).ilog2() as usize + 1
}

impl Encoded {
    /// The values.
    pub fn decode(&self) -> Vec<f32> {
        let value = |(i, code): (usize, &u16)| self.grid.value(usize::from(*code), self.grid.blocks.of(i));
        self.codes.iter().enumerate().map(value).collect()
    }

    /// Values on each level, lowest first.
    pub fn counts(&self) -> Vec<u32> {
        let mut counts = vec![0; self.grid.levels.len()];
        self.codes.iter().for_each(|code| counts[usize::from(*code)] += 1);
        counts
    }
}
