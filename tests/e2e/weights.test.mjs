/** The panel of the weights: every layer on one axis, any moment of the run, a layer enlarged. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { assertFits, drawn, ink, NARROW, pause, screenshot, screenshotOf, seriousFindings, shows, trained, WIDE, within } from "./support.mjs";

const open = within("inside");

const RUN = { train: 320, test: 100, batch: 32, epochs: 4, lr: 0.003 };
const VIEWS = { 1440: WIDE, 390: NARROW };

/** Trains two epochs and a few steps more, and pauses. */
async function train(page) {
  await page.click("#play");
  await pause(page, { epochs: 2, steps: 22 });
  await drawn(page);
}

/** Share of each layer's canvas that the latent weights cover from left to right. */
async function spreads(page) {
  await drawn(page);
  return page.evaluate(() => {
    const probe = document.createElement("canvas").getContext("2d");
    probe.fillStyle = getComputedStyle(document.documentElement).getPropertyValue("--latent");
    probe.fillRect(0, 0, 1, 1);
    const wanted = probe.getImageData(0, 0, 1, 1).data;
    return [...document.querySelectorAll("#layers canvas")].map((canvas) => {
      const { data, width } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
      let [least, most] = [width, 0];
      for (let i = 0; i < data.length; i += 4) {
        if ([0, 1, 2, 3].some((c) => Math.abs(data[i + c] - wanted[c]) > 12)) continue;
        const x = (i / 4) % width;
        least = Math.min(least, x);
        most = Math.max(most, x);
      }
      return (most - least) / width;
    });
  });
}

/** What the panel says of each layer, and what the reports of the moment `key` say. */
const counts = (page) => page.locator("#layers .count").allTextContents();
const countsAt = (page, key) =>
  page.evaluate((moment) => {
    const { run } = nibble;
    const layers = moment === 0 ? run.firstLayers : moment === "now" ? run.layers : run.epochs[moment - 1].layers;
    return layers.map(({ levelsUsed, levelCounts }) => `${levelsUsed}/${levelCounts.length} levels`);
  }, key);

/** Texts of `selector` that lie over each other within one `box`. */
const collisions = (page, box, selector) =>
  page.evaluate(
    ([within, wanted]) => {
      const place = (node) => {
        const { left, top, bottom, width } = node.getBoundingClientRect();
        const clipped = getComputedStyle(node).overflowX === "hidden";
        return { text: node.textContent, left, top, bottom, right: left + (clipped ? width : Math.max(width, node.scrollWidth)) };
      };
      const over = (a, b) => a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1;
      return [...document.querySelectorAll(within)].flatMap((one) => {
        const places = [...one.querySelectorAll(wanted)].filter((node) => node.textContent && node.checkVisibility()).map(place);
        return places.flatMap((a, i) => places.slice(i + 1).filter((b) => over(a, b)).map((b) => `${a.text} / ${b.text}`));
      });
    },
    [box, selector],
  );

