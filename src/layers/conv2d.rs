//! Square convolution with zero padding and a bias: 3x3 of stride 1 or 2, 5x5 of stride 1.

use serde::Deserialize;

use super::{Context, Init, Input, Layer, Levels, Param, Pass, Role, Shape};
use crate::kernels::grid::Integers;
use crate::kernels::{Conv3x3, Conv5x5, conv3x3, conv5x5, int8, pointwise};
use crate::lower::{Lowering, Op, Weights};
use crate::{Result, Tensor};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// Output channels.
    out: usize,
    /// Rows and columns of the weights, 3 or 5.
    #[serde(default = "three")]
    kernel: usize,
    /// Pixels from one output to the next, 1 or 2.
    #[serde(default = "one")]
    stride: usize,
}

fn one() -> usize {
    1
}

fn three() -> usize {
    3
}

/// The kernels of a size, with the weights as they read them.
enum Kernel {
    Three { conv: Conv3x3, forward: conv3x3::ForwardPanels, backward: conv3x3::BackwardPanels },
    Five { conv: Conv5x5, forward: conv5x5::ForwardPanels, backward: conv5x5::BackwardPanels, batch: Tensor },
}

/// The kernels in integers, with the weights as they read them.
struct Integer {
    conv: int8::Conv3x3,
    /// The weights' step; `None` where they are no integers, or too large ones.
    step: Option<f32>,
    forward: int8::ForwardPanels,
    backward: int8::BackwardPanels,
}

struct Conv2d {
    kernel: Kernel,
    /// `None` where the settings or the shape have none.
    integer: Option<Integer>,
    /// The weights are packed for the kernels of f32: where those of integers are used, once others are asked for.
    packed: bool,
    shape: Shape,
    stride: usize,
    weight: Param,
    bias: Param,
}

pub(super) fn build(context: &mut Context<'_>) -> Result<Box<dyn Layer>> {
    let Settings { out, kernel, stride } = context.settings()?;
    let [h, w, c_in] = context.input();
    if !(1..=2).contains(&stride) {
        return Err(context.error("stride 1 or 2", stride.to_string()));
    }
    if out == 0 || out > 4096 {
        return Err(context.error("1 to 4096 output channels", out.to_string()));
    }
    let x_channels = context.stored_channels();
    let size = kernel;
    let kernel = match size {
        3 => Kernel::Three {
            conv: Conv3x3::new(c_in, out, stride).with_x_channels(x_channels).for_images(h, w),
            forward: Default::default(),
            backward: Default::default(),
        },
        5 if stride == 1 => Kernel::Five {
            conv: Conv5x5::new(c_in, out).with_x_channels(x_channels),
            forward: Default::default(),
            backward: Default::default(),
            batch: Tensor::default(),
        },
        5 => return Err(context.error("stride 1 for kernel 5", stride.to_string())),
        _ => return Err(context.error("kernel 3 or 5", size.to_string())),
    };
    // Fan-in initialisation (He et al., arXiv 1502.01852, equation 10).
    let init = Init::Normal { variance: 2.0 / (size * size * c_in) as f32 };
    let integer =
        context.config.compute == "int8" && size == 3 && int8::Conv3x3::takes([h, w, c_in], out, stride);
    let mut layer = Conv2d {
        kernel,
        integer: integer.then(|| Integer {
            conv: int8::Conv3x3 { c_in, c_out: out },
            step: None,
            forward: Default::default(),
            backward: Default::default(),
        }),
        packed: false,
        shape: [h.div_ceil(stride), w.div_ceil(stride), out],
        stride,
        weight: Param::new("weight", Role::Weight, &[size, size, c_in, out], init, context.rng),
        bias: Param::new("bias", Role::Bias, &[out], Init::Constant(0.0), context.rng),
    };
    layer.refresh();
    Ok(Box::new(layer))
}

impl Conv2d {
    fn halo(&self) -> usize {
        match self.kernel {
            Kernel::Three { .. } => Conv3x3::HALO,
            Kernel::Five { .. } => Conv5x5::HALO,
        }
    }
}

impl Conv2d {
    /// Packs the weights for the kernels of f32.
    fn pack(&mut self) {
        if std::mem::replace(&mut self.packed, true) {
            return;
        }
        let weight = self.weight.forward_value();
        match &mut self.kernel {
            Kernel::Three { conv, forward, backward } => {
                conv.pack_forward(weight, forward);
                conv.pack_backward(weight, backward);
            }
            Kernel::Five { conv, forward, backward, .. } => {
                conv.pack_forward(weight, forward);
                conv.pack_backward(weight, backward);
            }
        }
    }
}

