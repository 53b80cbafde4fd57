//! Schemes for activations: each rounding of a layer's output owns a quantizer, made by its scheme for its bits.
//!
//! They stand behind ReLUs, so values are never negative; one scale a tensor, and its range stays as it is in
//! evaluation.

mod affine;
mod dorefa;
mod fp4;
mod fp8_e4m3;
mod lsq;
mod measured;
mod mxfp4;
mod pact;

use super::format::{Format, Reach, check_bits, most};
use crate::kernels::rounding::{Keep, Rounding, Sums, largest_and_sum};
use crate::param::Param;
use crate::registry::{Entry, Named, Registry, told};
use crate::state::Visitor;
use crate::{Result, Tensor};

/// What a quantizer is made for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ActivationRequest {
    /// Bits of a value.
    pub bits: u8,
    /// How a range is kept, where one is measured.
    pub tracking: Tracking,
    /// L2 penalty of a learned clip.
    pub clip_decay: f32,
}

/// How the range of batch after batch becomes one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tracking {
    /// The largest value ever.
    Largest,
    /// An exponential moving average of the batches' largest values.
    Average,
}

/// What must be known of a training batch before it is rounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// Nothing.
    Away,
    /// The largest value: [`ActivationQuantizer::observe_largest`].
    Largest,
    /// All of it: [`ActivationQuantizer::observe`].
    Whole,
}

/// Rounds the output of one layer.
pub trait ActivationQuantizer: Send + Sync {
    /// What it has to know of the next training batch.
    fn look(&self) -> Look {
        Look::Away
    }

    /// Looks at a training batch before it is rounded.
    fn observe(&mut self, x: &Tensor) {
        if self.look() == Look::Largest {
            self.observe_largest(largest_and_sum(x).0);
        }
    }

    /// The same from the largest value alone.
    fn observe_largest(&mut self, largest: f32) {
        let _ = largest;
    }

    /// What values are rounded to, in a training pass with the batch seen last; `None` before any.
    fn rounding(&self, training: bool) -> Option<Rounding>;

    /// What its gradient needs of the values.
    fn keep(&self) -> Keep {
        Keep::Clipped
    }

    /// From where on values of a training pass are clipped, and their gradients end.
    fn bound(&self) -> f32 {
        self.rounding(true).map_or(f32::INFINITY, |rounding| rounding.bound())
    }

    /// The step that the batch seen last was for is taken: what was measured of it counts.
    fn end_step(&mut self) {}

    /// From now on values are rounded up to that one, where they have a range that is measured or learned.
    fn calibrate(&mut self, range: f32) {
        let _ = range;
    }

    /// Writes the gradient of what it learns, from the sums over a batch whose images have `features` values.
    fn backward(&mut self, sums: Sums, features: usize) {
        let _ = (sums, features);
    }

    /// What it learns, in a fixed order.
    fn params(&self) -> &[Param] {
        &[]
    }

    /// The same, to change.
    fn params_mut(&mut self) -> &mut [Param] {
        &mut []
    }

    /// State besides the parameters.
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        let _ = visitor;
    }
}

/// A registered scheme.
pub struct ActivationScheme {
    /// Its name and description.
    pub entry: Entry,
    /// What kind of numbers it uses.
    pub format: Format,
    /// What it does, in one line.
    pub formula: &'static str,
    /// Where it was published.
    pub source: &'static str,
    /// The bit widths that it takes, the narrowest first.
    pub bits: &'static [u8],
    /// Where its highest level comes from.
    pub reach: Reach,
    /// Makes one for a layer's output; `None`: the values stay as they are.
    pub build: fn(&ActivationRequest) -> Option<Box<dyn ActivationQuantizer>>,
}

impl Named for ActivationScheme {
    fn name(&self) -> &'static str {
        self.entry.name
    }
}

/// Every scheme for activations that a run can use.
pub static ACTIVATIONS: Registry<ActivationScheme> = Registry::new(
    "activations",
    &[
        NONE,
        affine::SCHEME,
        pact::SCHEME,
        lsq::SCHEME,
        dorefa::SCHEME,
        fp4::SCHEME,
        fp8_e4m3::SCHEME,
        mxfp4::SCHEME,
    ],
);

/// Activations as they are, as in the paper.
const NONE: ActivationScheme = ActivationScheme {
    entry: Entry {
        name: "none",
        label: told("FP32"),
        about: told("Activations are not rounded, as published"),
    },
    format: Format::Full,
    formula: told("x_q = x"),
    source: told("IEEE 754"),
    bits: &[1, 2, 3, 4, 5, 6, 7, 8],
    reach: Reach::Given,
    build: |_| None,
};

