/** Loads the engine's WebAssembly and starts its thread pool. Runs in the worker. */

/** Beside www/ on a whole-repository host; at the root where www/ itself is the root (".." stops there). */
const PACKAGES = new URL("../../pkg/", import.meta.url);

/** The pool starts in well under a second; a browser that cannot start it may never answer. */
const POOL_TIMEOUT_MS = 20_000;

/**
 * The most memory that shared builds take, as `MAX_MEMORY` in xtask/src/wasm.rs says, and what to try where a browser
 * refuses as much: phones do. In pages of 64 KiB.
 */
const MOST_PAGES = [32_768, 16_384, 8_192];
/** More than any build begins with, less than any grows to. */
const FIRST_PAGES = 64;
const PAGE_BYTES = 65_536;

function sharedMemory() {
  let refused;
  for (const maximum of MOST_PAGES) {
    try {
      return { memory: new WebAssembly.Memory({ initial: FIRST_PAGES, maximum, shared: true }), limit: maximum * PAGE_BYTES };
    } catch (error) {
      refused = error;
    }
  }
  throw refused;
}

function within(promise, ms, what) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} did not answer within ${ms / 1000} s`)), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

async function startBuild(build, threads, isolated) {
  const module = await import(new URL(`${build}/nibble.js`, PACKAGES));
  // The build without threads makes a memory of its own.
  const { memory, limit } = module.initThreadPool ? sharedMemory() : { limit: MOST_PAGES[0] * PAGE_BYTES };
  await module.default({ module_or_path: new URL(`${build}/nibble_bg.wasm`, PACKAGES), memory });
  if (isolated && module.initThreadPool) {
    await within(module.initThreadPool(threads), POOL_TIMEOUT_MS, "The thread pool");
  } else {
    // Without isolation memory cannot be sent to a pool, but the same module runs with a pool of one.
    module.useCurrentThread?.();
  }
  return { module, limit };
}

/**
 * Starts the first of `builds` that this browser takes.
 * @param {string[]} builds folders of pkg/, best first
 * @param {number} threads size of the pool, where there can be one
 * @param {boolean} isolated the page is cross-origin isolated
 * @returns {Promise<{module: object, limit: number, skipped: string[]}>} the module, the bytes that its memory can grow
 *   to, and why earlier builds were passed over
 */
export async function startEngine(builds, threads, isolated) {
  const skipped = [];
  for (const build of builds) {
    try {
      return { ...(await startBuild(build, threads, isolated)), skipped };
    } catch (error) {
      skipped.push(`${build}: ${error?.message ?? error}`);
    }
  }
  throw new Error(`The training engine did not load (${skipped.join("; ")}).`);
}
