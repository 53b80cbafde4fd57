/** What has no room in the engine's memory is refused before it begins, and nothing is lost by it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { altered } from "./engine.mjs";
import { runsOf, still, until } from "./lab.mjs";
import { enter, fromMenu, hasRun, noticed, open, pause, runOf, SMALL, trained } from "./support.mjs";

/** Some 2 GB of activations. */
const HUGE = { model: "vgg4bit", batch: 1024 };

test("a link to a run that has no room: the page says so, and trains with a smaller batch", async (t) => {
  const page = await open(t, { settings: { ...SMALL, ...HUGE, train: 2000 }, ready: false });
  await noticed(page, "This run takes", "MB of memory", "A smaller batch takes less.");
  assert.equal(await page.evaluate(() => nibble.runs.length), 0);
  await page.evaluate(() => {
    nibble.set("model", "simple_resnet4bit");
    nibble.set("batch", 32);
  });
  await fromMenu(page, "#reset");
  await hasRun(page);
  await page.click("#play");
  await trained(page, 2);
});

test("a reset to a run that has no room leaves the trained run, which goes on", async (t) => {
  const page = await open(t, { settings: { ...SMALL, train: 2000, epochs: 20 } });
  await page.click("#play");
  await pause(page, { steps: 2 });
  const before = await runOf(page);
  await page.evaluate((settings) => Object.entries(settings).forEach(([key, value]) => nibble.set(key, value)), HUGE);
  await fromMenu(page, "#reset");
  await noticed(page, "This run takes", "MB of memory");
  await page.waitForFunction(() => !nibble.busy);
  const after = await runOf(page);
  assert.deepEqual([after.globalStep, after.losses], [before.globalStep, before.losses]);
  await page.click("#play");
  await trained(page, before.globalStep + 2);
});

test("a second run that has no room: the first stays as it is", async (t) => {
  const settings = { ...SMALL, model: "vgg4bit", batch: 640, train: 2000 };
  const page = await open(t, { settings });
  await enter(page, "runs", "compare");
  await page.click("#race");
  await noticed(page, "MB of memory", "A smaller batch takes less.");
  await page.waitForFunction(() => !nibble.busy);
  assert.equal(await page.evaluate(() => nibble.runs.length), 1);
  assert.equal((await runOf(page)).status, "paused");
});

/** A rate at which the engine of the tests below gives no memory, after the count has found enough. */
const REFUSED = 0.0007;
const SINGLE = { ...SMALL, augment: 0, build: "single" };

/** Runs in the engine's module: memory that is counted and yet not given, as where it lies in too many pieces. */
const refusing = `
const reserve = Run.prototype.reserve;
Run.prototype.reserve = function () {
  if (this.info().config.lr === ${REFUSED}) throw new Error("memory for the batch: too little");
  return reserve.call(this);
};`;

const step = async (page, to) => {
  await page.click("#step");
  await until(page, (wanted) => nibble.runs.every(({ globalStep }) => globalStep === wanted), to);
  await still(page);
};

/** Losses of an undisturbed run, step by step. */
async function undisturbed(t, steps) {
  const page = await open(t, { settings: SINGLE });
  for (let i = 1; i <= steps; i++) await step(page, i);
  return (await runOf(page)).losses;
}

test("memory that is refused after all: a reset leaves the trained run, to the last bit", async (t) => {
  const wanted = await undisturbed(t, 6);
  const page = await altered(t, refusing, SINGLE);
  for (let i = 1; i <= 3; i++) await step(page, i);
  await page.evaluate((rate) => nibble.set("lr", rate), REFUSED);
  await fromMenu(page, "#reset");
  await noticed(page, "memory for the batch: too little");
  await until(page, () => !nibble.busy);
  assert.equal((await runOf(page)).globalStep, 3);
  for (let i = 4; i <= 6; i++) await step(page, i);
  assert.deepEqual((await runOf(page)).losses, wanted);
});

test("memory that is refused after all: a run that goes on otherwise keeps its last good weights", async (t) => {
  const wanted = await undisturbed(t, 5);
  const page = await altered(t, refusing, SINGLE);
  for (let i = 1; i <= 3; i++) await step(page, i);
  await page.evaluate((rate) => nibble.experiments.goOnWith(nibble.run, `lr:${rate}`), REFUSED);
  await noticed(page, "memory for the batch: too little");
  await until(page, () => !nibble.busy);
  for (let i = 4; i <= 5; i++) await step(page, i);
  assert.deepEqual((await runOf(page)).losses, wanted);
});

test("memory that is refused after all: two trained runs stay, and so does one that gets no second", async (t) => {
  const page = await altered(t, refusing, { ...SINGLE, race: "bits:3" });
  await step(page, 1);
  const before = await runsOf(page);
  await page.evaluate((rate) => nibble.set("lr", rate), REFUSED);
  await fromMenu(page, "#reset");
  await noticed(page, "memory for the batch: too little");
  await until(page, () => !nibble.busy);
  assert.deepEqual(await runsOf(page), before);
  await page.click("#undo");
  await step(page, 2);
  await enter(page, "runs", "compare");
  await page.click('[aria-label="Drop 3-bit"]');
  await until(page, () => nibble.runs.length === 1 && !nibble.busy);
  for (const how of ["race", "fork"]) {
    await page.evaluate(([how, rate]) => nibble.experiments[how](`lr:${rate}`), [how, REFUSED]);
    await until(page, () => !nibble.busy);
    assert.deepEqual((await runsOf(page)).map(({ globalStep }) => globalStep), [2], how);
  }
  await step(page, 3);
});

test("a finished run whose reset gets no memory can still be looked at", async (t) => {
  const page = await altered(t, refusing, { ...SINGLE, train: 100, epochs: 1 });
  await page.click("#play");
  await until(page, () => nibble.finished && !nibble.playing);
  const mistakes = () => page.evaluate(async () => (await nibble.client.request("predictions", { run: nibble.run.id, limit: 5 })).images.map(({ index, loss }) => [index, loss]));
  const before = await mistakes();
  await page.evaluate((rate) => nibble.set("lr", rate), REFUSED);
  await fromMenu(page, "#reset");
  await noticed(page, "memory for the batch: too little");
  await until(page, () => !nibble.busy);
  assert.deepEqual(await mistakes(), before);
  assert.ok(before.length > 0);
});
