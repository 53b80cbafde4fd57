/** Gradient norm, saturation, and the alarm: stopped within a step, good weights kept, something to try. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { remedies } from "../../www/remedies.js";
import { RunRecord } from "../../www/runs.js";
import { defaults, settingOf } from "../../www/settings.js";
import { CROSSED, press, runsOf, stands, still, until } from "./lab.mjs";
import { drawn, enter, fromMenu, noticed, open, pause, shows, SMALL, trained } from "./support.mjs";

const RUN = { train: 256, test: 100, batch: 32, epochs: 4, augment: 0 };
/** What makes the next forward pass overflow. */
const OVERFLOW = 1e38;

const inject = (page, factor) => page.evaluate((times) => nibble.experiments.injectOutlier("conv1", times), factor);
const largest = (page) => page.evaluate(() => nibble.runs.map(({ layers }) => Math.max(...layers.map(({ histogram }) => histogram.max))));

/** Makes the next step of the first run overflow; the page knows of no outlier. */
const overflow = (page) =>
  page.evaluate(async (factor) => {
    const { To } = await import("./protocol.js");
    await nibble.client.request(To.OUTLIER, { run: nibble.run.id, layer: "conv1", factor });
  }, OVERFLOW);

/** A run without tanh that an outlier has stopped at its second step. */
async function stoppedRun(t) {
  const page = await open(t, { settings: { ...RUN, tanh: 0 } });
  await page.click("#step");
  await trained(page, 1);
  await still(page);
  await inject(page, OVERFLOW);
  await page.click("#step");
  await until(page, () => nibble.run.alarm);
  return page;
}

test("what is offered is what the run lacks, and a smaller rate where there is one", () => {
  const offered = (settings) => remedies({ ...defaults(), ...settings }).map(({ difference }) => difference);
  assert.deepEqual(offered({}), ["lr:0.0001"]);
  assert.deepEqual(offered({ clip: false, tanh: false, lr: 1 }), ["clip:1", "tanh:1", "lr:0.1"]);
  assert.deepEqual(offered({ lr: settingOf("lr").min }), []);
});

test("the gradients of the latest steps are kept as they were, also in a fork", () => {
  const run = new RunRecord(1, defaults(), { test: 100, classes: [] }, { stepsPerEpoch: 1000, images: [32_000, 100], config: { epochs: 9 } }, [], null);
  const step = (number) => ({ globalStep: number, stepsPerEpoch: 1000, epoch: 1 + Math.floor(number / 1000), step: number % 1000, gradNorm: number, images: 32, ms: 1 });
  for (let number = 1; number <= 4000; number += 2) run.addSteps([step(number), step(number + 1)]);
  const latest = Array.from({ length: 240 }, (_, i) => 3761 + i);
  assert.deepEqual(run.gradNorms, latest);
  const fork = run.forked(2, defaults(), run.info, []);
  fork.addSteps([step(4001)]);
  assert.deepEqual([fork.gradNorms.at(-1), fork.gradNorms.length, run.gradNorms], [4001, 240, latest]);
});

test("gradient norm and saturation while training, in words and numbers", async (t) => {
  const page = await open(t, { settings: RUN });
  await page.click("#play");
  await pause(page, { steps: 4 });
  const { gradNorm, saturated } = await page.evaluate(() => ({
    gradNorm: nibble.run.last.gradNorm,
    saturated: Math.max(...nibble.run.layers.map(({ saturatedShare }) => saturatedShare)),
  }));
  assert.ok(gradNorm > 0 && saturated > 0 && saturated < 1, `gradient norm ${gradNorm}, saturated ${saturated}`);
  await shows(page, "#health-gradient", new RegExp(`^${gradNorm.toFixed(2)}$`));
  await shows(page, "#health-saturation", new RegExp(`^${(100 * saturated).toFixed(1)} %$`));
  await shows(page, "#health-numbers", /^all finite$/);
  await shows(page, "#health-verdict", /Healthy/);
  await shows(page, "#health-trend", /Gradient norm of the last steps: \d/, "aria-label");
  assert.ok((await page.evaluate(() => nibble.run.curves.gradNorm.ys)).every((norm) => norm > 0));
});

