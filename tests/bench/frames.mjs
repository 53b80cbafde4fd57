/**
 * How smooth the page is while it trains, in headless Chromium, in the room that the address names; started by `cargo xtask bench
 * frames`. Environment: NIBBLE_URL, CHROMIUM. Options: `seconds` to watch, `search` (the page's settings, as in its
 * address), `json`.
 */
import { parseArgs } from "node:util";
import { launch } from "../e2e/browser.mjs";
import { firstPaint, frames, observe, quantile } from "../e2e/observe.mjs";
import { round } from "./table.mjs";

const names = ["seconds", "search", "json"];
const { values } = parseArgs({ options: Object.fromEntries(names.map((name) => [name, { type: "string" }])) });
const seconds = Number(values.seconds);

/** Training warms up: the engine's code is compiled twice, panels draw for the first time. */
const WARM_UP_MS = 5000;

const browser = await launch();
try {
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  page.on("console", (message) => message.type() === "error" && console.error(message.text()));
  await page.addInitScript(observe);
  const started = performance.now();
  await page.goto(`${process.env.NIBBLE_URL}?${values.search}`);
  await page.waitForFunction(() => globalThis.nibble?.run && !nibble.busy, null, { timeout: 600_000 });
  const interactive = performance.now() - started;
  await page.click("#play");
  await page.waitForTimeout(WARM_UP_MS);
  const { intervals, tasks } = await page.evaluate(frames, 1000 * seconds);
  const run = await page.evaluate(() => ({ status: nibble.run.status, runs: nibble.runs.length, step: nibble.run.globalStep, shift: observed.shift }));
  if (run.status !== "playing") throw new Error(`the training ended early: ${JSON.stringify(run)}`);
  const at = (share) => round(quantile(intervals, share), 1);
  const result = {
    seconds, runs: run.runs, steps: run.step, frames: intervals.length,
    frame_ms: { median: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) },
    tasks_over_50_ms: tasks.map(({ ms }) => ms),
    layout_shift: round(run.shift, 4), first_paint_ms: round(await firstPaint(page), 0), interactive_ms: round(interactive, 0),
  };
  console.log(values.json ? JSON.stringify(result) : Object.entries(result).map(([name, value]) => `${name.padEnd(18)}${JSON.stringify(value)}`).join("\n"));
} catch (error) {
  console.error(`frames: ${error.message}`);
  process.exitCode = 1;
} finally {
  await browser.close();
}
