/** Every quantizer that the engine has, with settings of every group: it trains, is drawn as reported, answers, is exported. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { RunRecord } from "../../www/runs.js";
import { epochsCsv } from "../../www/share/table.js";
import { defaults, settingOf } from "../../www/settings.js";
import { describeLevels, gaps, hasInside, levelNames, levelsToName, pressure, weightBits } from "../../www/grid.js";
import { choices, labels, precision } from "../../www/difference.js";
import { packingText } from "../../www/schemes.js";
import { drawn, enter, fromMenu, hasRun, ink, noticed, PATIENCE, shows, unfold, within } from "./support.mjs";

const open = within("model", "settings");

const RUN = { train: 256, test: 100, batch: 32, epochs: 1, reestimate: 2, ema: 0.9, holdout: 96 };
/** Layers by one scale, by a scale a channel, by groups: in turn. */
const GRANULARITIES = ["channel", "group32", "tensor"];
const OPTIMIZERS = settingOf("optimizer").choices.map(({ name }) => name).reverse();
const SCHEMES = settingOf("quantizer").choices;
/** How many levels each has, at four bits where it can. */
const LEVELS = {
  symmetric: 15, affine: 16, lsq: 16, dorefa: 16, dfp: 256, fp4: 15, fp8_e4m3: 253, fp8_e5m2: 247, mxfp4: 15, mxfp8: 253, nvfp4: 15,
  binary: 2, ternary_mean: 3, ternary_median: 3, shift: 16, apot: 15, codebook: 16, none: 0,
};
/** Those whose levels follow from the weights. */
const SAMPLED = ["affine", "codebook"];
/** Bars of more levels touch. */
const MOST_BARS = 16;

test("a grid is read from its levels, wherever they lie", () => {
  const f32 = [-0.3, -0.2, -0.1, 0, 0.1, 0.2, 0.3].map(Math.fround);
  assert.deepEqual(levelNames({ levels: f32, scale: Math.fround(0.1) }), ["−3", "−2", "−1", "0", "1", "2", "3"]);
  assert.deepEqual(levelNames({ levels: [0, 1, 2, 3], scale: 2 }), ["0", "0.5", "1", "1.5"]);
  assert.deepEqual(levelNames({ levels: [-0.5, 0.5], scale: 0.5 }), ["−1", "1"]);
  assert.deepEqual(levelNames({ levels: [-1, -1 / 3, 1 / 3, 1], scale: 1 }), ["−1", "−0.333", "0.333", "1"]);
  assert.deepEqual(levelNames({ levels: [0, 0], scale: 0 }), ["0", "0"]);
  assert.deepEqual(gaps([-2, 0, 0.5, 3]), [2, 0.5, 0.5, 2.5]);
});

test("levels are named at equal distances where they lie so, else as many as do not touch", () => {
  const named = (levels, room) => levelsToName(levels, room).map((i) => levels[i]);
  const uniform = (low, high) => Array.from({ length: high - low + 1 }, (_, i) => low + i);
  assert.deepEqual(named(uniform(-2, 1), 0.5), [0, -1, 1, -2]);
  assert.deepEqual(named(uniform(-8, 7), 1.5), [0, -2, 2, -4, 4, -6, 6, -8]);
  assert.deepEqual(named(uniform(-127, 127), 41), [0, -50, 50, -100, 100]);
  assert.deepEqual(named(uniform(0, 15), 7), [0, 10]);
  // None of them is 0: from the lowest.
  assert.deepEqual(named([-1.5, -0.5, 0.5, 1.5], 2), [0.5, -1.5]);
  assert.deepEqual(named([-4, -1, 0, 0.5], 3), [0, 0.5, -1, -4]);
});

test("levels in words: how many, how they lie, whether 0 is one", () => {
  const words = (...levels) => describeLevels(Float32Array.from(levels));
  assert.equal(words(-2, -1, 0, 1), "4 levels, equally spaced, from −2 to 1");
  assert.equal(words(-1, 1), "2 levels, −1 and 1");
  assert.equal(words(-1, -1 / 3, 1 / 3, 1), "4 levels, equally spaced, from −1 to 1, none of them 0");
  assert.equal(words(0, 0.5, 1, 1.5, 2, 3, 4, 6), "8 levels, closer together near 0, from 0 to 6");
  assert.equal(words(-3, -2.5, -1, 0, 1, 2.5, 3), "7 levels, unequally spaced, from −3 to 3");
  assert.equal(describeLevels(Float32Array.from({ length: 65_536 }, (_, i) => i - 32_768)), "65,536 levels, equally spaced, from −32768 to 32767");
});