for (const [width, viewport] of Object.entries(VIEWS)) {
  test(`${width} px: one axis for all layers, or one for each`, async (t) => {
    const page = await open(t, { settings: RUN, context: { viewport } });
    const reaches = await page.evaluate(() => nibble.run.layers.map(({ histogram }) => histogram.max));
    const shared = await spreads(page);
    const order = (numbers) => numbers.map((_, i) => i).sort((a, b) => numbers[a] - numbers[b]);
    assert.equal(shared.length, reaches.length);
    assert.equal(order(shared)[0], order(reaches)[0], "the narrowest layer is not the narrowest on the shared axis");
    const widest = Math.max(...reaches);
    shared.forEach((spread, i) => assert.ok(spread <= reaches[i] / widest + 0.03, `layer ${i} covers ${spread} of the axis`));
    assert.ok(Math.min(...shared) < 0.5, `all layers are as wide: ${shared}`);
    // By the keyboard, and back by the pointer.
    await page.focus("#weights-own-axis");
    await page.keyboard.press("Space");
    for (const spread of await spreads(page)) assert.ok(spread > 0.6, `a layer covers ${spread} of its own axis`);
    await page.click("#weights .tick");
    assert.deepEqual(await spreads(page), shared);
  });

  test(`${width} px: the slider replays the epochs, by key and by pointer`, async (t) => {
    const page = await open(t, { settings: RUN, context: { viewport } });
    const slider = page.locator("#moment input[type=range]");
    assert.equal(await slider.getAttribute("aria-valuetext"), "now");
    await train(page);
    assert.deepEqual(await counts(page), await countsAt(page, "now"));
    await slider.focus();
    await page.keyboard.press("Home");
    await shows(page, "#moment .replay-text", /^before training$/);
    await drawn(page);
    assert.deepEqual(await counts(page), await countsAt(page, 0));
    await page.keyboard.press("ArrowRight");
    await shows(page, "#moment .replay-text", /^after epoch 1 of 4$/);
    await drawn(page);
    assert.deepEqual(await counts(page), await countsAt(page, 1));
    await shows(page, "#weights-summary", /^Weights after epoch 1 of 4\. 7 quantized layers, \d+ to \d+ levels in use/);
    // A past moment stays while the run goes on.
    await page.click("#step");
    await trained(page, 23);
    assert.equal(await slider.getAttribute("aria-valuetext"), "after epoch 1 of 4");
    await slider.focus();
    await page.keyboard.press("End");
    await shows(page, "#moment .replay-text", /^now$/);
    const { width: wide, height } = await slider.boundingBox();
    await slider.click({ position: { x: 3, y: height / 2 } });
    await shows(page, "#moment .replay-text", /^before training$/);
    await slider.click({ position: { x: wide - 3, y: height / 2 } });
    await shows(page, "#moment .replay-text", /^now$/);
  });

  test(`${width} px: play runs through every moment and ends at now`, async (t) => {
    const page = await open(t, { settings: RUN, context: { viewport } });
    await train(page);
    const replay = async (press) => {
      await page.evaluate(() => {
        globalThis.moments = [];
        const text = document.querySelector("#moment .replay-text");
        globalThis.watch?.disconnect();
        globalThis.watch = new MutationObserver(() => moments.push(text.textContent));
        watch.observe(text, { childList: true });
      });
      await press();
      await shows(page, "#moment .replay-text", /^before training$/);
      await shows(page, "#moment .replay-text", /^now$/);
      const ended = await page.evaluate(() => nibble.run.epochs.map(({ epoch }) => `after epoch ${epoch} of 4`));
      assert.deepEqual(await page.evaluate(() => moments), ["before training", ...ended, "now"]);
    };
    const button = page.locator("#moment .replay-button");
    await button.focus();
    await replay(() => page.keyboard.press("Enter"));
    await replay(() => button.click());
    // Stopped half way it stays there.
    await button.click();
    await shows(page, "#moment .replay-text", /^after epoch 1/);
    await button.click();
    const at = await page.locator("#moment .replay-text").first().textContent();
    await shows(page, "#moment .replay-button", /^Play/, "aria-label");
    await drawn(page);
    assert.equal(await page.locator("#moment .replay-text").first().textContent(), at);
  });

  test(`${width} px: a layer enlarged, its filters as images, by key and by pointer`, async (t) => {
    const page = await open(t, { settings: RUN, context: { viewport } });
    await train(page);
    // Beside the others where there is room, else over the page.
    const over = viewport === NARROW;
    const place = over ? "#layer-dialog" : "#layer-beside";
    const dialog = page.locator(place);
    if (!over) await shows(page, "#layer-title", /^conv6$/);
    await page.focus("#layers .layer >> nth=0");
    await page.keyboard.press("Enter");
    await dialog.waitFor();
    await page.locator(".filters canvas >> nth=1").waitFor();
    await drawn(page);
    assert.equal(await page.locator("#layer-title").textContent(), "conv1");
    assert.deepEqual(await seriousFindings(page, place), []);
    await screenshot(page, `${width}-layer`, false);
    assert.ok((await ink(page, ".sheet", "--level")) > 500, "no bars");
    const [latent, rounded] = await page.evaluate(() =>
      [...document.querySelectorAll(".filters canvas")].map((canvas) => {
        const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        return { size: [canvas.width, canvas.height], shades: new Set(data.filter((_, i) => i % 4 < 3)).size };
      }),
    );
    // Sixteen filters of three by three, four in a row with gaps; rounding leaves at most fifteen shades and the gaps'.
    assert.deepEqual(latent.size, [15, 15]);
    assert.ok(latent.shades > 40, `${latent.shades} shades of the latent weights`);
    assert.ok(rounded.shades <= 16, `${rounded.shades} shades of the rounded weights`);
    // The filters of the beginning are kept.
    const shades = () => page.locator(".filters canvas >> nth=0").evaluate((canvas) => canvas.toDataURL());
    const now = await shades();
    await page.locator(over ? "#layer-dialog .replay input" : "#moment .replay input").focus();
    await page.keyboard.press("Home");
    await drawn(page);
    assert.notEqual(await shades(), now, "the filters of the beginning are those of now");
    await page.keyboard.press("End");
    await drawn(page);
    if (over) {
      await page.keyboard.press("Escape");
      await dialog.waitFor({ state: "hidden" });
      assert.equal(await page.evaluate(() => document.activeElement.dataset.layer), "conv1");
    } else assert.equal(await page.getAttribute("#layers .layer >> nth=0", "aria-pressed"), "true");
    // The pointer: another layer, the next one, closed by a press beside the dialog.
    await page.click("#layers .layer >> nth=2");
    await drawn(page);
    const names = await page.evaluate(() => nibble.run.layers.map(({ name }) => name));
    assert.equal(await page.locator("#layer-title").textContent(), names[2]);
    assert.ok(await page.locator(".filters").isHidden(), "filters of a layer that reads no image");
    await page.click("[aria-label='Layer after']");
    await drawn(page);
    assert.equal(await page.locator("#layer-title").textContent(), names[3]);
    await page.locator(".counts summary").click();
    const listed = await page.locator(".counts tbody tr td:nth-child(3)").allTextContents();
    const report = await page.evaluate((name) => nibble.run.layers.find((layer) => layer.name === name).levelCounts, names[3]);
    assert.deepEqual(listed.map((text) => Number(text.replaceAll(",", ""))), report);
    if (!over) return;
    await page.mouse.click(4, 4);
    await dialog.waitFor({ state: "hidden" });
  });

  test(`${width} px: two runs, one or both`, async (t) => {
    const page = await open(t, { settings: { ...RUN, race: "quantizer:none" }, context: { viewport } });
    assert.equal(await page.evaluate(() => nibble.runs.length), 2);
    await page.click("#play");
    await pause(page, { epochs: 1 });
    const shown = () => page.evaluate(() => [...new Set([...document.querySelectorAll("#layers .count")].map((node) => node.textContent.replace(/\d+\/\d+ /, "")))]);
    await drawn(page);
    assert.deepEqual(await shown(), ["levels"]);
    await page.focus("#weights .run-switch input >> nth=0");
    await page.keyboard.press("ArrowRight");
    await drawn(page);
    assert.deepEqual(await shown(), ["FP32"]);
    await page.locator("#weights .run-switch label", { hasText: "Both" }).click();
    await drawn(page);
    assert.deepEqual(await shown(), ["levels", "FP32"]);
    assert.equal(await page.locator("#layers canvas").count(), 14);
    assert.deepEqual(await seriousFindings(page, "#weights"), []);
    await assertFits(page);
    await screenshotOf(page, "#weights", `${width}-weights-both`);
    assert.deepEqual(await collisions(page, ".layer-line", "strong, span"), []);
    await page.click("#layers .layer >> nth=0");
    await page.locator(".sheet >> nth=1").waitFor();
    await drawn(page);
    await screenshot(page, `${width}-layer-both`, false);
    assert.deepEqual(await collisions(page, ".trends", ".trend-box > span"), []);
    const heights = await page.evaluate(() => [...document.querySelectorAll(".sheet:first-child .trend")].map((line) => line.getBoundingClientRect().top));
    if (viewport === WIDE) assert.equal(new Set(heights).size, 1, `the lines stand at ${heights}`);
  });
}

