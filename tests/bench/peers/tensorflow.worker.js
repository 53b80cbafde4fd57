/**
 * TensorFlow.js as a contestant, on its `wasm` or `cpu` backend. Clipping of the gradient norm, weight decay, soft
 * clipping and the choice of the images are left out in its favour.
 */
importScripts("guest.js", "/peers/node_modules/@tensorflow/tfjs/dist/tf.min.js");
importScripts("/peers/node_modules/@tensorflow/tfjs-backend-wasm/dist/tf-backend-wasm.min.js");

/** Rounds half to even onto -7..7 times the scale; the gradient passes straight through. */
const fakeQuantize = () =>
  tf.customGrad((weight) => {
    const scale = weight.abs().max().add(1e-8).div(7);
    return { value: weight.div(scale).round().clipByValue(-7, 7).mul(scale), gradFunc: (dy) => dy };
  });

function batchNorm(x, gamma, beta) {
  const { mean, variance } = tf.moments(x, [...Array(x.rank - 1).keys()], true);
  return x.sub(mean).div(variance.add(1e-5).sqrt()).mul(gamma).add(beta);
}

/** `forward(x)`, which gives the logits of images `[n, h, w, c]`, with variables of its own. */
function build(layers, quantized) {
  const quantize = quantized ? fakeQuantize() : (weight) => weight;
  const variable = (shape, deviation, mean = 0) => tf.variable(tf.randomNormal(shape, mean, deviation, "float32", 1));
  let shape = [32, 32, 3];
  const kinds = {
    conv2d({ out, kernel = 3, stride = 1 }) {
      const [h, w, c] = shape;
      const filter = variable([kernel, kernel, c, out], Math.sqrt(2 / (c * kernel * kernel)));
      const bias = variable([out], 0);
      shape = [Math.ceil(h / stride), Math.ceil(w / stride), out];
      return (x) => tf.conv2d(x, quantize(filter), stride, "same").add(bias);
    },
    batch_norm() {
      const [gamma, beta] = [variable([shape.at(-1)], 0, 1), variable([shape.at(-1)], 0)];
      return (x) => batchNorm(x, gamma, beta);
    },
    relu: () => (x) => x.relu(),
    max_pool() {
      shape = [shape[0] >> 1, shape[1] >> 1, shape[2]];
      return (x) => tf.maxPool(x, 2, 2, "valid");
    },
    global_avg_pool() {
      shape = [shape[2]];
      return (x) => x.mean([1, 2]);
    },
    flatten() {
      shape = [shape.reduce((a, b) => a * b)];
      const [length] = shape;
      return (x) => x.reshape([-1, length]);
    },
    linear({ out = 10 }) {
      const [weight, bias] = [variable([shape[0], out], Math.sqrt(1 / shape[0])), variable([out], 0)];
      shape = [out];
      return (x) => x.matMul(quantize(weight)).add(bias);
    },
    dropout: ({ p }) => (x) => tf.dropout(x, p),
    add: ({ from }) => (x, kept) => x.add(kept[from]),
  };
  const steps = layers.map(({ type, id, ...settings }) => ({ id, apply: kinds[type](settings) }));
  return (x) => {
    const kept = {};
    for (const { id, apply } of steps) {
      x = apply(x, kept);
      if (id) kept[id] = x;
    }
    return x;
  };
}

guest(async ({ layers, quantizer, batch, threads, backend }) => {
  tf.wasm.setWasmPaths("/peers/node_modules/@tensorflow/tfjs-backend-wasm/dist/");
  tf.wasm.setThreadsCount(threads);
  if (!(await tf.setBackend(backend))) throw new Error(`the backend ${backend} does not start`);
  const forward = build(layers, quantizer === "symmetric");
  const optimizer = tf.train.adam(1e-3);
  const { images, labels } = fixedBatch(batch);
  const x = tf.tensor4d(images, [batch, 32, 32, 3]);
  const y = tf.oneHot(tf.tensor1d(labels, "int32"), 10).toFloat();
  const train = async (images, classes) => {
    const loss = optimizer.minimize(() => tf.losses.softmaxCrossEntropy(classes, forward(images)), true);
    const [value] = await loss.data();
    loss.dispose();
    return value;
  };
  // What a backend cannot do shows with two images, before a whole batch takes its time.
  await train(x.slice(0, 2), y.slice(0, 2));
  const step = () => train(x, y);
  const used = backend === "wasm" ? threads : 1;
  return { ready: `TensorFlow.js ${tf.version.tfjs}, ${tf.getBackend()}, ${used} threads`, step };
});
