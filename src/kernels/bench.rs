//! Times single kernels at the shapes of the models, on the current rayon pool.

use serde::Serialize;

use super::blocks::{Blocks, Granularity};
use super::dense_shift::Runs;
use super::simd::{Chosen, Kernel, Simd};
use super::{
    Activation, AdamW, BatchNorm, Conv3x3, Conv5x5, Gradient, Linear, batch_norm, conv3x3, conv5x5, gemm,
    int8, parallel, pointwise, pool, weights,
};
use crate::Tensor;
use crate::tensor::Levels;

/// One kernel at one shape.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct KernelTiming {
    /// What ran, as `conv3x3 forward`.
    pub kernel: String,
    /// On what, as `64-64@32 n=16`.
    pub shape: String,
    /// Best time of one call.
    pub ms: f64,
    /// Floating-point operations (two a multiply-add) per nanosecond; 0 where bytes count.
    pub gflops: f64,
    /// Bytes read and written per nanosecond; 0 where operations count.
    pub gbytes: f64,
    /// Share of the multiply-add speed that registers alone allow on the threads of the pool, measured in the same
    /// run; 0 where bytes count.
    pub peak_share: f64,
}

/// The 3x3 convolutions to time: c_in, c_out, height and width, stride. VGG4bit's, then SimpleResNet4bit's.
const CONVOLUTIONS: [(usize, usize, usize, usize); 11] = [
    (3, 64, 32, 1),
    (64, 64, 32, 1),
    (64, 128, 16, 1),
    (128, 128, 16, 1),
    (128, 256, 8, 1),
    (256, 256, 8, 1),
    (16, 16, 32, 1),
    (16, 32, 32, 2),
    (32, 32, 16, 1),
    (32, 64, 16, 2),
    (64, 64, 8, 1),
];

/// The 5x5 convolutions of ConvNetJS's CIFAR-10 network: c_in, c_out, height and width.
const CONVOLUTIONS_5X5: [(usize, usize, usize); 3] = [(3, 16, 32), (16, 20, 16), (20, 20, 8)];

/// Images in a timed convolution: a batch of training, whose larger tensors do not stay in the caches.
const BATCH: usize = 128;

/// Times every kernel whose name and shape contain `filter`. `clock` gives milliseconds.
pub fn run(clock: fn() -> f64, filter: &str) -> Vec<KernelTiming> {
    let mut bench = Bench { clock, filter, peak: 0.0, results: Vec::new() };
    bench.peak();
    for shape in CONVOLUTIONS {
        bench.convolution(shape);
        bench.integer(shape);
    }
    for shape in CONVOLUTIONS_5X5 {
        bench.convolution_5x5(shape);
    }
    // VGG4bit's two, and one that stands for matrix products as such: bound by arithmetic alone.
    for (n, inputs, outputs) in [(128, 4096, 512), (128, 512, 10), (1024, 512, 512)] {
        bench.linear(n, inputs, outputs);
    }
    bench.activations();
    bench.weights(3_251_018);
    bench.results
}

struct Bench<'a> {
    clock: fn() -> f64,
    filter: &'a str,
    peak: f64,
    results: Vec<KernelTiming>,
}

/// Values without a pattern, in -1..1.
fn noise(len: usize) -> Vec<f32> {
    let mut state = 0x2545_f491u32;
    let next = |_| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state as f32 / u32::MAX as f32 * 2.0 - 1.0
    };
    (0..len).map(next).collect()
}

fn noise_tensor(shape: [usize; 4], halo: usize) -> Tensor {
    Tensor::from_dense(shape, halo, &noise(shape.iter().product()))
}

