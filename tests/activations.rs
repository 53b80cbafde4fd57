//! Activations against independent references, forward and backward, with the ReLU before them: see tests/golden/README.md
//! for what the file holds and where each tolerance comes from.

use nibble::Tensor;
use nibble::kernels::minifloat::{E2M1, E4M3, Minifloat};
use nibble::kernels::pointwise;
use nibble::kernels::rounding::{BLOCK, Kept};
use nibble::quant::{self, ActivationQuantizer, ActivationRequest, Tracking};
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
    seed: Option<u32>,
    #[serde(default)]
    before: Vec<String>,
    #[serde(default)]
    tracking: String,
    #[serde(default)]
    decay: f32,
    log: Option<f32>,
    #[serde(default)]
    initial: f64,
    #[serde(default)]
    scale: f64,
    #[serde(default)]
    exponent: Vec<i32>,
    #[serde(default)]
    edges: Vec<usize>,
    levels: String,
    #[serde(default)]
    clipped: Vec<usize>,
    dlog: Option<f64>,
}

fn part<T: serde::de::DeserializeOwned>(name: &str) -> Vec<T> {
    let file: Value = serde_json::from_str(include_str!("golden/activations.json")).unwrap();
    serde_json::from_value(file[name].clone()).unwrap()
}

fn named(shape: [usize; 4]) -> String {
    shape.map(|len| len.to_string()).join("x")
}

fn tracking(name: &str) -> Tracking {
    match name {
        "largest" => Tracking::Largest,
        _ => Tracking::Average,
    }
}

/// What goes into the ReLU.
fn values(kind: &str, shape: [usize; 4], bits: u8, seed: &str) -> Vec<f32> {
    let size = shape.iter().product();
    let most = (1i32 << bits) - 1;
    let at = |(i, u): (usize, f32)| match kind {
        "noise" => u,
        "wide" => u * 16.0,
        "zero" => u * 0.0,
        "negative" => -u.abs() - 0.01,
        "constant" => 0.37,
        "outlier" if i == size / 2 => 8.0,
        "outlier" => u * 0.1,
        "denormal" => u * two_to(-130),
        "least" => ((i % 5) as f32 - 1.0) * two_to(-149),
        "steps" if i == size / 2 => 1.0,
        "steps" => ((37 * i % 257) as f32 - 128.0) / 128.0,
        "quarters" => ((i % 49) as f32 - 24.0) / 4.0,
        "halves" if i == size / 2 => most as f32,
        "halves" => ((37 * i as i32) % (4 * most + 1) - 2 * most) as f32 / 2.0,
        "sixteenths" if i == size / 2 => 448.0,
        "sixteenths" => {
            let sign = if i % 4 == 3 { -1.0 } else { 1.0 };
            sign * (5 * i % 16 + 16) as f32 * two_to((i / 6) as i32 - 12)
        }
        other => panic!("{other}"),
    };
    let name = format!("activations/{kind}/{}{seed}", named(shape));
    unit(&name, size).into_iter().enumerate().map(at).collect()
}

/// What a ReLU gives.
fn rectified(shape: [usize; 4], halo: usize, x: &[f32]) -> Tensor {
    let mut y = Tensor::zeros(shape, halo);
    pointwise::relu_forward(&Tensor::from_dense(shape, halo, x), &mut y);
    y
}

impl Case {
    fn what(&self, scheme: &str) -> String {
        let before = self.before.join(", ");
        format!("{scheme} {} {} {} bits after [{before}]", self.kind, named(self.shape), self.bits)
    }

    fn size(&self) -> usize {
        self.shape.iter().product()
    }

    fn values(&self) -> Vec<f32> {
        let seed = self.seed.map_or(String::new(), |seed| format!("/{seed}"));
        values(&self.kind, self.shape, self.bits, &seed)
    }

    /// The gradient of the rounded values.
    fn dy(&self) -> Vec<f32> {
        unit(&format!("activations/dy/{}", named(self.shape)), self.size())
    }

    fn halo(&self) -> usize {
        usize::from(self.bits) % 2
    }

