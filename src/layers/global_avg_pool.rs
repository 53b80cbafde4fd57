//! Global average pooling: the mean over all pixels, a vector of channels.

use super::{Context, Input, Layer, NoSettings, Pass, Shape};
use crate::lower::{Lowering, Op};
use crate::{Result, Tensor, kernels::pool};

struct GlobalAvgPool {
    channels: usize,
}

pub(super) fn build(context: &mut Context<'_>) -> Result<Box<dyn Layer>> {
    context.settings::<NoSettings>()?;
    Ok(Box::new(GlobalAvgPool { channels: context.input()[2] }))
}

impl Layer for GlobalAvgPool {
    fn output(&self) -> Shape {
        [1, 1, self.channels]
    }

    fn forward(&mut self, inputs: &[&Tensor], y: &mut Tensor, _pass: &Pass) {
        pool::global_average_forward(inputs[0], y);
    }

    /// Every pixel gets `dy / (h w)`.
    fn backward(&mut self, inputs: &mut [Input<'_>], dy: &Tensor) {
        if let Some(dx) = inputs[0].gradient() {
            pool::global_average_backward(dy, dx);
        }
    }

    fn keeps_scale(&self) -> bool {
        true
    }

    fn lower(&self, out: &mut Lowering<'_>) {
        out.push(Op::GlobalAvgPool);
    }
}
