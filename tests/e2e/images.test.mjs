/** Own images: a folder with a sub-folder a class becomes a data set, by the folder picker and by a drop. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { fewTests, FITTED, fitting, fittingText } from "../../www/fitting.js";
import { defaults } from "../../www/settings.js";
import { breakNextReader, drop, tar, write, zip } from "./fixture.mjs";
import { press, stands, tabTo } from "./lab.mjs";
import { pictureFolder } from "./pictures.mjs";
import { enter, NARROW, noticed, runOf, screenshot, shows, trained, WIDE, within } from "./support.mjs";

const open = within("data");

const SETTINGS = { train: 100, test: 100, batch: 16, epochs: 30, augment: 0, lr: 0.003 };
const FRUIT = {
  apples: { hue: 0, type: "image/jpeg", width: 640, height: 480 },
  limes: { hue: 100, type: "image/png", width: 50, height: 90 },
  plums: { hue: 280, type: "image/webp", width: 33, height: 33 },
};
const onImages = (page) => page.waitForFunction(() => globalThis.nibble?.run?.data.kind === "images" && !nibble.busy, null, { timeout: 60_000 });

/** Chooses a folder through its button, by pointer or by keyboard. */
async function pickFolder(page, folder, hand) {
  const [chooser] = await Promise.all([page.waitForEvent("filechooser"), press(page, "#pick-folder", hand)]);
  await chooser.setFiles(folder);
}

test("a folder through the picker: classes by sub-folder, resized, learned", async (t) => {
  const page = await open(t, { settings: SETTINGS });
  const folder = await pictureFolder(t, page, FRUIT, { "apples/.DS_Store": Buffer.from("x"), "limes/Thumbs.db": Buffer.from("x"), "readme.txt": Buffer.from("fruit") });
  await pickFolder(page, folder, "pointer");
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
  await screenshot(page, "1440-own-images");
  // What was trained on and what is tried are seen alike: of the twelve apples four are shown as samples.
  await enter(page, "errors");
  let same = 0;
  for (let i = 1; i <= 12; i++) {
    await page.setInputFiles("#try-file", `${folder}/apples/${i}.jpg`);
    await page.locator(`#try canvas[aria-label^="The picture ${i}.jpg"]`).waitFor();
    same += await page.evaluate(() => {
      const { data } = document.getElementById("try-seen").getContext("2d").getImageData(0, 0, 32, 32);
      const [{ pixels }] = nibble.loaded.samples;
      return Array.from({ length: 4 }, (_, k) => pixels.subarray(k * data.length, (k + 1) * data.length)).filter((sample) => sample.every((value, at) => value === data[at])).length;
    });
  }
  assert.equal(same, 4);
});

test("settings fit few images, and those that are enough keep the usual ones", () => {
  const { batch, epochs, holdout } = defaults();
  const steps = ({ train }, fit) => Math.floor((train - fit.holdout) / fit.batch);
  for (const info of [{ train: 81, test: 9 }, { train: 33, test: 3 }, { train: 4, test: 2 }, { train: 270, test: 30 }, { train: 900, test: 100 }, { train: 50_000, test: 10_000 }]) {
    const fit = fitting(info);
    assert.deepEqual(Object.keys(fit), FITTED);
    assert.ok(fit.batch >= 8 && fit.batch <= batch && fit.epochs >= epochs && fit.epochs <= 50 && info.train - fit.holdout >= 2, JSON.stringify([info, fit]));
    assert.ok(fit.batch === 8 || steps(info, fit) >= 10, JSON.stringify([info, fit]));
    assert.ok(fit.epochs === 50 || fit.epochs * Math.max(1, steps(info, fit)) >= 300, JSON.stringify([info, fit]));
    assert.ok(fit.holdout === 0 || (fit.holdout >= 2 * info.test && fit.holdout <= info.train / 4), JSON.stringify([info, fit]));
  }
  assert.deepEqual(fitting({ train: 81, test: 9 }), { batch: 8, epochs: 45, holdout: 20 });
  assert.deepEqual(fitting({ train: 5000, test: 500 }), { batch, epochs, holdout });
  // What somebody has set stays, and the others fit it.
  assert.deepEqual(fitting({ train: 81, test: 9 }, { batch: 4, holdout: 0 }), { batch: 4, epochs: 15, holdout: 0 });
  assert.equal(fittingText(fitting({ train: 5000, test: 500 })), "");
  assert.match(fittingText(fitting({ train: 81, test: 9 })), /^For so few images: batches of 8 instead of 128, 45 epochs instead of 10, 20 of the training images kept aside to test on\.$/);
  assert.deepEqual([fewTests(49) === "", fewTests(50), fewTests(1)], [false, "", "1 test image is few: accuracies may be far off by chance."]);
});

