//! What training keeps in memory, counted: the bound that lets VGG4bit and 60,000 images share a tab.

use nibble::config::RunConfig;
use nibble::data::IMAGE_BYTES;
use nibble::model::Model;
use nibble::models;

const MEGABYTE: usize = 1_000_000;

/// What the whole engine may take in the browser, images included.
const BUDGET: usize = 600 * MEGABYTE;

/// Activations with their halos, which hold the gradients as well.
fn activations(model: &Model, n: usize) -> usize {
    let batch = n * 34 * 34 * 4 * size_of::<f32>();
    model.activation_bytes(n) + batch
}

/// Master weights, gradients, two moments, quantized weights, and these packed for the forward and the backward
/// pass: F(4x4) Winograd filters have 36 values for 9 weights.
fn parameters(model: &Model) -> usize {
    let weights = |packed: usize| {
        let each = model.params().map(move |(_, param)| match param.dims[..] {
            [3, 3, ..] => (5 + packed) * param.value.len(),
            [_, _] => 7 * param.value.len(),
            _ => 4 * param.value.len(),
        });
        each.sum::<usize>() * size_of::<f32>()
    };
    weights(2 * 36 / 9)
}

#[test]
fn vgg4bit_at_batch_128_leaves_room_for_60000_images() {
    let config = RunConfig { model: "vgg4bit".into(), batch: 128, ..RunConfig::default() };
    let specs = models::find(&config.model).unwrap().specs().unwrap();
    let model = Model::new(&specs, 10, 1).unwrap();
    let (activations, parameters) = (activations(&model, config.batch as usize), parameters(&model));
    let images = 60_000 * (IMAGE_BYTES + 1);
    println!(
        "activations {} MB, parameters {} MB, images {} MB",
        activations / MEGABYTE,
        parameters / MEGABYTE,
        images / MEGABYTE
    );
    // Each convolution's output once, each batch norm's once (pooled where it pools), and the vectors.
    assert!(activations < 245 * MEGABYTE, "{activations} bytes of activations");
    assert!(parameters < 120 * MEGABYTE, "{parameters} bytes of parameters");
    // A tenth is left for partial sums, stacks of threads and what the allocator does not hand out again.
    assert!(activations + parameters + images < BUDGET * 9 / 10, "the whole");
}
