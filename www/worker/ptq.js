/**
 * Quantization after training: a frozen copy of a run's weights, quantized in one way after another, each time tested
 * on the whole test set. One batch a turn of the message queue, so that training goes on beside it.
 */
import { From } from "../protocol.js";
import { nextTurn, Requests } from "./beside.js";

export class AfterTraining extends Requests {
  /** A test, or null where the engine refuses it, as one for which there is no memory, and says why. */
  #evaluator(run, quantization, refused) {
    try {
      return run.evaluator(quantization);
    } catch (error) {
      // Only what it refuses has a kind.
      if (!error.kind) throw error;
      refused(error.message);
      return null;
    }
  }

  /**
   * Tests `run`, known as `id`, in each of these ways; one that the engine refuses is told of, and the next one tried.
   * Resolves when done, or when a newer request took over.
   * @param {number} step how far it is trained
   * @param {(object|null)[]} quantizations see Run.evaluator of the engine
   */
  async start(id, run, step, quantizations) {
    this.cancel(id);
    if (quantizations.length === 0) return;
    const isWanted = this.begin(id);
    const frozen = run.fork(run.info().config);
    try {
      for (const [index, quantization] of quantizations.entries()) {
        const evaluator = this.#evaluator(frozen, quantization, (problem) => {
          this.tell(From.PTQ, { run: id, index, step, done: 0, total: 0, result: null, problem });
        });
        if (!evaluator) continue;
        try {
          for (let result = null; result === null; ) {
            await nextTurn();
            if (!isWanted()) return;
            const progress = evaluator.advance();
            result = progress.result;
            this.tell(From.PTQ, { run: id, index, step, ...progress });
          }
        } finally {
          evaluator.free();
        }
      }
    } finally {
      frozen.free();
    }
  }
}
