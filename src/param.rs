//! A trainable tensor with its gradient, its quantizer and its quantized copy.

use std::sync::Arc;

use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

use crate::kernels::blocks::Extent;
use crate::kernels::derived::{Derived, Gradient, Zeros};
use crate::kernels::grid::{Encoded, Grid, Integers};
use crate::state::{self, Under, Visitor};

/// How a parameter starts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Init {
    /// N(0, variance).
    Normal {
        /// The variance.
        variance: f32,
    },
    /// The same value everywhere.
    Constant(f32),
}

/// What a parameter is for: from it follows whether it is rounded, clipped, decayed, reported and exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Of a convolution or a linear layer: rounded and soft-clipped.
    Weight,
    /// Added to what the weights gave.
    Bias,
    /// Scale and shift of a normalisation.
    Norm,
    /// A step or a bound that a quantizer learns, by its logarithm.
    Step,
    /// A latent variable beside the weights: learned straight through the rounding and at their rate.
    Latent,
    /// A level that a quantizer learns, at the weights' rate.
    Level,
    /// A small tensor beside frozen weights.
    Adapter,
}

/// Values that the optimizer keeps for a parameter, of its length.
#[derive(Debug, Clone, PartialEq)]
pub struct Slot {
    /// As `m` or `v`.
    pub name: &'static str,
    /// One a value of the parameter.
    pub values: Vec<f32>,
}

/// What maps the master values of one tensor to the values of the forward and the backward pass.
///
/// The model calls, once a step: [`fit`](Self::fit), [`quantize`](Self::quantize) and, after the backward pass,
/// [`backward`](Self::backward).
pub trait Quantizer: Send + Sync {
    /// Whatever it starts with by chance comes from this stream. Called before the first [`fit`](Self::fit).
    fn draw_from(&mut self, rng: ChaCha8Rng) {
        let _ = rng;
    }

    /// Finds the grid for the values `w`, `[rows][outputs]`.
    fn fit(&mut self, w: &[f32], known: &Known);

    /// Writes the values on the grid that stand for `w` to `out`, which has the same length.
    fn quantize(&self, w: &[f32], out: &mut [f32]);

    /// The grid that was fitted last.
    fn grid(&self) -> Grid;

    /// Turns the gradient of the quantized values, in place, into that of the master values `w`, and writes that of
    /// the parameters. The default is the straight-through estimator: the same gradient, without a mask.
    fn backward(&mut self, w: &[f32], dw: &mut [f32]) {
        let _ = (w, dw);
    }

    /// What it learns, in a fixed order.
    fn params(&self) -> &[Param] {
        &[]
    }

    /// The same, to change.
    fn params_mut(&mut self) -> &mut [Param] {
        &mut []
    }

    /// State besides the parameters.
    fn visit(&mut self, visitor: &mut dyn Visitor) {
        let _ = visitor;
    }
}

/// What is known of the values of a tensor without looking at them.
#[derive(Debug, Clone, Copy, Default)]
pub struct Known {
    /// Their largest magnitude.
    pub abs_max: Option<f32>,
    /// The smallest and the largest weight of the whole net, where its tensors share a grid.
    pub net: Option<Extent>,
}

/// A trainable tensor.
pub struct Param {
    /// Which of its layer's parameters this is: `weight` or `bias`.
    pub name: &'static str,
    /// What it is for.
    pub role: Role,
    /// Sizes, outermost first, as stored: `[kh, kw, c_in, c_out]`, `[in, out]` or `[c]`.
    pub dims: Vec<usize>,
    /// The f32 master values.
    pub value: Vec<f32>,
    /// `max |value|`, where the last update of the values left it; `None` after any other change of them.
    pub abs_max: Option<f32>,
    /// Gradient of the loss, written by the backward pass; empty where `derived` takes its place.
    pub grad: Vec<f32>,
    /// The gradient where it is not stored: [`Param::gradient`] is either.
    pub derived: Option<Arc<dyn Derived>>,
    /// Euclidean norm of the gradient in the last step, before clipping.
    pub grad_norm: f64,
    /// The optimizer changes it.
    pub trainable: bool,
    /// Weight decay shrinks it.
    pub decays: bool,
    /// Makes `quantized` of `value`.
    pub quantizer: Option<Box<dyn Quantizer>>,
    /// The values that forward and backward use where the parameter is quantized; empty where it is not.
    pub quantized: Vec<f32>,
    /// What the optimizer remembers of it.
    pub slots: Vec<Slot>,
}