test("what the weights take, with their scales: of the network and of a layer", async (t) => {
  const page = await open(t, { settings: { ...RUN, granularity: "channel" } });
  await drawn(page);
  const layers = await page.evaluate(() => nibble.run.layers);
  const count = layers.reduce((sum, layer) => sum + layer.count, 0);
  // A code of four bits for each weight, and 32 bits for each scale.
  const bits = 4 * count + 32 * layers.reduce((sum, { scales }) => sum + scales, 0);
  const size = `${(bits / 8000).toPrecision(3)} KB, ${(bits / count).toFixed(2)} bits each with their scales; ${Math.round(count / 250)} KB as FP32.`;
  assert.equal(await page.locator("#weights-size").textContent(), `${count.toLocaleString("en")} weights take ${size}`);
  await page.click("#layers .layer >> nth=0");
  await drawn(page);
  const fact = page.locator(".layer-facts div", { hasText: "Bits a weight" }).locator("dd");
  assert.equal(await fact.textContent(), (4 + (16 * 32) / 432).toFixed(2));
});

for (const [width, viewport] of Object.entries(VIEWS)) {
  test(`${width} px: several grids are a band, and one of them at a time stands before it`, async (t) => {
    const page = await open(t, { settings: { ...RUN, granularity: "group32" }, context: { viewport } });
    await train(page);
    const place = viewport === NARROW ? "#layer-dialog" : "#layer-beside";
    assert.equal(await ink(page, "#layers", "--level"), 0, "bars of levels that are at no one place");
    assert.match((await counts(page))[1], /^15\/15 levels, 80 grids$/);
    await page.click("#layers .layer >> nth=1");
    const slider = page.getByLabel("Grid of the layer");
    await shows(page, ".grid-text", /^Channel 1 of 16, weights 1 to 32 of 144: scale [\d.]+, \d+ of 15 levels$/);
    await drawn(page);
    const bars = () => ink(page, ".sheet", "--level");
    const first = await bars();
    assert.ok(first > 300, "no bars of the grid");
    await slider.focus();
    await page.keyboard.press("ArrowRight");
    await shows(page, ".grid-text", /^Channel 2 of 16, weights 1 to 32 of 144: scale/);
    assert.match(await slider.getAttribute("aria-valuetext"), /^Channel 2 of 16, weights 1 to 32 of 144: scale/);
    await drawn(page);
    assert.notEqual(await bars(), first, "the next grid looks the same");
    await page.keyboard.press("End");
    await shows(page, ".grid-text", /^Channel 16 of 16, weights 129 to 144 of 144: scale/);
    assert.deepEqual(await seriousFindings(page, place), []);
    await screenshot(page, `${width}-layer-grids`, false);
    // Of the past only the band is kept.
    await page.locator(viewport === NARROW ? "#layer-dialog .replay input" : "#moment .replay input").focus();
    await page.keyboard.press("Home");
    await shows(page, ".grid-text", /^Single grids are shown of the weights as they are now\.$/);
    await drawn(page);
    assert.ok(await slider.isDisabled());
    assert.equal(await bars(), await ink(page, ".trends", "--level"));
    // A layer with fewer grids.
    await page.keyboard.press("End");
    await page.click("[aria-label='Layer before']");
    await shows(page, ".grid-text", /^Channel 1 of 16: scale/);
  });
}

