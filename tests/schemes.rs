//! Schemes other than uniform grids against independent references: see tests/golden/README.md for what the file holds
//! and where each tolerance comes from.

use nibble::kernels::blocks::Granularity;
use nibble::kernels::minifloat::{E2M1, E4M3, E5M2};
use nibble::quant::{self, Known, Quantizer};
use serde::Deserialize;
use serde_json::Value;

#[path = "support/formats.rs"]
mod formats;
#[path = "support/golden.rs"]
mod golden;

use formats::{codes, number, two_to};
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
    #[serde(default)]
    alpha: f32,
    #[serde(default)]
    std: Vec<f64>,
    #[serde(default)]
    dalpha: Vec<f64>,
    #[serde(default)]
    centroids: Vec<Vec<f64>>,
    #[serde(default)]
    dcentroid: Vec<Vec<f64>>,
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

    /// Fitted to the weights.
    fn quantizer(&self, scheme: &str, w: &[f32]) -> Box<dyn Quantizer> {
        let mut quantizer = self.unfitted(scheme);
        quantizer.fit(w, &Known::default());
        quantizer
    }

    /// Formats with blocks of their own are asked for by the tensor.
    fn unfitted(&self, scheme: &str) -> Box<dyn Quantizer> {
        let own = ["mxfp4", "mxfp8", "nvfp4"].contains(&scheme);
        let granularity = if own { Granularity::Tensor } else { quant::find_granularity(&self.per).unwrap() };
        let scheme = quant::find(scheme).unwrap();
        scheme.quantizer(self.bits, granularity, [self.k, self.c_out]).unwrap().unwrap()
    }

    /// The gradient of the quantized values.
    fn dy(&self) -> Vec<f32> {
        unit(&format!("quantizers/dy/{}x{}", self.k, self.c_out), self.k * self.c_out)
    }

    fn codes(&self) -> Vec<u32> {
        codes(&self.levels, self.k * self.c_out)
    }
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
        let mut dw = case.dy();
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
        let mut dw = case.dy();
        let mut quantizer = case.quantizer("dorefa", &w);
        quantizer.backward(&w, &mut dw);
        close(&case.what("dorefa"), &dw, &case.dw, 1e-6);
    }
}

#[test]
fn sums_of_powers_of_two() {
    let (mut values, mut edges, mut gradients) = (0, 0, 0);
    for case in cases("apot") {
        let what = format!("{} from {}", case.what("apot"), case.alpha);
        let w = case.weights();
        let mut quantizer = case.unfitted("apot");
        quantizer.params_mut()[0].value.fill(case.alpha.ln());
        quantizer.fit(&w, &Known::default());
        let (grid, mut out) = (quantizer.grid(), vec![f32::NAN; w.len()]);
        let blocks = grid.scales.len();
        // The file's weights have a deviation of 1.
        let deviation = |block: usize| case.std[published_block(block, blocks, case.c_out)] + 1e-5;
        for (block, scale) in grid.scales.iter().enumerate() {
            let wanted = deviation(block) * f64::from(case.alpha);
            assert!(
                (f64::from(*scale) - wanted).abs() <= 1e-6 * wanted,
                "{what}: scale {scale}, not {wanted}"
            );
        }
        quantizer.quantize(&w, &mut out);
        for (i, (found, code)) in out.iter().zip(case.codes()).enumerate() {
            values += 1;
            if case.edges.contains(&i) {
                edges += 1;
            } else {
                assert_eq!(*found, grid.value(code as usize, grid.blocks.of(i)), "{what}: {i}: {}", w[i]);
            }
        }
        if case.dalpha.is_empty() {
            continue;
        }
        let mut dw = case.dy();
        quantizer.backward(&w, &mut dw);
        let largest = case.dalpha.iter().fold(0.0f64, |max, v| max.max(v.abs()));
        for (block, found) in quantizer.params()[0].grad.iter().enumerate() {
            let wanted = case.dalpha[published_block(block, blocks, case.c_out)];
            // Of the clip's logarithm. Each residual is a difference of f32 values up to 1.
            let found = f64::from(*found) / (f64::from(case.alpha) * deviation(block));
            let tolerance = 1e-6 * largest + f64::from(f32::EPSILON) * w.len() as f64;
            assert!((found - wanted).abs() <= tolerance, "{what}: clip {found}, not {wanted}");
        }
        if !case.dw.is_empty() {
            let parts = dw.iter().enumerate().map(|(i, dw)| f64::from(*dw) / deviation(grid.blocks.of(i)));
            close(&what, &parts.map(|dw| dw as f32).collect::<Vec<_>>(), &case.dw, 1e-5);
            gradients += 1;
        }
    }
    println!("apot: {values} values, {edges} on edges");
    assert!(values > 1000 && edges * 10 < values && gradients > 2);

    #[derive(Deserialize)]
    struct Magnitudes {
        bits: u8,
        magnitudes: Vec<f64>,
    }
    let file: Value = serde_json::from_str(include_str!("golden/schemes.json")).unwrap();
    for Magnitudes { bits, magnitudes } in
        serde_json::from_value::<Vec<_>>(file["apot_grids"].clone()).unwrap()
    {
        let scheme = quant::find("apot").unwrap();
        let quantizer = scheme.quantizer(bits, Granularity::Tensor, [1, 1]).unwrap().unwrap();
        let levels = quantizer.grid().levels;
        assert_eq!(levels.len(), (1 << bits) - 1);
        close(&format!("apot {bits} bits"), &levels[levels.len() / 2..], &magnitudes, 1e-7);
    }
}

