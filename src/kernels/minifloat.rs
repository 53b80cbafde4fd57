//! Floating-point formats of a few bits (OCP 8-bit floating point specification 1.0; OCP microscaling formats 1.0).

/// A sign, a few bits of exponent and of mantissa, with subnormals and without infinities.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Minifloat {
    /// Bits of the mantissa.
    pub mantissa_bits: u32,
    /// Exponent of the smallest normal number; subnormals share it.
    pub lowest_exponent: i32,
    /// The largest number; anything beyond becomes it.
    pub largest: f32,
}

/// 4 bits: 0, 0.5, 1, 1.5, 2, 3, 4, 6 with either sign.
pub const E2M1: Minifloat = Minifloat { mantissa_bits: 1, lowest_exponent: 0, largest: 6.0 };
/// 8 bits, up to 448.
pub const E4M3: Minifloat = Minifloat { mantissa_bits: 3, lowest_exponent: -6, largest: 448.0 };
/// 8 bits, up to 57,344.
pub const E5M2: Minifloat = Minifloat { mantissa_bits: 2, lowest_exponent: -14, largest: 57_344.0 };

/// Of f32.
const BIAS: i32 = 127;
const MANTISSA_BITS: u32 = 23;

impl Minifloat {
    /// The nearest number of the format, ties to an even mantissa. NaN stays NaN.
    #[inline(always)]
    pub fn round(self, x: f32) -> f32 {
        let x = if x > self.largest { self.largest } else { x };
        let x = if x < -self.largest { -self.largest } else { x };
        let step = self.step_exponent(x);
        // Powers of two: both products are exact.
        (x * power_of_two(-step)).round_ties_even() * power_of_two(step)
    }

    /// log2 of the distance of the numbers around x.
    #[inline(always)]
    fn step_exponent(self, x: f32) -> i32 {
        floor_log2(x).max(self.lowest_exponent) - self.mantissa_bits as i32
    }

    /// All numbers, lowest first; 0 once.
    pub fn values(self) -> Vec<f32> {
        let mut positive = Vec::new();
        let mut value = power_of_two(self.lowest_exponent - self.mantissa_bits as i32);
        while value <= self.largest {
            positive.push(value);
            value += power_of_two(self.step_exponent(value));
        }
        positive.iter().rev().map(|value| -value).chain([0.0]).chain(positive.iter().copied()).collect()
    }

    /// The scale of a block whose largest magnitude that is: 2^(floor(log2 largest) - e), e the exponent of the format's
    /// largest number; at least 2^-127, the smallest e8m0 (OCP microscaling formats 1.0, section 6.3).
    #[inline(always)]
    pub fn block_scale(self, largest: f32) -> f32 {
        let exponent = floor_log2(largest) - self.largest_exponent();
        // 2^-127 is a subnormal of f32.
        if exponent > -BIAS { power_of_two(exponent) } else { f32::from_bits(1 << (MANTISSA_BITS - 1)) }
    }

    /// floor(log2) of the largest number.
    pub fn largest_exponent(self) -> i32 {
        floor_log2(self.largest)
    }
}

/// floor(log2 |x|) of a normal number; -127 of 0 and of a subnormal.
#[inline(always)]
pub fn floor_log2(x: f32) -> i32 {
    (x.to_bits() >> MANTISSA_BITS & 0xff) as i32 - BIAS
}

/// 2^exponent, for the exponents of normal numbers: -126 to 127.
#[inline(always)]
pub fn power_of_two(exponent: i32) -> f32 {
    f32::from_bits(((exponent + BIAS) as u32) << MANTISSA_BITS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FORMATS: [Minifloat; 3] = [E2M1, E4M3, E5M2];

    #[test]
    fn the_numbers_are_those_of_the_specification() {
        let positive =
            |format: Minifloat| format.values().into_iter().filter(|x| *x > 0.0).collect::<Vec<_>>();
        assert_eq!(positive(E2M1), [0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0]);
        let (e4m3, e5m2) = (positive(E4M3), positive(E5M2));
        // 2^7 codes of either sign, less 0 and NaN, and in e5m2 three NaN and infinity.
        assert_eq!((e4m3.len(), e4m3[0], e4m3[125]), (126, power_of_two(-9), 448.0));
        assert_eq!((e5m2.len(), e5m2[0], e5m2[122]), (123, power_of_two(-16), 57_344.0));
        assert_eq!((E2M1.largest_exponent(), E4M3.largest_exponent(), E5M2.largest_exponent()), (2, 8, 15));
    }

    #[test]
    fn ties_go_to_an_even_mantissa_and_large_values_to_the_end() {
        assert_eq!(
            [0.25, 0.75, 1.25, 1.75, 2.5, 3.5, 5.0].map(|x| E2M1.round(x)),
            [0.0, 1.0, 1.0, 2.0, 2.0, 4.0, 4.0]
        );
        assert_eq!([7.0, -1e9, f32::INFINITY].map(|x| E2M1.round(x)), [6.0, -6.0, 6.0]);
        assert!(E2M1.round(f32::NAN).is_nan());
    }

    proptest! {
        #[test]
        fn every_number_stays_and_every_other_goes_to_the_nearest(which in 0usize..3, x in -70_000.0f32..70_000.0, scale in -30i32..1) {
            let format = FORMATS[which];
            let values = format.values();
            let x = x * power_of_two(scale);
            let found = format.round(x);
            prop_assert!(values.contains(&found));
            let distance = values.iter().map(|value| (value - x).abs()).fold(f32::INFINITY, f32::min);
            prop_assert_eq!((found - x).abs(), distance);
            for value in values {
                prop_assert_eq!(format.round(value), value);
            }
        }
    }
}
