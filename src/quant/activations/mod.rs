//! Schemes for activations: each rounding of a layer's output owns a quantizer, made by its scheme for its bits.
//!
//! They stand behind ReLUs, so values are never negative; one scale a tensor, and its range stays as it is in
//! evaluation.

mod affine;
mod dorefa;
mod float;
mod fp4;
mod fp8;
mod lsq;
mod mxfp4;
mod pact;
mod range;

use super::{Format, bits_listed};
use crate::kernels::rounding::{Keep, Rounding, Sums};
use crate::param::Param;
use crate::registry::{Entry, Named, Registry};
use crate::state::Visitor;
use crate::{Error, Result, Tensor};

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

/// Rounds the output of one layer.
pub trait ActivationQuantizer: Send + Sync {
    /// Looks at a training batch before it is rounded.
    fn observe(&mut self, x: &Tensor) {
        let _ = x;
    }

    /// What values are rounded to, in a training pass with the batch seen last; `None` before any.
    fn rounding(&self, training: bool) -> Option<Rounding>;

    /// What its gradient needs of the values.
    fn keep(&self) -> Keep {
        Keep::Clipped
    }

    /// Where values of a training pass are clipped.
    fn bound(&self) -> f32 {
        self.rounding(true).map_or(f32::INFINITY, |rounding| rounding.bound())
    }

    /// The step that the batch seen last was for is taken: what was measured of it counts.
    fn end_step(&mut self) {}

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
    /// What it is checked against.
    pub check: &'static str,
    /// The bit widths that it takes, the narrowest first.
    pub bits: &'static [u8],
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
        fp8::SCHEME,
        mxfp4::SCHEME,
    ],
);

/// Activations as they are, as in the paper.
const NONE: ActivationScheme = ActivationScheme {
    entry: Entry { name: "none", label: "FP32", about: "Activations are not rounded, as published" },
    format: Format::Full,
    formula: "x_q = x",
    source: "IEEE 754",
    check: "",
    bits: &[1, 2, 3, 4, 5, 6, 7, 8],
    build: |_| None,
};

impl ActivationScheme {
    /// A quantizer of this scheme; `None` where values stay as they are.
    ///
    /// # Errors
    /// [`Error::Config`] for bits that it cannot do; the message says which it can.
    pub fn quantizer(&self, request: &ActivationRequest) -> Result<Option<Box<dyn ActivationQuantizer>>> {
        if !self.bits.contains(&request.bits) {
            return Err(Error::Config {
                field: "actbits",
                expected: format!("{} with {}", bits_listed(self.bits), self.entry.name),
                found: request.bits.to_string(),
            });
        }
        Ok((self.build)(request))
    }
}

/// The highest of `2^bits` levels from 0 on.
fn most(bits: u8) -> f32 {
    ((1u32 << bits) - 1) as f32
}
