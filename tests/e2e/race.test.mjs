/** Two runs from the same start: the same batches, side by side, held against each other, either dropped. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { between, choices, differing, firstChoice, labels, matters } from "../../www/difference.js";
import { gapCurve, testGap } from "../../www/gap/measure.js";
import { RunRecord, speedOf, timeLeft } from "../../www/runs.js";
import { defaults, fromQuery, SETTINGS, toQuery } from "../../www/settings.js";
import { choose, CROSSED, press, runsOf, stands, still, tabTo, until } from "./lab.mjs";
import { drawn, enter, fromMenu, hasRun, ink, noticed, shows, SMALL, trained, within } from "./support.mjs";

const open = within("runs", "compare");

/** Eight steps an epoch. */
const RUN = { train: 256, test: 100, batch: 32, epochs: 2, augment: 0 };

test("what runs may differ in: each entry of the menu is one setting, and survives the address", () => {
  for (const settings of [defaults(), { ...defaults(), quantizer: "none" }]) {
    const list = choices(settings);
    assert.ok(list.length > 8 || settings.quantizer === "none");
    for (const { difference, label } of list) {
      const other = differing(settings, difference);
      const [named] = difference.split(":");
      // Bits follow a scheme that has not those of the first run.
      const follow = { quantizer: ["bits", "granularity"], activations: ["actbits"], gradients: ["gradbits"] }[named] ?? [];
      const changed = SETTINGS.filter(({ key }) => other[key] !== settings[key]).map(({ key }) => key);
      assert.deepEqual(changed.filter((key) => !follow.includes(key)), [named]);
      assert.ok(matters(settings, difference));
      assert.equal(labels([settings, other])[1], label);
      const { settings: read, problems } = fromQuery(toQuery({ ...settings, race: difference }));
      assert.deepEqual([read.race, problems], [difference, []]);
    }
    assert.ok(list.some(({ difference }) => difference === firstChoice(settings)));
  }
  assert.deepEqual(labels([defaults(), differing(defaults(), firstChoice(defaults()))]), ["4-bit", "FP32"]);
  assert.equal(firstChoice({ ...defaults(), quantizer: "none", lr: 0.01 }), "quantizer:symmetric");
});

test("a second run that the address does not describe well is named and left out", () => {
  for (const [race, named] of [["seed:3", "seed"], ["bits:9", "Bits"], ["tanh", "Tanh"], ["lr:fast", "Learning rate"]]) {
    const { settings, problems } = fromQuery(`?race=${race}`);
    assert.equal(settings.race, "");
    assert.equal(problems.length, 1);
    assert.ok(problems[0].includes(named), problems[0]);
  }
});

/** Per-channel 4-bit LSQ weights, 4-bit PACT activations, first and last layer 8 bits: against the paper's method. */
const ENGINEERS = { quantizer: "lsq", granularity: "channel", ends: "8", activations: "pact", actbits: 4 };
const RACED = "quantizer:lsq granularity:channel ends:8 activations:pact actbits:4";
/** Of a run's configuration. */
const METHOD = ({ config: { quantizer, bits, granularity, ends, activations, activationBits } }) => ({ quantizer, bits, granularity, ends, activations, activationBits });
const PAPERS = { quantizer: "symmetric", bits: 4, granularity: "tensor", ends: "same", activations: "none", activationBits: 8 };
const OURS = { ...PAPERS, quantizer: "lsq", granularity: "channel", ends: "8", activations: "pact", activationBits: 4 };

test("several differences: in any order, once each, and what they make is found from both sides", () => {
  const paper = defaults();
  const engineer = { ...paper, ...ENGINEERS };
  const backwards = RACED.split(" ").reverse().join("  ");
  assert.deepEqual(fromQuery(`?race=${backwards}`).settings.race, RACED);
  assert.match(toQuery({ ...paper, race: RACED }), /&race=quantizer%3Alsq\+granularity%3Achannel\+ends%3A8\+activations%3Apact\+actbits%3A4/);
  assert.deepEqual(differing(paper, RACED), engineer);
  assert.equal(between(paper, engineer), RACED);
  assert.deepEqual(differing(engineer, between(engineer, paper)), paper);
  assert.equal(between(paper, paper), null);
  assert.equal(between(paper, { ...engineer, epochs: 3 }), null, "two runs share their epochs");
  // A value may hold commas and colons, and spaces beside them.
  for (const text of ["bits:4,conv1:8 tanh:0", "tanh:0 bits:4, conv1: 8"]) {
    assert.equal(fromQuery(`?${new URLSearchParams({ race: text })}`).settings.race, "bits:4,conv1:8 tanh:0");
  }
});

