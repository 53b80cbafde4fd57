/** A run copied where it stands, with one setting changed; and one weight made far too large. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { choose, CROSSED, press, runsOf, stands, still, until } from "./lab.mjs";
import { enter, fromMenu, ink, notices, pressAfter, shows, trained, unfold, within } from "./support.mjs";

const open = within("runs", "compare");

/** Eight steps an epoch. */
const RUN = { train: 256, test: 100, batch: 32, epochs: 2, augment: 0 };

/** Losses of a run with these settings that nothing is done to. */
async function undisturbed(t, settings) {
  const page = await open(t, { settings });
  await page.click("#play");
  await until(page, () => nibble.finished);
  return (await runsOf(page))[0].losses;
}

for (const { name, width, screen, hand } of CROSSED[2]) {
  test(`${name}: 4 bits to 3 in the middle of a run, and on with both`, async (t) => {
    const page = await open(t, { settings: RUN, context: screen });
    assert.ok(await page.locator("#fork").isDisabled(), "there is nothing to fork yet");
    for (let wanted = 1; wanted <= 3; wanted++) {
      await press(page, "#step", hand);
      await trained(page, wanted);
      await still(page);
    }
    await choose(page, "#compare-with", "3-bit", hand);
    await press(page, "#fork", hand);
    await until(page, () => nibble.runs.length === 2 && !nibble.busy);
    const [original, copy] = await runsOf(page);
    assert.deepEqual([copy.globalStep, copy.fork.step, copy.losses, copy.config.bits], [3, 3, [], 3]);
    assert.deepEqual([original.label, copy.label], ["4-bit", "3-bit"]);
    assert.deepEqual(copy.marks, [{ epoch: 3 / 8, text: "fork" }]);
    assert.match(page.url(), /race=bits%3A3/);
    await until(page, () => document.activeElement?.closest("#compare"));

    await press(page, "#play", hand);
    await until(page, () => nibble.finished);
    const [left, right] = await runsOf(page);
    assert.equal(right.begins, 4 / 8, "the fork's curve does not begin at the fork");
    assert.deepEqual([left.losses.length, right.losses.length, right.globalStep], [16, 13, 16]);
    assert.notEqual(left.losses[3], right.losses[0]);
    assert.deepEqual(left.losses, await undisturbed(t, RUN), "the run that was copied is another one now");
    await shows(page, "#compare-gap", /(leads|Level).*on the test images after epoch 2/);
    await enter(page, "train");
    assert.ok((await ink(page, "#loss", "--run-b")) > 20);
    await stands(page, `fork-${width}-${hand}`);

    await press(page, '[aria-label="Drop 3-bit"]', hand);
    await until(page, () => nibble.runs.length === 1 && !nibble.busy);
    assert.deepEqual((await runsOf(page))[0].losses, left.losses);
  });
}

for (const [label, field, value] of [["tanh off", "tanhClip", false], ["one scale for the whole net", "granularity", "net"], ["straight-through off", "straightThrough", false], ["FP32", "quantizer", "none"]]) {
  test(`a fork with ${label}, while training: both go on`, async (t) => {
    // Long enough that it still trains when its first steps are told of.
    const page = await open(t, { settings: { ...RUN, epochs: 6 } });
    await page.selectOption("#compare-with", { label });
    await page.click("#play");
    await pressAfter(page, 4, "#fork");
    await until(page, () => nibble.runs.length === 2);
    await until(page, () => nibble.finished);
    const [original, copy] = await runsOf(page);
    assert.equal(copy.config[field], value);
    assert.deepEqual([original.globalStep, copy.globalStep], [48, 48]);
    assert.equal(original.losses.length - copy.losses.length, copy.fork.step);
    assert.ok(copy.fork.step >= 4);
  });
}

test("the first weights of a fork are those at the fork, also where it is the run that is left", async (t) => {
  const page = await open(t, { settings: RUN });
  for (let wanted = 1; wanted <= 2; wanted++) {
    await page.click("#step");
    await trained(page, wanted);
    await still(page);
  }
  await page.selectOption("#compare-with", { label: "3-bit" });
  await page.click("#fork");
  await until(page, () => nibble.runs.length === 2 && !nibble.busy);
  const first = async (run) => {
    if (run) await page.locator("#weights .run-switch label", { hasText: run }).click();
    await page.locator("#moment input[type=range]").focus();
    await page.keyboard.press("Home");
  };
  await enter(page, "inside");
  await first("Both");
  await shows(page, "#moment .replay-text", /^before training, at the fork$/);
  await enter(page, "runs");
  await page.click('[aria-label="Drop 4-bit"]');
  await until(page, () => nibble.runs.length === 1 && !nibble.busy);
  await enter(page, "inside");
  await first();
  await shows(page, "#moment .replay-text", /^at the fork$/);
  await page.click("#layers .layer >> nth=0");
  await shows(page, ".layer-view canvas.trend", /at the fork, .* now/, "aria-label");
});

test("without straight-through the quantized weights stand still", async (t) => {
  const page = await open(t, { settings: { ...RUN, tanh: 0, race: "ste:0" } });
  const counts = () => page.evaluate(() => nibble.runs.map(({ layers }) => JSON.stringify(layers.map(({ levelCounts }) => levelCounts))));
  const before = await counts();
  await page.click("#play");
  await until(page, () => nibble.finished);
  const after = await counts();
  assert.notEqual(after[0], before[0]);
  assert.equal(after[1], before[1]);
});

