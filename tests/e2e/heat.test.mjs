/** Heat maps: what the network looked at, over the picture in "Try it" and over the mistakes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { densest, mapOf, mixed, SIDE, whereText } from "../../www/plots/relevance.js";
import { CROSSED, tabTo, until } from "./lab.mjs";
import { assertFits, drawn, enter, open, PATIENCE, pause, screenshotOf, seriousFindings, SMALL, shows, within } from "./support.mjs";

const PIXELS = SIDE * SIDE;
const INKS = { paper: [200, 100, 0], positive: [0, 120, 90], negative: [200, 80, 0] };

/** A map with these values, by [x, y]; 0 everywhere else. */
function mapWith(...points) {
  const map = new Float32Array(PIXELS);
  for (const [x, y, value] of points) map[y * SIDE + x] = value;
  return map;
}

test("a map covers its picture by its share of the largest relevance, whatever its sign", () => {
  const pixels = new Uint8ClampedArray(4 * PIXELS).fill(100);
  const mix = mixed(pixels, mapWith([0, 0, -4], [1, 0, 2], [2, 0, 4]), INKS);
  const at = (x) => [...mix.slice(4 * x, 4 * x + 4)];
  assert.equal(mix.length, 4 * PIXELS);
  assert.deepEqual(at(0), [...INKS.negative, 255]);
  assert.deepEqual(at(2), [...INKS.positive, 255]);
  // Two fifths of a grey of 100, three of the paper.
  assert.deepEqual(at(3), [160, 100, 40, 255]);
  assert.deepEqual(at(1), [80, 110, 65, 255]);
  // The picture is left as it was, and one that nothing speaks for or against is only pale.
  assert.ok(pixels.every((value) => value === 100));
  assert.deepEqual([...mixed(pixels, new Float32Array(PIXELS), INKS).slice(0, 4)], [160, 100, 40, 255]);
  // Green looks lighter than red, and red than blue.
  const colours = Uint8ClampedArray.from({ length: 4 * PIXELS }, (_, i) => (i % 4 === Math.floor(i / 4) % 3 ? 255 : 0));
  const [red, green, blue] = [0, 1, 2].map((i) => mixed(colours, new Float32Array(PIXELS), INKS)[4 * i]);
  assert.ok(green > red && red > blue, `${[red, green, blue]}`);
});

test("where a map lies is said of nine regions, by what is positive", () => {
  const middles = [5, 15, 26];
  const names = middles.map((y) => middles.map((x) => densest(mapWith([x, y, 1])).region));
  assert.deepEqual(names, [
    ["upper left", "upper middle", "upper right"],
    ["left", "middle", "right"],
    ["lower left", "lower middle", "lower right"],
  ]);
  assert.deepEqual(["0 0", "31 31"].map((at) => densest(mapWith([...at.split(" ").map(Number), 1])).region), ["upper left", "lower right"]);
  const two = mapWith([0, 0, 3], [31, 0, 1], [15, 15, -9]);
  assert.deepEqual(densest(two), { region: "upper left", share: 0.75 });
  assert.equal(whereText(two), "most of it in the upper left, 75 %");
  assert.equal(whereText(mapWith([0, 0, 2], [31, 0, 1], [15, 15, 1.5], [15, 31, 1.5])), "the largest part in the upper left, 33 %");
  assert.equal(whereText(new Float32Array(PIXELS).fill(0.1)), "all over the picture");
  for (const none of [new Float32Array(PIXELS), mapWith([4, 4, -1])]) {
    assert.equal(densest(none), null);
    assert.equal(whereText(none), "nothing speaks for its answer");
  }
  const maps = new Float32Array(3 * PIXELS).map((_, i) => Math.floor(i / PIXELS));
  assert.deepEqual([0, 1, 2].map((which) => [...new Set(mapOf(maps, which))]), [[0], [1], [2]]);
});

/** Counts what is asked for: `asked(page)`, and waits for its answers: `answered(page)`. */
const counting = (page) =>
  page.evaluate(() => {
    Object.assign(globalThis, { heatAsked: [], unanswered: 0 });
    const { client } = nibble;
    const request = client.request.bind(client);
    client.request = (type, body) => {
      if (type === "heat_maps") heatAsked.push(body.pixels.length / 4096);
      const answer = request(type, body);
      unanswered++;
      answer.catch(() => {}).finally(() => unanswered--);
      return answer;
    };
  });
const asked = (page) => page.evaluate(() => heatAsked);
/** A picture that changes while it is asked about is asked about once more. */
const answered = (page) => until(page, () => unanswered === 0);

const LABEL = "What the network sees: the middle square of the picture, 32 by 32 pixels";
/** All pixels of a canvas, as a text. */
const picture = (page, selector) => page.locator(selector).evaluate((canvas) => [...canvas.getContext("2d").getImageData(0, 0, 32, 32).data].join());
/** How colourful a canvas is: the largest distance between red, green and blue of a pixel. */
const colour = (pixels) => {
  const values = pixels.split(",").map(Number);
  return Math.max(...Array.from({ length: PIXELS }, (_, i) => Math.max(...values.slice(4 * i, 4 * i + 3)) - Math.min(...values.slice(4 * i, 4 * i + 3))));
};

