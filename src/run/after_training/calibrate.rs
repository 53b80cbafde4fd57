//! Ranges of activations, chosen once from some training images and kept then.

use super::{BATCHES, Feed, Preparation, training_batch};
use crate::kernels::rounding::largest_and_sum;
use crate::layers::Pass;
use crate::model::Model;
use crate::quant::ActivationQuantizer;
use crate::registry::{Entry, Named, Registry, told};

/// A way to choose a range.
pub struct Calibrator {
    /// Its name and description.
    pub entry: Entry,
    /// The largest value that is to be told from those beyond, for values of that distribution and a quantizer that may be
    /// tried on them.
    pub range: fn(&Distribution, &mut dyn ActivationQuantizer) -> f32,
}

impl Named for Calibrator {
    fn name(&self) -> &'static str {
        self.entry.name
    }
}

/// Every way to choose a range.
pub static CALIBRATIONS: Registry<Calibrator> = Registry::new("calibration", OWN);

const OWN: &[Calibrator] = &[
    Calibrator {
        entry: Entry { name: "minmax", label: told("Largest value"), about: told("Nothing is clipped") },
        range: |values, _| values.largest,
    },
    Calibrator {
        entry: Entry {
            name: "percentile",
            label: told("99.99th percentile"),
            about: told("One value in ten thousand is clipped"),
        },
        range: |values, _| values.percentile(0.9999),
    },
    Calibrator {
        entry: Entry {
            name: "mse",
            label: told("Least squared error"),
            about: told("What clipping and rounding change together is as small as it gets"),
        },
        range: Distribution::least_squares,
    },
];

/// The distribution of values that are never negative, in equal parts from 0 to the largest.
pub struct Distribution {
    /// The largest value.
    pub largest: f32,
    /// Values in each part.
    counts: Vec<u64>,
    /// Their sum, by which the part's mean is known.
    sums: Vec<f64>,
}

impl Distribution {
    /// As many as published tools have (TensorRT's calibrators).
    const PARTS: usize = 2048;

    /// Bytes of one.
    pub(super) const BYTES: usize = Self::PARTS * (size_of::<u64>() + size_of::<f64>());

    /// Ranges that [`Distribution::least_squares`] tries.
    const TRIED: usize = 100;

    /// An empty one up to that value.
    pub fn new(largest: f32) -> Self {
        Self { largest, counts: vec![0; Self::PARTS], sums: vec![0.0; Self::PARTS] }
    }

    /// Counts these.
    pub fn add(&mut self, values: &[f32]) {
        // Where nothing is above 0, that is not a number, and all values are in the first part.
        let parts = Self::PARTS as f32 / self.largest;
        for value in values {
            let part = ((value * parts) as usize).min(Self::PARTS - 1);
            self.counts[part] += 1;
            self.sums[part] += f64::from(*value);
        }
    }

    /// The upper end of the first part with which that share of the values is reached: exact to a part.
    pub fn percentile(&self, share: f64) -> f32 {
        let wanted = share * self.counts.iter().sum::<u64>() as f64;
        let mut reached = 0;
        let part = self.counts.iter().position(|count| {
            reached += count;
            reached as f64 >= wanted
        });
        self.largest * (part.map_or(Self::PARTS, |part| part + 1) as f32 / Self::PARTS as f32)
    }

    /// Of [`Distribution::TRIED`] ranges up to the largest value the one whose rounding changes values least, by the sum of
    /// squares; the largest of equals. Each part's values count as their mean.
    fn least_squares(&self, quantizer: &mut dyn ActivationQuantizer) -> f32 {
        let means: Vec<(f32, f64)> = self
            .counts
            .iter()
            .zip(&self.sums)
            .filter(|(count, _)| **count > 0)
            .map(|(count, sum)| ((sum / *count as f64) as f32, *count as f64))
            .collect();
        let mut error = |range: f32| -> f64 {
            quantizer.calibrate(range);
            let Some(rounding) = quantizer.rounding(false) else { return 0.0 };
            let changed = |(value, count): &(f32, f64)| {
                let mut rounded = [*value];
                rounding.apply(&mut rounded, 1);
                count * f64::from(rounded[0] - value).powi(2)
            };
            means.iter().map(changed).sum()
        };
        let ranges = (1..=Self::TRIED).rev().map(|part| self.largest * (part as f32 / Self::TRIED as f32));
        let best = ranges.map(|range| (range, error(range))).min_by(|(_, a), (_, b)| a.total_cmp(b));
        best.map_or(self.largest, |(range, _)| range)
    }
}

/// Measures activations that are not rounded meanwhile, and has them rounded then.
pub(super) struct Calibration {
    calibrator: &'static Calibrator,
    places: Vec<Place>,
    /// Batches done: all of them once for the largest values, and once for the distributions up to these.
    batch: usize,
}

/// Where values are to be rounded.
struct Place {
    layer: usize,
    quantizer: Box<dyn ActivationQuantizer>,
    values: Distribution,
}

impl Calibration {
    pub fn new(calibrator: &'static Calibrator, model: &mut Model) -> Self {
        let place = |(layer, quantizer)| Place { layer, quantizer, values: Distribution::new(0.0) };
        Self { calibrator, places: model.take_roundings().into_iter().map(place).collect(), batch: 0 }
    }
}

impl Preparation for Calibration {
    fn advance(&mut self, model: &mut Model, feed: &mut Feed) -> bool {
        if self.places.is_empty() {
            return true;
        }
        let x = training_batch(feed, self.batch % BATCHES, model);
        model.forward(x, &Pass::EVALUATION);
        for Place { layer, values, .. } in &mut self.places {
            let output = model.output(*layer);
            if self.batch < BATCHES {
                values.largest = values.largest.max(largest_and_sum(output).0);
            } else {
                output.rows().for_each(|row| values.add(row));
            }
        }
        self.batch += 1;
        let complete = self.batch == 2 * BATCHES;
        if complete {
            for Place { layer, mut quantizer, values } in self.places.drain(..) {
                // The smallest subnormals, as a dying layer gives them, have no steps between them.
                if values.largest >= f32::MIN_POSITIVE {
                    let range = (self.calibrator.range)(&values, quantizer.as_mut());
                    quantizer.calibrate(range);
                }
                model.round_output(layer, quantizer);
            }
        }
        complete
    }
}
