/** Sweeps: which runs there are, that each is trained, what the table says of them, and that nothing of it is lost. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { defaults, settingOf } from "../../www/settings.js";
import { pack, unpack } from "../../www/sweep/keep.js";
import { asked, exampleOf, isListed, plan, readValues, secondsOf, SWEPT } from "../../www/sweep/plan.js";
import { meanOf } from "../../www/stats.js";
import { failure, summarise, sweepCsv } from "../../www/sweep/results.js";
import { altered } from "./engine.mjs";
import { CROSSED, press, stands, still, tabTo, until } from "./lab.mjs";
import { drawn, fromMenu, mean, NARROW, PATIENCE, shows, within } from "./support.mjs";

const open = within("runs", "sweep");

/** A run of ten steps an epoch, of two epochs. */
const RUN = { train: 320, test: 100, batch: 32, epochs: 2, lr: 0.002 };
/** One that is still training whenever a test looks. */
const LONG = { ...RUN, epochs: 200 };

const row = (key, ...values) => ({ key, values });
const of = (changes) => ({ ...defaults(), ...changes });

test("values are read as the table has them, and what is none of them is named", () => {
  const read = (key, text) => readValues(settingOf(key), text);
  const values = {
    "2,4,8": [2, 4, 8], "8 4, 8": [8, 4], "4,conv1:8, 2": ["4,conv1:8", 2], "4; 4, conv1: 8": [4, "4,conv1:8"],
  };
  for (const [text, wanted] of Object.entries(values)) assert.deepEqual(read("bits", text), { values: wanted, problems: [] }, text);
  assert.deepEqual(read("lr", "0,001; 0.01").values, [0.001, 0.01]);
  assert.deepEqual(read("epochs", "1,000; 2").values, [1000, 2]);
  assert.deepEqual(read("bits", "2, 99, x"), {
    values: [2], problems: ['Bits is a whole number from 1 to 16, not "99".', 'Bits is a whole number from 1 to 16, not "x".'],
  });
  assert.match(read("lr", " ").problems.join(), /^Learning rate: which values\?/);
  for (const setting of SWEPT.filter((one) => !isListed(one))) {
    const { values: found, problems } = readValues(setting, exampleOf(setting));
    assert.ok(found.length > 1 && problems.length === 0, `${setting.key}: ${exampleOf(setting)}`);
  }
  assert.ok(["seed", "threads", "race", "show"].every((key) => !SWEPT.some((setting) => setting.key === key)));
});

