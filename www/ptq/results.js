/**
 * What quantizing a run after training gave, scheme by bits. All of it is of the same weights: those of later steps begin
 * anew. No DOM here.
 *
 * @typedef {import("./options.js").Quantization} Quantization
 *
 * @typedef {object} Row a scheme's results, all got under the same options
 * @property {Quantization} quantization any of its tests
 * @property {Map<number, {loss: number, accuracy: number, bits: number}>} results by bits
 * @property {Map<number, string>} refused by bits, why the engine does not test these
 */
import { bitsText, quantizationOf, schemeOf, widthsOf } from "./options.js";

export class AfterTraining {
  /** The weights as they are. @type {{loss: number, accuracy: number, bits: number}|null} */
  full = null;
  /** By the scheme's name. @type {Map<string, Row>} */
  rows = new Map();
  running = false;
  /** Tests asked for last, null: the weights as they are. @type {(Quantization|null)[]} */
  #tests = [];
  /** Rows that have results of these. */
  #begun = new Set();
  /** Tests done, the one under way by its share. */
  #done = 0;
  /** Why the weights as they are cannot be tested. */
  #problem = null;
  #outlier;

  /** @param {import("../runs.js").RunRecord} run whose weights they are, as it is now */
  constructor({ globalStep, outlier }) {
    /** Steps trained when the weights were taken: the page hears of the last ones a little later. */
    this.step = globalStep;
    this.#outlier = outlier;
  }

  /** Whether the run still has these weights. */
  isOf({ globalStep, outlier }) {
    return this.step === globalStep && this.#outlier === outlier;
  }

  /** Schemes are to be tested at each of their widths. @returns {(Quantization|null)[]} the tests, in their order */
  begin(schemes, options) {
    const tests = schemes.flatMap((scheme) => widthsOf(scheme).map((bits) => quantizationOf(scheme, bits, options)));
    this.#tests = this.full ? tests : [null, ...tests];
    this.#begun.clear();
    this.#problem = null;
    this.#done = 0;
    this.running = true;
    return this.#tests;
  }

  /** What `From.PTQ` tells of the test of that place. */
  add({ index, step, done, total, result, problem }) {
    this.step = step;
    this.#done = index + (result || problem ? 1 : done / total);
    const quantization = this.#tests[index];
    if (!result && !problem) return;
    if (!quantization) {
      this.full = result;
      this.#problem = problem ?? null;
      return;
    }
    const { quantizer, bits } = quantization;
    if (!this.#begun.has(quantizer)) this.rows.set(quantizer, { quantization, results: new Map(), refused: new Map() });
    this.#begun.add(quantizer);
    const { results, refused } = this.rows.get(quantizer);
    if (result) results.set(bits, result);
    else refused.set(bits, problem);
  }

  /** What of the tests asked for last the engine has refused, and why, in sentences; "" for nothing. */
  get refusals() {
    const names = new Map(this.#problem ? [[this.#problem, ["the FP32 weights"]]] : []);
    for (const quantizer of this.#begun) {
      for (const [bits, problem] of this.rows.get(quantizer).refused) {
        names.set(problem, [...(names.get(problem) ?? []), `${schemeOf(quantizer).label} at ${bitsText(bits)}`]);
      }
    }
    return [...names].map(([problem, of]) => `Not tested: ${of.join(", ")}. ${problem}.`).join(" ");
  }

  /** Done of what was asked for, 0..1. */
  get share() {
    return this.#tests.length > 0 ? this.#done / this.#tests.length : 0;
  }

  /** Of a scheme, by bits; null: the weights as they are. @returns {Map<number|null, {loss: number, accuracy: number}>} */
  resultsOf(scheme) {
    return new Map([...(this.full ? [[null, this.full]] : []), ...(this.rows.get(scheme)?.results ?? [])]);
  }

  /** The highest accuracy at a width, where there are several to choose from; else NaN. */
  bestAt(bits) {
    const found = [...this.rows.values()].flatMap(({ results }) => results.get(bits)?.accuracy ?? []);
    return found.length > 1 ? Math.max(...found) : NaN;
  }

  /** Every result with what it was got by, as a file has it; the first is that of the weights as they are, 32 bits. */
  get table() {
    const full = this.full ? [{ quantizer: "none", ...this.full }] : [];
    const rows = [...this.rows.values()].flatMap(({ quantization, results }) =>
      [...results.values()].map((result) => ({ ...quantization, ...result })),
    );
    return [...full, ...rows].map((row) => ({ step: this.step, ...row }));
  }
}