test("from its end card a finished run is compared over seeds, and forked: it and its copy go on for some epochs more", async (t) => {
  const page = await open(t, { settings: { ...RUN, epochs: 1 }, room: "train" });
  await page.click("#play");
  await until(page, () => nibble.finished);
  await page.click("#now-sweep");
  await until(page, () => document.activeElement.id === "sweep-row-1");
  assert.deepEqual([await page.inputValue("#sweep-row-1"), await page.inputValue("#sweep-seeds")], ["bits", "3"]);
  await page.goBack();
  await page.click("#now-fork");
  await until(page, () => document.querySelector("#compare")?.checkVisibility());
  await shows(page, "#compare-note", /go on for 5 epochs more\.$/);
  await page.selectOption("#compare-with", { label: "3-bit" });
  await page.click("#fork");
  await until(page, () => nibble.runs.length === 2 && nibble.finished && nibble.run.globalStep === 48 && !nibble.busy);
  const runs = await runsOf(page);
  assert.deepEqual(runs.map(({ label, globalStep, config, tests }) => [label, globalStep, config.bits, config.epochs, tests.length]), [["4-bit", 48, 4, 6, 6], ["3-bit", 48, 3, 6, 5]]);
  assert.equal(runs[1].fork.step, 8);
  assert.notDeepEqual(runs[0].losses.slice(8), runs[1].losses);
});

test("a fork that is reset becomes a race from the start", async (t) => {
  const page = await open(t, { settings: RUN });
  await page.click("#step");
  await trained(page, 1);
  await still(page);
  await page.selectOption("#compare-with", { label: "2-bit" });
  await page.click("#fork");
  await until(page, () => nibble.runs.length === 2 && !nibble.busy);
  await fromMenu(page, "#reset");
  await until(page, () => nibble.run.globalStep === 0 && !nibble.busy);
  const runs = await runsOf(page);
  assert.deepEqual(runs.map(({ label, fork, marks }) => [label, fork, marks]), [["4-bit", null, []], ["2-bit", null, []]]);
});

/** Figures of a layer of each run. */
const layerOf = (page, name) =>
  page.evaluate((wanted) => nibble.runs.map(({ layers }) => layers.find((layer) => layer.name === wanted)), name);

for (const { name, width, screen, hand } of CROSSED[1]) {
  test(`${name}: an outlier stretches the grid; with tanh the next step pulls it back`, async (t) => {
    const page = await open(t, { settings: { ...RUN, race: "tanh:0" }, context: screen });
    await choose(page, "#outlier-layer", "conv3", hand);
    const before = await layerOf(page, "conv3");
    await press(page, "#outlier-go", hand);
    await until(page, () => nibble.runs.every(({ outlier }) => outlier));
    const after = await layerOf(page, "conv3");
    after.forEach(({ scale, histogram, levelsUsed }, i) => {
      // Single precision, and a histogram whose ends are the largest weight.
      assert.ok(Math.abs(histogram.max / before[i].histogram.max - 20) < 1e-3, `${histogram.max} from ${before[i].histogram.max}`);
      assert.ok(Math.abs(scale / before[i].scale - 20) < 1e-3);
      assert.ok(levelsUsed < before[i].levelsUsed);
    });
    await shows(page, "#outlier-table", /tanh on, before.*tanh on, with the outlier.*tanh on, 1 step later–––tanh off, before/);
    await press(page, "#step", hand);
    await until(page, () => nibble.runs.every(({ globalStep }) => globalStep === 1));
    await still(page);
    const [on, off] = await layerOf(page, "conv3");
    assert.ok(on.histogram.max <= 3, `tanh left ${on.histogram.max}`);
    assert.ok(Math.abs(off.histogram.max / after[1].histogram.max - 1) < 0.02, `without tanh: ${off.histogram.max}`);
    await shows(page, "#outlier-table", /tanh off, 1 step later\d/);
    await stands(page, `outlier-${width}-${hand}`);
  });
}

test("the loss plot marks where the outlier came", async (t) => {
  const page = await open(t, { settings: { ...RUN, epochs: 6 } });
  await page.click("#play");
  await pressAfter(page, 2, "#play");
  await until(page, () => nibble.run.status === "paused");
  await unfold(page, "outlier");
  await page.click("#outlier-go");
  await until(page, () => nibble.run.marks.length === 1);
  const [{ marks, globalStep }] = await runsOf(page);
  assert.deepEqual(marks, [{ epoch: globalStep / 8, text: "outlier" }]);
});

test("an outlier as large as can be is told of; on a finished run no step is promised", async (t) => {
  const page = await open(t, { settings: { ...RUN, epochs: 1 } });
  await shows(page, "#outlier .note", /the next step pulls it back/);
  await page.click("#play");
  await until(page, () => nibble.finished);
  await shows(page, "#outlier .note", /no further step/);
  await unfold(page, "outlier");
  // Twenty times as large each time: single precision ends before the thirtieth.
  for (let presses = 0; presses < 30; presses++) {
    await page.click("#outlier-go");
    await page.waitForFunction((wanted) => nibble.run.marks.length === wanted || document.querySelector(".notice"), presses + 1);
  }
  assert.match((await notices(page)).join(), /^The largest weight of conv1 is near the end of what 32 bits can hold[^:]*: it cannot become 20 times as large\.$/);
  const titles = await page.locator("#outlier-table tbody td:first-child").allTextContents();
  assert.deepEqual(titles, ["before", "with the outlier"]);
});
