//! Rectified linear unit: `y = max(x, 0)`.

use super::{Backward, Context, Layer, NoSettings, Pass, Shape};
use crate::{Result, Tensor, kernels::pointwise};

struct Relu {
    shape: Shape,
}

pub(super) fn build(context: &mut Context<'_>) -> Result<Box<dyn Layer>> {
    context.settings::<NoSettings>()?;
    Ok(Box::new(Relu { shape: context.input }))
}

impl Layer for Relu {
    fn output(&self) -> Shape {
        self.shape
    }

    fn forward(&mut self, x: &Tensor, _from: Option<&Tensor>, y: &mut Tensor, _pass: &Pass) {
        pointwise::relu_forward(x, y);
    }

    /// `dx = dy` where `x > 0`, else 0.
    fn backward(&mut self, tensors: Backward<'_>) {
        if let Some(x) = tensors.x.into_gradient() {
            pointwise::relu_backward(tensors.dy, x);
        }
    }
}
