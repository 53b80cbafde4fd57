/** Work that goes on beside the training: a piece of it, then a turn of the message queue, as long as it is wanted. */

export const nextTurn = () =>
  new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });

/** What is asked of runs, each one thing at a time: a newer request ends it. */
export class Requests {
  /** Run -> the request that is served. */
  #current = new Map();

  /** @param {(type: string, body: object) => void} tell posts to the page */
  constructor(tell) {
    this.tell = tell;
  }

  /** Ends what is under way for run `id`: it is no longer there, or nobody waits any more. */
  cancel(id) {
    this.#current.delete(id);
  }

  /** @returns {() => boolean} whether this request is still wanted */
  begin(id) {
    const request = {};
    this.#current.set(id, request);
    return () => this.#current.get(id) === request;
  }
}
