/** Weights of an FP32 run rounded after training, against a run that trained with its rounding. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { CROSSED, press, runsOf, stands, still, until } from "./lab.mjs";
import { ink, open, shows, trained } from "./support.mjs";

const RUN = { train: 640, test: 200, batch: 32, epochs: 3, augment: 0, lr: 0.003 };

const results = (page) =>
  page.evaluate(() => {
    const run = nibble.runs.find(({ settings }) => settings.quantizer === "none");
    return { step: run.afterTraining.step, accuracy: [...run.afterTraining.results].map(([bits, { accuracy }]) => [bits, accuracy]) };
  });

for (const { name, width, viewport, hand } of CROSSED[0]) {
  test(`${name}: one press, and the cliff stands beside the run that was trained in 4 bits`, async (t) => {
    const page = await open(t, { settings: { ...RUN, race: "quantizer:none" }, context: { viewport } });
    assert.ok(await page.locator("#ptq-go").isDisabled(), "there is nothing to round yet");
    await press(page, "#play", hand);
    await until(page, () => nibble.finished);
    await press(page, "#ptq-go", hand);
    await until(page, () => nibble.runs[1].afterTraining?.running === false);
    const { step, accuracy } = await results(page);
    assert.equal(step, 60);
    assert.deepEqual(accuracy.map(([bits]) => bits), [null, 8, 7, 6, 5, 4, 3, 2]);
    const by = new Map(accuracy);
    const [trainedRun, fp32] = await runsOf(page);
    assert.equal(by.get(null), fp32.tests.at(-1), "the weights as they are test as the run itself did");
    // 8 bits: at most a few of the 200 images change sides.
    assert.ok(Math.abs(by.get(8) - by.get(null)) <= 0.03, `8 bits: ${by.get(8)} of ${by.get(null)}`);
    assert.ok(by.get(2) < by.get(null) - 0.1, `no cliff: ${by.get(2)} of ${by.get(null)}`);

    await shows(page, "#cliff", /rounded after 60 steps.*FP32 [\d.]+ %, 8 bits [\d.]+ %.*2 bits [\d.]+ %.*Trained with 4 bits: [\d.]+ %/, "aria-label");
    const percent = (value) => `${(100 * value).toFixed(1)} %`;
    await shows(page, "#ptq-note", new RegExp(`${percent(by.get(4))} rounded.*${percent(trainedRun.tests.at(-1))} when trained`));
    const curve = await ink(page, "#ptq", "--run-b");
    const line = await ink(page, "#ptq", "--run-a");
    assert.ok(curve > 100 && line > 60, `${curve}, ${line} pixels`);
    await stands(page, `ptq-${width}-${hand}`);
    await press(page, "#ptq-after", hand);
    assert.equal(await ink(page, "#ptq", "--run-b"), 0);
    await press(page, "#ptq-trained", hand);
    assert.equal(await ink(page, "#ptq", "--run-a"), 0);
    for (const chip of ["#ptq-after", "#ptq-trained"]) await press(page, chip, hand);
    assert.deepEqual([await ink(page, "#ptq", "--run-b"), await ink(page, "#ptq", "--run-a")], [curve, line]);
  });
}

test("rounding while the run trains: the weights of that moment, and training goes on", async (t) => {
  const page = await open(t, { settings: { ...RUN, epochs: 8, quantizer: "none" } });
  await page.click("#play");
  await trained(page, 12);
  await page.click("#ptq-go");
  await until(page, () => nibble.run.afterTraining?.running === false);
  const [{ globalStep }] = await runsOf(page);
  const { step, accuracy } = await results(page);
  assert.ok(step >= 12 && globalStep > step, `rounded at ${step}, now at ${globalStep}`);
  assert.equal(accuracy.length, 8);
  await page.click("#play");
  await still(page);
});

test("a run without FP32 says what is missing", async (t) => {
  const page = await open(t, { settings: RUN });
  await page.click("#step");
  await trained(page, 1);
  await shows(page, "#ptq-note", /needs a run in FP32/);
  assert.ok(await page.locator("#ptq-go").isDisabled());
});

test("reset ends the rounding that is under way", async (t) => {
  const page = await open(t, { settings: { ...RUN, test: 2000, quantizer: "none" } });
  await page.click("#step");
  await trained(page, 1);
  await still(page);
  await page.click("#ptq-go");
  await until(page, () => nibble.run.afterTraining?.share > 0);
  await page.click("#reset");
  await until(page, () => nibble.run.globalStep === 0 && !nibble.busy);
  await page.click("#step");
  await trained(page, 1);
  await still(page);
  assert.equal(await page.evaluate(() => nibble.run.afterTraining), null);
});

test("every width has its point, FP32 the first", async (t) => {
  const page = await open(t, { settings: { ...RUN, epochs: 1, quantizer: "none" } });
  await page.click("#step");
  await trained(page, 1);
  await still(page);
  await page.click("#ptq-go");
  await until(page, () => nibble.run.afterTraining?.running === false);
  const drawn = await page.evaluate(async () => {
    const { drawCliff } = await import("./plots/cliff.js");
    const canvas = document.getElementById("cliff");
    const context = canvas.getContext("2d");
    const at = [];
    const { arc } = context;
    context.arc = (x, ...rest) => {
      at.push(x);
      arc.call(context, x, ...rest);
    };
    drawCliff(canvas, nibble.run.afterTraining.results, [], 0, { after: true, trained: true });
    return { at, wide: canvas.clientWidth };
  });
  assert.equal(drawn.at.length, 8);
  drawn.at.forEach((x, i) => assert.ok(x > (drawn.at[i - 1] ?? 46) && x < drawn.wide, `points at ${drawn.at}`));
});
