/**
 * What the page's tests share: a browser, pages that report every problem of theirs, runs that are small enough
 * to be quick, and questions to the page. Environment: NIBBLE_URL (served with the isolation headers),
 * NIBBLE_URL_PLAIN (without), CHROMIUM (path, optional).
 */
import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after } from "node:test";
import { launch } from "./browser.mjs";

export const ISOLATED = address("NIBBLE_URL");
export const PLAIN = address("NIBBLE_URL_PLAIN");
export const WIDE = { width: 1440, height: 900 };
export const NARROW = { width: 390, height: 844 };
export const TABLET = { width: 1024, height: 768 };
export const LANDSCAPE = { width: 844, height: 390 };
export const SCREENSHOTS = new URL("../../target/screenshots/", import.meta.url).pathname;

/** Machines that test are busy: waiting for training ends only when nothing can be going on any more. */
export const PATIENCE = { timeout: 180_000 };

/** A run of ten steps an epoch. */
export const SMALL = { train: 320, test: 100, batch: 32, epochs: 3 };

function address(variable) {
  const value = process.env[variable];
  if (!value) throw new Error(`${variable} is not set: run \`cargo xtask test page\``);
  return value.endsWith("/") ? value : `${value}/`;
}

let browser = null;
/** The browser of this test file, started on first use, with these arguments besides the usual ones. */
export async function theBrowser(more = []) {
  browser ??= await launch(more);
  return browser;
}
after(() => browser?.close());

/** Notes any error on the console, uncaught exception and failed request of `page`. @param {string[]} problems grows */
export function watch(page, problems) {
  page.on("console", (message) => message.type() === "error" && problems.push(`console: ${message.text()}`));
  page.on("pageerror", (error) => problems.push(`uncaught: ${error.message}`));
  page.on("requestfailed", (request) => {
    // A reload or the end of the test cancels what is under way.
    if (request.failure()?.errorText !== "net::ERR_ABORTED") problems.push(`failed: ${request.url()}`);
  });
}

/**
 * Opens the page; at the test's end it is closed, and any error on the console, uncaught exception or failed
 * request fails the test.
 * @param {import("node:test").TestContext} t
 * @param {object} [options]
 * @param {string} [options.url] the server, `ISOLATED` unless told
 * @param {object} [options.settings] for the address; `SMALL` unless told
 * @param {string} [options.search] the address's query itself, instead of `settings`
 * @param {object} [options.context] options of Playwright's context
 * @param {() => void} [options.init] runs in the page before its scripts
 * @param {(page: import("playwright-core").Page) => Promise<void>} [options.prepare] is awaited before the page is opened
 * @param {boolean} [options.ready] wait until there is a run (true unless told)
 * @param {string} [options.room] that the address opens; the first one unless told
 * @param {string} [options.part] of it that is opened, where it is folded away
 */
export async function open(t, { url = ISOLATED, settings = SMALL, search, context = {}, init, prepare, ready = true, room, part } = {}) {
  // Where the server isolates the page, the service worker only keeps it for later visits: offline.test.mjs.
  const serviceWorkers = url === ISOLATED ? "block" : "allow";
  const opened = await (await theBrowser()).newContext({ viewport: WIDE, serviceWorkers, ...context });
  const page = await opened.newPage();
  const problems = [];
  watch(page, problems);
  page.problems = problems;
  t.after(async () => {
    await opened.close();
    assert.deepEqual(problems, [], "the page had problems");
  });
  if (init) await page.addInitScript(init);
  await prepare?.(page);
  const query = search ?? `?${new URLSearchParams(settings)}`;
  await page.goto(url + query + (room ? `${query ? "&" : "?"}room=${room}` : ""), PATIENCE);
  if (ready) await hasRun(page);
  if (part) await unfold(page, part);
  return page;
}

/** `open` into that room, and there to that part. @param {string} room @param {string} [part] */
export const within = (room, part) => (t, options = {}) => open(t, { room, part: "room" in options ? undefined : part, ...options });

/** Opens a room by its tab, as a visitor does, and there what a part of it is behind. */
export async function enter(page, room, part) {
  const tab = page.locator(`[data-tab="${room}"]`);
  if (!(await tab.isVisible())) await page.click(".tab-more");
  await tab.click();
  await page.waitForFunction((wanted) => document.body.dataset.room === wanted, room, PATIENCE);
  if (part) await unfold(page, part);
}

