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

/// `S_0` to `S_n` of weight `i` of `len`: the exponents that its latents count (`kernels::dense_shift`).
fn stages(latents: &[f32], len: usize, i: usize) -> Vec<f64> {
    let mut stages = vec![0.0];
    for t in 0..latents.len() / len {
        stages.push(if latents[t * len + i] > 0.0 { stages[t] + 1.0 } else { 0.0 });
    }
    stages
}

/// `out = +-2^(S_n + exponent)` with the sign of `w`.
pub fn dense_shift(w: &[f32], latents: &[f32], exponent: i32, out: &mut [f32]) {
    for i in 0..w.len() {
        let exponent = stages(latents, w.len(), i).last().unwrap() + f64::from(exponent);
        out[i] = (if w[i] >= 0.0 { exponent.exp2() } else { -exponent.exp2() }) as f32;
    }
}

/// Turns `dw` into the gradient of the signs and writes that of the latents, stage by stage from the last one.
pub fn dense_shift_backward(
    w: &[f32],
    latents: &[f32],
    exponent: i32,
    dw: &mut [f32],
    gradients: &mut [f32],
) {
    let (len, scale) = (w.len(), f64::from(exponent).exp2());
    for i in 0..len {
        let stages = stages(latents, len, i);
        let n = stages.len() - 1;
        let root = (stages[n] + 1.0).sqrt();
        let mut slope = f64::from(if w[i] >= 0.0 { dw[i] } else { -dw[i] }) * scale / (2.0 * root);
        dw[i] = (f64::from(dw[i]) * root * scale) as f32;
        for t in (0..n).rev() {
            gradients[t * len + i] = (slope * (stages[t] + 1.0)) as f32;
            slope = if latents[t * len + i] > 0.0 { slope } else { 0.0 };
        }
    }
}
