/** Gradient norm, saturation, and the alarm: stopped within a step, good weights kept, something to try. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { remedies } from "../../www/remedies.js";
import { defaults, settingOf } from "../../www/state.js";
import { press, runsOf, stands, still, until, WAYS } from "./lab.mjs";
import { noticed, open, pause, shows, trained } from "./support.mjs";

const RUN = { train: 256, test: 100, batch: 32, epochs: 4, augment: 0 };
/** What makes the next forward pass overflow. */
const OVERFLOW = 1e38;

const inject = (page, factor) => page.evaluate((times) => nibble.experiments.injectOutlier("linear1", times), factor);
const largest = (page) => page.evaluate(() => nibble.runs.map(({ layers }) => Math.max(...layers.map(({ histogram }) => histogram.max))));

test("what is offered is what the run lacks, and a smaller rate where there is one", () => {
  const offered = (settings) => remedies({ ...defaults(), ...settings }).map(({ difference }) => difference);
  assert.deepEqual(offered({}), ["lr:0.0001"]);
  assert.deepEqual(offered({ clip: false, tanh: false, lr: 1 }), ["clip:1", "tanh:1", "lr:0.1"]);
  assert.deepEqual(offered({ lr: settingOf("lr").min }), []);
});

test("gradient norm and saturation while training, in words and numbers", async (t) => {
  const page = await open(t, { settings: RUN });
  await page.click("#play");
  await trained(page, 4);
  await pause(page);
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

for (const { name, width, viewport, hand } of WAYS) {
  test(`${name}: a number that is not finite stops the run before that step, and it can go on`, async (t) => {
    const page = await open(t, { settings: { ...RUN, tanh: 0, quantizer: "none" }, context: { viewport } });
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
    assert.equal(await page.locator(".notice-error").count(), 0, "the message is out of date");
    const [now] = await largest(page);
    assert.ok(now < 2 * healthy, `the largest weight is ${now}, it was ${healthy}`);
  });
}

test("what is offered changes the run where it stands", async (t) => {
  const page = await open(t, { settings: { ...RUN, tanh: 0 } });
  await page.click("#step");
  await trained(page, 1);
  await still(page);
  await inject(page, OVERFLOW);
  await page.click("#step");
  await until(page, () => nibble.run.alarm);
  await page.getByRole("button", { name: "Rate 0.0001" }).click();
  // The outlier is still there: it stops again, with the new rate.
  await until(page, () => nibble.run.info.config.lr < 0.0002 && nibble.run.alarm && !nibble.busy);
  const [run] = await runsOf(page);
  assert.deepEqual([run.globalStep, run.losses.length, run.settings.lr], [1, 1, 0.0001]);
  assert.deepEqual(run.marks.at(-1), { epoch: 1 / 8, text: "rate 0.0001" });
  assert.match(page.url(), /lr=0.0001/);
  assert.equal(await page.locator("#set-lr").inputValue(), "0.0001");
});

test("side by side, the run that stops pauses the other", async (t) => {
  const page = await open(t, { settings: { ...RUN, tanh: 0, epochs: 40, race: "tanh:1" } });
  await page.click("#play");
  await until(page, () => nibble.runs.every(({ globalStep }) => globalStep >= 2));
  await pause(page);
  await page.evaluate(async (factor) => {
    const { To } = await import("./protocol.js");
    await nibble.client.request(To.OUTLIER, { run: nibble.run.id, layer: "linear1", factor });
  }, OVERFLOW);
  await page.click("#play");
  await until(page, () => nibble.run.alarm);
  await still(page);
  await noticed(page, "tanh off stopped");
  const [stopped, other] = await runsOf(page);
  assert.deepEqual([stopped.status, other.status, other.alarm], ["paused", "paused", null]);
  assert.ok(other.globalStep - stopped.globalStep <= 1);
});