test("how much at the ends is too much depends on how many levels there are", () => {
  const of = (count, saturatedShare) => ({ levels: Array(count).fill(0), saturatedShare });
  const pressed = (...grid) => pressure(of(...grid)) > 1;
  assert.deepEqual([pressed(15, 0.19), pressed(15, 0.21)], [false, true]);
  assert.deepEqual([pressed(255, 0.05), pressed(255, 0.21)], [false, true]);
  assert.deepEqual([pressed(4, 0.7), pressed(4, 0.8)], [false, true]);
  // Two of three levels are ends, and both of two: there is nothing to say of weights that lie on them.
  for (const few of [0, 2, 3]) assert.deepEqual([pressure(of(few, 1)), hasInside(of(few, 1))], [0, false]);
});

test("what all weights take is the sum of what each layer's do", () => {
  assert.equal(weightBits([{ bitsAWeight: 4.5, count: 100 }, { bitsAWeight: 32, count: 10 }]), 770);
});

test("a run is called by its scheme where that is not the usual one", () => {
  const of = (changes) => ({ ...defaults(), ...changes });
  assert.equal(precision(of({})), "4-bit");
  assert.equal(precision(of({ quantizer: "affine", bits: 3 })), "affine 3-bit");
  assert.equal(precision(of({ quantizer: "lsq", bits: "4,conv1:8" })), "LSQ 4-bit but conv1:8");
  assert.equal(precision(of({ quantizer: "none" })), "FP32");
  assert.deepEqual(labels([of({}), of({ quantizer: "affine" })]), ["4-bit", "affine 4-bit"]);
  const offered = choices(defaults()).filter(({ difference }) => difference.startsWith("quantizer:")).map(({ label }) => label);
  assert.deepEqual(offered, [
    "affine 4-bit", "LSQ 4-bit", "DoReFa 4-bit", "dynamic fixed point 8-bit", "FP4", "FP8 E4M3", "FP8 E5M2", "MXFP4", "MXFP8", "NVFP4", "binary",
    "ternary (mean)", "ternary (median)", "shift 4-bit", "APoT 4-bit", "codebook 4-bit", "FP32",
  ]);
});

test("the average of the weights is in the table of epochs where it was tested", () => {
  const run = new RunRecord(1, defaults(), { test: 10, classes: [] }, { stepsPerEpoch: 1, images: [10, 10], config: { epochs: 1 } }, [], null);
  const epoch = { epoch: 1, lr: 0.1, trainLoss: 1, trainAccuracy: 0.5, testLoss: 1, testAccuracy: 0.5, layers: [], secs: 1 };
  const last = () => epochsCsv([run]).split("\r\n").map((line) => line.split(",").slice(-3).join());
  run.epochs = [epoch];
  assert.deepEqual(last().slice(0, 2), ["levels_most,seconds,seed", ",1,1"]);
  run.epochs = [{ ...epoch, average: { testLoss: 0.75, testAccuracy: 0.625 } }];
  assert.deepEqual(last().slice(0, 2), ["average_test_loss,average_test_accuracy,seed", "0.75,0.625,1"]);
});

test("how a network is packed: as most layers are, and which are not", () => {
  const text = (...bits) => packingText([...bits.map((of, i) => ({ name: `conv${i + 1}`, bits: of })), { name: "bn1", bits: null }]);
  assert.equal(text(4, 4, 4), "Two 4-bit weights to a byte");
  assert.equal(text(8, 4, 4, 4, 8), "Two 4-bit weights to a byte; conv1 and conv5 8-bit");
  assert.equal(text(32, 3, 3, 3, 32), "3-bit levels, two to a byte; conv1 and conv5 FP32");
  assert.equal(text(4, 8, 8, 2, 8), "8-bit levels, one to a byte; conv1 4-bit; conv4 2-bit");
  assert.equal(text(12, 12, 5), "12-bit levels, two bytes each; conv3 5-bit");
  assert.equal(text(8, 8, 8, 8, 4, 4, 4, 4, 4), "Two 4-bit weights to a byte; 4 layers 8-bit");
});

test("what an outlier does is told by the layer's scheme, and where tanh clipping pulls it to by its limit", async (t) => {
  const page = await open(t, { settings: { ...RUN, quantizer: "shift", ends: "8", tanhlimit: 1.5 }, room: "runs" });
  await unfold(page, "outlier");
  await shows(page, "#outlier-what", /^A grid .*cuts the outlier off\.$/);
  await shows(page, "#outlier-next", /pulls it back below 1\.5\.$/);
  await page.selectOption("#outlier-layer", "conv2");
  await shows(page, "#outlier-what", /^With Shift .*no weight changes\.$/);
});

