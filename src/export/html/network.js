/**
 * A small interpreter of the exported network: plain loops over numbers of 32 bits, for one picture at a time.
 */

const HALF = 4;

/** Codes two to a byte, the low nibble first. */
function nibbles(bytes, count) {
  const codes = new Uint8Array(count);
  for (let i = 0; i < count; i++) codes[i] = i % 2 ? bytes[i >> 1] >> HALF : bytes[i >> 1] & 15;
  return codes;
}

/** Rounds to the nearest whole number, halves to an even one. */
function nearest(x) {
  const up = Math.round(x);
  return up - x === 0.5 && up % 2 !== 0 ? up - 1 : up;
}

/** The place of the level nearest to x, halves to an even place. */
function place(levels, x) {
  let above = levels.findIndex((level) => level >= x);
  if (above < 0) above = levels.length - 1;
  if (above === 0) return 0;
  const [down, up] = [x - levels[above - 1], levels[above] - x];
  if (down === up) return above % 2 === 0 ? above : above - 1;
  return down < up ? above - 1 : above;
}

/** What each operation makes of its inputs, `{values, shape: [h, w, c]}`. */
const OPERATIONS = {
  conv2d({ weight, bias, stride, shape: [height, width, outputs] }, x) {
    const [h, w, c] = x.shape;
    const size = weight.dims[0];
    const pad = size >> 1;
    const y = new Float32Array(height * width * outputs);
    for (let row = 0; row < height; row++) {
      for (let column = 0; column < width; column++) {
        const sums = y.subarray((row * width + column) * outputs, (row * width + column + 1) * outputs);
        sums.set(bias);
        for (let kh = 0; kh < size; kh++) {
          const ih = row * stride + kh - pad;
          if (ih < 0 || ih >= h) continue;
          for (let kw = 0; kw < size; kw++) {
            const iw = column * stride + kw - pad;
            if (iw < 0 || iw >= w) continue;
            const pixel = (ih * w + iw) * c;
            for (let i = 0; i < c; i++) {
              const value = x.values[pixel + i];
              if (value === 0) continue;
              const from = ((kh * size + kw) * c + i) * outputs;
              for (let o = 0; o < outputs; o++) sums[o] += value * weight.values[from + o];
            }
          }
        }
      }
    }
    return y;
  },
  linear({ weight, bias, shape: [, , outputs] }, x) {
    const y = new Float32Array(bias);
    x.values.forEach((value, i) => {
      for (let o = 0; o < outputs; o++) y[o] += value * weight.values[i * outputs + o];
    });
    return y;
  },
  affine: ({ factor, offset }, { values, shape: [, , c] }) => values.map((v, i) => v * factor[i % c] + offset[i % c]),
  relu: (_, { values }) => values.map((v) => (v < 0 ? 0 : v)),
  sigmoid: (_, { values }) => values.map((v) => 1 / (1 + Math.exp(-v))),
  max_pool({ shape: [height, width, c] }, { values, shape: [, w] }) {
    return new Float32Array(height * width * c).map((_, i) => {
      const [row, column, channel] = [Math.floor(i / (width * c)), Math.floor(i / c) % width, i % c];
      const corner = (2 * row * w + 2 * column) * c + channel;
      return Math.max(values[corner], values[corner + c], values[corner + w * c], values[corner + w * c + c]);
    });
  },
  global_avg_pool(_, { values, shape: [h, w, c] }) {
    const y = new Float32Array(c);
    values.forEach((value, i) => (y[i % c] += value));
    return y.map((sum) => sum / (h * w));
  },
  flatten: (_, { values, shape: [h, w, c] }) => values.map((_, i) => values[(i % (h * w)) * c + Math.floor(i / (h * w))]),
  add: (_, x, ...others) => x.values.map((v, i) => others.reduce((sum, other) => Math.fround(sum + other.values[i]), v)),
  scale_channels: (_, { values, shape: [, , c] }, gate) => values.map((v, i) => v * gate.values[i % c]),
  round({ scale, levels, block, exponent }, { values, shape: [, , c] }) {
    if (levels.to !== undefined) {
      return values.map((v) => Math.min(nearest(Math.fround(v / scale)), levels.to) * scale);
    }
    const positive = levels.filter((level) => level >= 0);
    if (scale !== undefined) return values.map((v) => positive[place(positive, Math.fround(v / scale))] * scale);
    const y = new Float32Array(values.length);
    for (let pixel = 0; pixel < values.length; pixel += c) {
      for (let first = 0; first < c; first += block) {
        const [from, to] = [pixel + first, pixel + Math.min(first + block, c)];
        const largest = values.subarray(from, to).reduce((most, v) => Math.max(most, v), 0);
        // The exponent of a number of 32 bits.
        const bits = new Uint32Array(new Float32Array([largest]).buffer)[0];
        const unit = 2 ** Math.max(((bits >> 23) & 255) - 127 - exponent, -127);
        for (let i = from; i < to; i++) y[i] = positive[place(positive, values[i] / unit)] * unit;
      }
    }
    return y;
  },
};

