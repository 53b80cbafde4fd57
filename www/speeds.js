/** How fast this device trains, as far as it was seen, remembered for later visits. */

const KEY = "nibble.speeds";
const COMPUTES = "nibble.computes";

function remembered(key) {
  try {
    return JSON.parse(localStorage.getItem(key)) ?? {};
  } catch {
    return {}; // The browser keeps nothing, or somebody else's.
  }
}

function remember(key, known) {
  try {
    localStorage.setItem(key, JSON.stringify(known));
  } catch {
    // It is known until the page is left, then.
  }
}

const models = remembered(KEY);
const computes = remembered(COMPUTES);

/** Learns how many images a second the last epochs of runs had. @param {import("./runs.js").RunRecord[]} runs */
export function learnEpochs(runs) {
  for (const { epochs, settings, info } of runs) {
    const secs = epochs.at(-1)?.secs;
    if (secs > 0 && info) models[settings.model] = info.images[0] / secs;
  }
  remember(KEY, models);
}

/** Images a second of a network, if an epoch of it was seen. @returns {number|undefined} */
export const modelSpeed = (model) => models[model];

/** What the speeds of computing in one way or another depend on. */
const caseOf = ({ model, batch, activations, gradients }, { threads, build }) => [model, batch, activations, gradients, threads, build].join(" ");

/** Learns how fast such a run trains by each way to compute. @param {Record<string, number>} speeds images a second */
export function learnComputes(settings, engine, speeds) {
  computes[caseOf(settings, engine)] = speeds;
  remember(COMPUTES, computes);
}

/** That, if it was measured. @returns {Record<string, number>|undefined} */
export const computeSpeeds = (settings, engine) => computes[caseOf(settings, engine)];
