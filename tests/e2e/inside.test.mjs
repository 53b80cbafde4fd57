/** What goes on inside of the network: what its ReLUs give, and how large the gradient of each layer is. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { oneAtATime } from "../../www/ask.js";
import { assertFits, drawn, epochs, ink, NARROW, pause, screenshotOf, seriousFindings, shows, WIDE, within } from "./support.mjs";

const open = within("inside");

const RUN = { train: 320, test: 100, batch: 32, epochs: 4, lr: 0.003 };
const VIEWS = { 1440: WIDE, 390: NARROW };

const labels = (page) => page.locator("#activation-layers canvas").evaluateAll((all) => all.map((canvas) => canvas.getAttribute("aria-label")));
const cells = (page) => page.locator("#activation-layers .layer-run:visible").count();

test("what is asked while an answer is on its way is asked once more, and no oftener", async () => {
  const answers = [];
  let asked = 0;
  const ask = oneAtATime(() => {
    asked += 1;
    return new Promise((answer) => answers.push(answer));
  });
  const all = ask();
  ask();
  ask();
  assert.equal(asked, 1);
  answers.shift()();
  await new Promise(setImmediate);
  assert.equal(asked, 2);
  answers.shift()();
  await all;
  assert.equal(asked, 2);
  ask();
  assert.equal(asked, 3);
});

test("activations that are rounded: levels, what is clipped, and newer ones after every epoch", async (t) => {
  const page = await open(t, { settings: { ...RUN, activations: "affine", actbits: 4 } });
  await shows(page, "#activation-layers canvas", /^bn1: values up to .+ for 100 test images, \d+ % of them 0; not rounded/, "aria-label");
  assert.ok(await page.locator("#activations-look").isHidden());
  await page.click("#play");
  await epochs(page, 1);
  await shows(page, "#activation-layers canvas", /; 16 levels, \d+\.\d\d % above the highest level/, "aria-label");
  await pause(page);
  await drawn(page);
  assert.equal(await cells(page), 6);
  // What is shown is what the engine tells of the run as it is now.
  const reports = await page.evaluate(async () => {
    const { To } = await import("./protocol.js");
    return (await nibble.client.request(To.ACTIVATIONS, { run: nibble.run.id })).layers;
  });
  const [first] = reports;
  await page.waitForFunction((facts) => document.querySelector("#activation-layers .facts").textContent.startsWith(facts), `up to ${Number(first.largest.toPrecision(3))} · zero ${(100 * first.zeroShare).toFixed(0)} % · clipped ${(100 * first.clippedShare).toFixed(2)} %`);
  assert.deepEqual(await page.locator("#activation-layers strong").allTextContents(), reports.map(({ name }) => name));
  assert.ok((await ink(page, "#activation-layers", "--level")) > 500, "no bars");
  assert.ok((await ink(page, "#activation-layers", "--latent")) > 500, "no histogram");
});

test("channels that have died are told of", async (t) => {
  const page = await open(t, { settings: { ...RUN, activations: "dorefa", actbits: 2 } });
  const [none, some] = await page.evaluate(async () => {
    const { deadText, describeActivations } = await import("./plots/activations.js");
    const { To } = await import("./protocol.js");
    const [report] = (await nibble.client.request(To.ACTIVATIONS, { run: nibble.run.id })).layers;
    const words = (deadChannels) => [deadText({ ...report, deadChannels }), describeActivations({ ...report, deadChannels })];
    return [words(0), words(3)];
  });
  assert.equal(none[0], "");
  assert.match(none[1], /; 4 levels, \d+\.\d\d % above the highest level\.$/);
  assert.equal(some[0], "3 of 16 channels dead");
  assert.match(some[1], /; 3 of 16 channels dead\.$/);
});

for (const [width, viewport] of Object.entries(VIEWS)) {
  test(`${width} px: activations that are not rounded are looked at when somebody asks; a line for each gradient`, async (t) => {
    const page = await open(t, { settings: RUN, context: { viewport } });
    await drawn(page);
    assert.equal(await cells(page), 0);
    await page.focus("#activations-look");
    await page.keyboard.press("Enter");
    await shows(page, "#activation-layers canvas", /; not rounded\.$|channels dead/, "aria-label");
    const before = await labels(page);
    assert.equal(before.length, 6);

    assert.equal(await page.locator("#gradients-plot").getAttribute("aria-label"), "Gradient norm of each layer over epochs: no epoch yet.");
    assert.ok(await page.locator(".gradients-empty").isVisible());
    await page.click("#play");
    await pause(page, { epochs: 2, steps: 22 });
    await page.waitForFunction((old) => document.querySelector("#activation-layers canvas").getAttribute("aria-label") !== old, before[0]);
    await drawn(page);
    const norms = await page.evaluate(() => nibble.run.epochs.at(-1).layers.map(({ name, gradNorm }) => [name, gradNorm]));
    const label = await page.locator("#gradients-plot").getAttribute("aria-label");
    assert.equal(norms.length, 7);
    for (const [name, norm] of norms) assert.ok(norm > 0 && label.includes(`${name} ${Number(norm.toPrecision(3))}`), `${label} lacks ${name}, ${norm}`);
    assert.ok(await page.locator(".gradients-empty").isHidden());
    assert.ok((await ink(page, "#gradients", "--train")) > 50, "no line of the last layer");
    for (const part of ["#activations", "#gradients"]) {
      assert.deepEqual(await seriousFindings(page, part), []);
      await screenshotOf(page, part, `${width}-${part.slice(1)}`);
    }
    await assertFits(page);
  });
}

test("one slider for the room: weights, activations and gradients are those of the moment that it shows", async (t) => {
  const page = await open(t, { settings: { train: 100, test: 100, batch: 50, epochs: 2, activations: "affine" } });
  await shows(page, "#activation-layers canvas", /^bn1/, "aria-label");
  const [first] = await labels(page);
  await page.click("#play");
  await page.waitForFunction(() => nibble.finished);
  // What the engine tells of the end.
  const last = await page.evaluate(async () => {
    const { describeActivations } = await import("./plots/activations.js");
    const { To } = await import("./protocol.js");
    return describeActivations((await nibble.client.request(To.ACTIVATIONS, { run: nibble.run.id })).layers[0]);
  });
  assert.notEqual(last, first);
  await page.waitForFunction((now) => document.querySelector("#activation-layers canvas").getAttribute("aria-label") === now, last);
  const slider = page.locator("#moment input[type=range]");
  assert.equal(await page.locator("#weights .panel-tools .replay").isVisible(), false, "two sliders in one room");
  const shown = async (moment, activations, gradients) => {
    await shows(page, "#moment .replay-text", moment);
    await drawn(page);
    assert.match(await page.textContent("#weights-summary"), new RegExp(`^Weights ${moment.source.slice(1, -1)}\\.`));
    if (activations) assert.equal((await labels(page))[0], activations);
    assert.match(await page.getAttribute("#gradients-plot", "aria-label"), gradients);
  };
  await slider.focus();
  await page.keyboard.press("Home");
  await shown(/^before training$/, first, /no epoch had ended/);
  await page.keyboard.press("ArrowRight");
  await shown(/^after epoch 1 of 2$/, null, /After epoch 1: conv1/);
  await page.keyboard.press("ArrowRight");
  await shown(/^after epoch 2 of 2$/, last, /After epoch 2: conv1/);
  assert.deepEqual(await seriousFindings(page, "#moment"), []);
});

test("of two runs one is shown, with its own activations and gradients", async (t) => {
  const page = await open(t, { settings: { ...RUN, activations: "affine", race: "activations:none" } });
  await page.click("#play");
  await pause(page, { epochs: 1 });
  await shows(page, "#activation-layers .count", /^256 levels$/);
  const gradient = await page.locator("#gradients-plot").getAttribute("aria-label");
  await page.locator("#activations .run-switch label >> nth=1").click();
  // The second run rounds nothing, and nobody has asked yet.
  await page.click("#activations-look");
  await shows(page, "#activation-layers .count", /^not rounded$/);
  // What was looked at late is not known of before.
  await page.focus("#moment input[type=range]");
  await page.keyboard.press("Home");
  await shows(page, "#activations-missing", /^None are kept of this moment, before training/);
  await page.keyboard.press("End");
  await shows(page, "#activations-missing", /^$/);
  await page.locator("#gradients .run-switch label >> nth=1").click();
  await page.waitForFunction((other) => document.querySelector("#gradients-plot").getAttribute("aria-label") !== other, gradient);
});