/** Opens the tab that a part is behind, and the drawer that it has. */
export async function unfold(page, part) {
  await page.locator(`[data-part="${part}"]`).waitFor({ state: "attached" });
  const tab = page.locator(`[data-opens="${part}"]:visible`);
  if ((await tab.count()) > 0) await tab.click();
  const drawer = page.locator(`[data-part="${part}"] > details:not([open], [hidden]) > summary`);
  if ((await drawer.count()) > 0) await drawer.click();
}

/** What has to be pressed first where `selector` is out of sight in the room that is open: a tab or a drawer; null: nothing. */
export const opener = (page, selector) =>
  page.evaluate((wanted) => {
    const found = document.querySelector(wanted);
    const panel = found?.closest("[role=tabpanel][hidden]");
    if (panel) return `#${panel.getAttribute("aria-labelledby")}`;
    const folded = found?.closest("details:not([open], .menu)");
    return folded?.id && !found.closest("summary") ? `#${folded.id} > summary` : null;
  }, selector);

/** The tabs of parts in the open room that can be seen, by the parts behind them. */
export const partTabs = (page) => page.locator("[data-opens]:visible").evaluateAll((tabs) => tabs.map((tab) => tab.dataset.opens));

/** Presses what is behind the bar's menu. */
export async function fromMenu(page, selector) {
  if (!(await page.locator(selector).isVisible())) await page.click("#menu > summary");
  await page.click(selector);
}

/** Waits until the page has a run and does nothing else. */
export const hasRun = (page) => page.waitForFunction(() => globalThis.nibble?.run && !nibble.busy, null, PATIENCE);

/** Waits until the run has trained `steps` steps. */
export const trained = (page, steps) =>
  page.waitForFunction((wanted) => nibble.run?.globalStep >= wanted, steps, PATIENCE);

/** Presses something as soon as so many steps are trained: asked and pressed in the page, where a short run is not over meanwhile. */
export const pressAfter = (page, steps, selector) =>
  page.waitForFunction(
    ([wanted, where]) => {
      const button = document.querySelector(where);
      if (!(nibble.run?.globalStep >= wanted) || button.disabled) return false;
      button.click();
      return true;
    },
    [steps, selector],
    PATIENCE,
  );

/** Waits until the page, which draws a frame after the run has changed, shows a text that matches. */
export const shows = (page, selector, pattern, attribute = null) =>
  page.waitForFunction(
    ([selector, source, attribute]) => {
      const element = document.querySelector(selector);
      return new RegExp(source).test(attribute ? element?.getAttribute(attribute) : element?.textContent);
    },
    [selector, pattern.source, attribute],
    PATIENCE,
  );

/** Waits until `count` epochs have ended. */
export const epochs = (page, count) =>
  page.waitForFunction((wanted) => nibble.run?.epochs.length >= wanted, count, PATIENCE);

/** What the page knows of its run. */
export const runOf = (page) =>
  page.evaluate(() => {
    const { globalStep, losses, status, epochs: done, info, data } = nibble.run;
    return { globalStep, losses, status, epochs: done.length, config: info.config, data: { ...data }, layers: nibble.run.layers };
  });

/** Pauses as soon as every run has so many epochs and steps: asked and pressed in the page, where a short run is not over meanwhile. */
export async function pause(page, { epochs = 0, steps = 0 } = {}) {
  await page.waitForFunction(
    ([epochs, steps]) => {
      const button = document.getElementById("play");
      if (button.disabled || !nibble.runs.every((run) => run.epochs.length >= epochs && run.globalStep >= steps)) return false;
      button.click();
      return true;
    },
    [epochs, steps],
    PATIENCE,
  );
  await page.waitForFunction(() => nibble.run.status === "paused" && document.body.dataset.status === "paused", null, PATIENCE);
}

/** Texts of the messages on the page. */
export const notices = (page) => page.locator(".notice p").allTextContents();

/** Waits for a message with all of `parts` in it. */
export async function noticed(page, ...parts) {
  try {
    await page.waitForFunction(
      (wanted) => [...document.querySelectorAll(".notice p")].some((p) => wanted.every((part) => p.textContent.includes(part))),
      parts,
      { timeout: 15_000 },
    );
  } catch {
    assert.fail(`no message with ${JSON.stringify(parts)}; there are ${JSON.stringify(await notices(page))}`);
  }
}

