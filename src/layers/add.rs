//! Skip connection: the sum of two activations.

use super::{Backward, Context, Layer, NoSettings, Pass, Shape};
use crate::{Result, Tensor, kernels::pointwise};

struct Add {
    shape: Shape,
}

pub(super) fn build(context: &mut Context<'_>) -> Result<Box<dyn Layer>> {
    context.settings::<NoSettings>()?;
    if context.spec.from.is_none() {
        return Err(context.error("a setting `from` that names a layer", "none"));
    }
    Ok(Box::new(Add { shape: context.input }))
}

impl Layer for Add {
    fn output(&self) -> Shape {
        self.shape
    }

    fn forward(&mut self, x: &Tensor, from: Option<&Tensor>, y: &mut Tensor, _pass: &Pass) {
        pointwise::copy(x, y);
        pointwise::add_assign(y, from.expect("the model resolves `from`"));
    }

    /// Both inputs have the gradient of the sum.
    fn backward(&mut self, tensors: Backward<'_>) {
        if let Some(dx) = tensors.x.into_gradient() {
            pointwise::copy(tensors.dy, dx);
        }
    }
}