test("every combination is a run a seed; what a scheme cannot do is left out by name, and the same run is trained once", () => {
  const wanted = of({ seed: 7, epochs: 3, race: "tanh:0", show: "loss" });
  const rows = [row("quantizer", "symmetric", "binary", "none"), row("bits", 1, 4)];
  assert.equal(asked(rows, 2), 12);
  const { lines, runs, leftOut, same, base } = plan(wanted, rows, 2);
  assert.deepEqual(lines.map(({ name }) => name), ["Precision Symmetric, Bits 4", "Precision Binary, Bits 1", "Precision FP32"]);
  assert.deepEqual(leftOut, [
    { names: ["Precision Symmetric, Bits 1"], why: 'Bits with Symmetric: 2 to 8, not "1"' },
    { names: ["Precision Binary, Bits 4"], why: 'Bits with Binary: 1, not "4"' },
  ]);
  assert.equal(same, 1, "FP32 has no bits");
  assert.deepEqual(runs.map(({ key }) => key), [7, 8].flatMap((seed) => ["symmetric bits:4", "binary bits:1", "none bits:1"].map((own) => `quantizer:${own} seed:${seed}`)));
  for (const { settings, seed } of runs) assert.deepEqual([settings.epochs, settings.seed, settings.race, "show" in settings], [3, seed, "", false]);
  assert.equal(base.seed, 7);
  // A layer of one model is none of another's.
  assert.match(plan(of({ bits: "4,conv6:8" }), [row("model", "convnetjs_cifar10", "simple_resnet4bit")], 1).leftOut[0]?.why ?? "", /has the layers .*, not "conv/);
  // Seeds alone are a sweep too.
  assert.deepEqual(plan(of({}), [], 3).runs.map(({ key }) => key), ["seed:1", "seed:2", "seed:3"]);
});

test("how long it takes is said where that model was seen on as many images", () => {
  const { runs } = plan(of({ epochs: 3 }), [row("bits", 2, 4)], 2);
  assert.ok(Number.isNaN(secondsOf(runs, [])));
  assert.ok(Number.isNaN(secondsOf(runs, [{ settings: of({ model: "vgg4bit" }), secs: 5 }])));
  assert.equal(secondsOf(runs, [{ settings: of({ bits: 3 }), secs: 5 }, { settings: of({}), secs: 7 }, { settings: of({}), secs: NaN }]), 4 * 3 * 6);
});

const done = (testAccuracy, testLoss = 1) => ({ state: "done", steps: 20, epochs: 2, testAccuracy, testLoss, trainAccuracy: 0.5, trainLoss: 1.5, secs: 3 });

test("means and deviations are those of the last epochs; the best is among combinations whose every run is done", () => {
  assert.deepEqual(meanOf([1, 2, 3, 6]), { mean: 3, deviation: Math.sqrt(14 / 3) });
  assert.ok(Number.isNaN(meanOf([1]).deviation) && Number.isNaN(meanOf([]).mean));
  const sweep = plan(of({}), [row("bits", 2, 3, 4)], 2);
  const results = new Map([["bits:2 seed:1", done(0.5)], ["bits:2 seed:2", done(0.7, NaN)], ["bits:3 seed:1", done(0.9)], ["bits:3 seed:2", failure("It diverged.")], ["bits:4 seed:1", done(0.5)], ["bits:4 seed:2", done(0.6)]]);
  const lines = summarise(sweep, results);
  assert.deepEqual(lines.map(({ n, failed, best }) => [n, failed, best]), [[2, 0, true], [1, 1, false], [2, 0, false]]);
  assert.ok(Math.abs(lines[0].accuracy.deviation - Math.SQRT2 / 10) < 1e-12);
  assert.ok(Number.isNaN(lines[0].loss.mean), "a loss that is no number makes no mean");
});

test("what is kept is read again, and what is damaged is passed over", () => {
  const sweep = { plan: plan(of({ epochs: 3, seed: 4 }), [row("bits", 2, "4,conv1:8"), row("tanh", true, false)], 2), stopped: true, open: null };
  sweep.results = new Map([[sweep.plan.runs[3].key, done(0.25)], [sweep.plan.runs[1].key, failure("No room.")]]);
  const text = pack(sweep);
  assert.deepEqual(unpack(text), sweep);
  const strange = JSON.stringify({ ...JSON.parse(text), results: [["bits:9", done(1)], [sweep.plan.runs[0].key, { state: "done", testAccuracy: "<b>" }]] });
  assert.deepEqual([...unpack(strange).results.values()].map(({ testAccuracy }) => testAccuracy), [null]);
  for (const bad of [null, "", "{", "[]", "{}", text.replace('["bits"', '["nonsense"'), text.replace("nibble-sweep/1", "nibble-sweep/9"), text.replace('"seeds":2', '"seeds":99')]) assert.equal(unpack(bad), null, bad);
});

/** Rows of a CSV without quoted cells, as objects. */
function readCsv(text) {
  const [head, ...rows] = text.trimEnd().split("\r\n").map((line) => line.split(","));
  return rows.map((cells) => Object.fromEntries(head.map((name, i) => [name, cells[i]])));
}

test("the file has a line a run that has ended, with seed and every setting; formulas are text", () => {
  const sweep = plan(of({ tanh: false }), [row("bits", 2, 4)], 1);
  const results = new Map([["bits:2 seed:1", done(0.5)], ["bits:4 seed:1", failure("=1+1")]]);
  const rows = readCsv(sweepCsv(sweep, results));
  assert.deepEqual(rows.map(({ run, state, test_accuracy, steps, why }) => [run, state, test_accuracy, steps, why]), [["1", "done", "0.5", "20", ""], ["2", "failed", "", "0", "'=1+1"]]);
  assert.deepEqual(rows.map(({ seed, bits, tanh, model, data }) => [seed, bits, tanh, model, data]), [2, 4].map((bits) => ["1", String(bits), "0", "simple_resnet4bit", "builtin"]));
  assert.equal(sweepCsv(sweep, new Map([...results].slice(1))).split("\r\n").length, 3);
});

/** Opens the panel and types what is swept. */
async function setUp(page, { bits = "2, 4", seeds = 2, hand = "pointer" } = {}) {
  await press(page, "#sweep-open", hand);
  await page.waitForSelector("#sweep-start");
  await page.fill("#sweep-rows input[type=text]", bits);
  await page.selectOption("#sweep-seeds", String(seeds));
}

const ended = (page) => shows(page, "#sweep-now", /^Done/);
/** Waits until run `number` of the sweep trains, and has trained a step. */
const reaches = (page, number) =>
  until(page, (wanted) => document.querySelector("#sweep-now").textContent.startsWith(`Run ${wanted} of`) && nibble.run.globalStep > 0 && nibble.playing, number);
const tableText = async (page) => {
  await drawn(page);
  const lines = await page.locator("#sweep-table tbody .sweep-line").allInnerTexts();
  return lines.map((text) => text.replace(/\s+/g, " "));
};

for (const { name, width, screen, hand } of CROSSED[3]) {
  test(`${name}: two widths and two seeds are four runs, and the table has their means`, async (t) => {
    const page = await open(t, { settings: RUN, context: { ...screen, acceptDownloads: true } });
    // What each run ends with, as the page shows it of any run.
    await page.evaluate(() => {
      globalThis.seen = new Map();
      nibble.on("status", () => {
        if (nibble.run.status === "finished") seen.set(`${nibble.run.settings.bits} ${nibble.run.settings.seed}`, nibble.run.epochs.at(-1));
      });
    });
    await setUp(page, { hand });
    await shows(page, "#sweep-plan", /^4 runs: 2 combinations, 2 seeds each\./);
    await press(page, "#sweep-start", hand);
    await until(page, () => document.activeElement.id === "sweep-pause");
    await reaches(page, 2);
    await stands(page, `${width}-sweep-${hand}`);
    await ended(page);
    await until(page, () => document.activeElement.id === "sweep-new");
    const seen = await page.evaluate(() => [...globalThis.seen]);
    assert.deepEqual(seen.map(([key]) => key), ["2 1", "4 1", "2 2", "4 2"]);
    const by = new Map(seen);
    const accuracies = [];
    for (const [i, bits] of [2, 4].entries()) {
      const figures = (key) => [1, 2].map((seed) => by.get(`${bits} ${seed}`)[key]);
      const deviation = ([a, b]) => Math.abs(a - b) / Math.SQRT2;
      const [accuracy, loss] = [figures("testAccuracy"), figures("testLoss")];
      accuracies.push(mean(accuracy));
      const line = (await page.locator("#sweep-table tbody .sweep-line").nth(i).locator("th, td").allInnerTexts()).map((text) => text.trim());
      assert.deepEqual(line.slice(0, 2), [String(bits), "2"]);
      assert.equal(line[2].replace("★", ""), `${(100 * mean(accuracy)).toFixed(1)} ± ${(100 * deviation(accuracy)).toFixed(1)} %`);
      assert.equal(line[3], `${mean(loss).toFixed(3)} ± ${deviation(loss).toFixed(3)}`);
    }
    const marked = await page.locator(".sweep-line .sweep-mark").allInnerTexts();
    assert.deepEqual(marked.map((text) => text === "★"), accuracies.map((accuracy) => accuracy === Math.max(...accuracies)));

    // The runs of a combination by themselves.
    if (hand === "pointer") await page.click(".sweep-toggle");
    else {
      await tabTo(page, ".sweep-toggle");
      await page.keyboard.press("Enter");
    }
    const single = await page.locator(".sweep-runs").first().locator("tbody tr").allInnerTexts();
    assert.deepEqual(single.map((text) => text.split("\t").slice(0, 2)), [1, 2].map((seed) => [String(seed), `${(100 * by.get(`2 ${seed}`).testAccuracy).toFixed(1)} %`]));
    await stands(page, `${width}-sweep-done-${hand}`);

    const [download] = await Promise.all([page.waitForEvent("download"), press(page, "#sweep-save", hand)]);
    assert.equal(download.suggestedFilename(), "nibble-sweep-bits.csv");
    const rows = readCsv(readFileSync(await download.path(), "utf8"));
    assert.deepEqual(rows.map(({ bits, seed }) => `${bits} ${seed}`), ["2 1", "4 1", "2 2", "4 2"]);
    for (const { bits, seed, test_accuracy, test_loss, train_loss, steps, state, epochs } of rows) {
      const last = by.get(`${bits} ${seed}`);
      assert.deepEqual([test_accuracy, test_loss, train_loss].map(Number), [last.testAccuracy, last.testLoss, last.trainLoss]);
      assert.deepEqual([steps, state, epochs], ["20", "done", "2"]);
    }
  });
}

test("a reload in the middle goes on, and ends with the same table", async (t) => {
  const page = await open(t, { settings: { ...RUN, augment: 0 } });
  await setUp(page);
  await page.click("#sweep-start");
  await ended(page);
  const table = await tableText(page);
  await page.click("#sweep-new");
  await shows(page, "#sweep-note", /takes the place of this one/);
  // Settings of the last run stand there now.
  await page.evaluate(() => nibble.set("bits", 4));
  await page.evaluate(() => nibble.set("seed", 1));
  await page.evaluate(() => nibble.reset());
  await page.click("#sweep-start");
  await reaches(page, 3);
  await page.reload();
  await shows(page, "#sweep-now", /^Paused: 2 of 4 runs ended\. It was under way when the page was closed\./);
  assert.equal((await tableText(page)).length, 2);
  await page.click("#sweep-pause");
  await ended(page);
  assert.deepEqual(await tableText(page), table);
  // Done, it is there at the next visit too; without asking, nothing trains.
  await page.reload();
  await shows(page, "#sweep-now", /^Done/);
  assert.deepEqual(await tableText(page), table);
  assert.equal(await page.evaluate(() => nibble.run.globalStep), 0);
});

test("what cannot be trained is said where it is typed, and a combination that a scheme cannot do by its name", async (t) => {
  const page = await open(t, { settings: RUN, context: { viewport: NARROW } });
  await setUp(page, { bits: "2, x" });
  await page.click("#sweep-start");
  await shows(page, ".sweep-problem", /^Bits is a whole number from 1 to 16, not "x"\.$/);
  await until(page, () => document.activeElement.value === "2, x");
  await page.fill("#sweep-rows input[type=text]", "1, 4");
  await page.click("#sweep-add");
  const second = page.locator("#sweep-rows li").nth(1);
  await second.locator("select").selectOption("quantizer");
  for (const label of ["Symmetric", "Binary", "FP32"]) await second.getByLabel(label, { exact: true }).check();
  await shows(page, "#sweep-plan", /^6 runs: 3 combinations, 2 seeds each\./);
  await shows(page, "#sweep-out", /Left out: Bits 1, Precision Symmetric\. Bits with Symmetric: 2 to 8, not "1"\..*Left out: Bits 4, Precision Binary\..*same run as another/);
  await stands(page, "390-sweep-form");
  for (const label of ["Symmetric", "Binary", "FP32"]) await second.getByLabel(label, { exact: true }).uncheck();
  await shows(page, "#sweep-rows", /Precision: tick at least one value\./);
  await second.getByRole("button", { name: "Remove Precision" }).click();
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "Remove");
  await page.fill("#sweep-rows input[type=text]", "1");
  await shows(page, "#sweep-plan", /^No run is left to train\.$/);
  await page.click("#sweep-start");
  await until(page, () => document.activeElement.id === "sweep-plan");
});

