/** Weights of an FP32 run quantized after training: the cliff of one scheme, and the table of all. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { choose, CROSSED, press, runsOf, stands, still, tabTo, until } from "./lab.mjs";
import { settingOf } from "../../www/settings.js";
import { enter, fromMenu, ink, noticed, shows, trained, within } from "./support.mjs";

const open = within("runs", "ptq");

const RUN = { train: 640, test: 200, batch: 32, epochs: 3, augment: 0, lr: 0.003 };

const results = (page, scheme = "symmetric") =>
  page.evaluate((of) => {
    const run = nibble.runs.find(({ settings }) => settings.quantizer === "none");
    return { step: run.afterTraining.step, accuracy: [...run.afterTraining.resultsOf(of)].map(([bits, { accuracy }]) => [bits, accuracy]) };
  }, scheme);

for (const { name, width, screen, hand } of CROSSED[0]) {
  test(`${name}: one press, and the cliff stands beside the run that was trained in 4 bits`, async (t) => {
    const page = await open(t, { settings: { ...RUN, race: "quantizer:none" }, context: screen });
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

    await shows(page, "#cliff", /rounded after 60 steps.*FP32 [\d.]+ %, 8 bits [\d.]+ %.*2 bits [\d.]+ %.*Trained with Symmetric at 4 bits: [\d.]+ %/, "aria-label");
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
  await fromMenu(page, "#reset");
  await until(page, () => nibble.run.globalStep === 0 && !nibble.busy);
  await page.click("#step");
  await trained(page, 1);
  await still(page);
  assert.equal(await page.evaluate(() => nibble.run.afterTraining), null);
});

/** A run of one epoch in FP32, done. */
async function finished(t, more = {}) {
  const page = await open(t, { settings: { ...RUN, epochs: 1, quantizer: "none" }, ...more });
  await page.click("#play");
  await until(page, () => nibble.finished && !nibble.playing);
  return page;
}

const tested = (page) => until(page, () => nibble.run.afterTraining?.running === false);

/** The table: texts of the cells by the text before them. */
const cells = (page) =>
  page.evaluate(() => Object.fromEntries(
    [...document.querySelectorAll("#ptq-table tbody tr:not(.ptq-format)")].map(({ cells: [head, ...rest] }) => [head.textContent, rest.map(({ textContent }) => textContent)]),
  ));

for (const { name, width, screen, hand } of CROSSED[1]) {
  test(`${name}: every scheme at every width, each row under what it was tested`, async (t) => {
    const page = await finished(t, { context: screen });
    await press(page, "#ptq-all", hand);
    await tested(page);
    const { schemes, accuracies, full } = await page.evaluate(async () => {
      const { SCHEMES } = await import("./ptq/options.js");
      const { rows, full } = nibble.run.afterTraining;
      const accuracies = [...rows].map(([scheme, { results }]) => [scheme, [...results].map(([bits, { accuracy }]) => [bits, accuracy])]);
      return { schemes: SCHEMES.map(({ name, bits }) => [name, [...bits].sort((a, b) => b - a)]), accuracies, full };
    });
    assert.deepEqual(accuracies.map(([scheme, results]) => [scheme, results.map(([bits]) => bits)]), schemes);
    const [{ tests }] = await runsOf(page);
    assert.equal(full.accuracy, tests.at(-1));

    await until(page, () => !document.querySelector("#ptq-table").textContent.includes("–"));
    const plain = await cells(page);
    assert.deepEqual(plain["FP32, not rounded"], [(100 * full.accuracy).toFixed(1)]);
    // 16, 12, 8 ... 1 bits; the letter says: one scale for a layer, nothing besides.
    const symmetric = plain.Symmetrica;
    assert.deepEqual([symmetric.slice(0, 2), symmetric.at(-1)], [["", ""], ""]);
    assert.ok(symmetric.slice(2, -1).every((text) => /^★?[\d.]+$/.test(text)), symmetric.join());
    const best = Object.values(plain).map((row) => row[2]).filter((text) => text?.startsWith("★")).map((text) => text.slice(1));
    const eight = accuracies.flatMap(([, results]) => results.filter(([bits]) => bits === 8).map(([, accuracy]) => accuracy));
    assert.deepEqual([...new Set(best)], [(100 * Math.max(...eight)).toFixed(1)]);
    await stands(page, `ptq-table-${width}-${hand}`);

    // Other options for one scheme: its row has them, the others keep theirs.
    for (const box of ["#ptq-equalise", "#ptq-correct"]) {
      if (hand === "pointer") await page.check(box);
      else {
        await tabTo(page, box);
        await page.keyboard.press("Space");
      }
    }
    await choose(page, "#ptq-activations", "Affine", hand);
    await press(page, "#ptq-go", hand);
    await tested(page);
    await until(page, () => document.querySelectorAll(".ptq-conditions li").length === 3);
    assert.match(await page.textContent(".ptq-conditions"), /batch norm folded, layers equalised, biases corrected, activations Affine at \d bits \(largest value\)/);
    const now = await cells(page);
    assert.deepEqual(now.Affineb ?? now.Affinea, plain.Affinea);
    const row = await page.evaluate(() => nibble.run.afterTraining.rows.get("symmetric").quantization);
    assert.deepEqual([row.fold, row.equalise, row.correct, row.activations], [true, true, true, "affine"]);
  });
}

