//! The levels of a scheme by themselves, before there is anything to quantize.

use super::{ActivationRequest, Tracking, find, find_activations};
use crate::kernels::blocks::Granularity;
use crate::param::{Init, Known, Param, Role};
use crate::random::{Purpose, stream};
use crate::{Result, Tensor};

/// Values of a sample.
const SAMPLE: usize = 4096;

/// What a scheme rounds to.
#[derive(Debug, Clone, PartialEq)]
pub struct SchemeLevels {
    /// In units of the scale, lowest first; empty where values stay as they are.
    pub levels: Vec<f32>,
    /// They follow from the values: these are those of a sample, of standard normal weights or of what a ReLU leaves of
    /// such.
    pub sampled: bool,
}

impl SchemeLevels {
    /// Those of the weights that the scheme of that name rounds to so many bits.
    ///
    /// # Errors
    /// [`crate::Error::Config`] for an unknown name, and for bits that the scheme cannot do.
    pub fn of_weights(scheme: &str, bits: u8) -> Result<Self> {
        let scheme = find(scheme)?;
        Self::of(sample(), |values| {
            let shape = [values.len(), 1];
            let Some(mut quantizer) = scheme.quantizer(bits, Granularity::Tensor, shape)? else {
                return Ok(Vec::new());
            };
            quantizer.fit(values, &Known::default());
            let grid = quantizer.grid();
            Ok(grid.levels.iter().map(|level| level - grid.zero_point(0)).collect())
        })
    }

    /// Those of the activations that the scheme of that name rounds to so many bits.
    ///
    /// # Errors
    /// As [`SchemeLevels::of_weights`].
    pub fn of_activations(scheme: &str, bits: u8) -> Result<Self> {
        let scheme = find_activations(scheme)?;
        let request = ActivationRequest { bits, tracking: Tracking::Largest, clip_decay: 0.0 };
        Self::of(sample().into_iter().map(|x| x.max(0.0)).collect(), |values| {
            let Some(mut quantizer) = scheme.quantizer(&request)? else { return Ok(Vec::new()) };
            quantizer.observe(&Tensor::from_dense([1, 1, 1, values.len()], 0, values));
            Ok(quantizer.rounding(true).map_or_else(Vec::new, |rounding| rounding.levels()))
        })
    }

    fn of(sample: Vec<f32>, levels_for: impl Fn(&[f32]) -> Result<Vec<f32>>) -> Result<Self> {
        let levels = levels_for(&sample)?;
        // One-sided, and with a longer tail.
        let other: Vec<f32> = sample.iter().map(|x| x * x).collect();
        Ok(Self { sampled: levels_for(&other)? != levels, levels })
    }
}

/// Standard normal values, the same at any time.
fn sample() -> Vec<f32> {
    let mut rng = stream(0u32, Purpose::Weights, 0);
    Param::new("sample", Role::Weight, &[SAMPLE], Init::Normal { variance: 1.0 }, &mut rng).value
}

#[cfg(test)]
mod tests {
    use super::super::{ACTIVATIONS, QUANTIZERS};
    use super::*;

    #[test]
    fn every_scheme_has_its_levels_in_order() {
        type LevelsOf = fn(&str, u8) -> Result<SchemeLevels>;
        let (of_weights, of_activations): (LevelsOf, LevelsOf) =
            (SchemeLevels::of_weights, SchemeLevels::of_activations);
        let weights = QUANTIZERS.iter().map(|scheme| (&scheme.entry, scheme.bits, of_weights));
        let activations = ACTIVATIONS.iter().map(|scheme| (&scheme.entry, scheme.bits, of_activations));
        for (entry, bits, levels_of) in weights.chain(activations) {
            let name = entry.name;
            for &bits in bits {
                let SchemeLevels { levels, .. } = levels_of(name, bits).unwrap();
                assert_eq!(levels.is_empty(), name == "none", "{name}");
                assert!(levels.windows(2).all(|pair| pair[0] < pair[1]), "{name}, {bits} bits: {levels:?}");
                assert!(levels.len() <= 1 << bits, "{name}: {} levels of {bits} bits", levels.len());
            }
        }
        assert!(SchemeLevels::of_weights("symmetric", 9).is_err());
        assert!(SchemeLevels::of_activations("symmetric", 4).is_err());
    }

    #[test]
    fn levels_are_told_in_units_of_the_scale_and_whether_they_follow_from_the_values() {
        let of_weights = |name, bits| SchemeLevels::of_weights(name, bits).unwrap();
        assert_eq!(of_weights("symmetric", 2), SchemeLevels { levels: vec![-1.0, 0.0, 1.0], sampled: false });
        assert_eq!(of_weights("lsq", 2), SchemeLevels { levels: vec![-2.0, -1.0, 0.0, 1.0], sampled: false });
        let affine = of_weights("affine", 2);
        // The zero point lies where the values are.
        assert!(affine.sampled && affine.levels.contains(&0.0) && affine.levels[0] < 0.0);
        assert_eq!(
            SchemeLevels::of_activations("fp4", 4).unwrap().levels,
            [0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0]
        );
    }
}
