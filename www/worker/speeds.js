/**
 * How fast a run would train with other settings: copies of it take steps in turn, each in a turn of the message queue, so that
 * training goes on beside them.
 */
import { From } from "../protocol.js";
import { median } from "../stats.js";
import { nextTurn, Requests } from "./beside.js";

/** Steps of a copy that do not count: memory is got and code compiled meanwhile. */
const WARM_UP = 2;
/** Steps of a copy that count. */
const STEPS = 5;

export class Speeds extends Requests {
  /**
   * Times copies of `run`, known as `id`, one for each of `configs`.
   * @param {(copy: object) => void} assertFits throws where a copy has no room
   * @returns {Promise<object>} {speeds: images a second}; empty where a newer request took over
   */
  async start(id, run, configs, assertFits) {
    const isWanted = this.begin(id);
    const copies = [];
    try {
      for (const config of configs) {
        const copy = run.fork(config);
        copies.push(copy);
        assertFits(copy);
        copy.reserve();
      }
      const times = copies.map(() => []);
      const total = (WARM_UP + STEPS) * copies.length;
      for (let done = 0; done < total; ) {
        const i = done % copies.length;
        await nextTurn();
        if (!isWanted()) return {};
        const begun = performance.now();
        // A test pass may be due before the step.
        if (copies[i].advance().kind !== "step") continue;
        times[i].push(performance.now() - begun);
        done += 1;
        this.tell(From.SPEEDS, { run: id, done, total });
      }
      return { speeds: times.map((list, i) => (1000 * configs[i].batch) / median(list.slice(WARM_UP))) };
    } finally {
      for (const copy of copies) copy.free();
    }
  }
}
