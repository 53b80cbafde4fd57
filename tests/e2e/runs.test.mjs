/** Runs that are kept: closed, found again, gone on with, moved as files, shared by tabs. */
import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fromMenu, hasRun, ISOLATED, PATIENCE, pause, seriousFindings, shows, SMALL, trained, watch, within } from "./support.mjs";
import { keepWorkers } from "./workers.mjs";

const open = within("runs");

/** The exact build: what it trains is the same however often it is stopped. */
const EXACT = { ...SMALL, build: "simd" };

const FIXTURE = new URL("../fixtures/checkpoints/format-1.nibble.safetensors", import.meta.url).pathname;

const finished = (page) => page.waitForFunction(() => nibble.run?.status === "finished", null, PATIENCE);
const anew = (page) => page.waitForFunction(() => !nibble.busy && nibble.run.globalStep === 0, null, PATIENCE);
const saved = (page, steps) =>
  page.waitForFunction((wanted) => nibble.keeping.list.runs.some(({ about }) => about.step >= wanted), steps, PATIENCE);
const notice = (page, text) => page.locator(".notice", { hasText: text });
const act = (page, text, label) => notice(page, text).getByRole("button", { name: label }).click();
const row = (page, at) => page.locator("#runs-list li").nth(at);
/** Shows all that can be done with a kept run. */
const unfold = (page, at = 0) => row(page, at).getByRole("button", { name: /^More of/ }).click();
const reached = (page) =>
  page.evaluate(() => ({ losses: nibble.run.losses, epochs: nibble.run.epochs.map(({ testAccuracy }) => testAccuracy), key: nibble.run.key }));
const losses = (page) => page.evaluate(() => [...nibble.run.losses]);

/** Another tab of the same browser. */
async function tab(page, settings = EXACT) {
  const other = await page.context().newPage();
  watch(other, page.problems);
  await other.goto(`${ISOLATED}?${new URLSearchParams(settings)}`, PATIENCE);
  await hasRun(other);
  return other;
}

/** Closes the tab and goes on in another one. */
async function closeAndGoOn(page) {
  await page.close({ runBeforeUnload: true });
  const next = await tab(page);
  await act(next, "Your last run is kept", "Go on");
  return next;
}

/** The same run once more, without a stop. */
async function straight(page) {
  await fromMenu(page, "#reset");
  await anew(page);
  await page.click("#play");
  await finished(page);
}

test("a run whose tab was closed is offered at the next visit, and goes on bit for bit", async (t) => {
  const first = await open(t, { settings: { ...EXACT, quantizer: "lsq", activations: "affine", gradients: "affine" } });
  await first.click("#play");
  await pause(first, { steps: 13 });
  await saved(first, 13);
  const key = await first.evaluate(() => nibble.run.key);
  const next = await closeAndGoOn(first);
  await finished(next);
  assert.equal(await next.evaluate(() => nibble.run.key), key);
  assert.match(new URL(next.url()).search, /quantizer=lsq/);
  const stopped = await losses(next);

  await straight(next);
  assert.deepEqual(stopped, await losses(next));
});

for (const [method, settings] of [
  ["the paper's method", {}],
  ["learned steps, and gradients rounded by chance", { quantizer: "lsq", activations: "lsq", actbits: 4, gradients: "affine", gradbits: 4 }],
]) {
  test(`ten epochs whose tab is closed five times equal ten epochs straight: ${method}`, async (t) => {
    const all = { ...EXACT, train: 100, test: 100, batch: 10, epochs: 10, ...settings };
    let page = await open(t, { settings: all });
    await page.click("#play");
    const stops = [];
    for (let stop = 0; stop < 5; stop += 1) {
      await pause(page, { steps: 18 * stop + 1 + Math.floor(10 * Math.random()) });
      const step = await page.evaluate(() => nibble.run.globalStep);
      stops.push(step);
      await saved(page, step);
      page = await closeAndGoOn(page);
    }
    await finished(page);
    assert.equal(new Set(stops).size, 5, `stopped at ${stops}`);
    assert.equal(await page.evaluate(() => nibble.run.losses.length), 100);
    const stopped = await reached(page);
    await straight(page);
    const { losses, epochs } = await reached(page);
    assert.deepEqual({ losses: stopped.losses, epochs: stopped.epochs }, { losses, epochs }, `stopped at ${stops}`);
  });
}

test("a reset keeps the run that was trained, and offers it back as it was", async (t) => {
  const page = await open(t, { settings: EXACT });
  await page.click("#play");
  await finished(page);
  const before = await reached(page);
  await fromMenu(page, "#new-seed");
  await anew(page);
  await act(page, "is kept on this device", "Bring it back");
  await page.waitForFunction(() => !nibble.busy && nibble.run.globalStep > 0, null, PATIENCE);
  const after = await reached(page);
  assert.deepEqual(after, before);
  assert.equal(await page.evaluate(() => nibble.run.curves.trainAccuracy.xs.length), before.losses.length);
});

