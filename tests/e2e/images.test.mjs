/** Own images: a folder with a sub-folder a class becomes a data set, by the folder picker and by a drop. */
import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { test } from "node:test";
import { classesOf } from "../../www/images/folder.js";
import { drop } from "./fixture.mjs";
import { pictureFolder } from "./pictures.mjs";
import { assertFits, NARROW, noticed, open, runOf, screenshot, shows, trained } from "./support.mjs";

const SETTINGS = { train: 100, test: 100, batch: 16, epochs: 30, augment: 0, lr: 0.003 };
const FRUIT = {
  apples: { hue: 0, type: "image/jpeg", width: 640, height: 480 },
  limes: { hue: 100, type: "image/png", width: 50, height: 90 },
  plums: { hue: 280, type: "image/webp", width: 33, height: 33 },
};
const onImages = (page) => page.waitForFunction(() => globalThis.nibble?.run?.data.kind === "images" && !nibble.busy, null, { timeout: 60_000 });

test("a folder through the picker: classes by sub-folder, resized, learned", async (t) => {
  const page = await open(t, { settings: SETTINGS });
  const folder = await pictureFolder(t, page, FRUIT, { "apples/.DS_Store": Buffer.from("x"), "limes/Thumbs.db": Buffer.from("x"), "readme.txt": Buffer.from("fruit") });
  const [chooser] = await Promise.all([page.waitForEvent("filechooser"), page.click("#pick-folder")]);
  await chooser.setFiles(folder);
  await onImages(page);
  const { data } = await runOf(page);
  assert.equal(data.name, "fruit");
  assert.deepEqual(data.classes, ["apples", "limes", "plums"]);
  // A tenth of each class, at least one, is held out.
  assert.deepEqual([data.train, data.test], [33, 3]);
  assert.match(page.url(), /data=images.*images=/);
  await shows(page, "#samples", /apples.*limes.*plums/);
  await page.click("#play");
  await page.waitForFunction(() => nibble.run.smooth.accuracy.value > 0.9, null, { timeout: 120_000 });
  await page.click("#play");
  await screenshot(page, "own-images");
});

test("pixels are those of the picture: the middle square, averaged, over white", async (t) => {
  const page = await open(t, { settings: SETTINGS });
  const colours = await page.evaluate(async () => {
    const { square } = await import("./images/square.js");
    const canvas = new OffscreenCanvas(1024, 256);
    const context = canvas.getContext("2d");
    // Outside of the middle square: red. In it: lines of black and white, one pixel each; a transparent quarter.
    context.fillStyle = "#f00";
    context.fillRect(0, 0, 1024, 256);
    context.clearRect(384, 0, 256, 256);
    for (let x = 384; x < 640; x++) {
      context.fillStyle = x % 2 ? "#000" : "#fff";
      context.fillRect(x, 128, 1, 128);
    }
    const pixels = square(canvas);
    const at = (x, y) => [...pixels.slice(4 * (32 * y + x), 4 * (32 * y + x) + 4)];
    return { length: pixels.length, clear: at(4, 4), corner: at(31, 0), lines: at(16, 24), edge: at(0, 31) };
  });
  assert.equal(colours.length, 32 * 32 * 4);
  assert.deepEqual(colours.clear, [255, 255, 255, 255]);
  assert.deepEqual(colours.corner, [255, 255, 255, 255]);
  for (const [r, g, b, a] of [colours.lines, colours.edge]) {
    // Half black, half white; each halving rounds.
    for (const value of [r, g, b]) assert.ok(Math.abs(value - 127.5) <= 4, `${value}: picked, not averaged`);
    assert.equal(a, 255);
  }
});

test("a dropped folder, on a narrow screen: kept on the device, and there again at the next visit", async (t) => {
  const page = await open(t, { settings: SETTINGS, context: { viewport: NARROW } });
  const folder = await pictureFolder(t, page, FRUIT);
  await drop(page, [folder]);
  await onImages(page);
  await noticed(page, "fruit is loaded", "33 training", "3 test");
  await assertFits(page);
  const { fingerprint } = (await runOf(page)).data;
  await shows(page, "#kept", /fruit.*36 images.*Forget/);
  rmSync(folder, { recursive: true });
  await page.reload();
  await onImages(page);
  const { data } = await runOf(page);
  assert.deepEqual([data.fingerprint, data.classes], [fingerprint, ["apples", "limes", "plums"]]);
  await page.click("#step");
  await trained(page, 1);
  await page.getByRole("button", { name: /^Forget fruit/ }).click();
  await page.waitForFunction(() => document.querySelectorAll("#kept li").length === 0);
  await page.reload();
  await noticed(page, "The link asks for Own images", "choose their folder");
});

