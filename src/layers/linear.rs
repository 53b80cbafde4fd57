//! Fully connected layer: `y = x W + b`.

use serde::Deserialize;

use super::{Context, Init, Input, Layer, Param, Pass, Role, Shape};
use crate::kernels::gemm::{BackwardPanels, ForwardPanels, Linear as Kernel};
use crate::lower::{Lowering, Op, Weights};
use crate::{Result, Tensor};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// Outputs; the number of classes where absent.
    out: Option<usize>,
}

struct Linear {
    kernel: Kernel,
    weight: Param,
    bias: Param,
    forward_weight: ForwardPanels,
    backward_weight: BackwardPanels,
}

pub(super) fn build(context: &mut Context<'_>) -> Result<Box<dyn Layer>> {
    let Settings { out } = context.settings()?;
    let [h, w, inputs] = context.input();
    if h != 1 || w != 1 {
        return Err(context.error("a vector", format!("an image of shape {:?}", context.input())));
    }
    let outputs = out.unwrap_or(context.classes);
    if outputs == 0 || outputs > 65_536 {
        return Err(context.error("1 to 65536 outputs", outputs.to_string()));
    }
    let init = Init::Normal { variance: 1.0 / inputs as f32 };
    let mut layer = Linear {
        kernel: Kernel::new(inputs, outputs),
        weight: Param::new("weight", Role::Weight, &[inputs, outputs], init, context.rng),
        bias: Param::new("bias", Role::Bias, &[outputs], Init::Constant(0.0), context.rng),
        forward_weight: ForwardPanels::default(),
        backward_weight: BackwardPanels::default(),
    };
    layer.refresh();
    Ok(Box::new(layer))
}

impl Layer for Linear {
    fn output(&self) -> Shape {
        [1, 1, self.kernel.outputs]
    }

    fn forward(&mut self, inputs: &[&Tensor], y: &mut Tensor, _pass: &Pass) {
        self.kernel.forward(inputs[0], &self.forward_weight, &self.bias.value, y);
    }

    fn backward(&mut self, inputs: &mut [Input<'_>], dy: &Tensor) {
        // Before the gradient is written over x.
        self.kernel.backward_weight(inputs[0].values(), dy, &mut self.weight.grad, &mut self.bias.grad);
        if let Some(dx) = inputs[0].gradient() {
            self.kernel.backward_input(dy, &self.backward_weight, dx);
        }
    }

    fn params(&self) -> Vec<&Param> {
        vec![&self.weight, &self.bias]
    }

    fn params_mut(&mut self) -> Vec<&mut Param> {
        vec![&mut self.weight, &mut self.bias]
    }

    fn refresh(&mut self) {
        let weight = self.weight.forward_value();
        self.kernel.pack_forward(weight, &mut self.forward_weight);
        self.kernel.pack_backward(weight, &mut self.backward_weight);
    }

    fn is_linear(&self) -> bool {
        true
    }

    fn lower(&self, out: &mut Lowering<'_>) {
        out.push(Op::Linear { weight: Weights::of(&self.weight), bias: self.bias.value.clone() });
    }
}
