/**
 * How much the layers of a run mind losing bits: measured on a copy of its weights as they are, a piece a turn of the message
 * queue, so that training goes on beside it.
 */
import { From } from "../protocol.js";
import { nextTurn, Requests } from "./beside.js";

export class Sensing extends Requests {
  /**
   * Measures `run`, known as `id`, in the way of that name, with so many images in a batch; without a name it does nothing else
   * than end what is under way.
   * @returns {Promise<object>} {layers, fronts}; empty where a newer request took over
   */
  async start(id, run, name, images) {
    this.cancel(id);
    if (!name) return {};
    const isWanted = this.begin(id);
    const sensing = run.sensing(name, images);
    try {
      for (;;) {
        await nextTurn();
        if (!isWanted()) return {};
        const { done, total, result } = sensing.advance();
        if (result) return result;
        this.tell(From.SENSING, { run: id, name, done, total });
      }
    } finally {
      sensing.free();
    }
  }
}
