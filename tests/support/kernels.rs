//! One test body for every implementation of every kernel, natively and in a browser: ugly shapes against the
//! oracle, halos, and bit-identity for any number of threads.

mod activations;

pub use activations::*;

use nibble::Tensor;
use nibble::kernels::blocks::{Blocks, Granularity};
use nibble::kernels::conv3x3::Algorithm;
use nibble::kernels::dense_shift::Runs;
use nibble::kernels::weights::Velocity;
use nibble::kernels::{Activation, AdamW, BatchNorm, Conv3x3, Conv5x5, Gradient, Isa, Linear, oracle};
use nibble::kernels::{batch_norm, conv3x3, conv5x5, gemm, weights};

/// Relative to the largest element of the reference: a chain of K multiply-adds in f32 drifts like a random walk,
/// each step rounding by at most half an epsilon of a partial sum, and partial sums are no larger than a few times
/// the largest result. The oracle sums in f64.
fn chain_tolerance(k: usize) -> f32 {
    4.0 * f32::EPSILON * (k as f32).sqrt().max(1.0)
}

/// Relative to the largest element: a handful of roundings an element, and per-channel factors that come from sums.
const POINTWISE_TOLERANCE: f32 = 16.0 * f32::EPSILON;

/// Of a tanh, absolute and relative: the approximant's 1.3e-7, and the rounding of a few operations. What the kernel
/// promises.
const TANH_TOLERANCE: f64 = 3e-7;
const TANH_RELATIVE_TOLERANCE: f64 = 4e-7;

/// Values without a pattern in -1..1, the same on every machine.
pub fn noise(len: usize, seed: u32) -> Vec<f32> {
    let mut state = 0x9e37_79b9u32.wrapping_mul(seed + 1) | 1;
    let next = |_| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state as f32 / u32::MAX as f32 * 2.0 - 1.0
    };
    (0..len).map(next).collect()
}

pub fn tensor(shape: [usize; 4], halo: usize, seed: u32) -> Tensor {
    Tensor::from_dense(shape, halo, &noise(shape.iter().product(), seed))
}

/// A tensor whose interior is NaN: what a kernel forgets to write stays visible. The halo is zero.
fn unwritten(shape: [usize; 4], halo: usize) -> Tensor {
    Tensor::from_dense(shape, halo, &vec![f32::NAN; shape.iter().product()])
}

#[track_caller]
fn assert_close(what: &str, found: &[f32], expected: &[f32], tolerance: f32) {
    assert_eq!(found.len(), expected.len(), "{what}: length");
    let scale = expected.iter().fold(0.0f32, |m, v| m.max(v.abs()));
    for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
        let error = (found - expected).abs();
        assert!(error <= tolerance * scale, "{what}: [{i}] is {found}, not {expected} (scale {scale})");
    }
}

/// Compares interiors and asks for a halo of zeros.
#[track_caller]
fn assert_tensor(what: &str, found: &Tensor, expected: &Tensor, tolerance: f32) {
    assert_eq!(found.shape(), expected.shape(), "{what}: shape");
    assert_close(what, &found.to_dense(), &expected.to_dense(), tolerance);
    let interior: f64 = found.to_dense().iter().map(|v| f64::from(v.abs())).sum();
    let all: f64 = found.data().iter().map(|v| f64::from(v.abs())).sum();
    assert!((all - interior).abs() <= 1e-9 * all, "{what}: something was written into the halo");
}

/// Runs a check for each instruction set of this machine and build, and gives how many there were.
pub fn for_each_isa(check: impl Fn(&str)) -> usize {
    for isa in Isa::available() {
        isa.select();
        check(isa.name());
    }
    Isa::available()[0].select();
    Isa::available().len()
}

