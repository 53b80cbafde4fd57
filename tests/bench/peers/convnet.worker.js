/**
 * ConvNetJS as a contestant: one thread of plain JavaScript, in f64. It trains on one image after another and changes
 * the weights after each `batch` of them, by the rule of its own CIFAR-10 demo; choosing and shifting the images, which
 * the demo does as well, is left out in its favour.
 */
importScripts("guest.js");
// It exports to `window`, which a worker does not have.
globalThis.window = globalThis;
importScripts("/peers/node_modules/convnetjs/build/convnet.js");

/** Its definition of a layer, or of what belongs to the layer before. */
const LAYERS = {
  conv2d: ({ out, kernel = 3, stride = 1 }) => ({ type: "conv", sx: kernel, filters: out, stride, pad: kernel >> 1 }),
  relu: () => ({ type: "relu" }),
  max_pool: () => ({ type: "pool", sx: 2, stride: 2 }),
  // It flattens by itself, and its last layer is the classifier.
  flatten: () => null,
  linear: ({ out }) => (out ? { type: "fc", num_neurons: out } : { type: "softmax", num_classes: 10 }),
  dropout: ({ p }) => ({ type: "dropout", drop_prob: p }),
};

guest(({ layers, quantizer, batch }) => {
  if (quantizer !== "none") throw new Error("ConvNetJS trains no quantized weights");
  const definitions = layers.map(({ type, ...settings }) => {
    if (!LAYERS[type]) throw new Error(`ConvNetJS has no layer of type ${type}`);
    return LAYERS[type](settings);
  });
  const net = new convnetjs.Net();
  net.makeLayers([{ type: "input", out_sx: 32, out_sy: 32, out_depth: 3 }, ...definitions.filter(Boolean)]);
  const trainer = new convnetjs.Trainer(net, { method: "adadelta", batch_size: batch, l2_decay: 0.0001 });
  const { images, labels } = fixedBatch(batch);
  const size = 32 * 32 * 3;
  const inputs = Array.from(labels, (_, n) => {
    const input = new convnetjs.Vol(32, 32, 3, 0);
    input.w.set(images.subarray(n * size, (n + 1) * size));
    return input;
  });
  const step = () => {
    let loss = 0;
    inputs.forEach((input, n) => (loss += trainer.train(input, labels[n]).cost_loss));
    return loss / batch;
  };
  return { ready: "ConvNetJS 0.3.0, f64, 1 thread", step };
});
