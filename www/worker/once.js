/** A worker for one piece of work. */

/**
 * Starts it, sends it the message, and ends it once it has answered.
 * @param {URL} script
 * @param {string} name
 * @param {object} message
 * @param {Transferable[]} [transfer]
 * @returns {Promise<object>} its answer; rejects with what `error` of it says, and where it does not start
 */
export function answerOf(script, name, message, transfer = []) {
  const worker = new Worker(script, { type: "module", name });
  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => (data.error ? reject(new Error(data.error)) : resolve(data));
    worker.onerror = (event) => {
      event.preventDefault();
      reject(new Error(event.message || "its worker did not start"));
    };
    worker.postMessage(message, transfer);
  }).finally(() => worker.terminate());
}
