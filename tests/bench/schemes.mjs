/**
 * Training steps with every scheme, in turn with steps of symmetric weights alone; started by `cargo xtask bench schemes`.
 * Environment: NIBBLE_URL (with this folder at bench/) and CHROMIUM, unless `native` is the program. Options: `kind`, names
 * of {@link KINDS}; `filter`, a part of a scheme's name; `model`, `batch`, `threads`, `rounds`, `build`, `json`.
 */
import { settings } from "../../pkg/registry.js";
import { readOptions } from "./options.mjs";
import { doubts, inBrowser, pairOf, PATIENCE, program } from "./rounds.mjs";
import { table } from "./table.mjs";

const options = readOptions(["batch", "threads", "rounds"], ["kind", "filter", "model", "build", "native", "json"]);
const { model, batch, threads, rounds } = options;

/** What schemes are for -> the settings of the scheme and of its bits, and the bits where it can do them, else its fewest. */
const KINDS = {
  weights: ["quantizer", "bits", 4], activations: ["activations", "actbits", 8], gradients: ["gradients", "gradbits", 8],
  compute: ["compute"],
};
const BASE = "symmetric";

/** Every scheme that rounds, with the task of a contestant that trains with it. */
function schemes(kind) {
  const [row, bitsRow] = KINDS[kind].slice(0, 2).map((key) => settings.find((setting) => setting.key === key));
  const wanted = KINDS[kind][2];
  return row.choices
    .filter(({ name, format }) => format !== "full" && name !== "f32" && name.includes(options.filter))
    .map(({ name, bits }) => {
      if (!bitsRow) return { name, task: { quantizer: BASE, config: { [row.field]: name } } };
      const width = bits.includes(wanted) ? wanted : bits[0];
      return { name, bits: width, task: { quantizer: BASE, [row.key]: name, config: { [row.field]: name, [bitsRow.field]: width } } };
    });
}

/** Sets up a contestant. */
function opener(task) {
  const request = { subject: "peer", model, quantizer: BASE, batch, threads, warmUp: 3, testImages: 2, seed: 1, ...task };
  if (options.native) return () => program(options.native, [JSON.stringify(request)]);
  return () => inBrowser("worker.js", { ...request, build: options.build }, PATIENCE);
}

const results = [];
try {
  for (const kind of options.kind.split(",")) {
    for (const { name, bits, task } of schemes(kind)) {
      const figures = await pairOf([opener(task), opener({})], rounds, `${kind}, ${name}`);
      results.push({ kind, name, bits, model, batch, threads, ...figures });
      if (options.json) console.log(JSON.stringify(results.at(-1)));
    }
  }
  if (results.length === 0) throw new Error(`no scheme has a name with "${options.filter}" in it`);
  if (!options.json) {
    console.log(`\nThe time of a step of ${model} by one with 4-bit ${BASE} weights alone, in ${rounds} pairs of rounds; batch ${batch}; ${results[0].ready[0]}\n`);
    const rows = results.map((row) => [row.kind, row.name, row.bits ?? "", row.this_ms, row.ratio, row.min, row.max]);
    console.log(table(["for", "name", "bits", "ms", "median ratio", "min", "max"], rows));
    console.log(doubts(results));
  }
} catch (error) {
  console.error(`bench: ${error.stack}`);
  process.exitCode = 1;
}