/** Tensors by name, and the document that says what they are. */
function open(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = Number(view.getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
  const { __metadata__: metadata, ...entries } = header;
  const types = { F32: Float32Array, U16: Uint16Array, U8: Uint8Array };
  const tensors = new Map(
    Object.entries(entries).map(([name, { dtype, data_offsets: [from, to] }]) => {
      const copy = bytes.slice(8 + length + from, 8 + length + to);
      return [name, new types[dtype](copy.buffer)];
    }),
  );
  return { tensors, document: JSON.parse(metadata["nibble.network"]) };
}

/** The values of a weight tensor. */
function weights(weight, tensors) {
  const { dims, codes, levels, scales, zeroPoints, rowsOfAScale } = weight;
  if (!codes) return { dims, values: tensors.get(weight.values) };
  const [table, scale, zero] = [levels, scales, zeroPoints].map((name) => tensors.get(name));
  const count = dims.reduce((product, dim) => product * dim, 1);
  const outputs = dims.at(-1);
  const packed = tensors.get(codes);
  const places = table.length <= 16 ? nibbles(packed, count) : packed;
  const values = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    const block = rowsOfAScale ? Math.floor(Math.floor(i / outputs) / rowsOfAScale) * outputs + (i % outputs) : 0;
    values[i] = Math.fround(table[places[i]] - (zero ? zero[block] : 0)) * scale[block];
  }
  return { dims, values };
}

/**
 * The network in a file of safetensors.
 * @param {Uint8Array} bytes
 * @returns {{classes: string[], logits: (rgba: Uint8ClampedArray) => Float32Array}} `rgba` is 32 x 32 pixels, opaque
 */
export function network(bytes) {
  const { tensors, document } = open(bytes);
  const { input, classes } = document;
  const operations = document.operations.map((operation) => {
    const ready = { ...operation };
    for (const part of ["bias", "factor", "offset"]) if (operation[part]) ready[part] = tensors.get(operation[part]);
    if (operation.weight) ready.weight = weights(operation.weight, tensors);
    return ready;
  });
  const logits = (rgba) => {
    const image = new Float32Array((rgba.length / 4) * 3);
    for (let i = 0; i < image.length; i++) {
      const c = i % 3;
      const share = Math.fround(rgba[((i - c) / 3) * 4 + c] / 255);
      image[i] = Math.fround(share - Math.fround(input.mean[c])) / Math.fround(input.std[c]);
    }
    const values = [{ values: image, shape: input.shape }];
    for (const operation of operations) {
      const inputs = operation.inputs.map((at) => values[at]);
      values.push({ values: OPERATIONS[operation.op](operation, ...inputs), shape: operation.shape });
    }
    return values.at(-1).values;
  };
  return { classes, logits };
}

/** Shares that add up to 1. */
export function softmax(logits) {
  const most = Math.max(...logits);
  const powers = Array.from(logits, (logit) => Math.exp(logit - most));
  const sum = powers.reduce((all, power) => all + power, 0);
  return powers.map((power) => power / sum);
}
