//! Projection shortcut (arXiv 1512.03385, equation 2): a 1x1 convolution of stride 1 or 2, so that a skip connection can
//! change channels and size.

use serde::Deserialize;

use super::{Context, Init, Input, Layer, Param, Pass, Role, Shape};
use crate::kernels::gemm::{BackwardPanels, ForwardPanels, Linear};
use crate::kernels::parallel;
use crate::lower::{Lowering, Op, Weights};
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

/// A matrix product over the pixels that are read, gathered into a batch of vectors.
struct Projection {
    kernel: Linear,
    shape: Shape,
    stride: usize,
    weight: Param,
    bias: Param,
    forward_weight: ForwardPanels,
    backward_weight: BackwardPanels,
    /// `[n h w, 1, 1, c]` of the input's pixels that are read, and of all the output's.
    read: Tensor,
    written: Tensor,
}

pub(super) fn build(context: &mut Context<'_>) -> Result<Box<dyn Layer>> {
    let Settings { out, stride } = context.settings()?;
    let [h, w, inputs] = context.input();
    if !(1..=2).contains(&stride) {
        return Err(context.error("stride 1 or 2", stride.to_string()));
    }
    if out == 0 || out > 4096 {
        return Err(context.error("1 to 4096 output channels", out.to_string()));
    }
    // Fan-in initialisation (He et al., arXiv 1502.01852, equation 10).
    let init = Init::Normal { variance: 2.0 / inputs as f32 };
    let mut layer = Projection {
        kernel: Linear::new(inputs, out),
        shape: [h.div_ceil(stride), w.div_ceil(stride), out],
        stride,
        weight: Param::new("weight", Role::Weight, &[1, 1, inputs, out], init, context.rng),
        bias: Param::new("bias", Role::Bias, &[out], Init::Constant(0.0), context.rng),
        forward_weight: ForwardPanels::default(),
        backward_weight: BackwardPanels::default(),
        read: Tensor::default(),
        written: Tensor::default(),
    };
    layer.refresh();
    Ok(Box::new(layer))
}

/// Every pixel of `x` on the lattice of that stride, one after the other.
fn gather(x: &Tensor, stride: usize, pixels: &mut Tensor) {
    let [h, w] = [x.h(), x.w()].map(|len| len.div_ceil(stride));
    let c = x.c();
    pixels.reshape([x.n() * h * w, 1, 1, c], 0);
    parallel::for_each_chunk(pixels.data_mut(), w * c, |row, pixels| {
        let line = x.row(row / h, row % h * stride);
        for (to, from) in pixels.chunks_exact_mut(c).zip(line.chunks(stride * c)) {
            to.copy_from_slice(&from[..c]);
        }
    });
}

/// The inverse: pixels off the lattice become 0.
fn scatter(pixels: &Tensor, stride: usize, x: &mut Tensor) {
    let [h, w] = [x.h(), x.w()].map(|len| len.div_ceil(stride));
    let (c, rows) = (x.c(), x.h());
    for (image, row) in (0..x.n()).flat_map(|image| (0..rows).map(move |row| (image, row))) {
        let line = x.row_mut(image, row);
        if row % stride > 0 {
            line.fill(0.0);
            continue;
        }
        let from = &pixels.data()[(image * h + row / stride) * w * c..][..w * c];
        for (to, from) in line.chunks_mut(stride * c).zip(from.chunks_exact(c)) {
            to[..c].copy_from_slice(from);
            to[c..].fill(0.0);
        }
    }
}

impl Layer for Projection {
    fn output(&self) -> Shape {
        self.shape
    }

    fn forward(&mut self, inputs: &[&Tensor], y: &mut Tensor, _pass: &Pass) {
        gather(inputs[0], self.stride, &mut self.read);
        self.written.reshape([self.read.n(), 1, 1, self.kernel.outputs], 0);
        self.kernel.forward(&self.read, &self.forward_weight, &self.bias.value, &mut self.written);
        scatter(&self.written, 1, y);
    }

    fn backward(&mut self, inputs: &mut [Input<'_>], dy: &Tensor) {
        gather(inputs[0].values(), self.stride, &mut self.read);
        gather(dy, 1, &mut self.written);
        self.kernel.backward_weight(&self.read, &self.written, &mut self.weight.grad, &mut self.bias.grad);
        if let Some(dx) = inputs[0].gradient() {
            self.kernel.backward_input(&self.written, &self.backward_weight, &mut self.read);
            scatter(&self.read, self.stride, dx);
        }
    }

    fn is_linear(&self) -> bool {
        true
    }

    fn lower(&self, out: &mut Lowering<'_>) {
        let weight = Weights::of(&self.weight);
        out.push(Op::Conv2d { weight, bias: self.bias.value.clone(), stride: self.stride });
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
