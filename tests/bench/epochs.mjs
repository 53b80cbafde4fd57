/**
 * Trains on the page itself, in headless Chromium with everything drawn, and writes the log of its epochs; started
 * by `cargo xtask bench epochs`. Environment: NIBBLE_URL, CHROMIUM. Options: `data` (an archive, or a folder of
 * batches; the built-in images without), `log` (a file), `screenshot` (a .png of the page at the
 * end), `search` (the page's settings, as in its address).
 */
import { readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { launch } from "./browser.mjs";

const names = ["data", "log", "screenshot", "search"];
const { values } = parseArgs({ options: Object.fromEntries(names.map((name) => [name, { type: "string" }])) });

/** The files to give to the page's picker. */
function files(path) {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path).filter((name) => !name.startsWith(".")).map((name) => join(path, name));
}

const round = (value, digits) => Number(value.toFixed(digits));

/** An epoch as one line of the log. */
function line({ epoch, lr, trainLoss, trainAccuracy, testLoss, testAccuracy, layers, secs }, images) {
  return {
    epoch, lr,
    trainLoss: round(trainLoss, 4), trainAccuracy: round(trainAccuracy, 4),
    testLoss: round(testLoss, 4), testAccuracy: round(testAccuracy, 4),
    secs: round(secs, 1), images,
    levels: Object.fromEntries(layers.map(({ name, levelsUsed }) => [name, levelsUsed])),
    entropyBits: Object.fromEntries(layers.map(({ name, entropyBits }) => [name, round(entropyBits, 3)])),
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
  await page.goto(`${process.env.NIBBLE_URL}?${values.search ?? ""}`);
  const idle = () => page.waitForFunction(() => globalThis.nibble?.run && !nibble.busy, null, { timeout: 600_000 });
  await idle();
  if (values.data) {
    const before = await page.evaluate(() => nibble.run.data.fingerprint);
    await page.setInputFiles("#files", files(values.data));
    await page.waitForFunction((built) => nibble.run.data.fingerprint !== built && !nibble.busy, before, { timeout: 600_000 });
  }
  const setup = await page.evaluate(() => ({
    engine: ["threads", "simd"].map((fact) => document.getElementById(`engine-${fact}`).textContent.trim()).join(", "),
    data: { ...nibble.run.data, classes: nibble.run.data.classes.length },
    config: nibble.run.info.config,
  }));
  const { config, data } = setup;
  log({ browser: `Chromium ${browser.version()}`, ...setup });
  const start = performance.now();
  await page.click("#play");
  for (let done = 0; done < config.epochs; done++) {
    await page.waitForFunction(
      (count) => nibble.run.epochs.length > count || !["playing", "finished"].includes(nibble.run.status), done,
      { timeout: 0, polling: 500 },
    );
    const epoch = await page.evaluate((index) => nibble.run.epochs[index], done);
    if (!epoch) throw new Error("the run stopped: " + (await page.locator(".notice p").allTextContents()).join(" "));
    log(line(epoch, data.train));
  }
  if (values.screenshot) await page.screenshot({ path: values.screenshot, fullPage: true });
  console.log(`${config.epochs} epochs in ${round((performance.now() - start) / 1000, 1)} s`);
} catch (error) {
  console.error(`epochs: ${error.message}`);
  process.exitCode = 1;
} finally {
  await browser.close();
}
