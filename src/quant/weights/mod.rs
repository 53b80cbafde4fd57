//! Schemes for weights. Each weight tensor owns a quantizer, made by its scheme for its bits and its blocks.

mod affine;
mod apot;
mod binary;
mod codebook;
mod dfp;
mod dorefa;
mod float;
mod fp4;
mod fp8_e4m3;
mod fp8_e5m2;
mod lsq;
mod microscaled;
mod mxfp4;
mod mxfp8;
mod nvfp4;
mod shift;
mod symmetric;
mod ternary;
mod ternary_mean;
mod ternary_median;

use super::format::{Format, check_bits};
use super::granularity::{GRANULARITIES, Sharing};
use crate::kernels::blocks::{Blocks, Granularity};
use crate::kernels::grid::Grid;
use crate::param::{Known, Quantizer, Role};
use crate::registry::{Entry, Named, Registry, told};
use crate::{Error, Result};

/// What a quantizer is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request {
    /// Bits of a value.
    pub bits: u8,
    /// Which values share a scale.
    pub blocks: Blocks,
}

/// A registered scheme.
pub struct Scheme {
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
    /// Which weights share a scale.
    pub sharing: Shared,
    /// Makes one for a tensor; `None`: the values stay as they are.
    pub build: fn(&Request) -> Option<Box<dyn Quantizer>>,
}

impl Scheme {
    /// Whether its quantizers learn a step or a bound by its logarithm.
    pub(crate) fn learns_steps(&self) -> bool {
        let request = Request { bits: self.bits[0], blocks: Blocks::new(1, 1, Granularity::Tensor) };
        let quantizer = (self.build)(&request);
        quantizer.is_some_and(|quantizer| quantizer.params().iter().any(|param| param.role == Role::Step))
    }
}

/// Which granularities a scheme takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shared {
    /// All of them.
    Any,
    /// All but that of the net, whose tensors learn or measure their own.
    WithinTensor,
    /// A layer's weights all have the same levels.
    Whole,
    /// The format has blocks of its own, along an output channel.
    Fixed(usize),
}

impl Named for Scheme {
    fn name(&self) -> &'static str {
        self.entry.name
    }
}

/// Every scheme for weights that a run can use.
pub static QUANTIZERS: Registry<Scheme> = Registry::new(
    "quantizer",
    &[
        symmetric::SCHEME,
        affine::SCHEME,
        lsq::SCHEME,
        dorefa::SCHEME,
        dfp::SCHEME,
        fp4::SCHEME,
        fp8_e4m3::SCHEME,
        fp8_e5m2::SCHEME,
        mxfp4::SCHEME,
        mxfp8::SCHEME,
        nvfp4::SCHEME,
        binary::SCHEME,
        ternary_mean::SCHEME,
        ternary_median::SCHEME,
        shift::SCHEME,
        apot::SCHEME,
        codebook::SCHEME,
        NONE,
    ],
);

/// No quantization: the FP32 baseline.
const NONE: Scheme = Scheme {
    entry: Entry { name: "none", label: told("FP32"), about: told("Full-precision weights, the baseline") },
    format: Format::Full,
    formula: told("W_q = W"),
    source: told("IEEE 754"),
    bits: &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16],
    sharing: Shared::Any,
    build: |_| None,
};

impl Scheme {
    /// A quantizer of this scheme; `None` where values stay as they are.
    ///
    /// # Errors
    /// [`Error::Config`] for bits or a granularity that it cannot do; the message says what it can.
    pub fn quantizer(
        &self,
        bits: u8,
        granularity: Granularity,
        [rows, outputs]: [usize; 2],
    ) -> Result<Option<Box<dyn Quantizer>>> {
        let name = self.entry.name;
        check_bits("bits", name, self.bits, bits)?;
        let granularity = self.sharing.take(granularity).ok_or_else(|| Error::Config {
            field: "granularity",
            expected: format!("{} with {name}", self.sharing.accepted()),
            found: granularity.to_string(),
        })?;
        Ok((self.build)(&Request { bits, blocks: Blocks::new(rows, outputs, granularity) }))
    }
}

impl Shared {
    /// The granularity that a scheme works with where that one is asked for; `None` where it cannot.
    fn take(self, granularity: Granularity) -> Option<Granularity> {
        let good = match (self, granularity) {
            (Self::Fixed(len), Granularity::Tensor) => return Some(Granularity::Group(len)),
            (Self::Any, _) | (_, Granularity::Tensor) => true,
            (Self::WithinTensor, other) => other != Granularity::Net,
            (Self::Whole, _) => false,
            (Self::Fixed(len), other) => other == Granularity::Group(len),
        };
        good.then_some(granularity)
    }

    /// Names of the granularities that can be chosen.
    pub fn names(self) -> Vec<&'static str> {
        let can = |sharing: &&Sharing| match self {
            Self::Fixed(_) => sharing.granularity == Granularity::Tensor,
            _ => self.take(sharing.granularity).is_some(),
        };
        GRANULARITIES.iter().filter(can).map(|sharing| sharing.entry.name).collect()
    }

    /// The granularities that are taken, for messages.
    fn accepted(self) -> String {
        match self {
            Self::Fixed(len) => format!("tensor (a scale for {len} weights is part of the format)"),
            _ => self.names().join(", "),
        }
    }
}

/// The largest magnitude of each block.
fn abs_max(blocks: Blocks, w: &[f32], known: &Known) -> Vec<f32> {
    match (known.net, blocks.count()) {
        (Some(net), _) => vec![net.abs_max()],
        (None, 1) => vec![known.abs_max.unwrap_or_else(|| crate::kernels::weights::abs_max(w))],
        (None, _) => blocks.extents(w).into_iter().map(|extent| extent.abs_max()).collect(),
    }
}

/// The mean magnitude of each block.
fn mean_magnitudes(blocks: Blocks, w: &[f32]) -> Vec<f32> {
    blocks.mean_magnitudes(w).into_iter().map(|mean| mean as f32).collect()
}

/// The scale that brings `abs_max` to `largest`; 1 where that is no positive number, since all values are 0 then or
/// about to be.
fn scale_to(abs_max: f32, largest: f32) -> f32 {
    let scale = abs_max / largest;
    if scale > 0.0 { scale } else { 1.0 }
}
