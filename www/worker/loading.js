/** Makes a Dataset of the engine from built-in data, or from a set that was read (images/read.js). Runs in the worker. */

/** The built-in set is the same for everybody: its own seed is not a setting. */
const BUILTIN_SEED = 1;
/** Which of the own images are held out for testing: the same in every run on them. */
const SPLIT_SEED = 1;
/** Progress messages are at least this far apart. */
const PROGRESS_INTERVAL_MS = 50;
/** Images shown of each class, and how far into the training set they are looked for. */
const SAMPLES_A_CLASS = 4;
const SAMPLES_SEARCHED = 6000;
const IMAGE_BYTES = 32 * 32 * 4;
/** Bytes of an image as the engine keeps it: three planes. */
const PLANE = 32 * 32;
const PLANES_BYTES = PLANE * 3;

/** Passes progress on, not oftener than the page can show it. */
function throttled(progress) {
  let last = -Infinity;
  return (label, done, total) => {
    const now = performance.now();
    if (done < total && now - last < PROGRESS_INTERVAL_MS) return;
    last = now;
    progress({ label, done, total });
  };
}

/** Reads a part of a file, as the engine asks for it. */
function reading(name, blob) {
  const reader = new FileReaderSync();
  return (offset, length) => {
    try {
      return new Uint8Array(reader.readAsArrayBuffer(blob.slice(offset, offset + length)));
    } catch (error) {
      throw new Error(`${name}: the browser could not read it (${error.message}). Was it moved or changed?`);
    }
  };
}

/** A set that was read. The engine takes its pixels piece by piece: they are never whole in JavaScript. */
function fromSet(engine, { of, name, classes, notes, train, labels, pixels }, report) {
  const read = reading(name, pixels);
  return engine.Dataset.fromPlanes(of, name, classes, notes, labels, train, (image, count) => {
    report("Making the data set", image, labels.length);
    return read(image * PLANES_BYTES, count * PLANES_BYTES);
  });
}

/** A saved run whose header has been read, owned by the caller. */
export const checkpoint = (engine, file, name) => new engine.Checkpoint(name, file.size, reading(name, file));

/** The own pictures that a saved run has with it. */
function fromSaved(engine, { name, files: [file] }) {
  const saved = checkpoint(engine, file, name);
  try {
    const images = saved.images();
    if (!images) throw new Error(`${name} has no images with it: load those that it was trained on first.`);
    return images;
  } finally {
    saved.free();
  }
}

/** What stands in for the images of a network that is looked at without them. */
function standIn(engine, { name, files: [file] }) {
  const saved = checkpoint(engine, file, name);
  try {
    const dataset = saved.standIn();
    if (!dataset) throw new Error(`${name} needs the images that it was trained on: they say how pixels are scaled.`);
    return dataset;
  } finally {
    saved.free();
  }
}

/**
 * @param {object} engine the engine's module
 * @param {object} source see `To.LOAD`
 * @param {(progress: {label: string, done: number, total: number}) => void} progress
 * @returns {Promise<object>} a Dataset of the engine, owned by the caller
 */
export async function loadDataset(engine, source, progress) {
  const report = throttled(progress);
  if (source.kind === "builtin") {
    report("Drawing the built-in images", 0, 1);
    const dataset = engine.Dataset.synthetic(source.train, source.test, BUILTIN_SEED);
    report("Drawing the built-in images", 1, 1);
    return dataset;
  }
  if (source.kind === "images") {
    const { name, classes, pixels, labels } = source;
    report("Making the data set", 0, 1);
    const dataset = engine.Dataset.fromImages(name, classes, pixels, labels, SPLIT_SEED);
    report("Making the data set", 1, 1);
    return dataset;
  }
  if (source.kind === "saved") return fromSaved(engine, source);
  if (source.kind === "standIn") return standIn(engine, source);
  return fromSet(engine, source, report);
}

/**
 * The first few training images of each class.
 * @returns {{label: number, pixels: Uint8ClampedArray}[]} one strip of 32 x 32 RGBA images a class, in class order
 */
export function samplesOf(dataset) {
  const { classes, train, isStandIn } = dataset.info();
  if (isStandIn) return [];
  const found = classes.map(() => []);
  let missing = classes.length * SAMPLES_A_CLASS;
  for (let i = 0; i < Math.min(train, SAMPLES_SEARCHED) && missing > 0; i++) {
    const of = found[dataset.label("train", i)];
    if (of.length === SAMPLES_A_CLASS) continue;
    of.push(i);
    missing -= 1;
  }
  return found.map((indices, label) => {
    const pixels = new Uint8ClampedArray(indices.length * IMAGE_BYTES);
    indices.forEach((index, k) => pixels.set(dataset.image("train", index), k * IMAGE_BYTES));
    return { label, pixels };
  });
}

/** Fails where the images are not at hand. */
export function assertPresent(dataset) {
  const { name, isStandIn } = dataset.info();
  if (isStandIn) throw new Error(`It takes the images that it was trained on, and those of ${name} are not here: load them and open the network again.`);
}

/** Training images from the whole of a set, at equal distances: so many at most, as the engine keeps them. */
export function someOf(dataset, most) {
  if (most === 0) return new Uint8Array(0);
  assertPresent(dataset);
  const { train } = dataset.info();
  const count = Math.min(most, train);
  const planes = new Uint8Array(count * PLANES_BYTES);
  for (let i = 0; i < count; i++) {
    const rgba = dataset.image("train", Math.floor((i * train) / count));
    for (let at = 0; at < PLANES_BYTES; at++) planes[i * PLANES_BYTES + at] = rgba[4 * (at % PLANE) + Math.floor(at / PLANE)];
  }
  return planes;
}
