//! Elementary functions that give the same bits on every machine. Those of the standard library are the C library's where
//! there is one: clippy.toml keeps them out of what is trained. The error is below one unit in the last place.

pub fn exp(x: f32) -> f32 {
    libm::expf(x)
}

pub fn ln(x: f32) -> f32 {
    libm::logf(x)
}

pub fn log2(x: f64) -> f64 {
    libm::log2(x)
}

pub fn cos(x: f64) -> f64 {
    libm::cos(x)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// How far a value is from the exact one, in units in the last place.
    fn units(value: f32, exact: f64) -> f64 {
        let unit = f64::from((exact as f32).abs().max(f32::MIN_POSITIVE).next_up())
            - f64::from((exact as f32).abs().max(f32::MIN_POSITIVE));
        (f64::from(value) - exact).abs() / unit
    }

    proptest! {
        #[test]
        fn exponentials_and_logarithms_are_off_by_less_than_a_unit(x in -87f32..88.7, y in 1e-38f32..3e38) {
            prop_assert!(units(exp(x), f64::from(x).exp()) < 1.0);
            prop_assert!(units(ln(y), f64::from(y).ln()) < 1.0);
        }

        #[test]
        fn cosines_and_binary_logarithms_are_the_c_librarys_but_for_a_unit(x in 0.0f64..7.0, y in 1e-9f64..1e9) {
            prop_assert!((cos(x) - x.cos()).abs() <= f64::EPSILON);
            prop_assert!((log2(y) - y.log2()).abs() <= f64::EPSILON * log2(y).abs().max(1.0));
        }
    }

    #[test]
    fn ends_are_those_of_the_field() {
        assert_eq!(
            [exp(0.0), exp(f32::NEG_INFINITY), exp(100.0), ln(1.0), ln(0.0)],
            [1.0, 0.0, f32::INFINITY, 0.0, f32::NEG_INFINITY]
        );
        assert!(exp(f32::NAN).is_nan() && ln(-1.0).is_nan());
    }
}