    /// As a new run has it, but for the batches before and what it has learned.
    fn quantizer(&self, scheme: &str) -> Box<dyn ActivationQuantizer> {
        let scheme = quant::find_activations(scheme).unwrap();
        let tracking = tracking(&self.tracking);
        let request = ActivationRequest { bits: self.bits, tracking, clip_decay: self.decay };
        let mut quantizer = scheme.quantizer(&request).unwrap().unwrap();
        for kind in &self.before {
            quantizer.observe(&rectified(self.shape, 0, &values(kind, self.shape, self.bits, "")));
            quantizer.end_step();
        }
        if let (Some(log), [learned]) = (self.log, quantizer.params_mut()) {
            learned.value = vec![log];
        }
        quantizer
    }

    /// The block of a value, of [`BLOCK`] channels of a pixel.
    fn block(&self, i: usize) -> usize {
        let channels = self.shape[3];
        i / channels * channels.div_ceil(BLOCK) + i % channels / BLOCK
    }
}

/// Compares values and gradients of a training step; `expected` gives the value of a level, from the case, the value's place,
/// the level's digits and the scale. `room`: how far the scale is known, relatively.
fn check(scheme: &str, room: f64, expected: impl Fn(&Case, usize, u32, f32) -> f32) {
    let (mut compared, mut edges, mut clipped, mut learned) = (0, 0, 0, 0);
    for case in part::<Case>(scheme) {
        let (what, x, shape) = (case.what(scheme), case.values(), case.shape);
        let mut quantizer = case.quantizer(scheme);
        let (mut y, mut kept) = (rectified(shape, case.halo(), &x), Kept::default());
        quantizer.observe(&y);
        let before = y.to_dense();
        let rounding = quantizer.rounding(true);
        if let Some(rounding) = rounding {
            rounding.forward(&mut y, quantizer.keep(), quantizer.bound(), &mut kept);
        }
        let found = y.to_dense();
        if case.levels.is_empty() {
            assert!(rounding.is_none() && found == before, "{what}: values stay as they are");
        } else {
            let scale = rounding.unwrap().scale().unwrap_or(1.0);
            if case.exponent.is_empty() {
                let wanted = f64::from(case.scale as f32);
                let tolerance = room * (wanted + f64::from(f32::from_bits(1)) / 2e-7);
                assert!((f64::from(scale) - wanted).abs() <= tolerance, "{what}: {scale}, not {wanted}");
            }
            let codes = codes(&case.levels, x.len());
            assert_eq!(codes.len(), x.len(), "{what}");
            for (i, (found, code)) in found.iter().zip(codes).enumerate() {
                compared += 1;
                let wanted = expected(&case, i, code, scale);
                if *found == wanted {
                    continue;
                }
                let is_edge = case.edges.contains(&i);
                edges += usize::from(is_edge);
                let neighbours = [code.wrapping_sub(1), code + 1];
                assert!(
                    is_edge && neighbours.iter().any(|code| *found == expected(&case, i, *code, scale)),
                    "{what}: {i}: {found}, not {wanted} of {}",
                    x[i]
                );
            }
        }

        let (mut dy, mut dx) = (Tensor::from_dense(shape, 1, &case.dy()), Tensor::from_dense(shape, 0, &x));
        let sums = kept.backward(&mut dy);
        quantizer.backward(sums, shape[1] * shape[2] * shape[3]);
        pointwise::relu_backward(&dy, &mut dx);
        let stops = |i: usize| x[i] <= 0.0 || case.clipped.contains(&i);
        let has_gradient = scheme != "lsq" || case.dlog.is_some() || case.levels.is_empty();
        for (i, (dx, dy)) in dx.to_dense().into_iter().zip(case.dy()).enumerate().filter(|_| has_gradient) {
            assert_eq!(dx, if stops(i) { 0.0 } else { dy }, "{what}: gradient of {i}, {}", x[i]);
        }
        clipped += case.clipped.len();
        if let (Some(wanted), [param]) = (case.dlog, quantizer.params()) {
            let value = f64::from(case.log.unwrap()).exp();
            let sum: f64 =
                case.dy().iter().zip(&x).filter(|(_, x)| **x > 0.0).map(|(dy, _)| f64::from(dy.abs())).sum();
            let tolerance = match scheme {
                "lsq" => {
                    let most = f64::from((1u32 << case.bits) - 1);
                    4e-7 * most * sum * value / ((case.size() / shape[0]) as f64 * most).sqrt()
                }
                _ => 5e-7 * value * (sum + f64::from(case.decay) * value),
            };
            let error = (f64::from(param.grad[0]) - wanted).abs();
            assert!(
                error <= tolerance + f64::from(f32::from_bits(1)),
                "{what}: {}, not {wanted}, off by {error}, more than {tolerance}",
                param.grad[0]
            );
            learned += 1;
        }

        // In evaluation the same scale, and nothing is measured.
        quantizer.end_step();
        assert_eq!(quantizer.rounding(false), rounding, "{what}");
    }
    println!(
        "{scheme}: {compared} values, {edges} otherwise on edges; {clipped} clipped, {learned} learned gradients"
    );
    assert!(compared > 1000 && edges * 50 < compared);
    assert!(clipped > 100 || scheme == "mxfp4");
}