test("weights on the ends of the grid are a sign only where there is something between them", async (t) => {
  for (const quantizer of ["binary", "ternary_mean"]) {
    const page = await open(t, { settings: { ...SMALL, quantizer } });
    await page.click("#step");
    await trained(page, 1);
    await still(page);
    assert.ok((await page.evaluate(() => Math.max(...nibble.run.layers.map(({ saturatedShare }) => saturatedShare)))) > 0.5);
    await shows(page, "#health-saturation", /^–$/);
    await shows(page, "#health-verdict", /^Healthy/);
  }
  const page = await open(t, { settings: { ...SMALL, quantizer: "lsq" } });
  await page.click("#step");
  await trained(page, 1);
  await still(page);
  await shows(page, "#health-verdict", /^Healthy/);
  // A learned step that has become too small cuts weights off.
  await page.evaluate(() => {
    nibble.run.layers[1].saturatedShare = 0.31;
    nibble.tell("layers");
  });
  await shows(page, "#health-verdict", /^conv2 presses against the ends of its grid: 31 % of its weights lie on them\.$/);
});

test("the verdict without clipping: steady, grown many times, vanished, no better than guessing", async (t) => {
  const page = await open(t, { settings: { ...SMALL, clip: 0, race: "clip:1" } });
  await page.click("#step");
  await until(page, () => nibble.runs.every(({ globalStep }) => globalStep === 1));
  await still(page);
  await shows(page, "#health-verdict", /^clipping off: Healthy. Nothing clips the gradient.$/);
  /** Gives a run steps whose gradients and loss were these. */
  const after = (which, norms, loss = 1) =>
    page.evaluate(
      ([of, all, mean]) => {
        const run = nibble.runs[of];
        run.gradNorms = all;
        run.last.gradNorm = all.at(-1);
        run.smooth.loss = { value: mean };
        nibble.tell("steps");
      },
      [which, norms, loss],
    );
  const usual = Array(30).fill(0.4);
  await after(0, [...usual, ...Array(5).fill(8)]);
  await shows(page, "#health-verdict", /^clipping off: The gradient is 20 times its usual size, and nothing clips it.$/);
  // A single odd batch is none of that.
  await after(0, [...usual, 8]);
  await shows(page, "#health-verdict", /^clipping off: Healthy/);
  await after(0, [...usual, 1e-7]);
  await shows(page, "#health-verdict", /^clipping off: The gradient has vanished/);
  await after(0, usual, 2.4);
  await shows(page, "#health-verdict", /^clipping off: The loss is no better than guessing.$/);
  // Of two runs, the one that something is wrong with is told of.
  await after(0, usual);
  await after(1, [...usual, ...Array(5).fill(8)]);
  await shows(page, "#health-verdict", /^clipping on: The gradient is 20 times its usual size.$/);
});

for (const { name, width, screen, hand } of CROSSED[1]) {
  test(`${name}: a number that is not finite stops the run before that step, and it can go on`, async (t) => {
    const page = await open(t, { settings: { ...RUN, tanh: 0, quantizer: "none" }, context: screen });
    await press(page, "#step", hand);
    await trained(page, 1);
    await still(page);
    const [healthy] = await largest(page);
    await inject(page, OVERFLOW);
    await press(page, "#play", hand);
    await until(page, () => nibble.run.alarm);
    await still(page);
    const [run] = await runsOf(page);
    assert.deepEqual([run.status, run.globalStep, run.alarm.step], ["paused", 1, 2]);
    assert.ok(!Number.isFinite(run.alarm.loss) || !Number.isFinite(run.alarm.gradNorm));
    await noticed(page, "Training stopped", "step 2", "was not taken");
    await shows(page, "#health-numbers", /^not finite$/);
    await shows(page, "#health-verdict", /Stopped before step 2/);
    assert.ok((await largest(page)).every(Number.isFinite), "the weights kept are not good ones");
    const offered = await page.locator(".notice button.small").allTextContents();
    assert.deepEqual(offered, ["The outlier taken out", "Tanh clipping on", "Rate 0.0001"]);
    await stands(page, `health-${width}-${hand}`);

    await press(page, ".notice button.small", hand);
    await trained(page, 3);
    await press(page, "#play", hand);
    await still(page);
    await shows(page, "#health-numbers", /^all finite$/);
    const [now] = await largest(page);
    assert.ok(now < 2 * healthy, `the largest weight is ${now}, it was ${healthy}`);
  });
}

