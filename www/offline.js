/** Keeps the page on the device, so that it opens without a network, and tells how that stands. */

/** Where service workers are blocked, some promises never settle. */
const TIMEOUT_MS = 120_000;

/**
 * Asks the service worker to keep this version of the page. Quiet where that cannot be: the page then simply
 * needs the network.
 * @returns {Promise<{version: string} | {error: string}>}
 */
export async function keepOffline() {
  try {
    if (!navigator.serviceWorker) return { error: "this browser has no service workers here" };
    const registration = await navigator.serviceWorker.register(new URL("./sw.js", import.meta.url));
    if (!registration) return { error: "the service worker is blocked" };
    const { active } = await navigator.serviceWorker.ready;
    const { port1, port2 } = new MessageChannel();
    return await new Promise((resolve) => {
      setTimeout(resolve, TIMEOUT_MS, { error: "the service worker does not answer" });
      port1.onmessage = ({ data }) => resolve(data);
      active.postMessage("keep", [port2]);
    });
  } catch (error) {
    return { error: error.message };
  }
}
