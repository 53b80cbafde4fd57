//! 3x3 convolution with padding 1 and a bias.

use serde::Deserialize;

use super::{Backward, Context, Init, Layer, Param, Pass, Shape};
use crate::kernels::conv3x3::{Conv3x3, PackedBackward, PackedForward};
use crate::{Result, Tensor};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// Output channels.
    out: usize,
    /// Pixels from one output to the next, 1 or 2.
    #[serde(default = "one")]
    stride: usize,
}

fn one() -> usize {
    1
}

struct Conv2d {
    kernel: Conv3x3,
    shape: Shape,
    weight: Param,
    bias: Param,
    forward_weight: PackedForward,
    backward_weight: PackedBackward,
}

pub(super) fn build(context: &mut Context<'_>) -> Result<Box<dyn Layer>> {
    let Settings { out, stride } = context.settings()?;
    let [h, w, c_in] = context.input;
    if !(1..=2).contains(&stride) {
        return Err(context.error("stride 1 or 2", stride.to_string()));
    }
    if out == 0 || out > 4096 {
        return Err(context.error("1 to 4096 output channels", out.to_string()));
    }
    // Fan-in initialisation (He et al., arXiv 1502.01852, equation 10).
    let init = Init::Normal { variance: 2.0 / (9 * c_in) as f32 };
    let mut layer = Conv2d {
        kernel: Conv3x3::new(c_in, out, stride).with_x_channels(context.stored_channels()),
        shape: [h.div_ceil(stride), w.div_ceil(stride), out],
        weight: Param::new("weight", &[3, 3, c_in, out], init, context.rng),
        bias: Param::new("bias", &[out], Init::Constant(0.0), context.rng),
        forward_weight: PackedForward::default(),
        backward_weight: PackedBackward::default(),
    };
    layer.refresh();
    Ok(Box::new(layer))
}

impl Layer for Conv2d {
    fn output(&self) -> Shape {
        self.shape
    }

    fn input_halo(&self) -> usize {
        1
    }

    fn gradient_halo(&self) -> usize {
        1
    }

    fn forward(&mut self, x: &Tensor, _from: Option<&Tensor>, y: &mut Tensor, _pass: &Pass) {
        self.kernel.forward(x, &self.forward_weight, &self.bias.value, y);
    }

    fn backward(&mut self, tensors: Backward<'_>) {
        let Backward { x, dy } = tensors;
        // Before the gradient is written over x.
        self.kernel.backward_weight(x.values(), dy, &mut self.weight.grad, &mut self.bias.grad);
        if let Some(dx) = x.into_gradient() {
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
}
