/** Bits: how much layers mind losing them, a budget spent on them, and what they are worth. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { bestFor, costOf, kilobytesOf, rangeOf, riseOf, settingFor, uniformFor } from "../../www/bits/assign.js";
import { budgetOf, budgetText, UNITS } from "../../www/bits/budget.js";
import { figuresOf, Measurements, TRUTH, WAYS } from "../../www/bits/measurements.js";
import { frontOf, marksOf } from "../../www/bits/pareto.js";
import { defaults } from "../../www/settings.js";
import { choose, CROSSED, press, runsOf, stands, still, tabTo, until } from "./lab.mjs";
import { enter, ink, NARROW, noticed, open as openAnywhere, shows, SMALL, trained, within } from "./support.mjs";

const open = within("bits");

/** Two layers, each of 2, 4 or 8 bits; the first is small and minds. */
const MEASURED = {
  layers: [
    { layer: "conv1", weights: 100, shown: 1, widths: [{ bits: 2, rise: 3, error: 0.5 }, { bits: 4, rise: 1, error: 0.1 }, { bits: 8, rise: 0, error: 0 }] },
    { layer: "linear1", weights: 300, shown: 1, widths: [{ bits: 2, rise: 0.5, error: 0 }, { bits: 4, rise: 0.25, error: 0 }, { bits: 8, rise: -0.1, error: 0 }] },
  ],
  fronts: [
    {
      unit: "",
      costs: [[0.5, 1, 2], [1.5, 3, 6]],
      steps: [
        { cost: 2, rise: 3.5, bits: [2, 2] }, { cost: 2.5, rise: 1.5, bits: [4, 2] }, { cost: 3.5, rise: 0.5, bits: [8, 2] },
        { cost: 5, rise: 0.25, bits: [8, 4] }, { cost: 8, rise: 0, bits: [8, 8] },
      ],
    },
  ],
};

test("a budget is an amount and its unit, and is written as it is read", () => {
  assert.deepEqual(budgetOf("3"), { unit: "", amount: 3 });
  assert.deepEqual(budgetOf(" 400 KB "), { unit: "KB", amount: 400 });
  assert.deepEqual(budgetOf("1.5GBOP"), { unit: "GBOP", amount: 1.5 });
  for (const wrong of ["", "KB", "0", "-3", "3MB", "many", "1e999"]) assert.equal(budgetOf(wrong), null, wrong);
  for (const { name } of UNITS) {
    for (const amount of [0.001, 0.0625, 2.5, 3, 36.24, 1625, 12345.6]) {
      const text = budgetText({ unit: name, amount });
      const read = budgetOf(text);
      // What it was made of fits, and it is no larger than its figures ask for.
      assert.ok(read.amount >= amount && read.amount <= amount * 1.001, `${amount}: ${text}`);
      assert.equal(budgetText(read), text);
    }
  }
});

test("the best within a budget, what any widths cost, and as many for all", () => {
  const budget = (amount) => ({ unit: "", amount });
  assert.deepEqual(bestFor(MEASURED, budget(3)).bits, [4, 2]);
  assert.deepEqual(bestFor(MEASURED, budget(3.5)).bits, [8, 2]);
  assert.deepEqual(bestFor(MEASURED, budget(1)).bits, [2, 2], "nothing costs as little");
  assert.deepEqual(rangeOf(MEASURED, ""), [2, 8]);
  assert.equal(costOf(MEASURED, "", [2, 8]), 6.5);
  assert.ok(Number.isNaN(costOf(MEASURED, "", [3, 8])), "there is no such width");
  assert.equal(riseOf(MEASURED, [4, 8]), 1, "what falls does not pay for what rises");
  assert.deepEqual([2, 3.9, 4, 100].map((amount) => uniformFor(MEASURED, budget(amount))), [2, 2, 4, 8]);
  assert.deepEqual(figuresOf(MEASURED), [1, 0.1, 0.25, 0]);
});

test("the setting says the width of most weights, and the others by name; the ends as they are asked for", () => {
  const settings = defaults();
  assert.equal(settingFor(MEASURED, [4, 2], settings), "2,conv1:4");
  assert.equal(settingFor(MEASURED, [4, 4], settings), 4);
  // The first and the last layer would have 8 bits.
  assert.equal(settingFor(MEASURED, [4, 4], { ...settings, ends: "8" }), "4,conv1:4,linear1:4");
  assert.equal(settingFor(MEASURED, [8, 4], { ...settings, ends: "8" }), "4,linear1:4");
});