test("of two files of the same step the one with later notes is the newer", async (t) => {
  const page = await open(t, { settings: SMALL });
  await page.click("#play");
  await finished(page);
  const found = await page.evaluate(async () => {
    const { aboutOf } = await import("./kept/header.js");
    const { newerFirst } = await import("./kept/runs.js");
    const { To } = await import("./protocol.js");
    const late = await nibble.keeping.file(nibble.run);
    const early = (await nibble.client.request(To.FILE, { run: nibble.run.id, notes: '{"version":1,"step":20}' })).file;
    const none = (await nibble.client.request(To.FILE, { run: nibble.run.id, notes: "" })).file;
    const whole = await Promise.all([none, early, late].map(async (blob) => ({ file: new File([blob], "", { lastModified: 7 }), about: await aboutOf(blob) })));
    return { noted: whole.map(({ about }) => about.noted), order: whole.sort(newerFirst).map(({ about }) => about.noted), step: nibble.run.globalStep };
  });
  assert.deepEqual(found, { noted: [0, 20, found.step], order: [found.step, 20, 0], step: 30 });
});

test("a finished run goes on for more epochs, from the list and by its setting", async (t) => {
  const page = await open(t, { settings: { ...SMALL, epochs: 1 } });
  await page.click("#play");
  await finished(page);
  await fromMenu(page, "#reset");
  await saved(page, 10);
  await unfold(page);
  await row(page, 0).getByRole("button", { name: /epochs more/ }).click();
  await page.waitForFunction(() => nibble.run.globalStep === 60 && nibble.run.status === "finished", null, PATIENCE);
  assert.equal(await page.evaluate(() => nibble.run.epochs.length), 6);
  await page.evaluate(() => nibble.set("epochs", 7));
  await page.click("#play");
  await page.waitForFunction(() => nibble.run.globalStep === 70 && nibble.run.status === "finished", null, PATIENCE);
  // What was trained since it was opened is kept as well.
  await fromMenu(page, "#reset");
  await saved(page, 70);
});

test("a run moves as a file; a damaged one is told, and opened all the same", async (t) => {
  const page = await open(t, { settings: SMALL });
  await page.click("#play");
  await finished(page);
  const [download] = await Promise.all([page.waitForEvent("download"), page.click("#runs-download")]);
  assert.match(download.suggestedFilename(), /^nibble-.*\.nibble\.safetensors$/);
  const contents = await readFile(await download.path());

  const other = await open(t, { settings: { ...SMALL, bits: 2 } });
  const choose = (name, buffer) => other.setInputFiles("#runs-file", { name, mimeType: "application/octet-stream", buffer });
  await choose("mine.nibble.safetensors", contents);
  await other.waitForFunction(() => nibble.run.status === "finished", null, PATIENCE);
  assert.equal(await other.evaluate(() => nibble.settings.bits), 4);
  assert.deepEqual(await losses(other), await losses(page));

  contents[contents.length - 5000] ^= 1;
  await choose("flipped.nibble.safetensors", contents);
  await notice(other, "its checksum does not match").waitFor(PATIENCE);
  assert.equal(await other.evaluate(() => nibble.run.globalStep), 30);
  await choose("cut.nibble.safetensors", contents.subarray(0, 9000));
  await notice(other, "cut.nibble.safetensors").waitFor(PATIENCE);
  // What was there is there.
  assert.equal(await other.evaluate(() => nibble.run.globalStep), 30);
});

test("a run of the command line is opened, and goes on here", async (t) => {
  const page = await open(t, { settings: SMALL });
  await page.setInputFiles("#runs-file", FIXTURE);
  await page.waitForFunction(() => nibble.run.status === "finished" && !nibble.busy, null, PATIENCE);
  assert.deepEqual(await page.evaluate(() => [nibble.settings.model, nibble.run.epochs.map(({ testAccuracy }) => testAccuracy)]), ["convnetjs_cifar10", [0.08, 0.07]]);
  await page.evaluate(() => nibble.set("epochs", 3));
  await page.click("#play");
  await page.waitForFunction(() => nibble.run.epochs.length === 3, null, PATIENCE);
});

test("of two tabs one has the run; the other may take it over, and the first goes on with a copy", async (t) => {
  const first = await open(t, { settings: { ...SMALL, epochs: 200 } });
  await first.click("#play");
  await pause(first, { steps: 10 });
  await saved(first, 10);
  const key = await first.evaluate(() => nibble.run.key);
  const second = await tab(first, { ...SMALL, room: "runs" });
  assert.equal(await notice(second, "Your last run is kept").count(), 0);
  await shows(second, "#runs-list .runs-state", /in another tab/);
  await row(second, 0).getByRole("button", { name: /^Take over/ }).click();
  await second.waitForFunction((wanted) => nibble.run.key === wanted, key, PATIENCE);
  await second.click("#play");
  await trained(second, 30);
  await notice(first, "Another tab has taken this run over").waitFor(PATIENCE);
  // What it has beyond the other tab's is kept here.
  await fromMenu(first, "#reset");
  await notice(first, "is kept as long as this page is open").waitFor(PATIENCE);
  await first.click("#play");
  await first.waitForFunction((former) => nibble.run.key && nibble.run.key !== former, key, PATIENCE);
});

