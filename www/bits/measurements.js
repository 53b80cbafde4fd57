/**
 * How much the layers of a run mind losing bits, by every way that it was measured in. No DOM here.
 *
 * @typedef {import("./assign.js").Measured & {step: number, seconds: number}} Measurement
 */
import { sensitivities } from "../../pkg/registry.js";

/** {name, label, about, source, unit} of each way. */
export const WAYS = sensitivities;

/** The way that the others are held against: it tries what they foretell. */
export const TRUTH = "rounding";

export const wayOf = (name) => WAYS.find((way) => way.name === name);

/** What a measurement says of each layer's losing a bit: [rise, error] one after the other. @param {Measurement} measurement */
export const figuresOf = ({ layers }) => layers.flatMap(({ widths, shown }) => (shown === null ? [] : [widths[shown].rise, widths[shown].error]));

export class Measurements {
  /** By the way's name. @type {Map<string, Measurement>} */
  results = new Map();
  /** By the way's name: how alike it ranks the layers as `TRUTH` does. @type {Map<string, [number, number]>} */
  agreements = new Map();
  /** What each way takes, in seconds, by its name. @type {Map<string, number>} */
  costs = new Map();
  /** The way that is under way; null: none. @type {string|null} */
  running = null;
  /** How far it is, 0..1. */
  share = 0;

  begin(name) {
    this.running = name;
    this.share = 0;
  }

  /** What `From.SENSING` tells. */
  advance({ name, done, total }) {
    if (name === this.running) this.share = total > 0 ? done / total : 0;
  }

  /** @param {string} name @param {Measurement|null} result null: it was ended */
  end(name, result) {
    this.running = null;
    if (result) this.results.set(name, result);
  }

  /** Those that can be held against `TRUTH`. @returns {[string, Measurement][]} */
  get others() {
    return [...this.results].filter(([name]) => name !== TRUTH);
  }
}