test("the rule for gradients stands beside the levels of weights and activations, with its source", async (t) => {
  const page = await open(t, { settings: { ...RUN, build: "single" } });
  const line = page.locator("#levels figure[data-of=gradients]");
  assert.ok(await line.isHidden());
  for (const { name, label, about, formula, source, bits } of settingOf("gradients").choices.filter(({ format }) => format !== "full")) {
    await page.selectOption("#set-gradients", name);
    await page.waitForFunction((of) => document.querySelector("#levels [data-of=gradients] .levels-words").textContent.startsWith(of), label);
    const width = await page.evaluate(() => nibble.settings.gradbits);
    assert.ok(bits.includes(width), name);
    assert.equal(await line.locator(".levels-words").textContent(), `${label}, ${width} bits. ${about}.`);
    assert.equal(await line.locator(".levels-formula").textContent(), `${formula} (${source})`);
    assert.ok(await line.isVisible());
  }
});

/** How many bars of levels the canvas of an enlarged layer has, by its pixels. */
const bars = (page) =>
  page.evaluate(() => {
    const canvas = document.querySelector(".layer-large");
    const probe = document.createElement("canvas").getContext("2d");
    probe.fillStyle = getComputedStyle(document.documentElement).getPropertyValue("--level");
    probe.fillRect(0, 0, 1, 1);
    const wanted = probe.getImageData(0, 0, 1, 1).data;
    const { data, width, height } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    const is = (x, y) => [0, 1, 2].every((c) => Math.abs(data[4 * (y * width + x) + c] - wanted[c]) < 12) && data[4 * (y * width + x) + 3] > 200;
    const inkOf = (y) => Array.from({ length: width }, (_, x) => is(x, y));
    // Right below the line every bar is there: no row has more of their colour.
    const most = Array.from({ length: height }, (_, y) => inkOf(y)).reduce((row, other) => (other.filter(Boolean).length > row.filter(Boolean).length ? other : row));
    return most.filter((on, x) => on && !most[x - 1]).length;
  });

/** How many levels are used of the grid that the enlarged layer shows: the only one, or the first of several. */
const used = (page, { name, scales, levelsUsed }) =>
  scales === 1
    ? levelsUsed
    : page.evaluate(async (layer) => {
        const { To } = await import("./protocol.js");
        const { levelCounts } = await nibble.client.request(To.GRID, { run: nibble.run.id, layer, grid: 0 });
        return levelCounts.filter((count) => count > 0).length;
      }, name);