test("kept runs are renamed, removed with a way back, and forgotten", async (t) => {
  const page = await open(t, { settings: { ...SMALL, epochs: 1 } });
  await page.click("#play");
  await finished(page);
  await fromMenu(page, "#reset");
  await saved(page, 10);
  await unfold(page);
  await row(page, 0).getByRole("button", { name: /^Rename/ }).click();
  assert.deepEqual(await seriousFindings(page), []);
  await page.fill(".runs-name", "For class");
  await page.keyboard.press("Enter");
  await shows(page, "#runs-list strong", /^For class$/);
  await row(page, 0).getByRole("button", { name: /^Remove/ }).click();
  await page.waitForFunction(() => document.querySelectorAll("#runs-list li").length === 0, null, PATIENCE);
  await act(page, "is removed", "Undo");
  await shows(page, "#runs-list strong", /^For class$/);
  await row(page, 0).getByRole("button", { name: /^Remove/ }).click();
  await page.waitForFunction(() => document.querySelectorAll("#runs-list li").length === 0, null, PATIENCE);
  // Nobody undid it: the next visit clears it away.
  const next = await tab(page, SMALL);
  await next.waitForFunction(async () => {
    const runs = await (await navigator.storage.getDirectory()).getDirectoryHandle("runs");
    for await (const _ of runs.keys()) return false;
    return true;
  }, null, PATIENCE);
});

test("where the browser keeps nothing it is said, and a run that is replaced is held as long as the page is open", async (t) => {
  const page = await open(t, {
    settings: { ...SMALL, epochs: 1 },
    init: () => {
      const refuse = () => Promise.reject(new DOMException("storage is switched off", "SecurityError"));
      Object.defineProperty(StorageManager.prototype, "getDirectory", { value: refuse });
    },
  });
  await page.click("#play");
  await finished(page);
  await fromMenu(page, "#reset");
  await act(page, "is kept as long as this page is open", "Bring it back");
  await page.waitForFunction(() => !nibble.busy && nibble.run.status === "finished", null, PATIENCE);
});

test("without room a run is told not to be saved, and a reset holds it; what is cleared meanwhile is held too", async (t) => {
  const page = await open(t, { settings: { ...SMALL, epochs: 100 } });
  const browser = await page.context().newCDPSession(page);
  const { origin } = new URL(page.url());
  await browser.send("Storage.overrideQuotaForOrigin", { origin, quotaSize: 100_000 });
  await page.click("#play");
  await notice(page, "could not be saved on this device").getByRole("button", { name: "Download its file" }).waitFor(PATIENCE);
  await fromMenu(page, "#reset");
  await notice(page, "is kept as long as this page is open").waitFor(PATIENCE);
  await browser.send("Storage.overrideQuotaForOrigin", { origin });

  await page.click("#play");
  await page.waitForFunction(() => nibble.keeping.list.runs.some(({ key, lasting }) => lasting && key === nibble.run.key), null, PATIENCE);
  await browser.send("Storage.clearDataForOrigin", { origin, storageTypes: "file_systems" });
  await fromMenu(page, "#reset");
  await page.waitForFunction(() => !nibble.busy && nibble.run.globalStep === 0 && nibble.keeping.list.runs.filter(({ lasting }) => !lasting).length === 2, null, PATIENCE);
});

test("a lost engine goes on from what was saved", async (t) => {
  const page = await open(t, { settings: { ...SMALL, epochs: 100 }, init: keepWorkers });
  await page.click("#play");
  await saved(page, 10);
  // As a browser tells of a worker that it has ended.
  await page.evaluate(() => workers.find((one) => one.onmessage === null).dispatchEvent(new ErrorEvent("error", { message: "out of memory" })));
  await notice(page, "The engine was lost").getByRole("button", { name: /^Go on from step/ }).click();
  await page.waitForFunction(() => nibble.run.status === "playing" && nibble.run.globalStep > 20, null, PATIENCE);
});

test("own pictures travel with their run", async (t) => {
  const page = await open(t, { settings: { ...SMALL, epochs: 1 } });
  await page.evaluate(async () => {
    const count = 60;
    const pixels = new Uint8Array(count * 3072).map((_, i) => (i * 7 + i / 251) & 255);
    const labels = new Uint8Array(count).map((_, i) => i % 3);
    await nibble.loadFrom(async () => ({ kind: "images", name: "mine", classes: ["a", "b", "c"], pixels, labels }));
  });
  await page.click("#play");
  await finished(page);
  const [download] = await Promise.all([page.waitForEvent("download"), page.click("#runs-download")]);
  const path = join(tmpdir(), `nibble-${process.pid}.nibble.safetensors`);
  await writeFile(path, await readFile(await download.path()));
  const other = await open(t, { settings: SMALL });
  await other.setInputFiles("#runs-file", path);
  await other.waitForFunction(() => nibble.run.data.name === "mine" && nibble.run.status === "finished", null, PATIENCE);
  assert.deepEqual(await losses(other), await losses(page));
});
