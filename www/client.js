/**
 * The page's end of the worker: requests with answers, events to listeners, and a watch for a worker that has
 * gone silent. A lost worker can be started anew; what the page has drawn stays.
 */
import { From, To } from "./protocol.js";

/** What may take as long as the network takes. */
const PATIENT = new Set([To.BOOT, To.LOAD]);
/** A trap in a pool thread leaves the worker waiting for ever: told after this long without a sign. */
const SILENCE_MS = 45_000;
const WATCH_INTERVAL_MS = 5_000;

export class Client {
  #worker = null;
  #pending = new Map();
  #lastId = 0;
  #listeners = new Map();
  #lastSign = 0;
  #slowestStep = 0;
  #playing = new Set();
  #watch = null;
  #lookedAt = 0;
  /** Told of every request that was answered well. @type {((type: string, body: object) => void)|null} */
  onAnswer = null;

  /** Calls `listener(body)` for every message named `type` (one of `From`), or "lost" with {message}. */
  on(type, listener) {
    this.#listeners.set(type, listener);
  }

  /** Starts the worker (ending the one before) and the engine in it. Resolves as `To.BOOT` does. */
  start(boot) {
    this.#end("The engine was started anew.");
    this.#slowestStep = 0;
    const worker = new Worker(new URL("./worker/worker.js", import.meta.url), { type: "module", name: "nibble" });
    this.#worker = worker;
    worker.addEventListener("message", ({ data }) => this.#receive(data));
    worker.addEventListener("messageerror", () => this.#lose("A message of the worker could not be read."));
    worker.addEventListener("error", (event) => {
      event.preventDefault();
      this.#lose(event.message ? `The worker failed: ${event.message}` : "The worker's script did not load.");
    });
    this.#lookedAt = performance.now();
    this.#watch = setInterval(() => this.#look(), WATCH_INTERVAL_MS);
    return this.request(To.BOOT, boot);
  }

  /** Asks; resolves with the answer's result, rejects with an Error of its message. */
  request(type, body = {}) {
    return new Promise((resolve, reject) => {
      if (!this.#worker) {
        reject(new Error("The engine is not running."));
        return;
      }
      const id = ++this.#lastId;
      this.#pending.set(id, { resolve, reject, type, body, since: performance.now() });
      this.#worker.postMessage({ type, id, ...body });
    });
  }

  get running() {
    return this.#worker !== null;
  }

  #receive({ type, ...body }) {
    this.#lastSign = performance.now();
    if (type === From.REPLY) {
      const request = this.#pending.get(body.id);
      this.#pending.delete(body.id);
      if ("error" in body) request?.reject(new Error(body.error));
      else if (request) {
        request.resolve(body.result);
        this.onAnswer?.(request.type, request.body);
      }
      return;
    }
    if (type === From.STATUS) {
      if (body.status === "playing") this.#playing.add(body.run);
      else this.#playing.delete(body.run);
    }
    if (type === From.STEPS) this.#slowestStep = Math.max(this.#slowestStep, body.steps.at(-1).ms);
    this.#listeners.get(type)?.(body);
    if (type === From.CRASHED) {
      this.#playing.delete(body.run);
      if (body.fatal) this.#lose(body.message);
    }
  }

  #look() {
    const now = performance.now();
    // A look that comes late itself: the machine or the tab was asleep, and the worker may have been as well.
    if (now - this.#lookedAt > 2 * WATCH_INTERVAL_MS) this.#lastSign = now;
    this.#lookedAt = now;
    const patience = SILENCE_MS + 20 * this.#slowestStep;
    const overdue = [...this.#pending.values()].some(({ type, since }) => !PATIENT.has(type) && now - since > patience);
    if ((this.#playing.size > 0 || overdue) && now - this.#lastSign > patience) {
      this.#lose("The engine has stopped answering.");
    }
  }

  #lose(message) {
    this.#end(message);
    this.#listeners.get("lost")?.({ message });
  }

  #end(why) {
    clearInterval(this.#watch);
    this.#worker?.terminate();
    this.#worker = null;
    this.#playing.clear();
    for (const { reject } of this.#pending.values()) reject(new Error(why));
    this.#pending.clear();
  }
}
