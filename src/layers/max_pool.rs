//! 2x2 max pooling with stride 2.

use super::{Context, Input, Layer, NoSettings, Pass, Shape};
use crate::lower::{Lowering, Op};
use crate::{Result, Tensor, kernels::pool};

struct MaxPool {
    shape: Shape,
    /// Which of the four inputs was the largest, for every output.
    winners: Vec<u8>,
}

pub(super) fn build(context: &mut Context<'_>) -> Result<Box<dyn Layer>> {
    context.settings::<NoSettings>()?;
    let [h, w, c] = context.input();
    if h < 2 || w < 2 {
        return Err(context.error("at least 2 x 2 pixels", format!("{h} x {w}")));
    }
    Ok(Box::new(MaxPool { shape: [h / 2, w / 2, c], winners: Vec::new() }))
}

impl Layer for MaxPool {
    fn output(&self) -> Shape {
        self.shape
    }

    fn forward(&mut self, inputs: &[&Tensor], y: &mut Tensor, _pass: &Pass) {
        self.winners.resize(y.shape().iter().product(), 0);
        pool::max_pool_forward(inputs[0], y, &mut self.winners);
    }

    /// The gradient goes to the largest input; to the first of equals.
    fn backward(&mut self, inputs: &mut [Input<'_>], dy: &Tensor) {
        if let Some(dx) = inputs[0].gradient() {
            pool::max_pool_backward(dy, &self.winners, dx);
        }
    }

    fn keeps_scale(&self) -> bool {
        true
    }

    fn lower(&self, out: &mut Lowering<'_>) {
        out.push(Op::MaxPool);
    }
}