test("two runs are called by the first of their differences, and by what else is not as published; a long label counts", () => {
  const named = (race, first = {}) => labels([{ ...defaults(), ...first }, differing({ ...defaults(), ...first }, race)]);
  assert.deepEqual(named("tanh:0 lr:0.003"), ["rate 0.001", "rate 0.003, tanh off"]);
  assert.deepEqual(named("tanh:1 lr:0.003", { tanh: false }), ["rate 0.001, tanh off", "rate 0.003"]);
  assert.deepEqual(named("bits:3 activations:pact"), ["4-bit", "3-bit, activations PACT"]);
  assert.deepEqual(named("granularity:channel"), ["one scale for a layer", "one scale for a channel"]);
  assert.deepEqual(named("granularity:net"), ["one scale for a layer", "one scale for the whole net"]);
  assert.deepEqual(named(RACED), ["4-bit", "LSQ 4-bit +4"]);
  assert.deepEqual(named("quantizer:symmetric granularity:tensor", ENGINEERS), ["LSQ 4-bit, one scale for a channel", "4-bit"]);
  // The name of a format with one width, and one way to share scales, says both.
  assert.deepEqual(named("quantizer:mxfp8 activations:fp8"), ["4-bit", "MXFP8, activations FP8 E4M3"]);
  for (const settings of [defaults(), { ...defaults(), ...ENGINEERS }]) {
    for (const { difference } of choices(settings)) {
      const [first, second] = labels([settings, differing(settings, difference)]);
      assert.notEqual(first, second, difference);
    }
  }
});

test("the menu has the settings as changed, and the defaults, where these are no single entry", () => {
  const paper = defaults();
  const engineer = { ...paper, ...ENGINEERS };
  const wholes = (...of) => choices(...of).filter(({ group }) => group === "All settings").map(({ difference, label }) => [difference, label]);
  assert.deepEqual(wholes(paper), []);
  assert.deepEqual(wholes(paper, engineer), [[RACED, "the settings as changed (LSQ 4-bit +4)"]]);
  assert.deepEqual(wholes(engineer), [[between(engineer, paper), "the defaults (4-bit)"]]);
  assert.deepEqual(wholes(paper, { ...paper, bits: 3 }), [], "3-bit is in the menu");
  assert.deepEqual(wholes(paper, { ...paper, lr: 0.0012 }), [["lr:0.0012", "the settings as changed (rate 0.0012)"]]);
  assert.deepEqual(wholes(paper, { ...engineer, batch: 64 }), [], "two runs share their batch size");
});

test("the gap is the second run's value less the first's, where both have one", () => {
  const a = { xs: [1, 2, 3, 4], ys: [0, 0.2, 0.4, 0.6] };
  assert.deepEqual(gapCurve(a, { xs: [2.5, 3], ys: [0.5, 0.5] }), { xs: [2.5, 3], ys: [0.5 - 0.30000000000000004, 0.5 - 0.4] });
  assert.deepEqual(gapCurve({ xs: [], ys: [] }, a), { xs: [], ys: [] });
  const ended = (...accuracies) => ({ epochs: accuracies.map((testAccuracy, i) => ({ epoch: i + 1, testAccuracy })) });
  assert.deepEqual(testGap(ended(0.5, 0.75), ended(0.25)), { xs: [1], ys: [-0.25] });
});

/** A run of two epochs of ten steps, ten images each, and 50 test images, that takes `ms` for each image. */
function record(id, ms) {
  const run = new RunRecord(id, defaults(), { test: 50, classes: [] }, { stepsPerEpoch: 10, images: [100, 50], config: { batch: 10, epochs: 2 } }, [], null);
  /** Trains up to that step. */
  run.train = (last) => {
    for (let step = run.globalStep + 1; step <= last; step++) {
      run.addSteps([{ globalStep: step, stepsPerEpoch: 10, epoch: Math.ceil(step / 10), step: ((step - 1) % 10) + 1, images: 10, ms: 10 * ms, loss: 1, accuracy: 0, gradNorm: 1 }]);
    }
  };
  /** Tests up to that image, or ends the epoch; a test image takes half as long. */
  run.test = (done) => {
    const took = ((done - run.progress.tested) * ms) / 2;
    if (done < 50) run.addEvaluation({ done, total: 50, ms: took });
    else run.addEpoch({ epoch: run.progress.epoch, layers: [] }, null, took);
  };
  return run;
}

