//! Layer-wise relevance propagation (Bach et al. 2015, doi 10.1371/journal.pone.0130140): how much each value on the way to a
//! logit has to do with it.
//!
//! The relevance of an output is shared out among the inputs of its layer: to a layer's `s = R / y` goes back the gradient, and
//! an input has that times itself. Layers without weights give the values of their inputs on, as they are or added up, and
//! share out so. So does the last layer with weights (the epsilon rule, equation 58). The others share out by their positive
//! weights alone (the z+ rule, arXiv 1512.02479, section 4.3), since what enters them is positive; the first one gives all
//! pixels that it saw the same (the flat rule, arXiv 1512.00172). What goes to biases, and to the epsilon that keeps divisors
//! from zero, is counted.

use super::Model;
use super::description::Source;
use crate::Tensor;
use crate::kernels::pointwise;
use crate::layers::{Input, Pass, Role};

/// Added to divisors, away from zero, as a share of the largest.
const EPSILON: f32 = 1e-6;

/// The relevance of a batch.
pub(crate) struct Relevance {
    /// Of each pixel, `[images][h][w]`.
    pub pixels: Vec<f32>,
    /// Of each layer with weights, by its index: what reaches its output, an image.
    pub layers: Vec<(usize, Vec<f64>)>,
    /// What biases took, and what the epsilon did, an image.
    pub taken: [Vec<f64>; 2],
}

impl Model {
    /// The relevance of everything for the logit of each image's class. Batch norm is to be folded before.
    pub(crate) fn relevance(&mut self, x: &Tensor, classes: &[u16]) -> Relevance {
        self.forward(x, &Pass::EVALUATION);
        let values = self.activations.clone();
        let last = self.nodes.len() - 1;
        let last_linear = self.linear_layers().last().copied();
        let mut relevance: Vec<Option<Tensor>> = vec![None; self.nodes.len()];
        let mut logits = values[last].clone();
        for (row, class) in logits.data_mut().chunks_exact_mut(values[last].c()).zip(classes) {
            let class = usize::from(*class);
            row.iter_mut().enumerate().filter(|(at, _)| *at != class).for_each(|(_, logit)| *logit = 0.0);
        }
        relevance[last] = Some(logits);
        let images = x.n();
        let [_, h, w, _] = x.shape();
        let mut found = Relevance {
            pixels: vec![0.0; images * h * w],
            layers: Vec::new(),
            taken: [vec![0.0; images], vec![0.0; images]],
        };
        for i in (0..self.nodes.len()).rev() {
            let Some(of_output) = relevance[i].take() else { continue };
            if self.nodes[i].layer.is_linear() {
                found.layers.push((i, per_image(&of_output, |_, value| value)));
                if self.nodes[i].inputs[0] == Source::Image {
                    self.spread(i, &of_output, [h, w], &mut found.pixels);
                    continue;
                }
            }
            let by_positive = self.nodes[i].layer.is_linear() && Some(i) != last_linear;
            let masters = by_positive.then(|| self.keep_positive(i));
            let inputs: Vec<usize> = self.nodes[i]
                .inputs
                .iter()
                .map(|source| match source {
                    Source::Output(at) => *at,
                    Source::Image => unreachable!("only layers with weights read images"),
                })
                .collect();
            let mut y = values[i].clone();
            if by_positive {
                self.nodes[i].layer.forward(&[&values[inputs[0]]], &mut y, &Pass::EVALUATION);
            }
            let share = shares(&of_output, &y, &mut found.taken[1]);
            if self.nodes[i].layer.is_linear() {
                let biases = self.biases_mut(i).to_vec();
                let took = per_image(&share, |channel, share| share * biases[channel]);
                found.taken[0].iter_mut().zip(took).for_each(|(sum, took)| *sum += took);
            }
            let mut gradients: Vec<Tensor> = inputs.iter().map(|at| values[*at].clone()).collect();
            let mut gradients_of: Vec<Input<'_>> = gradients.iter_mut().map(Input::Gradient).collect();
            self.nodes[i].layer.backward(&mut gradients_of, &share);
            for (at, mut gradient) in inputs.into_iter().zip(gradients) {
                gradient.data_mut().iter_mut().zip(values[at].data()).for_each(|(dx, x)| *dx *= x);
                match &mut relevance[at] {
                    Some(sum) => pointwise::add_assign(sum, &gradient),
                    none => *none = Some(gradient),
                }
            }
            if let Some([weights, biases]) = masters {
                self.put_back(i, weights, biases);
            }
        }
        found
    }

