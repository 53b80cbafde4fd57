//! Passes over activations: batch normalisation with what follows it, pooling, element by element.

use super::{POINTWISE_TOLERANCE, assert_close, assert_tensor, chain_tolerance, noise, tensor, unwritten};
use nibble::Tensor;
use nibble::kernels::blocks::Extent;
use nibble::kernels::rounding::{Keep, Kept, Rounding};
use nibble::kernels::{Activation, BatchNorm, batch_norm, oracle, pointwise, pool, rounding};

/// `[n, h, w, c]` for passes over activations; the last spans several work items.
const ACTIVATIONS: [[usize; 4]; 12] = [
    [1, 2, 2, 1],
    [2, 1, 1, 7],
    [3, 5, 7, 3],
    [1, 4, 6, 5],
    [2, 7, 3, 16],
    [5, 3, 3, 17],
    [16, 1, 1, 129],
    [2, 2, 2, 300],
    [7, 17, 19, 33],
    [3, 9, 11, 24],
    [5, 33, 15, 32],
    [2, 12, 13, 64],
];

/// Batch normalisation: statistics, forward, backward, each with and without ReLU.
pub fn batch_norm_matches_oracle(isa: &str) {
    for (i, shape) in ACTIVATIONS.into_iter().enumerate() {
        let what = format!("{isa} batch norm {shape:?}");
        let c = shape[3];
        let count = shape[0] * shape[1] * shape[2];
        // Channels with a mean far from zero show cancellation.
        let mut values = noise(count * c, 1);
        for (j, v) in values.iter_mut().enumerate() {
            *v = *v * 0.5 + 40.0 * (j % c % 2) as f32;
        }
        let x = Tensor::from_dense(shape, i % 2, &values);
        let mut found = (vec![f32::NAN; c], vec![f32::NAN; c]);
        let mut expected = found.clone();
        batch_norm::statistics(&x, &mut found.0, &mut found.1);
        oracle::batch_norm_statistics(&x, &mut expected.0, &mut expected.1);
        assert_close(&format!("{what} mean"), &found.0, &expected.0, POINTWISE_TOLERANCE);
        assert_close(&format!("{what} variance"), &found.1, &expected.1, chain_tolerance(count));

        let (mean, variance) = expected;
        let (gamma, beta) = (noise(c, 2), noise(c, 3));
        let plain = BatchNorm {
            mean: &mean,
            variance: &variance,
            gamma: &gamma,
            beta: &beta,
            eps: 1e-5,
            activation: Activation::Identity,
            max_pool: false,
        };
        let relu = BatchNorm { activation: Activation::Relu, ..plain };
        let (mut gathered, mut other) = (vec![f32::NAN; c], vec![f32::NAN; c]);
        let extents = batch_norm::statistics_and_extents(&x, &mut gathered, &mut other);
        assert_eq!((gathered, other), found, "{what}: statistics beside extents");
        for norm in [relu, BatchNorm { max_pool: true, ..relu }] {
            let what = format!("{what}{}", if norm.max_pool { " pooled" } else { "" });
            batch_norm_rounds_as_one_by_one(&what, &norm, &x, &extents);
        }
        for norm in [plain, relu, BatchNorm { max_pool: true, ..plain }, BatchNorm { max_pool: true, ..relu }]
        {
            let what = format!("{what} {:?}{}", norm.activation, if norm.max_pool { " pooled" } else { "" });
            batch_norm_layer_matches_oracle(&what, &norm, &x, i);
        }
    }
}

/// To the last bit: what is rounded on its way, and what is known of it before it is there.
fn batch_norm_rounds_as_one_by_one(what: &str, norm: &BatchNorm, x: &Tensor, extents: &[Extent]) {
    let shape = norm.output_shape(x.shape());
    let mut plain = unwritten(shape, 1);
    norm.forward(x, None, &mut plain);
    let largest = rounding::largest_and_sum(&plain).0;
    if let Some(foreseen) = norm.largest(x.shape(), extents) {
        assert_eq!(foreseen, largest, "{what}: the largest value");
    }
    let bound = if largest > 0.0 { largest * 0.8 } else { 1.0 };
    let rounding = Rounding::Uniform { scale: bound / 15.0, most: 15.0 };
    for (levels, in_place) in [(false, true), (true, true), (true, false)] {
        let pass = |y: &mut Tensor, on_the_way: bool| {
            let (mut kept, mut to) = (Kept::default(), Tensor::<u8>::zeros(shape, 1));
            let levels = levels.then_some(&mut to);
            let mut by_rows = rounding.by_rows(shape, Keep::Residuals, bound, &mut kept, levels, in_place);
            if on_the_way {
                norm.forward_rounded(x, None, y, Some(&mut by_rows));
            } else {
                norm.forward(x, None, y);
                by_rows.round_all(y);
            }
            let mut dy = tensor(shape, 0, 9);
            let sums = kept.backward(&mut dy);
            (to, dy, sums)
        };
        let untouched = tensor(shape, 1, 8);
        let (mut found, mut expected) = (untouched.clone(), untouched.clone());
        assert!(pass(&mut found, true) == pass(&mut expected, false), "{what}, levels {levels}");
        let stored = if in_place { &expected } else { &untouched };
        assert!(found == *stored, "{what}: what is stored, in place {in_place}");
    }
}

