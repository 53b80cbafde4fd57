/**
 * The sweep as it is kept on this device: its settings as an address, its values as an address has them, the results by
 * the runs' keys. So a later version of the page reads it as it reads links.
 */
import { SWEEP } from "../keys.js";
import { defaults, fromQuery, parse, presentText, settingOf, toQuery } from "../settings.js";
import { MOST_SEEDS, plan, SWEPT, written } from "./plan.js";

const FORMAT = "nibble-sweep/1";

/**
 * @typedef {object} Kept
 * @property {import("./plan.js").Plan} plan
 * @property {Map<string, import("./results.js").Result>} results
 * @property {boolean} stopped
 * @property {{entry: string, key: string}|null} open the run under way, and the key under which it is kept itself
 */

/** @param {Kept} sweep */
export const pack = ({ plan: of, results, stopped, open }) =>
  JSON.stringify({ format: FORMAT, base: toQuery({ ...defaults(), ...of.base }), rows: written(of), seeds: of.seeds, stopped, open, results: [...results] });

/** What can be read of a result: figures are numbers or absent. */
function resultFrom(one) {
  if (!["done", "diverged", "failed"].includes(one?.state)) return null;
  const number = (value) => (typeof value === "number" ? value : null);
  const { state, why, steps, epochs, testAccuracy, testLoss, trainAccuracy, trainLoss, secs } = one;
  const figures = { testAccuracy, testLoss, trainAccuracy, trainLoss, secs };
  return {
    state, ...(typeof why === "string" ? { why } : {}), steps: number(steps) ?? 0, epochs: number(epochs) ?? 0,
    ...Object.fromEntries(Object.entries(figures).map(([name, value]) => [name, number(value)])),
  };
}

/** @param {string|null} text of `pack` @returns {Kept|null} null where there is none, or none that can be read */
export function unpack(text) {
  try {
    const { format, base, rows, seeds, stopped, open = null, results } = JSON.parse(text ?? "null") ?? {};
    if (format !== FORMAT || !(seeds >= 1 && seeds <= MOST_SEEDS)) return null;
    const read = ([key, texts]) => {
      const setting = settingOf(key);
      const values = texts.map((one) => parse(setting, presentText(key, one)).value);
      if (!SWEPT.includes(setting) || values.includes(undefined)) throw new Error(key);
      return { key: setting.key, values };
    };
    const of = plan(fromQuery(base).settings, rows.map(read), seeds);
    const known = new Set(of.runs.map(({ key }) => key));
    const found = results.map(([key, one]) => [key, resultFrom(one)]).filter(([key, one]) => known.has(key) && one);
    const isOpen = typeof open?.entry === "string" && typeof open.key === "string";
    return { plan: of, results: new Map(found), stopped: stopped === true, open: isOpen ? open : null };
  } catch {
    return null;
  }
}

/** The browser's storage, which may be full, or forbidden in private windows and in frames of other pages. */
export class Keep {
  /** Why nothing is kept, in a sentence; null: it is. @type {string|null} */
  problem = null;
  #closed;

  /** @param {boolean} closed nothing is kept: the page is within another one */
  constructor(closed) {
    this.#closed = closed;
  }

  load() {
    if (this.#closed) return null;
    try {
      return unpack(localStorage.getItem(SWEEP));
    } catch {
      return null;
    }
  }

  /** @param {Kept} sweep */
  save(sweep) {
    if (this.#closed) {
      this.problem = "Within another page nothing is kept: a reload loses this sweep.";
      return;
    }
    try {
      localStorage.setItem(SWEEP, pack(sweep));
      this.problem = null;
    } catch {
      this.problem = "This browser keeps nothing of it, for want of room or in a private window: a reload loses this sweep.";
    }
  }
}
