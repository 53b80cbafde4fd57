/**
 * Ends the tab, its worker or the whole browser at random moments while a run trains and is saved, and looks at what the next
 * visit finds. Arguments: seconds, seed, and the file that takes a line a way: what was done, times, how often a run had been
 * saved, how often it was whole, steps lost at most, notes, with tabs between. Environment: NIBBLE_URL, CHROMIUM.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import puppeteer from "puppeteer-core";
import { keepWorkers } from "../e2e/workers.mjs";
import { rest, until } from "./driver.mjs";

const [seconds, seed, results] = process.argv.slice(2);
const { NIBBLE_URL, CHROMIUM } = process.env;
const SETTINGS = "train=640&test=100&batch=32&epochs=1000";
/** Mulberry32: when it strikes can be repeated, though not what it hits. */
function randomOf(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
const random = randomOf(Number(seed));

const launch = (folder) =>
  puppeteer.launch({ executablePath: CHROMIUM, headless: true, userDataDir: folder, args: ["--no-sandbox", "--disable-dev-shm-usage"] });

async function visit(browser) {
  const page = await browser.newPage();
  await page.evaluateOnNewDocument(keepWorkers);
  await page.goto(`${NIBBLE_URL}?${SETTINGS}`);
  await until(page, () => Boolean(globalThis.nibble?.run && !nibble.busy && nibble.offline));
  return page;
}

async function crash({ page }) {
  const session = await page.createCDPSession();
  // The answer never comes.
  session.send("Page.crash").catch(() => {});
  await rest(200);
}

const endWorker = ({ page }) => page.evaluate(() => workers.forEach((worker) => worker.terminate()));

async function kill({ browser }) {
  browser.process().kill("SIGKILL");
  await rest(200);
}

/** The way that it ends, how often it is saved, and its share of the time. */
const WAYS = [
  { what: "the tab crashes, saving every 2 s", end: crash, interval: 2000, share: 0.2 },
  { what: "the worker is ended, saving every 2 s", end: endWorker, interval: 2000, share: 0.2 },
  { what: "the browser is killed (SIGKILL), saving every 2 s", end: kill, interval: 2000, share: 0.2 },
  { what: "the browser is killed, saving every 20 s as it does for everybody", end: kill, interval: null, share: 0.4 },
];

/** In less than this there is no time for one that is saved every 20 s. */
const SHORT = 60;

/** One run, ended. @returns {Promise<{saved: boolean, readable: boolean, lost: number, seconds: number, problem?: string}>} */
async function strike(folder, { end, interval }) {
  let browser = await launch(folder);
  let page = await visit(browser);
  await page.evaluate((every) => {
    nibble.keeping.interval = every;
    nibble.train("play");
  }, interval);
  // Anywhere in the first intervals, before the first save too.
  const moment = Date.now() + 200 + random() * 2.5 * (interval ?? 20_000);
  const passed = [];
  while (Date.now() < moment) {
    passed.push(await page.evaluate(() => ({ step: nibble.run.globalStep, key: nibble.run.key, kept: nibble.keeping.list.runs.length, at: Date.now() })));
    await rest(20);
  }
  const { key, step: last, at } = passed.at(-1);
  const before = passed.at(-1).kept > 0;
  await end({ browser, page });
  if (end !== kill) {
    // The tab is closed and opened anew.
    await page.close({ runBeforeUnload: false }).catch(() => {});
  } else {
    browser = await launch(folder);
  }
  try {
    page = await visit(browser);
    const found = await page.evaluate(async (wanted) => {
      await nibble.keeping.list.refresh();
      const kept = nibble.keeping.list.find(wanted);
      if (!kept) return { kept: false };
      const said = [];
      const { notify } = nibble;
      nibble.notify = (kind, text, ...more) => {
        said.push(text);
        return notify(kind, text, ...more);
      };
      await nibble.keeping.open(kept);
      return { kept: true, step: nibble.run.globalStep, said: said.filter((text) => /checksum|expected/.test(text)), offered: document.querySelector("#notices").textContent };
    }, key);
    const readable = found.kept && found.step > 0 && found.said.length === 0;
    const step = found.kept ? found.step : 0;
    const reached = passed.find((one) => one.step >= step)?.at ?? at;
    if (readable) await page.evaluate(() => nibble.keeping.list.forgetAll());
    return { saved: before, readable, lost: Math.max(0, last - step), seconds: (at - reached) / 1000, problem: found.said?.[0] };
  } finally {
    await browser.close().catch(() => {});
  }
}

const rows = [];
for (const way of WAYS.filter(({ interval }) => interval !== null || seconds >= SHORT)) {
  const folder = await mkdtemp(join(tmpdir(), "nibble-torture-"));
  const row = { what: way.what, times: 0, saved: 0, readable: 0, lost: 0, notes: [] };
  let longest = 0;
  const ends = Date.now() + seconds * way.share * 1000;
  // At least once: a row that tried nothing says nothing.
  do {
    const { saved, readable, lost, seconds: behind, problem } = await strike(folder, way);
    row.times += 1;
    if (saved) {
      row.saved += 1;
      row.readable += Number(readable);
      row.lost = Math.max(row.lost, lost);
      longest = Math.max(longest, behind);
    }
    if (problem) row.notes.push(problem);
    console.log(`${way.what}: ${row.times} times, ${row.readable} of ${row.saved}, at most ${row.lost} steps, ${longest.toFixed(1)} s`);
  } while (Date.now() < ends);
  row.notes.unshift(`at most ${longest.toFixed(1)} s of training`);
  rows.push(row);
  await rm(folder, { recursive: true, force: true });
}
const line = ({ what, times, saved, readable, lost, notes }) => [what, times, saved, readable, lost, notes.join("; ")].join("\t");
await writeFile(results, rows.map((row) => `${line(row)}\n`).join(""));
