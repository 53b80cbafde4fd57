//! AdamW, clipping of the global gradient norm, and learning-rate schedules.

use std::f64::consts::PI;

use crate::Result;
use crate::config::{Entry, find_named};
use crate::kernels::weights;
use crate::layers::Param;

/// Global gradient norm above which gradients are scaled down.
pub const MAX_GRAD_NORM: f64 = 0.5;
/// Epochs in which the published schedule falls to 0 (and then climbs).
const PUBLISHED_T_MAX: f64 = 100.0;

/// AdamW (arXiv 1711.05101, algorithm 2) with betas 0.9 and 0.999, eps 1e-8 and decoupled weight decay
/// 5e-4 on every parameter.
#[derive(Debug, Clone, Default)]
pub struct AdamW {
    /// Steps done.
    step: u64,
    /// First and second moment of each parameter, in the order of the model's parameters.
    moments: Vec<(Vec<f32>, Vec<f32>)>,
}

impl AdamW {
    /// Updates every parameter; gradients count `gradient_scale` times. Where there is a limit for it, weights (not
    /// biases) are soft-clipped after the step: `w <- limit tanh(w / limit)`.
    ///
    /// The parameters must come in the same order at every step.
    pub fn step<'a>(
        &mut self,
        params: impl Iterator<Item = &'a mut Param>,
        lr: f64,
        gradient_scale: f32,
        soft_clip: Option<f32>,
    ) {
        self.step += 1;
        let update = weights::AdamW {
            lr,
            beta1: 0.9,
            beta2: 0.999,
            eps: 1e-8,
            weight_decay: 5e-4,
            step: self.step,
            gradient_scale,
            soft_clip: None,
        };
        for (i, param) in params.enumerate() {
            if i == self.moments.len() {
                let zeros = vec![0.0; param.value.len()];
                self.moments.push((zeros.clone(), zeros));
            }
            let (m, v) = &mut self.moments[i];
            let update = weights::AdamW { soft_clip: soft_clip.filter(|_| param.is_weight()), ..update };
            param.abs_max = Some(update.update(&mut param.value, &param.grad, m, v));
        }
    }
}

/// Euclidean norm of all gradients together.
pub fn global_norm<'a>(params: impl Iterator<Item = &'a Param>) -> f64 {
    params.map(|param| weights::sum_of_squares(&param.grad)).sum::<f64>().sqrt()
}

/// The factor that brings a gradient of the given norm to at most [`MAX_GRAD_NORM`].
pub fn clip_factor(norm: f64) -> f32 {
    // The 1e-6 is that of the reference implementation (torch.nn.utils.clip_grad_norm_).
    (MAX_GRAD_NORM / (norm + 1e-6)).min(1.0) as f32
}

/// A registered learning-rate rule.
pub struct Schedule {
    /// Its name and description.
    pub entry: Entry,
    /// Share of the initial rate in an epoch (from 0) of a run with so many epochs.
    pub factor: fn(epoch: u32, epochs: u32) -> f64,
}

/// Every rule that a run can use.
pub static SCHEDULES: &[Schedule] = &[
    Schedule {
        entry: Entry {
            name: "cosine",
            label: "Cosine, falling",
            about: "Cosine annealing from the initial rate towards 0 at the end of the run",
        },
        factor: |epoch, epochs| cosine(f64::from(epoch) / f64::from(epochs)),
    },
    Schedule {
        entry: Entry {
            name: "cosine_climbing",
            label: "Cosine, as published",
            about: "Cosine with a half-period of 100 epochs: falls to 0 at epoch 100, then climbs back",
        },
        factor: |epoch, _| cosine(f64::from(epoch) / PUBLISHED_T_MAX),
    },
];

/// `(1 + cos(pi t)) / 2` (arXiv 1608.03983, equation 5).
fn cosine(t: f64) -> f64 {
    0.5 * (1.0 + (PI * t).cos())
}

/// The rule of that name.
///
/// # Errors
/// [`crate::Error::Config`] for an unknown name.
pub fn find_schedule(name: &str) -> Result<&'static Schedule> {
    find_named("schedule", name, SCHEDULES, |schedule| &schedule.entry)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::Init;
    use crate::random::{Purpose, stream};

    #[test]
    fn published_schedule_climbs_and_the_default_only_falls() {
        let climbing = find_schedule("cosine_climbing").unwrap().factor;
        assert_eq!(climbing(0, 150), 1.0);
        assert!(climbing(100, 150) < 1e-12);
        assert!((climbing(150, 150) - 0.5).abs() < 1e-12);
        let falling = find_schedule("cosine").unwrap().factor;
        assert_eq!(falling(0, 150), 1.0);
        assert!((1..150).all(|e| falling(e, 150) < falling(e - 1, 150)));
        assert!(falling(149, 150) > 0.0);
    }

    #[test]
    fn norm_above_the_limit_is_brought_to_it() {
        assert_eq!(clip_factor(0.1), 1.0);
        assert!((f64::from(clip_factor(5.0)) * 5.0 - MAX_GRAD_NORM).abs() < 1e-5);
    }

    #[test]
    fn first_adamw_step_moves_by_the_rate_against_the_sign() {
        let mut rng = stream(0u32, Purpose::Weights, 0);
        let mut param = Param::new("weight", &[2, 1], Init::Constant(1.0), &mut rng);
        param.grad = vec![0.3, -0.02];
        AdamW::default().step([&mut param].into_iter(), 1e-3, 1.0, None);
        let decayed = 1.0 - 1e-3 * 5e-4;
        // Two roundings of values near 1.
        assert!((param.value[0] - (decayed - 1e-3)).abs() <= 2.0 * f32::EPSILON);
        assert!((param.value[1] - (decayed + 1e-3)).abs() <= 2.0 * f32::EPSILON);
    }
}