/// `(n, h, w, c_in, stored c_in, c_out, stride)`: ones, primes, and the tile sizes (5, 6, 8, 12, 16, 32) and their
/// neighbours; odd sizes with stride 2; the shapes of the models.
pub const CONVOLUTIONS: [(usize, usize, usize, usize, usize, usize, usize); 31] = [
    (1, 1, 1, 1, 1, 1, 1),
    (1, 1, 1, 1, 1, 1, 2),
    (1, 2, 1, 3, 3, 5, 2),
    (1, 1, 7, 3, 4, 8, 1),
    (2, 5, 5, 1, 1, 3, 1),
    (1, 5, 7, 5, 5, 17, 2),
    (3, 7, 5, 3, 4, 16, 2),
    (2, 4, 4, 16, 16, 16, 1),
    (2, 8, 8, 16, 16, 32, 2),
    (1, 6, 6, 17, 17, 15, 1),
    (1, 3, 3, 13, 13, 31, 1),
    (1, 3, 3, 31, 31, 33, 1),
    (5, 3, 2, 7, 8, 9, 1),
    (1, 70, 3, 5, 5, 7, 1),
    (1, 3, 131, 2, 2, 9, 1),
    (1, 2, 67, 3, 3, 4, 2),
    (2, 9, 9, 11, 12, 7, 2),
    (13, 4, 4, 64, 64, 65, 1),
    (2, 8, 8, 128, 128, 64, 1),
    (1, 8, 8, 256, 256, 24, 1),
    (1, 5, 5, 127, 127, 13, 1),
    (2, 4, 4, 347, 347, 6, 1),
    (2, 32, 32, 3, 4, 64, 1),
    (1, 16, 16, 64, 64, 128, 1),
    (1, 1, 1, 16, 16, 16, 1),
    (2, 5, 3, 16, 16, 48, 1),
    (1, 7, 9, 48, 48, 16, 1),
    (3, 6, 13, 32, 32, 80, 1),
    (5, 8, 8, 16, 16, 272, 1),
    (1, 4, 31, 144, 144, 32, 1),
    (9, 16, 16, 16, 16, 32, 1),
];

/// 3x3 convolution: forward and both gradients.
pub fn conv3x3_matches_oracle(isa: &str) {
    for (i, (n, h, w, c_in, stored, c_out, stride)) in CONVOLUTIONS.into_iter().enumerate() {
        let what = format!("{isa} conv3x3 {:?}", CONVOLUTIONS[i]);
        let conv = Conv3x3::new(c_in, c_out, stride).with_x_channels(stored);
        let winograd = conv.algorithm == Algorithm::Winograd;
        let tolerance = |k| if winograd { conv3x3::WINOGRAD_TOLERANCE } else { chain_tolerance(k) };
        // The halo that is needed, or a wider one.
        let wide = Conv3x3::HALO + i / 2 % 2;
        let x = tensor([n, h, w, stored], wide, 1);
        let out = conv.output_shape(x.shape());
        let weight = noise(conv.weight_len(), 2);
        let bias = if i % 3 == 0 { Vec::new() } else { noise(c_out, 3) };
        let halo = i % 2;

        let mut forward = conv3x3::ForwardPanels::default();
        conv.pack_forward(&weight, &mut forward);
        let (mut y, mut expected) = (unwritten(out, halo), unwritten(out, halo));
        conv.forward(&x, &forward, &bias, &mut y);
        oracle::conv3x3_forward(&conv, &x, &weight, &bias, &mut expected);
        assert_tensor(&format!("{what} forward"), &y, &expected, tolerance(9 * c_in));

        let dy = tensor(out, wide, 4);
        let mut backward = conv3x3::BackwardPanels::default();
        conv.pack_backward(&weight, &mut backward);
        let (mut dx, mut expected) = (unwritten(x.shape(), 1 - halo), unwritten(x.shape(), 1 - halo));
        conv.backward_input(&dy, &backward, &mut dx);
        oracle::conv3x3_backward_input(&conv, &dy, &weight, &mut expected);
        assert_tensor(&format!("{what} backward input"), &dx, &expected, tolerance(9 * c_out));

        let dy = tensor(out, halo, 4);
        let pixels = out[0] * out[1] * out[2];
        let mut found = (vec![f32::NAN; weight.len()], vec![f32::NAN; bias.len()]);
        let mut expected = found.clone();
        conv.backward_weight(&x, &dy, &mut found.0, &mut found.1);
        oracle::conv3x3_backward_weight(&conv, &x, &dy, &mut expected.0, &mut expected.1);
        assert_close(&format!("{what} dw"), &found.0, &expected.0, tolerance(pixels));
        assert_close(&format!("{what} db"), &found.1, &expected.1, tolerance(pixels));
    }
}

