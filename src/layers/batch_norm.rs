//! Batch normalisation over N, H and W (arXiv 1502.03167), with what follows it: a ReLU, and then a skip connection or
//! a max pooling.

use std::mem;

use super::{Affine, Context, Input, Layer, NoSettings, Param, Pass, Role, Shape};
use crate::kernels::rounding::ByRows;
use crate::kernels::{self, Activation, batch_norm, pointwise};
use crate::lower::{Lowering, Op};
use crate::state::Visitor;
use crate::{Result, Tensor};

/// Added to the variance.
const EPSILON: f32 = 1e-5;

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
    /// What follows the activation.
    tail: Tail,
    gamma: Param,
    beta: Param,
    /// Of all batches, decaying; the variance is unbiased.
    running: Statistics,
    /// Of the last training pass; the variance is biased.
    batch: Statistics,
    /// The last forward pass was one of training.
    trains: bool,
    /// The batch's statistics are those of the training pass that comes next.
    has_foreseen: bool,
    /// The largest magnitude of the last input's gradient, where somebody asks for it.
    largest_gradient: Option<f32>,
    looks_at_gradient: bool,
    /// Values of a channel in the last training pass: N H W.
    batch_count: usize,
    /// Weight of the new batch in the running statistics.
    momentum: f32,
    /// Evaluation uses what was estimated last, where something was.
    estimates: bool,
    /// The plain mean of that of some batches, and of how many; the variance is unbiased.
    estimated: Statistics,
    estimated_batches: u64,
}

/// What comes behind the activation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Tail {
    /// Nothing.
    Nothing,
    /// The sum with the second input.
    Add,
    /// 2x2 max pooling.
    MaxPool,
}

pub(super) fn build(context: &mut Context<'_>) -> Result<Box<dyn Layer>> {
    fused(context, Activation::Identity, Tail::Nothing)
}

/// Batch norm with what follows it.
pub(crate) fn fused(context: &mut Context<'_>, activation: Activation, tail: Tail) -> Result<Box<dyn Layer>> {
    context.settings::<NoSettings>()?;
    let channels = context.input()[2];
    let statistics =
        |mean, variance| Statistics { mean: vec![mean; channels], variance: vec![variance; channels] };
    Ok(Box::new(BatchNorm {
        shape: context.input(),
        activation,
        tail,
        gamma: Param::constant("weight", Role::Norm, &[channels], 1.0),
        beta: Param::constant("bias", Role::Norm, &[channels], 0.0),
        running: statistics(0.0, 1.0),
        batch: statistics(0.0, 1.0),
        trains: true,
        has_foreseen: false,
        largest_gradient: None,
        looks_at_gradient: false,
        batch_count: 0,
        momentum: context.config.bn_momentum as f32,
        estimates: context.config.reestimate > 0,
        estimated: statistics(0.0, 1.0),
        estimated_batches: 0,
    }))
}

impl BatchNorm {
    /// The statistics that evaluation uses.
    fn evaluated(&self) -> &Statistics {
        if self.estimates && self.estimated_batches > 0 { &self.estimated } else { &self.running }
    }

    /// What it multiplies and adds by the statistics that evaluation uses.
    fn affine(&self) -> Affine {
        let Statistics { mean, variance } = self.evaluated();
        let factor = |(gamma, variance): (&f32, &f32)| {
            f64::from(*gamma) / (f64::from(*variance) + f64::from(EPSILON)).sqrt()
        };
        let factor: Vec<f64> = self.gamma.value.iter().zip(variance).map(factor).collect();
        let offset =
            |((beta, mean), factor): ((&f32, &f32), &f64)| f64::from(*beta) - f64::from(*mean) * factor;
        Affine { offset: self.beta.value.iter().zip(mean).zip(&factor).map(offset).collect(), factor }
    }

    /// The last batch's statistics move `to` by that share of the distance.
    fn fold(batch: &Statistics, count: usize, share: f32, to: &mut Statistics) {
        let n = count as f32;
        let unbiased = n / (n - 1.0).max(1.0);
        for (to, batch) in to.mean.iter_mut().zip(&batch.mean) {
            *to += share * (batch - *to);
        }
        for (to, batch) in to.variance.iter_mut().zip(&batch.variance) {
            *to += share * (batch * unbiased - *to);
        }
    }

    fn write(&mut self, inputs: &[&Tensor], y: &mut Tensor, pass: &Pass, rounding: Option<&mut ByRows<'_>>) {
        let x = inputs[0];
        self.trains = pass.training;
        if pass.training {
            if !mem::take(&mut self.has_foreseen) {
                batch_norm::statistics(x, &mut self.batch.mean, &mut self.batch.variance);
            }
            self.batch_count = x.n() * x.h() * x.w();
        }
        self.kernel(pass.training).forward_rounded(x, inputs.get(1).copied(), y, rounding);
    }

