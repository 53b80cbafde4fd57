//! What the ReLUs of a network give.

use serde::Serialize;

use super::{HISTOGRAM_BINS, Histogram};
use crate::Tensor;
use crate::kernels::blocks::{Blocks, Granularity};
use crate::kernels::grid::Grid;
use crate::kernels::rounding::{Rounding, largest_and_sum};

/// What one ReLU gives for some images.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ActivationReport {
    /// The layer that it is computed with, as `bn1`.
    pub name: String,
    /// `[h, w, c]` of an image.
    pub shape: [usize; 3],
    /// Images that were looked at.
    pub images: usize,
    /// The largest value, before it is rounded.
    pub largest: f32,
    /// Values that were above 0, before they are rounded. Its end is `largest` or beyond.
    pub histogram: Histogram,
    /// Share of values that were 0.
    pub zero_share: f64,
    /// Channels that were above 0 nowhere.
    pub dead_channels: usize,
    /// Whether values are rounded.
    pub rounded: bool,
    /// Value of each level, lowest first; empty where there are none, or a few channels at a time have a scale of their
    /// own.
    pub levels: Vec<f32>,
    /// Values on each of `levels`.
    pub level_counts: Vec<u32>,
    /// Share of values above the highest level.
    pub clipped_share: f64,
}

/// Counts what a ReLU gives, batch by batch.
#[derive(Default)]
pub(crate) struct Observed {
    shape: [usize; 3],
    images: usize,
    values: usize,
    zeros: usize,
    clipped: usize,
    largest: f32,
    /// Upper edge of the last bin; 0 before anything was above 0.
    max: f32,
    counts: Vec<u32>,
    /// Of each channel, whether it was above 0.
    alive: Vec<bool>,
    rounding: Option<Rounding>,
    level_counts: Vec<u32>,
}

impl Observed {
    /// Counts a batch, `[n, h, w, c]`, which is about to be rounded.
    pub fn add(&mut self, x: &Tensor, rounding: Option<Rounding>) {
        let (largest, _) = largest_and_sum(x);
        self.largest = self.largest.max(largest);
        self.widen(largest);
        self.shape = [x.h(), x.w(), x.c()];
        self.images += x.n();
        self.alive.resize(x.c(), false);
        self.rounding = rounding;
        let bound = rounding.map_or(f32::INFINITY, |rounding| rounding.bound());
        let grid = self.grid(x.w() * x.c());
        let bins_per_unit = HISTOGRAM_BINS as f32 / self.max;
        for row in x.rows() {
            self.values += row.len();
            for (i, value) in row.iter().enumerate() {
                if *value > 0.0 {
                    let bin = (value * bins_per_unit) as usize;
                    self.counts[bin.min(HISTOGRAM_BINS - 1)] += 1;
                    self.alive[i % x.c()] = true;
                    self.clipped += usize::from(*value > bound);
                } else {
                    self.zeros += 1;
                }
            }
            if let Some(grid) = &grid {
                self.count_levels(row, x.c(), grid);
            }
        }
    }

    /// Makes room for a value: neighbouring bins are joined until the last one reaches it.
    fn widen(&mut self, largest: f32) {
        if self.max == 0.0 {
            self.counts = vec![0; HISTOGRAM_BINS];
            self.max = largest;
        }
        while self.max < largest {
            let joined = self.counts.chunks(2).map(|pair| pair.iter().sum());
            let mut counts: Vec<u32> = joined.collect();
            counts.resize(HISTOGRAM_BINS, 0);
            self.counts = counts;
            self.max *= 2.0;
        }
    }

    /// `grid` is that of a row.
    fn count_levels(&mut self, row: &[f32], channels: usize, grid: &Grid) {
        let mut rounded = row.to_vec();
        self.rounding.expect("there is a grid").apply(&mut rounded, channels);
        self.level_counts.resize(grid.levels.len(), 0);
        for code in grid.codes(rounded.into_iter().map(|value| (0, value))) {
            self.level_counts[usize::from(code)] += 1;
        }
    }

    /// The grid of so many values; `None` where there is not one for all.
    fn grid(&self, values: usize) -> Option<Grid> {
        let rounding = self.rounding?;
        let blocks = Blocks::new(values, 1, Granularity::Tensor);
        Some(Grid::table(blocks, rounding.levels(), vec![rounding.scale()?]))
    }

    /// What was counted.
    pub fn report(self, name: String) -> ActivationReport {
        let grid = self.grid(self.values);
        let share = |count: usize| count as f64 / self.values.max(1) as f64;
        ActivationReport {
            name,
            shape: self.shape,
            images: self.images,
            largest: self.largest,
            zero_share: share(self.zeros),
            dead_channels: self.alive.iter().filter(|alive| !**alive).count(),
            rounded: self.rounding.is_some(),
            levels: grid.map_or_else(Vec::new, |grid| {
                (0..grid.levels.len()).map(|level| grid.value(level, 0)).collect()
            }),
            clipped_share: share(self.clipped),
            histogram: Histogram { min: 0.0, max: self.max, counts: self.counts },
            level_counts: self.level_counts,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn observed(rounding: Option<Rounding>, batches: &[[f32; 4]]) -> ActivationReport {
        let mut observed = Observed::default();
        for batch in batches {
            observed.add(&Tensor::from_dense([1, 1, 2, 2], 1, batch), rounding);
        }
        observed.report("bn1".into())
    }

    #[test]
    fn values_are_counted_where_they_lie_also_when_later_ones_are_larger() {
        let report = observed(None, &[[0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.25, 0.0], [0.0, 0.0, 3.0, 0.0]]);
        let Histogram { min, max, counts } = &report.histogram;
        assert_eq!((*min, *max, counts.len(), report.largest), (0.0, 4.0, HISTOGRAM_BINS, 3.0));
        let bins: Vec<usize> = (0..HISTOGRAM_BINS).filter(|bin| counts[*bin] == 1).collect();
        // Bins of 1/16; that of the largest value so far ended there.
        assert_eq!(bins, [4, 15, 48]);
        assert_eq!((report.images, report.shape, report.zero_share), (3, [1, 2, 2], 0.75));
        assert_eq!((report.dead_channels, report.rounded, report.levels.len()), (1, false, 0));
    }

    #[test]
    fn levels_and_what_lies_beyond_them() {
        let rounding = Rounding::Uniform { scale: 0.5, most: 3.0 };
        let report = observed(Some(rounding), &[[0.0, 0.2, 0.6, 1.5], [9.0, 1.6, 1.1, 0.0]]);
        assert_eq!(report.levels, [0.0, 0.5, 1.0, 1.5]);
        assert_eq!(report.level_counts, [3, 1, 1, 3]);
        // Of 8 values 9 and 1.6.
        assert_eq!((report.clipped_share, report.zero_share, report.dead_channels), (0.25, 0.25, 0));
    }

    #[test]
    fn blocks_with_scales_of_their_own_have_no_levels_in_common() {
        let format = crate::kernels::minifloat::E2M1;
        let report = observed(Some(Rounding::Microscaled { format }), &[[0.0, 1.0, 2.0, 3.0]]);
        assert!(report.rounded && report.levels.is_empty() && report.level_counts.is_empty());
        assert_eq!(report.clipped_share, 0.0);
    }

    #[test]
    fn nothing_above_zero_is_no_division_by_zero() {
        let report = observed(None, &[[0.0; 4]]);
        assert_eq!((report.zero_share, report.dead_channels, report.histogram.max), (1.0, 2, 0.0));
    }
}
