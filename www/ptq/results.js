/**
 * What quantizing a run after training gave, scheme by bits. All of it is of the same weights: those of later steps begin
 * anew. No DOM here.
 *
 * @typedef {import("./options.js").Quantization} Quantization
 *
 * @typedef {object} Row a scheme's results, all got under the same options
 * @property {Quantization} quantization any of its tests
 * @property {Map<number, {loss: number, accuracy: number, bits: number}>} results by bits
 */
import { quantizationOf, widthsOf } from "./options.js";

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
  /** Name of the scheme that was tested last. */
  #last = null;
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
    this.#done = 0;
    this.running = true;
    return this.#tests;
  }

  /** What `From.PTQ` tells of the test of that place. */
  add({ index, step, done, total, result }) {
    this.step = step;
    this.#done = index + (result ? 1 : done / total);
    const quantization = this.#tests[index];
    if (!result) return;
    if (!quantization) {
      this.full = result;
      return;
    }
    const { quantizer, bits } = quantization;
    if (!this.#begun.has(quantizer)) this.rows.set(quantizer, { quantization, results: new Map() });
    this.#begun.add(quantizer);
    this.rows.get(quantizer).results.set(bits, result);
    this.#last = quantizer;
  }

  /** Done of what was asked for, 0..1. */
  get share() {
    return this.#tests.length > 0 ? this.#done / this.#tests.length : 0;
  }

  /** Of the scheme tested last, by bits; null: the weights as they are. */
  get results() {
    return this.resultsOf(this.#last);
  }

  /** Of a scheme, likewise. @returns {Map<number|null, {loss: number, accuracy: number}>} */
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
