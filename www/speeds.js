/** How fast this device trains, as far as it was seen, remembered for later visits. */

/** Figures by name, which other tabs may add to. */
class Remembered {
  #key;
  /** What is known where the browser keeps nothing. */
  #known = {};

  constructor(key) {
    this.#key = key;
  }

  get figures() {
    try {
      return JSON.parse(localStorage.getItem(this.#key)) ?? this.#known;
    } catch {
      return this.#known;
    }
  }

  learn(figures) {
    this.#known = { ...this.figures, ...figures };
    try {
      localStorage.setItem(this.#key, JSON.stringify(this.#known));
    } catch {
      // It is known until the page is left, then.
    }
  }
}

const models = new Remembered("nibble.speeds");
const computes = new Remembered("nibble.computes");

/** Learns how many images a second the last epochs of runs had. @param {import("./runs.js").RunRecord[]} runs */
export function learnEpochs(runs) {
  for (const { epochs, settings, info } of runs) {
    const secs = epochs.at(-1)?.secs;
    if (secs > 0 && info) models.learn({ [settings.model]: info.images[0] / secs });
  }
}

/** Images a second of a network, if an epoch of it was seen. @returns {number|undefined} */
export const modelSpeed = (model) => models.figures[model];

/** What the speeds of computing in one way or another depend on. */
const caseOf = ({ model, batch, activations, gradients }, { threads, build }) => [model, batch, activations, gradients, threads, build].join(" ");

/** Learns how fast such a run trains by each way to compute. @param {Record<string, number>} speeds images a second */
export const learnComputes = (settings, engine, speeds) => computes.learn({ [caseOf(settings, engine)]: speeds });

/** That, if it was measured. @returns {Record<string, number>|undefined} */
export const computeSpeeds = (settings, engine) => computes.figures[caseOf(settings, engine)];
