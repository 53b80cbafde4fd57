/**
 * The training loop: one unit of a run (a training step, or one batch of the test pass), then a turn of the
 * message queue, so that a pause is answered within a unit. A MessageChannel makes the turns: timers and
 * animation frames are throttled or stopped in hidden tabs, messages are not.
 *
 * Runs side by side share the engine's pool by steps: the one that has fewer goes next, so that they are never
 * more than a step apart once the later one has caught up.
 */
import { From } from "../protocol.js";
import { isFatal } from "./fatal.js";

/** Steps are posted together, at most this often: the page draws no faster. */
const POST_INTERVAL_MS = 33;
/** Reports of the weights cost a pass over them. */
const LAYERS_INTERVAL_MS = 1000;

/**
 * @typedef {object} Entry
 * @property {object} run the engine's Run
 * @property {number} dataset handle of the data it trains on
 * @property {number} left training steps to go before pausing; 0 = paused
 * @property {number} step training steps done in all
 * @property {number} turn of the loop at which it was last served
 * @property {object[]} steps not yet posted
 * @property {number} postedAt
 * @property {number} layersAt
 */

export class Loop {
  /** @type {Map<number, Entry>} */
  #entries = new Map();
  #channel = new MessageChannel();
  #turning = false;
  #turns = 0;
  #tell;
  /** Bytes the engine holds; set once it is loaded. */
  memory = () => 0;
  /** Told after each unit: the run, and whether it has ended an epoch or stands still. @type {(id: number, entry: Entry, rests: boolean) => void} */
  after = () => {};

  /** @param {(type: string, body: object) => void} tell posts to the page */
  constructor(tell) {
    this.#tell = tell;
    this.#channel.port1.onmessage = () => this.#turn();
  }

