/**
 * Loads folders of many PNGs of 32 x 32 on the page, in headless Chromium, and natively; started by `cargo xtask bench pictures`.
 * Environment: NIBBLE_URL, CHROMIUM. Options: `counts` of pictures, `too_many` pictures for the folder that does not fit, `nibble`
 * (the command line), `json`. Fails where a run beside does not go on, or where what is loaded is not what was dropped.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { linkSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { crc32, deflateSync } from "node:zlib";
import { launch } from "../e2e/browser.mjs";
import { breakNextReader, drop } from "../e2e/fixture.mjs";
import { readOptions } from "./options.mjs";
import { round } from "./table.mjs";

const { counts, too_many: tooMany, nibble, json } = readOptions(["too_many"], ["counts", "nibble", "json"]);
const SIDE = 32;
const CLASSES = 10;
/** Pictures that differ; more are links to these. */
const DIFFERENT = 20_000;
const HOUR = { timeout: 3_600_000 };

function chunk(kind, data) {
  const body = Buffer.concat([Buffer.from(kind), data]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, sum]);
}

/** A PNG that packs about as well as a photograph: shades with noise. */
function png(number) {
  const header = Buffer.from([0, 0, 0, SIDE, 0, 0, 0, SIDE, 8, 2, 0, 0, 0]);
  let state = number + 1;
  const rows = Buffer.alloc(SIDE * (1 + 3 * SIDE));
  for (let i = 0; i < rows.length; i++) {
    state = (state * 48271) % 2147483647;
    rows[i] = i % (1 + 3 * SIDE) === 0 ? 0 : ((number * 13 + i) % 160) + (state % 64);
  }
  return Buffer.concat([Buffer.from("\x89PNG\r\n\x1a\n", "latin1"), chunk("IHDR", header), chunk("IDAT", deflateSync(rows)), chunk("IEND", Buffer.alloc(0))]);
}

/** A folder of so many pictures, one sub-folder a class. */
function folder(root, name, count) {
  const base = join(root, name);
  for (let label = 0; label < CLASSES; label++) mkdirSync(join(base, `class ${label}`), { recursive: true });
  const path = (i) => join(base, `class ${i % CLASSES}`, `${i}.png`);
  for (let i = 0; i < count; i++) {
    if (i < DIFFERENT) writeFileSync(path(i), png(i));
    else linkSync(path(i % DIFFERENT), path(i));
  }
  return base;
}

const said = [];
function tell(what, figures) {
  said.push({ what, ...figures });
  console.log(json ? JSON.stringify(said.at(-1)) : `${what.padEnd(44)}${Object.entries(figures).map(([name, value]) => `${name} ${value}`).join(", ")}`);
}

/** Notes when a drop or a choice was made, when the page first showed how far it is, and when it is over. */
function clock() {
  const marks = (globalThis.marks = { start: 0, first: 0, end: 0 });
  const begin = () => Object.assign(marks, { start: performance.now(), first: 0, end: 0, before: nibble.loaded?.dataset });
  addEventListener("drop", begin, true);
  addEventListener("change", (event) => event.target.id === "folder" && begin(), true);
  setInterval(() => {
    if (!marks.start || marks.end) return;
    if (!marks.first && nibble.loading) marks.first = performance.now();
    // What was loaded or refused before is still there when it begins.
    if (!marks.first) return;
    const refused = [...document.querySelectorAll(".notice-error p")].length > 0;
    if (nibble.loading === null && !nibble.busy && (nibble.loaded.dataset !== marks.before || refused)) marks.end = performance.now();
  }, 5);
}

const seconds = (ms) => `${round(ms / 1000, 2)} s`;
const clear = (page) => page.evaluate(() => document.querySelectorAll(".notice .close").forEach((close) => close.click()));

/** Waits until what was dropped is loaded or refused, and tells how long it took. */
async function loaded(page, count) {
  await page.waitForFunction(() => marks.end > 0, null, HOUR);
  const { start, first, end, size } = await page.evaluate(() => ({ ...marks, size: nibble.loaded.info.train + nibble.loaded.info.test }));
  if (count !== undefined) assert.equal(size, count, `${await page.locator(".notice p").allTextContents()}`);
  return { "first progress": first ? seconds(first - start) : "none", total: seconds(end - start), ms_a_picture: round((end - start) / (count ?? 1), 3) };
}