/// `(n, h, w, c_in, stored c_in, c_out)`: ones, images smaller than the weights, primes, the tile sizes and their
/// neighbours; the shapes of ConvNetJS's network.
pub const CONVOLUTIONS_5X5: [(usize, usize, usize, usize, usize, usize); 14] = [
    (1, 1, 1, 1, 1, 1),
    (2, 1, 5, 3, 4, 8),
    (1, 2, 3, 5, 5, 7),
    (3, 5, 5, 1, 1, 3),
    (2, 7, 6, 3, 4, 16),
    (1, 6, 11, 17, 17, 15),
    (2, 3, 3, 13, 13, 31),
    (1, 4, 4, 31, 31, 33),
    (5, 3, 2, 7, 8, 9),
    (1, 70, 3, 5, 5, 7),
    (1, 3, 67, 2, 2, 17),
    (2, 32, 32, 3, 4, 16),
    (2, 16, 16, 16, 16, 20),
    (3, 8, 8, 20, 20, 20),
];

/// 5x5 convolution: forward and both gradients.
pub fn conv5x5_matches_oracle(isa: &str) {
    for (i, (n, h, w, c_in, stored, c_out)) in CONVOLUTIONS_5X5.into_iter().enumerate() {
        let what = format!("{isa} conv5x5 {:?}", CONVOLUTIONS_5X5[i]);
        let conv = Conv5x5::new(c_in, c_out).with_x_channels(stored);
        // The halo that is needed, or a wider one.
        let halo = Conv5x5::HALO + i % 2;
        let x = tensor([n, h, w, stored], halo, 1);
        let out = [n, h, w, c_out];
        let weight = noise(conv.weight_len(), 2);
        let bias = if i % 3 == 0 { Vec::new() } else { noise(c_out, 3) };

        let mut forward = conv5x5::ForwardPanels::default();
        conv.pack_forward(&weight, &mut forward);
        let (mut y, mut expected) = (unwritten(out, i % 3), unwritten(out, i % 3));
        conv.forward(&x, &forward, &bias, &mut y);
        oracle::conv5x5_forward(&conv, &x, &weight, &bias, &mut expected);
        assert_tensor(&format!("{what} forward"), &y, &expected, chain_tolerance(25 * c_in));

        let dy = tensor(out, halo, 4);
        let mut backward = conv5x5::BackwardPanels::default();
        conv.pack_backward(&weight, &mut backward);
        let (mut dx, mut expected) = (unwritten(x.shape(), i % 3), unwritten(x.shape(), i % 3));
        conv.backward_input(&dy, &backward, &mut dx);
        oracle::conv5x5_backward_input(&conv, &dy, &weight, &mut expected);
        assert_tensor(&format!("{what} backward input"), &dx, &expected, chain_tolerance(25 * c_out));

        let dy = tensor(out, i % 3, 4);
        let mut found = (vec![f32::NAN; weight.len()], vec![f32::NAN; bias.len()]);
        let mut expected = found.clone();
        conv.backward_weight(&x, &dy, &mut found.0, &mut found.1);
        oracle::conv5x5_backward_weight(&conv, &x, &dy, &mut expected.0, &mut expected.1);
        assert_close(&format!("{what} dw"), &found.0, &expected.0, chain_tolerance(n * h * w));
        assert_close(&format!("{what} db"), &found.1, &expected.1, chain_tolerance(n * h * w));
    }
}

