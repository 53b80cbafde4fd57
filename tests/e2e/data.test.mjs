/** CIFAR files dropped and picked; bad ones are named and change nothing. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { archive, cifar10, cifar100, drop, dropText, write } from "./fixture.mjs";
import { enter, ink, mean, noticed, PATIENCE, pause, runOf, shows, trained, within } from "./support.mjs";

const open = within("data");

const TRAIN = cifar10(400, 1);
const TEST = cifar10(100, 2);
const SETTINGS = { train: 100, test: 100, batch: 50, epochs: 6, augment: 0 };

/** Waits until the run trains on images of that kind. */
const onKind = (page, kind) => page.waitForFunction((wanted) => nibble.run.data.kind === wanted && !nibble.busy, kind);

test("batches dropped on the page are trained on, and the loss falls", async (t) => {
  const page = await open(t, { settings: SETTINGS });
  const { paths } = write(t, { "data_batch_1.bin": TRAIN, "test_batch.bin": TEST });
  await drop(page, paths);
  await onKind(page, "cifar10");
  assert.deepEqual((({ train, test: held }) => [train, held])((await runOf(page)).data), [400, 100]);
  assert.match(page.url(), /data=cifar10/);
  await shows(page, "#samples", /airplane.*truck/);
  await page.click("#play");
  await pause(page, { steps: 30 });
  const { losses } = await runOf(page);
  assert.ok(mean(losses.slice(-6)) < 0.85 * mean(losses.slice(0, 6)), `losses ${losses}`);
  await enter(page, "train");
  assert.ok((await ink(page, "#loss", "--train")) > 100);
});

test("the archive comes through the file picker", async (t) => {
  const page = await open(t, { settings: SETTINGS });
  const { paths } = write(t, { "cifar-10-binary.tar.gz": archive(TRAIN, TEST) });
  const [chooser] = await Promise.all([page.waitForEvent("filechooser"), page.click("#pick")]);
  assert.ok(chooser.isMultiple());
  await chooser.setFiles(paths);
  await onKind(page, "cifar10");
  await noticed(page, "CIFAR-10 is loaded", "400 training", "100 test");
});

test("a dropped folder is read with its sub-folders", async (t) => {
  const page = await open(t, { settings: SETTINGS });
  const { folder } = write(t, {
    "cifar-10-batches-bin/data_batch_1.bin": TRAIN,
    "cifar-10-batches-bin/test_batch.bin": TEST,
    "cifar-10-batches-bin/readme.html": Buffer.from("<p>"),
    ".hidden": Buffer.from("x"),
  });
  await drop(page, [folder]);
  await onKind(page, "cifar10");
});

test("files are taken where the page has moved below them while they were held", async (t) => {
  const page = await open(t, { settings: SETTINGS });
  const { paths } = write(t, { "data_batch_1.bin": TRAIN, "test_batch.bin": TEST });
  await drop(page, paths, () => page.evaluate(() => scrollTo(0, 1200)));
  await onKind(page, "cifar10");
  assert.equal(await page.locator("#dropveil.on").count(), 0);
});

test("CIFAR-100: a hundred classes are shown and trained on", async (t) => {
  const page = await open(t, { settings: SETTINGS });
  const { paths } = write(t, { "train.bin": cifar100(200, 1), "test.bin": cifar100(100, 2) });
  await drop(page, paths);
  await onKind(page, "cifar100");
  assert.equal(await page.locator("#samples canvas").count(), 100);
  await page.click("#step");
  await trained(page, 1);
  assert.match(page.url(), /data=cifar100/);
});

test("the paper's curve stands behind VGG4bit on CIFAR", async (t) => {
  const page = await open(t, { settings: { ...SETTINGS, model: "vgg4bit" }, room: "train" });
  assert.equal(await page.locator("#accuracy-legend .reference:visible").count(), 0);
  const { paths } = write(t, { "data_batch_1.bin": TRAIN, "test_batch.bin": TEST });
  await drop(page, paths);
  await onKind(page, "cifar10");
  for (const plot of ["accuracy", "loss"]) {
    await page.waitForFunction((id) => document.querySelectorAll(`#${id}-legend .reference:not([hidden])`).length === 2, plot);
    await page.waitForFunction((id) => /paper, test\s*\d/.test(document.getElementById(`${id}-legend`).textContent), plot);
    assert.ok((await ink(page, `#${plot}`, "--reference")) > 5, `no reference in #${plot}`);
  }
});

