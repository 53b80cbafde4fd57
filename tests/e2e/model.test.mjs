/** The room of the model: a layer of the drawn network and what applies to it; the list of schemes with their pictures. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { appliedTo, bitsFor, withBits, withOwn } from "../../www/layers.js";
import { defaults, settingOf } from "../../www/settings.js";
import { press, tabTo, until } from "./lab.mjs";
import { assertFits, drawn, NARROW, screenshotOf, seriousFindings, shows, SMALL, WIDE, within } from "./support.mjs";

const open = within("model");
const NAMES = ["conv1", "conv2", "linear1"];
const settingsWith = (changes) => ({ ...defaults(), ...changes });

test("the bits of a layer: its own, those of the ends, those of all", () => {
  const widths = (settings) => NAMES.map((name) => bitsFor(name, settings, NAMES));
  assert.deepEqual(widths(settingsWith({ bits: "4,conv2:8" })), [4, 8, 4]);
  assert.deepEqual(widths(settingsWith({ bits: 4, ends: "8" })), [8, 4, 8]);
  assert.deepEqual(widths(settingsWith({ bits: "4,conv1:2", ends: "full" })), [2, 4, null]);
  assert.deepEqual(widths(settingsWith({ quantizer: "none", bits: "4,conv1:2" })), [null, null, null]);
  assert.equal(withBits(settingsWith({ bits: 4 }), "conv2", 8, NAMES), "4,conv2:8");
  assert.equal(withBits(settingsWith({ bits: "4,conv1:2,conv2:8" }), "conv2", 4, NAMES), "4,conv1:2");
  assert.equal(withBits(settingsWith({ bits: "4,conv2:8" }), "conv2", 4, NAMES), 4);
  // Beside the setting of the ends, the width of the others is one of its own.
  assert.equal(withBits(settingsWith({ bits: 4, ends: "8" }), "conv1", 4, NAMES), "4,conv1:4");
  assert.equal(withBits(settingsWith({ bits: "4,conv1:4", ends: "8" }), "conv1", 8, NAMES), 4);
});

test("a scheme of a layer's own goes before that of all, and before that of the ends", () => {
  const settings = settingsWith({ layers: "conv1.quantizer:lsq,conv2.quantizer:none,conv2.activations:pact", ends: "8" });
  assert.deepEqual(NAMES.map((name) => bitsFor(name, settings, NAMES)), [4, null, 8]);
  assert.deepEqual(appliedTo("conv1", settings, NAMES).map(([, how]) => how), ["LSQ, 4 bits; one scale for a layer", "the picture, which is never rounded", "the first layer: 8 bits, but for what it has of its own"]);
  assert.equal(appliedTo("linear1", settings, NAMES)[1][1], "what the last ReLU hands on: PACT, 8 bits");
  assert.equal(withOwn(settings, "conv1", "quantizer", "fp4"), "conv2.quantizer:none,conv2.activations:pact,conv1.quantizer:fp4");
  assert.equal(withOwn(settings, "conv2", "quantizer", null), "conv1.quantizer:lsq,conv2.activations:pact");
});

test("what applies to a layer, in words", () => {
  const texts = (name, changes) => appliedTo(name, settingsWith(changes), NAMES).map(([, how]) => how);
  assert.deepEqual(texts("conv1", {}), ["Symmetric, 4 bits; one scale for a layer", "the picture, which is never rounded", "the first layer: it is treated like the others"]);
  assert.deepEqual(texts("conv2", { quantizer: "lsq", granularity: "channel", activations: "pact", actbits: 3 }), ["LSQ, 4 bits; one scale for a channel", "what a ReLU hands on: PACT, 3 bits", "neither: the setting does not reach it"]);
  assert.deepEqual(texts("linear1", { ends: "full" }), ["FP32, not rounded", "what the last ReLU hands on, in FP32", "the last layer: FP32"]);
  assert.equal(texts("linear1", { ends: "8", activations: "affine", actbits: 4 })[1], "what the last ReLU hands on: Affine, 8 bits");
  assert.equal(texts("linear1", { ends: "8", bits: "4,linear1:2" })[2], "the last layer: 8 bits, but for what it has of its own");
});

for (const [hand, viewport] of [["pointer", WIDE], ["keyboard", NARROW]]) {
  test(`${viewport.width} px, ${hand}: a layer of the network is given bits, and the network what applies to every layer`, async (t) => {
    const page = await open(t, { context: { viewport } });
    await drawn(page);
    const boxes = page.locator(".network-layer");
    assert.deepEqual(await boxes.locator("strong").allTextContents(), await page.evaluate(() => nibble.run.layers.map(({ name }) => name)));
    assert.deepEqual(await page.locator(".network-skip").allTextContents(), ["What conv1 gives is added to what conv2 gives"]);
    await press(page, '[data-of-layer="conv3"]', hand);
    await shows(page, "#network-layer", /^conv3: 16→32 · 3×3, 4,608 weights$/);
    await press(page, ".network-choice button:last-child", hand);
    await until(page, () => nibble.settings.bits === "4,conv3:8");
    await shows(page, '[data-of-layer="conv3"] .network-bits', /^8 bit$/);
    await shows(page, ".network-applies", /Symmetric, 8 bits; one scale for a layer/);
    assert.equal(await page.inputValue("#set-bits-layers"), "conv3:8");
    // The run is made anew; the same layer stays chosen.
    await until(page, () => nibble.run.settings.bits === "4,conv3:8" && !nibble.busy);
    await shows(page, "#network-layer", /^conv3/);
    // A scheme of its own, with the bits that it has; the last layer has no ReLU behind it.
    await page.selectOption("#own-quantizer", "fp4");
    await until(page, () => nibble.settings.layers === "conv3.quantizer:fp4" && nibble.settings.bits === 4);
    await shows(page, ".network-applies", /FP4, 4 bits/);
    await page.selectOption("#own-activations", "pact");
    await until(page, () => nibble.run.settings.layers === "conv3.quantizer:fp4,conv3.activations:pact" && !nibble.busy);
    assert.deepEqual(await page.evaluate(() => nibble.run.layers.map(({ name, levels }) => name === "conv3" && levels.length).filter(Boolean)), [15]);
    await press(page, '[data-of-layer="linear1"]', hand);
    await shows(page, "#network-layer", /^linear1/);
    assert.equal(await page.locator("#own-activations").count(), 0);
    await press(page, '[data-of-layer="conv3"]', hand);
    await shows(page, "#network-layer", /^conv3/);
    await page.selectOption("#own-quantizer", "");
    await page.selectOption("#own-activations", "");
    await until(page, () => nibble.settings.layers === "" && nibble.run.settings.layers === "" && !nibble.busy);
    await press(page, '[data-of-layer="conv1"]', hand);
    await page.selectOption("#network-ends", "8");
    await shows(page, '[data-of-layer="conv1"] .network-bits', /^8 bit$/);
    await shows(page, '[data-of-layer="linear1"] .network-bits', /^8 bit$/);
    await page.selectOption("#network-granularity", "channel");
    await shows(page, ".network-applies", /Symmetric, 8 bits; one scale for a channel.*the first layer: 8 bits$/);
    assert.deepEqual(await page.evaluate(() => [nibble.settings.ends, nibble.settings.granularity, document.querySelector("#set-granularity").value]), ["8", "channel", "channel"]);
    await page.selectOption("#network-quantizer", "none");
    await shows(page, ".network-choice", /no weight is rounded/);
    assert.deepEqual(await seriousFindings(page, "#network"), []);
    await assertFits(page);
    await screenshotOf(page, "#network", `network-${viewport.width}`);
  });
}

const SCHEMES = settingOf("quantizer").choices;

/** Whether something is drawn on both pictures of a scheme. */
const pictures = (page, name) =>
  page.locator(`[data-scheme="${name}"] canvas`).evaluateAll((all) =>
    all.map((canvas) => canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.some((value, i) => i % 4 === 3 && value > 0)));

