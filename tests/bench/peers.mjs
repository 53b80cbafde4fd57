/**
 * One interleaved run of Nibble and other libraries on the same networks; started by `cargo xtask bench peers`.
 * Every contestant is set up once and warmed up; then in each round each of them trains a few steps, one contestant
 * after the other, so that whatever else the machine does meets them all. Environment: NIBBLE_URL (with this folder at
 * bench/, the installed libraries at peers/), CHROMIUM. Options: see `xtask/src/bench/peers.rs`; `native` and `python`
 * are the programs.
 */
import { readFileSync } from "node:fs";
import { cpus } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { BrowserWorker, Program } from "./contestants.mjs";
import { median, round, table } from "./table.mjs";

const NUMBERS = ["batch", "threads", "steps", "rounds", "limit"];
const TEXTS = ["models", "only", "build", "native", "python", "json"];
const { values } = parseArgs({ options: Object.fromEntries([...NUMBERS, ...TEXTS].map((name) => [name, { type: "string" }])) });
const options = { ...values, ...Object.fromEntries(NUMBERS.map((name) => [name, Number(values[name])])) };
const { batch, threads, steps, rounds, limit } = options;

/** Between two contestants, for the threads of the one before to fall asleep, and then to see who else is awake. */
const PAUSE_MS = 100;
const WATCH_MS = 250;
/** More than this share of the machine used by others makes the figures doubtful, and PyTorch's most of all. */
const DOUBTFUL_LOAD = 0.1;
/** A round of a contestant takes at least this long: steps of a few milliseconds say little one by one. */
const ROUND_MS = 1000;
/** Nibble and PyTorch are waited for; a guest has `limit` seconds an answer. */
const PATIENCE = 600;

/** The networks, as Nibble's own presets describe them, and whether their weights are 4-bit. */
const quantizer = (model) => (model.endsWith("4bit") ? "symmetric" : "none");
const layers = (model) => JSON.parse(readFileSync(new URL(`../../src/models/${model}.json`, import.meta.url)));

async function inBrowser(script, request, seconds, type) {
  const place = await BrowserWorker.open(script, type);
  try {
    return { place, seconds, ...(await place.ask(request, seconds, `setting up and a step of ${batch} images`)) };
  } catch (error) {
    await place.close();
    throw error;
  }
}

async function program(path, parameters, environment) {
  const place = new Program(path, parameters, environment);
  try {
    return { place, seconds: PATIENCE, ...(await place.next(PATIENCE)) };
  } catch (error) {
    place.close();
    throw error;
  }
}

/** A library in a browser, with one step to warm up: some are slow. */
const inGuest = (script, task, type) => inBrowser(`peers/${script}`, { ...task, warmUp: 1 }, limit, type);

/** OpenMP's own setting too: it counts before `torch.set_num_threads` is called. */
const pytorch = (layout) => (task) =>
  program(options.python, [new URL("peers/pytorch.py", import.meta.url).pathname, JSON.stringify({ ...task, layout })], {
    OMP_NUM_THREADS: String(threads),
  });

/**
 * `peer`: its name in --only. `open` sets one up for a network, warms it up, and gives `place`, to be asked for steps,
 * `seconds`, the longest wait for an answer, and `ready`, what it is.
 */
const CONTESTANTS = [
  { peer: "nibble-chromium", name: "Nibble, Chromium", open: (task) => inBrowser("worker.js", { ...task, subject: "peer", build: options.build }, PATIENCE) },
  { peer: "nibble-native", name: "Nibble, native", open: (task) => program(options.native, [JSON.stringify({ ...task, subject: "peer" })]) },
  { peer: "pytorch", name: "PyTorch, contiguous", open: pytorch("contiguous") },
  { peer: "pytorch", name: "PyTorch, channels_last", open: pytorch("channels_last") },
  { peer: "jax-js", name: "jax-js, wasm", open: (task) => inGuest("jax.worker.js", task) },
  { peer: "tensorflowjs", name: "TensorFlow.js, wasm", open: (task) => inGuest("tensorflow.worker.js", { ...task, backend: "wasm" }, "classic") },
  { peer: "tensorflowjs", name: "TensorFlow.js, cpu", open: (task) => inGuest("tensorflow.worker.js", { ...task, backend: "cpu" }, "classic") },
  { peer: "convnetjs", name: "ConvNetJS", open: (task) => inGuest("convnet.worker.js", task, "classic") },
];

/** Busy and all time of the cores so far, ms. */
function cores() {
  const times = cpus().map(({ times: { user, nice, sys, irq, idle } }) => ({ busy: user + nice + sys + irq, idle }));
  const sum = (key) => times.reduce((total, core) => total + core[key], 0);
  return { busy: sum("busy"), all: sum("busy") + sum("idle") };
}

/** Waits; gives the share of the machine that was busy meanwhile, though every contestant was at rest. */
async function restingLoad() {
  await sleep(PAUSE_MS);
  const before = cores();
  await sleep(WATCH_MS);
  const after = cores();
  return (after.busy - before.busy) / (after.all - before.all);
}

