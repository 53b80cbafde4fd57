//! What a run reports: typed values that the page draws without knowing the engine.

mod activations;

use serde::{Deserialize, Serialize};

use crate::elementary;
use crate::kernels::grid::{Encoded, F32_BITS, Grid};
use crate::kernels::weights;
use crate::param::Param;

pub use activations::ActivationReport;
pub(crate) use activations::Observed;

/// Bins of a histogram of latent weights.
pub const HISTOGRAM_BINS: usize = 64;

/// Bins of a histogram of rounded weights: as many on both sides of the one of 0.
const ROUNDED_BINS: usize = HISTOGRAM_BINS + 1;

/// One training step.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StepReport {
    /// From 1.
    pub epoch: u32,
    /// From 1, within the epoch.
    pub step: u32,
    /// Steps of an epoch.
    pub steps_per_epoch: u32,
    /// Steps since the start of the run.
    pub global_step: u64,
    /// Mean cross-entropy of the batch, in nats.
    pub loss: f64,
    /// Share of the batch classified rightly, 0 to 1.
    pub accuracy: f64,
    /// Euclidean norm of all gradients, before clipping.
    pub grad_norm: f64,
    /// Learning rate.
    pub lr: f64,
    /// Images in the batch.
    pub images: usize,
    /// Duration in milliseconds.
    pub ms: f64,
}

/// The end of an epoch.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EpochReport {
    /// From 1.
    pub epoch: u32,
    /// Learning rate of the epoch.
    pub lr: f64,
    /// Mean loss of the epoch's training steps, in nats.
    pub train_loss: f64,
    /// Share of training images classified rightly, as they were trained on.
    pub train_accuracy: f64,
    /// Mean loss on the whole test set, in nats.
    pub test_loss: f64,
    /// Share of the whole test set classified rightly.
    pub test_accuracy: f64,
    /// The same two with the averages of the weights; absent without averages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub average: Option<AverageReport>,
    /// Test images of class `i` that were taken for class `j`, at `i * classes + j`.
    pub confusion: Vec<u32>,
    /// Every layer with weights.
    pub layers: Vec<LayerReport>,
    /// Seconds spent on the epoch and its test pass.
    pub secs: f64,
}

/// The test set by the averages of the weights.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AverageReport {
    /// Mean loss on the whole test set, in nats.
    pub test_loss: f64,
    /// Share of the whole test set classified rightly.
    pub test_accuracy: f64,
}

/// What [`Run::advance`](crate::run::Run::advance) did.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum Event {
    /// A training step.
    Step(StepReport),
    /// Some layers have other bits from now on.
    Bits {
        /// Steps since the start of the run.
        step: u64,
        /// The bits of all, as the setting has them.
        bits: String,
    },
    /// A batch of training images by which the statistics of the normalisations are estimated again.
    Reestimate {
        /// From 1.
        epoch: u32,
        /// Batches done.
        done: usize,
        /// Batches.
        total: usize,
    },
    /// A batch of the test pass.
    Evaluate {
        /// From 1.
        epoch: u32,
        /// Test images done.
        done: usize,
        /// Test images.
        total: usize,
    },
    /// A batch of the test pass of the averages.
    Average {
        /// From 1.
        epoch: u32,
        /// Test images done.
        done: usize,
        /// Test images.
        total: usize,
    },
    /// The last batch of an epoch's test pass.
    Epoch(EpochReport),
    /// The run is complete; nothing was done.
    Finished {
        /// Epochs done.
        epoch: u32,
    },
}

/// The weights of one layer.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LayerReport {
    /// `conv1`, `linear1`...
    pub name: String,
    /// `[c_out, c_in, kh, kw]` or `[out, in]`.
    pub shape: Vec<usize>,
    /// Number of weights.
    pub count: usize,
    /// Bits that tell the levels apart; 32 without a grid.
    pub bits: u8,
    /// Step of the grid, its mean where the layer has several; 0 without one.
    pub scale: f32,
    /// Value of each level, lowest first, their mean where the layer has several grids; empty without one. Of more than
    /// 256 levels neighbours are taken together.
    pub levels: Vec<f32>,
    /// Scales of the layer; 0 without a grid.
    pub scales: usize,
    /// Bits of a weight, scales and the like included.
    pub bits_a_weight: f64,
    /// Levels of the grid, not only those of `levels`; 0 without a grid.
    pub level_total: usize,
    /// Levels with at least one weight; 0 without a grid.
    pub levels_used: usize,
    /// Whether the master weights are no weights before rounding but latent variables of signs, other ones of the scheme
    /// telling how large each weight is.
    pub signs: bool,
    /// The latent weights; where these are of signs, the weights of the forward pass.
    pub histogram: Histogram,
    /// What they are rounded to, where the layer has several grids: no level is then at one place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rounded: Option<Histogram>,
    /// Weights on each of `levels`, lowest first; empty without a grid.
    pub level_counts: Vec<u32>,
    /// Shannon entropy of the weights' distribution over all levels, in bits.
    pub entropy_bits: f64,
    /// Share of weights on another level than at the last epoch report.
    pub flipped_share: f64,
    /// Share of weights that the last step moved to another level; 0 without a grid.
    pub flips_per_step: f64,
    /// Share of weights on the lowest or the highest level, but for one that is 0; 0 without a grid.
    pub saturated_share: f64,
    /// Euclidean norm of the weights' gradient in the last step (also in one that was refused), before clipping.
    pub grad_norm: f64,
}