test("what Share has saved, and a lesson, chosen as data: the page says what they are", async (t) => {
  const page = await open(t, { settings: SETTINGS });
  const saved = { format: "nibble-runs/1", url: "https://example.org/nibble/?train=200&test=100&batch=50&bits=3", runs: [] };
  const lesson = { id: "mine", settings: {}, steps: [] };
  const { paths } = write(t, { "saved.json": Buffer.from(JSON.stringify(saved)), "mine.json": Buffer.from(JSON.stringify(lesson)), "list.json": Buffer.from("[1]") });
  await page.setInputFiles("#files", paths[1]);
  await noticed(page, "mine.json is a lesson", "Open a lesson file");
  await page.setInputFiles("#files", paths[2]);
  await noticed(page, "list.json");
  await page.setInputFiles("#files", paths[0]);
  await noticed(page, "saved.json holds runs that were saved here");
  assert.equal((await runOf(page)).data.kind, "synthetic");
  await page.getByRole("button", { name: "Open its settings" }).click();
  await page.waitForFunction(() => globalThis.nibble?.run?.settings.bits === 3 && nibble.run.settings.train === 200 && !nibble.busy);
});

test("a data set of few classes leaves no hole", async (t) => {
  const page = await open(t, { settings: SETTINGS });
  const rooms = () => page.evaluate(() => [...document.querySelectorAll("#drop > *")].map((node) => node.getBoundingClientRect()).reduce((most, box, i, all) => Math.max(most, i ? box.top - all[i - 1].bottom : 0), 0));
  await page.evaluate(() => [...document.querySelectorAll("#samples figure")].slice(3).forEach((figure) => figure.remove()));
  assert.ok((await rooms()) < 30);
  const high = await page.evaluate(() => document.querySelector("#samples").offsetHeight);
  assert.ok(high < 3 * 56, `${high} px for three rows`);
});

const BAD = [
  ["wrong length", { "data_batch_1.bin": TRAIN.subarray(0, 5000), "test_batch.bin": TEST }, "data_batch_1.bin"],
  ["label out of range", { "data_batch_1.bin": Buffer.concat([Buffer.from([77]), TRAIN.subarray(1)]) }, "data_batch_1.bin"],
  ["truncated gzip", { "cifar-10-binary.tar.gz": archive(TRAIN, TEST).subarray(0, 60_000) }, "cifar-10-binary.tar.gz"],
  ["corrupt pickle", { data_batch_1: Buffer.concat([Buffer.from([0x80, 2, 0x7d]), Buffer.alloc(300, 0x71)]) }, "data_batch_1"],
  ["an unrelated file", { "holiday.txt": readFileSync(new URL("fixture.mjs", import.meta.url)) }, "holiday.txt"],
  ["an empty file", { "data_batch_1.bin": Buffer.alloc(0) }, "data_batch_1.bin"],
  ["both data sets mixed", { "data_batch_1.bin": TRAIN, "train.bin": cifar100(200, 1) }, "train.bin"],
];

test("bad files: each message names the file, run and data stay as they were, and it trains on", async (t) => {
  const page = await open(t, { settings: { ...SETTINGS, epochs: 900 } });
  await page.click("#play");
  await trained(page, 2);
  for (const [what, files, named] of BAD) {
    await t.test(what, async (sub) => {
      const before = await runOf(page);
      await drop(page, write(sub, files).paths);
      await noticed(page, named, "expected", "found");
      await page.waitForFunction(() => !nibble.busy);
      const now = await runOf(page);
      assert.deepEqual(now.losses.slice(0, before.globalStep), before.losses);
      assert.equal(now.data.kind, "synthetic");
      assert.match(page.url(), /data=builtin/);
      // It trains on as if nothing had been dropped.
      await page.waitForFunction((steps) => nibble.run.globalStep > steps, now.globalStep, PATIENCE);
      await page.click(".notice .close");
    });
  }
  await t.test("a drop without files", async () => {
    await dropText(page);
    await noticed(page, "no files", "a folder for each class");
  });
  const { globalStep, status } = await runOf(page);
  assert.equal(status, "playing", "a drop pauses nothing");
  await trained(page, globalStep + 1);
});

test("good files dropped on a trained run wait: nothing trained is lost, and it trains on", async (t) => {
  const page = await open(t, { settings: { ...SETTINGS, epochs: 900 } });
  await page.click("#play");
  await trained(page, 2);
  const { paths } = write(t, { "data_batch_1.bin": TRAIN, "test_batch.bin": TEST });
  await drop(page, paths);
  await noticed(page, "CIFAR-10 is loaded", "stays until");
  const run = await runOf(page);
  assert.deepEqual([run.data.kind, run.status], ["synthetic", "playing"]);
  assert.ok(run.globalStep >= 2);
  // On its own images it goes on.
  await page.waitForFunction((steps) => nibble.run.globalStep > steps, run.globalStep, PATIENCE);
  await page.getByRole("button", { name: "Train on CIFAR-10" }).click();
  await onKind(page, "cifar10");
});
