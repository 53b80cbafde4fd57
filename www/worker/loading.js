/** Makes a Dataset of the engine from built-in data, dropped files, own pictures or files beside the page. Runs in the worker. */

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

/** Files beside the page. Its index.json lists them: {files: [{path: "cifar10/test_batch.bin", bytes}]}. */
const DATA = new URL("../../data/", import.meta.url);

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

/** Adds named blobs one after the other; the engine reads slices, so no file is ever whole in JavaScript. */
function fromBlobs(engine, files, report) {
  const loader = new engine.DatasetLoader();
  const total = files.reduce((sum, { blob }) => sum + blob.size, 0);
  let before = 0;
  try {
    for (const { name, blob } of files) {
      loader.addFile(name, blob.size, reading(name, blob), (done) => report(`Reading ${name}`, before + done, total));
      before += blob.size;
    }
  } catch (error) {
    loader.free();
    throw error;
  }
  report("Reading", total, total);
  return loader.finish(); // frees the loader, also where it fails
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

/** The files of a set that data/ has, in one format of the two or three that it may hold. */
async function originFiles(name) {
  const response = await fetch(new URL("index.json", DATA)).catch(() => null);
  const { files } = response?.ok ? await response.json() : { files: [] };
  const ours = files.filter(({ path }) => path.startsWith(`${name}/`));
  const ending = (...ends) => ours.filter(({ path }) => ends.some((end) => path.endsWith(end)));
  if (ending(".bin").length > 0) return ending(".bin", ".txt");
  const archives = ending(".tar.gz", ".tgz");
  return archives.length > 0 ? archives.slice(0, 1) : ours;
}

/** Fetches one file of data/, telling the bytes so far. */
async function fetchBlob(path, progress) {
  const response = await fetch(new URL(path, DATA));
  if (!response.ok) throw new Error(`data/${path}: the server answered ${response.status}.`);
  const reader = response.body.getReader();
  const parts = [];
  let done = 0;
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    parts.push(part.value);
    done += part.value.length;
    progress(done);
  }
  return new Blob(parts);
}

async function fromOrigin(engine, name, report) {
  const listed = await originFiles(name);
  if (listed.length === 0) throw new Error("This site keeps no copy of it. Drop its archive or its files here.");
  const total = listed.reduce((sum, { bytes }) => sum + bytes, 0);
  const files = [];
  let before = 0;
  for (const { path, bytes } of listed) {
    const blob = await fetchBlob(path, (done) => report(`Fetching ${path}`, before + done, total));
    files.push({ name: path.split("/").pop(), blob });
    before += bytes;
  }
  return fromBlobs(engine, files, report);
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
  if (source.kind === "origin") return fromOrigin(engine, source.name, report);
  return fromBlobs(engine, source.files.map((file) => ({ name: file.name, blob: file })), report);
}

/**
 * The first few training images of each class.
 * @returns {{label: number, pixels: Uint8ClampedArray}[]} one strip of 32 x 32 RGBA images a class, in class order
 */
export function samplesOf(dataset) {
  const { classes, train } = dataset.info();
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
