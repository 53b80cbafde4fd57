/**
 * Runs bench.worker.js in headless Chromium and prints what it measured; started by `cargo xtask bench`.
 * Environment: NIBBLE_URL (with this folder at bench/), CHROMIUM. Options: see `xtask/src/bench/`.
 */
import { parseArgs } from "node:util";
import { launch } from "./browser.mjs";

const names = ["subject", "model", "quantizer", "batch", "threads", "build", "steps", "json"];
const { values } = parseArgs({ options: Object.fromEntries(names.map((name) => [name, { type: "string" }])) });
const { json, ...request } = values;
for (const name of ["batch", "threads", "steps"]) request[name] = Number(request[name]);

/** Runs the worker in a fresh page; an error of it, or of its script, is thrown here. */
async function measure(page) {
  return page.evaluate(
    (wanted) =>
      new Promise((resolve, reject) => {
        const worker = new Worker("bench.worker.js", { type: "module" });
        worker.onerror = (event) => reject(new Error(event.message || "the worker's script did not load"));
        worker.onmessage = ({ data }) => {
          worker.terminate();
          if (data.error) reject(new Error(data.error));
          else resolve(data.result);
        };
        worker.postMessage(wanted);
      }),
    request,
  );
}

const round = (value) => Math.round(value * 100) / 100;

/** The published fields first, in a fixed order. */
function report({ step_ms, phases, memory_mb }) {
  const { model, quantizer, build, threads, batch } = request;
  const rounded = Object.fromEntries(Object.entries(phases).map(([name, ms]) => [name, round(ms)]));
  const img_per_s = round((batch * 1000) / step_ms);
  return { model, quantizer, build, threads, batch, step_ms: round(step_ms), img_per_s, phases: rounded, memory_mb: round(memory_mb) };
}

function table({ phases, ...rest }) {
  const rows = [...Object.entries(rest), ...Object.entries(phases).map(([name, ms]) => [`  ${name} ms`, ms])];
  return rows.map(([name, value]) => `${name.padEnd(16)}${value}`).join("\n");
}

const browser = await launch();
try {
  const page = await browser.newPage();
  page.on("console", (message) => message.type() === "error" && console.error(message.text()));
  await page.goto(new URL("bench/bench.html", process.env.NIBBLE_URL).href);
  const result = report(await measure(page));
  console.log(json ? JSON.stringify(result) : table(result));
} catch (error) {
  console.error(`bench: ${error.message}`);
  process.exitCode = 1;
} finally {
  await browser.close();
}