for (const [i, { name: quantizer, granularities }] of SCHEMES.entries()) {
  const optimizer = OPTIMIZERS[i % OPTIMIZERS.length];
  const wanted = GRANULARITIES[i % GRANULARITIES.length];
  const granularity = granularities.includes(wanted) ? wanted : "tensor";
  test(`${quantizer}, a scale by ${granularity}, ${optimizer}: trains, is drawn as reported, answers, is exported`, async (t) => {
    const settings = { ...RUN, quantizer, optimizer, granularity, lr: optimizer === "sgd" ? 0.05 : 0.002 };
    const page = await open(t, { settings, context: { acceptDownloads: true } });
    await page.click("#play");
    await page.waitForFunction(() => nibble.run.status === "finished", null, PATIENCE);
    const { config, images, layers, epoch } = await page.evaluate(() => {
      const { info, layers: all, epochs } = nibble.run;
      return { config: info.config, images: info.images, layers: all, epoch: epochs[0] };
    });
    for (const [field, value] of Object.entries({ quantizer, optimizer, granularity, reestimate: 2, ema: 0.9, holdout: 96 })) assert.equal(config[field], value, field);
    assert.deepEqual(images, [160, 96]);
    assert.ok(epoch.average.testLoss > 0 && epoch.average.testAccuracy >= 0);
    await enter(page, "runs");
    await shows(page, "#epochs-table thead", /Average's test accuracy/);
    const shown = await page.locator("#epochs-table thead th").allTextContents();
    assert.ok(shown.includes("Average's test accuracy"), `${shown}`);

    const full = quantizer === "none";
    const [layer] = layers;
    const { label, bits: widths } = SCHEMES[i];
    await enter(page, "model", "settings");
    const line = page.locator("#levels figure[data-of=weights]");
    if (full) assert.ok(await line.isHidden(), "a line of levels where there are none");
    else {
      const bits = widths.includes(4) ? 4 : widths[0];
      const told = await line.locator("canvas").getAttribute("aria-label");
      assert.ok(told.startsWith(`Weights: ${label}, ${bits} bit${bits > 1 ? "s" : ""}: ${LEVELS[quantizer]} levels, `), told);
      assert.equal(told.includes("normally distributed"), SAMPLED.includes(quantizer), told);
      assert.ok((await ink(page, "#levels [data-of=weights]", "--level")) > LEVELS[quantizer], "no ticks");
      await shows(page, "#levels [data-of=weights] .levels-formula", /W_q = .+\(.+\)$/);
    }
    assert.equal(layer.levels.length, layer.levelCounts.length);
    assert.equal(layer.levels.length, LEVELS[quantizer]);
    await enter(page, "inside");
    await page.click("#layers .layer >> nth=0");
    await drawn(page);
    await page.evaluate(() => document.querySelectorAll(".layer-view details").forEach((box) => (box.open = true)));
    const rows = await page.locator(".layer-view .counts tbody tr td:nth-child(3)").allTextContents();
    assert.deepEqual(full ? [] : rows.map((text) => Number(text.replaceAll(",", ""))), layer.levelCounts);
    // One of several grids is drawn when the engine has told it.
    if (layer.scales > 1) await shows(page, ".layer-view .grid-text", /^Channel /);
    await drawn(page);
    if (!full && layer.levels.length <= MOST_BARS) assert.equal(await bars(page), await used(page, layer));
    // What is not rounded is not said to be.
    const signs = quantizer === "shift";
    await shows(page, ".layer-view .filters figcaption", signs ? /^Latent variables of the signs, 32-bit$/ : /^Latent, 32-bit$/);
    await shows(page, ".layer-view .filters figure + figure figcaption", signs ? /^The weights, on 16 levels$/ : /^Rounded to /);
    assert.equal((await page.textContent("#weights .key")).includes("of Shift"), signs);
    await page.keyboard.press("Escape");
    await enter(page, "train");
    await shows(page, "#health-verdict", /./);

    await enter(page, "errors");
    await page.evaluate(() => {
      const canvas = document.createElement("canvas");
      canvas.width = canvas.height = 32;
      canvas.getContext("2d").fillRect(8, 8, 16, 16);
      return new Promise((done) => canvas.toBlob((blob) => {
        const files = new DataTransfer();
        files.items.add(new File([blob], "square.png", { type: "image/png" }));
        const input = document.getElementById("try-file");
        input.files = files.files;
        input.dispatchEvent(new Event("change", { bubbles: true }));
        done();
      }));
    });
    await page.waitForFunction(() => document.querySelector(".verdict .bar-name")?.textContent, null, PATIENCE);

    await enter(page, "export");
    const [download] = await Promise.all([page.waitForEvent("download", PATIENCE), page.click("[data-target=json]")]);
    const network = JSON.parse(readFileSync(await download.path(), "utf8"));
    assert.ok(Object.keys(network).length > 1);
    assert.deepEqual(await page.locator(".notice").allTextContents(), []);
  });
}

test("in integers a run trains and is exported; what cannot be computed so is said", async (t) => {
  const page = await open(t, { settings: { ...RUN, compute: "int8" }, context: { acceptDownloads: true } });
  await enter(page, "model", "engine");
  await page.click("#time-computes");
  const FASTER = /^Here SimpleResNet4bit trains [\d,]+ images\/s in floating point, [\d,]+ in 8-bit integers \(\d\.\d\d times\)\.$/;
  await shows(page, "#compute-speeds", FASTER);
  // Copies were trained.
  assert.equal(await page.evaluate(() => nibble.run.globalStep), 0);
  await enter(page, "train");
  await shows(page, "#speed-beside", /^\([\d,]+ in floating point\)$/);
  await page.reload();
  await hasRun(page);
  await enter(page, "model", "engine");
  await shows(page, "#compute-speeds", FASTER);
  await enter(page, "train");
  await page.click("#play");
  await page.waitForFunction(() => nibble.run.status === "finished", null, PATIENCE);
  const { config, epochs } = await page.evaluate(() => ({ config: nibble.run.info.config, epochs: nibble.run.epochs }));
  // What is implied is not what was set.
  assert.deepEqual([config.compute, config.activations, config.gradients], ["int8", "none", "none"]);
  assert.ok(epochs[0].trainLoss > 0 && epochs[0].testLoss > 0);
  await enter(page, "export");
  const [download] = await Promise.all([page.waitForEvent("download", PATIENCE), page.click("[data-target=json]")]);
  // The activations are rounded to 8 bits, and that goes with the network.
  assert.match(readFileSync(await download.path(), "utf8"), /"round"/i);
  assert.deepEqual(await page.locator(".notice").allTextContents(), []);
  await enter(page, "model", "settings");
  await page.selectOption("#set-quantizer", "none");
  await fromMenu(page, "#reset");
  await noticed(page, "compute", "expected f32 with weights by none");
});
