//! Optimizers: how gradients change parameters. One file and one line in [`OPTIMIZERS`] each.

mod adamw;
mod muon;
mod sgd;

use crate::Result;
use crate::kernels::weights;
use crate::layers::{Param, Role};
use crate::model::Model;
use crate::registry::{Entry, Named, Registry};

/// A rule by which a gradient changes a parameter.
pub trait Optimizer: Send + Sync {
    /// Names of the values that it keeps beside each parameter.
    fn slots(&self) -> &'static [&'static str];

    /// Changes one parameter by its gradient.
    fn update(&self, param: &mut Param, at: &Update);
}

/// What a step asks of every optimizer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Update {
    /// Number of this step of the optimizer, from 1.
    pub step: u64,
    /// Learning rate.
    pub lr: f64,
    /// Share of the past in the first moment, or of the velocity.
    pub momentum: f64,
    /// Decoupled weight decay; 0 for parameters that do not decay.
    pub weight_decay: f64,
    /// Factor on the gradient: that of the norm clipping, 1 without.
    pub gradient_scale: f32,
    /// `w <- limit tanh(w / limit)` after the step.
    pub soft_clip: Option<f32>,
}

/// What a step asks for the whole network; [`step`] makes an [`Update`] of it for each parameter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rules {
    /// Learning rate of what quantizers learn, as [`Role::Step`].
    pub step_lr: f64,
    /// Biases and normalisations decay too.
    pub decay_norms: bool,
    /// The rest, for a weight.
    pub update: Update,
}

/// Changes every parameter of a network.
pub fn step(optimizer: &dyn Optimizer, model: &mut Model, rules: &Rules) {
    model.for_each_param_mut(|_, param| {
        if !param.trainable {
            return;
        }
        let mut update = rules.update;
        match param.role {
            Role::Weight | Role::Adapter => {}
            Role::Bias | Role::Norm => {
                update.soft_clip = None;
                if !rules.decay_norms {
                    update.weight_decay = 0.0;
                }
            }
            Role::Step => update = Update { lr: rules.step_lr, soft_clip: None, ..update },
        }
        if !param.decays {
            update.weight_decay = 0.0;
        }
        optimizer.update(param, &update);
    });
}

/// A registered optimizer.
pub struct Kind {
    /// Its name and description.
    pub entry: Entry,
    /// Where it was published.
    pub source: &'static str,
    /// Its implementation.
    pub optimizer: &'static dyn Optimizer,
}

impl Named for Kind {
    fn name(&self) -> &'static str {
        self.entry.name
    }
}

/// Every optimizer that a run can use.
pub static OPTIMIZERS: Registry<Kind> = Registry::new("optimizer", &[adamw::KIND, sgd::KIND, muon::KIND]);

/// The optimizer of that name.
///
/// # Errors
/// [`crate::Error::Config`] for an unknown name.
pub fn find(name: &str) -> Result<&'static Kind> {
    OPTIMIZERS.find(name)
}

/// Euclidean norm of all gradients together; each parameter remembers its own.
pub fn global_norm(model: &mut Model) -> f64 {
    let mut total = 0.0;
    model.for_each_param_mut(|_, param| {
        let squares = weights::sum_of_squares(&param.grad);
        param.grad_norm = squares.sqrt();
        total += squares;
    });
    total.sqrt()
}

/// The factor that brings a gradient of the given norm to at most `limit`.
pub fn clip_factor(norm: f64, limit: f64) -> f32 {
    // The 1e-6 is that of the reference implementation (torch.nn.utils.clip_grad_norm_).
    (limit / (norm + 1e-6)).min(1.0) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn norm_above_the_limit_is_brought_to_it() {
        assert_eq!(clip_factor(0.1, 0.5), 1.0);
        assert!((f64::from(clip_factor(5.0, 0.5)) * 5.0 - 0.5).abs() < 1e-5);
    }

    #[test]
    fn every_optimizer_keeps_what_it_says() {
        let update = Update {
            step: 1,
            lr: 0.1,
            momentum: 0.9,
            weight_decay: 0.0,
            gradient_scale: 1.0,
            soft_clip: None,
        };
        for kind in OPTIMIZERS.iter() {
            let mut param = Param::constant("weight", Role::Weight, &[3, 3, 2, 4], 1.0);
            param.grad.iter_mut().enumerate().for_each(|(i, g)| *g = (i as f32 - 30.0) / 50.0);
            kind.optimizer.update(&mut param, &update);
            let names: Vec<_> = param.slots.iter().map(|slot| slot.name).collect();
            let said = kind.optimizer.slots();
            assert!(names.iter().all(|name| said.contains(name)), "{}: {names:?}", kind.entry.name);
            let largest = param.value.iter().fold(0.0f32, |max, w| max.max(w.abs()));
            assert_eq!(param.abs_max, Some(largest), "{}", kind.entry.name);
            assert!(param.value.iter().any(|w| *w != 1.0), "{}", kind.entry.name);
        }
    }
}
