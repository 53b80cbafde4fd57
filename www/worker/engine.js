/** Loads the engine's WebAssembly and starts its thread pool. Runs in the worker. */

/** Beside www/ on a whole-repository host; at the root where www/ itself is the root (".." stops there). */
const PACKAGES = new URL("../../pkg/", import.meta.url);

/** The pool starts in well under a second; a browser that cannot start it may never answer. */
const POOL_TIMEOUT_MS = 20_000;

function within(promise, ms, what) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} did not answer within ${ms / 1000} s`)), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

async function startBuild(build, threads, isolated) {
  const module = await import(new URL(`${build}/nibble.js`, PACKAGES));
  await module.default({ module_or_path: new URL(`${build}/nibble_bg.wasm`, PACKAGES) });
  if (isolated && module.initThreadPool) {
    await within(module.initThreadPool(threads), POOL_TIMEOUT_MS, "The thread pool");
  } else {
    // Without isolation memory cannot be sent to a pool, but the same module runs with a pool of one.
    module.useCurrentThread?.();
  }
  return module;
}

/**
 * Starts the first of `builds` that this browser takes.
 * @param {string[]} builds folders of pkg/, best first
 * @param {number} threads size of the pool, where there can be one
 * @param {boolean} isolated the page is cross-origin isolated
 * @returns {Promise<{module: object, skipped: string[]}>} the module, and why earlier builds were passed over
 */
export async function startEngine(builds, threads, isolated) {
  const skipped = [];
  for (const build of builds) {
    try {
      return { module: await startBuild(build, threads, isolated), skipped };
    } catch (error) {
      skipped.push(`${build}: ${error?.message ?? error}`);
    }
  }
  throw new Error(`The training engine did not load (${skipped.join("; ")}).`);
}
