/**
 * What a long training costs: its speed while its tab is hidden, and its memory over epochs and over runs that take each
 * other's place. Arguments: seconds, and the file that takes a line a figure: what, the figure, and 1 where it is good enough,
 * with tabs between. Environment: NIBBLE_URL, CHROMIUM.
 */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import puppeteer from "puppeteer-core";
import { rest, until } from "./driver.mjs";

const [seconds, results] = process.argv.slice(2);
const { NIBBLE_URL, CHROMIUM } = process.env;
/** Without these Chromium slows hidden tabs down as it does for everybody. */
const UNLIKE_USERS = ["--disable-background-timer-throttling", "--disable-backgrounding-occluded-windows", "--disable-renderer-backgrounding"];
/** At least this much of the speed, and at most this much more memory. */
const LEAST_SPEED = 0.9;
const MOST_GROWTH = 0.02;
const EPOCHS = 10;
const SWITCHES = 50;

const browser = await puppeteer.launch({ executablePath: CHROMIUM, headless: true, ignoreDefaultArgs: UNLIKE_USERS, args: ["--no-sandbox", "--disable-dev-shm-usage"] });
const lines = [];
function told(what, figure, holds) {
  lines.push([what, figure, Number(holds)].join("\t"));
  console.log(`${what}: ${figure}`);
}

async function visit(query) {
  const page = await browser.newPage();
  await page.goto(`${NIBBLE_URL}?${query}`);
  await until(page, () => Boolean(globalThis.nibble?.run && !nibble.busy));
  return page;
}

/** Steps a second over so many seconds, the tab in front or hidden. */
async function speed(page, during, hidden) {
  assert.equal(await page.evaluate(() => document.hidden), hidden);
  const at = () => page.evaluate(() => [nibble.run.globalStep, performance.now()]);
  const [first, begun] = await at();
  await rest(1000 * during);
  const [last, ended] = await at();
  assert.equal(await page.evaluate(() => document.hidden), hidden);
  return (1000 * (last - first)) / (ended - begun);
}

/** Half before it is hidden and half after: what else the machine does is not the tab's doing. */
async function hidden() {
  const page = await visit("train=2000&test=200&batch=64&epochs=1000");
  const other = await browser.newPage();
  await page.bringToFront();
  await page.evaluate(() => nibble.train("play"));
  await until(page, () => nibble.run.globalStep > 10);
  const shown = Math.min(60, seconds / 4);
  const before = await speed(page, shown, false);
  await other.bringToFront();
  const away = await speed(page, seconds, true);
  await page.bringToFront();
  const after = await speed(page, shown, false);
  const share = away / ((before + after) / 2);
  told(`hidden for ${Math.round(seconds)} s, to the speed in front`, share.toFixed(3), share >= LEAST_SPEED);
  await page.close();
  await other.close();
}

const memory = (page) => page.evaluate(() => nibble.memory);

async function memoryOverEpochs() {
  // The first few find how much a step, a test and a save take when they come together.
  const page = await visit(`train=320&test=100&batch=32&epochs=${EPOCHS + 3}`);
  await page.evaluate(() => nibble.train("play"));
  await until(page, () => nibble.run.epochs.length >= 3);
  const first = await memory(page);
  await until(page, () => nibble.run.status === "finished");
  const growth = (await memory(page)) / first - 1;
  told(`memory of the engine over ${EPOCHS} epochs`, `${(100 * growth).toFixed(2)} %`, growth <= MOST_GROWTH);
  await page.close();
}

/** Two kept runs, opened in turn. The first few switches find how much is held at a time. */
async function memoryOverSwitches() {
  const page = await visit("train=320&test=100&batch=32&epochs=100");
  for (let runs = 1; runs <= 2; runs++) {
    await page.evaluate(() => nibble.train("play"));
    await until(page, () => nibble.run.epochs.length > 0);
    await page.evaluate(() => nibble.newSeed());
  }
  let first = 0;
  for (let done = 1; done <= SWITCHES; done++) {
    await page.evaluate(async (i) => {
      await nibble.keeping.list.refresh();
      // Those that have been trained; the newest is the one that is open.
      const others = nibble.keeping.list.runs.filter(({ key }) => key !== nibble.run.key);
      await nibble.keeping.open(others.at(-1));
      globalThis.step = nibble.run.globalStep;
      await nibble.train("step");
    });
    await until(page, () => nibble.run.globalStep > step && !nibble.busy);
    if (done === 5) first = await memory(page);
  }
  const growth = (await memory(page)) / first - 1;
  told(`memory of the engine over ${SWITCHES} switches of runs`, `${(100 * growth).toFixed(2)} %`, growth <= MOST_GROWTH);
  await page.close();
}

try {
  await hidden();
  await memoryOverEpochs();
  await memoryOverSwitches();
} finally {
  await browser.close();
}
await writeFile(results, lines.map((line) => `${line}\n`).join(""));