test("own images get settings that fit them: said, undone, and never against what somebody has set", async (t) => {
  const page = await open(t, { settings: { train: 100, test: 100, bits: 3 } });
  const folder = await pictureFolder(t, page, FRUIT);
  const fitted = () => page.evaluate(() => FITTED_KEYS.map((key) => nibble.run.settings[key]));
  await page.evaluate((keys) => (globalThis.FITTED_KEYS = keys), FITTED);
  await pickFolder(page, folder, "pointer");
  await onImages(page);
  assert.deepEqual(await fitted(), [8, 50, 8]);
  await noticed(page, "fruit is loaded", "batches of 8 instead of 128", "50 epochs instead of 10", "8 of the training images kept aside", "8 test images are few");
  await shows(page, "#score-label", /^Test, 8 images$/);
  await shows(page, "#dataset-notes", /3 test images are few/);
  await stands(page, "1440-own-images-fitted");
  // Which is enough to learn them by.
  await page.click("#play");
  await page.waitForFunction(() => nibble.finished && !nibble.playing, null, { timeout: 120_000 });
  const learned = await page.evaluate(() => nibble.run.epochs.at(-1));
  assert.ok(learned.trainAccuracy > 0.7, `${learned.trainAccuracy} of the training images`);
  await page.setViewportSize(NARROW);
  await stands(page, "390-own-images-fitted");
  await page.setViewportSize(WIDE);
  await page.getByRole("button", { name: "Use the usual settings" }).click();
  await page.waitForFunction(() => nibble.settings.batch === 128);
  await press(page, "#apply", "pointer");
  await page.waitForFunction(() => nibble.run.settings.batch === 128 && !nibble.busy);
  assert.deepEqual(await fitted(), [128, 10, 0]);
  // That was the user's wish: it holds for the next set too.
  await pickFolder(page, folder, "pointer");
  await noticed(page, "fruit is loaded", "3 test images are few");
  await page.waitForFunction(() => !nibble.busy);
  assert.deepEqual(await fitted(), [128, 10, 0]);
  // What the address says goes first, and the rest fits it; other images have the usual settings again.
  await page.goto(`${page.url().split("?")[0]}?train=100&test=100&batch=16&room=data`);
  await page.waitForFunction(() => globalThis.nibble?.run && !nibble.busy);
  await page.evaluate((keys) => (globalThis.FITTED_KEYS = keys), FITTED);
  await pickFolder(page, folder, "pointer");
  await onImages(page);
  assert.deepEqual(await fitted(), [16, 50, 8]);
  await enter(page, "train");
  await page.selectOption("#set-data", "builtin");
  await page.waitForFunction(() => nibble.run.data.kind === "synthetic" && !nibble.busy);
  await shows(page, "#score-label", /^Test$/);
  assert.deepEqual(await fitted(), [16, 10, 0]);
});