test("two kept sets: each can be used again", async (t) => {
  const page = await open(t, { settings: SETTINGS });
  const { apples, limes, plums } = FRUIT;
  await drop(page, [await pictureFolder(t, page, { apples, limes })]);
  await onImages(page);
  await shows(page, "#kept", /fruit/);
  await drop(page, [await pictureFolder(t, page, { limes, plums })]);
  await page.waitForFunction(() => nibble.run.data.classes.includes("plums") && !nibble.busy);
  await page.waitForFunction(() => document.querySelectorAll("#kept li").length === 2);
  await page.getByRole("button", { name: /^Use fruit/ }).press("Enter");
  await page.waitForFunction(() => nibble.run.data.classes.includes("apples") && !nibble.busy);
});

test("what a browser cannot decode is named and left out; the rest is used", async (t) => {
  const page = await open(t, { settings: SETTINGS });
  const folder = await pictureFolder(t, page, FRUIT, { "apples/broken.jpg": Buffer.from("no picture"), "limes/phone.heic": Buffer.from("heic") });
  await drop(page, [folder]);
  await noticed(page, "could not decode", "apples/broken.jpg", "limes/phone.heic");
  await onImages(page);
  assert.equal((await runOf(page)).data.train, 33);
});

test("a folder that is no data set: the message says what was expected and found, and nothing changes", async (t) => {
  const page = await open(t, { settings: SETTINGS });
  await page.click("#step");
  await trained(page, 1);
  const { apples, limes } = FRUIT;
  const bad = [
    ["one class", { apples }, {}, ["one class only", "12 pictures in apples"]],
    ["a class of one", { apples, limes: { ...limes, count: 1 } }, {}, ["limes", "at least 2", "found 1"]],
    ["nothing but broken ones", {}, { "a/1.png": Buffer.from("x"), "a/2.png": Buffer.from("x"), "b/1.png": Buffer.from("x"), "b/2.png": Buffer.from("x") }, ["None of the 4 pictures", "a/1.png"]],
    ["a class without a readable one", { apples, limes }, { "plums/1.png": Buffer.from("x"), "plums/2.png": Buffer.from("x") }, ["plums"]],
    ["formats that no browser reads", {}, { "a/1.heic": Buffer.from("x"), "b/1.tiff": Buffer.from("x") }, ["no picture that a browser can read", "a/1.heic"]],
  ];
  for (const [what, classes, more, parts] of bad) {
    await t.test(what, async (sub) => {
      await drop(page, [await pictureFolder(sub, page, classes, more)]);
      await noticed(page, ...parts);
      await page.waitForFunction(() => !nibble.busy);
      const run = await runOf(page);
      assert.deepEqual([run.data.kind, run.globalStep], ["synthetic", 1]);
      await page.evaluate(() => document.querySelectorAll(".notice .close").forEach((close) => close.click()));
    });
  }
});

test("grouping: the innermost folder is the class, names in counting order", () => {
  const entries = (...paths) => paths.map((path) => ({ path, file: null }));
  const { name, classes } = classesOf(entries("set/train/10/a.png", "set/train/2/b.PNG", "set/test/2/c.jpeg", "set/test/10/d.webp", "set/notes.txt"));
  assert.equal(name, "set");
  assert.deepEqual(classes.map((one) => [one.name, one.entries.length]), [["2", 2], ["10", 2]]);
  const two = classesOf(entries("cats/1.png", "cats/2.png", "dogs/1.png", "dogs/2.png"));
  assert.equal(two.name, "Own images", "two folders dropped side by side have no common name");
  assert.throws(() => classesOf(entries("a.png", "b.png")), /found pictures in no folder: a\.png, b\.png/);
  const many = Array.from({ length: 256 }, (_, i) => [`s/${i}/1.png`, `s/${i}/2.png`]).flat();
  assert.throws(() => classesOf(entries(...many)), /at most 255, found 256/);
});
