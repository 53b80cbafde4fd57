/**
 * The page's main path in stock Firefox, driven over WebDriver BiDi. Environment: NIBBLE_URL, NIBBLE_URL_PLAIN,
 * FIREFOX (the program), or FIREFOX_MISSING (why there is none: the tests are then counted as not run).
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, test } from "node:test";
import puppeteer from "puppeteer-core";
import { FATES, fates, MODULE } from "./fates.mjs";

const { NIBBLE_URL, NIBBLE_URL_PLAIN, FIREFOX = "firefox-esr", FIREFOX_MISSING } = process.env;
const PATIENCE = { timeout: 180_000 };
const rest = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Until the page trains with threads. One that is not isolated yet loads itself anew, and what waits in the old one may wait for ever: each look is its own. */
async function ready(page) {
  const end = Date.now() + PATIENCE.timeout;
  for (let state = null; !state?.ready; await rest(100)) {
    assert.ok(Date.now() < end, `not ready: ${JSON.stringify(state)}`);
    const look = page.evaluate(() => ({ ready: Boolean(crossOriginIsolated && globalThis.nibble?.run && !nibble.busy), isolated: crossOriginIsolated, said: document.body?.innerText.slice(0, 200) }));
    state = await Promise.race([look.catch((error) => ({ error: String(error) })), rest(5000)]);
  }
}

/** Until `condition` holds in the page. The driver's own waiting makes functions of texts there, which the page's policy refuses. */
async function until(page, condition) {
  const end = Date.now() + PATIENCE.timeout;
  while (!(await page.evaluate(condition))) {
    assert.ok(Date.now() < end, `never: ${condition}`);
    await rest(100);
  }
}

const RUN = { train: 640, test: 100, batch: 32, epochs: 6, lr: 0.002, augment: 0 };

let browser = null;
const theBrowser = async () =>
  (browser ??= await puppeteer.launch({
    browser: "firefox",
    executablePath: FIREFOX,
    headless: true,
    // The profile's crash reporter and first-run pages have no part in a test.
    extraPrefsFirefox: { "browser.tabs.crashReporting.sendReport": false },
  }));
after(() => browser?.close());

/** A test that is counted as not run, with the reason, where there is no Firefox. */
const firefox = (name, body) => test(`Firefox: ${name}`, { skip: FIREFOX_MISSING }, body);

/** Opens the page in a profile of its own; any error of it fails the test. */
async function open(t, { url = NIBBLE_URL, settings = RUN, viewport = { width: 1440, height: 900 } } = {}) {
  const context = await (await theBrowser()).createBrowserContext();
  const page = await context.newPage();
  const problems = [];
  page.on("console", (message) => message.type() === "error" && problems.push(`console: ${message.text()}`));
  page.on("pageerror", (error) => problems.push(`uncaught: ${error.message}`));
  t.after(async () => {
    await context.close();
    assert.deepEqual(problems, [], "the page had problems");
  });
  await page.setViewport(viewport);
  await page.goto(`${url}?${new URLSearchParams(settings)}`, { timeout: PATIENCE.timeout });
  await ready(page);
  return page;
}

const steps = (page) => page.evaluate(() => nibble.run.globalStep);
const losses = (page) => page.evaluate(() => nibble.run.losses);
const mean = (numbers) => numbers.reduce((sum, number) => sum + number, 0) / numbers.length;

/** Pixels of the canvases under `selector` that have a colour: axes and their lines are grey. */
const ink = (page, selector) =>
  page.evaluate((where) => {
    let count = 0;
    for (const canvas of document.querySelectorAll(`${where} canvas`)) {
      const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
      for (let i = 0; i < data.length; i += 4) {
        const [red, green, blue, alpha] = data.subarray(i, i + 4);
        if (alpha > 200 && Math.max(red, green, blue) - Math.min(red, green, blue) > 60) count += 1;
      }
    }
    return count;
  }, selector);