/// Fully connected layers: forward and both gradients.
pub fn linear_matches_oracle(isa: &str) {
    let shapes = [(1, 1, 1), (1, 7, 10), (2, 5, 17), (5, 16, 16), (6, 17, 8), (7, 33, 31), (13, 64, 65)];
    // Hours under Miri.
    let large = [(128, 130, 10), (3, 2049, 9), (65, 1500, 100)].into_iter().filter(|_| !cfg!(miri));
    for (n, inputs, outputs) in shapes.into_iter().chain(large) {
        let what = format!("{isa} linear {n}x{inputs}x{outputs}");
        let linear = Linear::new(inputs, outputs);
        let x = tensor([n, 1, 1, inputs], 0, 1);
        let weight = noise(linear.weight_len(), 2);
        let bias = if n % 2 == 0 { Vec::new() } else { noise(outputs, 3) };

        let mut forward = gemm::ForwardPanels::default();
        linear.pack_forward(&weight, &mut forward);
        let (mut y, mut expected) = (unwritten([n, 1, 1, outputs], 0), unwritten([n, 1, 1, outputs], 0));
        linear.forward(&x, &forward, &bias, &mut y);
        oracle::linear_forward(&linear, &x, &weight, &bias, &mut expected);
        assert_tensor(&format!("{what} forward"), &y, &expected, chain_tolerance(inputs));

        let dy = tensor(y.shape(), 0, 4);
        let mut backward = gemm::BackwardPanels::default();
        linear.pack_backward(&weight, &mut backward);
        let (mut dx, mut expected) = (unwritten(x.shape(), 0), unwritten(x.shape(), 0));
        linear.backward_input(&dy, &backward, &mut dx);
        oracle::linear_backward_input(&linear, &dy, &weight, &mut expected);
        assert_tensor(&format!("{what} backward input"), &dx, &expected, chain_tolerance(outputs));

        let mut found = (vec![f32::NAN; weight.len()], vec![f32::NAN; bias.len()]);
        let mut expected = found.clone();
        linear.backward_weight(&x, &dy, &mut found.0, &mut found.1);
        oracle::linear_backward_weight(&linear, &x, &dy, &mut expected.0, &mut expected.1);
        assert_close(&format!("{what} dw"), &found.0, &expected.0, chain_tolerance(n));
        assert_close(&format!("{what} db"), &found.1, &expected.1, chain_tolerance(n));
    }
}

/// A step of AdamW.
fn adam_w(soft_clip: Option<f32>) -> AdamW {
    AdamW {
        lr: 1e-3,
        beta1: 0.9,
        beta2: 0.999,
        eps: 1e-8,
        weight_decay: 5e-4,
        step: 3,
        gradient_scale: 0.4,
        soft_clip,
    }
}

