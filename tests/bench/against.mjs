/**
 * Training steps of this checkout and of another one in turn; started by `cargo xtask bench step --against`. Each is
 * measured by its own bench, whose messages are those of `bench peers`. Environment: CHROMIUM. Options: `batch`, `threads`,
 * `rounds`, `quantizer`, `models`, `json`; `native` with `nativeThat`, the programs, or `build` with `site` and `siteThat`,
 * the addresses of servers that have the checkout's pkg/ and its tests/bench at bench/; or both.
 */
import { parseArgs } from "node:util";
import { DOUBTFUL_LOAD, inBrowser, PATIENCE, program, restingLoad, trainRound, turns } from "./rounds.mjs";
import { median, round, table } from "./table.mjs";

const NUMBERS = ["batch", "threads", "rounds"];
const TEXTS = ["quantizer", "models", "json", "native", "nativeThat", "build", "site", "siteThat"];
const { values } = parseArgs({ options: Object.fromEntries([...NUMBERS, ...TEXTS].map((name) => [name, { type: "string" }])) });
const options = { ...values, ...Object.fromEntries(NUMBERS.map((name) => [name, Number(values[name])])) };
const { batch, threads, rounds, quantizer } = options;

/** Where both are measured -> sets up this checkout's contestant and the other's. */
const PLACES = {
  ...(options.native && {
    native: (task) => [options.native, options.nativeThat].map((path) => () => program(path, [JSON.stringify(task)])),
  }),
  ...(options.build && {
    Chromium: (task) =>
      [options.site, options.siteThat].map((site) => () => inBrowser("worker.js", { ...task, build: options.build }, PATIENCE, "module", site)),
  }),
};

/**
 * Rounds until both begin anew, the other one first: where the system puts a program's memory makes up to two percent, for as
 * long as the program lives.
 */
const ROUNDS_OF_A_LIFE = 3;

/** Medians of the rounds, in ms a step, and the ratios of the pairs. */
async function compare(model, place) {
  const task = { subject: "peer", model, quantizer, batch, threads, warmUp: 3, testImages: 2, seed: 1 };
  const pair = PLACES[place](task).map((open) => ({ open, times: [] }));
  const loads = [];
  const close = async () => {
    for (const contestant of pair) await contestant.place?.close();
  };
  try {
    for (let i = 0; i < rounds; i++) {
      if (i % ROUNDS_OF_A_LIFE === 0) {
        await close();
        for (const contestant of turns(pair, i / ROUNDS_OF_A_LIFE)) Object.assign(contestant, await contestant.open());
      }
      for (const contestant of turns(pair, i)) {
        loads.push(await restingLoad());
        contestant.times.push(median(await trainRound(contestant, 1)));
      }
      console.error(`${model}, ${place}: round ${i + 1} of ${rounds}: ${pair.map(({ times }) => `${round(times[i])} ms`).join(" against ")}`);
    }
  } finally {
    await close();
  }
  const [mine, other] = pair.map(({ times }) => times);
  const ratios = mine.map((ms, i) => ms / other[i]);
  return {
    model, place, quantizer, batch, threads,
    this_ms: round(median(mine)), that_ms: round(median(other)),
    ratio: round(median(ratios), 3), min: round(Math.min(...ratios), 3), max: round(Math.max(...ratios), 3),
    rounds, other_load: round(median(loads)), ready: pair.map(({ ready }) => ready),
  };
}

const results = [];
try {
  for (const model of options.models.split(",")) {
    for (const place of Object.keys(PLACES)) {
      results.push(await compare(model, place));
      if (options.json) console.log(JSON.stringify(results.at(-1)));
    }
  }
  if (!options.json) {
    console.log(`\nThe time of a step, this checkout's by the other's (below 1: this one is faster), in ${rounds} pairs of rounds; ${quantizer} weights, batch ${batch}, ${threads} threads\n`);
    const rows = results.map((row) => [row.model, row.place, row.this_ms, row.that_ms, row.ratio, row.min, row.max]);
    console.log(table(["model", "place", "this, ms", "that, ms", "median ratio", "min", "max"], rows));
    const load = Math.max(...results.map(({ other_load }) => other_load));
    if (load > DOUBTFUL_LOAD) console.log(`\nOther programs kept up to ${round(100 * load, 0)} % of the machine busy while both rested: trust the ratios more than the times, and neither much.`);
  }
} catch (error) {
  console.error(`bench: ${error.stack}`);
  process.exitCode = 1;
}