test("time left: the steps and test passes of all runs, none of them twice", () => {
  const near = (found, expected) => Object.entries(expected).forEach(([name, seconds]) => assert.ok(Math.abs(found[name] - seconds) < 1e-9, `${name}: ${found[name]}, not ${seconds}`));
  const alone = record(1, 100);
  assert.ok(Number.isNaN(timeLeft([alone], alone).epoch));
  alone.train(4);
  near(timeLeft([alone], alone), { epoch: 6, run: 16 });
  alone.train(10);
  alone.test(20);
  // 30 and 50 images, ten steps.
  near(timeLeft([alone], alone), { epoch: 0, test: 1.5, run: 1.5 + 10 + 2.5 });
  alone.test(50);
  near(timeLeft([alone], alone), { epoch: 0, test: 0, run: 10 + 2.5 });
  // The other one has to come after it first.
  const other = record(2, 300);
  other.train(2);
  near(timeLeft([alone, other], other), { epoch: 8 * 3, run: 12.5 + 18 * 3 });
  other.train(10);
  other.test(50);
  for (const run of [alone, other]) run.train(15);
  near(timeLeft([alone, other], alone), { epoch: 5 * (1 + 3), run: 5 * (1 + 3) + 2.5 + 7.5 });
  const fork = other.forked(1, defaults(), other.info, []);
  near(timeLeft([other, fork], other), { epoch: 2 * 15, run: 2 * (15 + 7.5) });
  for (const run of [alone, other]) {
    run.train(20);
    run.test(50);
  }
  near(timeLeft([alone, other], alone), { epoch: 0, test: 0, run: 0 });
});

test("images a second are the engine's, for whichever run it trains", () => {
  const [quick, slow] = [record(1, 2), record(2, 6)];
  assert.ok(Number.isNaN(speedOf([quick])));
  quick.train(5);
  assert.equal(speedOf([quick]), 500);
  slow.train(2);
  assert.ok(Math.abs(speedOf([quick, slow]) - 1000 / 6) < 1e-9, "one that catches up has every turn");
  slow.train(5);
  assert.ok(Math.abs(speedOf([quick, slow]) - 250) < 1e-9, "two images in 8 ms");
});