/** One contestant's round: images a second. */
async function trainRound({ place, seconds }) {
  let [count, total] = [0, 0];
  while (total < ROUND_MS) {
    const { ms } = await place.ask({ steps }, seconds, `${steps} steps of ${batch} images`);
    count += ms.length;
    total = ms.reduce((sum, each) => sum + each, total);
  }
  return (1000 * batch * count) / total;
}

/** Sets all of them up for a network, runs the rounds, and gives an entry for each, those that failed included. */
async function compete(model) {
  const task = { model, layers: layers(model), quantizer: quantizer(model), batch, threads, warmUp: 2, testImages: 2, seed: 1 };
  const wanted = options.only.split(",");
  const entries = CONTESTANTS.filter(({ peer }) => wanted.includes(peer)).map((contestant) => ({ contestant, rates: [] }));
  const loads = [];
  const alive = () => entries.filter((entry) => entry.place);
  const drop = async (entry, error) => {
    entry.why = error.message.split("\n")[0];
    await entry.place?.close();
    entry.place = null;
  };
  try {
    for (const entry of entries) {
      try {
        Object.assign(entry, await entry.contestant.open(task));
      } catch (error) {
        await drop(entry, error);
      }
      progress(`${model}: ${entry.contestant.name}: ${entry.why ?? `ready (${entry.ready})`}`);
    }
    for (let i = 0; i < rounds; i++) {
      const turn = alive();
      // Another one begins each round.
      for (const entry of [...turn.slice(i % turn.length), ...turn.slice(0, i % turn.length)]) {
        loads.push(await restingLoad());
        try {
          entry.rates.push(await trainRound(entry));
        } catch (error) {
          await drop(entry, error);
        }
      }
      progress(`${model}: round ${i + 1} of ${rounds}: ${turn.map(({ contestant, rates }) => `${contestant.name} ${rates[i] ? round(rates[i], 1) : "-"}`).join(", ")}`);
    }
  } finally {
    for (const entry of alive()) await entry.place.close();
  }
  return { entries, load: loads.length > 0 ? median(loads) : 0 };
}

const progress = (text) => console.error(text);

/** Best median of those whose name begins so. */
const best = (results, name) =>
  results.filter((result) => result.contestant.startsWith(name) && result.img_per_s).reduce((a, b) => (a && a.img_per_s >= b.img_per_s ? a : b), null);

/** The published fields: rates in images a second, over the rounds. */
function report(model, { entries, load }) {
  const results = entries.map(({ contestant, rates, ready, why }) => ({
    model, quantizer: quantizer(model), batch, threads, contestant: contestant.name,
    ...(rates.length > 0 && { img_per_s: round(median(rates), 2), min: round(Math.min(...rates), 2), max: round(Math.max(...rates), 2) }),
    rounds: rates.length, other_load: round(load, 2),
    ...(ready && { ready }),
    ...(why && { why }),
  }));
  // ConvNetJS is what its own demo network is measured by.
  for (const [key, name] of [["times_pytorch", "PyTorch"], ["times_convnetjs", "ConvNetJS"]]) {
    const standard = best(results, name);
    if (!standard) continue;
    for (const result of results) if (result.img_per_s) result[key] = round(result.img_per_s / standard.img_per_s, 3);
    standard.best = true;
  }
  return results;
}

function print(model, results) {
  const columns = [
    ["contestant", ({ contestant, best: is }) => contestant + (is && contestant.startsWith("PyTorch") ? " (its best)" : "")],
    ["img/s", ({ img_per_s }) => img_per_s ?? "-"],
    ["min", ({ min }) => min ?? "-"],
    ["max", ({ max }) => max ?? "-"],
    ["x PyTorch", ({ times_pytorch }) => times_pytorch ?? "-"],
    ["x ConvNetJS", ({ times_convnetjs }) => times_convnetjs ?? "-"],
    ["what it is, or why it has no figure", ({ ready, why }) => why ?? ready],
  ].filter(([name, cell]) => !name.startsWith("x ") || results.some((result) => cell(result) !== "-"));
  const bits = quantizer(model) === "none" ? "f32 weights" : "4-bit weights";
  console.log(`\n${model}, ${bits}, batch ${batch}, ${threads} threads: median of ${rounds} rounds of at least ${steps} steps\n`);
  console.log(table(columns.map(([name]) => name), results.map((result) => columns.map(([, cell]) => cell(result)))));
  const [{ other_load }] = results;
  if (other_load > DOUBTFUL_LOAD) {
    console.log(`\nNot to be trusted: other programs kept ${round(100 * other_load, 0)} % of the machine busy while the contestants rested.`);
  }
}

let failed = true;
try {
  for (const model of options.models.split(",")) {
    const results = report(model, await compete(model));
    if (options.json) for (const result of results) console.log(JSON.stringify(result));
    else print(model, results);
    if (results.some(({ contestant, img_per_s }) => contestant.startsWith("Nibble") && !img_per_s)) {
      throw new Error(`Nibble has no figure for ${model}`);
    }
  }
  failed = false;
} catch (error) {
  console.error(`bench: ${error.stack}`);
}
process.exit(failed ? 1 : 0);