test("a scheme of few widths is drawn with these, and the file has what was tested", async (t) => {
  const page = await finished(t);
  await page.check("#ptq-table input[value=nvfp4]");
  await page.click("#ptq-go");
  await tested(page);
  await shows(page, "#cliff", /NVFP4: FP32 [\d.]+ %, 4 bits [\d.]+ %/, "aria-label");
  const file = page.waitForEvent("download");
  await enter(page, "export");
  await page.click('[data-save="ptq"]');
  const { createReadStream } = await import("node:fs");
  const text = await createReadStream(await (await file).path(), "utf8").toArray();
  const [head, full, nvfp4, ...rest] = text.join("").trim().split("\r\n").map((line) => line.split(","));
  assert.deepEqual(rest, []);
  const of = (row) => Object.fromEntries(head.map((key, i) => [key, row[i]]));
  assert.deepEqual([of(full).scheme, of(full).bits, of(nvfp4).scheme, of(nvfp4).bits, of(nvfp4).folded], ["none", "32", "nvfp4", "4", "0"]);
  const { accuracy } = await results(page, "nvfp4");
  assert.deepEqual(accuracy, [[null, Number(of(full).test_accuracy)], [4, Number(of(nvfp4).test_accuracy)]]);
});

test("folding, equalising and estimating leave each other no choice that the engine would refuse", async (t) => {
  const page = await finished(t);
  await page.selectOption("#ptq-reestimate", "4");
  await page.check("#ptq-equalise");
  assert.ok(await page.isChecked("#ptq-fold"), "equalising folds");
  assert.ok(await page.isDisabled("#ptq-reestimate"), "nothing is left to estimate");
  await page.uncheck("#ptq-fold");
  assert.ok(!(await page.isChecked("#ptq-equalise")) && (await page.isEnabled("#ptq-reestimate")));
  await page.check("#ptq-table input[value=mxfp4]");
  await page.selectOption("#ptq-granularity", "channel");
  await page.selectOption("#ptq-activations", "fp8_e4m3");
  assert.equal(await page.textContent("#ptq-actbits"), "8");
  await page.click("#ptq-go");
  await tested(page);
  await shows(page, ".ptq-conditions", /^Statistics re-estimated from 4 batches, activations FP8 E4M3 at 8 bits/);
});

test("tests stop when told, and what was tested stays", async (t) => {
  const page = await finished(t, { settings: { ...RUN, epochs: 1, test: 2000, quantizer: "none" } });
  assert.ok(await page.isDisabled("#ptq-stop"));
  await page.click("#ptq-all");
  await until(page, () => nibble.run.afterTraining?.rows.size > 0);
  await page.click("#ptq-stop");
  await tested(page);
  const count = () => page.evaluate(() => nibble.run.afterTraining.table.length);
  const stopped = await count();
  assert.ok(stopped > 1 && stopped < 20, `${stopped} tests`);
  await page.click("#ptq-go");
  await tested(page);
  const { accuracy } = await results(page);
  assert.equal(accuracy.length, 8);
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
    const results = nibble.run.afterTraining.resultsOf("symmetric");
    drawCliff(canvas, [...results.keys()], results, [], 0, { after: true, trained: true });
    return { at, wide: canvas.clientWidth };
  });
  assert.equal(drawn.at.length, 8);
  drawn.at.forEach((x, i) => assert.ok(x > (drawn.at[i - 1] ?? 46) && x < drawn.wide, `points at ${drawn.at}`));
});

