//! Rectified linear unit: `y = max(x, 0)`.

use super::{Context, Input, Layer, NoSettings, Pass, Shape};
use crate::lower::{Lowering, Op};
use crate::{Result, Tensor, kernels::pointwise};

struct Relu {
    shape: Shape,
}

pub(super) fn build(context: &mut Context<'_>) -> Result<Box<dyn Layer>> {
    context.settings::<NoSettings>()?;
    Ok(Box::new(Relu { shape: context.input() }))
}

impl Layer for Relu {
    fn output(&self) -> Shape {
        self.shape
    }

    fn forward(&mut self, inputs: &[&Tensor], y: &mut Tensor, _pass: &Pass) {
        pointwise::relu_forward(inputs[0], y);
    }

    /// `dx = dy` where `x > 0`, else 0.
    fn backward(&mut self, inputs: &mut [Input<'_>], dy: &Tensor) {
        if let Some(x) = inputs[0].gradient() {
            pointwise::relu_backward(dy, x);
        }
    }

    fn keeps_scale(&self) -> bool {
        true
    }

    fn lower(&self, out: &mut Lowering<'_>) {
        out.push(Op::Relu);
    }
}
