/**
 * Cross-origin isolation, without which a browser lends a page no shared memory and so no threads. A server
 * that sends the two headers is best; on a plain static host the service worker adds them, which takes one
 * reload. Never more than one: a tab that has reloaded for it once does not do so again.
 */

const RELOADED = "nibble-reloaded-for-threads";
/** Where service workers are blocked, some promises never settle. */
const TIMEOUT_MS = 4000;

const after = (ms) => new Promise((resolve) => setTimeout(resolve, ms, null));

/** Resolves once a service worker is active, null if none will be. */
async function activated() {
  const registration = await navigator.serviceWorker.register(new URL("./sw.js", import.meta.url));
  return registration ? navigator.serviceWorker.ready : null;
}

function reloadedBefore() {
  try {
    return sessionStorage.getItem(RELOADED) !== null;
  } catch {
    return true; // no storage: no way to count, so no reload
  }
}

/**
 * Why the page is on one thread, or null if it is isolated. Resolves never if it reloads.
 * @returns {Promise<string|null>}
 */
export async function isolate() {
  if (globalThis.crossOriginIsolated) return null;
  if (window.top !== window) {
    return "Embedded in a page that is not cross-origin isolated, so training runs on one thread.";
  }
  const lost = "This page is not cross-origin isolated, so training runs on one thread.";
  if (!navigator.serviceWorker) return `${lost} The server would have to send the COOP and COEP headers.`;
  if (reloadedBefore()) return `${lost} Opening it in a new tab may bring the threads back.`;
  const worker = await Promise.race([activated().catch(() => null), after(TIMEOUT_MS)]);
  if (!worker) return `${lost} The service worker that would add the headers is blocked.`;
  sessionStorage.setItem(RELOADED, "1");
  location.reload();
  return new Promise(() => {});
}
