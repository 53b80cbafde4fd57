/**
 * The training loop: one unit of a run (a training step, or one batch of the test pass), then a turn of the
 * message queue, so that a pause is answered within one unit. A MessageChannel makes the turns: timers and
 * animation frames are throttled or stopped in hidden tabs, messages are not.
 */
import { From } from "../protocol.js";

/** Steps are posted together, at most this often: the page draws no faster. */
const POST_INTERVAL_MS = 33;
/** Reports of the weights cost a pass over them. */
const LAYERS_INTERVAL_MS = 1000;

/**
 * @typedef {object} Entry
 * @property {object} run the engine's Run
 * @property {number} dataset handle of the data it trains on
 * @property {number} left training steps to go before pausing; 0 = paused
 * @property {object[]} steps not yet posted
 * @property {number} postedAt
 * @property {number} layersAt
 */

export class Loop {
  /** @type {Map<number, Entry>} */
  #entries = new Map();
  #channel = new MessageChannel();
  #turning = false;
  #next = 0;
  #tell;
  /** Bytes the engine holds; set once it is loaded. */
  memory = () => 0;

  /** @param {(type: string, body: object) => void} tell posts to the page */
  constructor(tell) {
    this.#tell = tell;
    this.#channel.port1.onmessage = () => this.#turn();
  }

  datasetsInUse() {
    return [...this.#entries.values()].map((entry) => entry.dataset);
  }

  /** Puts a fresh run in the place `id`, freeing the one that was there. */
  put(id, run, dataset) {
    this.#entries.get(id)?.run.free();
    this.#entries.set(id, { run, dataset, left: 0, steps: [], postedAt: 0, layersAt: performance.now() });
  }

  /** Trains run `id` for `steps` steps, or until it is paused or finished. */
  play(id, steps = Infinity) {
    const entry = this.#entries.get(id);
    if (!entry) throw new Error("There is no run to train yet.");
    entry.left = steps;
    this.#tell(From.STATUS, { run: id, status: "playing" });
    if (this.#turning) return;
    this.#turning = true;
    this.#channel.port2.postMessage(null);
  }

  pause(id, status = "paused") {
    const entry = this.#entries.get(id);
    if (!entry || entry.left === 0) return;
    entry.left = 0;
    this.#postSteps(id, entry);
    // A finished run has just reported them with its last epoch.
    if (status !== "finished") this.#postLayers(id, entry);
    this.#tell(From.STATUS, { run: id, status });
  }

  pauseAll() {
    for (const id of this.#entries.keys()) this.pause(id);
  }

  #turn() {
    const playing = [...this.#entries].filter(([, entry]) => entry.left > 0);
    if (playing.length === 0) {
      this.#turning = false;
      return;
    }
    const [id, entry] = playing[this.#next++ % playing.length];
    try {
      this.#unit(id, entry);
    } catch (error) {
      entry.left = 0;
      // The engine throws an Error for what it understands; a trap leaves its memory in an unknown state.
      const fatal = error instanceof WebAssembly.RuntimeError || error instanceof RangeError;
      this.#tell(From.CRASHED, { run: id, message: error?.message ?? String(error), fatal });
    }
    this.#channel.port2.postMessage(null);
  }

  #unit(id, entry) {
    const event = entry.run.advance();
    if (event.kind === "step") {
      entry.left -= 1;
      entry.steps.push(event);
      const now = performance.now();
      if (now - entry.postedAt >= POST_INTERVAL_MS) this.#postSteps(id, entry);
      if (now - entry.layersAt >= LAYERS_INTERVAL_MS) this.#postLayers(id, entry);
      if (entry.left === 0) {
        entry.left = 1; // so that pause() sees a run that plays
        this.pause(id);
      }
      return;
    }
    this.#postSteps(id, entry);
    if (event.kind === "evaluate") {
      this.#tell(From.EVALUATE, { run: id, epoch: event.epoch, done: event.done, total: event.total });
    } else if (event.kind === "epoch") {
      entry.layersAt = performance.now();
      this.#tell(From.EPOCH, { run: id, epoch: event });
    } else {
      this.pause(id, "finished");
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
