/**
 * Trains on the page itself, in headless Chromium, and writes the log of its epochs; started by `cargo xtask bench
 * epochs`. Environment: NIBBLE_URL, CHROMIUM. Options: `data` (an archive, or a folder of batches; the built-in images
 * without), `log` (a file), `screenshot` (a .png of the page at the end), `search` (the page's settings, as in its
 * address), `plots` (`on`, `off`, or `compare`: what drawing costs, from epochs with and without it in turn).
 */
import { readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { launch } from "../e2e/browser.mjs";
import { median, round } from "./table.mjs";

const names = ["data", "log", "screenshot", "search", "plots"];
const { values } = parseArgs({ options: Object.fromEntries(names.map((name) => [name, { type: "string" }])) });

/** The files to give to the page's picker. */
function files(path) {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path).filter((name) => !name.startsWith(".")).map((name) => join(path, name));
}

/** Whether an epoch, counted from 0, is drawn. In a comparison: yes no, no yes, so that a drift meets both alike. */
const drawn = { on: () => true, off: () => false, compare: (epoch) => [true, false, false, true][epoch % 4] }[values.plots];

/**
 * Runs in the page before its scripts. Whatever the page draws it draws in animation frames: an epoch for which `plan`
 * says false gets none. `bench.start()` plays; `bench.ends` gathers the times at which epochs end.
 */
function instrument(plan) {
  const frame = window.requestAnimationFrame.bind(window);
  const held = [];
  let drawing = true;
  window.requestAnimationFrame = (callback) => (drawing ? frame(callback) : held.push(callback));
  const draw = (wanted) => {
    drawing = wanted;
    if (drawing) held.splice(0).forEach(frame);
  };
  const ends = [];
  const watch = () => {
    while (globalThis.nibble.run.epochs.length > ends.length) {
      ends.push(performance.now());
      draw(plan[ends.length] ?? true);
    }
  };
  globalThis.bench = {
    ends,
    start() {
      draw(plan[0]);
      bench.started = performance.now();
      setInterval(watch, 20);
      document.getElementById("play").click();
    },
  };
}

/** An epoch as one line of the log; `secs` is the engine's time, `wallSecs` that from one epoch's end to the next. */
function line({ epoch, lr, trainLoss, trainAccuracy, testLoss, testAccuracy, layers, secs }, images, extra) {
  return {
    epoch, lr,
    trainLoss: round(trainLoss, 4), trainAccuracy: round(trainAccuracy, 4),
    testLoss: round(testLoss, 4), testAccuracy: round(testAccuracy, 4),
    secs: round(secs, 1), ...extra, images,
    levels: Object.fromEntries(layers.map(({ name, levelsUsed }) => [name, levelsUsed])),
    entropyBits: Object.fromEntries(layers.map(({ name, entropyBits }) => [name, round(entropyBits, 3)])),
  };
}

/** What drawing costs; the first two epochs, in which the browser's compilers warm up, are left out. */
function comparison(walls) {
  const WARM_UP = 2;
  const of = (wanted) => walls.filter((_, epoch) => epoch >= WARM_UP && drawn(epoch) === wanted);
  const [on, off] = [of(true), of(false)];
  if (on.length === 0 || off.length === 0) throw new Error(`a comparison takes at least ${WARM_UP + 2} epochs`);
  const [drawnSecs, undrawnSecs] = [median(on), median(off)];
  return {
    plots: "compare", epochs: [on.length, off.length], drawnSecs: round(drawnSecs, 3), undrawnSecs: round(undrawnSecs, 3),
    costPercent: round(100 * (drawnSecs / undrawnSecs - 1), 2),
  };
}

const lines = [];
function log(entry) {
  lines.push(JSON.stringify(entry));
  console.log(lines.at(-1));
  if (values.log) writeFileSync(values.log, `${lines.join("\n")}\n`);
}

const browser = await launch();
try {
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  page.on("console", (message) => message.type() === "error" && console.error(message.text()));
  // More than any run has: the page's own settings say how many there are.
  await page.addInitScript(instrument, Array.from({ length: 1000 }, (_, epoch) => drawn(epoch)));
  await page.goto(`${process.env.NIBBLE_URL}?${values.search ?? ""}`);
  const idle = () => page.waitForFunction(() => globalThis.nibble?.run && !nibble.busy, null, { timeout: 600_000 });
  await idle();
  if (values.data) {
    const before = await page.evaluate(() => nibble.run.data.fingerprint);
    await page.click('[data-tab="data"]');
    await page.setInputFiles("#files", files(values.data));
    await page.waitForFunction((built) => nibble.run.data.fingerprint !== built && !nibble.busy, before, { timeout: 600_000 });
    await page.click('[data-tab="train"]');
  }
  const setup = await page.evaluate(() => ({
    engine: ["threads", "simd"].map((fact) => document.getElementById(`engine-${fact}`).textContent.trim()).join(", "),
    data: { ...nibble.run.data, classes: nibble.run.data.classes.length },
    config: nibble.run.info.config,
  }));
  const { config, data } = setup;
  log({ browser: `Chromium ${browser.version()}`, plots: values.plots, ...setup });
  await page.evaluate(() => bench.start());
  const walls = [];
  for (let done = 0; done < config.epochs; done++) {
    await page.waitForFunction(
      (count) => bench.ends.length > count || !["playing", "finished"].includes(nibble.run.status), done,
      { timeout: 0, polling: 500 },
    );
    const { epoch, wall, memory } = await page.evaluate((index) => {
      const { ends, started } = bench;
      return { epoch: nibble.run.epochs[index], wall: (ends[index] - (ends[index - 1] ?? started)) / 1000, memory: nibble.memory };
    }, done);
    if (!epoch) throw new Error("the run stopped: " + (await page.locator(".notice p").allTextContents()).join(" "));
    walls.push(wall);
    log(line(epoch, data.train, { wallSecs: round(wall, 2), drawn: drawn(done), memoryMb: round(memory / 2 ** 20, 1) }));
  }
  if (values.screenshot) await page.screenshot({ path: values.screenshot, fullPage: true });
  if (values.plots === "compare") log(comparison(walls));
  console.log(`${config.epochs} epochs in ${round(walls.reduce((sum, wall) => sum + wall, 0), 1)} s`);
} catch (error) {
  console.error(`epochs: ${error.message}`);
  process.exitCode = 1;
} finally {
  await browser.close();
}