#[test]
fn centroids_are_those_of_k_means() {
    let mut gradients = 0;
    // One book a layer: what the file has a channel is another layout of the same.
    for case in cases("codebook").into_iter().filter(|case| case.per == "tensor") {
        let (what, w) = (case.what("codebook"), case.weights());
        let mut quantizer = case.quantizer("codebook", &w);
        let mut out = vec![f32::NAN; w.len()];
        quantizer.quantize(&w, &mut out);
        let levels = quantizer.grid().levels;
        // Rounded to f32; what is denormal has 18 bits there.
        close(&what, &levels, &case.centroids[0], if case.kind == "denormal" { 4e-6 } else { 1e-7 });
        for (i, (found, code)) in out.iter().zip(case.codes()).enumerate() {
            assert_eq!(*found, levels[code as usize], "{what}: {i}: {}", w[i]);
        }
        if let [wanted] = &case.dcentroid[..] {
            let mut dw = case.dy();
            quantizer.backward(&w, &mut dw);
            assert_eq!(dw, case.dy(), "{what}");
            close(&what, &quantizer.params()[0].grad, wanted, 1e-6);
            gradients += 1;
        }
    }
    assert!(gradients > 2);
}

#[test]
fn exponents_are_counted_by_latent_variables() {
    #[derive(Deserialize)]
    struct Latents {
        k: usize,
        c_out: usize,
        bits: u8,
        levels: String,
        /// Of the sign, then of each exponent's latent variable.
        dlatent: Vec<Vec<f64>>,
    }
    let file: Value = serde_json::from_str(include_str!("golden/schemes.json")).unwrap();
    let cases: Vec<Latents> = serde_json::from_value(file["shift"].clone()).unwrap();
    assert_eq!(cases.len(), 6);
    for Latents { k, c_out, bits, levels, dlatent } in cases {
        let what = format!("shift {k}x{c_out} {bits} bits");
        let latents = |t: usize| {
            let mut values = unit(&format!("schemes/shift/{k}x{c_out}/{t}"), k * c_out);
            values[t] = 0.0;
            values
        };
        let w = latents(0);
        let scheme = quant::find("shift").unwrap();
        let mut quantizer = scheme.quantizer(bits, Granularity::Tensor, [k, c_out]).unwrap().unwrap();
        quantizer.params_mut()[0].value = (1..dlatent.len()).flat_map(latents).collect();
        quantizer.fit(&w, &Known::default());
        let mut out = vec![f32::NAN; w.len()];
        quantizer.quantize(&w, &mut out);
        let half = 1 << (bits - 1);
        for (found, digit) in out.iter().zip(levels.chars()) {
            let code = digit.to_digit(16).unwrap();
            let magnitude = two_to((code % half) as i32);
            assert_eq!(*found, if code < half { magnitude } else { -magnitude }, "{what}");
        }
        assert_eq!(quantizer.grid().encode(&out).decode(), out, "{what}");
        let mut dw = unit(&format!("quantizers/dy/{k}x{c_out}"), w.len());
        quantizer.backward(&w, &mut dw);
        close(&what, &dw, &dlatent[0], 1e-6);
        let gradients = quantizer.params()[0].gradient().to_vec();
        for (t, wanted) in dlatent[1..].iter().enumerate() {
            close(&what, &gradients[t * w.len()..][..wanted.len()], wanted, 1e-6);
        }
    }
}

/// Rounding weights once: each latent starts with the power that is nearest.
#[test]
fn powers_start_near_the_weights() {
    for bits in [2, 3, 4] {
        let w = weights("noise", 45, 64);
        let scheme = quant::find("shift").unwrap();
        let mut quantizer = scheme.quantizer(bits, Granularity::Tensor, [45, 64]).unwrap().unwrap();
        quantizer.fit(&w, &Known::default());
        let mut out = vec![f32::NAN; w.len()];
        quantizer.quantize(&w, &mut out);
        let grid = quantizer.grid();
        for (w, found) in w.iter().zip(&out) {
            let distance = |level: f32| (level * grid.scales[0] - w).abs();
            let least = grid.levels.iter().map(|level| distance(*level)).fold(f32::INFINITY, f32::min);
            // On an edge between two powers either is as near.
            assert!((found - w).abs() <= least * (1.0 + 1e-6), "{bits} bits: {w} became {found}");
        }
    }
}