/// `x` itself, or a copy in `wider` where its halo is too narrow: a batch of images comes with a halo of 1.
fn with_halo<'t>(x: &'t Tensor, halo: usize, wider: &'t mut Tensor) -> &'t Tensor {
    if x.halo() >= halo {
        return x;
    }
    wider.reshape(x.shape(), halo);
    pointwise::copy(x, wider);
    wider
}

impl Layer for Conv2d {
    fn output(&self) -> Shape {
        self.shape
    }

    fn input_halo(&self) -> usize {
        self.halo()
    }

    fn gradient_halo(&self) -> usize {
        self.halo()
    }

    fn reads_stored_image(&self) -> bool {
        true
    }

    fn forward(&mut self, inputs: &[&Tensor], y: &mut Tensor, _pass: &Pass) {
        self.pack();
        let x = inputs[0];
        let bias = &self.bias.value;
        match &mut self.kernel {
            Kernel::Three { conv, forward, .. } => conv.forward(x, forward, bias, y),
            Kernel::Five { conv, forward, batch, .. } => {
                conv.forward(with_halo(x, Conv5x5::HALO, batch), forward, bias, y);
            }
        }
    }

    fn backward(&mut self, inputs: &mut [Input<'_>], dy: &Tensor) {
        self.pack();
        let x = &mut inputs[0];
        let (dw, db) = (&mut self.weight.grad, &mut self.bias.grad);
        // The weights' gradient comes before that of x is written over x.
        match &mut self.kernel {
            Kernel::Three { conv, backward, .. } => {
                conv.backward_weight(x.values(), dy, dw, db);
                if let Some(dx) = x.gradient() {
                    conv.backward_input(dy, backward, dx);
                }
            }
            Kernel::Five { conv, backward, batch, .. } => {
                conv.backward_weight(with_halo(x.values(), Conv5x5::HALO, batch), dy, dw, db);
                if let Some(dx) = x.gradient() {
                    conv.backward_input(dy, backward, dx);
                }
            }
        }
    }

    fn params(&self) -> Vec<&Param> {
        vec![&self.weight, &self.bias]
    }

    fn params_mut(&mut self) -> Vec<&mut Param> {
        vec![&mut self.weight, &mut self.bias]
    }

    fn use_direct_algorithm(&mut self) {
        if let Kernel::Three { conv, .. } = &mut self.kernel {
            *conv = conv.direct();
            self.integer = None;
            self.refresh();
        }
    }

    fn refresh(&mut self) {
        self.packed = false;
        if let Some(Integer { conv, step, forward, backward }) = &mut self.integer {
            let integers = self.weight.integers().filter(|integers| conv.holds(integers.most));
            *step = integers.as_ref().map(|integers| integers.step);
            if let Some(Integers { values, .. }) = integers {
                conv.pack_forward(&values, forward);
                return conv.pack_backward(&values, backward);
            }
        }
        self.pack();
    }

    fn levels_halo(&self) -> Option<usize> {
        self.integer.as_ref().map(|_| Conv3x3::HALO)
    }

    fn takes_levels(&self) -> bool {
        self.integer.as_ref().is_some_and(|integer| integer.step.is_some())
    }

    fn forward_levels(&mut self, x: &Levels<u8>, y: &mut Tensor) {
        let Some(Integer { conv, step: Some(step), forward, .. }) = &self.integer else { unreachable!() };
        let scales = vec![step * x.step(); y.c()];
        conv.forward(&x.values, forward, &scales, &self.bias.value, y);
    }

    fn backward_levels(&mut self, x: &Levels<u8>, dx: Option<&mut Tensor>, dy: &Levels<i8>) {
        let Some(Integer { conv, step: Some(step), backward, .. }) = &self.integer else { unreachable!() };
        conv.backward_weight(x, dy, &mut self.weight.grad, &mut self.bias.grad);
        if let Some(dx) = dx {
            conv.backward_input(&dy.values, backward, step * dy.step(), dx);
        }
    }

    fn is_linear(&self) -> bool {
        true
    }

    fn lower(&self, out: &mut Lowering<'_>) {
        let weight = Weights::of(&self.weight);
        out.push(Op::Conv2d { weight, bias: self.bias.value.clone(), stride: self.stride });
    }
}