test("what the engine refuses is told, and the rest is tested", async (t) => {
  const page = await finished(t);
  await page.evaluate(async () => {
    const { schemeOf } = await import("./ptq/options.js");
    const options = { granularity: "tensor", fold: false, equalise: false, correct: false, reestimate: 0, activations: null, activationBits: 8, calibration: "minmax" };
    // Five bits are none that NVFP4 has: refused like one for which there is no memory.
    return nibble.experiments.quantizeAfterTraining(nibble.run, [{ ...schemeOf("nvfp4"), bits: [4, 5] }, schemeOf("binary")], options);
  });
  await noticed(page, "Not tested: NVFP4 at 5 bits.", "bits: expected 4 with nvfp4, found 5");
  const { rows, share } = await page.evaluate(() => {
    const { rows: of, share: done } = nibble.run.afterTraining;
    return { rows: [...of].map(([name, { results, refused }]) => [name, [...results.keys()], [...refused.keys()]]), share: done };
  });
  assert.deepEqual([rows, share], [[["nvfp4", [4], [5]], ["binary", [1], []]], 1]);
  // In the table it is a cell of its own.
  await page.evaluate(async () => {
    const { schemeOf } = await import("./ptq/options.js");
    const { afterTraining: test } = nibble.run;
    test.begin([schemeOf("shift")], { granularity: "tensor" });
    test.add({ index: 0, step: test.step, done: 0, total: 0, result: null, problem: "too little memory" });
    test.running = false;
    nibble.tell("tested");
  });
  const refused = page.locator("#ptq-table td[title='too little memory']");
  await refused.waitFor();
  assert.equal(await refused.textContent(), "✕");
});

test("a run is held against a rounding by what both are: its scheme, layers of other bits, activations", async (t) => {
  const settings = { ...RUN, epochs: 1, bits: "4,conv1:8", activations: "affine", race: "quantizer:none" };
  const page = await open(t, { settings });
  await page.click("#play");
  await until(page, () => nibble.finished && !nibble.playing);
  const trainedAs = /Trained with Symmetric at 4 bits but conv1:8, activations Affine at 8 bits: [\d.]+ %/;
  const roundedBy = async (scheme) => {
    await page.check(`#ptq-table input[value=${scheme}]`);
    await page.click("#ptq-go");
    await until(page, () => nibble.runs[1].afterTraining?.running === false);
  };
  await shows(page, "#ptq-trained-name", /^trained with Symmetric at 4 bits but conv1:8/);
  await roundedBy("symmetric");
  await shows(page, "#ptq-note", new RegExp(`^Rounded after 20 steps by Symmetric at 4 bits, activations Affine at 8 bits: [\\d.]+ %\\. ${trainedAs.source}\\.$`));
  await roundedBy("nvfp4");
  await shows(page, "#ptq-note", new RegExp(`^Rounded after 20 steps by NVFP4 at 4 bits, activations Affine at 8 bits: [\\d.]+ %\\. ${trainedAs.source}\\.$`));
  await roundedBy("binary");
  await shows(page, "#ptq-note", new RegExp(`^${trainedAs.source}\\.$`));
  await shows(page, "#cliff", trainedAs, "aria-label");
  // The weights as they are were tested with the activations rounded.
  assert.ok(Object.keys(await cells(page)).includes("FP32 weights, activations Affine at 8 bits"));
  assert.match(await page.textContent(".ptq-conditions"), /activations Affine at 8 bits \(as in training\)/);
});

test("a range is chosen of activations that have one", async (t) => {
  const page = await finished(t);
  const ranges = {};
  for (const { name, format } of settingOf("activations").choices) {
    if (format === "full") continue;
    await page.selectOption("#ptq-activations", name);
    ranges[name] = await page.isEnabled("#ptq-calibration");
  }
  assert.deepEqual(ranges, { affine: true, pact: true, lsq: true, dorefa: false, fp4: true, fp8_e4m3: true, mxfp4: false });
  await page.check("#ptq-table input[value=nvfp4]");
  await page.click("#ptq-go");
  await tested(page);
  await shows(page, ".ptq-conditions", /^Activations MXFP4 at 4 bits\.$/);
  const csv = await page.evaluate(async () => (await import("./share/table.js")).afterTrainingCsv([nibble.run]));
  assert.match(csv, /nvfp4,4,tensor,0,0,0,0,mxfp4,4,,/);
});
