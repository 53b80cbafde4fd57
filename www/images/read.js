/** Makes a data set of whatever was dropped: read and decoded in a worker, so that page and training go on. */

import { drawingOf } from "./picture.js";

/**
 * @typedef {object} Entry a file with its place
 * @property {string} path from the dropped or chosen folder on, with slashes
 * @property {File} file
 *
 * @typedef {object} SetSource a source of `To.LOAD`: a data set that was read
 * @property {"set"} kind
 * @property {string} of the engine's kind of data set
 * @property {string} name
 * @property {string[]} classes
 * @property {string[]} notes what its user should know
 * @property {number} train how many of its images are for training; those come first
 * @property {Uint16Array} labels
 * @property {Blob} pixels 3072 bytes an image: the red, the green, then the blue plane
 * @property {[path: string, why: string][]} leftOut files that are not in it
 */

/** Draws for the worker what browsers draw in a page alone. */
async function draw(worker, { drawing, blob }) {
  const picture = await drawingOf(blob).then(createImageBitmap).catch(() => null);
  worker.postMessage({ drawing, picture }, picture ? [picture] : []);
}

/** A worker that gives no sign for so long has ended without a word. */
const SILENCE_MS = 120_000;

/**
 * @param {Entry[]} entries
 * @param {object} how
 * @param {(progress: {label: string, done: number, total: number}) => void} how.progress
 * @param {AbortSignal} [how.signal] ends it
 * @param {number} [how.room] bytes that the images may take
 * @param {number} [how.sample] take only about so many pictures
 * @returns {Promise<SetSource>} rejects with the signal's reason where it was ended
 */
export function readFiles(entries, { progress, signal, room, sample }) {
  const worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module", name: "nibble-readers" });
  let watch = 0;
  const reading = new Promise((resolve, reject) => {
    const fail = (message) => reject(new Error(`The files could not be read: ${message}.`));
    const alive = () => {
      clearTimeout(watch);
      watch = setTimeout(() => fail("the browser has stopped reading them"), SILENCE_MS);
    };
    signal?.throwIfAborted();
    signal?.addEventListener("abort", () => reject(signal.reason));
    worker.onerror = (event) => {
      event.preventDefault();
      fail(event.message || "the reader did not start");
    };
    worker.onmessageerror = () => fail("a message of the reader was lost");
    worker.onmessage = ({ data }) => {
      alive();
      if (data.drawing) draw(worker, data);
      else if (data.error) reject(Object.assign(new Error(data.error), { most: data.most }));
      else if (data.source) resolve(data.source);
      else progress(data);
    };
    alive();
    worker.postMessage({ entries, room, sample });
  });
  return reading.finally(() => {
    clearTimeout(watch);
    worker.terminate();
  });
}