test("pixels are those of the picture: the middle square, averaged, over white", async (t) => {
  const page = await open(t, { settings: SETTINGS });
  for (const side of [256, 2048]) {
    const { length, clear, corner, lines, edge } = await page.evaluate(async (side) => {
      const { square } = await import("./images/square.js");
      const canvas = new OffscreenCanvas(2 * side, side);
      const context = canvas.getContext("2d");
      // Outside of the middle square: red. In it: lines of black and white, one pixel each; a transparent quarter.
      context.fillStyle = "#f00";
      context.fillRect(0, 0, 2 * side, side);
      context.clearRect(side / 2, 0, side, side);
      for (let x = side / 2; x < side * 1.5; x++) {
        context.fillStyle = x % 2 ? "#000" : "#fff";
        context.fillRect(x, side / 2, 1, side / 2);
      }
      const pixels = square(canvas, canvas.width, canvas.height);
      const at = (x, y) => [...pixels.slice(4 * (32 * y + x), 4 * (32 * y + x) + 4)];
      return { length: pixels.length, clear: at(4, 4), corner: at(31, 0), lines: at(16, 24), edge: at(0, 31) };
    }, side);
    assert.equal(length, 32 * 32 * 4);
    for (const pixel of [clear, corner]) assert.deepEqual(pixel, [255, 255, 255, 255], `${side} px`);
    // Half black, half white: 127.5, rounded once.
    for (const pixel of [lines, edge]) assert.deepEqual(pixel, [128, 128, 128, 255], `${side} px: picked, not averaged`);
  }
  // Sides that are no multiple of 32: pixels count by the share that is covered, and the mean of the whole stays.
  const means = await page.evaluate(async () => {
    const { square } = await import("./images/square.js");
    const mean = (rgba) => rgba.reduce((sum, value, i) => sum + (i % 4 === 0 ? value : 0), 0) / (rgba.length / 4);
    return [20, 33, 500].map((side) => {
      const context = new OffscreenCanvas(side, side).getContext("2d");
      const image = context.createImageData(side, side);
      let state = side;
      image.data.forEach((_, i) => (image.data[i] = i % 4 === 3 || (state = (state * 48271) % 2147483647) % 10 === 0 ? 255 : 20));
      context.putImageData(image, 0, 0);
      return mean(square(context.canvas, side, side)) - mean(image.data);
    });
  });
  for (const error of means) assert.ok(Math.abs(error) < 0.1, `the means are off by ${means}`);
});

test("a folder through the picker by keyboard, on a narrow screen: kept on the device, and there again at the next visit", async (t) => {
  const page = await open(t, { settings: SETTINGS, context: { viewport: NARROW } });
  const folder = await pictureFolder(t, page, FRUIT);
  await pickFolder(page, folder, "keyboard");
  await onImages(page);
  await noticed(page, "fruit is loaded", "33 training", "3 test");
  const { fingerprint } = (await runOf(page)).data;
  await shows(page, "#kept", /fruit.*36 images.*Forget/);
  await stands(page, "390-own-images");
  rmSync(folder, { recursive: true });
  await page.reload();
  await onImages(page);
  const { data } = await runOf(page);
  assert.deepEqual([data.fingerprint, data.classes], [fingerprint, ["apples", "limes", "plums"]]);
  await page.click("#step");
  await trained(page, 1);
  const link = page.url();
  await page.goto(link.replace(/data=images/, "data=builtin").replace(/&images=[^&]*/, ""));
  await page.getByRole("button", { name: /^Use fruit/ }).click();
  await onImages(page);
  await tabTo(page, '[aria-label^="Forget fruit"]');
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.querySelectorAll("#kept li").length === 0);
  await page.goto(link);
  await noticed(page, "The link asks for Own images", "choose their folder");
});

test("two kept sets: each can be used again; the browser is asked to hold them", async (t) => {
  const init = () => {
    globalThis.asked = 0;
    navigator.storage.persist = async () => (asked += 1) > 0;
  };
  const page = await open(t, { settings: SETTINGS, init });
  assert.equal(await page.evaluate(() => asked), 0, "nothing is kept yet");
  const { apples, limes, plums } = FRUIT;
  await drop(page, [await pictureFolder(t, page, { apples, limes })]);
  await onImages(page);
  await shows(page, "#kept", /fruit/);
  await pickFolder(page, await pictureFolder(t, page, { limes, plums }), "keyboard");
  await page.waitForFunction(() => nibble.run.data.classes.includes("plums") && !nibble.busy);
  await page.waitForFunction(() => document.querySelectorAll("#kept li").length === 2);
  assert.equal(await page.evaluate(() => asked), 2);
  await stands(page, "1440-own-images-kept");
  const use = '[aria-label^="Use fruit"]';
  await tabTo(page, use);
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => nibble.run.data.classes.includes("apples") && !nibble.busy);
  await page.click(use);
  await page.waitForFunction(() => nibble.run.data.classes.includes("plums") && !nibble.busy);
});