for (const [how, viewport] of [["by pointer and keys", WIDE], ["by touch", NARROW]]) {
  test(`${viewport.width} px: every scheme stands in the list with its pictures, is found by words and chosen ${how}`, async (t) => {
    const page = await open(t, { settings: { ...SMALL, bits: 3 }, context: { viewport, hasTouch: viewport === NARROW } });
    const rounding = SCHEMES.filter(({ format }) => format !== "full");
    await until(page, (count) => [...document.querySelectorAll(".scheme-note")].filter(({ textContent }) => / levels$/.test(textContent)).length === count, rounding.length);
    await drawn(page);
    assert.deepEqual(await page.locator(".scheme").evaluateAll((all) => all.map((item) => item.dataset.scheme).sort()), SCHEMES.map(({ name }) => name).sort());
    for (const { name, bits } of rounding) {
      const width = bits.includes(3) ? 3 : bits.includes(4) ? 4 : bits[0];
      const { levels } = await page.evaluate(async ([scheme, wanted]) => {
        const { To } = await import("./protocol.js");
        const told = await nibble.client.request(To.LEVELS, { of: "weights", scheme, bits: wanted });
        return { levels: told.levels.length };
      }, [name, width]);
      assert.equal(await page.locator(`[data-scheme="${name}"] .scheme-note`).textContent(), `${width} bit${width === 1 ? "" : "s"}, ${levels} levels`);
      assert.deepEqual(await pictures(page, name), [true, true], name);
    }
    assert.deepEqual(await seriousFindings(page, "#schemes"), []);
    await screenshotOf(page, "#schemes", `schemes-${viewport.width}`);

    await page.fill("#schemes-search", "floating 8-bit exponent");
    assert.deepEqual(await page.locator(".scheme:visible").evaluateAll((all) => all.map((item) => item.dataset.scheme)), ["fp8_e4m3", "fp8_e5m2"]);
    assert.deepEqual(await page.locator("#schemes legend:visible").allTextContents(), ["Floating point"]);
    if (viewport === NARROW) await page.locator('[data-scheme="fp8_e5m2"]').tap();
    else {
      await page.click('[data-scheme="fp8_e4m3"]');
      await until(page, () => nibble.settings.quantizer === "fp8_e4m3");
      await page.keyboard.press("ArrowDown");
    }
    await until(page, () => nibble.settings.quantizer === "fp8_e5m2" && document.querySelector("#set-quantizer").value === "fp8_e5m2");
    // The menu is the same setting.
    await page.fill("#schemes-search", "");
    await page.selectOption("#network-quantizer", "apot");
    await until(page, () => document.querySelector("[data-scheme=apot] input").checked);
    if (viewport === WIDE) {
      await tabTo(page, "#schemes input:checked");
      assert.equal(await page.evaluate(() => document.activeElement.value), "apot");
    }
    await assertFits(page);
  });
}
