/**
 * Training steps of this checkout and of another one in turn; started by `cargo xtask bench step --against`. Each is
 * measured by its own bench, whose messages are those of `bench peers`. Environment: CHROMIUM. Options: `batch`, `threads`,
 * `rounds`, `quantizer`, `models`, `json`; `native` with `nativeThat`, the programs, or `build` with `site` and `siteThat`,
 * the addresses of servers that have the checkout's pkg/ and its tests/bench at bench/; or both.
 */
import { readOptions } from "./options.mjs";
import { doubts, inBrowser, pairOf, PATIENCE, program } from "./rounds.mjs";
import { table } from "./table.mjs";

const options = readOptions(["batch", "threads", "rounds"], ["quantizer", "models", "json", "native", "nativeThat", "build", "site", "siteThat"]);
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

const results = [];
try {
  for (const model of options.models.split(",")) {
    for (const place of Object.keys(PLACES)) {
      const task = { subject: "peer", model, quantizer, batch, threads, warmUp: 3, testImages: 2, seed: 1 };
      const figures = await pairOf(PLACES[place](task), rounds, `${model}, ${place}`);
      results.push({ model, place, quantizer, batch, threads, ...figures });
      if (options.json) console.log(JSON.stringify(results.at(-1)));
    }
  }
  if (!options.json) {
    console.log(`\nThe time of a step, this checkout's by the other's (below 1: this one is faster), in ${rounds} pairs of rounds; ${quantizer} weights, batch ${batch}, ${threads} threads\n`);
    const rows = results.map((row) => [row.model, row.place, row.this_ms, row.that_ms, row.ratio, row.min, row.max]);
    console.log(table(["model", "place", "this, ms", "that, ms", "median ratio", "min", "max"], rows));
    console.log(doubts(results));
  }
} catch (error) {
  console.error(`bench: ${error.stack}`);
  process.exitCode = 1;
}
