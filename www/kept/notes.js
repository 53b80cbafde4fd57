/**
 * What the page wants to find again in a saved run beside its losses and the reports of its epochs: the other curves,
 * marks, what it was copied from, first layers. Files of the command line have none.
 */
import { RunRecord, Trace } from "../runs.js";

const VERSION = 1;
/** Settings that say which images. */
const OF_DATA = ["data", "train", "test", "images"];
/** Curves that do not follow from the losses. */
const CURVES = ["trainAccuracy", "gradNorm"];

function base64(floats) {
  const bytes = new Uint8Array(floats.buffer, floats.byteOffset, floats.byteLength);
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}

const floats = (text) => new Float32Array(Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer);

const packed = ({ latent, quantized, ...sizes }) => ({ ...sizes, latent: base64(latent), quantized: base64(quantized) });
const unpacked = ({ latent, quantized, ...sizes }) => ({ ...sizes, latent: floats(latent), quantized: floats(quantized) });

/** @param {RunRecord} run @returns {string} */
export const notesOf = (run) =>
  JSON.stringify({
    version: VERSION,
    step: run.globalStep,
    data: Object.fromEntries(OF_DATA.map((key) => [key, run.settings[key]])),
    curves: Object.fromEntries(CURVES.map((name) => [name, run.curves[name].state])),
    marks: run.marks,
    fork: run.fork,
    alarm: run.alarm,
    last: run.last,
    firstLayers: run.firstLayers,
    filters: [...run.filters].map(([epoch, filters]) => [epoch, packed(filters)]),
  });

/** The notes in a file; {} for none, and for those of a later version. */
export function read(text) {
  try {
    const notes = JSON.parse(text);
    return notes.version === VERSION ? notes : {};
  } catch {
    return {};
  }
}

/**
 * The record of a run that was saved.
 * @param {number} id
 * @param {object} settings it goes on under
 * @param {object} loaded the data that it trains on, see Session
 * @param {{info: object, layers: object[], history: object}} answer see `To.OPEN`
 * @returns {RunRecord}
 */
export function restored(id, settings, loaded, { info, layers, history }) {
  const run = new RunRecord(id, settings, loaded.info, info, layers, loaded);
  const { fork = null, marks = [], alarm = null, last = null, step = 0, firstLayers = layers, curves = {}, filters = [] } = read(history.notes);
  Object.assign(run, { fork, marks, alarm, firstLayers });
  run.filters = new Map(filters.map(([epoch, one]) => [epoch, unpacked(one)]));
  for (const name of CURVES) if (curves[name]) run.curves[name] = Trace.of(curves[name]);
  const epochs = history.epochs.map((text) => JSON.parse(text));
  run.goBackTo(history.step, history.losses, epochs, step === history.step ? last : null);
  return run;
}