test("kilobytes, and the runs that nothing smaller is as good as", () => {
  assert.equal(kilobytesOf({ conv1: 1000, linear1: 2000 }, (layer) => (layer === "conv1" ? null : 4)), 5);
  const dot = (kilobytes, accuracy) => ({ kilobytes, accuracy });
  const dots = [dot(40, 0.8), dot(20, 0.7), dot(30, 0.65), dot(40, 0.9), dot(50, 0.9)];
  assert.deepEqual(frontOf(dots), [dot(20, 0.7), dot(40, 0.9)]);
  for (const [from, to] of [[18, 320], [36, 37], [0.2, 5000], [10, 11.5]]) {
    const marks = marksOf([from, to]);
    assert.ok(marks.length >= 1 && marks.length <= 12 && marks.every((size) => size >= from && size <= to), `${from} to ${to}: ${marks}`);
  }
});

test("a measurement that was ended leaves what was known", () => {
  const measurements = new Measurements();
  measurements.begin("noise");
  measurements.advance({ name: "trace", done: 1, total: 2 });
  assert.equal(measurements.share, 0, "another one's progress");
  measurements.advance({ name: "noise", done: 1, total: 2 });
  assert.equal(measurements.share, 0.5);
  measurements.end("noise", null);
  assert.deepEqual([measurements.running, measurements.results.size], [null, 0]);
});

/** Images of a batch where figures do not matter. */
const FEW = 8;

test("every way runs here, while it trains; more bits do less, and the best of each front is what its layers say", async (t) => {
  const page = await open(t, { settings: { ...SMALL, epochs: 500 } });
  await page.click("#play");
  await trained(page, 12);
  const found = await page.evaluate(async ([ways, images]) => {
    const { To } = await import("./protocol.js");
    const all = {};
    for (const name of ways) all[name] = await nibble.client.request(To.SENSE, { run: nibble.run.id, name, images });
    const { costs } = await nibble.client.request(To.SENSE_COSTS, { run: nibble.run.id });
    return { all, costs, steps: nibble.run.globalStep };
  }, [WAYS.map(({ name }) => name), FEW]);
  const names = await page.evaluate(() => nibble.run.layers.map(({ name }) => name));
  for (const { name } of WAYS) {
    const { step, layers, fronts } = found.all[name];
    assert.ok(step >= 12 && step <= found.steps, name);
    assert.deepEqual(layers.map(({ layer }) => layer), names, name);
    for (const { layer, value, widths } of layers) {
      assert.ok(Number.isFinite(value), `${name}, ${layer}: ${value}`);
      assert.deepEqual(widths.map(({ bits }) => bits), [2, 3, 4, 5, 6, 7, 8]);
      if (name !== TRUTH) assert.ok(widths[0].rise >= widths.at(-1).rise, `${name}, ${layer}`);
    }
    assert.deepEqual(fronts.map(({ unit }) => unit), UNITS.map((unit) => unit.name));
    for (const { unit, steps } of fronts) {
      for (const { cost, rise, bits } of [steps[0], steps.at(-1)]) {
        assert.ok(Math.abs(costOf({ layers, fronts }, unit, bits) - cost) <= 1e-9 * cost, `${name}, ${unit}`);
        assert.ok(Math.abs(riseOf({ layers }, bits) - rise) <= 1e-9 * Math.max(rise, 1e-9), `${name}, ${unit}`);
      }
    }
  }
  assert.ok(found.steps > 12, "it trained on meanwhile");
  const { costs } = found;
  assert.deepEqual(costs.map(({ name }) => name), WAYS.map(({ name }) => name));
  assert.ok(costs.every(({ name, seconds }) => (name === "noise" ? seconds === 0 : seconds > 0)), JSON.stringify(costs));
  await page.click("#play");
  await still(page);
});

const measured = (page, name) => until(page, (way) => nibble.run.measurements?.results.has(way) && !nibble.run.measurements.running, name);

