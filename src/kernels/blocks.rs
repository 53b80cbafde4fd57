//! Which weights of a tensor share a scale, and passes over a tensor that know it.
//!
//! A weight tensor lies as `[rows][outputs]`, the output channels innermost: `rows` is `kh kw c_in` of a convolution,
//! the inputs of a linear layer. A block is the whole tensor, an output channel, or a stretch of rows of one channel.

use std::ops::Range;

use super::parallel;
use super::simd::{Chosen, Kernel, Simd};

/// Elements of a work item.
const CHUNK: usize = 16 * 1024;
/// Values folded side by side.
const LANES: usize = 16;

/// Which weights share a scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Granularity {
    /// All of the net.
    Net,
    /// Those of a tensor.
    Tensor,
    /// Those of an output channel.
    Channel,
    /// So many neighbours of an output channel, in the order kh, kw, c_in; the last ones may be fewer.
    Group(usize),
}

/// How a tensor divides into blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Blocks {
    /// Weights of an output channel.
    pub rows: usize,
    /// Output channels.
    pub outputs: usize,
    /// Weights of a block within a channel; `None`: the whole tensor is one block.
    band: Option<usize>,
}

impl Blocks {
    /// Those of a tensor `[rows][outputs]`.
    pub fn new(rows: usize, outputs: usize, granularity: Granularity) -> Self {
        let band = match granularity {
            Granularity::Net | Granularity::Tensor => None,
            Granularity::Channel => Some(rows.max(1)),
            Granularity::Group(len) => Some(len.max(1)),
        };
        Self { rows, outputs, band }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.band.map_or(1, |band| self.rows.div_ceil(band) * self.outputs)
    }

    /// The block of the weight at that index.
    pub fn of(&self, index: usize) -> usize {
        self.band.map_or(0, |band| index / self.outputs / band * self.outputs + index % self.outputs)
    }

    /// The rows and the output channels of a block.
    pub fn ranges(&self, block: usize) -> [Range<usize>; 2] {
        match self.band {
            None => [0..self.rows, 0..self.outputs],
            Some(band) => {
                let (row, channel) = (block / self.outputs * band, block % self.outputs);
                [row..self.rows.min(row + band), channel..channel + 1]
            }
        }
    }

    /// Weights in a block.
    pub fn len(&self, block: usize) -> usize {
        let [rows, outputs] = self.ranges(block);
        rows.len() * outputs.len()
    }

    /// Whether the tensor has no weights.
    pub fn is_empty(&self) -> bool {
        self.rows * self.outputs == 0
    }

    /// `out[i] = map(w[i], table[block of i])`; `table` has one entry a block.
    pub fn map<T: Copy + Sync>(
        &self,
        w: &[f32],
        table: &[T],
        out: &mut [f32],
        map: impl Fn(f32, T) -> f32 + Copy + Sync,
    ) {
        self.change(w, table, out, move |w, entry, _| map(w, entry));
    }

    /// `out = scale clamp(round_half_even(w / scale), lowest, highest)`; one scale a block.
    pub fn round(&self, w: &[f32], scales: &[f32], [lowest, highest]: [f32; 2], out: &mut [f32]) {
        self.map(w, scales, out, move |w, scale| {
            let level = (w / scale).round_ties_even();
            let level = if level > highest { highest } else { level };
            let level = if level < lowest { lowest } else { level };
            level * scale
        });
    }

    /// `x[i] = change(w[i], table[block of i], x[i])`; `table` has one entry a block.
    pub fn change<T: Copy + Sync>(
        &self,
        w: &[f32],
        table: &[T],
        x: &mut [f32],
        change: impl Fn(f32, T, f32) -> f32 + Copy + Sync,
    ) {
        assert_eq!((w.len(), table.len()), (x.len(), self.count()), "weights and blocks");
        let set = Chosen::now();
        match self.band {
            None => parallel::for_each_chunk(x, CHUNK, |item, x| {
                set.run(Change { w: &w[item * CHUNK..][..x.len()], entry: table[0], x, change });
            }),
            Some(band) => {
                let rows = self.rows_of_an_item();
                parallel::for_each_chunk(x, rows * self.outputs, |item, x| {
                    let w = &w[item * rows * self.outputs..][..x.len()];
                    let lines = w.chunks_exact(self.outputs).zip(x.chunks_exact_mut(self.outputs));
                    for (i, (w, x)) in lines.enumerate() {
                        let entries = &table[(item * rows + i) / band * self.outputs..][..self.outputs];
                        set.run(ChangeLine { w, entries, x, change });
                    }
                });
            }
        }
    }

