//! Global average pooling: the mean over all pixels, a vector of channels.

use super::{Backward, Context, Layer, NoSettings, Pass, Shape};
use crate::{Result, Tensor, kernels::pool};

struct GlobalAvgPool {
    channels: usize,
}

pub(super) fn build(context: &mut Context<'_>) -> Result<Box<dyn Layer>> {
    context.settings::<NoSettings>()?;
    Ok(Box::new(GlobalAvgPool { channels: context.input[2] }))
}

impl Layer for GlobalAvgPool {
    fn output(&self) -> Shape {
        [1, 1, self.channels]
    }

    fn forward(&mut self, x: &Tensor, _from: Option<&Tensor>, y: &mut Tensor, _pass: &Pass) {
        pool::global_average_forward(x, y);
    }

    /// Every pixel gets `dy / (h w)`.
    fn backward(&mut self, tensors: Backward<'_>) {
        if let Some(dx) = tensors.x.into_gradient() {
            pool::global_average_backward(tensors.dy, dx);
        }
    }
}
