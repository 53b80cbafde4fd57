/**
 * One interleaved run of Nibble and other libraries on the same networks; started by `cargo xtask bench peers`.
 * rounds.mjs says how. Environment: NIBBLE_URL (with this folder at bench/, the installed libraries at peers/), CHROMIUM.
 * Options: see `xtask/src/bench/peers.rs`; `native` and `python` are the programs. A guest has `limit` seconds an answer.
 */
import { readFileSync } from "node:fs";
import { readOptions } from "./options.mjs";
import { DOUBTFUL_LOAD, inBrowser, PATIENCE, program, restingLoad, trainRound, turns } from "./rounds.mjs";
import { median, round, table } from "./table.mjs";

const options = readOptions(["batch", "threads", "steps", "rounds", "limit"], ["models", "only", "build", "native", "python", "json"]);
const { batch, threads, steps, rounds, limit } = options;

/** The networks, as Nibble's own presets describe them, and whether their weights are 4-bit. */
const quantizer = (model) => (model.endsWith("4bit") ? "symmetric" : "none");
const layers = (model) => JSON.parse(readFileSync(new URL(`../../src/models/${model}.json`, import.meta.url)));

/** A library in a browser, with one step to warm up: some are slow. */
const inGuest = (script, task, type) => inBrowser(`peers/${script}`, { ...task, warmUp: 1 }, limit, type);

/** OpenMP's own setting too: it counts before `torch.set_num_threads` is called. */
const pytorch = (layout) => (task) =>
  program(options.python, [new URL("peers/pytorch.py", import.meta.url).pathname, JSON.stringify({ ...task, layout })], {
    OMP_NUM_THREADS: String(threads),
  });

/** Networks whose weights have few bits are trained in integers too. */
const hasFewBits = (model) => quantizer(model) !== "none";
const inIntegers = (task) => ({ ...task, subject: "peer", config: { compute: "int8" } });

/**
 * `peer`: its name in --only. `takes`: whether it can train a network; all of them unless told. `open` sets one up for a
 * network, warms it up, and gives `place`, to be asked for steps, `seconds`, the longest wait for an answer, and `ready`,
 * what it is.
 */
const CONTESTANTS = [
  { peer: "nibble-chromium", name: "Nibble, Chromium", open: (task) => inBrowser("worker.js", { ...task, subject: "peer", build: options.build }, PATIENCE) },
  { peer: "nibble-native", name: "Nibble, native", open: (task) => program(options.native, [JSON.stringify({ ...task, subject: "peer" })]) },
  { peer: "nibble-chromium-int8", name: "Nibble, Chromium, int8", takes: hasFewBits, open: (task) => inBrowser("worker.js", { ...inIntegers(task), build: options.build }, PATIENCE) },
  { peer: "nibble-native-int8", name: "Nibble, native, int8", takes: hasFewBits, open: (task) => program(options.native, [JSON.stringify(inIntegers(task))]) },
  { peer: "pytorch", name: "PyTorch, contiguous", open: pytorch("contiguous") },
  { peer: "pytorch", name: "PyTorch, channels_last", open: pytorch("channels_last") },
  { peer: "jax-js", name: "jax-js, wasm", open: (task) => inGuest("jax.worker.js", task) },
  { peer: "tensorflowjs", name: "TensorFlow.js, wasm", open: (task) => inGuest("tensorflow.worker.js", { ...task, backend: "wasm" }, "classic") },
  { peer: "tensorflowjs", name: "TensorFlow.js, cpu", open: (task) => inGuest("tensorflow.worker.js", { ...task, backend: "cpu" }, "classic") },
  { peer: "convnetjs", name: "ConvNetJS", open: (task) => inGuest("convnet.worker.js", task, "classic") },
];

/** One contestant's round: images a second. */
async function rate(entry) {
  const ms = await trainRound(entry, steps);
  return (1000 * batch * ms.length) / ms.reduce((sum, each) => sum + each, 0);
}

/** Sets all of them up for a network, runs the rounds, and gives an entry for each, those that failed included. */
async function compete(model) {
  const task = { model, layers: layers(model), quantizer: quantizer(model), batch, threads, warmUp: 2, testImages: 2, seed: 1 };
  const wanted = options.only.split(",");
  const entries = CONTESTANTS.filter(({ peer, takes }) => wanted.includes(peer) && (takes?.(model) ?? true)).map((contestant) => ({ contestant, rates: [] }));
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
      for (const entry of turns(turn, i)) {
        loads.push(await restingLoad());
        try {
          entry.rates.push(await rate(entry));
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