/// Passes over parameters.
pub fn weights_match_oracle(isa: &str) {
    for len in [0, 1, 3, 31, 32, 33, 63, 65, 1000, 16 * 1024, 50_021] {
        let what = |name: &str| format!("{isa} {name} of {len}");
        let w: Vec<f32> = noise(len, 1).iter().map(|v| v * 1.2).collect();
        let (found, expected) = (weights::sum_of_squares(&w), oracle::sum_of_squares(&w));
        let tolerance = f64::from(chain_tolerance(32)) * expected;
        assert!((found - expected).abs() <= tolerance, "{}: {found}, not {expected}", what("sum of squares"));
        assert_eq!(weights::abs_max(&w), oracle::abs_max(&w), "{}", what("abs max"));

        for quant_max in [1.0, 7.0, 127.0] {
            // A scale that leaves some weights beyond the grid; a power of two, so that there are exact ties.
            let mut with_ties = w.clone();
            for (i, v) in with_ties.iter_mut().enumerate().step_by(3) {
                *v = 0.0625 * (i % 40) as f32 - 1.25;
            }
            let (mut found, mut expected) = (w.clone(), w.clone());
            let blocks = Blocks::new(len, 1, Granularity::Tensor);
            blocks.round(&with_ties, &[0.125], [-quant_max, quant_max], &mut found);
            oracle::round_to_grid(&with_ties, 0.125, quant_max, &mut expected);
            assert_eq!(found, expected, "{}", what("round"));
        }

        let start = (w.clone(), noise(len, 3), noise(len, 4).iter().map(|v| v * v).collect::<Vec<_>>());
        let g = noise(len, 5);
        // A limit below some of the weights, as after one has been set from outside, as well as the usual one.
        for soft_clip in [None, Some(3.0), Some(0.125)] {
            let step = adam_w(soft_clip);
            let (mut found, mut expected) = (start.clone(), start.clone());
            let max = step.update(&mut found.0, Gradient::Stored(&g), &mut found.1, &mut found.2);
            oracle::adam_w(&step, &mut expected.0, &g, &mut expected.1, &mut expected.2);
            assert_close(&what("adam_w weights"), &found.0, &expected.0, POINTWISE_TOLERANCE);
            assert_close(&what("adam_w m"), &found.1, &expected.1, POINTWISE_TOLERANCE);
            assert_close(&what("adam_w v"), &found.2, &expected.2, POINTWISE_TOLERANCE);
            assert_eq!(max, oracle::abs_max(&found.0), "{}", what("adam_w max"));
        }
    }
}

/// Exponents counted by latents, and the gradients of these, which are made where they are read.
pub fn latents_match_oracle(isa: &str) {
    for (n, len) in [(1, 1), (3, 31), (7, 33), (7, 257), (3, 1000), (7, 8 * 1024 + 5), (7, 20_011)] {
        let what = |name: &str| format!("{isa} {name} of {n} x {len}");
        // Of 0 the sign is positive, and no latent that is 0 counts.
        let with_zeros = |mut values: Vec<f32>| {
            values.iter_mut().step_by(17).for_each(|value| *value = 0.0);
            values
        };
        let (w, latents, dy) = (with_zeros(noise(len, 1)), with_zeros(noise(n * len, 2)), noise(len, 3));
        let mut runs = Runs::new(n, len);
        runs.count(&latents);
        let (mut found, mut expected) = (vec![f32::NAN; len], vec![f32::NAN; len]);
        runs.forward(&w, -5, &mut found);
        oracle::dense_shift(&w, &latents, -5, &mut expected);
        assert_eq!(found, expected, "{}", what("powers"));

        let (mut found, mut expected, mut gradients) = (dy.clone(), dy, vec![f32::NAN; n * len]);
        runs.backward(&w, -5, &mut found);
        oracle::dense_shift_backward(&w, &latents, -5, &mut expected, &mut gradients);
        assert_close(&what("dsign"), &found, &expected, POINTWISE_TOLERANCE);
        let derived = Gradient::Derived(&runs);
        let stored = derived.to_vec();
        assert_close(&what("dlatents"), &stored, &gradients, POINTWISE_TOLERANCE);
        let (found, expected) = (weights::gradient_squares(derived), oracle::sum_of_squares(&gradients));
        // Sums of the squares of as many weights as there are between two roundings to f32.
        let tolerance = f64::from(chain_tolerance(32)) * expected;
        assert!((found - expected).abs() <= tolerance, "{}: {found}, not {expected}", what("sum of squares"));
        for (start, count) in [(0, 1), (len / 2, len.min(n * len - len / 2)), (n * len - 1, 1)] {
            let mut room = vec![f32::NAN; count];
            assert_eq!(derived.stretch(start, &mut room), &stored[start..][..count], "{}", what("stretch"));
        }

        // What reads them takes stored ones as well, and does the same.
        let changed = |g: Gradient| {
            let (mut values, mut m, mut v) = (latents.clone(), noise(n * len, 4), vec![0.25; n * len]);
            let velocity = Velocity { lr: 0.1, momentum: 0.9, weight_decay: 0.0, gradient_scale: 0.5 };
            velocity.update(&mut values, g, &mut m);
            adam_w(None).update(&mut values, g, &mut m, &mut v);
            let mut direction = v.clone();
            weights::look_ahead(g, 0.5, 0.9, &mut m, &mut direction);
            [values, m, v, direction]
        };
        assert!(changed(derived) == changed(Gradient::Stored(&stored)), "{}", what("update"));
    }
}