impl Param {
    /// A parameter of the given sizes, drawn from `init`.
    pub fn new(name: &'static str, role: Role, dims: &[usize], init: Init, rng: &mut ChaCha8Rng) -> Self {
        match init {
            Init::Constant(value) => Self::constant(name, role, dims, value),
            Init::Normal { variance } => {
                let normal = StandardNormal;
                let mut draw = || Distribution::<f32>::sample(&normal, rng) * variance.sqrt();
                Self::of(name, role, dims, (0..dims.iter().product()).map(|_| draw()).collect())
            }
        }
    }

    /// A parameter with the same value everywhere.
    pub fn constant(name: &'static str, role: Role, dims: &[usize], value: f32) -> Self {
        Self::of(name, role, dims, vec![value; dims.iter().product()])
    }

    fn of(name: &'static str, role: Role, dims: &[usize], value: Vec<f32>) -> Self {
        Self {
            name,
            role,
            dims: dims.to_vec(),
            abs_max: None,
            grad: vec![0.0; value.len()],
            derived: None,
            grad_norm: 0.0,
            trainable: true,
            decays: true,
            quantizer: None,
            quantized: Vec::new(),
            slots: Vec::new(),
            value,
        }
    }

    /// The same, about to be changed: what is known of the present values is forgotten.
    pub fn changing(&mut self) -> &mut Self {
        self.abs_max = None;
        self
    }

    /// Its gradient, wherever that comes from.
    pub fn gradient(&self) -> Gradient<'_> {
        self.derived.as_deref().map_or(Gradient::Stored(&self.grad), Gradient::Derived)
    }

    /// The master values, to change by its gradient.
    pub fn to_change(&mut self) -> (&mut [f32], Gradient<'_>) {
        let gradient = self.derived.as_deref().map_or(Gradient::Stored(&self.grad), Gradient::Derived);
        (&mut self.value, gradient)
    }

    /// Its gradient is 0.
    pub fn clear_gradient(&mut self) {
        match &mut self.derived {
            Some(derived) => *derived = Arc::new(Zeros(derived.count())),
            None => self.grad.fill(0.0),
        }
    }

    /// The values that the forward pass uses.
    pub fn forward_value(&self) -> &[f32] {
        if self.quantized.is_empty() { &self.value } else { &self.quantized }
    }

    /// Weights of convolutions and linear layers.
    pub fn is_weight(&self) -> bool {
        self.role == Role::Weight
    }

    /// Bits that its values take, with scales and codebooks.
    pub fn bits(&self) -> usize {
        let full = || size_of::<f32>() * 8 * self.value.len();
        self.quantizer.as_ref().map_or_else(full, |quantizer| quantizer.grid().bits())
    }

    /// `[rows, outputs]` of the values as they lie: the output channels are innermost.
    pub fn matrix(&self) -> [usize; 2] {
        let outputs = self.dims.last().copied().unwrap_or(1).max(1);
        [self.value.len() / outputs, outputs]
    }

    /// Makes the forward values from the master values; `net` is the extent of all weights, where they share a grid.
    pub fn quantize(&mut self, net: Option<Extent>) {
        if let Some(quantizer) = &mut self.quantizer {
            quantizer.fit(&self.value, &Known { abs_max: self.abs_max, net });
            self.quantized.resize(self.value.len(), 0.0);
            quantizer.quantize(&self.value, &mut self.quantized);
        }
    }

    /// The forward values as codes; `None` where they are not quantized.
    pub fn encode(&self) -> Option<Encoded> {
        let quantizer = self.quantizer.as_ref().filter(|_| !self.quantized.is_empty())?;
        Some(quantizer.grid().encode(&self.quantized))
    }

    /// The forward values as whole numbers of one step; `None` where they are none.
    pub fn integers(&self) -> Option<Integers> {
        let quantizer = self.quantizer.as_ref().filter(|_| !self.quantized.is_empty())?;
        quantizer.grid().integers(&self.quantized)
    }

    /// The parameter and those that its quantizer learns.
    pub fn family(&self) -> impl Iterator<Item = &Param> {
        let learned = self.quantizer.as_ref().map_or(&[] as &[Param], |quantizer| quantizer.params());
        std::iter::once(self).chain(learned)
    }

    /// The latent variables that its forward values come from, where those are not the master values rounded.
    pub fn latents(&self) -> Option<&Param> {
        self.family().find(|param| param.role == Role::Latent)
    }

    /// Calls `change` for the parameter and for those that its quantizer learns.
    pub fn for_each_of_family(&mut self, mut change: impl FnMut(&mut Param)) {
        change(self);
        if let Some(quantizer) = &mut self.quantizer {
            quantizer.params_mut().iter_mut().for_each(change);
        }
    }

    /// The optimizer's values of that name, made of zeros where there are none yet.
    pub fn slot(&mut self, name: &'static str) -> usize {
        self.slots.iter().position(|slot| slot.name == name).unwrap_or_else(|| {
            self.slots.push(Slot { name, values: vec![0.0; self.value.len()] });
            self.slots.len() - 1
        })
    }

    /// Shows its state, what its quantizer learns included. The visitor may replace the values.
    pub fn visit(&mut self, slots: &[&'static str], visitor: &mut dyn Visitor) {
        visitor.tensor(self.name, &self.dims, &mut self.value);
        let visitor = &mut Under { visitor, prefix: self.name };
        for name in slots {
            let at = self.slot(name);
            visitor.tensor(name, &self.dims, &mut self.slots[at].values);
        }
        state::float(visitor, "grad_norm", &mut self.grad_norm);
        self.abs_max = None;
        if let Some(quantizer) = &mut self.quantizer {
            visit_quantizer(&mut **quantizer, slots, visitor);
        }
    }

    /// Sizes in the order of published checkpoints: `[c_out, c_in, kh, kw]`, `[out, in]` or `[c]`.
    pub fn published_dims(&self) -> Vec<usize> {
        match self.dims[..] {
            [kh, kw, c_in, c_out] => vec![c_out, c_in, kh, kw],
            _ => self.dims.iter().rev().copied().collect(),
        }
    }

    /// `stored[i]` is at index `published_index(i)` in the order of [`Param::published_dims`].
    pub fn published_index(&self, stored: usize) -> usize {
        match self.dims[..] {
            [kh, kw, c_in, c_out] => {
                let (tap, o) = (stored / c_out, stored % c_out);
                let (position, i) = (tap / c_in, tap % c_in);
                (o * c_in + i) * kh * kw + position
            }
            [inputs, outputs] => (stored % outputs) * inputs + stored / outputs,
            _ => stored,
        }
    }
}

