//! Schemes for gradients: what comes back to the output of a layer with weights is rounded before the layer's backward
//! pass, so that both of its products, for the weights and for what is before it, are of rounded numbers. (So is the sum
//! that is the gradient of the biases.)

mod affine;
mod dorefa;
mod fp8_e5m2;
mod mxfp4;
mod symmetric;

use super::format::{Format, check_bits, most};
use crate::kernels::gradients::Noise;
use crate::registry::{Entry, Named, Registry, told};
use crate::{Result, Tensor};

/// A registered scheme.
pub struct GradientScheme {
    /// Its name and description.
    pub entry: Entry,
    /// What kind of numbers it uses.
    pub format: Format,
    /// What it does, in one line.
    pub formula: &'static str,
    /// Where it was published.
    pub source: &'static str,
    /// The bit widths that it takes, the narrowest first.
    pub bits: &'static [u8],
    /// Rounds the gradients of a batch in place to so many bits; `None`: they stay as they are.
    pub round: Option<fn(u8, &mut Tensor, Noise)>,
    /// The same as integers, and the distance of neighbours, where the levels are whole multiples of one number.
    pub levels: Option<LevelsOf>,
}

/// Writes the levels that the gradients of a batch are rounded to; gives their distance. The largest magnitude is told
/// where it is known.
pub type LevelsOf = fn(u8, &Tensor, Option<f32>, Noise, &mut Tensor<i8>) -> f32;

impl Named for GradientScheme {
    fn name(&self) -> &'static str {
        self.entry.name
    }
}

/// Every scheme for gradients that a run can use.
pub static GRADIENTS: Registry<GradientScheme> = Registry::new(
    "gradients",
    &[NONE, affine::SCHEME, symmetric::SCHEME, dorefa::SCHEME, fp8_e5m2::SCHEME, mxfp4::SCHEME],
);

/// Gradients as they are, as in the paper.
const NONE: GradientScheme = GradientScheme {
    entry: Entry {
        name: "none",
        label: told("FP32"),
        about: told("Gradients are not rounded, as published"),
    },
    format: Format::Full,
    formula: told("g_q = g"),
    source: told("IEEE 754"),
    bits: &[1, 2, 3, 4, 5, 6, 7, 8],
    round: None,
    levels: None,
};

/// A scheme with its bits.
#[derive(Clone, Copy)]
pub struct GradientRounding {
    bits: u8,
    round: fn(u8, &mut Tensor, Noise),
    levels: Option<LevelsOf>,
}

impl GradientRounding {
    /// Whether it has [`GradientRounding::levels`].
    pub fn has_levels(&self) -> bool {
        self.levels.is_some()
    }

    /// Writes what [`GradientRounding::apply`] rounds the gradients of a batch to as integers, in units of the number that
    /// it gives; `None` where they are none. `largest` is their largest magnitude, where that is known.
    pub fn levels(
        &self,
        dy: &Tensor,
        largest: Option<f32>,
        noise: Noise,
        levels: &mut Tensor<i8>,
    ) -> Option<f32> {
        Some((self.levels?)(self.bits, dy, largest, noise, levels))
    }

    /// Rounds the gradients of a batch in place.
    pub fn apply(&self, dy: &mut Tensor, noise: Noise) {
        (self.round)(self.bits, dy, noise);
    }
}

