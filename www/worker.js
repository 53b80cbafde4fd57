/**
 * The dedicated worker: owns the engine, its thread pool, the data sets and the runs. This file only passes
 * the messages of protocol.js on; the page's thread never computes and this one never draws.
 */
import { From, To } from "./protocol.js";
import { startEngine } from "./worker/engine.js";
import { loadDataset, samplesOf } from "./worker/loading.js";
import { Loop } from "./worker/loop.js";
import { AfterTraining } from "./worker/ptq.js";

/** What the engine said, whatever it threw. */
const messageOf = (error) => (error instanceof Error ? error.message : String(error)) || "unknown error";

const tell = (type, body, transfer = []) => postMessage({ type, ...body }, transfer);
const loop = new Loop(tell);
const afterTraining = new AfterTraining(tell);

/** The engine's module, from BOOT on. */
let engine = null;
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

const answers = {
  async [To.BOOT]({ builds, threads, isolated }) {
    const started = await startEngine(builds, threads, isolated);
    engine = started.module;
    loop.memory = engine.memoryBytes;
    return {
      info: engine.engineInfo(),
      registry: engine.registry(),
      memory: engine.memoryBytes(),
      skipped: started.skipped,
    };
  },

  async [To.LOAD]({ source }) {
    loop.pauseAll();
    const dataset = await loadDataset(engine, source, (progress) => tell(From.PROGRESS, progress));
    lastDataset += 1;
    datasets.set(lastDataset, dataset);
    forgetUnused();
    return { dataset: lastDataset, info: dataset.info(), samples: samplesOf(dataset) };
  },

  [To.CREATE]({ run, dataset, config }) {
    loop.pauseAll();
    const created = new engine.Run(datasets.get(dataset), config);
    afterTraining.cancel(run);
    loop.put(run, created, dataset);
    forgetUnused();
    return { info: created.info(), layers: created.layerReports() };
  },

  [To.FORK]({ run, from, config }) {
    const { run: original, dataset } = loop.entry(from);
    loop.flush(from);
    const copy = original.fork(config);
    afterTraining.cancel(run);
    loop.put(run, copy, dataset, from);
    return { info: copy.info(), layers: copy.layerReports() };
  },

  [To.DROP]({ run }) {
    afterTraining.cancel(run);
    loop.drop(run);
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
  }
});
