//! Batch normalisation over N, H and W (arXiv 1502.03167), with what follows it: a ReLU, and then a skip connection or
//! a max pooling.

use std::mem;

use super::{Backward, Context, Init, Layer, LayerSpec, NoSettings, Param, Pass, Shape};
use crate::kernels::{self, Activation, batch_norm};
use crate::{Result, Tensor};

/// Added to the variance.
pub(crate) const EPSILON: f32 = 1e-5;
/// Weight of the new batch in the running statistics.
const MOMENTUM: f32 = 0.1;

/// Mean and variance of each channel.
struct Statistics {
    mean: Vec<f32>,
    variance: Vec<f32>,
}

struct BatchNorm {
    /// Of the input.
    shape: Shape,
    /// That of the ReLU that follows, where there is one.
    activation: Activation,
    /// The last layer that was absorbed, but for the ReLU.
    tail: Tail,
    gamma: Param,
    beta: Param,
    /// Of all batches, decaying; the variance is unbiased.
    running: Statistics,
    /// Of the last training pass; the variance is biased.
    batch: Statistics,
    /// Values of a channel in the last training pass: N H W.
    batch_count: usize,
}

/// What comes behind the activation.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Tail {
    Nothing,
    /// The sum with the second input.
    Add,
    /// 2x2 max pooling.
    MaxPool,
}

pub(super) fn build(context: &mut Context<'_>) -> Result<Box<dyn Layer>> {
    context.settings::<NoSettings>()?;
    let channels = context.input[2];
    let statistics =
        |mean, variance| Statistics { mean: vec![mean; channels], variance: vec![variance; channels] };
    Ok(Box::new(BatchNorm {
        shape: context.input,
        activation: Activation::Identity,
        tail: Tail::Nothing,
        gamma: Param::new("weight", &[channels], Init::Constant(1.0), context.rng),
        beta: Param::new("bias", &[channels], Init::Constant(0.0), context.rng),
        running: statistics(0.0, 1.0),
        batch: statistics(0.0, 1.0),
        batch_count: 0,
    }))
}

impl BatchNorm {
    fn kernel(&self, training: bool) -> kernels::BatchNorm<'_> {
        let statistics = if training { &self.batch } else { &self.running };
        kernels::BatchNorm {
            mean: &statistics.mean,
            variance: &statistics.variance,
            gamma: &self.gamma.value,
            beta: &self.beta.value,
            eps: EPSILON,
            activation: self.activation,
            max_pool: self.tail == Tail::MaxPool,
        }
    }
}

/// `y = gamma (x - mean) / sqrt(variance + 1e-5) + beta`, with the statistics of the batch while training and
/// the running ones otherwise.
impl Layer for BatchNorm {
    fn output(&self) -> Shape {
        let [h, w, c] = self.shape;
        if self.tail == Tail::MaxPool { [h / 2, w / 2, c] } else { self.shape }
    }

    fn absorb(&mut self, next: &LayerSpec) -> bool {
        let [h, w, _] = self.shape;
        // Settings and shapes that do not fit are left for the layer's own build to refuse.
        if self.tail != Tail::Nothing || !next.settings.is_empty() {
            return false;
        }
        match next.kind.as_str() {
            "relu" if self.activation == Activation::Identity => self.activation = Activation::Relu,
            "add" if next.from.is_some() => self.tail = Tail::Add,
            "max_pool" if h > 1 && w > 1 => self.tail = Tail::MaxPool,
            _ => return false,
        }
        true
    }

    fn forward(&mut self, x: &Tensor, from: Option<&Tensor>, y: &mut Tensor, pass: &Pass) {
        if pass.training {
            batch_norm::statistics(x, &mut self.batch.mean, &mut self.batch.variance);
            self.batch_count = x.n() * x.h() * x.w();
        }
        self.kernel(pass.training).forward(x, from, y);
    }

    fn backward(&mut self, tensors: Backward<'_>) {
        let Backward { x, dy } = tensors;
        let (mut dgamma, mut dbeta) = (mem::take(&mut self.gamma.grad), mem::take(&mut self.beta.grad));
        let kernel = self.kernel(true);
        let gradient = kernel.backward_parameters(x.values(), dy, &mut dgamma, &mut dbeta);
        if let Some(x) = x.into_gradient() {
            kernel.backward_input(dy, &gradient, x);
        }
        (self.gamma.grad, self.beta.grad) = (dgamma, dbeta);
    }

    fn params(&self) -> Vec<&Param> {
        vec![&self.gamma, &self.beta]
    }

    fn params_mut(&mut self) -> Vec<&mut Param> {
        vec![&mut self.gamma, &mut self.beta]
    }

    fn end_step(&mut self) {
        let n = self.batch_count as f32;
        let unbiased = n / (n - 1.0).max(1.0);
        for (running, batch) in self.running.mean.iter_mut().zip(&self.batch.mean) {
            *running += MOMENTUM * (batch - *running);
        }
        for (running, batch) in self.running.variance.iter_mut().zip(&self.batch.variance) {
            *running += MOMENTUM * (batch * unbiased - *running);
        }
    }

    fn buffers(&self) -> Vec<(&'static str, &[f32])> {
        vec![("running_mean", &self.running.mean), ("running_var", &self.running.variance)]
    }

    fn buffers_mut(&mut self) -> Vec<(&'static str, &mut [f32])> {
        vec![("running_mean", &mut self.running.mean), ("running_var", &mut self.running.variance)]
    }
}
