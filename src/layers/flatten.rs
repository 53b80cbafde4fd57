//! Image to vector, in the (C, H, W) order of published checkpoints.

use super::{Backward, Context, Layer, NoSettings, Pass, Shape};
use crate::{Result, Tensor, kernels::pool};

struct Flatten {
    len: usize,
}

pub(super) fn build(context: &mut Context<'_>) -> Result<Box<dyn Layer>> {
    context.settings::<NoSettings>()?;
    Ok(Box::new(Flatten { len: context.input.iter().product() }))
}

impl Layer for Flatten {
    fn output(&self) -> Shape {
        [1, 1, self.len]
    }

    fn forward(&mut self, x: &Tensor, _from: Option<&Tensor>, y: &mut Tensor, _pass: &Pass) {
        pool::flatten_forward(x, y);
    }

    /// The inverse permutation.
    fn backward(&mut self, tensors: Backward<'_>) {
        if let Some(dx) = tensors.x.into_gradient() {
            pool::flatten_backward(tensors.dy, dx);
        }
    }
}
