//! Skip connection: the sum of two activations.

use super::{Context, Input, Layer, NoSettings, Pass, Shape};
use crate::lower::{Lowering, Op};
use crate::{Result, Tensor, kernels::pointwise};

struct Add {
    shape: Shape,
}

pub(super) fn build(context: &mut Context<'_>) -> Result<Box<dyn Layer>> {
    context.settings::<NoSettings>()?;
    if let Some(other) = context.inputs.iter().find(|shape| **shape != context.input()) {
        return Err(context.error(format!("inputs of shape {:?}", context.input()), format!("{other:?}")));
    }
    Ok(Box::new(Add { shape: context.input() }))
}

impl Layer for Add {
    fn output(&self) -> Shape {
        self.shape
    }

    /// Both inputs have the gradient of the sum.
    fn passes_gradient(&self, _input: usize) -> bool {
        true
    }

    fn forward(&mut self, inputs: &[&Tensor], y: &mut Tensor, _pass: &Pass) {
        pointwise::copy(inputs[0], y);
        pointwise::add_assign(y, inputs[1]);
    }

    fn backward(&mut self, inputs: &mut [Input<'_>], dy: &Tensor) {
        inputs.iter_mut().filter_map(Input::gradient).for_each(|dx| pointwise::copy(dy, dx));
    }

    fn lower(&self, out: &mut Lowering<'_>) {
        out.push(Op::Add);
    }
}
