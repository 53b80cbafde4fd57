//! AdamW (arXiv 1711.05101, algorithm 2) with beta2 0.999 and eps 1e-8; beta1 is the momentum.

use super::{Kind, Optimizer, Update};
use crate::kernels::weights;
use crate::param::Param;
use crate::registry::{Entry, told};

pub(super) const KIND: Kind = Kind {
    entry: Entry {
        name: "adamw",
        label: told("AdamW"),
        about: told("Each weight's step is divided by the recent size of its gradient"),
    },
    source: told("arXiv 1711.05101, algorithm 2"),
    optimizer: &AdamW,
};

pub(super) struct AdamW;

impl Optimizer for AdamW {
    fn slots(&self) -> &'static [&'static str] {
        &["m", "v"]
    }

    fn update(&self, param: &mut Param, at: &Update) {
        let [m, v] = ["m", "v"].map(|name| param.slot(name));
        let [mut first, mut second] = [m, v].map(|slot| std::mem::take(&mut param.slots[slot].values));
        let update = weights::AdamW {
            lr: at.lr,
            beta1: at.momentum,
            beta2: 0.999,
            eps: 1e-8,
            weight_decay: at.weight_decay,
            step: at.step,
            gradient_scale: at.gradient_scale,
            soft_clip: at.soft_clip,
        };
        let (value, gradient) = param.to_change();
        let abs_max = update.update(value, gradient, &mut first, &mut second);
        param.slots[m].values = first;
        param.slots[v].values = second;
        param.abs_max = Some(abs_max);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::param::Role;

    #[test]
    fn the_first_step_moves_by_the_rate_against_the_sign() {
        let mut param = Param::constant("weight", Role::Weight, &[2, 1], 1.0);
        param.grad = vec![0.3, -0.02];
        let at = Update {
            step: 1,
            lr: 1e-3,
            momentum: 0.9,
            weight_decay: 5e-4,
            gradient_scale: 1.0,
            soft_clip: None,
        };
        AdamW.update(&mut param, &at);
        let decayed = 1.0 - 1e-3 * 5e-4;
        // Two roundings of values near 1.
        assert!((param.value[0] - (decayed - 1e-3)).abs() <= 2.0 * f32::EPSILON);
        assert!((param.value[1] - (decayed + 1e-3)).abs() <= 2.0 * f32::EPSILON);
    }
}