/** Fails unless the run trains on. */
async function trainsOn(page) {
  const step = await page.evaluate(() => nibble.run.globalStep);
  await page.waitForFunction((before) => nibble.run.globalStep > before + 2 && nibble.run.status === "playing", step, HOUR);
  return step;
}

async function onPage(root, folders, browser) {
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  page.on("console", (message) => message.type() === "error" && console.error(message.text()));
  await page.addInitScript(clock);
  const open = async (query) => {
    await page.goto(`${process.env.NIBBLE_URL}?train=2000&test=500&batch=32&epochs=1000&room=data${query}`);
    await page.waitForFunction(() => globalThis.nibble?.run && !nibble.busy, null, HOUR);
  };
  for (const [count, path] of folders) {
    for (const way of ["drop", "picker"]) {
      await open("");
      if (way === "drop") await drop(page, [path]);
      else await page.setInputFiles("#folder", path);
      tell(`page, ${count} pictures by ${way}`, await loaded(page, count));
    }
  }
  // Beside a run that trains.
  await open("");
  await page.click("#play");
  await trainsOn(page);
  const many = folder(root, "many", tooMany);
  await drop(page, [many]);
  const refused = await loaded(page);
  const message = (await page.locator(".notice-error p").allTextContents()).join(" ");
  assert.match(message, /room for/);
  tell(`page, ${tooMany} pictures beside a run`, { refused: refused.total, message: JSON.stringify(message), "the run": `trains on at step ${await trainsOn(page)}` });
  await page.evaluate(() => Object.assign(marks, { start: performance.now(), first: 0, end: 0, before: nibble.loaded.dataset }));
  await page.getByRole("button", { name: /^Take a sample/ }).click();
  await clear(page);
  const { total } = await loaded(page);
  const taken = await page.evaluate(() => nibble.loaded.info.train + nibble.loaded.info.test);
  assert.ok(taken > 1000 && taken < tooMany, `${taken} were taken`);
  tell("a sample of them", { images: taken, total, "the run": `trains on at step ${await trainsOn(page)}` });
  // Two drops: the last one counts.
  await clear(page);
  const few = folder(root, "few", 500);
  await drop(page, [folders[0][1]]);
  await drop(page, [few]);
  await page.waitForFunction(() => nibble.loaded.info.name === "few" && !nibble.busy, null, HOUR);
  tell("two drops in a row", { loaded: "the second", "the run": `trains on at step ${await trainsOn(page)}` });
  // An error in the worker that reads.
  await clear(page);
  await breakNextReader(page, 1000);
  await drop(page, [folders[0][1]]);
  await page.locator(".notice-error").first().waitFor(HOUR);
  tell("an error in the reader", { message: JSON.stringify((await page.locator(".notice-error p").allTextContents()).join(" ")), "the run": `trains on at step ${await trainsOn(page)}` });
}

/** Seconds until the command line has read a folder, which it tells before it trains. */
async function natively(root, path) {
  const started = performance.now();
  const child = spawn(nibble, ["train", "--data", path, "--steps", "1", "--batch", "16", "--out", join(root, "run.nibble.safetensors"), "--force"], { stdio: ["ignore", "ignore", "pipe"] });
  let text = "";
  let read = null;
  child.stderr.on("data", (data) => {
    text += data;
    if (read === null && text.includes("Read as")) read = performance.now() - started;
  });
  const [code] = await once(child, "exit");
  assert.ok(code === 0 && read !== null, text);
  return read;
}

const root = mkdtempSync(join(tmpdir(), "nibble-pictures-"));
let browser = null;
try {
  const folders = counts.split(",").map(Number).map((count) => [count, folder(root, `${count} pictures`, count)]);
  for (const [count, path] of folders) {
    const ms = await natively(root, path);
    tell(`native, ${count} pictures`, { total: seconds(ms), ms_a_picture: round(ms / count, 3) });
  }
  browser = await launch();
  await onPage(root, folders, browser);
} catch (error) {
  console.error(`pictures: ${error.message}`);
  process.exitCode = 1;
} finally {
  await browser?.close();
  rmSync(root, { recursive: true });
}