firefox("isolated, with threads: trains by pointer, the loss falls, plots are drawn", async (t) => {
  const page = await open(t);
  const engine = await page.evaluate(() => ({ isolated: crossOriginIsolated, cores: navigator.hardwareConcurrency, ...nibble.engine }));
  assert.ok(engine.isolated, "not isolated");
  assert.equal(engine.threads, engine.cores);
  const before = await ink(page, "#loss");
  await page.click("#play");
  await until(page, () => nibble.run.epochs.length >= 2);
  await page.click("#play");
  await until(page, () => nibble.run.status === "paused");
  const all = await losses(page);
  const [first, last] = [mean(all.slice(0, 10)), mean(all.slice(-10))];
  assert.ok(last < 0.9 * first, `loss ${first} -> ${last}`);
  assert.ok((await ink(page, "#loss")) > before + 200, "no curve in the loss plot");
  assert.ok((await ink(page, "#accuracy")) > 200, "no curve in the accuracy plot");
  const layers = await page.evaluate(() => nibble.run.layers.map(({ levelsUsed }) => levelsUsed));
  assert.ok(layers.every((used) => used >= 2 && used <= 15), `levels ${layers}`);
  await page.click("#menu > summary");
  await page.click("#reset");
  await until(page, () => nibble.run.globalStep === 0 && !nibble.busy);
});

firefox("by keyboard alone, on a narrow screen: a setting, a step, its place in the address", async (t) => {
  const page = await open(t, { viewport: { width: 390, height: 844 } });
  const focused = () => page.evaluate(() => document.activeElement.id || document.activeElement.tagName);
  const tabTo = async (id) => {
    for (let presses = 0; presses < 80; presses++) {
      if ((await focused()) === id) return;
      await page.keyboard.press("Tab");
    }
    assert.fail(`the tab key does not reach #${id}`);
  };
  await tabTo("step");
  await page.keyboard.press("Enter");
  await until(page, () => nibble.run.globalStep === 1 && nibble.run.status === "paused");
  await tabTo("set-bits");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Tab");
  await until(page, () => /bits=3/.test(location.search));
  const { scroll, client } = await page.evaluate(() => ({
    scroll: document.documentElement.scrollWidth,
    client: document.documentElement.clientWidth,
  }));
  assert.ok(scroll <= client, `the page is ${scroll} px wide in ${client}`);
});

firefox("a plain host: isolated by the service worker, and the same losses as with the headers", async (t) => {
  const settings = { ...RUN, build: "simd" };
  const first = async (url) => {
    const page = await open(t, { url, settings });
    await page.click("#play");
    await until(page, () => nibble.run.globalStep >= 3);
    return (await losses(page)).slice(0, 3);
  };
  assert.deepEqual(await first(NIBBLE_URL_PLAIN), await first(NIBBLE_URL));
});

firefox("a trap or an error from within the engine's own calls has lost it, others have not", async (t) => {
  const page = await open(t, { settings: { ...RUN, train: 100, build: "single" } });
  // As a text, because the page's policy lets nothing make functions of texts.
  const seen = await page.evaluate(`import("./worker/fatal.js").then(({ isFatal }) => (${fates})(${JSON.stringify(MODULE)}, isFatal))`);
  assert.deepEqual(seen, FATES);
});

firefox("pictures of an archive are read pixel for pixel", async (t) => {
  const page = await open(t, { settings: { ...RUN, room: "data" } });
  const readers = new URL("../fixtures/readers/", import.meta.url);
  const { fingerprint } = JSON.parse(readFileSync(new URL("expected.json", readers), "utf8"))["folders.tgz"];
  await (await page.$("#files")).uploadFile(new URL("folders.tgz", readers).pathname);
  await until(page, () => nibble.loaded.info.kind === "images" && !nibble.busy);
  assert.equal(await page.evaluate(() => nibble.loaded.info.fingerprint), fingerprint);
});