/// The soft clip over all of f32: every 1009th number from 0 to infinity, of both signs, in stretches of all sizes and
/// in one of everything mixed.
pub fn soft_clip_is_tanh_everywhere(isa: &str) {
    let positive = (0..=f32::INFINITY.to_bits()).step_by(1009).map(f32::from_bits).chain([f32::INFINITY]);
    let sorted: Vec<f32> = positive.flat_map(|w| [w, -w]).collect();
    let mut mixed = sorted.clone();
    // A prime: neighbours come from everywhere.
    for i in 0..mixed.len() {
        mixed.swap(i, (i as u64 * 104_729 % sorted.len() as u64) as usize);
    }
    let (mut worst, mut worst_relative) = (0.0f64, 0.0f64);
    for w in [&sorted, &mixed] {
        let mut found = w.clone();
        weights::tanh_soft_clip(&mut found, 3.0);
        for (w, found) in w.iter().zip(&found) {
            let expected = (f64::from(*w) / 3.0).tanh();
            let error = (f64::from(*found) / 3.0 - expected).abs();
            // Below the smallest normal number there are fewer digits.
            let relative = if w.abs() < 1e-36 { 0.0 } else { error / expected.abs() };
            (worst, worst_relative) = (worst.max(error), worst_relative.max(relative));
            assert!(error <= TANH_TOLERANCE, "{isa} soft clip of {w}: {found}, off by {error:.1e}");
            assert!(
                relative <= TANH_RELATIVE_TOLERANCE,
                "{isa} soft clip of {w}: {found}, relatively {relative:.1e}"
            );
            assert!(found.abs() <= 3.0, "{isa} soft clip of {w}: {found}");
            let saturated = w.abs() < 30.0 || found.abs() == 3.0;
            assert!(saturated && found.is_sign_positive() == w.is_sign_positive(), "{isa} {w}: {found}");
        }
    }
    println!("{isa} soft clip: error {worst:.1e}, relative {worst_relative:.1e}");
    let mut nan = [0.5, f32::NAN, 40.0];
    weights::tanh_soft_clip(&mut nan, 3.0);
    assert!(nan[1].is_nan() && nan[2] == 3.0, "{isa}: {nan:?}");
}

