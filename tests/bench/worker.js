/**
 * Measures in a worker, as the page trains. The first message is the request, with a `subject` of {@link SUBJECTS};
 * the answer is `{result}`, or `{error}`. A contestant answers `{ready}` and goes on: each message
 * `{steps}` is answered by `{ms: [...]}`.
 */

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

/** A run on so many steps' worth of built-in images; `config` is whatever else its settings are. */
function start(engine, { model, quantizer, batch, testImages, seed, config }, steps, epochs) {
  const dataset = engine.Dataset.synthetic(batch * steps, testImages, seed);
  return { dataset, run: new engine.Run(dataset, { ...config, model, quantizer, batch, epochs, seed }) };
}

/** One training step: its milliseconds. Test passes on the way there are not counted. */
function trainingStep(run) {
  for (;;) {
    const start = performance.now();
    const event = run.advance();
    const ms = performance.now() - start;
    if (event.kind === "finished") throw new Error(`the run ended after ${event.epoch} epochs`);
    if (event.kind === "step") return ms;
  }
}

/** Times the steps of an epoch that is just long enough. */
function step(engine, request) {
  const { warmUp, steps } = request;
  const { dataset, run } = start(engine, request, warmUp + steps, 1);
  const times = [];
  const phases = {};
  for (let i = 0; i < warmUp + steps; i++) {
    const ms = trainingStep(run);
    const spent = run.phases();
    if (i < warmUp) continue;
    times.push(ms);
    for (const [name, value] of Object.entries(spent)) (phases[name] ??= []).push(value);
  }
  const result = { build: request.build, step_ms: median(times), phases: {} };
  for (const [name, list] of Object.entries(phases)) result.phases[name] = median(list);
  run.free();
  dataset.free();
  return { result: { ...result, memory_mb: engine.memoryBytes() / 2 ** 20 } };
}

/** Steps, and batches of the test pass, of the short epochs by which memory is seen to stay flat. */
const SHORT_EPOCH = { train: 4, test: 2 };

/**
 * Size of the wasm memory, which never shrinks, so that every figure is the peak so far: with so many images loaded,
 * after steps on them, after a whole test pass, then after each of some epochs. An epoch over all images takes minutes
 * and keeps nothing that a short one does not keep, so those are short. For the same reason the images come as two sets,
 * one with the training images and one with the test images: its epoch is over, and its test pass begins, after two
 * steps.
 */
function memory(engine, { model, quantizer, batch, train, test, steps, epochs, seed }) {
  const stages = [];
  const note = (stage) => stages.push({ stage, mb: engine.memoryBytes() / 2 ** 20 });
  const config = { model, quantizer, batch, seed };
  const epoch = (run) => {
    while (run.advance().kind !== "epoch");
  };
  note("the start");
  const training = engine.Dataset.synthetic(train, 2, seed);
  const testing = engine.Dataset.synthetic(2 * batch, test, seed);
  note(`loading ${train} + ${test} images`);

  const trained = new engine.Run(training, { ...config, epochs: 1 });
  for (let i = 0; i < steps; i++) trainingStep(trained);
  note(`${steps} training steps`);
  trained.free();

  const tested = new engine.Run(testing, { ...config, epochs: 1 });
  epoch(tested);
  note(`a test pass over ${test} images`);
  tested.free();

  const short = engine.Dataset.synthetic(SHORT_EPOCH.train * batch, SHORT_EPOCH.test * batch, seed);
  const repeated = new engine.Run(short, { ...config, epochs });
  for (let i = 1; i <= epochs; i++) {
    epoch(repeated);
    note(`short epoch ${i}`);
  }
  return { result: { build: engine.engineInfo().build, stages } };
}

const kernels = (engine, { filter }) => ({ result: engine.benchKernels(filter) });

/** Steps of an epoch of a contestant. */
const PEER_EPOCH = 16;

/** Warms up, then trains as many steps at a time as it is asked for. */
function peer(engine, request) {
  const { run } = start(engine, request, PEER_EPOCH, 1000);
  for (let i = 0; i < request.warmUp; i++) trainingStep(run);
  answer = ({ steps }) => ({ ms: Array.from({ length: steps }, () => trainingStep(run)) });
  const { build, simd, threads } = engine.engineInfo();
  return { ready: `build ${build}, ${simd}, ${threads} threads` };
}

const SUBJECTS = { step, kernels, memory, peer };

/** What answers the next message. */
let answer = async (request) => SUBJECTS[request.subject](await load(request), request);

addEventListener("message", async ({ data }) => {
  try {
    postMessage(await answer(data));
  } catch (error) {
    postMessage({ error: error?.message ?? String(error) });
  }
});