for (const { name, width, screen, hand } of CROSSED[1]) {
  test(`${name}: FP32 against 4-bit, to the end, and the first one dropped`, async (t) => {
    const page = await open(t, { settings: RUN, context: screen });
    await press(page, "#race", hand);
    await until(page, () => nibble.runs.length === 2 && !nibble.busy);
    if (hand === "keyboard") await until(page, () => document.activeElement.id === "compare-runs");
    assert.match(page.url(), /race=quantizer%3Anone/);
    await press(page, "#play", hand);
    await until(page, () => nibble.runs.every(({ globalStep }) => globalStep >= 3));
    await press(page, "#play", hand);
    await still(page);
    const paused = await runsOf(page);
    assert.equal(paused[0].globalStep, paused[1].globalStep, "they did not pause at the same step");
    assert.deepEqual(paused.map(({ label }) => label), ["4-bit", "FP32"]);
    assert.notDeepEqual(paused[0].losses, paused[1].losses);

    await press(page, "#play", hand);
    await until(page, () => nibble.finished);
    const [a, b] = await runsOf(page);
    assert.deepEqual([a.globalStep, b.globalStep, a.tests.length, b.tests.length], [16, 16, 2, 2]);
    const points = 100 * (b.tests[1] - a.tests[1]);
    const ahead = points > 0 ? "FP32" : "4-bit";
    const expected = Math.abs(points) < 0.05 ? "Level on the test" : `${ahead} leads by ${Math.abs(points).toFixed(1)} points on the test`;
    await shows(page, "#compare-gap", new RegExp(expected));
    await shows(page, "#gap", /leads by|Level/, "aria-label");
    const gapInk = (await ink(page, "#compare", "--run-a")) + (await ink(page, "#compare", "--run-b"));
    assert.ok(gapInk > 20, `the gap has ${gapInk} pixels`);
    await enter(page, "train");
    await shows(page, "#accuracy", /4-bit: Training accuracy.*FP32: Training accuracy/, "aria-label");
    for (const plot of ["#accuracy", "#loss"]) {
      for (const slot of ["--run-a", "--run-b"]) assert.ok((await ink(page, plot, slot)) > 30, `${plot}: no ${slot}`);
    }
    await shows(page, "#best-now", /^[\d.]+ % \(4-bit\)$/);
    await shows(page, "#speed-unit", /^images\/s, both$/);

    // The legend takes single curves of single runs away, and brings them back.
    const chips = "#accuracy-legend .slot-1 .chip";
    assert.equal(await page.locator(chips).count(), 2);
    for (const which of [1, 2]) await press(page, `${chips}:nth-of-type(${which})`, hand);
    assert.equal(await ink(page, "#accuracy", "--run-b"), 0, "switched off, and still drawn");
    await press(page, `${chips}:nth-of-type(2)`, hand);
    assert.ok((await ink(page, "#accuracy", "--run-b")) > 10);
    await stands(page, `race-${width}-${hand}`);

    await press(page, '[aria-label="Drop 4-bit"]', hand);
    await until(page, () => nibble.runs.length === 1 && !nibble.busy);
    const [left] = await runsOf(page);
    assert.deepEqual([left.label, left.globalStep, left.losses], ["FP32", 16, b.losses]);
    assert.equal(await page.evaluate(() => nibble.settings.quantizer), "none");
    assert.doesNotMatch(page.url(), /race=/);
    assert.match(page.url(), /quantizer=none/);
    await until(page, () => document.activeElement?.id === "compare-with");
    assert.equal((await ink(page, "#compare", "--run-a")) + (await ink(page, "#compare", "--run-b")), 0, "a gap to no run");
    await enter(page, "train");
    assert.ok((await ink(page, "#accuracy", "--test")) > 10, "a run alone has the colours of its curves");
    await shows(page, "#best-now", /^[\d.]+ %$/);
  });
}

test("rate, schedule, clipping and augmentation from the menu: each changes the second run, and only in that", async (t) => {
  const page = await open(t, { settings: { train: 100, test: 100, batch: 50, epochs: 2 } });
  await page.click("#play");
  await until(page, () => nibble.finished);
  const menu = { "rate 0.003": ["lr", 0.003], "Cosine, as published": ["schedule", "cosine_climbing"], "clipping off": ["gradClip", false], "augmentation off": ["augment", false] };
  for (const [label, [field, value]] of Object.entries(menu)) {
    await page.selectOption("#compare-with", { label });
    await page.click("#race");
    await until(page, () => nibble.runs.length === 2 && !nibble.busy);
    await page.click("#play");
    await until(page, () => nibble.finished);
    const [first, second] = await runsOf(page);
    // The engine keeps the rate in single precision.
    const differ = Object.keys(first.config).filter((key) => first.config[key] !== second.config[key]);
    assert.deepEqual([second.label, differ], [label, [field]]);
    assert.ok(second.config[field] === value || Math.abs(second.config[field] - value) < 1e-6, `${field} is ${second.config[field]}`);
    // Only augmentation has other images at the first step.
    assert.equal(first.losses[0] === second.losses[0], field !== "augment", label);
    assert.notEqual(first.losses[3], second.losses[3], label);
    await page.click(`[aria-label="Drop ${label}"]`);
    await until(page, () => nibble.runs.length === 1 && !nibble.busy);
  }
});

test("the same weights, the same images: runs that differ in what follows the first step begin alike", async (t) => {
  const page = await open(t, { settings: { ...RUN, augment: 1 } });
  await choose(page, "#compare-with", "tanh off", "keyboard");
  await press(page, "#race", "pointer");
  await until(page, () => nibble.runs.length === 2 && !nibble.busy);
  await page.click("#play");
  await until(page, () => nibble.finished);
  const [on, off] = await runsOf(page);
  assert.deepEqual([on.label, off.label], ["tanh on", "tanh off"]);
  assert.equal(on.losses[0], off.losses[0]);
  assert.notEqual(on.losses[15], off.losses[15]);

  // Reset begins both again from the same seed.
  await fromMenu(page, "#reset");
  await until(page, () => nibble.runs.length === 2 && nibble.runs.every(({ globalStep }) => globalStep === 0) && !nibble.busy);
  await page.click("#play");
  await until(page, () => nibble.finished);
  const again = await runsOf(page);
  assert.deepEqual(again.map(({ losses }) => losses), [on.losses, off.losses]);
});

