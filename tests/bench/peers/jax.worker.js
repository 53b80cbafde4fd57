/**
 * jax-js as a contestant, on its WebAssembly backend. One step is compiled as a whole by its `jit`: weights rounded to 15
 * levels, forward, backward straight through the rounding, clipping of the gradient norm, AdamW, soft clipping by tanh.
 * Dropout and the choice of the images are left out in its favour.
 *
 * Every use of an array but the last is written `.ref`: its functions take ownership of their arguments.
 */
import "./guest.js";

let jax, np;

/** Rounds half to even onto -7..7 times the scale; the gradient passes straight through. */
function fakeQuantize(weight) {
  const fixed = jax.lax.stopGradient(weight.ref);
  const scale = np.max(np.absolute(fixed.ref)).add(1e-8).div(7);
  const levels = np.clip(np.round(fixed.ref.div(scale.ref)), -7, 7);
  return weight.add(levels.mul(scale).sub(fixed));
}

function batchNorm(x, gamma, beta) {
  const axes = x.ndim === 4 ? [0, 2, 3] : [0];
  const centred = x.ref.sub(np.mean(x, axes, { keepdims: true }));
  const variance = np.mean(np.square(centred.ref), axes, { keepdims: true });
  return centred.div(np.sqrt(variance.add(1e-5))).mul(gamma).add(beta);
}

/** The parameters of the layers, in order, and `forward(parameters, x)`, which gives the logits of images `[n, c, h, w]`. */
function build(layers, quantized) {
  const parameters = [];
  const add = (shape, deviation, mean = 0) => {
    const values = noise(shape.reduce((a, b) => a * b), deviation, parameters.length + 1);
    parameters.push(np.array(deviation ? values : values.fill(mean)).reshape(shape));
    return parameters.length - 1;
  };
  const weights = new Set();
  const weight = (shape, deviation) => {
    const index = add(shape, deviation);
    weights.add(index);
    return index;
  };
  const forwardWeight = (w) => (quantized ? fakeQuantize(w) : w);
  let shape = [3, 32, 32];
  const outputs = {};
  const kinds = {
    conv2d({ out, kernel = 3, stride = 1 }) {
      const [c, h, w] = shape;
      const [iw, ib] = [weight([out, c, kernel, kernel], Math.sqrt(2 / (c * kernel * kernel))), add([1, out, 1, 1], 0)];
      shape = [out, Math.ceil(h / stride), Math.ceil(w / stride)];
      const pad = [kernel >> 1, kernel >> 1];
      return (x, p) => jax.lax.convGeneralDilated(x, forwardWeight(p[iw].ref), [stride, stride], [pad, pad]).add(p[ib].ref);
    },
    batch_norm() {
      const dims = shape.length === 3 ? [1, shape[0], 1, 1] : [1, shape[0]];
      const [ig, ib] = [add(dims, 0, 1), add(dims, 0)];
      return (x, p) => batchNorm(x, p[ig].ref, p[ib].ref);
    },
    relu: () => (x) => jax.nn.relu(x),
    max_pool() {
      const [c, h, w] = shape;
      shape = [c, h >> 1, w >> 1];
      return (x) => np.max(x.reshape([-1, c, h >> 1, 2, w >> 1, 2]), [3, 5]);
    },
    global_avg_pool() {
      shape = [shape[0]];
      return (x) => np.mean(x, [2, 3]);
    },
    flatten() {
      shape = [shape.reduce((a, b) => a * b)];
      const [length] = shape;
      return (x) => x.reshape([-1, length]);
    },
    linear({ out = 10 }) {
      const [iw, ib] = [weight([shape[0], out], Math.sqrt(1 / shape[0])), add([1, out], 0)];
      shape = [out];
      return (x, p) => np.matmul(x, forwardWeight(p[iw].ref)).add(p[ib].ref);
    },
    dropout: () => (x) => x,
    add: ({ from }) => (x, p, kept) => x.add(kept[from]),
  };
  const steps = layers.map(({ type, id, ...settings }) => {
    if (settings.from) outputs[settings.from] = true;
    return { id, apply: kinds[type](settings) };
  });
  const forward = (p, x) => {
    const kept = {};
    for (const { id, apply } of steps) {
      x = apply(x, p, kept);
      if (outputs[id]) kept[id] = x.ref;
    }
    return x;
  };
  return { parameters, weights, forward };
}

guest(async ({ layers, quantizer, batch, threads }) => {
  // Its pool has as many workers as this says.
  Object.defineProperty(navigator, "hardwareConcurrency", { value: threads });
  jax = await import("/peers/node_modules/@jax-js/jax/dist/index.js");
  np = jax.numpy;
  await jax.init("wasm");
  jax.defaultDevice("wasm");
  const { parameters, weights, forward } = build(layers, quantizer === "symmetric");

  const lossOf = (p, x, y) => {
    const loss = y.mul(jax.nn.logSoftmax(forward(p, x), 1)).sum().div(-batch);
    for (const each of p) each.dispose();
    return loss;
  };
  const update = jax.jit((p, m, v, x, y, rate) => {
    const [loss, gradients] = jax.valueAndGrad(lossOf)(p.map((each) => each.ref), x, y);
    const squares = gradients.map((g) => np.sum(np.square(g.ref))).reduce((a, b) => a.add(b));
    const factor = np.minimum(np.array(0.5).div(np.sqrt(squares).add(1e-6)), 1);
    const next = { loss, p: [], m: [], v: [] };
    gradients.forEach((raw, i) => {
      const g = raw.mul(factor.ref);
      const first = m[i].mul(0.9).add(g.ref.mul(0.1));
      const second = v[i].mul(0.999).add(np.square(g).mul(0.001));
      const change = first.ref.div(np.sqrt(second.ref).add(1e-8)).mul(rate.ref);
      const moved = p[i].mul(1 - 1e-3 * 5e-4).sub(change);
      next.p.push(weights.has(i) ? np.tanh(moved.div(3)).mul(3) : moved);
      next.m.push(first);
      next.v.push(second);
    });
    factor.dispose();
    rate.dispose();
    return next;
  });

  const { images, labels } = fixedBatch(batch);
  const x = np.transpose(np.array(images).reshape([batch, 32, 32, 3]), [0, 3, 1, 2]);
  const classes = new Float32Array(batch * 10);
  labels.forEach((label, n) => (classes[10 * n + label] = 1));
  const y = np.array(classes).reshape([batch, 10]);
  let state = { p: parameters, m: parameters.map((each) => np.zeros(each.shape)), v: parameters.map((each) => np.zeros(each.shape)) };
  let count = 0;
  const step = async () => {
    count += 1;
    const rate = (1e-3 * Math.sqrt(1 - 0.999 ** count)) / (1 - 0.9 ** count);
    const { loss, ...rest } = update(state.p, state.m, state.v, x.ref, y.ref, np.array(rate));
    state = rest;
    await jax.blockUntilReady(state.p);
    return loss.jsAsync();
  };
  return { ready: `jax-js 0.1.25, wasm, ${threads} threads`, step };
});