test("a set that is loaded while another is being written is kept too, and every one that is not is told", async (t) => {
  const page = await open(t, { settings: SETTINGS });
  const kept = await page.evaluate(async () => {
    const { Store } = await import("./store.js");
    const store = new Store(() => {});
    const keep = (name) => store.keep("images", { name, fingerprint: name, train: 1, test: 1, classes: ["a", "b"] }, { kind: "images", pixels: new Uint8Array(6144), labels: new Uint8Array(2) });
    await Promise.all(["one", "two", "one"].map(keep));
    const names = store.sets.map(({ name }) => name).sort();
    navigator.storage.estimate = async () => ({ quota: 1, usage: 1 });
    await Promise.all(["three", "four"].map(keep));
    return { names, writing: store.writing, problem: store.problem };
  });
  assert.deepEqual([kept.names, kept.writing], [["one", "two"], null]);
  assert.match(kept.problem, /three is not kept.*four is not kept/);
});

test("what a browser cannot decode is named and left out; the rest is used", async (t) => {
  const page = await open(t, { settings: SETTINGS });
  const folder = await pictureFolder(t, page, FRUIT, { "apples/broken.jpg": Buffer.from("no picture"), "limes/phone.heic": Buffer.from("heic") });
  await drop(page, [folder]);
  await noticed(page, "2 files left out", "apples: 1 left out, a text that begins", "broken.jpg", "limes: 1 left out", "phone.heic");
  await onImages(page);
  assert.equal((await runOf(page)).data.train, 33);
});

test("a folder that is no data set: the message says what was expected and found, and nothing changes", async (t) => {
  const page = await open(t, { settings: SETTINGS, context: { viewport: NARROW } });
  await page.click("#step");
  await trained(page, 1);
  const { apples, limes } = FRUIT;
  const bad = [
    ["one class", { apples }, {}, ["one folder for each class", "12 pictures in one folder"]],
    ["a class of one", { apples, limes: { ...limes, count: 1 } }, {}, ["at least 2 classes", "found one, apples"]],
    ["nothing but broken ones", {}, { "a/1.png": Buffer.from("x"), "a/2.png": Buffer.from("x"), "b/1.png": Buffer.from("x"), "b/2.png": Buffer.from("x") }, ["pictures that can be decoded", "none of 4", "a/1.png"]],
    ["formats that no browser reads", {}, { "a/1.heic": Buffer.from("x"), "b/1.tiff": Buffer.from("x") }, ["pictures that can be decoded", "a/1.heic"]],
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

test("parts as published, from a folder, a zip and a tar archive; what was left out is counted and can be listed", async (t) => {
  const page = await open(t, { settings: SETTINGS });
  const { apples, limes } = FRUIT;
  const few = (count, kind) => ({ ...kind, count });
  const folder = await pictureFolder(t, page, { "train/apples": apples, "train/limes": limes, "test/apples": few(3, apples), "test/limes": few(2, limes) }, { "notes.pdf": Buffer.from("%PDF-1.7") });
  const prints = [];
  const read = async (paths) => {
    await drop(page, paths);
    await page.waitForFunction((before) => nibble.loaded.info.kind === "images" && nibble.loaded.dataset !== before && !nibble.busy, await page.evaluate(() => nibble.loaded.dataset));
    const { train, test, classes, fingerprint, notes } = await page.evaluate(() => nibble.loaded.info);
    assert.deepEqual([train, test, classes], [24, 5, ["apples", "limes"]]);
    assert.match(notes[0], /2 classes; train and test as given; 1 file left out/);
    prints.push(fingerprint);
  };
  await read([folder]);
  await noticed(page, "1 file left out", "a PDF document");
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "List what was left out" }).click()]);
  assert.match(readFileSync(await download.path(), "utf8"), /fruit\/notes\.pdf\ta PDF document/);
  const names = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const files = Object.fromEntries(names.map(({ parentPath, name }) => [`${parentPath.slice(folder.length - 5)}/${name}`, readFileSync(`${parentPath}/${name}`)]));
  const { paths } = write(t, { "fruit.tgz": gzipSync(tar(files)), "fruit.zip": zip(files) });
  for (const path of paths) await read([path]);
  assert.equal(new Set(prints).size, 1, `${prints}`);
});