/** Ticks, or unticks, by pointer or by keyboard. */
async function tick(page, selector, hand) {
  if (hand === "pointer") return page.locator(`label:has(${selector})`).click({ position: { x: 60, y: 16 } });
  await tabTo(page, selector);
  await page.keyboard.press("Space");
}

/** Draws a black line by key. */
async function sketch(page, hand) {
  if (hand === "pointer") await page.locator("#try .segments label", { hasText: "Draw" }).click();
  else {
    await tabTo(page, "input[name=try-source]:checked");
    await page.keyboard.press("ArrowRight");
  }
  await page.locator(".sketch").focus();
  await page.keyboard.press("Space");
  for (let i = 0; i < 8; i++) await page.keyboard.press("ArrowLeft");
  await page.keyboard.press("Space");
  await drawn(page);
}

/** The labels of the images that the gallery shows. */
const labels = (page) => page.locator("#gallery > li:visible canvas").evaluateAll((all) => all.map((canvas) => canvas.getAttribute("aria-label")));

const [ways] = CROSSED;
for (const { name, width, screen, hand } of ways) {
  test(`${name}: over the picture that is tried, as long as it is wanted`, async (t) => {
    const page = await within("errors")(t, { settings: { ...SMALL, epochs: 12 }, context: screen });
    await counting(page);
    // Before there is a picture, nothing is drawn and nothing asked for.
    await tick(page, "#try-heat", hand);
    await page.locator("#try .heat-key").waitFor();
    await drawn(page);
    assert.equal(await page.locator("#try-seen").getAttribute("aria-label"), "What the network sees: no picture yet");
    assert.deepEqual(await asked(page), []);
    await tick(page, "#try-heat", hand);
    await page.locator("#try .heat-key").waitFor({ state: "hidden" });
    await page.evaluate(() => document.getElementById("play").click());
    await pause(page, { epochs: 1 });
    await sketch(page, hand);
    await shows(page, "#try-said", /\d %/);
    await answered(page);
    const plain = await picture(page, "#try-seen");
    assert.deepEqual(await asked(page), []);
    assert.equal(await page.locator("#try-seen").getAttribute("aria-label"), LABEL);
    assert.ok(colour(plain) < 3, "the line has a colour");
    await tick(page, "#try-heat", hand);
    await shows(page, "#try-seen", /What it looked at: (most of it in the|the largest part in the|all over the|nothing speaks) /, "aria-label");
    const heated = await picture(page, "#try-seen");
    assert.ok(colour(heated) > 60, `no colour in the map: ${colour(heated)}`);
    assert.deepEqual(await asked(page), [1]);
    assert.equal(await page.locator(".verdict-heat:visible").count(), 0);
    // Another picture has another map.
    await page.getByRole("button", { name: "Fill", exact: true }).press("Enter");
    await page.waitForFunction((old) => [...document.getElementById("try-seen").getContext("2d").getImageData(0, 0, 32, 32).data].join() !== old, heated, PATIENCE);
    await page.getByRole("button", { name: "Undo" }).press("Enter");
    await page.waitForFunction((old) => [...document.getElementById("try-seen").getContext("2d").getImageData(0, 0, 32, 32).data].join() === old, heated, PATIENCE);
    assert.deepEqual(await seriousFindings(page, "#try"), []);
    await assertFits(page);
    await screenshotOf(page, "#try", `${width}-heat-try`);
    // Other colours of the page: the same map in those.
    await page.emulateMedia({ colorScheme: "dark" });
    await page.waitForFunction((old) => [...document.getElementById("try-seen").getContext("2d").getImageData(0, 0, 32, 32).data].join() !== old, heated, PATIENCE);
    assert.deepEqual(await seriousFindings(page, "#try"), []);
    await screenshotOf(page, "#try", `${width}-heat-try-dark`);
    await tick(page, "#try-heat", hand);
    await drawn(page);
    assert.equal(await picture(page, "#try-seen"), plain);
    assert.equal(await page.locator("#try-seen").getAttribute("aria-label"), LABEL);
  });

  test(`${name}: over the mistakes, one request for all that are shown`, async (t) => {
    const page = await within("errors")(t, { settings: { ...SMALL, epochs: 12 }, context: screen });
    await counting(page);
    await tick(page, "#gallery-heat", hand);
    await page.locator("#errors .heat-key").waitFor();
    assert.deepEqual(await asked(page), [], "there are no images yet");
    await tick(page, "#gallery-heat", hand);
    await page.evaluate(() => document.getElementById("play").click());
    await pause(page, { epochs: 1 });
    const last = await page.evaluate(() => nibble.run.epochs.at(-1).epoch);
    await shows(page, ".gallery-note", new RegExp(`after epoch ${last}\\b`));
    await drawn(page);
    const plain = await picture(page, "#gallery canvas >> nth=0");
    const before = await labels(page);
    assert.ok(before.length > 3 && before.every((label) => !label.includes("looked at")), `${before}`);
    assert.deepEqual(await asked(page), []);
    await tick(page, "#gallery-heat", hand);
    await shows(page, "#gallery canvas", /What it looked at: /, "aria-label");
    assert.deepEqual(await asked(page), [before.length]);
    assert.notEqual(await picture(page, "#gallery canvas >> nth=0"), plain);
    const after = await labels(page);
    assert.ok(after.every((label, i) => label.startsWith(`${before[i]}. What it looked at: `)), `${after}`);
    assert.deepEqual(await seriousFindings(page, "#errors"), []);
    await assertFits(page);
    await screenshotOf(page, "#errors", `${width}-heat-errors`);
    // Other images, other maps.
    await page.locator(".pair >> nth=0").press("Enter");
    await shows(page, "#gallery-title", / taken for /);
    await drawn(page);
    const cell = await labels(page);
    assert.ok(cell.length > 0 && cell.every((label) => label.includes("What it looked at: ")), `${cell}`);
    assert.deepEqual(await asked(page), [before.length, cell.length]);
    await page.getByRole("button", { name: "Show the most wrong" }).press("Enter");
    await shows(page, "#gallery-title", /^Most wrong$/);
    await tick(page, "#gallery-heat", hand);
    await drawn(page);
    assert.equal(await picture(page, "#gallery canvas >> nth=0"), plain);
    assert.deepEqual(await labels(page), before);
  });

  test(`${name}: of two runs each has its own, in what it says`, async (t) => {
    const page = await within("errors")(t, { settings: { ...SMALL, race: "quantizer:none" }, context: screen });
    await counting(page);
    await sketch(page, hand);
    await shows(page, "#try-said", /\. FP32: /);
    await answered(page);
    const plain = await picture(page, "#try-seen");
    await tick(page, "#try-heat", hand);
    await page.locator(".verdict-heat:visible >> nth=1").waitFor();
    assert.deepEqual(await page.locator(".verdict-heat canvas").evaluateAll((all) => all.map((canvas) => canvas.getAttribute("aria-label").split(":")[0])), ["What 4-bit looked at", "What FP32 looked at"]);
    assert.equal(await picture(page, "#try-seen"), plain, "the picture is covered by one of two maps");
    assert.deepEqual(await asked(page), [1, 1]);
    assert.deepEqual(await seriousFindings(page, "#try"), []);
    await assertFits(page);
    await screenshotOf(page, "#try", `${width}-heat-two`);
    await tick(page, "#try-heat", hand);
    assert.equal(await page.locator(".verdict-heat:visible").count(), 0);
  });
}

