/**
 * What the page wants to find again in a saved run beside its losses and the reports of its epochs: the other curves,
 * marks, what it was copied from, first layers. Files of the command line have none.
 */
import { bitsMark, RunRecord, Smooth, Trace } from "../runs.js";

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

/** Filters as text; those of an epoch are noted again and again. @type {WeakMap<object, object>} */
const texts = new WeakMap();

function packed(filters) {
  if (!texts.has(filters)) {
    const { latent, quantized, ...sizes } = filters;
    texts.set(filters, { ...sizes, latent: base64(latent), quantized: base64(quantized) });
  }
  return texts.get(filters);
}

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
    outlier: run.outlier,
    last: run.last,
    gradNorms: run.gradNorms,
    accuracy: run.smooth.accuracy.state,
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
export function restored(id, settings, loaded, answer) {
  try {
    return recordOf(id, settings, loaded, answer, read(answer.history.notes));
  } catch {
    // Notes of another shape than they ever had: somebody has written them by hand.
    return recordOf(id, settings, loaded, answer, {});
  }
}

function recordOf(id, settings, loaded, { info, layers, history }, notes) {
  const run = new RunRecord(id, settings, loaded.info, info, layers, loaded);
  const { fork = null, marks = [], alarm = null, outlier = null, last = null, step = 0, firstLayers = layers } = notes;
  const { curves = {}, filters = [], gradNorms = [], accuracy } = notes;
  // Of the command line's.
  if (marks.length === 0) marks.push(...history.bits.map(({ step: at, bits }) => ({ epoch: at / info.stepsPerEpoch, text: bitsMark(bits) })));
  Object.assign(run, { fork, marks, alarm, outlier, firstLayers, gradNorms });
  run.filters = new Map(filters.map(([epoch, one]) => [epoch, unpacked(one)]));
  for (const name of CURVES) if (curves[name]) run.curves[name] = Trace.of(curves[name]);
  if (accuracy) run.smooth.accuracy = Smooth.of(accuracy);
  const epochs = history.epochs.map((text) => JSON.parse(text));
  run.goBackTo(history.step, history.losses, epochs, step === history.step ? last : null);
  return run;
}