impl GradientScheme {
    /// A rounding of this scheme; `None` where values stay as they are.
    ///
    /// # Errors
    /// [`crate::Error::Config`] for bits that it cannot do; the message says which it can.
    pub fn rounding(&self, bits: u8) -> Result<Option<GradientRounding>> {
        check_bits("gradbits", self.entry.name, self.bits, bits)?;
        Ok(self.round.map(|round| GradientRounding { bits, round, levels: self.levels }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::minifloat::E5M2;

    const SHAPE: [usize; 4] = [3, 2, 5, 7];

    /// Gradients of three images: small ones, large ones, none.
    fn gradients() -> Vec<f32> {
        let len: usize = SHAPE.iter().product();
        let scale = |i: usize| [1e-4, 3.0, 0.0][i / (len / 3)];
        (0..len).map(|i| ((i * 37 % 101) as f32 / 50.0 - 0.8) * scale(i)).collect()
    }

    /// As those of the logits of a hundred classes are: one far down, the others a little above 0.
    fn lopsided() -> Vec<f32> {
        let len: usize = SHAPE.iter().product();
        (0..len).map(|i| if i % 70 == 3 { -0.99 } else { 1e-4 * (i * 37 % 101) as f32 }).collect()
    }

    fn rounded(name: &str, bits: u8, key: u64) -> Vec<f32> {
        rounded_of(&gradients(), name, bits, key)
    }

    fn rounded_of(values: &[f32], name: &str, bits: u8, key: u64) -> Vec<f32> {
        let mut dy = Tensor::from_dense(SHAPE, 1, values);
        let rounding = GRADIENTS.find(name).unwrap().rounding(bits).unwrap().unwrap();
        rounding.apply(&mut dy, Noise::new(key));
        assert!(dy == Tensor::from_dense(SHAPE, 1, &dy.to_dense()), "{name}: something is in the halo");
        dy.to_dense()
    }

    /// Distinct values, lowest first.
    fn distinct(values: &[f32]) -> Vec<f32> {
        let mut distinct = values.to_vec();
        distinct.sort_by(f32::total_cmp);
        distinct.dedup();
        distinct
    }

    /// Each of the two neighbouring levels by its chance: the mean of many roundings is the value.
    #[test]
    fn chance_is_right_on_the_average() {
        let rounds = 3000u64;
        let schemes = [
            ("affine", 4),
            ("affine", 8),
            ("symmetric", 4),
            ("symmetric", 8),
            ("dorefa", 4),
            ("dorefa", 8),
            ("mxfp4", 4),
        ];
        let mirrored: Vec<f32> = lopsided().iter().map(|x| -x).collect();
        for ((name, bits), values) in schemes
            .into_iter()
            .flat_map(|of| [gradients(), lopsided(), mirrored.clone()].map(|values| (of, values)))
        {
            let mut sums = vec![0.0f64; values.len()];
            for key in 0..rounds {
                let found = rounded_of(&values, name, bits, key.wrapping_mul(0x9e37_79b9_7f4a_7c15));
                sums.iter_mut().zip(found).for_each(|(sum, x)| *sum += f64::from(x));
            }
            let largest = |image: usize| {
                let image = &values[image * values.len() / 3..][..values.len() / 3];
                image.iter().fold(0.0f32, |max, x| x.abs().max(max))
            };
            for (i, (sum, x)) in sums.iter().zip(&values).enumerate() {
                let of_image = largest(i / (values.len() / 3));
                // Half a step is the most that a rounding deviates by: five deviations of the mean. Then what f32 adds.
                let step = match name {
                    "affine" | "symmetric" => 2.0 * (0..3).map(largest).fold(0.0, f32::max) / most(bits),
                    "dorefa" => 2.0 * of_image / most(bits),
                    _ => of_image,
                };
                let tolerance =
                    f64::from(step) / 2.0 / (rounds as f64).sqrt() * 5.0 + f64::from(of_image) * 1e-6;
                let mean = sum / rounds as f64;
                assert!((mean - f64::from(*x)).abs() <= tolerance, "{name} {bits}: {i}: {mean}, not {x}");
            }
        }
    }

    #[test]
    fn levels_are_as_many_as_the_bits_say() {
        let image = SHAPE[1..].iter().product::<usize>();
        for bits in [4, 8] {
            let found = distinct(&rounded("affine", bits, 3));
            assert!(found.len() <= 1 << bits && found.contains(&0.0));
            // The step is one of the whole batch: neighbours are whole steps apart.
            let step = found.windows(2).map(|pair| pair[1] - pair[0]).fold(f32::INFINITY, f32::min);
            for value in &found {
                assert!((value / step - (value / step).round()).abs() < 1e-3, "{value} of {step}");
            }
            // One step an image; the ends of its range are levels.
            let values = gradients();
            for (found, given) in rounded("dorefa", bits, 3).chunks(image).zip(values.chunks(image)) {
                let largest = given.iter().fold(0.0f32, |max, x| x.abs().max(max));
                assert!(distinct(found).len() <= 1 << bits);
                assert!(found.iter().all(|x| x.abs() <= largest * (1.0 + 1e-6)));
            }
        }
        // The empty image stays empty.
        assert!(rounded("dorefa", 4, 3)[2 * image..].iter().all(|x| *x == 0.0));
        let (found, values) = (rounded("fp8_e5m2", 8, 3), gradients());
        let scale = values.iter().fold(0.0f32, |max, x| x.abs().max(max)) / E5M2.largest;
        for (found, x) in found.iter().zip(&values) {
            assert_eq!(*found, E5M2.round(x / scale) * scale);
        }
    }

    #[test]
    fn gradients_that_are_all_zero_or_one_sided_are_rounded_too() {
        for scheme in GRADIENTS.iter().filter(|scheme| scheme.round.is_some()) {
            let rounding = scheme.rounding(*scheme.bits.last().unwrap()).unwrap().unwrap();
            for value in [0.0, 0.25, -0.25, f32::from_bits(1), f32::from_bits(40)] {
                let mut dy = Tensor::from_dense(SHAPE, 0, &[value; 210]);
                rounding.apply(&mut dy, Noise::new(9));
                let (found, name) = (dy.to_dense(), scheme.entry.name);
                // The only value is an end of its range, which is a level; of the smallest denormals there may be none.
                let error = if value.abs() < f32::MIN_POSITIVE { value.abs() } else { value.abs() * 1e-6 };
                assert!(
                    found.iter().all(|x| (x - value).abs() <= error),
                    "{name}: {value} becomes {found:?}"
                );
            }
        }
    }
}
