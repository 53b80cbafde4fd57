/**
 * The dedicated worker: owns the engine, its thread pool, the data sets and the runs. This file only passes
 * the messages of protocol.js on; the page's thread never computes and this one never draws.
 */
import { From, To } from "../protocol.js";
import { startEngine } from "./engine.js";
import { checkpoint, loadDataset, assertPresent, samplesOf, someOf } from "./loading.js";
import { isFatal } from "./fatal.js";
import { Loop } from "./loop.js";
import { assertRoom, freeBytes } from "./memory.js";
import { AfterTraining } from "./ptq.js";
import { fileOf, Saver } from "./saver.js";
import { Sensing } from "./sensing.js";
import { Speeds } from "./speeds.js";

/** What the engine said, whatever it threw. */
const messageOf = (error) => (error instanceof Error ? error.message : String(error)) || "unknown error";

const tell = (type, body, transfer = []) => postMessage({ type, ...body }, transfer);
const loop = new Loop(tell);
const afterTraining = new AfterTraining(tell);
const sensing = new Sensing(tell);
const speeds = new Speeds(tell);
/** What is asked of a run beside its training, and ends with it. */
const BESIDE = [afterTraining, sensing, speeds];
const saver = new Saver(tell);
loop.after = (id, entry, rests) => saver.after(id, entry, rests);

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

/** What stays in memory beside a run in the place of `replaced`: what these train on goes only once it is there. */
function beside(replaced) {
  const runs = loop.ids.filter((id) => !replaced.includes(id)).map((id) => loop.entry(id).run);
  return { limit, datasets: [...datasets.values()], runs };
}

/** What stays beside a new data set: the runs, and what they train on. */
const besideRuns = () => ({ ...beside([]), datasets: [...new Set(loop.datasetsInUse())].map(datasetOf) });

/** The data set of a handle. */
function datasetOf(handle) {
  const dataset = datasets.get(handle);
  if (!dataset) throw new Error("There is no such data set.");
  return dataset;
}

/** A saved run. @returns {{run: object, history: object}} */
function opened(file, name, dataset, config) {
  const loaded = checkpoint(engine, file, name).load(dataset);
  const history = loaded.history();
  const run = loaded.take();
  if (Object.keys(config).length === 0) return { run, history };
  try {
    return { run: run.fork(config), history };
  } finally {
    run.free();
  }
}

/**
 * Puts a run, fresh or a copy of the run `origin` or trained for `done` steps, in the place `id` of those `replaced`, with all
 * its memory; where it does not get that, they are there as before. Both need not have room at a time: those that go give
 * their memory first, and what they have learnt last.
 */
