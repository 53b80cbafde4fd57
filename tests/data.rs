//! Data sets and batches: the drawn set, crop and flip, normalisation.

#[path = "support/data.rs"]
mod support;

use nibble::Tensor;
use nibble::data::{
    Augment, BATCH_CHANNELS, Dataset, IMAGE_BYTES, PAD, PLANE, SIDE, Split, epoch_order, fill_batch,
    synthetic,
};

fn small() -> Dataset {
    synthetic::generate(40, 20, 3).expect("draws")
}

#[test]
fn random_data_is_the_same_everywhere() {
    support::random_data_is_the_same_everywhere();
}

#[test]
fn pickles_read() {
    support::pickles_read();
}

#[test]
fn synthetic_images_do_not_depend_on_how_many_there_are() {
    let (few, many) = (small(), synthetic::generate(50, 30, 3).unwrap());
    assert_eq!(many.train.images[..40 * IMAGE_BYTES], few.train.images);
    assert_eq!(many.test.labels[..20], few.test.labels);
    assert_ne!(few.train.image(0), few.test.image(0), "train and test images come from separate streams");
    let counts = |split: &Split| (0..10).map(|c| split.labels.iter().filter(|&&l| l == c).count()).collect();
    let counts: Vec<usize> = counts(&few.train);
    assert_eq!(counts, [4; 10]);
}

#[test]
fn synthetic_needs_images() {
    let error = synthetic::generate(10, 0, 1).unwrap_err().to_string();
    assert!(error.contains("test set: expected at least one image, found none"), "{error}");
}

#[test]
fn info_is_what_the_page_expects() {
    let set = small();
    let info = serde_json::to_value(set.info()).unwrap();
    assert_eq!(info["kind"], "synthetic");
    assert_eq!(info["train"], 40);
    assert_eq!(info["test"], 20);
    assert_eq!(info["classes"][1], "ring");
    assert_eq!(info["fingerprint"], set.fingerprint());
    assert_eq!(info["notes"], serde_json::json!([]));
}

#[test]
fn rgba_interleaves_the_planes() {
    let set = small();
    let (rgba, image) = (set.train.rgba(5), set.train.image(5));
    assert_eq!(rgba.len(), 4 * PLANE);
    assert_eq!(rgba[4 * 700..][..4], [image[700], image[PLANE + 700], image[2 * PLANE + 700], 255]);
}

#[test]
fn epoch_order_is_a_new_permutation_each_epoch() {
    let (first, second) = (epoch_order(1000, 5, 1), epoch_order(1000, 5, 2));
    assert_eq!(first, epoch_order(1000, 5, 1));
    assert_ne!(first, second);
    assert_ne!(first, epoch_order(1000, 6, 1));
    let mut sorted = first.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, (0..1000).collect::<Vec<u32>>());
    assert!(epoch_order(0, 1, 1).is_empty());
}

#[test]
fn plain_batch_is_the_normalised_pixels() {
    let set = small();
    let (mut x, mut labels) = (Tensor::zeros([9, SIDE, SIDE, 4], 1), vec![1, 2, 3]);
    let indices = [7, 39, 0];
    fill_batch(&set.train, &indices, None, &set.normalize(), 1, &mut x, &mut labels);
    assert_eq!(x.shape(), [3, SIDE, SIDE, BATCH_CHANNELS]);
    assert_eq!(x.halo(), 1);
    assert_eq!(labels, indices.map(|i| set.train.label(i as usize)));
    let mut expected = Tensor::zeros(x.shape(), 1);
    for (n, &index) in indices.iter().enumerate() {
        for (h, w, c) in (0..SIDE).flat_map(|h| (0..SIDE).flat_map(move |w| (0..3).map(move |c| (h, w, c)))) {
            let pixel = set.train.image(index as usize)[c * PLANE + h * SIDE + w];
            expected.row_mut(n, h)[w * 4 + c] = (f32::from(pixel) / 255.0 - set.mean[c]) / set.std[c];
        }
    }
    assert_eq!(x, expected, "interior, fourth channel and halo");
}