/// One of the grids of a layer, and the weights on it.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GridReport {
    /// The output channels that have it: the first, and the one behind the last.
    pub channels: [usize; 2],
    /// Which of the weights of such a channel, in the order kh, kw, c_in: the first, and the one behind the last.
    pub weights: [usize; 2],
    /// Step of the grid.
    pub scale: f32,
    /// Value of each level, lowest first. Of more than 256 levels neighbours are taken together.
    pub levels: Vec<f32>,
    /// Weights on each of `levels`.
    pub level_counts: Vec<u32>,
    /// The latent weights.
    pub histogram: Histogram,
}

/// Counts of values in equal bins over a range.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Histogram {
    /// Lower edge of the first bin.
    pub min: f32,
    /// Upper edge of the last bin.
    pub max: f32,
    /// Values in each bin.
    pub counts: Vec<u32>,
}

impl Histogram {
    /// So many bins from `-max|w|` to `max|w|`.
    pub fn symmetric(values: &[f32], bins: usize) -> Self {
        let max = weights::abs_max(values);
        let mut counts = vec![0; bins];
        // An all-zero tensor falls into the middle.
        let bins_per_unit = if max > 0.0 { bins as f32 / (2.0 * max) } else { 0.0 };
        for x in values {
            let bin = ((x + max) * bins_per_unit) as usize;
            let bin = if max > 0.0 { bin.min(bins - 1) } else { bins / 2 };
            counts[bin] += 1;
        }
        Self { min: -max, max, counts }
    }
}

/// A level: steps from the one of 0 where a grid has zero points, else from the lowest. Below 0 modulo 2^16.
pub type Level = u16;

/// The level of every weight of a tensor; empty where there is no grid.
pub type Levels = Vec<Level>;

/// Levels of the forward weights of a quantized parameter; empty where there is no grid.
pub fn levels(param: &Param) -> Levels {
    let Some(Encoded { grid, mut codes }) = param.encode() else { return Vec::new() };
    codes.iter_mut().enumerate().for_each(|(i, code)| *code = code.wrapping_sub(origin(&grid, i)));
    codes
}

/// What codes are more than levels at that place: a zero point that moves takes all codes with it, and leaves the values
/// where they are.
fn origin(grid: &Grid, place: usize) -> u16 {
    if grid.zero_points.is_empty() { 0 } else { grid.zero_point(grid.blocks.of(place)) as u16 }
}

/// Share of the weights that are on another level than before; 0 where there are no levels to compare.
pub fn flipped_share(now: &[Level], then: &[Level]) -> f64 {
    let flipped = now.iter().zip(then).filter(|(now, then)| now != then).count();
    flipped as f64 / now.len().max(1) as f64
}

/// Shares of a tensor's weights that are on another level than before.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Flips {
    /// Than before the last step.
    pub last_step: f64,
    /// Than at the last epoch report.
    pub since_epoch: f64,
}

/// A report tells of so many levels at most.
const MOST_LEVELS: usize = 256;

/// Values of levels, and weights on them, where neighbours of a fine grid are told as one: the middle of them.
fn told(counts: &[u32], value: impl Fn(usize) -> f32) -> (Vec<f32>, Vec<u32>) {
    let run = counts.len().div_ceil(MOST_LEVELS).max(1);
    let middle = |first: usize| value((counts.len() - 1).min(first + run / 2));
    let values = (0..counts.len()).step_by(run).map(middle).collect();
    (values, counts.chunks(run).map(|run| run.iter().sum()).collect())
}