fn batch_norm_layer_matches_oracle(what: &str, norm: &BatchNorm, x: &Tensor, case: usize) {
    let shape = norm.output_shape(x.shape());
    let skip = tensor(shape, case % 2, 5);
    for skip in [None, Some(&skip)].into_iter().take(if norm.max_pool { 1 } else { 2 }) {
        let (mut y, mut expected) = (unwritten(shape, 1), unwritten(shape, 1));
        norm.forward(x, skip, &mut y);
        oracle::batch_norm_forward(norm, x, skip, &mut expected);
        assert_tensor(
            &format!("{what} forward, skip {}", skip.is_some()),
            &y,
            &expected,
            POINTWISE_TOLERANCE,
        );
    }

    let dy = tensor(shape, (case / 2) % 2, 4);
    let (mut dx, mut expected_dx) = (x.clone(), x.clone());
    let mut found = (vec![f32::NAN; x.c()], vec![f32::NAN; x.c()]);
    let mut expected = found.clone();
    let gradient = norm.backward_parameters(x, &dy, &mut found.0, &mut found.1);
    norm.backward_input(&dy, &gradient, &mut dx);
    let mut again = x.clone();
    let largest = norm.backward_input_and_largest(&dy, &gradient, &mut again);
    assert!(again == dx, "{what} dx, looked at");
    let magnitudes = dx.to_dense().into_iter().map(f32::abs);
    assert_eq!(largest, magnitudes.fold(0.0, f32::max), "{what}: the largest gradient");
    oracle::batch_norm_backward(norm, &dy, &mut expected_dx, &mut expected.0, &mut expected.1);
    let tolerance = chain_tolerance(x.n() * x.h() * x.w());
    assert_close(&format!("{what} dgamma"), &found.0, &expected.0, tolerance);
    assert_close(&format!("{what} dbeta"), &found.1, &expected.1, tolerance);
    assert_tensor(&format!("{what} dx"), &dx, &expected_dx, tolerance.max(POINTWISE_TOLERANCE));
}

/// Values on a coarse grid tie within a window, and with a scale of a power of two the normalised ones tie too: the
/// layer that pools must then choose just as the layers one by one do.
pub fn batch_norm_chooses_as_max_pool_does(isa: &str) {
    for (i, shape) in ACTIVATIONS.into_iter().enumerate() {
        let c = shape[3];
        let coarse: Vec<f32> =
            noise(shape.iter().product(), 6).iter().map(|v| (v * 2.0).round() * 0.5).collect();
        let x = Tensor::from_dense(shape, i % 2, &coarse);
        // Of either sign, and zero: then all four tie.
        let gamma: Vec<f32> = (0..c).map(|c| [1.0, -2.0, 0.0, 0.5][c % 4]).collect();
        let beta: Vec<f32> = (0..c).map(|c| [0.0, 0.25, -0.25][c % 3]).collect();
        let (mean, variance) = (vec![0.25; c], vec![1.0; c]);
        for activation in [Activation::Identity, Activation::Relu] {
            let what = format!("{isa} batch norm {shape:?} {activation:?}");
            let plain = BatchNorm {
                mean: &mean,
                variance: &variance,
                gamma: &gamma,
                beta: &beta,
                eps: 0.0,
                activation,
                max_pool: false,
            };
            let fused = BatchNorm { max_pool: true, ..plain };
            let pooled = pool::max_pool_shape(shape);
            let (mut full, mut expected) = (unwritten(shape, 0), unwritten(pooled, 0));
            let mut index = vec![0; pooled.iter().product()];
            plain.forward(&x, None, &mut full);
            pool::max_pool_forward(&full, &mut expected, &mut index);
            let mut found = unwritten(pooled, 1);
            fused.forward(&x, None, &mut found);
            assert_eq!(found.to_dense(), expected.to_dense(), "{what} forward");

            // Gradients without the means over the batch: what each pixel receives, alone.
            let dy = tensor(pooled, 1, 7);
            let mut spread = unwritten(shape, 1);
            pool::max_pool_backward(&dy, &index, &mut spread);
            let sums = |norm: &BatchNorm, dy: &Tensor| {
                let (mut dgamma, mut dbeta) = (vec![0.0; c], vec![0.0; c]);
                let gradient = norm.backward_parameters(&x, dy, &mut dgamma, &mut dbeta);
                let mut dx = x.clone();
                norm.backward_input(dy, &gradient, &mut dx);
                (dgamma, dbeta, dx)
            };
            let (found, expected) = (sums(&fused, &dy), sums(&plain, &spread));
            let tolerance = chain_tolerance(shape[0] * shape[1] * shape[2]);
            assert_close(&format!("{what} dgamma"), &found.0, &expected.0, tolerance);
            assert_close(&format!("{what} dbeta"), &found.1, &expected.1, tolerance);
            assert_tensor(&format!("{what} dx"), &found.2, &expected.2, tolerance);
        }
    }
}