/** Pixels of the canvases under `selector` that have the colour of the custom property `name`, all drawn. */
export const ink = (page, selector, name) =>
  page.evaluate(
    async ([where, property]) => {
      const { idle } = await import("./frames.js");
      while (!idle()) await new Promise(requestAnimationFrame);
      const probe = document.createElement("canvas").getContext("2d");
      probe.fillStyle = getComputedStyle(document.documentElement).getPropertyValue(property);
      probe.fillRect(0, 0, 1, 1);
      const wanted = probe.getImageData(0, 0, 1, 1).data;
      let count = 0;
      for (const canvas of document.querySelectorAll(`${where} canvas`)) {
        const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        for (let i = 0; i < data.length; i += 4) {
          const distance = [0, 1, 2].reduce((sum, c) => sum + Math.abs(data[i + c] - wanted[c]), 0);
          if (data[i + 3] > 200 && distance < 12) count += 1;
        }
      }
      return count;
    },
    [selector, name],
  );

/** Looks at a page, or a frame of one, with a style of the test's: no element, which the page's policy would not let in. */
async function styled(page, css, look) {
  await page.evaluate((text) => {
    globalThis.styleOfTest ??= new CSSStyleSheet();
    styleOfTest.replaceSync(text);
    document.adoptedStyleSheets.push(styleOfTest);
  }, css);
  try {
    return await look();
  } finally {
    await page.evaluate(() => (document.adoptedStyleSheets = document.adoptedStyleSheets.filter((sheet) => sheet !== styleOfTest)));
  }
}

/** Whether pictures are asked for: `cargo xtask test page --pictures`. Nothing is asserted of them, and they take a tenth of the time. */
const { NIBBLE_PICTURES } = process.env;

/** @param {boolean} [fullPage] the whole page, not only what is in sight */
export async function screenshot(page, name, fullPage = true) {
  if (!NIBBLE_PICTURES) return;
  mkdirSync(SCREENSHOTS, { recursive: true });
  await page.screenshot({ path: `${SCREENSHOTS}${name}.png`, fullPage });
}

/** What lies over a panel in a picture of it. */
const UNCOVERED = ".transport, .pending { position: static !important } .tabs { position: absolute !important } .notices { visibility: hidden }";

/** A picture of one element. */
export async function screenshotOf(page, selector, name) {
  if (!NIBBLE_PICTURES) return;
  mkdirSync(SCREENSHOTS, { recursive: true });
  await styled(page, UNCOVERED, () => page.locator(selector).screenshot({ path: `${SCREENSHOTS}${name}.png` }));
}

const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");

/** What axe finds that is serious or critical, in a line each. @param {string} [within] selector, the page unless told */
export async function seriousFindings(page, within = "html") {
  // Evaluated, because the page's policy lets no script in by an element.
  if (!(await page.evaluate(() => "axe" in globalThis))) await page.evaluate(readFileSync(AXE, "utf8"));
  // A colour on its way to another is read by nobody.
  const { violations } = await styled(page, "* { transition: none !important }", () => page.evaluate((where) => axe.run(where, { resultTypes: ["violations"] }), within));
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ target, failureSummary }) => `${target} ${failureSummary}`).join("; ")}`);
}

/** Fails if the page can be scrolled sideways. */
export async function assertFits(page) {
  const { scroll, client, beyond } = await page.evaluate(() => {
    // Without the room that is kept for a scrollbar.
    const wide = Math.ceil(document.documentElement.getBoundingClientRect().width);
    const wider = [...document.querySelectorAll("body *")].filter((node) => node.checkVisibility() && node.getBoundingClientRect().right > wide + 1);
    return { scroll: document.documentElement.scrollWidth, client: wide, beyond: wider.map(({ id, className, tagName }) => id || className || tagName) };
  });
  assert.ok(scroll <= client, `the page is ${scroll} px wide in ${client}; what goes beyond: ${beyond.join(", ")}`);
}

/** Waits until everything on the page shows what it should. */
export const drawn = (page) =>
  page.evaluate(async () => {
    const { idle } = await import("./frames.js");
    do await new Promise(requestAnimationFrame);
    while (!idle());
  });

/** The attributes of the frame of an embed code, as a page that holds it sees them: the page's own policy allows no styles in markup. */
export async function frameOf(page, code) {
  const blank = await page.context().newPage();
  const attributes = await blank.evaluate((html) => {
    const { content } = Object.assign(document.createElement("template"), { innerHTML: html });
    return Object.fromEntries([...content.querySelector("iframe").attributes].map(({ name, value }) => [name, value]));
  }, code);
  await blank.close();
  return attributes;
}

/** Opens everything on the page that can be folded away. */
export const openAll = (page) =>
  page.evaluate(() => {
    for (const details of document.querySelectorAll("details")) details.open = true;
  });

export const mean = (numbers) => numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
