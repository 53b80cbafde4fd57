/**
 * The dedicated worker: owns the engine, its thread pool, the data sets and the runs. This file only passes
 * the messages of protocol.js on; the page's thread never computes and this one never draws.
 */
import { From, To } from "./protocol.js";
import { startEngine } from "./worker/engine.js";
import { loadDataset, samplesOf } from "./worker/loading.js";
import { isFatal, Loop } from "./worker/loop.js";
import { assertRoom } from "./worker/memory.js";
import { AfterTraining } from "./worker/ptq.js";

/** What the engine said, whatever it threw. */
const messageOf = (error) => (error instanceof Error ? error.message : String(error)) || "unknown error";

const tell = (type, body, transfer = []) => postMessage({ type, ...body }, transfer);
const loop = new Loop(tell);
const afterTraining = new AfterTraining(tell);

/** The engine's module, from BOOT on, and the bytes that its memory can grow to. */
let engine = null;
let limit = 0;
/** Loaded data sets by handle. Kept: the newest, and those that a run was made from. */
const datasets = new Map();
let lastDataset = 0;

/** Frees the data sets that no run uses and that are not the newest. */
function forgetUnused() {
  const used = new Set([lastDataset, ...loop.datasetsInUse()]);
  for (const [handle, dataset] of datasets) {
    if (used.has(handle)) continue;
    dataset.free();
    datasets.delete(handle);
  }
}

/** Frees `made` where `check` fails. */
function orFree(made, check) {
  try {
    check();
  } catch (error) {
    made.free();
    throw error;
  }
}

/** What stays in memory without the runs `replaced`: the other runs with their data sets, and the data sets `kept`. */
function beside(replaced, kept) {
  const entries = loop.ids.filter((id) => !replaced.includes(id)).map((id) => loop.entry(id));
  const handles = new Set([...kept, ...entries.map(({ dataset }) => dataset)]);
  return { limit, datasets: [...handles].map((handle) => datasets.get(handle)), runs: entries.map(({ run }) => run) };
}

/** Puts a run, fresh or a copy of the run `origin`, in the place `id`, with all its memory. */
function put(id, run, dataset, origin) {
  afterTraining.cancel(id);
  loop.put(id, run, dataset, origin);
  forgetUnused();
  try {
    run.reserve();
  } catch (error) {
    remove(id);
    throw error;
  }
  return { info: run.info(), layers: run.layerReports() };
}

function remove(id) {
  afterTraining.cancel(id);
  loop.drop(id);
}

const answers = {
  async [To.BOOT]({ builds, threads, isolated }) {
    const started = await startEngine(builds, threads, isolated);
    ({ module: engine, limit } = started);
    loop.memory = engine.memoryBytes;
    return {
      info: engine.engineInfo(),
      memory: engine.memoryBytes(),
      skipped: started.skipped,
    };
  },

  async [To.LOAD]({ source }) {
    loop.pauseAll();
    const dataset = await loadDataset(engine, source, (progress) => tell(From.PROGRESS, progress));
    orFree(dataset, () => assertRoom(dataset.info().name, dataset, beside([], [])));
    lastDataset += 1;
    datasets.set(lastDataset, dataset);
    forgetUnused();
    return { dataset: lastDataset, info: dataset.info(), samples: samplesOf(dataset) };
  },

  [To.CREATE]({ run, dataset, config, alone }) {
    loop.pauseAll();
    const created = new engine.Run(datasets.get(dataset), config);
    const replaced = alone ? loop.ids : [run];
    orFree(created, () => assertRoom("This run", created, beside(replaced, [dataset, lastDataset])));
    for (const id of replaced) remove(id);
    return put(run, created, dataset);
  },

  [To.FORK]({ run, from, config }) {
    const { run: original, dataset } = loop.entry(from);
    loop.flush(from);
    const copy = original.fork(config);
    orFree(copy, () => assertRoom("The copy", copy, beside([run], [dataset, lastDataset])));
    return put(run, copy, dataset, from);
  },

  [To.DROP]({ run }) {
    remove(run);
    forgetUnused();
  },

  [To.PLAY]: ({ runs }) => loop.play(runs),
  [To.STEP]: ({ runs }) => loop.play(runs, 1),
  [To.PAUSE]: ({ runs }) => loop.pause(runs),

  [To.OUTLIER]({ run: id, layer, factor }) {
    loop.flush(id);
    const { run } = loop.entry(id);
    const layersBefore = run.layerReports();
    return { ...run.injectOutlier(layer, factor), layersBefore, layers: run.layerReports() };
  },

  [To.PTQ]: ({ run }) => afterTraining.start(run, loop.entry(run).run),

  [To.PREDICTIONS]({ run: id, label, predicted, limit }) {
    const { run, dataset } = loop.entry(id);
    const images = run.predictions({ label, predicted, limit });
    const data = datasets.get(dataset);
    return { images: images.map((image) => ({ ...image, pixels: data.image("test", image.index) })) };
  },

  [To.FILTERS]: ({ run, layer }) => loop.entry(run).run.filters(layer),

  [To.CLASSIFY]({ run, pixels }) {
    const packed = loop.entry(run).run.packed();
    try {
      return { classes: pixels ? packed.classify(pixels) : [], info: packed.info() };
    } finally {
      packed.free();
    }
  },
};

addEventListener("message", async ({ data: { type, id, ...body } }) => {
  try {
    const result = (await answers[type](body)) ?? {};
    tell(From.REPLY, { id, result });
  } catch (error) {
    tell(From.REPLY, { id, error: messageOf(error) });
    if (isFatal(error)) tell(From.CRASHED, { message: messageOf(error), fatal: true });
  }
});
