//! Passes over parameters.

use crate::kernels::AdamW;

/// Sum of squares.
pub fn sum_of_squares(x: &[f32]) -> f64 {
    x.iter().map(|&v| f64::from(v) * f64::from(v)).sum()
}

/// `max |x|`.
pub fn abs_max(x: &[f32]) -> f32 {
    x.iter().fold(0.0, |max, v| v.abs().max(max))
}

/// Rounds half to even onto the grid; in f32, since the rounding of `w / scale` decides which level it is.
pub fn round_to_grid(w: &[f32], scale: f32, quant_max: f32, out: &mut [f32]) {
    for (out, w) in out.iter_mut().zip(w) {
        *out = (w / scale).round_ties_even().clamp(-quant_max, quant_max) * scale;
    }
}

/// `limit tanh(w / limit)`.
pub fn tanh_soft_clip(w: &mut [f32], limit: f32) {
    for w in w {
        *w = (f64::from(limit) * (f64::from(*w) / f64::from(limit)).tanh()) as f32;
    }
}

/// One AdamW step, then the soft clip. Returns `max |w|`.
pub fn adam_w(step: &AdamW, w: &mut [f32], g: &[f32], m: &mut [f32], v: &mut [f32]) -> f32 {
    let correction1 = 1.0 - step.beta1.powf(step.step as f64);
    let correction2 = 1.0 - step.beta2.powf(step.step as f64);
    for i in 0..w.len() {
        let g = f64::from(g[i]) * f64::from(step.gradient_scale);
        let first = step.beta1 * f64::from(m[i]) + (1.0 - step.beta1) * g;
        let second = step.beta2 * f64::from(v[i]) + (1.0 - step.beta2) * g * g;
        let change = step.lr * (first / correction1) / ((second / correction2).sqrt() + step.eps);
        w[i] = (f64::from(w[i]) * (1.0 - step.lr * step.weight_decay) - change) as f32;
        (m[i], v[i]) = (first as f32, second as f32);
    }
    if let Some(limit) = step.soft_clip {
        tanh_soft_clip(w, limit);
    }
    abs_max(w)
}
