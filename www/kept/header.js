/** What the header of a saved run says, read without the engine. The format is that of src/checkpoint. */

import { fromQuery } from "../settings.js";

/** Longest header that is read. */
const MOST_HEADER = 512 << 10;
const LENGTH_BYTES = 8;
const PREFIX = "nibble.";
const NOTES = `${PREFIX}notes`;
/** Of the notes, so far as their step reaches. */
const NOTES_START = 64;
const WEIGHT = ".weight";

/**
 * @typedef {object} About what a saved run says of itself
 * @property {number} format
 * @property {Record<string, string>} settings by their keys, as an address has them
 * @property {{name: string, classes: string[], images: number[], fingerprint: string, kind?: string}} data what it was trained on
 * @property {number} step training steps done
 * @property {number} noted those that the page had heard of when it was saved; 0 where it has no notes (notes.js)
 * @property {boolean} packed it is a network alone
 * @property {Record<string, number>} weights how many each layer has, by its name; of a packed network none are told
 * @property {object[]} epochs {epoch, lr, trainLoss, trainAccuracy, testLoss, testAccuracy, average?} of each
 */

async function headerOf(file) {
  if (file.size < LENGTH_BYTES) return null;
  const length = Number(new DataView(await file.slice(0, LENGTH_BYTES).arrayBuffer()).getBigUint64(0, true));
  if (length > MOST_HEADER || LENGTH_BYTES + length > file.size) return null;
  const header = JSON.parse(await file.slice(LENGTH_BYTES, LENGTH_BYTES + length).text());
  const { __metadata__: metadata, ...tensors } = header;
  const end = Math.max(...Object.values(tensors).map(({ data_offsets: [, last] }) => last));
  // One that is cut short was being written when its page closed.
  return LENGTH_BYTES + length + end === file.size ? { metadata, tensors, begin: LENGTH_BYTES + length } : null;
}

/** The step in the notes of a file. */
async function notedIn(file, { tensors, begin }) {
  const [start, end] = tensors[NOTES]?.data_offsets ?? [0, 0];
  const text = await file.slice(begin + start, begin + Math.min(end, start + NOTES_START)).text();
  return Number(/"step":(\d+)/.exec(text)?.[1] ?? 0);
}

/** What layers multiply by is a tensor of several dimensions. */
function weightsOf(tensors) {
  const found = Object.entries(tensors).filter(([name, { shape }]) => name.endsWith(WEIGHT) && shape.length > 1);
  return Object.fromEntries(found.map(([name, { shape }]) => [name.slice(0, -WEIGHT.length), shape.reduce((a, b) => a * b, 1)]));
}

/** @param {Blob} file @returns {Promise<About|null>} null: no saved run, or not the whole of one */
export async function aboutOf(file) {
  try {
    const header = await headerOf(file);
    if (!header) return null;
    const { metadata, tensors } = header;
    const field = (name) => JSON.parse(metadata[PREFIX + name]);
    const { step } = field("state");
    const noted = await notedIn(file, header);
    return { format: field("format"), settings: field("settings"), data: field("data"), step, noted, packed: `${PREFIX}packed` in metadata, epochs: field("epochs"), weights: weightsOf(tensors) };
  } catch {
    return null;
  }
}

/** The settings of a saved run, the page's own at their defaults; with what this page cannot do of them. @param {About} about */
export const settingsOf = ({ settings }) => fromQuery(new URLSearchParams(settings).toString());