    /// Folds the weights of each block, together with a second tensor `g` of the same length: `add` takes one in, `join`
    /// joins two results. The order follows from the shape alone. One result a block.
    pub fn fold<A: Copy + Send + Sync + Default>(
        &self,
        w: &[f32],
        g: &[f32],
        start: A,
        add: impl Fn(A, f32, f32) -> A + Copy + Sync,
        join: impl Fn(A, A) -> A + Sync,
    ) -> Vec<A> {
        self.fold_by(&vec![(); self.count()], w, g, start, move |sum, (), w, g| add(sum, w, g), join)
    }

    /// The same; `add` is given the block's entry in `table` as well.
    pub fn fold_by<T: Copy + Sync, A: Copy + Send + Sync + Default>(
        &self,
        table: &[T],
        w: &[f32],
        g: &[f32],
        start: A,
        add: impl Fn(A, T, f32, f32) -> A + Copy + Sync,
        join: impl Fn(A, A) -> A + Sync,
    ) -> Vec<A> {
        assert_eq!((w.len(), g.len()), (self.rows * self.outputs, w.len()), "weights");
        assert_eq!(table.len(), self.count(), "blocks");
        let set = Chosen::now();
        let Some(band) = self.band else {
            let entry = table[0];
            let parts = parallel::map(w.len().div_ceil(CHUNK), |item| {
                let range = item * CHUNK..w.len().min((item + 1) * CHUNK);
                let mut lanes = [start; LANES];
                let add = move |lane: A, (), w: f32, g: f32| add(lane, entry, w, g);
                let (w, g) = (&w[range.clone()], &g[range]);
                set.run(Fold { sums: &mut lanes, table: &[(); LANES], w, g, add });
                lanes.into_iter().fold(start, &join)
            });
            return vec![parts.into_iter().fold(start, join)];
        };
        // Stretches of rows that lie in one block row, each with a result a channel.
        let stretches: Vec<Range<usize>> = (0..self.rows.div_ceil(band))
            .flat_map(|block| {
                let (first, end) = (block * band, self.rows.min((block + 1) * band));
                (first..end)
                    .step_by(self.rows_of_an_item())
                    .map(move |row| row..end.min(row + self.rows_of_an_item()))
            })
            .collect();
        let parts: Vec<Vec<A>> = parallel::map(stretches.len(), |item| {
            let rows = stretches[item].clone();
            let entries = &table[rows.start / band * self.outputs..][..self.outputs];
            let range = rows.start * self.outputs..rows.end * self.outputs;
            let mut results = vec![start; self.outputs];
            let (w, g) = (&w[range.clone()], &g[range]);
            set.run(Fold { sums: &mut results, table: entries, w, g, add });
            results
        });
        let mut results = vec![start; self.count()];
        for (rows, part) in stretches.iter().zip(parts) {
            let line = &mut results[rows.start / band * self.outputs..][..self.outputs];
            line.iter_mut().zip(part).for_each(|(result, part)| *result = join(*result, part));
        }
        results
    }

    /// The smallest and the largest weight of each block.
    pub fn extents(&self, w: &[f32]) -> Vec<Extent> {
        let add = |extent: Extent, w: f32, _| extent.with(w);
        self.fold(w, w, Extent::NOTHING, add, Extent::join)
    }

    /// The mean magnitude of the weights of each block.
    pub fn mean_magnitudes(&self, w: &[f32]) -> Vec<f64> {
        let sums = self.fold(w, w, 0.0, |sum: f64, w, _| sum + f64::from(w.abs()), |a, b| a + b);
        let mean = |(block, sum): (usize, f64)| sum / self.len(block) as f64;
        sums.into_iter().enumerate().map(mean).collect()
    }

    /// The median magnitude of the weights of each block: of an even number the lower one of the two in the middle.
    pub fn median_magnitudes(&self, w: &[f32]) -> Vec<f32> {
        parallel::map(self.count(), |block| {
            let bits = |row: usize, output: usize| w[row * self.outputs + output].abs().to_bits();
            let mut magnitudes: Vec<u32> = match self.band {
                None => w.iter().map(|w| w.abs().to_bits()).collect(),
                Some(band) => {
                    let first = block / self.outputs * band;
                    (first..first + self.len(block)).map(|row| bits(row, block % self.outputs)).collect()
                }
            };
            // The bits of numbers that are not negative are in the order of the numbers.
            let middle = magnitudes.len().saturating_sub(1) / 2;
            let median = magnitudes.select_nth_unstable(middle).1;
            f32::from_bits(*median)
        })
    }

    fn rows_of_an_item(&self) -> usize {
        (CHUNK / self.outputs.max(1)).max(1)
    }
}

/// `x[i] = change(w[i], entry, x[i])`.
struct Change<'a, T, F> {
    w: &'a [f32],
    entry: T,
    x: &'a mut [f32],
    change: F,
}

