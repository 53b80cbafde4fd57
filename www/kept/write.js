/** Writes small and large files to the browser's own file system. */

/**
 * In a worker of its own: every browser with this file system can write there, not every one here.
 * @param {string[]} path folders
 * @param {[name: string, contents: Blob][]} files in the order in which they are written
 */
export function write(path, files) {
  const worker = new Worker(new URL("../worker/keep.js", import.meta.url), { type: "module", name: "nibble-keep" });
  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => (data.error ? reject(new Error(data.error)) : resolve());
    worker.onerror = (event) => {
      event.preventDefault();
      reject(new Error(event.message || "its worker did not start"));
    };
    worker.postMessage({ path, files });
  }).finally(() => worker.terminate());
}