test("it pauses by its button, by the page's, and when somebody changes the runs; Stop keeps what there is", async (t) => {
  const page = await open(t, { settings: LONG });
  await setUp(page, { seeds: 1 });
  const stepOf = () => page.evaluate(() => nibble.run.globalStep);
  await page.click("#sweep-start");
  await reaches(page, 1);
  await page.click("#sweep-pause");
  await still(page);
  await shows(page, "#sweep-now", /^Paused: 0 of 2 runs ended\.$/);
  const before = await stepOf();
  await page.click("#sweep-pause");
  await until(page, (step) => nibble.run.globalStep > step, before);
  // The page's own buttons do the same.
  await page.click("#play");
  await shows(page, "#sweep-now", /^Paused/);
  await still(page);
  await page.click("#play");
  await shows(page, "#sweep-now", /^Run 1 of 2: Bits 2, seed 1\./);
  await fromMenu(page, "#new-seed");
  await shows(page, "#sweep-now", /^Paused: 0 of 2 runs ended\. The runs were changed by hand/);
  await until(page, () => !nibble.busy && nibble.run.globalStep === 0);
  await page.click("#sweep-pause");
  await reaches(page, 1);
  assert.deepEqual(await page.evaluate(() => [nibble.run.settings.bits, nibble.run.settings.seed]), [2, 1]);
  await page.evaluate(() => nibble.set("lr", 0.01));
  await shows(page, "#sweep-note", /Settings were changed: the sweep pauses after this run/);
  await page.click("#sweep-stop");
  await shows(page, "#sweep-now", /^Stopped: 0 of 2 runs ended\./);
  await until(page, () => document.activeElement.id === "sweep-pause");
  await still(page);
  await page.click("#sweep-new");
  assert.equal(await page.evaluate(() => document.activeElement.className), "sweep-setting");
});

