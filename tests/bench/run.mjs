/**
 * Measures one subject, in headless Chromium (worker.js) or natively (native.rs), and prints the result; started by
 * `cargo xtask bench`. Environment, for Chromium: NIBBLE_URL (with this folder at bench/), CHROMIUM. Options: see
 * `xtask/src/bench/`; `native` is the program, without it Chromium is used.
 */
import { BrowserWorker, Program } from "./contestants.mjs";
import { reportKernels } from "./kernels.mjs";
import { readOptions } from "./options.mjs";
import { round, table } from "./table.mjs";

const { json, native, ...request } = readOptions(["batch", "threads", "steps", "train", "test", "epochs"], ["subject", "model", "quantizer", "build", "filter", "json", "native"]);
// The steps to warm up are not measured. Only training is: the engine wants some test images all the same.
Object.assign(request, { warmUp: 3, testImages: 100, seed: 1 });

/** The published fields first, in a fixed order. */
function reportStep({ build, step_ms, phases, memory_mb }) {
  const { model, quantizer, threads, batch } = request;
  const img_per_s = round((batch * 1000) / step_ms);
  const rounded = Object.fromEntries(Object.entries(phases).map(([name, ms]) => [name, round(ms)]));
  const result = { model, quantizer, build, threads, batch, step_ms: round(step_ms), img_per_s, phases: rounded };
  // Everything but convolutions and linear layers: batch norm, pooling, loss, weight update, making the batch.
  result.outside_products_pct = round(100 * (1 - phases.products / step_ms), 1);
  if (memory_mb) result.memory_mb = round(memory_mb);
  if (json) return JSON.stringify(result);
  const { phases: parts, ...rest } = result;
  const rows = [...Object.entries(rest), ...Object.entries(parts).map(([name, ms]) => [`  ${name} ms`, ms])];
  return rows.map(([name, value]) => `${name.padEnd(16)}${value}`).join("\n");
}

/** The stages with the peak after each, in MiB, and whether it still grew after the first of the epochs. */
function reportMemory({ build, stages }) {
  const { model, quantizer, threads, batch } = request;
  const peak = Math.max(...stages.map(({ mb }) => mb));
  const flat = stages.at(-1).mb === stages.at(-request.epochs).mb;
  const result = { model, quantizer, build, threads, batch, peak_mb: round(peak, 1), flat_over_epochs: flat };
  if (json) return [...stages.map(({ stage, mb }) => ({ stage, mb: round(mb, 1) })), result].map((row) => JSON.stringify(row)).join("\n");
  const head = `${model}, batch ${batch}, build ${build}, ${threads} threads\n`;
  const foot = `\npeak ${round(peak, 1)} MiB, ${flat ? "flat" : "NOT FLAT"} over ${request.epochs} epochs`;
  return head + table(["after", "MiB"], stages.map(({ stage, mb }) => [stage, round(mb, 1)])) + foot;
}

const REPORTS = { memory: reportMemory, step: reportStep, kernels: (timings) => reportKernels(timings, request, json) };

let place;
try {
  let result;
  if (native) {
    place = new Program(native, [JSON.stringify(request)]);
    ({ result } = await place.next());
  } else {
    place = await BrowserWorker.open("worker.js");
    ({ result } = await place.ask(request));
  }
  console.log(REPORTS[request.subject](result));
} catch (error) {
  console.error(`bench: ${error.message}`);
  process.exitCode = 1;
} finally {
  await place?.close();
}