impl ActivationScheme {
    /// A quantizer of this scheme; `None` where values stay as they are.
    ///
    /// # Errors
    /// [`crate::Error::Config`] for bits that it cannot do; the message says which it can.
    pub fn quantizer(&self, request: &ActivationRequest) -> Result<Option<Box<dyn ActivationQuantizer>>> {
        check_bits("actbits", self.entry.name, self.bits, request.bits)?;
        Ok((self.build)(request))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::rounding::Kept;

    const FEATURES: usize = 6;

    fn made(name: &str, bits: u8, tracking: Tracking) -> Box<dyn ActivationQuantizer> {
        let request = ActivationRequest { bits, tracking, clip_decay: 0.5 };
        ACTIVATIONS.find(name).unwrap().quantizer(&request).unwrap().unwrap()
    }

    /// Rounds a training batch, and takes a gradient of ones back; gives the values and the gradient.
    fn trained(quantizer: &mut dyn ActivationQuantizer, values: &[f32]) -> (Vec<f32>, Vec<f32>) {
        let shape = [values.len() / FEATURES, 1, 1, FEATURES];
        let (mut x, mut kept) = (Tensor::from_dense(shape, 0, values), Kept::default());
        quantizer.observe(&x);
        let rounding = quantizer.rounding(true).unwrap();
        rounding.forward(&mut x, quantizer.keep(), quantizer.bound(), &mut kept);
        let mut dy = Tensor::from_dense(shape, 0, &vec![1.0; values.len()]);
        let sums = kept.backward(&mut dy);
        quantizer.backward(sums, FEATURES);
        (x.to_dense(), dy.to_dense())
    }

    #[test]
    fn a_measured_range_counts_once_its_step_is_taken() {
        let batch = [0.0, 1.0, 2.0, 3.0, 7.5, 15.0];
        for (tracking, after) in [(Tracking::Largest, 30.0), (Tracking::Average, 15.0 + 0.01 * 15.0)] {
            let mut quantizer = made("affine", 4, tracking);
            assert_eq!(quantizer.rounding(false), None);
            let (values, gradient) = trained(quantizer.as_mut(), &batch);
            assert_eq!(values, [0.0, 1.0, 2.0, 3.0, 8.0, 15.0]);
            assert_eq!(gradient, [1.0; 6], "nothing lies beyond the largest value");
            // The step was refused: nothing is known yet.
            assert_eq!(quantizer.rounding(false), None);
            trained(quantizer.as_mut(), &batch);
            quantizer.end_step();
            assert_eq!(quantizer.rounding(false), Some(Rounding::Uniform { scale: 1.0, most: 15.0 }));
            let (_, gradient) = trained(quantizer.as_mut(), &batch.map(|x| 2.0 * x));
            assert_eq!(gradient[5], if tracking == Tracking::Largest { 1.0 } else { 0.0 });
            quantizer.end_step();
            let Some(Rounding::Uniform { scale, .. }) = quantizer.rounding(false) else { panic!() };
            assert!((scale - after / 15.0).abs() < 1e-6, "{scale}");
        }
    }

    #[test]
    fn a_clip_learns_from_what_it_clips() {
        let mut quantizer = made("pact", 4, Tracking::Average);
        let (values, gradient) = trained(quantizer.as_mut(), &[0.0, 1.0, 5.0, 9.0, 10.5, 40.0]);
        assert!((values[5] - 10.0).abs() < 1e-5 && values[4] == values[5]);
        assert_eq!(gradient, [1.0, 1.0, 1.0, 1.0, 0.0, 0.0]);
        // Two clipped gradients of 1, the penalty's 0.5 * 10, times the clip for its logarithm.
        assert!((quantizer.params()[0].grad[0] - (2.0 + 5.0) * 10.0).abs() < 1e-3);
    }

    #[test]
    fn a_step_learns_from_residuals_and_from_what_is_clipped() {
        let batch = [0.2, 0.4, 0.6, 0.8, 1.0, 30.0];
        let mut quantizer = made("lsq", 2, Tracking::Average);
        trained(quantizer.as_mut(), &batch);
        let step = 2.0 * 33.0 / 6.0 / 3f32.sqrt();
        let Some(Rounding::Uniform { scale, most }) = quantizer.rounding(true) else { panic!() };
        assert!((scale / step - 1.0).abs() < 1e-6 && most == 3.0);
        // 30 is beyond 3 steps; the others are below half a step, so round to 0.
        let residuals: f32 = batch[..5].iter().map(|x| -x / step).sum();
        let expected = (residuals + 3.0) / (FEATURES as f32 * 3.0).sqrt() * step;
        assert!((quantizer.params()[0].grad[0] - expected).abs() < 1e-5 * expected.abs());
    }

    #[test]
    fn what_a_scheme_says_of_its_reach_is_true() {
        let batch = |largest: f32| Tensor::from_dense([1, 1, 1, FEATURES], 0, &[largest; FEATURES]);
        for scheme in ACTIVATIONS.iter() {
            let name = scheme.entry.name;
            let request =
                ActivationRequest { bits: scheme.bits[0], tracking: Tracking::Largest, clip_decay: 0.0 };
            let Some(mut quantizer) = scheme.quantizer(&request).unwrap() else {
                assert_eq!(scheme.reach, Reach::Given, "{name}");
                continue;
            };
            assert_eq!(!quantizer.params().is_empty(), scheme.reach == Reach::Learned, "{name} learns");
            let mut after = |largest: f32| {
                quantizer.observe(&batch(largest));
                quantizer.end_step();
                quantizer.rounding(false)
            };
            // A learned one may start with the first batch.
            let follows = after(1.0) != after(3.0);
            assert_eq!(follows, scheme.reach == Reach::Measured, "{name} follows the batches");
            let before = quantizer.rounding(false);
            quantizer.calibrate(0.7);
            let chosen = quantizer.rounding(false) != before;
            assert_eq!(chosen, scheme.reach != Reach::Given, "{name} takes a range");
        }
    }

    #[test]
    fn bits_that_a_scheme_cannot_do_are_refused() {
        let scheme = ACTIVATIONS.find("fp4").unwrap();
        let request = ActivationRequest { bits: 3, tracking: Tracking::Average, clip_decay: 0.0 };
        let message = scheme.quantizer(&request).err().unwrap().to_string();
        assert_eq!(message, "actbits: expected 4 with fp4, found 3");
    }
}
