/** What has no room in the engine's memory is refused before it begins, and nothing is lost by it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { hasRun, noticed, open, pause, runOf, SMALL, trained } from "./support.mjs";

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
  await page.click("#reset");
  await hasRun(page);
  await page.click("#play");
  await trained(page, 2);
});

test("a reset to a run that has no room leaves the trained run, which goes on", async (t) => {
  const page = await open(t, { settings: { ...SMALL, train: 2000, epochs: 20 } });
  await page.click("#play");
  await trained(page, 2);
  await pause(page);
  const before = await runOf(page);
  await page.evaluate((settings) => Object.entries(settings).forEach(([key, value]) => nibble.set(key, value)), HUGE);
  await page.click("#reset");
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
  await page.click("#race");
  await noticed(page, "MB of memory", "A smaller batch takes less.");
  await page.waitForFunction(() => !nibble.busy);
  assert.equal(await page.evaluate(() => nibble.runs.length), 1);
  assert.equal((await runOf(page)).status, "paused");
});
