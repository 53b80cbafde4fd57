/** Pressing play on the built-in images: the network learns, the pictures move, the buttons do what they say. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { paperEpochs } from "../../www/reference/paper.js";
import { cifar10, write } from "./fixture.mjs";
import { drawn, enter, epochs, fromMenu, ink, mean, open, PATIENCE, pause, runOf, shows, trained } from "./support.mjs";

test("play on the built-in images: the loss falls, curves and histograms have ink", async (t) => {
  const page = await open(t, { settings: { train: 640, test: 100, batch: 32, epochs: 9, augment: 0 } });
  assert.equal(await ink(page, "#loss", "--train"), 0, "a curve before the first step");
  assert.ok((await ink(page, "#live-layer", "--level")) > 100, "the first weights are not drawn");
  await page.click("#play");
  await pause(page, { epochs: 2 });
  const { losses, layers, config } = await runOf(page);
  const [first, last] = [mean(losses.slice(0, 10)), mean(losses.slice(-10))];
  assert.ok(last < 0.9 * first, `loss ${first} -> ${last}`);
  assert.equal(config.quantizer, "symmetric");
  for (const { name, levelsUsed, levelCounts } of layers) {
    assert.ok(levelsUsed >= 2 && levelsUsed <= 15, `${name}: ${levelsUsed} levels`);
    assert.equal(levelCounts.filter((count) => count > 0).length, levelsUsed, name);
  }
  for (const plot of ["#loss", "#accuracy"]) {
    assert.ok((await ink(page, plot, "--train")) > 200, `${plot}: no training curve`);
    assert.ok((await ink(page, plot, "--test")) > 30, `${plot}: no test curve`);
  }
  assert.ok((await ink(page, "#live-layer", "--latent")) > 500, "no histogram");
  await shows(page, "#live", /Paused\. Epoch \d of 9/);
  await shows(page, "#loss", /Training loss \d/, "aria-label");
  await shows(page, "#speed", /^[\d,]+$/);
  // What stands in a room that is opened later knows all that was before.
  await enter(page, "inside");
  assert.ok((await ink(page, "#layers", "--latent")) > 1000, "no histograms");
  await enter(page, "runs");
  await page.waitForFunction(() => document.querySelectorAll("#epochs-table tbody tr").length === nibble.run.epochs.length);
});

test("pause answers within a step, and play goes on from there", async (t) => {
  // Steps that take longer than the worker keeps them to itself: the page knows of each when it ends.
  const page = await open(t, { settings: { train: 3200, test: 100, batch: 320, epochs: 3 } });
  await page.click("#play");
  await trained(page, 2);
  const at = await page.evaluate(() => {
    document.getElementById("play").click();
    return nibble.run.globalStep;
  });
  await page.waitForFunction(() => nibble.run.status === "paused", null, PATIENCE);
  const before = await runOf(page);
  // The step under way, and one whose message was on its way.
  assert.ok(before.globalStep - at <= 2, `${before.globalStep - at} steps after the pause`);
  // Each answer is a turn of the worker's queue, in which a loop that still went on would train.
  await page.evaluate(async () => {
    const { To } = await import("./protocol.js");
    for (let turn = 0; turn < 20; turn++) await nibble.client.request(To.PAUSE, { runs: [nibble.run.id] });
  });
  assert.equal((await runOf(page)).globalStep, before.globalStep, "it trained while paused");
  await page.click("#play");
  await trained(page, before.globalStep + 3);
  const { losses } = await runOf(page);
  assert.deepEqual(losses.slice(0, before.globalStep), before.losses);
});

test("step trains one step, also over the end of an epoch", async (t) => {
  const page = await open(t, { settings: { train: 100, test: 100, batch: 50, epochs: 2 } });
  for (let wanted = 1; wanted <= 3; wanted++) {
    await page.click("#step");
    await trained(page, wanted);
    await page.waitForFunction(() => nibble.run.status === "paused");
    assert.equal((await runOf(page)).globalStep, wanted);
  }
  assert.equal((await runOf(page)).epochs, 1);
  await shows(page, "#epoch", /^2$/);
});

test("reset begins again from the same seed: the very same losses; a new seed gives others", async (t) => {
  const page = await open(t);
  const firstLosses = async () => {
    await page.click("#play");
    await pause(page, { steps: 4 });
    return (await runOf(page)).losses.slice(0, 4);
  };
  const first = await firstLosses();
  await fromMenu(page, "#reset");
  await page.waitForFunction(() => nibble.run.globalStep === 0 && !nibble.busy);
  assert.equal(await ink(page, "#loss", "--train"), 0, "the old curve is still there");
  assert.deepEqual(await firstLosses(), first);
  await fromMenu(page, "#new-seed");
  await page.waitForFunction(() => nibble.run.globalStep === 0 && !nibble.busy);
  assert.notDeepEqual(await firstLosses(), first);
});

test("a finished run says so and keeps its curves", async (t) => {
  const page = await open(t, { settings: { train: 100, test: 100, batch: 50, epochs: 1 } });
  await page.click("#play");
  await page.waitForFunction(() => nibble.run.status === "finished");
  await page.waitForFunction(() => document.getElementById("play-label").textContent === "Done");
  await page.click("#play");
  const { epochs: done, globalStep } = await runOf(page);
  assert.deepEqual([done, globalStep], [1, 2]);
});

test("a published curve that cannot be fetched is left out", async (t) => {
  const run = { info: { config: { model: "vgg4bit" } }, data: { kind: "cifar100" } };
  t.mock.method(globalThis, "fetch", async () => new Response("<h1>Not found</h1>", { status: 404 }));
  assert.equal(await paperEpochs(run), null);
});

test("a published curve that comes late stands behind no other run", async (t) => {
  const page = await open(t, { settings: { model: "vgg4bit", train: 100, test: 100, batch: 50, epochs: 1 } });
  let answer;
  const asked = new Promise((resolve) => page.route("**/reference/*.csv", (route) => resolve((answer = () => route.continue()))));
  const { paths } = write(t, { "data_batch_1.bin": cifar10(100, 1), "test_batch.bin": cifar10(50, 2) });
  await enter(page, "data");
  await page.setInputFiles("#files", paths);
  await asked;
  await enter(page, "train");
  await page.waitForFunction(() => nibble.run.data.kind === "cifar10" && !nibble.busy, null, PATIENCE);
  await page.selectOption("#set-data", "builtin");
  await page.waitForFunction(() => nibble.run.data.kind === "synthetic" && !nibble.busy, null, PATIENCE);
  await page.click("#play");
  await epochs(page, 1);
  const late = page.waitForResponse(/reference/);
  await answer();
  await (await late).finished();
  await page.evaluate(async () => {
    const { paperEpochs } = await import("./reference/paper.js");
    await paperEpochs({ info: { config: { model: "vgg4bit" } }, data: { kind: "cifar10" } });
  });
  await drawn(page);
  assert.equal(await page.locator(".legend .reference").count(), 0);
  await enter(page, "runs");
  await page.waitForFunction(() => document.querySelectorAll("#epochs-table tbody tr").length === 1);
  const titles = await page.locator("#epochs-table th").allTextContents();
  assert.ok(titles.length > 5 && !titles.some((title) => title.includes("Paper")), `${titles}`);
});

test("FP32: histograms without a grid", async (t) => {
  const page = await open(t, { settings: { train: 100, test: 100, batch: 50, epochs: 1, quantizer: "none" } });
  await page.click("#step");
  await trained(page, 1);
  assert.ok(await page.locator("#set-bits").isDisabled());
  await enter(page, "inside");
  await drawn(page);
  assert.equal(await ink(page, "#layers", "--level"), 0);
  assert.ok((await ink(page, "#layers", "--latent")) > 1000);
  await shows(page, ".layer .count", /FP32/);
});
