//! Rounded gradients against independent references, draw by draw: see tests/golden/README.md for what the file holds and
//! where each tolerance comes from.

use nibble::Tensor;
use nibble::kernels::gradients::Noise;
use nibble::kernels::minifloat::{E2M1, E5M2};
use nibble::kernels::rounding::BLOCK;
use nibble::quant;
use serde::Deserialize;
use serde_json::Value;

#[path = "support/formats.rs"]
mod formats;
#[allow(dead_code)] // Golden trainings draw labels too.
#[path = "support/unit.rs"]
mod keyed;

use formats::{codes, number, two_to};
use keyed::unit;

#[derive(Deserialize)]
struct Case {
    kind: String,
    /// `[n, h, w, c]`.
    shape: [usize; 4],
    bits: u8,
    key: u64,
    #[serde(default)]
    step: f64,
    #[serde(default)]
    zero_point: u32,
    #[serde(default)]
    largest: Vec<f64>,
    #[serde(default)]
    exponent: Vec<i32>,
    #[serde(default)]
    edges: Vec<usize>,
    levels: String,
}

fn part<T: serde::de::DeserializeOwned>(name: &str) -> Vec<T> {
    let file: Value = serde_json::from_str(include_str!("golden/gradients.json")).unwrap();
    serde_json::from_value(file[name].clone()).unwrap()
}

impl Case {
    fn name(&self) -> String {
        format!("{}/{}", self.kind, self.shape.map(|len| len.to_string()).join("x"))
    }

    fn size(&self) -> usize {
        self.shape.iter().product()
    }

    fn values(&self) -> Vec<f32> {
        let size = self.size();
        let at = |(i, u): (usize, f32)| match self.kind.as_str() {
            "noise" => u * 0.1,
            "zero" => u * 0.0,
            "constant" => 0.37,
            "minus" => -0.37,
            "outlier" if i == size / 2 => 8.0,
            "lowest" if i == size / 2 => -8.0,
            "outlier" | "lowest" => u * 0.1,
            "denormal" => u * two_to(-130),
            "least" => ((i % 5) as f32 - 2.0) * two_to(-149),
            "positive" => u.abs() * 0.1 + 0.01,
            "negative" => u.abs() * -0.1 - 0.01,
            "images" => u * [1e-4, 3.0, 0.0][i / (size / self.shape[0])],
            "quarters" => ((i % 49) as f32 - 24.0) / 4.0,
            "eighths" if i == size / 2 => E5M2.largest,
            "eighths" => {
                let sign = if i % 3 == 2 { -1.0 } else { 1.0 };
                sign * (3 * i % 8 + 8) as f32 * two_to((i / 4) as i32 - 20)
            }
            other => panic!("{other}"),
        };
        unit(&format!("gradients/{}", self.name()), size).into_iter().enumerate().map(at).collect()
    }

    fn image(&self, i: usize) -> usize {
        i / (self.size() / self.shape[0])
    }

    /// The block of a value, of [`BLOCK`] channels of a pixel.
    fn block(&self, i: usize) -> usize {
        let channels = self.shape[3];
        i / channels * channels.div_ceil(BLOCK) + i % channels / BLOCK
    }
}

/// Compares what a batch becomes; `expected` gives the value of a level and how far off it may be, from the case, the value's
/// place and the level's digits.
fn check(scheme: &str, expected: impl Fn(&Case, usize, u32) -> (f64, f64)) {
    let (mut compared, mut edges) = (0, 0);
    for case in part::<Case>(scheme) {
        let what = format!("{scheme} {} {} bits", case.name(), case.bits);
        let values = case.values();
        let rounding = quant::find_gradients(scheme).unwrap().rounding(case.bits).unwrap().unwrap();
        for halo in [0, 1] {
            let mut dy = Tensor::from_dense(case.shape, halo, &values);
            rounding.apply(&mut dy, Noise::new(case.key));
            let found = dy.to_dense();
            if case.levels.is_empty() {
                assert_eq!(found, values, "{what}: values stay as they are");
                continue;
            }
            let codes = codes(&case.levels, values.len());
            assert_eq!(codes.len(), values.len(), "{what}");
            for (i, (found, code)) in found.iter().zip(codes).enumerate() {
                let is_level = |code: u32| {
                    let (wanted, tolerance) = expected(&case, i, code);
                    (f64::from(*found) - wanted).abs() <= tolerance
                };
                compared += 1;
                if is_level(code) {
                    continue;
                }
                edges += 1;
                let is_neighbour =
                    case.edges.contains(&i) && (is_level(code.wrapping_sub(1)) || is_level(code + 1));
                assert!(
                    is_neighbour,
                    "{what}: {i}: {found}, not {} of {}",
                    expected(&case, i, code).0,
                    values[i]
                );
            }
        }
    }
    println!("{scheme}: {compared} values, {edges} otherwise on edges");
    assert!(compared > 3000 && edges * 1000 < compared);
}

/// What chance has to decide with.
#[test]
fn draws_are_those_of_the_file() {
    #[derive(Deserialize)]
    struct Draws {
        key: u64,
        draws: Vec<u32>,
    }
    for Draws { key, draws } in part("noise") {
        for (place, draw) in draws.into_iter().enumerate() {
            assert_eq!(Noise::new(key).at(place as u32), draw as f32 * two_to(-24), "{key}: {place}");
        }
    }
}

#[test]
fn integers_over_the_range_of_a_batch() {
    for scheme in ["affine", "symmetric"] {
        check(scheme, |case, _, code| {
            let level = code as f32 - case.zero_point as f32;
            (f64::from(level * case.step as f32), 0.0)
        });
    }
}

#[test]
fn integers_over_the_range_of_an_image() {
    check("dorefa", |case, i, code| {
        let (range, most) = (2.0 * case.largest[case.image(i)], f64::from((1u32 << case.bits) - 1));
        // A quotient of levels, known to half a unit in its last place, and a product.
        (range * (f64::from(code) / most - 0.5), 6e-8 * range + f64::from(f32::from_bits(1)))
    });
}

#[test]
fn the_nearest_of_a_floating_point_format() {
    check("fp8_e5m2", |case, _, code| (f64::from(number(E5M2, 8, code) * case.step as f32), 0.0));
}

#[test]
fn one_of_two_numbers_of_a_block() {
    check("mxfp4", |case, i, code| {
        let exact = f64::from(number(E2M1, 4, code)) * 2f64.powi(case.exponent[case.block(i)]) * 4.0 / 3.0;
        // Four thirds as f32, and a product.
        (exact, 1.2e-7 * exact.abs() + f64::from(f32::from_bits(1)))
    });
}