/// Every kernel that sums or splits, at shapes of many work items: its results as bits, to be compared between
/// numbers of threads, or between exact instruction sets.
pub fn fingerprint() -> Vec<u32> {
    let mut results: Vec<f32> = Vec::new();
    for (n, size, c_in, stored, c_out, stride) in [
        (3, 32, 3, 4, 64, 1),
        (8, 16, 32, 32, 40, 1),
        (5, 14, 32, 32, 48, 1),
        (4, 8, 130, 130, 70, 1),
        (9, 16, 16, 16, 33, 2),
    ] {
        let conv = Conv3x3::new(c_in, c_out, stride).with_x_channels(stored);
        let x = tensor([n, size, size, stored], 1, 1);
        let mut y = Tensor::zeros(conv.output_shape(x.shape()), 1);
        let w = noise(conv.weight_len(), 2);
        let (mut forward, mut backward) = Default::default();
        conv.pack_forward(&w, &mut forward);
        conv.pack_backward(&w, &mut backward);
        conv.forward(&x, &forward, &noise(c_out, 3), &mut y);
        results.extend(y.to_dense());

        let (mut mean, mut variance) = (vec![0.0; c_out], vec![0.0; c_out]);
        batch_norm::statistics(&y, &mut mean, &mut variance);
        let (gamma, beta) = (vec![1.0; c_out], noise(c_out, 5));
        let norm = BatchNorm {
            mean: &mean,
            variance: &variance,
            gamma: &gamma,
            beta: &beta,
            eps: 1e-5,
            activation: Activation::Relu,
            max_pool: false,
        };
        let (mut dgamma, mut dbeta) = (vec![0.0; c_out], vec![0.0; c_out]);
        let pooling = BatchNorm { max_pool: true, ..norm };
        let mut pooled = Tensor::zeros(pooling.output_shape(y.shape()), 1);
        pooling.forward(&y, None, &mut pooled);
        results.extend(pooled.to_dense());
        let mut dy = y.clone();
        let gradient = pooling.backward_parameters(&y, &pooled, &mut dgamma, &mut dbeta);
        pooling.backward_input(&pooled, &gradient, &mut dy);
        results.extend(dy.to_dense().iter().chain(&dgamma).chain(&dbeta));

        let dz = tensor(y.shape(), 1, 4);
        dy = y.clone();
        let gradient = norm.backward_parameters(&y, &dz, &mut dgamma, &mut dbeta);
        norm.backward_input(&dz, &gradient, &mut dy);
        for sums in [&mean, &variance, &dgamma, &dbeta] {
            results.extend(sums);
        }

        let mut dx = Tensor::zeros(x.shape(), 1);
        conv.backward_input(&dy, &backward, &mut dx);
        let (mut dw, mut db) = (vec![0.0; w.len()], vec![0.0; c_out]);
        conv.backward_weight(&x, &dy, &mut dw, &mut db);
        results.extend(dx.to_dense().iter().chain(&dw).chain(&db));
    }
    let linear = Linear::new(1100, 70);
    let x = tensor([130, 1, 1, 1100], 0, 6);
    let mut y = Tensor::zeros([130, 1, 1, 70], 0);
    let w = noise(linear.weight_len(), 7);
    let mut forward = Default::default();
    linear.pack_forward(&w, &mut forward);
    linear.forward(&x, &forward, &[], &mut y);
    let (mut dw, mut db) = (w.clone(), vec![0.0; 70]);
    linear.backward_weight(&x, &y, &mut dw, &mut db);
    results.extend(y.data().iter().chain(&dw).chain(&db));
    results.push(weights::sum_of_squares(&w) as f32);
    results.push(weights::abs_max(&w));
    let mut clipped: Vec<f32> = w.iter().map(|v| v * 9.0).collect();
    weights::tanh_soft_clip(&mut clipped, 3.0);
    let (mut m, mut v) = (noise(w.len(), 8), vec![0.25; w.len()]);
    let step = AdamW {
        lr: 1e-3,
        beta1: 0.9,
        beta2: 0.999,
        eps: 1e-8,
        weight_decay: 5e-4,
        step: 1234,
        gradient_scale: 0.3,
        soft_clip: Some(3.0),
    };
    step.update(&mut clipped, Gradient::Stored(&w), &mut m, &mut v);
    results.extend(clipped.iter().chain(&m).chain(&v));
    results.iter().map(|v| v.to_bits()).collect()
}

/// FNV-1a over the bits of a [`fingerprint`].
pub fn digest(bits: &[u32]) -> u64 {
    bits.iter().flat_map(|v| v.to_le_bytes()).fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// [`digest`] of the [`fingerprint`] of every exact instruction set, on every machine. It changes where a kernel
/// changes the order of a sum, or where this file changes what goes in.
pub const EXACT_DIGEST: u64 = 0xeb4f_f23f_cc56_e58b;
