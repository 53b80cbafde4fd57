//! No quantization: the FP32 baseline.

use super::Quantizer;

/// Leaves the weights as they are.
pub struct None;

impl Quantizer for None {
    fn quant_max(&self, _bits: u8) -> Option<i32> {
        Option::None
    }

    fn scale(&self, _absmax: f32, _bits: u8) -> f32 {
        0.0
    }

    fn fake_quantize(&self, w: &[f32], _scale: f32, _bits: u8, out: &mut [f32]) {
        out.copy_from_slice(w);
    }

    fn level(&self, _w: f32, _scale: f32, _bits: u8) -> i32 {
        0
    }
}