test("the message goes with the run that it tells of, and what it offered changes no other", async (t) => {
  const page = await stoppedRun(t);
  await page.getByRole("button", { name: "The outlier taken out" }).waitFor();
  await page.evaluate(() => (globalThis.stopped = nibble.run));
  await fromMenu(page, "#reset");
  await until(page, () => nibble.run.globalStep === 0 && !nibble.busy);
  await until(page, () => !document.querySelector(".notice-error"));
  const fresh = await largest(page);
  await page.evaluate(() => nibble.experiments.removeOutlier(stopped));
  await still(page);
  assert.deepEqual([await largest(page), (await runsOf(page))[0].globalStep], [fresh, 0]);
});

test("an outlier that is gone is not taken out", async (t) => {
  const page = await open(t, { settings: { ...RUN, quantizer: "none" } });
  // Tanh leaves 3 of it.
  await inject(page, 1000);
  await page.click("#step");
  await trained(page, 1);
  await still(page);
  await overflow(page);
  await page.click("#step");
  await until(page, () => nibble.run.alarm && nibble.run.outlier);
  await page.getByRole("button", { name: "Rate 0.0001" }).waitFor();
  assert.deepEqual(await page.locator(".notice button.small").allTextContents(), ["Rate 0.0001"]);
  const before = await page.evaluate(() => nibble.run.layers.at(-1).histogram.max);
  await page.evaluate(() => nibble.experiments.removeOutlier(nibble.run));
  assert.deepEqual(await page.evaluate(() => [nibble.run.layers.at(-1).histogram.max, nibble.playing]), [before, false]);
});

test("what is offered changes the run where it stands", async (t) => {
  const page = await stoppedRun(t);
  await page.getByRole("button", { name: "Rate 0.0001" }).click();
  // The outlier is still there: it stops again, with the new rate.
  await until(page, () => nibble.run.info.config.lr < 0.0002 && nibble.run.alarm && !nibble.busy);
  const [run] = await runsOf(page);
  assert.deepEqual([run.globalStep, run.losses.length, run.settings.lr], [1, 1, 0.0001]);
  assert.deepEqual(run.marks.at(-1), { epoch: 1 / 8, text: "rate 0.0001" });
  assert.match(page.url(), /lr=0.0001/);
  await drawn(page);
  assert.equal(await page.locator("#set-lr").inputValue(), "0.0001");
});

test("side by side, the run that stops pauses the other", async (t) => {
  const page = await open(t, { settings: { ...RUN, tanh: 0, epochs: 40, race: "tanh:1" } });
  await page.click("#play");
  await pause(page, { steps: 2 });
  await overflow(page);
  await page.click("#play");
  await until(page, () => nibble.run.alarm);
  await still(page);
  await noticed(page, "tanh off stopped");
  const [stopped, other] = await runsOf(page);
  assert.deepEqual([stopped.status, other.status, other.alarm], ["paused", "paused", null]);
  assert.ok(other.globalStep - stopped.globalStep <= 1);
  await enter(page, "runs", "compare");
  await page.click('[aria-label="Drop tanh off"]');
  await until(page, () => nibble.runs.length === 1 && !document.querySelector(".notice-error"));
});