/// Describes a weight tensor; `levels` are its present ones, empty without a grid.
pub fn layer_report(name: &str, param: &Param, levels: &[Level], flips: Flips) -> LayerReport {
    let count = param.value.len();
    let grid = param.quantizer.as_ref().filter(|_| !levels.is_empty()).map(|quantizer| quantizer.grid());
    let mut level_counts = vec![0u32; grid.as_ref().map_or(0, |grid| grid.levels.len())];
    if let Some(grid) = &grid {
        for (i, level) in levels.iter().enumerate() {
            level_counts[usize::from(level.wrapping_add(origin(grid, i)))] += 1;
        }
    }
    let blocks = grid.as_ref().map_or(0, |grid| grid.scales.len());
    let means = grid.as_ref().map_or([0.0; 2], |grid| {
        let terms =
            grid.scales.iter().enumerate().map(|(block, scale)| {
                [f64::from(*scale), f64::from(*scale) * f64::from(grid.zero_point(block))]
            });
        let [scales, offsets] = terms.fold([0.0; 2], |[a, b], [scale, offset]| [a + scale, b + offset]);
        [scales / blocks as f64, offsets / blocks as f64]
    });
    let value = |level: usize| {
        let grid = grid.as_ref().expect("there are levels");
        (f64::from(grid.levels[level]) * means[0] - means[1]) as f32
    };
    let saturated = match level_counts[..] {
        [lowest, .., highest] => {
            // At an end that is 0 lies what is small, not what is too large.
            let ends = [(lowest, value(0) < 0.0), (highest, value(level_counts.len() - 1) > 0.0)];
            ends.into_iter().filter(|(_, outermost)| *outermost).map(|(count, _)| count).sum()
        }
        _ => 0,
    };
    let (levels_used, entropy_bits) = (used(&level_counts), entropy(&level_counts));
    let level_total = level_counts.len();
    let (values, level_counts) = told(&level_counts, value);
    let signs = param.latents().is_some();
    let histogram = match signs {
        true => Histogram::symmetric(&param.quantized, ROUNDED_BINS),
        false => Histogram::symmetric(&param.value, HISTOGRAM_BINS),
    };
    LayerReport {
        name: name.into(),
        shape: param.published_dims(),
        count,
        bits: grid.as_ref().map_or(F32_BITS, |grid| grid.code_bits()) as u8,
        scale: means[0] as f32,
        levels: values,
        scales: blocks,
        bits_a_weight: grid.as_ref().map_or(F32_BITS as f64, |grid| grid.bits() as f64 / count.max(1) as f64),
        level_total,
        levels_used,
        signs,
        histogram,
        rounded: (blocks > 1).then(|| Histogram::symmetric(&param.quantized, ROUNDED_BINS)),
        entropy_bits,
        level_counts,
        flipped_share: flips.since_epoch,
        flips_per_step: flips.last_step,
        saturated_share: f64::from(saturated) / count.max(1) as f64,
        grad_norm: param.grad_norm,
    }
}

/// Describes the grid of that number of a weight tensor; `None` where there is none.
pub fn grid_report(param: &Param, number: usize) -> Option<GridReport> {
    let grid = param.quantizer.as_ref().filter(|_| !param.quantized.is_empty())?.grid();
    let scale = *grid.scales.get(number)?;
    let [rows, channels] = grid.blocks.ranges(number);
    let at = |row: usize| channels.clone().map(move |channel| row * grid.blocks.outputs + channel);
    let places: Vec<usize> = rows.clone().flat_map(at).collect();
    let latent: Vec<f32> = places.iter().map(|at| param.value[*at]).collect();
    let mut counts = vec![0u32; grid.levels.len()];
    let codes = grid.codes(places.iter().map(|at| (number, param.quantized[*at])));
    codes.into_iter().for_each(|code| counts[usize::from(code)] += 1);
    let (levels, level_counts) = told(&counts, |level| grid.value(level, number));
    Some(GridReport {
        channels: [channels.start, channels.end],
        weights: [rows.start, rows.end],
        scale,
        levels,
        level_counts,
        histogram: Histogram::symmetric(&latent, HISTOGRAM_BINS),
    })
}

/// Levels with at least one weight.
fn used(counts: &[u32]) -> usize {
    counts.iter().filter(|count| **count > 0).count()
}

/// Shannon entropy of a distribution given by counts, in bits.
fn entropy(counts: &[u32]) -> f64 {
    let total: f64 = counts.iter().map(|&n| f64::from(n)).sum();
    let term = |n: &u32| {
        let p = f64::from(*n) / total;
        -p * elementary::log2(p)
    };
    // An empty sum is -0.
    counts.iter().filter(|n| **n > 0).map(term).sum::<f64>() + 0.0
}

