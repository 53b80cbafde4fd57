//! Dropout: while training, each element is zeroed with probability `p` and the rest divided by `1 - p`.

use rand::Rng;
use serde::Deserialize;

use super::{Context, Input, Layer, Pass, Shape};
use crate::kernels::{parallel, pointwise};
use crate::lower::Lowering;
use crate::{Result, Tensor, random};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// Probability of zeroing an element, 0 to below 1; that of the run's settings where it is absent.
    p: Option<f32>,
}

struct Dropout {
    shape: Shape,
    p: f32,
    index: usize,
    /// 0 or `1 / (1 - p)` for each element of the batch.
    mask: Vec<f32>,
}

pub(super) fn build(context: &mut Context<'_>) -> Result<Box<dyn Layer>> {
    let p = context.settings::<Settings>()?.p.unwrap_or(context.config.dropout as f32);
    if !(0.0..1.0).contains(&p) {
        return Err(context.error("p from 0 to below 1", p.to_string()));
    }
    if context.input()[0] != 1 || context.input()[1] != 1 {
        return Err(context.error("a vector", format!("an image of shape {:?}", context.input())));
    }
    Ok(Box::new(Dropout { shape: context.input(), p, index: context.index, mask: Vec::new() }))
}

impl Layer for Dropout {
    fn output(&self) -> Shape {
        self.shape
    }

    fn forward(&mut self, inputs: &[&Tensor], y: &mut Tensor, pass: &Pass) {
        let x = inputs[0];
        if !pass.training || self.p == 0.0 {
            self.mask.clear();
            return pointwise::copy(x, y);
        }
        let rng = random::stream(pass.seed, random::Purpose::Dropout { layer: self.index }, pass.step);
        // An element is dropped where a uniform 32-bit draw falls below p 2^32.
        let threshold = (f64::from(self.p) * 4_294_967_296.0) as u32;
        let kept = 1.0 / (1.0 - self.p);
        // Every vector knows its place in the stream, so the threads share them out.
        self.mask.resize(x.n() * x.c(), 0.0);
        parallel::for_each_chunk(&mut self.mask, x.c(), |n, mask| {
            let mut rng = rng.clone();
            rng.set_word_pos((n * x.c()) as u128);
            mask.fill_with(|| if rng.next_u32() < threshold { 0.0 } else { kept });
        });
        pointwise::mask(x, &self.mask, y);
    }

    fn backward(&mut self, inputs: &mut [Input<'_>], dy: &Tensor) {
        match inputs[0].gradient() {
            None => {}
            Some(dx) if self.mask.is_empty() => pointwise::copy(dy, dx),
            Some(dx) => pointwise::mask(dy, &self.mask, dx),
        }
    }

    /// Only while training.
    fn keeps_scale(&self) -> bool {
        true
    }

    fn lower(&self, _out: &mut Lowering<'_>) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The mask is the stream's draws in order, whoever draws them.
    #[test]
    fn masks_are_drawn_in_order_and_keep_the_mean() {
        let (n, len, p) = (37, 129, 0.25);
        let mut layer = Dropout { shape: [1, 1, len], p, index: 3, mask: Vec::new() };
        let x = Tensor::from_dense([n, 1, 1, len], 0, &vec![1.0; n * len]);
        let mut y = Tensor::zeros(x.shape(), 0);
        let pass = Pass { training: true, seed: 5, step: 9 };
        let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().expect("threads");
        pool.install(|| layer.forward(&[&x], &mut y, &pass));

        let mut rng = random::stream(5u32, random::Purpose::Dropout { layer: 3 }, 9);
        let draws = (0..n * len).map(|_| if rng.next_u32() < 1 << 30 { 0.0 } else { 1.0 / 0.75 });
        assert_eq!(y.data(), draws.collect::<Vec<f32>>());
        // 4,773 draws with a standard deviation of 0.58: the mean's is 0.0084; five of them.
        let mean = y.data().iter().sum::<f32>() / (n * len) as f32;
        assert!((mean - 1.0).abs() < 0.042, "mean {mean}");

        let mut dx = x.clone();
        layer.backward(&mut [Input::Gradient(&mut dx)], &x);
        assert_eq!(dx.data(), y.data());
        layer.forward(&[&x], &mut y, &Pass { training: false, ..pass });
        assert_eq!(y.data(), x.data(), "evaluation drops nothing");
    }
}
