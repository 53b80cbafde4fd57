/**
 * Reads files into a data set: {entries: {path, file}[], room, sample}. Tells {label, done, total} on the way and ends with
 * {source} (a SetSource of read.js) or {error, most (where there were too many images, how many fit)}. Asks the page for what it
 * alone can draw, {drawing: number, blob}, and is answered {drawing, picture}.
 *
 * What files are and how they are put together knows the module of the readers (pkg/readers), which is loaded here and nowhere
 * else; the browser decodes the pictures.
 */
import { decoded } from "./decode.js";

const READERS = new URL("../../pkg/readers/", import.meta.url);
/** Pictures that are read together: so many, or so many bytes. */
const TOGETHER = 64;
const TOGETHER_BYTES = 8 << 20;
/** Groups of these, each of which decodes one at a time: as many as keep a few cores busy, and few enough for large photographs. */
const AT_ONCE = Math.max(2, Math.min(8, navigator.hardwareConcurrency ?? 2)) * 2;
/** Progress is told this often at most. */
const TELL_MS = 50;
/** Bytes of a data set that are taken out at once. */
const PIECE = 4 << 20;
/** First bytes of a picture that tell what it is. */
const HEAD = 512;

let told = 0;
/** @param {boolean} [now] although it was told a moment ago */
function tell(label, done, total, now = false) {
  if (!now && performance.now() - told < TELL_MS) return;
  told = performance.now();
  postMessage({ label, done, total });
}

/** What the page is asked for. @type {Map<number, (picture: ImageBitmap|null) => void>} */
const asked = new Map();
let drawings = 0;

/** A drawing, drawn by the page. @returns {Promise<ImageBitmap>} */
async function drawnByPage(blob) {
  const number = ++drawings;
  postMessage({ drawing: number, blob });
  const picture = await new Promise((resolve) => asked.set(number, resolve));
  if (!picture) throw new Error("no drawing");
  return picture;
}

/** Takes the next pictures that are read together: their places, and their files or, from archives and tables, their bytes. */
function nextGroup(reading, files) {
  const group = [];
  for (let bytes = 0; group.length < TOGETHER && bytes < TOGETHER_BYTES; ) {
    const next = reading.nextPicture();
    if (!next) break;
    const held = next.file === undefined ? next.bytes() : files[next.file].file;
    group.push({ slot: next.slot, held, size: held.size ?? held.length });
    bytes += group.at(-1).size;
    next.free();
  }
  return group;
}

/** The bytes of each of a group; none of what cannot be read. Each read of a file is a question to another process. */
async function bytesOf(group) {
  try {
    const all = new Uint8Array(await new Blob(group.map(({ held }) => held)).arrayBuffer());
    let at = 0;
    return group.map(({ size }) => all.subarray(at, (at += size)));
  } catch {
    // One of them was moved or changed.
    return Promise.all(group.map(async ({ held }) => new Uint8Array(await new Blob([held]).arrayBuffer().catch(() => new ArrayBuffer()))));
  }
}

/** Puts every picture of `reading` in its place, several at a time; `isTooLarge` says by its first bytes which is not tried. */
async function decodeAll(reading, files, isTooLarge) {
  const total = reading.pictures();
  const running = new Set();
  let done = 0;
  const place = async ({ slot }, bytes) => {
    const head = bytes.subarray(0, HEAD);
    try {
      if (isTooLarge(head)) throw new Error("too many pixels");
      reading.put(slot, await decoded(bytes, drawnByPage));
    } catch {
      reading.refuse(slot, head);
    }
    tell("Reading pictures", ++done, total);
  };
  const placeGroup = async (group) => {
    const bytes = await bytesOf(group);
    for (const [at, picture] of group.entries()) await place(picture, bytes[at]);
  };
  for (let group = nextGroup(reading, files); group.length > 0; group = nextGroup(reading, files)) {
    const work = placeGroup(group);
    running.add(work);
    work.finally(() => running.delete(work));
    if (running.size >= AT_ONCE) await Promise.race(running);
  }
  await Promise.all(running);
}

/** The bytes of a set, each piece given to the browser before the next is taken: they are never twice in this memory. */
function pixelsOfSet(found) {
  const pieces = [];
  for (const split of ["train", "test"]) {
    for (let at = 0, piece = found.piece(split, 0, PIECE); piece.length > 0; piece = found.piece(split, at, PIECE)) {
      pieces.push(new Blob([piece]));
      at += piece.length;
    }
  }
  return new Blob(pieces);
}

async function read({ entries, room, sample }) {
  const total = entries.reduce((sum, { file }) => sum + file.size, 0);
  tell("Looking at the files", 0, entries.length, true);
  const { default: start, Gathering, isTooLarge } = await import(new URL("nibble.js", READERS));
  await start({ module_or_path: new URL("nibble_bg.wasm", READERS) });
  const reader = new FileReaderSync();
  let bytes = 0;
  const gathering = new Gathering((number, offset, length) => {
    const { path, file } = entries[number];
    try {
      const part = new Uint8Array(reader.readAsArrayBuffer(file.slice(offset, offset + length)));
      bytes += part.length;
      tell(`Reading ${path.split("/").pop()}`, Math.min(bytes, total), total);
      return part;
    } catch (error) {
      throw new Error(`${path}: the browser could not read it (${error.message}). Was it moved or changed?`);
    }
  });
  for (const { path, file } of entries) gathering.add(path, file.size);
  if (room !== undefined) gathering.setRoom(room);
  if (sample !== undefined) gathering.setSample(sample);
  const reading = gathering.plan((count) => tell("Looking at the files", Math.min(count, entries.length), entries.length));
  await decodeAll(reading, entries, isTooLarge);
  const found = reading.finish();
  const { kind, name, classes, notes, train, leftOut } = found.info();
  return { kind: "set", of: kind, name, classes, notes, train, leftOut, labels: found.labels(), pixels: pixelsOfSet(found) };
}

addEventListener("message", async ({ data }) => {
  if (data.drawing) {
    asked.get(data.drawing)(data.picture);
    asked.delete(data.drawing);
    return;
  }
  try {
    postMessage({ source: await read(data) });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const lost = error instanceof WebAssembly.RuntimeError ? `the reader failed (${message}); there may be too little memory` : message;
    postMessage({ error: lost, most: error?.most });
  }
});