test("Step takes each run one step", async (t) => {
  const page = await open(t, { settings: { ...RUN, race: "bits:2" } });
  assert.deepEqual((await runsOf(page)).map(({ label }) => label), ["4-bit", "2-bit"]);
  for (let wanted = 1; wanted <= 2; wanted++) {
    await page.click("#step");
    await until(page, (steps) => nibble.runs.every(({ globalStep }) => globalStep === steps), wanted);
    await still(page);
  }
  // Half way: one of them is a single step behind.
  await page.evaluate(() => (nibble.runs[1].globalStep -= 1));
  const text = await page.evaluate(async () => (await import("./gap/words.js")).gapText(nibble.runs));
  assert.match(text, /^2-bit is 1 step behind 4-bit\.$/);
});

test("a race against a run under way: nothing of it is lost, and the second run catches up", async (t) => {
  const page = await open(t, { settings: RUN });
  await page.click("#play");
  await trained(page, 5);
  await page.click("#race");
  await until(page, () => nibble.runs.length === 2 && !nibble.busy);
  const [before] = await runsOf(page);
  assert.ok(before.globalStep >= 5);
  await until(page, () => nibble.playing && nibble.runs[1].globalStep > 0);
  await until(page, () => nibble.finished);
  const [first, second] = await runsOf(page);
  assert.deepEqual(first.losses.slice(0, before.losses.length), before.losses);
  assert.deepEqual([first.globalStep, second.globalStep, second.tests.length], [16, 16, 2]);
  const rows = await page.locator("#epochs-table tbody tr").allTextContents();
  assert.deepEqual(rows.map((row) => row.slice(0, 5)), ["14-bi", "1FP32", "24-bi", "2FP32"]);
});

test("a link to a race is a race; one whose runs would be alike is a single run, and says so", async (t) => {
  const page = await open(t, { settings: { ...SMALL, race: "scale:0" } });
  assert.deepEqual((await runsOf(page)).map(({ config }) => config.granularity), ["tensor", "net"]);
  const address = page.url();
  await page.reload();
  await hasRun(page);
  assert.equal(page.url(), address);
  assert.equal((await runsOf(page)).length, 2);
  await enter(page, "model", "settings");
  await page.selectOption("#set-granularity", "net");
  await until(page, () => nibble.runs.length === 1 && !nibble.busy);
  await noticed(page, "same as the first");
  assert.doesNotMatch(page.url(), /race=/);
});

/** Sets controls as a person does, who goes to their room first, where none is folded away. */
async function setAll(page, settings, hand) {
  await enter(page, "model", "settings");
  for (const [key, value] of Object.entries(settings)) {
    const control = `#set-${key}`;
    const entry = page.locator(`select${control} option[value="${value}"]`);
    if ((await entry.count()) > 0) await choose(page, control, await entry.textContent(), hand);
    else {
      if (hand === "pointer") await page.click(control);
      else await tabTo(page, control);
      await page.keyboard.press("Control+a");
      await page.keyboard.type(String(value));
      await page.keyboard.press("Tab");
    }
  }
}