/// Copy, ReLU, addition, masks, pooling, flattening: exact, but for the averages.
pub fn pointwise_matches_oracle(isa: &str) {
    for (i, shape) in ACTIVATIONS.into_iter().enumerate() {
        let what = |name: &str| format!("{isa} {name} {shape:?}");
        let [n, h, w, c] = shape;
        let (x, halo) = (tensor(shape, i % 2, 1), (i / 2) % 2);
        let dy = tensor(shape, halo, 2);

        type Pass = fn(&Tensor, &mut Tensor);
        let passes: [(&str, Pass, Pass); 4] = [
            ("copy", pointwise::copy, oracle::copy),
            ("relu forward", pointwise::relu_forward, oracle::relu_forward),
            ("relu backward", pointwise::relu_backward, oracle::relu_backward),
            ("add", |x, y| pointwise::add_assign(y, x), |x, y| oracle::add_assign(y, x)),
        ];
        for (name, pass, oracle) in passes {
            let (mut found, mut expected) = (dy.clone(), dy.clone());
            pass(&x, &mut found);
            oracle(&x, &mut expected);
            assert_tensor(&what(name), &found, &expected, 0.0);
        }

        let mask = noise(n * h * w * c, 3);
        let (mut found, mut expected) = (dy.clone(), dy.clone());
        pointwise::mask(&x, &mask, &mut found);
        oracle::mask(&x, &mask, &mut expected);
        assert_tensor(&what("mask"), &found, &expected, 0.0);

        // Rounding to a few values makes ties, which the first must win.
        let coarse: Vec<f32> = x.to_dense().iter().map(|v| (v * 2.0).round()).collect();
        let coarse = Tensor::from_dense(shape, x.halo(), &coarse);
        let pooled = pool::max_pool_shape(shape);
        let mut found = (unwritten(pooled, halo), vec![9u8; pooled.iter().product()]);
        let mut expected = found.clone();
        pool::max_pool_forward(&coarse, &mut found.0, &mut found.1);
        oracle::max_pool_forward(&coarse, &mut expected.0, &mut expected.1);
        assert_tensor(&what("max pool"), &found.0, &expected.0, 0.0);
        assert_eq!(found.1, expected.1, "{}", what("max pool index"));
        let (mut dx, mut expected_dx) = (unwritten(shape, halo), unwritten(shape, halo));
        let dpool = tensor(pooled, 1, 4);
        pool::max_pool_backward(&dpool, &found.1, &mut dx);
        oracle::max_pool_backward(&dpool, &found.1, &mut expected_dx);
        assert_tensor(&what("max pool backward"), &dx, &expected_dx, 0.0);

        let (mut y, mut expected) = (unwritten([n, 1, 1, c], 0), unwritten([n, 1, 1, c], 0));
        pool::global_average_forward(&x, &mut y);
        oracle::global_average_forward(&x, &mut expected);
        assert_tensor(&what("average"), &y, &expected, chain_tolerance(h * w));
        let (mut dx, mut expected) = (unwritten(shape, halo), unwritten(shape, halo));
        pool::global_average_backward(&y, &mut dx);
        oracle::global_average_backward(&y, &mut expected);
        assert_tensor(&what("average backward"), &dx, &expected, 0.0);

        let (mut y, mut expected) = (unwritten([n, 1, 1, h * w * c], 0), unwritten([n, 1, 1, h * w * c], 0));
        pool::flatten_forward(&x, &mut y);
        oracle::flatten_forward(&x, &mut expected);
        assert_tensor(&what("flatten"), &y, &expected, 0.0);
        let mut back = unwritten(shape, halo);
        pool::flatten_backward(&y, &mut back);
        assert_tensor(&what("flatten backward"), &back, &x, 0.0);
    }
}
