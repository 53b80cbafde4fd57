//! Schemes other than uniform grids against independent references: see tests/golden/README.md for what the file holds
//! and where each tolerance comes from.

use nibble::kernels::blocks::Granularity;
use nibble::kernels::minifloat::{E2M1, E4M3, E5M2, Minifloat};
use nibble::quant::{self, Known, Quantizer};
use serde::Deserialize;
use serde_json::Value;

#[path = "support/golden.rs"]
mod golden;

use golden::{published_block, unit, weights};

#[derive(Deserialize)]
struct Case {
    kind: String,
    k: usize,
    c_out: usize,
    bits: u8,
    per: String,
    #[serde(default)]
    scale: Vec<f64>,
    #[serde(default)]
    exponent: Vec<i32>,
    #[serde(default)]
    tensor: f64,
    #[serde(default)]
    block: String,
    #[serde(default)]
    edges: Vec<usize>,
    #[serde(default)]
    levels: String,
    #[serde(default)]
    outside: Option<Vec<usize>>,
    #[serde(default)]
    dw: Vec<f64>,
}

fn cases(scheme: &str) -> Vec<Case> {
    let file: Value = serde_json::from_str(include_str!("golden/schemes.json")).unwrap();
    serde_json::from_value(file[scheme].clone()).unwrap()
}

impl Case {
    fn what(&self, scheme: &str) -> String {
        format!("{scheme} {} {}x{} {} bits per {}", self.kind, self.k, self.c_out, self.bits, self.per)
    }

    fn weights(&self) -> Vec<f32> {
        weights(&self.kind, self.k, self.c_out)
    }

    /// Fitted to the weights. Formats with blocks of their own are asked for by the tensor.
    fn quantizer(&self, scheme: &str, w: &[f32]) -> Box<dyn Quantizer> {
        let own = ["mxfp4", "mxfp8", "nvfp4"].contains(&scheme);
        let granularity = if own { Granularity::Tensor } else { quant::find_granularity(&self.per).unwrap() };
        let scheme = quant::find(scheme).unwrap();
        let mut quantizer = scheme.quantizer(self.bits, granularity, [self.k, self.c_out]).unwrap().unwrap();
        quantizer.fit(w, &Known::default());
        quantizer
    }

    /// The digits of each weight's level, as a number.
    fn codes(&self) -> Vec<u32> {
        let digits = self.levels.len() / (self.k * self.c_out);
        let chunks = self.levels.as_bytes().chunks(digits);
        chunks.map(|code| u32::from_str_radix(str::from_utf8(code).unwrap(), 16).unwrap()).collect()
    }
}

/// The number that has these bits in a format; -0 is 0.
fn number(format: Minifloat, bits: u8, code: u32) -> f32 {
    let half = 1 << (bits - 1);
    let positive: Vec<f32> = format.values().into_iter().filter(|value| *value >= 0.0).collect();
    let magnitude = positive[(code & (half - 1)) as usize];
    if code & half == 0 { magnitude } else { 0.0 - magnitude }
}

fn two_to(exponent: i32) -> f32 {
    2f64.powi(exponent) as f32
}

/// Compares the values; `expected` gives that of a level, from the case, its block in the file and the level's digits.
fn check(scheme: &str, scale_tolerance: f64, expected: impl Fn(&Case, usize, u32, f32) -> f32) {
    let (mut values, mut edges) = (0, 0);
    for case in cases(scheme) {
        let what = case.what(scheme);
        let w = case.weights();
        let quantizer = case.quantizer(scheme, &w);
        let mut out = vec![f32::NAN; w.len()];
        quantizer.quantize(&w, &mut out);
        let grid = quantizer.grid();
        let blocks = grid.scales.len();
        if !case.scale.is_empty() && scheme != "dorefa" {
            for (block, scale) in grid.scales.iter().enumerate() {
                let published = case.scale[published_block(block, blocks, case.c_out)];
                let error = (f64::from(*scale) - f64::from(published as f32)).abs();
                assert!(error <= scale_tolerance * published, "{what}: scale {scale}, not {published}");
            }
        }
        for (i, (found, code)) in out.iter().zip(case.codes()).enumerate() {
            values += 1;
            if case.edges.contains(&i) {
                edges += 1;
                continue;
            }
            let block = grid.blocks.of(i);
            let wanted =
                expected(&case, published_block(block, blocks, case.c_out), code, grid.scales[block]);
            assert!(*found == wanted, "{what}: {i}: {found}, not {wanted} of {}", w[i]);
        }
        // What is on the grid keeps its place there. Values below the normal numbers have too few digits to tell.
        if case.kind != "denormal" {
            assert_eq!(grid.encode(&out).decode(), out, "{what}");
        }
    }
    println!("{scheme}: {values} values, {edges} on edges");
    assert!(values > 1000 && edges * 10 < values);
}

