/**
 * How much the layers of a run mind losing bits: measured on a copy of its weights as they are, a piece a turn of the message
 * queue, so that training goes on beside it.
 */
import { From } from "../protocol.js";
import { nextTurn } from "./turn.js";

export class Sensing {
  #tell;
  /** Run -> the request that is served; a newer one ends it. */
  #current = new Map();

  /** @param {(type: string, body: object) => void} tell posts to the page */
  constructor(tell) {
    this.#tell = tell;
  }

  /** Ends what is under way for run `id`. */
  cancel(id) {
    this.#current.delete(id);
  }

  /**
   * Measures `run`, known as `id`, in the way of that name, with so many images in a batch; none: does nothing else than end what is under way.
   * @returns {Promise<object>} {layers, fronts}; empty where a newer request took over
   */
  async start(id, run, name, images) {
    this.cancel(id);
    if (!name) return {};
    const request = {};
    this.#current.set(id, request);
    const sensing = run.sensing(name, images);
    try {
      for (;;) {
        await nextTurn();
        if (this.#current.get(id) !== request) return {};
        const { done, total, result } = sensing.advance();
        if (result) return result;
        this.#tell(From.SENSING, { run: id, name, done, total });
      }
    } finally {
      sensing.free();
      if (this.#current.get(id) === request) this.cancel(id);
    }
  }
}
