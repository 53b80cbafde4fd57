/**
 * Quantization after training: a frozen copy of a run's weights, rounded to ever fewer bits, each time tested on
 * the whole test set. One test batch a turn of the message queue, so that training goes on beside it.
 */
import { From, PTQ_WIDTHS } from "../protocol.js";

const QUANTIZER = "symmetric";

const nextTurn = () =>
  new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });

export class AfterTraining {
  #tell;
  /** Run -> the request that is served; a newer one ends it. */
  #current = new Map();

  /** @param {(type: string, body: object) => void} tell posts to the page */
  constructor(tell) {
    this.#tell = tell;
  }

  /** Ends what is under way for run `id`: its weights are no longer there. */
  cancel(id) {
    this.#current.delete(id);
  }

  /** Tests `run`, known as `id`, at every width. Resolves when done, or when a newer request took over. */
  async start(id, run) {
    const { config } = run.info();
    const frozen = run.fork(config);
    const request = {};
    this.#current.set(id, request);
    try {
      for (const bits of PTQ_WIDTHS) {
        const quantized = bits === null ? null : { quantizer: QUANTIZER, bits, granularity: config.granularity };
        const evaluator = frozen.evaluator(quantized);
        try {
          for (let result = null; result === null; ) {
            await nextTurn();
            if (this.#current.get(id) !== request) return;
            const progress = evaluator.advance();
            result = progress.result;
            this.#tell(From.PTQ, { run: id, bits, ...progress });
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