for (const { name, width, screen, hand } of [...CROSSED[0], ...CROSSED[2]]) {
  test(`${name}: measured, spent, moved by hand, used, and raced against uniform bits`, async (t) => {
    const page = await open(t, { settings: { ...SMALL, sensitivity: "noise" }, context: screen });
    await shows(page, "#sensitivity-cost", /Train the run first/);
    assert.ok(await page.locator("#sensitivity-go").isDisabled());
    assert.ok(await page.locator("#assignment-race").isDisabled());
    await press(page, "#play", hand);
    await until(page, () => nibble.finished);
    await shows(page, "#sensitivity-cost", /It takes a moment here/);
    await press(page, "#sensitivity-go", hand);
    await measured(page, "noise");
    await shows(page, "#sensitivity-note", /^\w+ minds most\. Bars are noise over signal .*weights as they are now/);
    const bars = await page.locator("#sensitivity-bars .bits-fill").evaluateAll((fills) => fills.map((fill) => Number(/[\d.]+/.exec(fill.style.transform)[0])));
    assert.ok(bars.length === 7 && Math.max(...bars) === 1 && bars.every((share) => share >= 0), `${bars}`);
    await shows(page, "#assignment-left", /^Spent: [\d.]+ bits a weight\. Left: 0\.0\d/);

    // Half as much again.
    const bits = () => page.locator("#assignment-plan output").allTextContents();
    const before = await bits();
    await tabTo(page, "#assignment-amount");
    for (let i = 0; i < 25; i++) await page.keyboard.press("ArrowRight");
    const after = await bits();
    assert.ok(after.reduce((sum, one) => sum + Number(one), 0) > before.reduce((sum, one) => sum + Number(one), 0), `${before}: ${after}`);
    assert.match(page.url(), /budget=4\.5/);
    await shows(page, "#assignment-race", /^Race them against 4 bits everywhere$/);

    // By hand: too much.
    await tabTo(page, '[aria-label="Bits of conv6"]');
    await page.keyboard.press("End");
    assert.equal((await bits())[5], "8");
    await shows(page, "#assignment-left", /Over the budget by/);
    await shows(page, "#assignment-note", /Moved by hand/);
    await stands(page, `bits-${width}-${hand}`);
    // Measured again, they stay as they were moved.
    await press(page, "#sensitivity-go", hand);
    await until(page, () => nibble.run.measurements.running === null);
    assert.equal((await bits())[5], "8");
    await press(page, "#assignment-best", hand);
    assert.deepEqual(await bits(), after);
    await shows(page, "#assignment-note", /Nothing that costs as little does less/);

    await choose(page, "#assignment-unit", "kilobytes", hand);
    assert.deepEqual(await bits(), after, "the same bits, counted otherwise");
    assert.match(page.url(), /budget=[\d.]+KB/);

    await press(page, "#assignment-use", hand);
    await until(page, () => nibble.waiting.length === 1 && nibble.waiting[0].key === "bits");
    await press(page, "#assignment-race", hand);
    await until(page, () => nibble.runs.length === 2 && !nibble.busy);
    const [mixed, uniform] = await runsOf(page);
    assert.equal(uniform.config.bits, 4);
    const { all, others } = await page.evaluate((text) => ({ all: String(text).split(",")[0], others: String(text).split(",").slice(1) }), mixed.config.bits);
    const given = new Map(others.map((one) => one.split(":")));
    const layers = await page.evaluate(() => nibble.run.layers.map((layer) => layer.name));
    assert.deepEqual(layers.map((layer) => given.get(layer) ?? all), after, "the first run has what was planned");
    await press(page, "#play", hand);
    await until(page, () => nibble.runs.every(({ globalStep }) => globalStep > 0));
    await press(page, "#play", hand);
    await still(page);
  });
}

test("ways are held against the plain experiment; a measurement is stopped, or made again after each epoch", async (t) => {
  const page = await open(t, { settings: { ...SMALL, epochs: 400 } });
  await page.click("#step");
  await trained(page, 1);
  await page.click("#sensitivity-go");
  await until(page, () => nibble.run.measurements?.share > 0);
  await page.click("#sensitivity-stop");
  await until(page, () => !nibble.run.measurements.running);
  assert.equal(await page.evaluate(() => nibble.run.measurements.results.size), 0);
  await shows(page, "#sensitivity-note", /Press Measure/);
  await page.click("#sensitivity-go");
  await measured(page, TRUTH);
  await page.selectOption("#sensitivity-way", "noise");
  assert.match(page.url(), /sensitivity=noise/);
  await page.click("#sensitivity-go");
  await measured(page, "noise");
  await shows(page, "#sensitivity-table", /Rounding noise\s*< 1 s\s*−?[01]\.\d\d ±\d\.\d\d/);
  await page.check("#sensitivity-again");
  await page.click("#play");
  await until(page, () => nibble.run.measurements.results.get("noise").step >= 10);
  await page.click("#play");
  await still(page);
});

