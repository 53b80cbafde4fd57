//! The kernels over deployed weights against the oracle over the same weights in f32, natively and in a browser.

use nibble::Tensor;
use nibble::kernels::blocks::{Blocks, Granularity};
use nibble::kernels::{Conv3x3, Conv5x5, DeployedWeights, Linear, oracle};
use nibble::quant::{Encoded, Grid};

use super::oracle::{CONVOLUTIONS, CONVOLUTIONS_5X5, noise};

/// Relative to the largest element: a chain of K products and sums in f32 drifts like a random walk.
fn tolerance(k: usize) -> f32 {
    4.0 * f32::EPSILON * (k as f32).sqrt().max(1.0)
}

/// Codes over the whole range of so many bits on the `kind`-th kind of grid, and their values.
fn weights([k, n]: [usize; 2], bits: u8, kind: usize) -> (Encoded, Vec<f32>) {
    let max = (1 << (bits - 1)) - 1;
    let blocks =
        Blocks::new(k, n, [Granularity::Tensor, Granularity::Channel, Granularity::Group(32)][kind % 3]);
    let scales: Vec<f32> = noise(blocks.count(), 5).iter().map(|v| 0.04 + 0.03 * v).collect();
    let grid = match kind {
        // One scale, several, with zero points, and levels at uneven distances.
        0..=2 => Grid::uniform(blocks, [-max, max], scales, Vec::new()),
        3 => {
            let zero_points = (0..blocks.count()).map(|block| (block % 3) as f32).collect();
            Grid::uniform(blocks, [0, 2 * max + 1], scales, zero_points)
        }
        _ => Grid::table(blocks, (-max..=max).map(|level| (level * level.abs()) as f32).collect(), scales),
    };
    let last = (grid.levels.len() - 1) as f32;
    let codes = noise(k * n, 2).iter().map(|v| ((v * 0.5 + 0.5) * last).round() as u16).collect();
    let encoded = Encoded { grid, codes };
    let values = encoded.decode();
    (encoded, values)
}

#[track_caller]
fn assert_close(what: &str, found: &Tensor, expected: &Tensor, k: usize) {
    let (found_values, expected_values) = (found.to_dense(), expected.to_dense());
    let scale = expected_values.iter().fold(0.0f32, |m, v| m.max(v.abs()));
    for (i, (a, b)) in found_values.iter().zip(&expected_values).enumerate() {
        assert!((a - b).abs() <= tolerance(k) * scale, "{what}: [{i}] is {a}, not {b} (scale {scale})");
    }
    // The oracle writes the interior alone.
    let sum = |tensor: &Tensor| tensor.data().iter().map(|v| f64::from(v.abs())).sum::<f64>();
    let outside = sum(found) - found_values.iter().map(|v| f64::from(v.abs())).sum::<f64>();
    assert!(outside.abs() <= 1e-9 * sum(found), "{what}: something was written into the halo");
}

/// Every shape, at 2, 4 (two to a byte) and 7 bits (one to a byte).
pub fn deployed_matches_oracle(isa: &str) {
    let threes = CONVOLUTIONS.map(|(n, h, w, c_in, _, c_out, stride)| (n, h, w, c_in, c_out, 3, stride));
    let fives = CONVOLUTIONS_5X5.map(|(n, h, w, c_in, _, c_out)| (n, h, w, c_in, c_out, 5, 1));
    for (i, (n, h, w, c_in, c_out, size, stride)) in threes.into_iter().chain(fives).enumerate() {
        let bits = [4, 7, 2, 4][i % 4];
        let what = format!("{isa} deployed {size}x{size} {n} {h} {w} {c_in} {c_out} / {stride}, {bits} bits");
        // The halo that is needed, or a wider one.
        let x = Tensor::from_dense([n, h, w, c_in], size / 2 + i / 2 % 2, &noise(n * h * w * c_in, 1));
        let bias = noise(c_out, 3);
        let k = size * size * c_in;
        let (encoded, values) = weights([k, c_out], bits, i % 5);
        let deployed = DeployedWeights::new(&encoded, [k, c_out]);
        assert_eq!(deployed.bits(), bits, "{what}");
        if i % 5 == 0 {
            let levels = if bits == 7 { k * c_out } else { (k * c_out).div_ceil(2) };
            assert_eq!(deployed.bytes(), levels + 4, "levels and a scale");
        }
        let shape = [n, h.div_ceil(stride), w.div_ceil(stride), c_out];
        let unwritten = vec![f32::NAN; shape.iter().product()];
        let mut y = Tensor::from_dense(shape, i % 2, &unwritten);
        let mut expected = y.clone();
        deployed.conv_forward(size, stride, &x, &bias, &mut y);
        match size {
            3 => {
                oracle::conv3x3_forward(&Conv3x3::new(c_in, c_out, stride), &x, &values, &bias, &mut expected)
            }
            _ => oracle::conv5x5_forward(&Conv5x5::new(c_in, c_out), &x, &values, &bias, &mut expected),
        }
        assert_close(&what, &y, &expected, k);
    }
    for (i, (n, inputs, outputs)) in
        [(1, 1, 1), (3, 7, 9), (1, 131, 8), (2, 300, 17), (70, 64, 10)].iter().enumerate()
    {
        let bits = [4, 8, 3][i % 3];
        let linear = Linear::new(*inputs, *outputs);
        let x = Tensor::from_dense([*n, 1, 1, *inputs], 0, &noise(n * inputs, 1));
        let bias = noise(*outputs, 3);
        let (encoded, values) = weights([*inputs, *outputs], bits, i);
        let deployed = DeployedWeights::new(&encoded, [*inputs, *outputs]);
        let mut y = Tensor::from_dense([*n, 1, 1, *outputs], 0, &vec![f32::NAN; n * outputs]);
        let mut expected = y.clone();
        deployed.linear_forward(&x, &bias, &mut y);
        oracle::linear_forward(&linear, &x, &values, &bias, &mut expected);
        assert_close(&format!("{isa} deployed linear {n} {inputs} {outputs}"), &y, &expected, *inputs);
    }
}