/// Shows what a quantizer keeps and learns.
pub(crate) fn visit_quantizer(
    quantizer: &mut dyn Quantizer,
    slots: &[&'static str],
    visitor: &mut dyn Visitor,
) {
    quantizer.visit(visitor);
    quantizer.params_mut().iter_mut().for_each(|param| param.visit(slots, visitor));
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn normal_init_has_the_variance() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let param =
            Param::new("weight", Role::Weight, &[3, 3, 32, 64], Init::Normal { variance: 0.25 }, &mut rng);
        let n = param.value.len() as f32;
        let mean = param.value.iter().sum::<f32>() / n;
        let variance = param.value.iter().map(|x| (x - mean).powi(2)).sum::<f32>() / n;
        // 18,432 draws: the standard error of the variance is about 1 %; five of them.
        assert!(mean.abs() < 0.02 && (variance - 0.25).abs() < 0.0125, "mean {mean}, variance {variance}");
    }

    #[test]
    fn published_order_is_oihw() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let param = Param::new("weight", Role::Weight, &[3, 3, 2, 5], Init::Constant(0.0), &mut rng);
        assert_eq!(param.published_dims(), [5, 2, 3, 3]);
        // kh 1, kw 2, i 1, o 4.
        assert_eq!(param.published_index(((3 + 2) * 2 + 1) * 5 + 4), ((4 * 2 + 1) * 3 + 1) * 3 + 2);
        let mut seen: Vec<_> = (0..90).map(|i| param.published_index(i)).collect();
        seen.sort_unstable();
        assert_eq!(seen, (0..90).collect::<Vec<_>>());
    }
}