    fn kernel(&self, training: bool) -> kernels::BatchNorm<'_> {
        let statistics = if training { &self.batch } else { self.evaluated() };
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

    fn passes_gradient(&self, input: usize) -> bool {
        self.tail == Tail::Add && input > 0
    }

    fn forward(&mut self, inputs: &[&Tensor], y: &mut Tensor, pass: &Pass) {
        self.write(inputs, y, pass, None);
    }

    fn rounds(&self) -> bool {
        true
    }

    /// Where nothing is added, the largest value is that of the largest or the smallest of a channel.
    fn foresee(&mut self, inputs: &[&Tensor]) -> Option<f32> {
        if self.tail == Tail::Add {
            return None;
        }
        let x = inputs[0];
        let Statistics { mean, variance } = &mut self.batch;
        let extents = batch_norm::statistics_and_extents(x, mean, variance);
        self.has_foreseen = true;
        self.kernel(true).largest(x.shape(), &extents)
    }

    fn forward_rounded(
        &mut self,
        inputs: &[&Tensor],
        y: &mut Tensor,
        pass: &Pass,
        rounding: &mut ByRows<'_>,
    ) {
        self.write(inputs, y, pass, Some(rounding));
    }

    fn look_at_gradient(&mut self) {
        self.looks_at_gradient = true;
    }

    fn largest_gradient(&self) -> Option<f32> {
        self.largest_gradient
    }

    fn backward(&mut self, inputs: &mut [Input<'_>], dy: &Tensor) {
        let (x, skips) = inputs.split_first_mut().expect("an input");
        let (mut dgamma, mut dbeta) = (mem::take(&mut self.gamma.grad), mem::take(&mut self.beta.grad));
        let kernel = self.kernel(self.trains);
        let mut gradient = kernel.backward_parameters(x.values(), dy, &mut dgamma, &mut dbeta);
        if !self.trains {
            // The statistics are constants. Nothing else asks for gradients in evaluation.
            gradient.of_constants();
        }
        let mut largest = None;
        if let Some(x) = x.gradient() {
            if self.looks_at_gradient {
                largest = Some(kernel.backward_input_and_largest(dy, &gradient, x));
            } else {
                kernel.backward_input(dy, &gradient, x);
            }
        }
        self.largest_gradient = largest;
        (self.gamma.grad, self.beta.grad) = (dgamma, dbeta);
        skips.iter_mut().filter_map(Input::gradient).for_each(|dx| pointwise::copy(dy, dx));
    }

    fn params(&self) -> Vec<&Param> {
        vec![&self.gamma, &self.beta]
    }

    fn params_mut(&mut self) -> Vec<&mut Param> {
        vec![&mut self.gamma, &mut self.beta]
    }

    fn end_step(&mut self) {
        Self::fold(&self.batch, self.batch_count, self.momentum, &mut self.running);
    }

    fn estimate(&mut self, done: usize) {
        self.estimated_batches = done as u64 + 1;
        Self::fold(&self.batch, self.batch_count, 1.0 / (done + 1) as f32, &mut self.estimated);
    }

    fn hand_over(&mut self) -> Option<Affine> {
        let affine = self.affine();
        self.gamma.changing().value.fill(1.0);
        self.beta.changing().value.fill(0.0);
        self.estimates = false;
        self.running.mean.fill(0.0);
        self.running.variance.fill(1.0 - EPSILON);
        Some(affine)
    }

    /// Where it adds nothing to a channel.
    fn keeps_scale(&self) -> bool {
        self.tail != Tail::Add && self.affine().offset.iter().all(|offset| *offset == 0.0)
    }

    fn visit(&mut self, visitor: &mut dyn Visitor) {
        let channels = [self.shape[2]];
        visitor.number("estimated_batches", &mut self.estimated_batches);
        visitor.tensor("estimated_mean", &channels, &mut self.estimated.mean);
        visitor.tensor("estimated_var", &channels, &mut self.estimated.variance);
    }

    fn buffers(&self) -> Vec<(&'static str, &[f32])> {
        vec![("running_mean", &self.running.mean), ("running_var", &self.running.variance)]
    }

    fn buffers_mut(&mut self) -> Vec<(&'static str, &mut [f32])> {
        vec![("running_mean", &mut self.running.mean), ("running_var", &mut self.running.variance)]
    }

    /// One factor and one offset a channel, from the statistics that evaluation uses.
    fn lower(&self, out: &mut Lowering<'_>) {
        let Affine { factor, offset } = self.affine();
        let rounded = |values: Vec<f64>| values.into_iter().map(|value| value as f32).collect();
        out.push(Op::Affine { factor: rounded(factor), offset: rounded(offset) });
        if self.activation == Activation::Relu {
            out.push(Op::Relu);
        }
        match self.tail {
            Tail::Nothing => {}
            Tail::Add => out.push(Op::Add),
            Tail::MaxPool => out.push(Op::MaxPool),
        }
    }
}
