//! A trainable tensor with its gradient and its quantized copy.

use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

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

/// A trainable tensor.
#[derive(Debug, Clone, PartialEq)]
pub struct Param {
    /// Which of its layer's parameters this is: `weight` or `bias`.
    pub name: &'static str,
    /// Sizes, outermost first, as stored: `[kh, kw, c_in, c_out]`, `[in, out]` or `[c]`.
    pub dims: Vec<usize>,
    /// The f32 master values.
    pub value: Vec<f32>,
    /// `max |value|`, where the last update of the values left it; `None` after any other change of them.
    pub abs_max: Option<f32>,
    /// Gradient of the loss, written by the backward pass.
    pub grad: Vec<f32>,
    /// The values that forward and backward use where the parameter is quantized; empty where it is not.
    pub quantized: Vec<f32>,
    /// Step of the grid of `quantized`.
    pub scale: f32,
}

impl Param {
    /// A parameter of the given sizes, drawn from `init`.
    pub fn new(name: &'static str, dims: &[usize], init: Init, rng: &mut ChaCha8Rng) -> Self {
        let len = dims.iter().product();
        let value = match init {
            Init::Constant(value) => vec![value; len],
            Init::Normal { variance } => {
                let normal = StandardNormal;
                (0..len).map(|_| Distribution::<f32>::sample(&normal, rng) * variance.sqrt()).collect()
            }
        };
        Self {
            name,
            dims: dims.to_vec(),
            value,
            abs_max: None,
            grad: vec![0.0; len],
            quantized: Vec::new(),
            scale: 0.0,
        }
    }

    /// The same, about to be changed: what is known of the present values is forgotten.
    pub fn changing(&mut self) -> &mut Self {
        self.abs_max = None;
        self
    }

    /// The values that the forward pass uses.
    pub fn forward_value(&self) -> &[f32] {
        if self.quantized.is_empty() { &self.value } else { &self.quantized }
    }

    /// Weights of convolutions and linear layers: what is quantized and soft-clipped.
    pub fn is_weight(&self) -> bool {
        self.dims.len() >= 2
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

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn normal_init_has_the_variance() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let param = Param::new("weight", &[3, 3, 32, 64], Init::Normal { variance: 0.25 }, &mut rng);
        let n = param.value.len() as f32;
        let mean = param.value.iter().sum::<f32>() / n;
        let variance = param.value.iter().map(|x| (x - mean).powi(2)).sum::<f32>() / n;
        // 18,432 draws: the standard error of the variance is about 1 %; five of them.
        assert!(mean.abs() < 0.02 && (variance - 0.25).abs() < 0.0125, "mean {mean}, variance {variance}");
    }

    #[test]
    fn published_order_is_oihw() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let param = Param::new("weight", &[3, 3, 2, 5], Init::Constant(0.0), &mut rng);
        assert_eq!(param.published_dims(), [5, 2, 3, 3]);
        // kh 1, kw 2, i 1, o 4.
        assert_eq!(param.published_index(((3 + 2) * 2 + 1) * 5 + 4), ((4 * 2 + 1) * 3 + 1) * 3 + 2);
        let mut seen: Vec<_> = (0..90).map(|i| param.published_index(i)).collect();
        seen.sort_unstable();
        assert_eq!(seen, (0..90).collect::<Vec<_>>());
    }
}
