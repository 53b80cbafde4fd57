//! How alike two ways rank the layers.

use rand_distr::{Distribution, StandardNormal};

use super::{Damage, LayerSensitivity};
use crate::random::{Purpose, stream};

/// Draws by which it is seen how uncertain a rank correlation is.
const DRAWS: u64 = 1000;

/// Kendall's tau-b (Biometrika 33, 1945) of two series of figures: 1 where they rank alike, -1 where one ranks the other way
/// round. 0 where one of them does not rank at all.
pub fn kendall(a: &[f64], b: &[f64]) -> f64 {
    let sign = |x: f64, y: f64| f64::from(i8::from(x > y) - i8::from(x < y));
    let (mut both, mut of_a, mut of_b) = (0.0, 0.0, 0.0);
    for i in 0..a.len() {
        for j in 0..i {
            let (x, y) = (sign(a[i], a[j]), sign(b[i], b[j]));
            both += x * y;
            of_a += x * x;
            of_b += y * y;
        }
    }
    if of_a * of_b > 0.0 { both / (of_a * of_b).sqrt() } else { 0.0 }
}

/// What a measurement says of each layer's losing a bit.
pub fn losing_a_bit(layers: &[LayerSensitivity]) -> Vec<Damage> {
    layers.iter().filter_map(|layer| Some(layer.widths[layer.shown?].damage)).collect()
}

/// Kendall's tau of two such lists, and its standard deviation where each figure varies by its own error.
pub fn agreement(a: &[Damage], b: &[Damage]) -> [f64; 2] {
    let figures = |layers: &[Damage], draw: &mut dyn FnMut() -> f64| -> Vec<f64> {
        layers.iter().map(|damage| damage.rise + damage.error * draw()).collect()
    };
    let draws: Vec<f64> = (0..DRAWS)
        .map(|draw| {
            let mut rng = stream(0u32, Purpose::Direction { layer: 0 }, draw);
            let mut normal = || StandardNormal.sample(&mut rng);
            kendall(&figures(a, &mut normal), &figures(b, &mut normal))
        })
        .collect();
    let none = &mut || 0.0;
    [kendall(&figures(a, none), &figures(b, none)), super::mean_and_deviation(&draws)[1]]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As `scipy.stats.kendalltau` has them.
    #[test]
    fn kendall_is_that_of_scipy() {
        let a = [1.0, 2.0, 3.0, 4.0, 5.0];
        assert_eq!(kendall(&a, &a), 1.0);
        assert_eq!(kendall(&a, &[5.0, 4.0, 3.0, 2.0, 1.0]), -1.0);
        assert!(
            (kendall(&[12.0, 2.0, 1.0, 12.0, 2.0], &[1.0, 4.0, 7.0, 1.0, 0.0]) - -0.471_404_520_791_031_7)
                .abs()
                < 1e-15
        );
        assert_eq!(kendall(&a, &[1.0; 5]), 0.0);
    }
}
