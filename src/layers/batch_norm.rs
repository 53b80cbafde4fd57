//! Batch normalisation over N, H and W (arXiv 1502.03167), with the ReLU that follows it.

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
    shape: Shape,
    /// That of the ReLU that follows, where there is one.
    activation: Activation,
    gamma: Param,
    beta: Param,
    /// Of all batches, decaying; the variance is unbiased.
    running: Statistics,
    /// Of the last training pass; the variance is biased.
    batch: Statistics,
    /// Values of a channel in the last training pass: N H W.
    batch_count: usize,
}

pub(super) fn build(context: &mut Context<'_>) -> Result<Box<dyn Layer>> {
    context.settings::<NoSettings>()?;
    let channels = context.input[2];
    let statistics =
        |mean, variance| Statistics { mean: vec![mean; channels], variance: vec![variance; channels] };
    Ok(Box::new(BatchNorm {
        shape: context.input,
        activation: Activation::Identity,
        gamma: Param::new("weight", &[channels], Init::Constant(1.0), context.rng),
        beta: Param::new("bias", &[channels], Init::Constant(0.0), context.rng),
        running: statistics(0.0, 1.0),
        batch: statistics(0.0, 1.0),
        batch_count: 0,
    }))
}

impl BatchNorm {
    fn kernel<'a>(&'a self, statistics: &'a Statistics) -> kernels::BatchNorm<'a> {
        kernels::BatchNorm {
            mean: &statistics.mean,
            variance: &statistics.variance,
            gamma: &self.gamma.value,
            beta: &self.beta.value,
            eps: EPSILON,
        }
    }
}

/// `y = gamma (x - mean) / sqrt(variance + 1e-5) + beta`, with the statistics of the batch while training and
/// the running ones otherwise.
impl Layer for BatchNorm {
    fn output(&self) -> Shape {
        self.shape
    }

    fn absorb(&mut self, next: &LayerSpec) -> bool {
        let takes = self.activation == Activation::Identity && next.kind == "relu";
        if takes {
            self.activation = Activation::Relu;
        }
        takes
    }

    fn gradient_in_place(&self) -> bool {
        true
    }

    fn forward(&mut self, x: &Tensor, _from: Option<&Tensor>, y: &mut Tensor, pass: &Pass) {
        if pass.training {
            batch_norm::statistics(x, &mut self.batch.mean, &mut self.batch.variance);
            self.batch_count = x.n * x.h * x.w;
        }
        let statistics = if pass.training { &self.batch } else { &self.running };
        self.kernel(statistics).forward(x, self.activation, y);
    }

    fn backward(&mut self, tensors: Backward<'_>) {
        let Backward { x, dy, .. } = tensors;
        let kernel = kernels::BatchNorm {
            mean: &self.batch.mean,
            variance: &self.batch.variance,
            gamma: &self.gamma.value,
            beta: &self.beta.value,
            eps: EPSILON,
        };
        kernel.backward(x, self.activation, dy, &mut self.gamma.grad, &mut self.beta.grad);
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
