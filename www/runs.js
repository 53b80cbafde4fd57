/**
 * What the page knows of a run: its configuration, its curves, its epochs and its weights' latest report.
 * Filled from the worker's messages, read by everything that draws. No DOM here.
 */

import { roundings } from "./difference.js";

/** Points a curve keeps for drawing: beyond what a plot has pixels for, neighbours are averaged. */
const TRACE_LIMIT = 1600;
/** Steps whose gradient is remembered as it was. */
const LATEST_STEPS = 240;

/** A curve that never holds more than `TRACE_LIMIT` points: when full, neighbours merge two by two. */
export class Trace {
  xs = [];
  ys = [];
  #stride = 1;
  #sum = 0;
  #count = 0;

  /** As plain values, which `Trace.of` takes. */
  get state() {
    return { xs: this.xs, ys: this.ys, stride: this.#stride };
  }

  static of({ xs, ys, stride }) {
    const trace = new Trace();
    Object.assign(trace, { xs, ys });
    trace.#stride = stride;
    return trace;
  }

  push(x, y) {
    this.#sum += y;
    this.#count += 1;
    if (this.#count < this.#stride) return;
    this.xs.push(x);
    this.ys.push(this.#sum / this.#count);
    this.#sum = 0;
    this.#count = 0;
    if (this.xs.length >= TRACE_LIMIT) this.#halve();
  }

  #halve() {
    const { xs, ys } = this;
    const half = xs.length >> 1;
    for (let i = 0; i < half; i++) {
      xs[i] = xs[2 * i + 1];
      ys[i] = (ys[2 * i] + ys[2 * i + 1]) / 2;
    }
    xs.length = half;
    ys.length = half;
    this.#stride *= 2;
  }
}

/** Exponential moving average without the bias of its start. */
export class Smooth {
  #mean = 0;
  #weight = 0;

  /** @param {number} span about how many values it remembers */
  constructor(span) {
    this.keep = 1 - 1 / Math.max(1, span);
  }

  push(value) {
    this.#mean = this.keep * this.#mean + (1 - this.keep) * value;
    this.#weight = this.keep * this.#weight + (1 - this.keep);
    return this.value;
  }

  copy() {
    return Smooth.of(this.state);
  }

  /** As plain values, which `Smooth.of` takes. */
  get state() {
    return { keep: this.keep, mean: this.#mean, weight: this.#weight };
  }

  static of({ keep, mean, weight }) {
    const smooth = new Smooth(1);
    smooth.keep = keep;
    smooth.#mean = mean;
    smooth.#weight = weight;
    return smooth;
  }

  get value() {
    return this.#weight > 0 ? this.#mean / this.#weight : NaN;
  }
}

/** How many steps the drawn training curves remember. */
const span = (stepsPerEpoch) => Math.min(40, Math.max(4, stepsPerEpoch / 12));

/**
 * @typedef {object} Progress
 * @property {number} epoch epoch under way, 1-based; 0 before the first step
 * @property {number} step steps done in it
 * @property {number} stepsPerEpoch
 * @property {number} ended epochs whose test pass is done
 * @property {number} tested images of the test pass done; 0 outside of it
 * @property {number} testTotal
 * @property {{what: string, done: number, total: number}|null} beside what goes with the test pass, see `From.BESIDE`
 */

/** What stands on the time axis where bits were chosen anew. */
export const bitsMark = (bits) => `bits ${bits.replaceAll(",", ", ")}`;

/**
 * @typedef {object} Fork where a run began as a copy of another
 * @property {number} step steps that both have in common
 * @property {number} epoch the same in epochs: where it is on the curves' axis
 * @property {number} ended epochs that had ended by then
 * @property {string} from label of the run that was copied
 *
 * @typedef {object} Alarm loss or gradient were no longer finite
 * @property {number} step the step that was not taken
 * @property {number} loss
 * @property {number} gradNorm
 *
 * @typedef {object} Outlier a weight that was multiplied
 * @property {string} layer
 * @property {number} factor
 * @property {number} step steps trained then
 * @property {object} before LayerReport of its layer
 * @property {object} after the same with the outlier
 */

export class RunRecord {
  /**
   * @param {number} id number of the run in the worker, and its slot: 1 or 2
   * @param {object} settings the settings it was made from (settings.js)
   * @param {object} data DatasetInfo of what it trains on
   * @param {object} info RunInfo of the engine
   * @param {object[]} layers first LayerReports
   * @param {object} loaded that data, see Session
   */
  constructor(id, settings, data, info, layers, loaded) {
    this.id = id;
    this.settings = settings;
    this.data = data;
    this.info = info;
    this.layers = layers;
    /** LayerReports before its first step. */
    this.firstLayers = layers;
    /** First layer's filters at the end of each epoch, see `To.FILTERS`; 0: before the first step. */
    this.filters = new Map();
    /** Which of the two fixed colours it has: 0 or 1. */
    this.slot = id - 1;
    /** The data it trains on: {dataset, info, samples, key, source}. */
    this.loaded = loaded;
    /** Under which it is kept on this device; null: not yet. @type {string|null} */
    this.key = null;
    /** Whether another tab has taken its key: what is newer is here alone. */
    this.stray = false;
    /** Whether a lesson or a sweep trains it: nobody misses it when it is replaced. */
    this.unoffered = false;
    /** What tells it from the other run, or what it rounds: "4-bit", "tanh off". */
    this.label = roundings(settings);
    /** @type {Fork|null} */
    this.fork = null;
    /** What was done to it, and where on the curves' axis. @type {{epoch: number, text: string}[]} */
    this.marks = [];
    /** @type {Alarm|null} */
    this.alarm = null;
    /** @type {Outlier|null} the last one */
    this.outlier = null;
    /** Its layers' bits, where they were chosen anew while it trained. @type {string|null} */
    this.chosenBits = null;
    /** How much its layers mind losing bits. @type {import("./bits/measurements.js").Measurements|null} */
    this.measurements = null;
    /** Its weights quantized after training. @type {import("./ptq/results.js").AfterTraining|null} */
    this.afterTraining = null;
    /** @type {"paused"|"playing"|"finished"|"lost"} */
    this.status = "paused";
    this.globalStep = 0;
    /** Loss of every step, in order. */
    this.losses = [];
    /** Curves over epochs: the batch loss, the same smoothed, smoothed batch accuracy (0..1), gradient norm. */
    this.curves = { batchLoss: new Trace(), trainLoss: new Trace(), trainAccuracy: new Trace(), gradNorm: new Trace() };
    /** Gradient norms of the latest steps. */
    this.gradNorms = [];
    /** EpochEvents so far. */
    this.epochs = [];
    /** So many of these were in the file of a packed network, which has no images of their tests. */
    this.packedEpochs = 0;
    /** The last step. */
    this.last = null;
    /** @type {Progress} */
    this.progress = { epoch: 0, step: 0, stepsPerEpoch: info.stepsPerEpoch, ended: 0, tested: 0, testTotal: info.images[1], beside: null };
    this.smooth = {
      loss: new Smooth(span(info.stepsPerEpoch)),
      accuracy: new Smooth(span(info.stepsPerEpoch)),
      /** Milliseconds that an image takes in training and in a test pass. */
      ms: new Smooth(20),
      testMs: new Smooth(20),
    };
  }

  /**
   * Takes over what it had reported when it was saved.
   * @param {number} step steps done
   * @param {Float64Array} losses of every one of them
   * @param {object[]} epochs EpochReports
   * @param {object|null} last the last step, where it is known
   */
  goBackTo(step, losses, epochs, last) {
    const { stepsPerEpoch, config } = this.info;
    const first = this.fork?.step ?? 0;
    for (let i = first; i < losses.length; i++) {
      const x = (i + 1) / stepsPerEpoch;
      this.losses.push(losses[i]);
      this.curves.batchLoss.push(x, losses[i]);
      this.curves.trainLoss.push(x, this.smooth.loss.push(losses[i]));
    }
    this.epochs = epochs.filter(({ epoch }) => epoch > (this.fork?.ended ?? 0));
    const ended = epochs.at(-1)?.epoch ?? 0;
    const epoch = Math.ceil(step / stepsPerEpoch);
    this.globalStep = step;
    if (step > 0) {
      const lr = epochs.at(-1)?.lr;
      this.last = last ?? { globalStep: step, epoch, step: step - (epoch - 1) * stepsPerEpoch, stepsPerEpoch, loss: losses.at(-1), lr, gradNorm: NaN };
      Object.assign(this.progress, { epoch, step: this.last.step, ended });
    }
    this.status = ended >= config.epochs ? "finished" : "paused";
  }

  /** Whether the engine can show the images of its last test. */
  get showsTest() {
    return this.epochs.length > this.packedEpochs;
  }

  get trained() {
    return this.globalStep > 0;
  }

  /** Its settings are fixed: it has trained, or is about to. */
  get begun() {
    return this.trained || this.status === "playing";
  }

  /** Highest test accuracy so far; NaN before the first epoch's end. */
  get best() {
    return this.epochs.length > 0 ? Math.max(...this.epochs.map(({ testAccuracy }) => testAccuracy)) : NaN;
  }

  /** Where it is on the curves' axis. */
  get epochsTrained() {
    return this.globalStep / this.info.stepsPerEpoch;
  }

  /** Remembers that something was done to it just now. */
  mark(text) {
    this.marks.push({ epoch: this.epochsTrained, text });
  }

  get epochsTotal() {
    return this.info.config.epochs;
  }

  /** The bits of its layers as they are now, as the setting has them. */
  get bits() {
    return this.chosenBits ?? this.settings.bits;
  }

  /** Its layers' bits were chosen anew just now. @param {string} bits */
  changeBits(bits) {
    this.chosenBits = bits;
    this.mark(bitsMark(bits));
  }

  addSteps(steps) {
    for (const step of steps) {
      const x = step.globalStep / step.stepsPerEpoch;
      this.losses.push(step.loss);
      this.curves.batchLoss.push(x, step.loss);
      this.curves.trainLoss.push(x, this.smooth.loss.push(step.loss));
      this.curves.trainAccuracy.push(x, this.smooth.accuracy.push(step.accuracy));
      this.curves.gradNorm.push(x, step.gradNorm);
      this.gradNorms.push(step.gradNorm);
      this.smooth.ms.push(step.ms / step.images);
    }
    this.gradNorms.splice(0, this.gradNorms.length - LATEST_STEPS);
    this.alarm = null;
    const last = steps.at(-1);
    this.last = last;
    this.globalStep = last.globalStep;
    Object.assign(this.progress, { epoch: last.epoch, step: last.step, tested: 0, beside: null });
  }

  /** A batch of what goes with a test pass, see `From.BESIDE`. */
  addBeside({ what, done, total }) {
    this.progress.beside = done < total ? { what, done, total } : null;
  }

  /** A batch of the test pass, see `From.EVALUATE`. */
  addEvaluation({ done, total, ms }) {
    this.smooth.testMs.push(ms / (done - this.progress.tested));
    Object.assign(this.progress, { tested: done, testTotal: total });
  }

  /**
   * @param {object} epoch EpochEvent
   * @param {object} filters of its first layer
   * @param {number} ms of the last batch of its test pass
   */
  addEpoch(epoch, filters, ms) {
    const tested = this.progress.testTotal - this.progress.tested;
    if (tested > 0) this.smooth.testMs.push(ms / tested);
    this.epochs.push(epoch);
    this.filters.set(epoch.epoch, filters);
    this.layers = epoch.layers;
    Object.assign(this.progress, { epoch: epoch.epoch, step: this.info.stepsPerEpoch, ended: epoch.epoch, tested: 0, beside: null });
  }

  /**
   * A record of a copy of this run that was made now: its curves begin here, its steps are counted on.
   * @param {number} id
   * @param {object} settings
   * @param {object} info RunInfo
   * @param {object[]} layers
   */
  forked(id, settings, info, layers) {
    const copy = new RunRecord(id, settings, this.data, info, layers, this.loaded);
    copy.fork = { step: this.globalStep, epoch: this.epochsTrained, ended: this.progress.ended, from: this.label };
    copy.globalStep = this.globalStep;
    copy.marks = [{ epoch: copy.fork.epoch, text: "fork" }];
    copy.progress = { ...this.progress };
    copy.status = this.status;
    copy.last = this.last;
    copy.gradNorms = [...this.gradNorms];
    copy.outlier = this.outlier;
    copy.chosenBits = this.chosenBits;
    for (const key of Object.keys(this.smooth)) copy.smooth[key] = this.smooth[key].copy();
    return copy;
  }

  /** It goes on under other settings, with what it has learnt and the curves it has. */
  goOn(settings, info, layers, text) {
    // Other bits are what somebody asked for now.
    if (settings.bits !== this.settings.bits) this.chosenBits = null;
    // What was tested or measured was so under other settings.
    Object.assign(this, { settings, info, layers, alarm: null, afterTraining: null, measurements: null });
    this.mark(text);
  }

  /** Seconds of work from here to the end of epoch `epoch`: of its steps, of its test passes. NaN: not known yet. */
  work(epoch = this.epochsTotal) {
    const { stepsPerEpoch, ended, tested, testTotal } = this.progress;
    const steps = Math.max(0, epoch * stepsPerEpoch - this.globalStep);
    const images = Math.max(0, (epoch - ended) * testTotal - tested);
    const { ms, testMs } = this.smooth;
    return {
      steps: steps > 0 ? (steps * this.info.config.batch * ms.value) / 1000 : 0,
      test: images > 0 ? (images * testMs.value) / 1000 : 0,
    };
  }
}

const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);

/**
 * Seconds left: of the epoch that the run behind is in, its steps and its test pass, and of all that there is to
 * train. Runs take turns on one engine, so each waits for the work of the others. NaN: not known yet.
 * @param {RunRecord[]} runs
 * @param {RunRecord} behind the one that has trained least
 */
export function timeLeft(runs, behind) {
  const epoch = Math.max(1, behind.progress.epoch);
  const here = runs.map((run) => run.work(epoch));
  const all = runs.map((run) => run.work());
  return {
    epoch: sum(here.map(({ steps }) => steps)),
    test: sum(here.map(({ test }) => test)),
    // Before the first test pass only the steps are known.
    run: sum(all.map(({ steps, test }) => steps + (test || 0))),
  };
}

/** Images that the engine trains a second, whichever runs they are for; NaN before the first step. */
export function speedOf(runs) {
  const least = Math.min(...runs.map(({ globalStep }) => globalStep));
  // While one catches up, all turns are its own.
  const taking = runs.filter(({ globalStep }) => globalStep <= least + 1);
  return (1000 * taking.length) / sum(taking.map(({ smooth }) => smooth.ms.value));
}
