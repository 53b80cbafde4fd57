/** What the header of a saved run says, read without the engine. The format is that of src/checkpoint. */

import { fromQuery } from "../settings.js";

/** Longest header that is read. */
const MOST_HEADER = 512 << 10;
const LENGTH_BYTES = 8;
const PREFIX = "nibble.";

/**
 * @typedef {object} About what a saved run says of itself
 * @property {number} format
 * @property {Record<string, string>} settings by their keys, as an address has them
 * @property {{name: string, classes: string[], images: number[], fingerprint: string, kind?: string}} data what it was trained on
 * @property {number} step training steps done
 * @property {boolean} packed it is a network alone
 * @property {object[]} epochs {epoch, lr, trainLoss, trainAccuracy, testLoss, testAccuracy, average?} of each
 */

async function metadataOf(file) {
  if (file.size < LENGTH_BYTES) return null;
  const length = Number(new DataView(await file.slice(0, LENGTH_BYTES).arrayBuffer()).getBigUint64(0, true));
  if (length > MOST_HEADER || LENGTH_BYTES + length > file.size) return null;
  const header = JSON.parse(await file.slice(LENGTH_BYTES, LENGTH_BYTES + length).text());
  const { __metadata__: metadata, ...tensors } = header;
  const end = Math.max(...Object.values(tensors).map(({ data_offsets: [, last] }) => last));
  // One that is cut short was being written when its page closed.
  return LENGTH_BYTES + length + end === file.size ? metadata : null;
}

/** @param {Blob} file @returns {Promise<About|null>} null: no saved run, or not the whole of one */
export async function aboutOf(file) {
  try {
    const metadata = await metadataOf(file);
    if (!metadata) return null;
    const field = (name) => JSON.parse(metadata[PREFIX + name]);
    const { step } = field("state");
    return { format: field("format"), settings: field("settings"), data: field("data"), step, packed: `${PREFIX}packed` in metadata, epochs: field("epochs") };
  } catch {
    return null;
  }
}

/** The settings of a saved run, the page's own at their defaults; with what this page cannot do of them. @param {About} about */
export const settingsOf = ({ settings }) => fromQuery(new URLSearchParams(settings).toString());