test("of two drops in a row the last one wins; one can be cancelled; training goes on meanwhile", async (t) => {
  const page = await open(t, { settings: { ...SETTINGS, train: 2000, epochs: 1000 } });
  const { apples, limes, plums } = FRUIT;
  const many = await pictureFolder(t, page, { apples: { ...apples, count: 60 }, limes: { ...limes, count: 60 } });
  const last = await pictureFolder(t, page, { plums, limes });
  // The reader of many files takes its time.
  await page.evaluate(() => {
    const { postMessage } = Worker.prototype;
    Worker.prototype.postMessage = function (message, ...rest) {
      const send = () => postMessage.call(this, message, ...rest);
      if (message.entries?.length > 100) setTimeout(send, 20_000);
      else send();
    };
  });
  await page.click("#play");
  await trained(page, 2);
  await drop(page, [many]);
  await page.getByRole("button", { name: "Cancel" }).waitFor();
  await drop(page, [last]);
  await noticed(page, "fruit is loaded", "stays until");
  const { classes } = await page.evaluate(() => nibble.loaded.info);
  assert.deepEqual(classes, ["limes", "plums"]);
  const run = await runOf(page);
  assert.deepEqual([run.data.kind, run.status], ["synthetic", "playing"]);
  await trained(page, run.globalStep + 2);
  const { dataset } = await page.evaluate(() => nibble.loaded);
  await drop(page, [many]);
  await page.getByRole("button", { name: "Cancel" }).click();
  await page.waitForFunction(() => nibble.loading === null && !nibble.busy);
  assert.equal((await page.evaluate(() => nibble.loaded)).dataset, dataset);
});

test("an error in the reader ends in a message, and the next drop is read", async (t) => {
  const page = await open(t, { settings: SETTINGS });
  const folder = await pictureFolder(t, page, { apples: FRUIT.apples, limes: FRUIT.limes });
  await breakNextReader(page, 0);
  await drop(page, [folder]);
  await noticed(page, "The files could not be read: out of memory");
  await drop(page, [folder]);
  await onImages(page);
});

const FIXTURES = new URL("../fixtures/readers/", import.meta.url).pathname;

test("arrays, tables and archives are read as their own programs read them, by drop and by the picker", async (t) => {
  const page = await open(t, { settings: SETTINGS });
  const expected = JSON.parse(readFileSync(`${FIXTURES}expected.json`, "utf8"));
  assert.equal(Object.keys(expected).length, 12);
  const requested = [];
  page.on("request", (request) => requested.push(request.url()));
  for (const [at, [name, { classes, train, test: held, fingerprint }]] of Object.entries(expected).entries()) {
    const { dataset } = await page.evaluate(() => nibble.loaded);
    if (at % 2) await page.setInputFiles("#files", FIXTURES + name);
    else await drop(page, [FIXTURES + name]);
    await page.waitForFunction((before) => nibble.loaded.dataset !== before && !nibble.busy, dataset);
    const { info } = await page.evaluate(() => nibble.loaded);
    assert.deepEqual(info.classes, classes, name);
    assert.equal(info.train + info.test, train.length + held.length, name);
    if (fingerprint) assert.equal(info.fingerprint, fingerprint, name);
  }
  assert.ok(requested.some((url) => url.endsWith("pkg/readers/nibble_bg.wasm")), "the first such file loads the readers");
});

test("nothing of the readers is loaded before there is a file", async (t) => {
  const requested = [];
  const page = await open(t, { settings: SETTINGS, prepare: (page) => page.on("request", (request) => requested.push(request.url())) });
  await page.click("#step");
  await trained(page, 1);
  assert.deepEqual(requested.filter((url) => url.includes("readers") || url.includes("images/worker")), []);
});