for (const { name, width, screen, hand } of CROSSED[1]) {
  test(`${name}: what is set beside a run under way is raced against it, in five settings`, async (t) => {
    const page = await open(t, { settings: { ...RUN, augment: 1 }, context: screen });
    await press(page, "#step", hand);
    await trained(page, 1);
    await still(page);
    await setAll(page, ENGINEERS, hand);
    await shows(page, "#pending-text", /Precision Symmetric → LSQ.*Activation bits 8 → 4/);
    await stands(page, `race-waiting-${width}-${hand}`);
    await press(page, "#race-waiting", hand);
    await until(page, () => nibble.runs.length === 2 && !nibble.busy);
    assert.match(page.url(), /race=quantizer%3Alsq\+granularity%3Achannel\+ends%3A8\+activations%3Apact\+actbits%3A4/);
    const raced = await runsOf(page);
    assert.deepEqual(raced.map(METHOD), [PAPERS, OURS]);
    assert.deepEqual(raced.map(({ label, globalStep }) => [label, globalStep]), [["4-bit", 1], ["LSQ 4-bit +4", 0]]);
    assert.deepEqual(await page.evaluate(() => nibble.waiting), [], "the second run has what waited");
    await enter(page, "runs", "compare");
    await shows(page, "#compare-differs", /^They differ in: Precision Symmetric → LSQ, One scale for A layer → A channel, First and last layer Like the others → 8 bits, Activations FP32 → PACT, Activation bits 8 → 4\.$/);

    await press(page, "#play", hand);
    await until(page, () => nibble.finished);
    const [paper, engineer] = await runsOf(page);
    assert.deepEqual([paper.losses.length, engineer.losses.length], [16, 16]);
    assert.notDeepEqual(paper.losses, engineer.losses);
    await enter(page, "train");
    await shows(page, "#accuracy", /4-bit: Training accuracy.*LSQ 4-bit \+4: Training accuracy/, "aria-label");
    await stands(page, `race-several-${width}-${hand}`);

    // The address repeats it.
    const address = page.url();
    await page.reload();
    await hasRun(page);
    assert.equal(page.url(), address);
    assert.deepEqual((await runsOf(page)).map(METHOD), [PAPERS, OURS]);
    await press(page, '[aria-label="Drop 4-bit"]', hand);
    await until(page, () => nibble.runs.length === 1 && !nibble.busy);
    assert.doesNotMatch(page.url(), /race=/);
    // And now the paper's against these.
    await choose(page, "#compare-with", "the defaults (4-bit)", hand);
    await press(page, "#race", hand);
    await until(page, () => nibble.runs.length === 2 && !nibble.busy);
    // Where nothing is rounded, how many bits there are has no effect.
    assert.deepEqual((await runsOf(page)).map(METHOD), [OURS, PAPERS]);
    assert.deepEqual((await runsOf(page)).map(({ label }) => label), ["LSQ 4-bit +4", "4-bit"]);
  });
}

test("a fork has several differences too; what it does not take goes on waiting", async (t) => {
  const page = await open(t, { settings: RUN });
  await page.click("#step");
  await trained(page, 1);
  await still(page);
  await setAll(page, { bits: 3, lr: 0.003 }, "pointer");
  await enter(page, "runs", "compare");
  await page.selectOption("#compare-with", { label: "the settings as changed (3-bit, rate 0.003)" });
  await page.click("#fork");
  await until(page, () => nibble.runs.length === 2 && !nibble.busy);
  const [, copy] = await runsOf(page);
  assert.deepEqual([copy.label, copy.fork.step, copy.settings.bits, copy.settings.lr], ["3-bit, rate 0.003", 1, 3, 0.003]);
  assert.match(page.url(), /race=bits%3A3\+lr%3A0.003/);
  await page.click('[aria-label="Drop 3-bit, rate 0.003"]');
  await until(page, () => nibble.runs.length === 1 && !nibble.busy);
  // Of two changes the menu gives the second run one: the other waits still.
  await setAll(page, { bits: 3, lr: 0.003 }, "pointer");
  await enter(page, "runs", "compare");
  await page.selectOption("#compare-with", { label: "3-bit" });
  await page.click("#race");
  await until(page, () => nibble.runs.length === 2 && !nibble.busy);
  assert.deepEqual(await page.evaluate(() => nibble.waiting.map(({ key }) => key)), ["lr"]);
  await shows(page, "#pending-text", /^1 change waits for a new run: Learning rate 0.001 → 0.003\.$/);
  await drawn(page);
  await page.click("#race-waiting");
  await noticed(page, "There are two runs already");
});

test("what two runs cannot differ in is named, and waits on", async (t) => {
  const page = await open(t, { settings: RUN });
  await page.click("#step");
  await trained(page, 1);
  await still(page);
  await setAll(page, { epochs: 3, bits: 3 }, "pointer");
  await page.click("#race-waiting");
  await noticed(page, "Two runs side by side have this in common: Epochs");
  assert.deepEqual(await page.evaluate(() => [nibble.runs.length, nibble.waiting.map(({ key }) => key)]), [1, ["bits", "epochs"]]);
});
