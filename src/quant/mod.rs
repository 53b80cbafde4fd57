//! Quantizers: how f32 master weights become the few values that the forward pass uses.
//!
//! A new scheme is one file and one line in [`QUANTIZERS`].

mod none;
mod symmetric;

use crate::Result;
use crate::config::{Entry, find_named};

/// A scheme that maps master weights to the weights used in the forward and backward pass.
///
/// The model calls, once a step and tensor: [`scale`](Self::scale), [`fake_quantize`](Self::fake_quantize)
/// and, after the backward pass, [`backward`](Self::backward).
pub trait Quantizer: Send + Sync {
    /// The largest level of a `bits`-bit grid, whose levels are `-quant_max..=quant_max`.
    /// `None`: the scheme has no grid.
    fn quant_max(&self, bits: u8) -> Option<i32>;

    /// Step of the grid for a tensor (or a group of tensors) with the given `max |w|`.
    fn scale(&self, absmax: f32, bits: u8) -> f32;

    /// Writes the dequantized weights of `w` to `out`, which has the same length.
    fn fake_quantize(&self, w: &[f32], scale: f32, bits: u8, out: &mut [f32]);

    /// The integer level of one weight, for reports and export.
    fn level(&self, w: f32, scale: f32, bits: u8) -> i32;

    /// The levels of many weights, which fit into a byte; `out` has the length of `w`.
    fn levels(&self, w: &[f32], scale: f32, bits: u8, out: &mut [i8]) {
        for (out, w) in out.iter_mut().zip(w) {
            *out = self.level(*w, scale, bits) as i8;
        }
    }

    /// Turns the gradient of the quantized weights, in place, into that of the master weights `w`.
    /// The default is the straight-through estimator: the same gradient, without a mask.
    fn backward(&self, w: &[f32], dw: &mut [f32]) {
        let _ = (w, dw);
    }
}

/// A registered scheme.
pub struct Scheme {
    /// Its name and description.
    pub entry: Entry,
    /// Its implementation.
    pub quantizer: &'static dyn Quantizer,
}

/// Every scheme that a run can use.
pub static QUANTIZERS: &[Scheme] = &[
    Scheme {
        entry: Entry {
            name: "symmetric",
            label: "Quantized",
            about: "Symmetric uniform grid, one scale a tensor from its largest weight",
        },
        quantizer: &symmetric::Symmetric,
    },
    Scheme {
        entry: Entry { name: "none", label: "FP32", about: "Full-precision weights, the baseline" },
        quantizer: &none::None,
    },
];

/// The scheme of that name.
///
/// # Errors
/// [`crate::Error::Config`] for an unknown name.
pub fn find(name: &str) -> Result<&'static Scheme> {
    find_named("quantizer", name, QUANTIZERS, |scheme| &scheme.entry)
}
