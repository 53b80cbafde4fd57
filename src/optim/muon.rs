//! Muon: momentum whose matrices are brought near orthogonal, for convolutions and large matrices; AdamW for the rest.
//!
//! The momentum is averaged and looked ahead as Jordan's code and PyTorch do it, and the rate is scaled to AdamW's size of
//! steps (arXiv 2502.16982, equation 4), so that AdamW's rates and decay serve.

use super::adamw::AdamW;
use super::{Kind, Optimizer, Update};
use crate::kernels::muon;
use crate::kernels::weights;
use crate::param::{Param, Role};
use crate::registry::{Entry, told};

const SOURCE: &str = "Jordan et al. 2024; arXiv 2502.16982";

pub(super) const KIND: Kind = Kind {
    entry: Entry {
        name: "muon",
        label: told("Muon"),
        about: told(
            "Steps of equal size in all directions of a weight matrix; AdamW for biases and small layers",
        ),
    },
    source: SOURCE,
    optimizer: &Muon { matrices: true },
};

pub(super) const CONVOLUTIONS: Kind = Kind {
    entry: Entry {
        name: "muon_conv",
        label: told("Muon, convolutions only"),
        about: told("Muon for convolutions, AdamW for all other layers"),
    },
    source: SOURCE,
    optimizer: &Muon { matrices: false },
};

/// Both sides of a linear layer's matrix have at least so many.
const LARGE: usize = 64;

struct Muon {
    /// Large linear layers too.
    matrices: bool,
}

impl Muon {
    fn takes(&self, param: &Param) -> bool {
        param.role == Role::Weight
            && match param.dims[..] {
                [_, _, _, _] => true,
                [rows, outputs] => self.matrices && rows.min(outputs) >= LARGE,
                _ => false,
            }
    }
}

impl Optimizer for Muon {
    fn slots(&self) -> &'static [&'static str] {
        &["m", "v", "velocity"]
    }

    fn update(&self, param: &mut Param, at: &Update) {
        if !self.takes(param) {
            return AdamW.update(param, at);
        }
        let slot = param.slot("velocity");
        let [rows, cols] = param.matrix();
        let mut direction = vec![0.0; param.value.len()];
        let momentum = at.momentum as f32;
        let mut velocity = std::mem::take(&mut param.slots[slot].values);
        weights::look_ahead(param.gradient(), at.gradient_scale, momentum, &mut velocity, &mut direction);
        param.slots[slot].values = velocity;
        muon::orthogonalize(&mut direction, rows, cols);
        let factor = 0.2 * (rows.max(cols) as f64).sqrt();
        let keep = (1.0 - at.lr * at.weight_decay) as f32;
        weights::add_scaled(&mut param.value, keep, &direction, -(at.lr * factor) as f32);
        if let Some(limit) = at.soft_clip {
            weights::tanh_soft_clip(&mut param.value, limit);
        }
        param.abs_max = Some(weights::abs_max(&param.value));
    }
}
