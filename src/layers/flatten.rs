//! Image to vector, in the (C, H, W) order of published checkpoints.

use super::{Context, Input, Layer, NoSettings, Pass, Shape};
use crate::lower::{Lowering, Op};
use crate::{Result, Tensor, kernels::pool};

struct Flatten {
    len: usize,
}

pub(super) fn build(context: &mut Context<'_>) -> Result<Box<dyn Layer>> {
    context.settings::<NoSettings>()?;
    Ok(Box::new(Flatten { len: context.input().iter().product() }))
}

impl Layer for Flatten {
    fn output(&self) -> Shape {
        [1, 1, self.len]
    }

    fn forward(&mut self, inputs: &[&Tensor], y: &mut Tensor, _pass: &Pass) {
        pool::flatten_forward(inputs[0], y);
    }

    /// The inverse permutation.
    fn backward(&mut self, inputs: &mut [Input<'_>], dy: &Tensor) {
        if let Some(dx) = inputs[0].gradient() {
            pool::flatten_backward(dy, dx);
        }
    }

    fn keeps_scale(&self) -> bool {
        true
    }

    fn lower(&self, out: &mut Lowering<'_>) {
        out.push(Op::Flatten);
    }
}