#[test]
fn floating_point_formats_are_those_of_ml_dtypes() {
    for (scheme, format) in [("fp4", E2M1), ("fp8_e4m3", E4M3), ("fp8_e5m2", E5M2)] {
        check(scheme, 0.0, |case, _, code, scale| number(format, case.bits, code) * scale);
    }
}

#[test]
fn blocks_share_a_power_of_two() {
    for (scheme, format) in [("mxfp4", E2M1), ("mxfp8", E4M3)] {
        check(scheme, 0.0, |case, block, code, _| {
            number(format, case.bits, code) * two_to(case.exponent[block])
        });
    }
}

#[test]
fn blocks_of_two_scales_are_those_of_ml_dtypes() {
    check("nvfp4", 0.0, |case, block, code, _| {
        let scale = u32::from_str_radix(&case.block[2 * block..][..2], 16).unwrap();
        number(E2M1, 4, code) * (number(E4M3, 8, scale) * case.tensor as f32)
    });
}

#[test]
fn one_exponent_for_integers() {
    check("dfp", 0.0, |case, block, code, _| {
        let level = code as i32 - if code >> (case.bits - 1) == 1 { 1 << case.bits } else { 0 };
        level as f32 * two_to(case.exponent[block])
    });
}

#[test]
fn ternary_weights_by_mean_and_median() {
    check("ternary_mean", 1e-6, |_, _, code, scale| (code as f32 - 1.0) * scale);
    check("ternary_median", 0.0, |_, _, code, scale| (code as f32 - 1.0) * scale);
}

#[test]
fn signs_times_a_mean() {
    check("binary", 1e-6, |_, _, code, scale| if code == 1 { scale } else { -scale });
    let mut compared = 0;
    for case in cases("binary").into_iter().filter(|case| !case.dw.is_empty()) {
        assert!(case.outside.is_some_and(|outside| !outside.is_empty()));
        let case = Case { outside: None, ..case };
        let w = case.weights();
        let mut dw = unit(&format!("quantizers/dy/{}x{}", case.k, case.c_out), w.len());
        case.quantizer("binary", &w).backward(&w, &mut dw);
        close(&case.what("binary"), &dw, &case.dw, 1e-6);
        compared += 1;
    }
    assert!(compared >= 3);
}

/// Within `tolerance` of the largest.
fn close(what: &str, found: &[f32], expected: &[f64], tolerance: f64) {
    let largest = expected.iter().fold(0.0f64, |max, v| max.max(v.abs()));
    for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
        let error = (f64::from(*found) - expected).abs();
        assert!(error <= tolerance * largest, "{what}: {i}: {found}, not {expected}");
    }
    assert_eq!(found.len(), expected.len(), "{what}");
}

#[test]
fn weights_through_tanh() {
    check("dorefa", 0.0, |case, _, code, scale| match case.bits {
        1 => {
            if code == 1 {
                scale
            } else {
                -scale
            }
        }
        bits => {
            let steps = ((1 << bits) - 1) as f32;
            2.0 * (code as f32 / steps) - 1.0
        }
    });
    for case in cases("dorefa_gradients") {
        let w = case.weights();
        let mut dw = unit(&format!("quantizers/dy/{}x{}", case.k, case.c_out), w.len());
        let mut quantizer = case.quantizer("dorefa", &w);
        quantizer.backward(&w, &mut dw);
        close(&case.what("dorefa"), &dw, &case.dw, 1e-6);
    }
}