function put(id, run, dataset, replaced, { origin, done } = {}) {
  try {
    for (const one of replaced) loop.slim(one);
    run.reserve();
  } catch (error) {
    run.free();
    for (const one of replaced) loop.entry(one).run.reserve();
    throw error;
  }
  for (const one of replaced) {
    for (const requests of BESIDE) requests.cancel(one);
    // A run that goes on in its own place is saved on.
    if (one !== origin) saver.leave(one);
    if (one !== id) loop.drop(one);
  }
  loop.put(id, run, dataset, origin, done);
  forgetUnused();
  return { info: run.info(), layers: run.layerReports() };
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
    const dataset = await loadDataset(engine, source, (progress) => tell(From.PROGRESS, progress));
    orFree(dataset, () => assertRoom(dataset.info().name, dataset, besideRuns()));
    lastDataset += 1;
    datasets.set(lastDataset, dataset);
    forgetUnused();
    return { dataset: lastDataset, info: dataset.info(), samples: samplesOf(dataset) };
  },

  [To.ROOM]: () => ({ bytes: Math.max(0, freeBytes(besideRuns())) }),

  [To.CREATE]({ run, dataset, config, alone }) {
    const data = datasetOf(dataset);
    loop.pauseAll();
    const created = new engine.Run(data, config);
    const replaced = loop.ids.filter((id) => alone || id === run);
    orFree(created, () => assertRoom("This run", created, beside(replaced)));
    return put(run, created, dataset, replaced);
  },

  [To.FORK]({ run, from, config }) {
    const { run: original, dataset } = loop.entry(from);
    loop.flush(from);
    const copy = original.fork(config);
    const replaced = loop.ids.filter((id) => id === run);
    orFree(copy, () => assertRoom("The copy", copy, beside(replaced)));
    return put(run, copy, dataset, replaced, { origin: from });
  },

  [To.OPEN]({ run: id, dataset, file, name, config, alone }) {
    const data = datasetOf(dataset);
    loop.pauseAll();
    const { run, history } = opened(file, name, data, config);
    const replaced = loop.ids.filter((other) => alone || other === id);
    orFree(run, () => assertRoom("This run", run, beside(replaced)));
    return { ...put(id, run, dataset, replaced, { done: history.step }), history };
  },

  async [To.KEEP]({ run, key, notes, interval }) {
    await saver.keep(run, key, notes, interval ?? undefined);
    // What was trained while its files were being opened.
    const entry = loop.entry(run);
    if (entry.step > 0) saver.after(run, entry, entry.left === 0);
  },
  [To.NOTE]: ({ run, notes }) => saver.note(run, notes),
  [To.SAVE]({ runs }) {
    for (const id of runs) saver.save(id, loop.entry(id));
  },
  [To.LEAVE]({ runs }) {
    for (const id of runs) saver.leave(id);
  },
  [To.FILE]({ run: id, notes, images = false }) {
    const { run, dataset } = loop.entry(id);
    if (images) assertPresent(datasetOf(dataset));
    return { file: fileOf(run, notes, images) };
  },

  [To.DROP]({ run }) {
    saver.leave(run);
    loop.drop(run);
    for (const requests of BESIDE) requests.cancel(run);
    forgetUnused();
  },

  [To.PLAY]: ({ runs }) => loop.play(runs),
  [To.STEP]: ({ runs }) => loop.play(runs, 1),
  [To.PAUSE]: ({ runs }) => loop.pause(runs),

  [To.OUTLIER]({ run: id, layer, factor }) {
    loop.flush(id);
    const { run } = loop.entry(id);
    const layersBefore = run.layerReports();
    saver.touch(id);
    return { ...run.injectOutlier(layer, factor), layersBefore, layers: run.layerReports() };
  },

  [To.PTQ]({ run: id, quantizations }) {
    const { run, step } = loop.entry(id);
    return afterTraining.start(id, run, step, quantizations);
  },

  [To.SENSE]({ run: id, name, images = 0 }) {
    const { run, step } = loop.entry(id);
    if (name) assertRoom("Measuring", { bytes: () => run.sensingBytes() }, beside([]));
    return sensing.start(id, run, name, images).then((result) => ({ ...result, step }));
  },

  [To.SPEEDS]({ run: id, configs }) {
    const { run } = loop.entry(id);
    return speeds.start(id, run, configs, (copy) => assertRoom("Timing a copy", copy, beside([])));
  },

  [To.SENSE_COSTS]: ({ run }) => ({ costs: loop.entry(run).run.sensingCosts() }),

  [To.AGREEMENT]: ({ truth, others }) => ({ agreements: others.map((other) => [...engine.agreement(truth, other)]) }),

  [To.HEAT_MAPS]: ({ run, pixels }) => ({ maps: loop.entry(run).run.heatMaps(pixels) }),

  [To.PREDICTIONS]({ run: id, label, predicted, limit }) {
    const { run, dataset } = loop.entry(id);
    const images = run.predictions({ label, predicted, limit });
    return { images: images.map((image) => ({ ...image, pixels: datasetOf(dataset).image(run.info().tests, image.index) })) };
  },

  [To.EXPORT]({ run: id, target, images }) {
    const { run, dataset } = loop.entry(id);
    return { ...run.export(target), images: someOf(datasetOf(dataset), images) };
  },

  [To.LEVELS]: ({ of, scheme, bits }) => (of === "weights" ? engine.weightLevels(scheme, bits) : engine.activationLevels(scheme, bits)),

  [To.GRID]: ({ run, layer, grid }) => loop.entry(run).run.gridReport(layer, grid),

  [To.ACTIVATIONS]: ({ run }) => ({ layers: loop.entry(run).run.activationReports() }),

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