#[test]
fn integers_over_a_measured_range() {
    check("affine", 0.0, |_, _, code, scale| code as f32 * scale);
}

#[test]
fn clips_that_are_learned() {
    check("pact", 3e-7, |_, _, code, scale| code as f32 * scale);
    let request = ActivationRequest { bits: 4, tracking: Tracking::Average, clip_decay: 0.0 };
    let fresh = quant::find_activations("pact").unwrap().quantizer(&request).unwrap().unwrap();
    assert_eq!(fresh.params()[0].value, [10f32.ln()]);
}

#[test]
fn steps_that_are_learned() {
    check("lsq", 3e-7, |_, _, code, scale| code as f32 * scale);
    let mut compared = 0;
    for case in part::<Case>("lsq") {
        let case = Case { log: None, ..case };
        let mut quantizer = case.quantizer("lsq");
        quantizer.observe(&rectified(case.shape, 0, &case.values()));
        compared += 1;
        if case.initial == 0.0 {
            assert!(quantizer.rounding(true).is_none(), "{}", case.what("lsq"));
            continue;
        }
        // A mean with sums of rows in f32, then a logarithm in f32.
        let (found, wanted) =
            (f64::from(quantizer.params()[0].value[0]), f64::from(case.initial as f32).ln());
        let tolerance = 1e-6 + 6e-8 * wanted.abs();
        assert!((found - wanted).abs() <= tolerance, "{}: {found}, not {wanted}", case.what("lsq"));
    }
    assert!(compared > 50);
}

#[test]
fn values_clipped_to_one() {
    check("dorefa", 0.0, |_, _, code, scale| code as f32 * scale);
}

#[test]
fn floating_point_formats_over_a_measured_range() {
    let value = |format: Minifloat, bits: u8, code: u32, scale: f32| number(format, bits, code) * scale;
    check("fp4", 0.0, |_, _, code, scale| value(E2M1, 4, code, scale));
    check("fp8_e4m3", 0.0, |_, _, code, scale| value(E4M3, 8, code, scale));
}

#[test]
fn blocks_of_channels_share_a_power_of_two() {
    check("mxfp4", 0.0, |case, i, code, _| number(E2M1, 4, code) * two_to(case.exponent[case.block(i)]));
}

/// The ranges of batch after batch, to the last bit.
#[test]
fn ranges_are_followed_as_by_the_observers_of_pytorch() {
    #[derive(Deserialize)]
    struct Ranges {
        shape: [usize; 4],
        kinds: Vec<String>,
        tracking: String,
        range: Vec<f64>,
    }
    for Ranges { shape, kinds, tracking: name, range } in part("ranges") {
        for (scheme, bits, largest) in [("affine", 4, 15.0), ("fp4", 4, 6.0), ("fp8_e4m3", 8, 448.0)] {
            let request = ActivationRequest { bits, tracking: tracking(&name), clip_decay: 0.0 };
            let scheme = quant::find_activations(scheme).unwrap();
            let mut quantizer = scheme.quantizer(&request).unwrap().unwrap();
            for (kind, range) in kinds.iter().zip(&range) {
                let scale = Some(*range as f32 / largest);
                quantizer.observe(&rectified(shape, 1, &values(kind, shape, 4, "")));
                assert_eq!(quantizer.rounding(true).unwrap().scale(), scale, "{name} {kind}");
                quantizer.end_step();
                assert_eq!(quantizer.rounding(false).unwrap().scale(), scale, "{name} {kind}");
            }
        }
    }
}