test("a scheme that cannot be measured says so, and nothing else is lost", async (t) => {
  const page = await open(t, { settings: { ...SMALL, quantizer: "dorefa" } });
  await page.click("#step");
  await trained(page, 1);
  await page.click("#sensitivity-go");
  await noticed(page, "a scheme whose levels stand near the weights", "dorefa");
  await page.click("#step");
  await trained(page, 2);
});

test("bits that are chosen anew while it trains stand on the time axis, and a copy goes on with them", async (t) => {
  const page = await open(t, { settings: { ...SMALL, rebits: 5, bitbudget: 3 } });
  await page.click("#play");
  await until(page, () => nibble.finished);
  const told = await page.evaluate(() => {
    const { bits, marks, layers, settings } = nibble.run;
    const counts = new Map(layers.map(({ name, count }) => [name, count]));
    return { bits, asked: settings.bits, marks, counts: [...counts] };
  });
  const [all, ...others] = told.bits.split(",");
  const own = new Map(others.map((one) => one.split(":")));
  const spent = told.counts.reduce((sum, [name, count]) => sum + count * Number(own.get(name) ?? all), 0);
  assert.ok(spent <= 3 * told.counts.reduce((sum, [, count]) => sum + count, 0), told.bits);
  assert.equal(told.asked, 4);
  assert.ok(told.marks.length >= 1 && told.marks.every(({ epoch, text }) => text.startsWith("bits ") && epoch > 0), JSON.stringify(told.marks));
  // What each layer has now, beside what would be best.
  const before = await page.locator(".bits-before").allTextContents();
  assert.deepEqual(before, told.counts.map(([name]) => own.get(name) ?? all));
  const copied = await page.evaluate(async () => {
    await nibble.experiments.fork("lr:0.002");
    return nibble.runs.map(({ bits, info }) => [bits, info.config.bits]);
  });
  assert.equal(copied[1][0], told.bits);
  assert.equal(String(copied[1][1]), told.bits);
  await page.evaluate(() => nibble.pause());
  await still(page);
});

test("every kept run is a dot, and a press opens it", async (t) => {
  const page = await openAnywhere(t, { settings: { ...SMALL, epochs: 1 } });
  await page.click("#play");
  await until(page, () => nibble.finished);
  await page.evaluate(() => nibble.adopt({ bits: 2 }));
  await page.click("#apply");
  await until(page, () => nibble.run.settings.bits === 2 && !nibble.busy);
  await page.click("#play");
  await until(page, () => nibble.finished);
  await enter(page, "bits");
  await until(page, () => document.querySelectorAll("#pareto-list li").length === 2);
  const texts = await page.locator("#pareto-list li").allTextContents();
  // 72,496 weights.
  assert.match(texts[0], /2-bit.*: 18\.1 KB, [\d.]+ ±[\d.]+ %/);
  assert.match(texts[1], /4-bit.*: 36\.2 KB/);
  assert.ok((await ink(page, "#pareto", "--test")) > 50, "the run that is open");
  await shows(page, "#pareto-plot", /Accuracy against kilobytes of 2 runs/, "aria-label");
  await page.locator("#pareto-list li button").nth(1).click();
  await until(page, () => nibble.run.settings.bits === 4 && !nibble.busy);
  // The other one's dot says what it is where the pointer is over it.
  const place = await page.evaluate(() => {
    const canvas = document.querySelector("#pareto-plot");
    canvas.scrollIntoView({ block: "center" });
    const { left, top, width, height } = canvas.getBoundingClientRect();
    for (let x = left; x < left + width; x += 6) {
      for (let y = top; y < top + height; y += 6) {
        canvas.dispatchEvent(new PointerEvent("pointermove", { clientX: x, clientY: y }));
        if (canvas.title.startsWith("2-bit")) return [x, y];
      }
    }
    return null;
  });
  assert.ok(place, "no dot says that it is the run of 2 bits");
  await page.mouse.click(...place);
  await until(page, () => nibble.run.settings.bits === 2 && !nibble.busy);
});

test("the address says the way and the budget; what is none is told", async (t) => {
  const page = await openAnywhere(t, { search: "?train=320&test=100&room=bits&sensitivity=trace&budget=30KB", context: { viewport: NARROW } });
  assert.equal(await page.inputValue("#sensitivity-way"), "trace");
  assert.equal(await page.inputValue("#assignment-unit"), "KB");
  await shows(page, "#assignment-amount-text", /30\.0 kilobytes/);
  const wrong = await openAnywhere(t, { search: "?train=320&test=100&room=bits&budget=30MB" });
  await noticed(wrong, "Budget is average bits", 'not "30MB"');
});