test("while it trains, no map is asked for by a page where nobody wants one, and its word leads to what it means", async (t) => {
  const page = await open(t);
  await counting(page);
  await page.click("#play");
  await enter(page, "errors");
  await pause(page, { epochs: 1 });
  await drawn(page);
  assert.deepEqual(await asked(page), []);
  await page.locator("label:has(#gallery-heat)").click();
  await page.click("#errors .heat-tick [data-term]");
  await page.waitForFunction(() => document.activeElement.id === "word-heat-map", null, PATIENCE);
});

test("an engine that refuses is told of, and the pictures stay as they are", async (t) => {
  const page = await within("errors")(t);
  await page.click("#play");
  await pause(page, { epochs: 1 });
  await sketch(page, "pointer");
  await shows(page, "#try-said", /\d %/);
  await drawn(page);
  const plain = [await picture(page, "#try-seen"), await picture(page, "#gallery canvas >> nth=0")];
  await page.evaluate(() => {
    const { client } = nibble;
    const request = client.request.bind(client);
    client.request = (type, body) => (type === "heat_maps" ? Promise.reject(new Error("not today")) : request(type, body));
  });
  for (const [box, text] of [["#try-heat", "The heat map could not be made: not today"], ["#gallery-heat", "The heat maps could not be made: not today"]]) {
    await page.locator(`label:has(${box})`).click();
    await page.locator(".notice p", { hasText: text }).waitFor();
  }
  await drawn(page);
  assert.deepEqual([await picture(page, "#try-seen"), await picture(page, "#gallery canvas >> nth=0")], plain);
});

test("a run that is dropped meanwhile says nothing", async (t) => {
  const page = await within("errors")(t, { settings: { ...SMALL, race: "quantizer:none" } });
  await sketch(page, "pointer");
  await shows(page, "#try-said", /\. FP32: /);
  await page.evaluate(() => {
    const { client } = nibble;
    const request = client.request.bind(client);
    globalThis.refused = 0;
    // The run is gone when its map is asked for.
    client.request = (type, body) => {
      if (type !== "heat_maps") return request(type, body);
      return request(type, { ...body, run: 99 }).finally(() => (refused += 1));
    };
    Object.defineProperty(nibble, "runs", { configurable: true, get: () => [] });
  });
  await page.locator("label:has(#try-heat)").click();
  await page.waitForFunction(() => refused === 2, null, PATIENCE);
  await drawn(page);
  assert.equal(await page.locator(".notice-error").count(), 0);
});
