//! Dropout: while training, each element is zeroed with probability `p` and the rest divided by `1 - p`.

use rand::Rng;
use serde::Deserialize;

use super::{Backward, Context, Layer, Pass, Shape};
use crate::{Result, Tensor, kernels::pointwise, random};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// Probability of zeroing an element, 0 to below 1.
    p: f32,
}

struct Dropout {
    shape: Shape,
    p: f32,
    index: usize,
    /// 0 or `1 / (1 - p)` for each element of the batch.
    mask: Vec<f32>,
}

pub(super) fn build(context: &mut Context<'_>) -> Result<Box<dyn Layer>> {
    let Settings { p } = context.settings()?;
    if !(0.0..1.0).contains(&p) {
        return Err(context.error("p from 0 to below 1", p.to_string()));
    }
    if context.input[0] != 1 || context.input[1] != 1 {
        return Err(context.error("a vector", format!("an image of shape {:?}", context.input)));
    }
    Ok(Box::new(Dropout { shape: context.input, p, index: context.index, mask: Vec::new() }))
}

impl Layer for Dropout {
    fn output(&self) -> Shape {
        self.shape
    }

    fn forward(&mut self, x: &Tensor, _from: Option<&Tensor>, y: &mut Tensor, pass: &Pass) {
        pointwise::copy(x, y);
        if !pass.training || self.p == 0.0 {
            self.mask.clear();
            return;
        }
        let mut rng = random::stream(pass.seed, random::Purpose::Dropout { layer: self.index }, pass.step);
        // An element is dropped where a uniform 32-bit draw falls below p 2^32.
        let threshold = (f64::from(self.p) * 4_294_967_296.0) as u32;
        let kept = 1.0 / (1.0 - self.p);
        self.mask.clear();
        self.mask.extend((0..x.data().len()).map(|_| if rng.next_u32() < threshold { 0.0 } else { kept }));
        pointwise::mul_assign(y, &self.mask);
    }

    fn backward(&mut self, tensors: Backward<'_>) {
        let Some(dx) = tensors.x.into_gradient() else { return };
        pointwise::copy(tensors.dy, dx);
        if !self.mask.is_empty() {
            pointwise::mul_assign(dx, &self.mask);
        }
    }
}