    /// Leaves a layer its positive weights and biases; those that it had.
    fn keep_positive(&mut self, layer: usize) -> [Vec<f32>; 2] {
        let mut masters = [Vec::new(), Vec::new()];
        for param in self.nodes[layer].layer.params_mut() {
            let at = usize::from(param.role == Role::Bias);
            masters[at].clone_from(&param.value);
            param.changing().value.iter_mut().for_each(|value| *value = value.max(0.0));
        }
        self.nodes[layer].layer.refresh();
        masters
    }

    fn put_back(&mut self, layer: usize, weights: Vec<f32>, biases: Vec<f32>) {
        let mut masters = [weights, biases];
        for param in self.nodes[layer].layer.params_mut() {
            param.changing().value = std::mem::take(&mut masters[usize::from(param.role == Role::Bias)]);
        }
        self.nodes[layer].layer.refresh();
    }

    /// The flat rule for a layer that reads images: every pixel of a window has the same share.
    fn spread(&self, layer: usize, of_output: &Tensor, [h, w]: [usize; 2], pixels: &mut [f32]) {
        // A linear layer sees all of the image.
        let kernel = match self.nodes[layer].layer.params()[0].dims[..] {
            [kernel, _, _, _] => kernel,
            _ => usize::MAX,
        };
        let stride = h.div_ceil(of_output.h());
        let reach = kernel / 2;
        let range = |at: usize, len: usize| {
            (at * stride).saturating_sub(reach)..(at * stride).saturating_add(reach + 1).min(len)
        };
        for n in 0..of_output.n() {
            let pixels = &mut pixels[n * h * w..][..h * w];
            for row in 0..of_output.h() {
                let outputs = of_output.row(n, row).chunks_exact(of_output.c());
                for (column, output) in outputs.enumerate() {
                    let (rows, columns) = (range(row, h), range(column, w));
                    let share = output.iter().sum::<f32>() / (rows.len() * columns.len()) as f32;
                    for row in rows {
                        pixels[row * w..][columns.clone()].iter_mut().for_each(|pixel| *pixel += share);
                    }
                }
            }
        }
    }
}

/// `R / y`, with the epsilon in the divisor, whose part of the relevance is added to `taken`.
fn shares(relevance: &Tensor, y: &Tensor, taken: &mut [f64]) -> Tensor {
    let largest = y.data().iter().fold(0.0f32, |largest, value| largest.max(value.abs()));
    let epsilon = (EPSILON * largest).max(f32::MIN_POSITIVE);
    let mut out = relevance.clone();
    for (n, taken) in taken.iter_mut().enumerate() {
        for h in 0..out.h() {
            for (share, y) in out.row_mut(n, h).iter_mut().zip(y.row(n, h)) {
                let epsilon = if *y < 0.0 { -epsilon } else { epsilon };
                *share /= y + epsilon;
                *taken += f64::from(*share * epsilon);
            }
        }
    }
    out
}

/// Sums over each image of what `of` makes of channels and values.
fn per_image(x: &Tensor, of: impl Fn(usize, f32) -> f32) -> Vec<f64> {
    let sum = |n: usize| {
        let rows = (0..x.h()).flat_map(|h| x.row(n, h).iter().enumerate());
        rows.map(|(at, value)| f64::from(of(at % x.c(), *value))).sum()
    };
    (0..x.n()).map(sum).collect()
}