test("entropy and flips are those of the levels, before and after a step", async (t) => {
  const page = await open(t, { settings: RUN });
  /** The levels of the first layer's weights, as the network sees them, and its report. */
  const first = () =>
    page.evaluate(async () => {
      const { To } = await import("./protocol.js");
      const [layer] = nibble.run.layers;
      const { quantized } = await nibble.client.request(To.FILTERS, { run: nibble.run.id, layer: layer.name });
      return { layer, levels: Array.from(quantized, (weight) => Math.round(weight / layer.scale)) };
    });
  let before = null;
  for (let steps = 1; steps <= 3; steps++) {
    await page.click("#step");
    await trained(page, steps);
    await page.waitForFunction(() => nibble.run.status === "paused");
    const { layer, levels } = await first();
    const count = (level) => levels.filter((one) => one === level).length;
    assert.deepEqual(layer.levelCounts, layer.levelCounts.map((_, i) => count(i - 7)));
    const shares = layer.levelCounts.filter((some) => some > 0).map((some) => some / levels.length);
    const entropy = -shares.reduce((sum, share) => sum + share * Math.log2(share), 0);
    assert.ok(Math.abs(layer.entropyBits - entropy) < 1e-9, `${layer.entropyBits} bits, not ${entropy}`);
    const flips = before ? levels.filter((level, i) => level !== before[i]).length / levels.length : layer.flipsPerStep;
    assert.ok(Math.abs(layer.flipsPerStep - flips) < 1e-9, `flips ${layer.flipsPerStep}, not ${flips}`);
    assert.ok(flips > 0, "the step moved nothing");
    before = levels;
    await drawn(page);
    const facts = await page.locator("#layers .layer >> nth=0").locator(".facts span").allTextContents();
    assert.deepEqual(facts, [`entropy ${entropy.toFixed(2)} bits`, `flips ${(100 * flips).toFixed(2)} % a step`]);
  }
});

test("the panel: axe, pictures in light and dark", async (t) => {
  for (const [width, viewport] of Object.entries(VIEWS)) {
    for (const colorScheme of ["light", "dark"]) {
      const page = await open(t, { settings: RUN, context: { viewport, colorScheme } });
      await train(page);
      assert.deepEqual(await seriousFindings(page, "#weights"), []);
      await assertFits(page);
      await screenshotOf(page, "#weights", `${width}-${colorScheme}-weights`);
    }
  }
});