/** A rate at which this engine gives no memory. */
const REFUSED = 0.0007;
const refusing = `
const reserve = Run.prototype.reserve;
Run.prototype.reserve = function () {
  if (this.info().config.lr === ${REFUSED}) throw new Error("memory for the batch: too little");
  return reserve.call(this);
};`;

test("a run without memory and one that diverges are lines that say so, and the queue goes on", async (t) => {
  const page = await altered(t, refusing, { ...RUN, epochs: 4, tanh: 0, build: "single" });
  await setUp(page, { seeds: 1 });
  await page.locator("#sweep-rows select").selectOption("lr");
  await page.fill("#sweep-rows input[type=text]", `${REFUSED} 0.003 0.002`);
  // As soon as the second run trains, its weights leave the numbers that there are.
  await page.evaluate(async () => {
    const { To } = await import("./protocol.js");
    let asked = false;
    nibble.on("steps", () => {
      if (asked || nibble.run.settings.lr !== 0.003) return;
      asked = true;
      nibble.client.request(To.OUTLIER, { run: nibble.run.id, layer: "conv1", factor: 1e38 });
    });
  });
  await page.click("#sweep-start");
  await ended(page);
  const [refused, diverged, good] = await tableText(page);
  assert.match(refused, /0 of 1, 1 failed/);
  assert.match(diverged, /0 of 1, 1 diverged/);
  assert.match(good, /^0\.002 1 (★ ?)?[\d.]+ %/);
  for (const toggle of await page.locator(".sweep-toggle").all()) await toggle.click();
  const whys = await page.locator(".sweep-more-row li").allInnerTexts();
  assert.match(whys.join(), /^Seed 1: memory for the batch: too little.*,Seed 1: It diverged at step \d+\.$/);
});

