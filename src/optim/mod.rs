//! Optimizers: how gradients change parameters. One file and one line in [`OPTIMIZERS`] each.

mod adamw;
mod muon;
mod sgd;

use crate::Result;
use crate::param::Param;
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
pub static OPTIMIZERS: Registry<Kind> =
    Registry::new("optimizer", &[adamw::KIND, sgd::KIND, muon::KIND, muon::CONVOLUTIONS]);

/// The optimizer of that name.
///
/// # Errors
/// [`crate::Error::Config`] for an unknown name.
pub fn find(name: &str) -> Result<&'static Kind> {
    OPTIMIZERS.find(name)
}

/// The factor that brings a gradient of the given norm to at most `limit`.
pub fn clip_factor(norm: f64, limit: f64) -> f32 {
    // The 1e-6 is that of the reference implementation (torch.nn.utils.clip_grad_norm_).
    (limit / (norm + 1e-6)).min(1.0) as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::param::Role;

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
