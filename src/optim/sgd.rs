//! Stochastic gradient descent with Nesterov momentum, as PyTorch writes it (torch.optim.SGD), the decay added to the
//! gradient.

use super::{Kind, Optimizer, Update};
use crate::kernels::weights::{self, Velocity};
use crate::param::Param;
use crate::registry::{Entry, told};

pub(super) const KIND: Kind = Kind {
    entry: Entry {
        name: "sgd",
        label: told("SGD, Nesterov"),
        about: told("Gradient descent with momentum: rates are some hundred times those of AdamW"),
    },
    source: told("Sutskever et al., ICML 2013, equations 3 and 4"),
    optimizer: &Sgd,
};

struct Sgd;

impl Optimizer for Sgd {
    fn slots(&self) -> &'static [&'static str] {
        &["velocity"]
    }

    fn update(&self, param: &mut Param, at: &Update) {
        let slot = param.slot("velocity");
        let mut velocity = std::mem::take(&mut param.slots[slot].values);
        let update = Velocity {
            lr: at.lr as f32,
            momentum: at.momentum as f32,
            weight_decay: at.weight_decay as f32,
            gradient_scale: at.gradient_scale,
        };
        let (value, gradient) = param.to_change();
        update.update(value, gradient, &mut velocity);
        param.slots[slot].values = velocity;
        if let Some(limit) = at.soft_clip {
            weights::tanh_soft_clip(&mut param.value, limit);
        }
        param.abs_max = Some(weights::abs_max(&param.value));
    }
}