test("one tab runs it: another one shows it, and takes over once that is closed", async (t) => {
  const page = await open(t, { settings: LONG });
  await setUp(page, { seeds: 1 });
  await page.click("#sweep-start");
  await reaches(page, 1);
  const other = await page.context().newPage();
  await other.goto(page.url());
  await shows(other, "#sweep-now", /^Another tab runs this sweep/);
  for (const button of ["start", "pause", "stop", "new"]) assert.ok(await other.locator(`#sweep-${button}`).isHidden(), button);
  await page.click("#sweep-stop");
  await shows(other, "#sweep-now", /^Stopped/);
  await page.close();
  await press(other, "#sweep-pause", "pointer");
  await reaches(other, 1);
});

test("the screen stays on while it trains, where the browser can do that; and nothing can be kept", async (t) => {
  const init = () => {
    globalThis.locks = [];
    const request = async () => {
      const lock = new EventTarget();
      lock.release = async () => lock.dispatchEvent(new Event("release"));
      lock.addEventListener("release", () => locks.splice(locks.indexOf(lock), 1));
      locks.push(lock);
      return lock;
    };
    Object.defineProperty(navigator, "wakeLock", { value: { request } });
    Storage.prototype.setItem = () => {
      throw new DOMException("full", "QuotaExceededError");
    };
  };
  const page = await open(t, { settings: LONG, init });
  await setUp(page, { bits: "4", seeds: 2 });
  assert.equal(await page.evaluate(() => locks.length), 0);
  await page.click("#sweep-start");
  await reaches(page, 1);
  await until(page, () => locks.length === 1);
  await shows(page, "#sweep-note", /keeps nothing of it/);
  // The browser lets go of it with another tab, and it is taken again with this one.
  await page.evaluate(() => {
    locks[0].release();
    document.dispatchEvent(new Event("visibilitychange"));
  });
  await until(page, () => locks.length === 1);
  await page.uncheck("#sweep-screen");
  await until(page, () => locks.length === 0);
  await page.check("#sweep-screen");
  await until(page, () => locks.length === 1);
  await page.click("#sweep-pause");
  await until(page, () => locks.length === 0);
  await page.click("#sweep-stop");
  await shows(page, "#sweep-now", /^Stopped/);
});

test("where the browser cannot keep the screen on, nothing offers it; the start of the page loads the form's heading alone", async (t) => {
  const loaded = [];
  const prepare = async (page) => page.on("request", (request) => /\/sweep\//.test(request.url()) && loaded.push(request.url()));
  const page = await open(t, { settings: RUN, prepare, init: () => delete Navigator.prototype.wakeLock });
  assert.deepEqual(loaded, []);
  await setUp(page);
  assert.ok(loaded.length > 5);
  assert.ok(await page.locator("#sweep-awake").isHidden());
  assert.ok((await page.locator("#sweep").boundingBox(PATIENCE)).height > 100);
});