impl<T: Copy, F: Fn(f32, T, f32) -> f32> Kernel for Change<'_, T, F> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        // What the loop reads through references might change with each value that it writes.
        let Self { w, entry, x, change } = self;
        for (x, w) in x.iter_mut().zip(w) {
            *x = change(*w, entry, *x);
        }
    }
}

/// `x[i] = change(w[i], entries[i], x[i])`.
struct ChangeLine<'a, T, F> {
    w: &'a [f32],
    entries: &'a [T],
    x: &'a mut [f32],
    change: F,
}

impl<T: Copy, F: Fn(f32, T, f32) -> f32> Kernel for ChangeLine<'_, T, F> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let Self { w, entries, x, change } = self;
        for ((x, w), entry) in x.iter_mut().zip(w).zip(entries) {
            *x = change(*w, *entry, *x);
        }
    }
}

/// `sums[i] = add(sums[i], table[i], w[j], g[j])` for every j, i the place of j in a line of as many as there are sums.
struct Fold<'a, T, A, F> {
    sums: &'a mut [A],
    table: &'a [T],
    w: &'a [f32],
    g: &'a [f32],
    add: F,
}

impl<T: Copy, A: Copy, F: Fn(A, T, f32, f32) -> A> Kernel for Fold<'_, T, A, F> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let Self { sums, table, w, g, add } = self;
        for (w, g) in w.chunks(sums.len()).zip(g.chunks(sums.len())) {
            for (((sum, entry), w), g) in sums.iter_mut().zip(table).zip(w).zip(g) {
                *sum = add(*sum, *entry, *w, *g);
            }
        }
    }
}

/// The smallest and the largest of some values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Extent {
    /// The smallest.
    pub min: f32,
    /// The largest.
    pub max: f32,
}

impl Default for Extent {
    fn default() -> Self {
        Self::NOTHING
    }
}

impl Extent {
    /// That of no value: any value extends it.
    pub const NOTHING: Self = Self { min: f32::INFINITY, max: f32::NEG_INFINITY };

    /// The extent with one more value; NaN is passed over.
    #[inline(always)]
    #[must_use]
    pub fn with(self, value: f32) -> Self {
        Self {
            min: if value < self.min { value } else { self.min },
            max: if value > self.max { value } else { self.max },
        }
    }

    /// That of the values of both.
    #[must_use]
    pub fn join(self, other: Self) -> Self {
        Self { min: self.min.min(other.min), max: self.max.max(other.max) }
    }

    /// The largest magnitude; 0 for no value.
    pub fn abs_max(self) -> f32 {
        [-self.min, self.max].into_iter().fold(0.0, f32::max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ALL: [Granularity; 4] =
        [Granularity::Tensor, Granularity::Channel, Granularity::Group(32), Granularity::Group(5)];

    #[test]
    fn groups_run_along_a_channel_and_the_last_is_short() {
        let blocks = Blocks::new(70, 3, Granularity::Group(32));
        assert_eq!(blocks.count(), 9);
        assert_eq!([0, 1, 95, 96, 209].map(|index| blocks.of(index)), [0, 1, 2, 3, 8]);
        assert_eq!([0, 3, 8].map(|block| blocks.len(block)), [32, 32, 6]);
        assert_eq!(blocks.ranges(8), [64..70, 2..3]);
        let whole = Blocks::new(70, 3, Granularity::Net);
        assert_eq!((whole.count(), whole.ranges(0)), (1, [0..70, 0..3]));
    }

    proptest! {
        #[test]
        fn passes_are_those_of_the_plain_loop(rows in 1usize..140, outputs in 1usize..20, which in 0usize..4) {
            let blocks = Blocks::new(rows, outputs, ALL[which]);
            let w: Vec<f32> = (0..rows * outputs).map(|i| ((i * 37) % 101) as f32 - 50.0).collect();
            let mut expected = vec![(Extent::NOTHING, 0usize); blocks.count()];
            for (i, w) in w.iter().enumerate() {
                let (extent, count) = &mut expected[blocks.of(i)];
                (*extent, *count) = (extent.with(*w), *count + 1);
            }
            let extents = blocks.extents(&w);
            for (block, (extent, count)) in expected.iter().enumerate() {
                prop_assert_eq!(extents[block], *extent);
                prop_assert_eq!(blocks.len(block), *count);
                let [rows, outputs] = blocks.ranges(block);
                for index in rows.flat_map(|row| outputs.clone().map(move |output| row * blocks.outputs + output)) {
                    prop_assert_eq!(blocks.of(index), block);
                }
            }
            let table: Vec<f32> = (0..blocks.count()).map(|block| block as f32).collect();
            let mut out = vec![0.0; w.len()];
            blocks.map(&w, &table, &mut out, |w, entry| w + 1000.0 * entry);
            for (i, out) in out.iter().enumerate() {
                prop_assert_eq!(*out, w[i] + 1000.0 * blocks.of(i) as f32);
            }
        }
    }
}