/// Every augmented image must be one of the 162 crops and flips of its source, made here the slow way.
#[test]
fn augmented_images_are_crops_and_flips_of_a_zero_padded_image() {
    let set = small();
    let indices: Vec<u32> = (0..40).collect();
    let (mut x, mut labels) = (Tensor::default(), Vec::new());
    let augment =
        Augment { seed: 11, epoch: 4, position: 0, reach: PAD, alternating: false, reflecting: false };
    fill_batch(&set.train, &indices, Some(augment), &set.normalize(), 1, &mut x, &mut labels);
    let normalize = set.normalize();
    let dense = x.to_dense();
    let mut seen = std::collections::BTreeSet::new();
    for (n, got) in dense.chunks_exact(PLANE * 4).enumerate() {
        let source = set.train.image(n);
        let padded = |y: usize, x: usize, c: usize| {
            let inside = (PAD..PAD + SIDE).contains(&y) && (PAD..PAD + SIDE).contains(&x);
            if inside { source[c * PLANE + (y - PAD) * SIDE + x - PAD] } else { 0 }
        };
        let crop = |top: usize, left: usize, flip: bool| -> Vec<f32> {
            let pixels = (0..PLANE).map(|i| (i / SIDE, i % SIDE));
            let pixels = pixels.flat_map(|(h, w)| {
                let (y, x) = (h + top, left + if flip { SIDE - 1 - w } else { w });
                normalize.pixel([0, 1, 2].map(|c| padded(y, x, c)))
            });
            pixels.collect()
        };
        let corners = (0..81).map(|i| (i / 9, i % 9));
        let mut matches = corners.flat_map(|(top, left)| [(top, left, false), (top, left, true)]);
        let found = matches.find(|&(top, left, flip)| crop(top, left, flip) == got);
        seen.insert(found.unwrap_or_else(|| panic!("image {n} is no crop of its source")));
    }
    assert!(seen.len() > 20, "crops vary: {seen:?}");
    let halo: f32 =
        x.data().iter().map(|v| v.abs()).sum::<f32>() - dense.iter().map(|v| v.abs()).sum::<f32>();
    assert!(halo.abs() < 1.0, "the halo stays zero");
}

#[test]
fn batches_do_not_depend_on_batch_size_or_threads() {
    let set = small();
    let order = epoch_order(40, 2, 1);
    let batches = |size: usize| {
        let (mut x, mut labels, mut all) = (Tensor::default(), Vec::new(), Vec::new());
        for (i, indices) in order.chunks(size).enumerate() {
            let augment = Augment {
                seed: 2,
                epoch: 1,
                position: (i * size) as u32,
                reach: PAD,
                alternating: false,
                reflecting: false,
            };
            fill_batch(&set.train, indices, Some(augment), &set.normalize(), 1, &mut x, &mut labels);
            all.extend(x.to_dense());
        }
        all
    };
    let whole = batches(40);
    assert_eq!(whole, batches(7));
    let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
    assert_eq!(whole, pool.install(|| batches(16)));
}

/// Ten classes that a linear classifier cannot tell apart: the bound that makes the built-in set worth a
/// network. Softmax regression on normalised pixels, 8 epochs of minibatch SGD, best test accuracy of any.
#[test]
fn linear_softmax_stays_under_60_percent_on_synthetic() {
    const FEATURES: usize = IMAGE_BYTES + 1;
    let set = synthetic::generate(synthetic::TRAIN, synthetic::TEST, synthetic::SEED).unwrap();
    let features = |split: &Split, i: usize| -> Vec<f32> {
        split.image(i).iter().map(|&v| f32::from(v) / 127.5 - 1.0).chain([1.0]).collect()
    };
    let logits = |w: &[f32], x: &[f32]| -> [f32; 10] {
        std::array::from_fn(|c| w[c * FEATURES..][..FEATURES].iter().zip(x).map(|(w, x)| w * x).sum())
    };
    let argmax = |z: [f32; 10]| (0..10).max_by(|&a, &b| z[a].total_cmp(&z[b])).unwrap();
    let mut w = vec![0.0f32; 10 * FEATURES];
    let mut best = 0.0f32;
    for epoch in 0..8 {
        let rate = 0.002 / (1.0 + epoch as f32);
        for i in epoch_order(set.train.len(), 1, epoch) {
            let x = features(&set.train, i as usize);
            let z = logits(&w, &x);
            let top = z.iter().copied().fold(f32::MIN, f32::max);
            let e = z.map(|z| (z - top).exp());
            let sum: f32 = e.iter().sum();
            for (c, e) in e.iter().enumerate() {
                let gradient = e / sum - f32::from(u8::from(usize::from(set.train.label(i as usize)) == c));
                for (w, x) in w[c * FEATURES..][..FEATURES].iter_mut().zip(&x) {
                    *w -= rate * gradient * x;
                }
            }
        }
        let right = (0..set.test.len())
            .filter(|&i| argmax(logits(&w, &features(&set.test, i))) == usize::from(set.test.label(i)));
        best = best.max(right.count() as f32 / set.test.len() as f32);
    }
    println!("linear softmax: {:.1} % of the test images", 100.0 * best);
    assert!(best < 0.60, "linear softmax reaches {best}");
    assert!(best > 0.10, "the regression learned something: {best}");
}