/// Milliseconds spent in each phase of training since it was last asked.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Phases {
    /// Choosing, cropping, flipping and normalising images.
    pub data: f64,
    /// Quantizing and packing the weights.
    pub quantize: f64,
    /// Forward pass and loss.
    pub forward: f64,
    /// Backward pass.
    pub backward: f64,
    /// Of `quantize`, `forward` and `backward`: convolutions and linear layers, with the packing of their weights.
    pub products: f64,
    /// Gradient norm, AdamW and soft clipping.
    pub update: f64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::blocks::Granularity;
    use crate::param::{Init, Role};
    use crate::random::{Purpose, stream};

    #[test]
    fn entropy_of_known_distributions() {
        assert_eq!(entropy(&[]), 0.0);
        assert_eq!(entropy(&[5, 0, 0]), 0.0);
        assert_eq!(entropy(&[1, 1, 1, 1]), 2.0);
        assert!((entropy(&[3, 1]) - 0.811_278_124_459_132_8).abs() < 1e-12);
    }

    #[test]
    fn an_end_of_the_grid_that_is_zero_saturates_nothing() {
        let saturated = |values: &[f32]| {
            let param = weight(values, "affine", 2);
            let flips = Flips { last_step: 0.0, since_epoch: 0.0 };
            layer_report("linear1", &param, &levels(&param), flips).saturated_share
        };
        assert_eq!(saturated(&[0.0, 0.0, 1.0, 3.0]), 0.25);
        assert_eq!(saturated(&[0.0, 0.0, -1.0, -3.0]), 0.25);
        assert_eq!(saturated(&[-1.0, 0.0, 0.0, 2.0]), 0.5);
    }

    /// A layer's weight of these values.
    fn weight(values: &[f32], scheme: &str, bits: u8) -> Param {
        let mut rng = stream(1u32, Purpose::Weights, 0);
        let mut param = Param::new("weight", Role::Weight, &[values.len(), 1], Init::Constant(0.0), &mut rng);
        param.value = values.into();
        let scheme = crate::quant::find(scheme).unwrap();
        param.quantizer = scheme.quantizer(bits, Granularity::Tensor, param.matrix()).unwrap();
        param.quantize(None);
        param
    }

    #[test]
    fn a_zero_point_that_moves_moves_no_weight() {
        let near: Vec<f32> = (0..100).map(|i| i as f32 / 50.0 - 0.99).chain([1.0]).collect();
        let mut param = weight(&near, "affine", 4);
        let (before, zero_points) = (levels(&param), param.encode().unwrap().grid.zero_points);
        param.value[0] = -1.01;
        param.quantize(None);
        assert_ne!(param.encode().unwrap().grid.zero_points, zero_points);
        let share = flipped_share(&levels(&param), &before);
        assert!(share < 0.1, "{share} have another level");
        let flips = Flips { last_step: 0.0, since_epoch: 0.0 };
        let report = layer_report("linear1", &param, &levels(&param), flips);
        assert_eq!(report.level_counts, param.encode().unwrap().counts());
    }

    #[test]
    fn levels_that_are_told_together_count_each() {
        let values: Vec<f32> = (0..1000).map(|i| i as f32 / 500.0 - 1.0).collect();
        let param = weight(&values, "dfp", 12);
        let flips = Flips { last_step: 0.0, since_epoch: 0.0 };
        let report = layer_report("linear1", &param, &levels(&param), flips);
        assert_eq!((report.level_total, report.levels.len()), (4096, 256));
        assert_eq!(report.levels_used, 1000);
        assert!((report.entropy_bits - 1000f64.log2()).abs() < 1e-9);
    }

    #[test]
    fn histogram_counts_every_value_and_its_edges() {
        let histogram = Histogram::symmetric(&[-2.0, 2.0, 0.01, -0.01], HISTOGRAM_BINS);
        assert_eq!((histogram.min, histogram.max), (-2.0, 2.0));
        assert_eq!(histogram.counts[0], 1);
        assert_eq!(histogram.counts[63], 1);
        assert_eq!((histogram.counts[31], histogram.counts[32]), (1, 1));
        assert_eq!(Histogram::symmetric(&[0.0; 3], HISTOGRAM_BINS).counts[32], 3);
        assert_eq!(Histogram::symmetric(&[-1.0, -0.3, 0.0, 0.3, 1.0], 3).counts, [1, 3, 1]);
    }
}
