/** Measures in a worker, as the page trains: one message with the request in, one with the result out. */

const WARM_UP_STEPS = 3;
/** Only training steps are measured; the engine wants some test images all the same. */
const TEST_IMAGES = 100;
const SEED = 1;

async function load({ build, threads }) {
  const folder = new URL(`/pkg/${build}/`, location.href);
  const engine = await import(new URL("nibble.js", folder));
  await engine.default({ module_or_path: new URL("nibble_bg.wasm", folder) });
  if (engine.initThreadPool) await engine.initThreadPool(threads);
  else engine.useCurrentThread?.();
  const info = engine.engineInfo();
  if (info.build !== build || info.threads !== threads) {
    throw new Error(`asked for ${build} with ${threads} threads, got ${info.build} with ${info.threads}`);
  }
  return engine;
}

const median = (values) => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
};

/** Times `Run.advance()` on an epoch that is just long enough. */
function step(engine, { model, quantizer, batch, steps }) {
  const dataset = engine.Dataset.synthetic(batch * (WARM_UP_STEPS + steps), TEST_IMAGES, SEED);
  const run = new engine.Run(dataset, { model, quantizer, batch, epochs: 1, seed: SEED });
  const times = [];
  const phases = {};
  for (let i = 0; i < WARM_UP_STEPS + steps; i++) {
    const start = performance.now();
    const event = run.advance();
    const time = performance.now() - start;
    if (event.kind !== "step" || !Number.isFinite(event.loss)) throw new Error(`step ${i + 1}: ${JSON.stringify(event)}`);
    const spent = run.phases();
    if (i < WARM_UP_STEPS) continue;
    times.push(time);
    for (const [name, ms] of Object.entries(spent)) (phases[name] ??= []).push(ms);
  }
  const result = { step_ms: median(times), phases: {} };
  for (const [name, list] of Object.entries(phases)) result.phases[name] = median(list);
  run.free();
  dataset.free();
  return { ...result, memory_mb: engine.memoryBytes() / 2 ** 20 };
}

const SUBJECTS = { step };

addEventListener("message", async ({ data }) => {
  try {
    postMessage({ result: SUBJECTS[data.subject](await load(data), data) });
  } catch (error) {
    postMessage({ error: error?.message ?? String(error) });
  }
});