  /** The numbers of the runs. */
  get ids() {
    return [...this.#entries.keys()];
  }

  datasetsInUse() {
    return [...this.#entries.values()].map((entry) => entry.dataset);
  }

  /** The run of that number. @returns {Entry} */
  entry(id) {
    const entry = this.#entries.get(id);
    if (!entry) throw new Error("There is no such run.");
    return entry;
  }

  /**
   * Puts a run in the place `id`, freeing the one that was there.
   * @param {number} [origin] the run of which it is a copy: it stands where that one does, and trains if that trains
   * @param {number} [done] steps that it has been trained, where it is no copy
   */
  put(id, run, dataset, origin, done = 0) {
    const { step, left } = origin === undefined ? { step: done, left: 0 } : this.entry(origin);
    this.#entries.get(id)?.run.free();
    this.#entries.set(id, { run, dataset, left, step, turn: 0, steps: [], postedAt: 0, layersAt: performance.now() });
    if (left > 0) this.#tell(From.STATUS, { run: id, status: "playing" });
  }

  /** Ends the loop for good. */
  close() {
    this.#channel.port1.close();
  }

  /** Posts what the run has trained so far, so that the page stands where the engine stands. */
  flush(id) {
    this.#postSteps(id, this.entry(id));
  }

  /**
   * Takes from a run what it holds only to train, which is most of its memory: an exact copy without it goes on in its
   * place. `Run.reserve` gives it back.
   */
  slim(id) {
    const entry = this.entry(id);
    const copy = entry.run.fork(entry.run.info().config);
    entry.run.free();
    entry.run = copy;
  }

  /** Frees the run of that number. */
  drop(id) {
    this.entry(id).run.free();
    this.#entries.delete(id);
  }

  /** Trains these runs for `steps` steps each, or until they are paused or finished. All of them, or none is told to. */
  play(ids, steps = Infinity) {
    const entries = ids.map((id) => this.entry(id));
    for (const [i, entry] of entries.entries()) {
      entry.left = steps;
      this.#tell(From.STATUS, { run: ids[i], status: "playing" });
    }
    if (this.#turning || ids.length === 0) return;
    this.#turning = true;
    this.#channel.port2.postMessage(null);
  }

  /** Pauses these runs, as far as they are there; those that are one step behind the others take it first. */
  pause(ids) {
    const playing = ids.filter((id) => this.#entries.get(id)?.left > 0);
    const furthest = Math.max(...playing.map((id) => this.entry(id).step));
    for (const id of playing) {
      const entry = this.entry(id);
      if (entry.step === furthest - 1) entry.left = 1;
      else this.#stop(id, entry, "paused");
    }
  }

  pauseAll() {
    for (const [id, entry] of this.#entries) this.#stop(id, entry, "paused");
  }

  #stop(id, entry, status) {
    if (entry.left === 0) return;
    entry.left = 0;
    this.#postSteps(id, entry);
    // A finished run has just reported them with its last epoch.
    if (status !== "finished") this.#postLayers(id, entry);
    this.#tell(From.STATUS, { run: id, status });
    this.after(id, entry, true);
  }

  #turn() {
    const playing = [...this.#entries].filter(([, entry]) => entry.left > 0);
    if (playing.length === 0) {
      this.#turning = false;
      return;
    }
    // The one that is behind; of those at the same step, the one served longest ago.
    const [id, entry] = playing.reduce((a, b) => (a[1].step - b[1].step || a[1].turn - b[1].turn) <= 0 ? a : b);
    entry.turn = ++this.#turns;
    try {
      this.#unit(id, entry);
    } catch (error) {
      this.#fail(id, error);
    }
    this.#channel.port2.postMessage(null);
  }

  /** A run whose unit failed takes the others into the pause: side by side they stay comparable. */
  #fail(id, error) {
    const entry = this.#entries.get(id);
    entry.left = 0;
    this.#postSteps(id, entry);
    const fatal = isFatal(error);
    // What to do about it depends on the weights as they are.
    if (!fatal) this.#postLayers(id, entry);
    const { kind, step, loss, gradNorm } = error ?? {};
    this.#tell(From.CRASHED, { run: id, message: error?.message ?? String(error), fatal, kind, step, loss, gradNorm });
    if (fatal) return;
    this.after(id, entry, true);
    this.pauseAll();
  }

  #unit(id, entry) {
    const began = performance.now();
    const event = entry.run.advance();
    const ms = performance.now() - began;
    if (event.kind === "step") {
      entry.left -= 1;
      entry.step = event.globalStep;
      entry.steps.push(event);
      const now = performance.now();
      if (now - entry.postedAt >= POST_INTERVAL_MS) this.#postSteps(id, entry);
      if (now - entry.layersAt >= LAYERS_INTERVAL_MS) this.#postLayers(id, entry);
      if (entry.left === 0) {
        entry.left = 1; // so that #stop() sees a run that plays
        this.#stop(id, entry, "paused");
      } else {
        this.after(id, entry, false);
      }
      return;
    }
    this.#postSteps(id, entry);
    if (event.kind === "evaluate") {
      this.#tell(From.EVALUATE, { run: id, epoch: event.epoch, done: event.done, total: event.total, ms });
    } else if (event.kind === "reestimate" || event.kind === "average") {
      this.#tell(From.BESIDE, { run: id, what: event.kind, done: event.done, total: event.total });
    } else if (event.kind === "bits") {
      this.#tell(From.BITS, { run: id, step: event.step, bits: event.bits });
    } else if (event.kind === "epoch") {
      entry.layersAt = performance.now();
      this.#tell(From.EPOCH, { run: id, epoch: event, ms, filters: entry.run.filters(event.layers[0].name) });
      this.after(id, entry, true);
    } else {
      this.#stop(id, entry, "finished");
    }
  }

  #postSteps(id, entry) {
    if (entry.steps.length === 0) return;
    this.#tell(From.STEPS, { run: id, steps: entry.steps, memory: this.memory() });
    entry.steps = [];
    entry.postedAt = performance.now();
  }

  #postLayers(id, entry) {
    this.#tell(From.LAYERS, { run: id, layers: entry.run.layerReports() });
    entry.layersAt = performance.now();
  }
}