impl Bench<'_> {
    /// Best time of one call in milliseconds: the fastest of several batches, each long against the clock's step.
    fn best(&self, mut body: impl FnMut()) -> f64 {
        const BATCH_MS: f64 = 20.0;

        body();
        let mut calls = 1;
        let mut best = f64::INFINITY;
        let mut batches = 0;
        while batches < 7 {
            let start = (self.clock)();
            for _ in 0..calls {
                body();
            }
            let ms = (self.clock)() - start;
            if ms < BATCH_MS / 2.0 && calls < 1 << 20 {
                calls = (calls as f64 * (BATCH_MS / ms.max(BATCH_MS / 64.0))).ceil() as usize;
                continue;
            }
            best = best.min(ms / calls as f64);
            batches += 1;
        }
        best
    }

    fn measure(&mut self, kernel: &str, shape: &str, flops: f64, bytes: f64, body: impl FnMut()) {
        if !format!("{kernel} {shape}").contains(self.filter) {
            return;
        }
        let ms = self.best(body);
        let gflops = flops / ms / 1e6;
        self.results.push(KernelTiming {
            kernel: kernel.into(),
            shape: shape.into(),
            ms,
            gflops,
            gbytes: bytes / ms / 1e6,
            peak_share: gflops / self.peak,
        });
    }

    /// Multiply-adds in registers alone, on every thread of the pool at once: what no matrix kernel of this
    /// instruction set can pass.
    fn peak(&mut self) {
        struct Peak(usize);
        impl Kernel for Peak {
            type Output = f64;
            #[inline(always)]
            fn run<S: Simd>(self, s: S) -> f64 {
                let (a, b) = (s.splat(std::hint::black_box(0.5)), s.splat(std::hint::black_box(0.25)));
                let mut sums = [s.splat(0.0); 10];
                for _ in 0..self.0 {
                    for sum in &mut sums {
                        *sum = s.madd(a, *sum, b);
                    }
                }
                let mut total = [0.0f32; 64];
                for sum in sums {
                    // SAFETY: 64 elements are at least LANES.
                    unsafe { s.store(total.as_mut_ptr(), sum) };
                    std::hint::black_box(&mut total);
                }
                (self.0 * sums.len() * 2 * S::LANES) as f64
            }
        }
        // Short items, many a thread: a thread that is held up does not hold up the others.
        let items = 32 * rayon::current_num_threads();
        let set = Chosen::now();
        let flops = items as f64 * set.run(Peak(10_000));
        let ms = self.best(|| {
            parallel::for_each(items, |_| {
                set.run(Peak(10_000));
            });
        });
        self.peak = flops / ms / 1e6;
        self.results.push(KernelTiming {
            kernel: "peak".into(),
            shape: super::simd_kind().into(),
            ms,
            gflops: self.peak,
            gbytes: 0.0,
            peak_share: 1.0,
        });
    }

    fn convolution(&mut self, (c_in, c_out, size, stride): (usize, usize, usize, usize)) {
        let stored = if c_in == 3 { 4 } else { c_in };
        let conv = Conv3x3::new(c_in, c_out, stride).with_x_channels(stored);
        let out = size / stride;
        let shape = format!("{c_in}-{c_out}@{size}{}", if stride == 2 { "/2" } else { "" });
        let x = noise_tensor([BATCH, size, size, stored], 1);
        let mut y = noise_tensor([BATCH, out, out, c_out], 1);
        let mut dx = Tensor::zeros(x.shape(), 1);
        let w = noise(conv.weight_len());
        let (mut dw, mut db) = (w.clone(), noise(c_out));
        let bias = db.clone();
        let flops = 2.0 * (BATCH * out * out) as f64 * w.len() as f64;
        let bytes = 8.0 * w.len() as f64;
        // The direct kernels beside the chosen ones: `bench kernels` prints how many times faster the choice is.
        let direct = (conv != conv.direct()).then(|| (conv.direct(), " direct"));
        for (conv, suffix) in [(conv, "")].into_iter().chain(direct) {
            let name = |pass: &str| format!("conv3x3 {pass}{suffix}");
            let mut forward = conv3x3::ForwardPanels::default();
            let mut backward = conv3x3::BackwardPanels::default();
            self.measure(&name("pack forward"), &shape, 0.0, bytes, || conv.pack_forward(&w, &mut forward));
            self.measure(&name("pack backward"), &shape, 0.0, bytes, || {
                conv.pack_backward(&w, &mut backward);
            });
            conv.pack_forward(&w, &mut forward);
            conv.pack_backward(&w, &mut backward);
            self.measure(&name("forward"), &shape, flops, 0.0, || conv.forward(&x, &forward, &bias, &mut y));
            if c_in > 3 {
                self.measure(&name("backward input"), &shape, flops, 0.0, || {
                    conv.backward_input(&y, &backward, &mut dx);
                });
            }
            self.measure(&name("backward weight"), &shape, flops, 0.0, || {
                conv.backward_weight(&x, &y, &mut dw, &mut db);
            });
        }
    }

    /// The same in integers, where they are used.
    fn integer(&mut self, (c_in, c_out, size, stride): (usize, usize, usize, usize)) {
        if stride > 1 || c_in < 16 {
            return;
        }
        let conv = int8::Conv3x3 { c_in, c_out };
        let shape = format!("{c_in}-{c_out}@{size}");
        let levels = |len: usize, most: f32| noise(len).into_iter().map(move |x| x * most);
        let (x_shape, y_shape) = ([BATCH, size, size, c_in], [BATCH, size, size, c_out]);
        let (x_len, y_len) = (x_shape.iter().product(), y_shape.iter().product());
        let x =
            Tensor::from_dense(x_shape, 1, &levels(x_len, 255.0).map(|x| x.abs() as u8).collect::<Vec<_>>());
        let dy = Tensor::from_dense(y_shape, 1, &levels(y_len, 127.0).map(|x| x as i8).collect::<Vec<_>>());
        let w: Vec<i8> = levels(9 * c_in * c_out, 7.5).map(|x| x as i8).collect();
        let (mut y, mut dx) = (Tensor::zeros(y_shape, 1), Tensor::zeros(x_shape, 1));
        let (mut forward, mut backward) = (Default::default(), Default::default());
        let mut dw = vec![0.0; w.len()];
        let (scales, bias) = (vec![0.01; c_out], vec![0.0; c_out]);
        let mut db = bias.clone();
        let bytes = 5.0 * w.len() as f64;
        let flops = 2.0 * (BATCH * size * size) as f64 * w.len() as f64;
        self.measure("int8 conv3x3 pack forward", &shape, 0.0, bytes, || conv.pack_forward(&w, &mut forward));
        self.measure("int8 conv3x3 pack backward", &shape, 0.0, bytes, || {
            conv.pack_backward(&w, &mut backward);
        });
        conv.pack_forward(&w, &mut forward);
        conv.pack_backward(&w, &mut backward);
        self.measure("int8 conv3x3 forward", &shape, flops, 0.0, || {
            conv.forward(&x, &forward, &scales, &bias, &mut y);
        });
        self.measure("int8 conv3x3 backward input", &shape, flops, 0.0, || {
            conv.backward_input(&dy, &backward, 0.01, &mut dx);
        });
        let (x, dy) = (Levels { values: x, step: Some(0.01) }, Levels { values: dy, step: Some(0.01) });
        self.measure("int8 conv3x3 backward weight", &shape, flops, 0.0, || {
            conv.backward_weight(&x, &dy, &mut dw, &mut db);
        });
    }

    fn convolution_5x5(&mut self, (c_in, c_out, size): (usize, usize, usize)) {
        let stored = if c_in == 3 { 4 } else { c_in };
        let conv = Conv5x5::new(c_in, c_out).with_x_channels(stored);
        let shape = format!("{c_in}-{c_out}@{size}");
        let x = noise_tensor([BATCH, size, size, stored], Conv5x5::HALO);
        let mut y = noise_tensor([BATCH, size, size, c_out], Conv5x5::HALO);
        let mut dx = Tensor::zeros(x.shape(), 0);
        let w = noise(conv.weight_len());
        let (mut dw, mut db) = (w.clone(), noise(c_out));
        let mut forward = conv5x5::ForwardPanels::default();
        let mut backward = conv5x5::BackwardPanels::default();
        conv.pack_forward(&w, &mut forward);
        conv.pack_backward(&w, &mut backward);
        let flops = 2.0 * (BATCH * size * size) as f64 * w.len() as f64;
        let bias = db.clone();
        self.measure("conv5x5 forward", &shape, flops, 0.0, || conv.forward(&x, &forward, &bias, &mut y));
        if c_in > 3 {
            self.measure("conv5x5 backward input", &shape, flops, 0.0, || {
                conv.backward_input(&y, &backward, &mut dx);
            });
        }
        self.measure("conv5x5 backward weight", &shape, flops, 0.0, || {
            conv.backward_weight(&x, &y, &mut dw, &mut db);
        });
    }

    fn linear(&mut self, n: usize, inputs: usize, outputs: usize) {
        let linear = Linear::new(inputs, outputs);
        let shape = format!("{inputs}-{outputs} n={n}");
        let x = noise_tensor([n, 1, 1, inputs], 0);
        let mut y = noise_tensor([n, 1, 1, outputs], 0);
        let mut dx = x.clone();
        let w = noise(linear.weight_len());
        let (mut dw, mut db) = (w.clone(), noise(outputs));
        let mut forward = gemm::ForwardPanels::default();
        let mut backward = gemm::BackwardPanels::default();
        let bytes = 8.0 * w.len() as f64;
        self.measure("linear pack forward", &shape, 0.0, bytes, || linear.pack_forward(&w, &mut forward));
        self.measure("linear pack backward", &shape, 0.0, bytes, || linear.pack_backward(&w, &mut backward));
        linear.pack_forward(&w, &mut forward);
        linear.pack_backward(&w, &mut backward);
        let flops = (2 * w.len() * n) as f64;
        let bias = db.clone();
        self.measure("linear forward", &shape, flops, 0.0, || linear.forward(&x, &forward, &bias, &mut y));
        self.measure("linear backward input", &shape, flops, 0.0, || {
            linear.backward_input(&y, &backward, &mut dx);
        });
        self.measure("linear backward weight", &shape, flops, 0.0, || {
            linear.backward_weight(&x, &y, &mut dw, &mut db);
        });
    }

    fn activations(&mut self) {
        for (n, size, c) in [(128, 32, 64), (128, 16, 128), (128, 32, 16)] {
            let shape = format!("{c}@{size} n={n}");
            let dims = [n, size, size, c];
            if !["batch_norm", "copy", "relu", "add", "max_pool"].iter().any(|k| k.contains(self.filter))
                && !shape.contains(self.filter)
            {
                continue;
            }
            let x = noise_tensor(dims, 1);
            let mut y = Tensor::zeros(dims, 1);
            let (mut mean, mut variance) = (vec![0.0; c], vec![0.0; c]);
            let (gamma, beta) = (vec![1.0; c], vec![0.0; c]);
            let (mut dgamma, mut dbeta) = (vec![0.0; c], vec![0.0; c]);
            let tensor = 4.0 * (n * size * size * c) as f64;
            self.measure("batch_norm statistics", &shape, 0.0, tensor, || {
                batch_norm::statistics(&x, &mut mean, &mut variance);
            });
            batch_norm::statistics(&x, &mut mean, &mut variance);
            let norm = BatchNorm {
                mean: &mean,
                variance: &variance,
                gamma: &gamma,
                beta: &beta,
                eps: 1e-5,
                activation: Activation::Relu,
                max_pool: false,
            };
            let pooling = BatchNorm { max_pool: true, ..norm };
            let mut dy = noise_tensor(dims, 1);
            let mut dx = x.clone();
            let mut pooled = Tensor::zeros(pooling.output_shape(dims), 1);
            self.measure("batch_norm forward relu", &shape, 0.0, 2.0 * tensor, || {
                norm.forward(&x, None, &mut y);
            });
            self.measure("batch_norm forward relu add", &shape, 0.0, 3.0 * tensor, || {
                norm.forward(&x, Some(&dy), &mut y);
            });
            self.measure("batch_norm forward relu max_pool", &shape, 0.0, 1.25 * tensor, || {
                pooling.forward(&x, None, &mut pooled);
            });
            for (norm, what, dy, size) in
                [(norm, "relu", &dy, 1.0), (pooling, "relu max_pool", &pooled, 0.25)]
            {
                let kernel = format!("batch_norm backward parameters {what}");
                self.measure(&kernel, &shape, 0.0, (1.0 + size) * tensor, || {
                    norm.backward_parameters(&x, dy, &mut dgamma, &mut dbeta);
                });
                let gradient = norm.backward_parameters(&x, dy, &mut dgamma, &mut dbeta);
                // Over its own result again and again: values that shrink cost the same.
                self.measure(
                    &format!("batch_norm backward input {what}"),
                    &shape,
                    0.0,
                    (2.0 + size) * tensor,
                    || {
                        norm.backward_input(dy, &gradient, &mut dx);
                    },
                );
            }
            // What memory alone allows.
            self.measure("copy", &shape, 0.0, 2.0 * tensor, || pointwise::copy(&x, &mut y));
            self.measure("relu forward", &shape, 0.0, 2.0 * tensor, || pointwise::relu_forward(&x, &mut y));
            self.measure("relu backward", &shape, 0.0, 3.0 * tensor, || {
                pointwise::relu_backward(&x, &mut dy);
            });
            self.measure("add_assign", &shape, 0.0, 3.0 * tensor, || pointwise::add_assign(&mut dy, &x));
            let mut index = vec![0u8; pooled.to_dense().len()];
            self.measure("max_pool forward", &shape, 0.0, 1.3125 * tensor, || {
                pool::max_pool_forward(&x, &mut pooled, &mut index);
            });
            self.measure("max_pool backward", &shape, 0.0, 1.3125 * tensor, || {
                pool::max_pool_backward(&pooled, &index, &mut dy);
            });
        }
        let x = noise_tensor([128, 4, 4, 256], 0);
        let mut y = Tensor::zeros([128, 1, 1, 4096], 0);
        let bytes = 8.0 * x.data().len() as f64;
        self.measure("flatten forward", "256@4 n=128", 0.0, bytes, || pool::flatten_forward(&x, &mut y));
        let mut dx = x.clone();
        self.measure("flatten backward", "256@4 n=128", 0.0, bytes, || pool::flatten_backward(&y, &mut dx));
    }

    fn weights(&mut self, len: usize) {
        let shape = format!("{len}");
        let (mut w, g) = (noise(len), noise(len));
        let (mut m, mut v) = (vec![0.0; len], vec![0.0; len]);
        let bytes = 4.0 * len as f64;
        let adam_w = AdamW {
            lr: 1e-3,
            beta1: 0.9,
            beta2: 0.999,
            eps: 1e-8,
            weight_decay: 5e-4,
            step: 3,
            gradient_scale: 0.5,
            soft_clip: Some(3.0),
        };
        self.measure("adam_w soft_clip abs_max", &shape, 0.0, 7.0 * bytes, || {
            adam_w.update(&mut w, Gradient::Stored(&g), &mut m, &mut v);
        });
        self.measure("tanh_soft_clip", &shape, 0.0, 2.0 * bytes, || weights::tanh_soft_clip(&mut w, 3.0));
        self.measure("sum_of_squares", &shape, 0.0, bytes, || {
            std::hint::black_box(weights::sum_of_squares(&g));
        });
        self.measure("abs_max", &shape, 0.0, bytes, || {
            std::hint::black_box(weights::abs_max(&g));
        });
        let blocks = Blocks::new(w.len(), 1, Granularity::Tensor);
        self.measure("round to a grid", &shape, 0.0, 2.0 * bytes, || {
            blocks.round(&w, &[0.1], [-7.0, 7.0], &mut m);
        });
        self.latents(adam_w, &mut w, &g);
    }

    /// The binary latents of weights: seven each, as at 4 bits.
    fn latents(&mut self, adam_w: AdamW, w: &mut [f32], g: &[f32]) {
        const N: usize = 7;
        let (shape, adam_w) = (format!("{N} x {}", w.len()), AdamW { soft_clip: None, ..adam_w });
        let mut latents = noise(N * w.len());
        let (mut m, mut v) = (vec![0.0; latents.len()], vec![0.0; latents.len()]);
        let (all, bytes) = (4.0 * latents.len() as f64, 4.0 * w.len() as f64);
        let mut runs = Runs::new(N, w.len());
        // The passes over the weights take what was counted, whichever are timed.
        runs.count(&latents);
        self.measure("latents count", &shape, 0.0, all, || runs.count(&latents));
        let mut dw = g.to_vec();
        self.measure("latents forward", &shape, 0.0, 2.0 * bytes, || runs.forward(g, 0, w));
        self.measure("latents backward", &shape, 0.0, 4.0 * bytes, || runs.backward(g, 0, &mut dw));
        runs.backward(g, 0, w);
        self.measure("latents adam_w", &shape, 0.0, 6.0 * all, || {
            adam_w.update(&mut latents, Gradient::Derived(&runs), &mut m, &mut v);
        });
    }
}
