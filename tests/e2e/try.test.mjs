/** The panel that classifies one's own pictures, whatever way they come in. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { drop, write } from "./fixture.mjs";
import { tabTo } from "./lab.mjs";
import { assertFits, drawn, enter, epochs, NARROW, noticed, pause, screenshotOf, seriousFindings, shows, theBrowser, WIDE, within } from "./support.mjs";

const open = within("errors");

// A camera that needs neither a device nor a press on the browser's question.
await theBrowser(["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]);

const RUN = { train: 640, test: 200, batch: 32, epochs: 3, lr: 0.003 };
const VIEWS = { 1440: WIDE, 390: NARROW };
/** The packed weights compute in another order than the training's kernels: a share of a percent at most. */
const TOLERANCE = 0.005;

/** A PNG that the page draws: `paint` gets the context of a canvas of that size. */
const png = async (page, width, height, paint) => {
  // As a text, because the page's policy lets nothing make functions of texts.
  const url = await page.evaluate(`((width, height) => {
    const canvas = Object.assign(document.createElement("canvas"), { width, height });
    const context = canvas.getContext("2d");
    ${paint}
    return canvas.toDataURL("image/png");
  })(${width}, ${height})`);
  return Buffer.from(url.split(",")[1], "base64");
};
/** Left third red, middle third green, right third blue. */
const THIRDS = `["#f00", "#0f0", "#00f"].forEach((c, i) => { context.fillStyle = c; context.fillRect((i * width) / 3, 0, width / 3 + 1, height); });`;

/** The pixels that the network sees, RGB of the one at (x, y). */
const seen = (page, x, y) =>
  page.evaluate(([across, down]) => [...document.getElementById("try-seen").getContext("2d").getImageData(across, down, 1, 1).data.slice(0, 3)], [x, y]);

/** Waits for an answer to the picture that is there now: class names and shares of the first run. */
async function answer(page, which = 0) {
  await page.waitForFunction((i) => document.querySelectorAll(".verdict")[i]?.querySelector(".bar-name").textContent !== "", which);
  await page.waitForFunction(() => document.getElementById("try-said").textContent !== "");
  return page.locator(".verdict").nth(which).evaluate((box) => ({
    names: [...box.querySelectorAll(".bar-name")].map((node) => node.textContent),
    shares: [...box.querySelectorAll(".bar-value")].map((node) => parseFloat(node.textContent) / 100),
    state: box.querySelector(".verdict-state").textContent,
    sizes: [...box.querySelectorAll(".size-value")].map((node) => node.textContent),
    ratio: box.querySelector(".size-ratio").textContent,
  }));
}

/** Forgets what was said, so that the next answer can be waited for. */
const forget = (page) => page.evaluate(() => (document.getElementById("try-said").textContent = ""));

for (const [width, viewport] of Object.entries(VIEWS)) {
  test(`${width} px: a test image as a file: the packed weights say what the run's own test said`, async (t) => {
    // A finished run has the weights of its last test pass.
    const page = await open(t, { settings: { ...RUN, epochs: 1 }, context: { viewport } });
    await page.click("#play");
    await page.waitForFunction(() => nibble.run.status === "finished", null, { timeout: 180_000 });
    const { top, pixels } = await page.evaluate(async () => {
      const { To } = await import("./protocol.js");
      const { images } = await nibble.client.request(To.PREDICTIONS, { run: 1, limit: 1 });
      return { top: images[0].top, pixels: [...images[0].pixels] };
    });
    const file = await png(page, 32, 32, `context.putImageData(new ImageData(Uint8ClampedArray.from(${JSON.stringify(pixels)}), 32, 32), 0, 0);`);
    await page.setInputFiles("#try-file", { name: "image.png", mimeType: "image/png", buffer: file });
    const { names, shares, state, sizes, ratio } = await answer(page);
    const classes = await page.evaluate(() => nibble.run.data.classes);
    assert.equal(names.length, 5);
    assert.equal(names[0], classes[top[0].class]);
    assert.ok(Math.abs(shares[0] - top[0].probability) < TOLERANCE, `packed ${shares[0]}, in the test ${top[0].probability}`);
    assert.match(state, /^After epoch 1 of 1\.$/);
    // Weights of half a byte and of four: eight times, less the biases and the statistics that stay floats.
    const [packed, float] = sizes.map((text) => parseFloat(text));
    assert.ok(sizes.every((text) => / KB$/.test(text)), `${sizes}`);
    assert.ok(float / packed > 6 && float / packed < 8, `${sizes}`);
    assert.match(ratio, /^Two 4-bit weights to a byte\. [67]\.\d times smaller\.$/);
  });

  test(`${width} px: layers of other bits are named where it says how weights are packed`, async (t) => {
    const page = await open(t, { settings: { ...RUN, ends: "8" }, context: { viewport } });
    await page.setInputFiles("#try-file", { name: "thirds.png", mimeType: "image/png", buffer: await png(page, 90, 90, THIRDS) });
    assert.match((await answer(page)).ratio, /^Two 4-bit weights to a byte; conv1 and linear1 8-bit\. \d\.\d times smaller\.$/);
  });

  test(`${width} px: file picker, drop and paste; the middle square, averaged`, async (t) => {
    const page = await open(t, { settings: RUN, context: { viewport, permissions: ["clipboard-read", "clipboard-write"] } });
    const wide = await png(page, 960, 320, THIRDS);
    const { paths } = write(t, { "thirds.png": wide, "words.png": Buffer.from("not a picture") });
    // The picker, opened by key.
    const chooser = page.waitForEvent("filechooser");
    await page.focus("#try-pick");
    await page.keyboard.press("Enter");
    await (await chooser).setFiles(paths[0]);
    const first = await answer(page);
    assert.match(first.state, /^Not trained yet/);
    // The square in the middle of the thirds is the green one.
    for (const at of [[16, 16], [0, 31], [31, 0]]) assert.deepEqual(await seen(page, ...at), [0, 255, 0]);
    assert.equal(await page.locator(".stage-empty:visible").count(), 0);
    // What cannot be read leaves the picture that is there.
    await page.setInputFiles("#try-file", paths[1]);
    await noticed(page, "words.png", "cannot read it as a picture");
    assert.deepEqual(await seen(page, 16, 16), [0, 255, 0]);
    // Dropped anywhere on the page: not data to train on.
    const tall = await png(page, 300, 900, `["#f00", "#00f", "#0f0"].forEach((c, i) => { context.fillStyle = c; context.fillRect(0, (i * height) / 3, width, height / 3); });`);
    const dropped = write(t, { "tall.png": tall });
    await forget(page);
    await page.evaluate(() => scrollTo(0, 0));
    await drop(page, dropped.paths);
    await answer(page);
    assert.deepEqual(await seen(page, 16, 16), [0, 0, 255]);
    assert.equal(await page.locator("#dropveil.on").count(), 0);
    assert.equal(await page.evaluate(() => nibble.loaded.info.kind), "synthetic");
    // Pasted by key. A chequered picture whose pixels cancel: the network sees its mean.
    await forget(page);
    await page.evaluate(async () => {
      const canvas = Object.assign(document.createElement("canvas"), { width: 128, height: 128 });
      const context = canvas.getContext("2d");
      for (let i = 0; i < 128 * 128; i++) {
        context.fillStyle = (i + Math.floor(i / 128)) % 2 ? "#fff" : "#000";
        context.fillRect(i % 128, Math.floor(i / 128), 1, 1);
      }
      const blob = await new Promise((resolve) => canvas.toBlob(resolve));
      await navigator.clipboard.write([new ClipboardItem({ "image/png": blob })]);
    });
    await page.focus("#try-pick");
    await page.keyboard.press("Control+v");
    await answer(page);
    for (const value of await seen(page, 7, 21)) assert.ok(Math.abs(value - 127.5) <= 1, `${value} where black and white are mixed`);
    assert.deepEqual(await seriousFindings(page, "#try"), []);
    await assertFits(page);
    // A drawing that says of its size only in what proportion it is; what no browser decodes by itself.
    const svg = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 20 10"><rect width="20" height="10" fill="#00f"/><rect x="5" width="10" height="5" style="fill:#f00"/></svg>';
    const ppm = Buffer.concat([Buffer.from("P6\n# drawn\n4 2\n255\n"), Buffer.from(Array.from({ length: 8 }, (_, i) => (i < 4 ? [9, 8, 7] : [90, 80, 70])).flat())]);
    for (const [name, buffer, top, bottom] of [["flat.svg", Buffer.from(svg), [255, 0, 0], [0, 0, 255]], ["flat.ppm", ppm, [9, 8, 7], [90, 80, 70]]]) {
      await forget(page);
      await page.setInputFiles("#try-file", write(t, { [name]: buffer }).paths);
      await page.locator(`#try canvas[aria-label^="The picture ${name}"]`).waitFor();
      await answer(page);
      assert.deepEqual([await seen(page, 16, 4), await seen(page, 16, 28)], [top, bottom], name);
    }
  });

  test(`${width} px: drawing, with the pointer and with the keyboard`, async (t) => {
    const page = await open(t, { settings: RUN, context: { viewport } });
    await page.focus("#try .segments input >> nth=0");
    await page.keyboard.press("ArrowRight");
    const canvas = page.locator(".sketch");
    await canvas.waitFor();
    await answer(page);
    assert.deepEqual(await seen(page, 16, 16), [255, 255, 255]);
    // The keyboard: the pen is in the middle; down, and ten moves to the right.
    await canvas.focus();
    await page.keyboard.press("Space");
    for (let i = 0; i < 10; i++) await page.keyboard.press("ArrowRight");
    await page.keyboard.press("Space");
    await drawn(page);
    assert.ok((await seen(page, 24, 15))[0] < 40, "no stroke of the keyboard");
    assert.deepEqual(await seen(page, 6, 15), [255, 255, 255]);
    await page.keyboard.press("ArrowUp");
    await page.keyboard.press("ArrowUp");
    await drawn(page);
    assert.deepEqual(await seen(page, 26, 10), [255, 255, 255], "the lifted pen has drawn");
    // The pointer, in red, from left to right.
    await page.locator(".sketch-colour[title=red]").click();
    await canvas.scrollIntoViewIfNeeded();
    const box = await canvas.boundingBox();
    await page.mouse.move(box.x + 0.1 * box.width, box.y + 0.8 * box.height);
    await page.mouse.down();
    await page.mouse.move(box.x + 0.9 * box.width, box.y + 0.8 * box.height, { steps: 8 });
    await page.mouse.up();
    await drawn(page);
    const red = await seen(page, 16, 25);
    assert.ok(red[0] > 180 && red[1] < 80 && red[2] < 80, `${red} where a red line was drawn`);
    await screenshotOf(page, "#try", `${width}-try-sketch`);
    await page.getByRole("button", { name: "Undo" }).click();
    await drawn(page);
    assert.deepEqual(await seen(page, 16, 25), [255, 255, 255]);
    await page.getByRole("button", { name: "Fill", exact: true }).press("Enter");
    await drawn(page);
    assert.deepEqual(await seen(page, 2, 2), await seen(page, 29, 29));
    assert.ok((await seen(page, 2, 2))[1] < 80);
    await page.getByRole("button", { name: "Clear" }).click();
    await drawn(page);
    assert.deepEqual(await seen(page, 16, 16), [255, 255, 255]);
    assert.deepEqual(await seriousFindings(page, "#try"), []);
  });

  test(`${width} px: the camera is asked for on use, and let go when it is left`, async (t) => {
    const init = () => {
      globalThis.streams = [];
      const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
      navigator.mediaDevices.getUserMedia = async (wanted) => {
        const stream = await ask(wanted);
        streams.push(stream);
        return stream;
      };
    };
    const page = await open(t, { settings: RUN, context: { viewport }, init });
    const live = () => page.evaluate(() => streams.map((stream) => stream.getTracks().filter(({ readyState }) => readyState === "live").length));
    await page.locator("#try .segments label", { hasText: "Camera" }).click();
    const button = page.locator("#try-camera");
    await button.waitFor();
    await drawn(page);
    assert.deepEqual(await live(), [], "the camera was asked for before its button was pressed");
    await button.click();
    await page.waitForFunction(() => document.querySelector(".verdict .bar-name").textContent !== "");
    assert.deepEqual(await live(), [1]);
    // The fake camera's picture changes: what the network sees does too.
    const before = await page.evaluate(() => document.getElementById("try-seen").toDataURL());
    await page.waitForFunction((old) => document.getElementById("try-seen").toDataURL() !== old, before);
    await screenshotOf(page, "#try", `${width}-try-camera`);
    assert.deepEqual(await seriousFindings(page, "#try"), []);
    // By keyboard it is stopped and started alike.
    await tabTo(page, "#try-camera");
    await page.keyboard.press("Enter");
    await shows(page, "#try-camera", /^Start the camera$/);
    assert.deepEqual(await live(), [0]);
    await page.keyboard.press("Enter");
    await shows(page, "#try-camera", /^Stop the camera$/);
    assert.deepEqual(await live(), [0, 1]);
    // Leaving by another source.
    await page.locator("#try .segments label", { hasText: "Draw" }).click();
    assert.deepEqual(await live(), [0, 0]);
    // Leaving by another room.
    await page.locator("#try .segments label", { hasText: "Camera" }).click();
    await page.click("#try-camera");
    await shows(page, "#try-camera", /^Stop the camera$/);
    await enter(page, "train");
    await shows(page, "#try-camera", /^Start the camera$/);
    assert.deepEqual(await live(), [0, 0, 0]);
  });

  test(`${width} px: with two runs each says what it sees`, async (t) => {
    const page = await open(t, { settings: { ...RUN, race: "quantizer:none" }, context: { viewport } });
    await page.click("#play");
    await pause(page, { epochs: 1 });
    await page.setInputFiles("#try-file", { name: "thirds.png", mimeType: "image/png", buffer: await png(page, 90, 90, THIRDS) });
    const one = await answer(page, 0);
    const other = await answer(page, 1);
    assert.match(one.ratio, /^Two 4-bit weights to a byte\. /);
    assert.match(other.ratio, /rounded for this: the run itself is FP32/);
    assert.deepEqual(one.sizes, other.sizes);
    await shows(page, "#try-said", /^4-bit: .+\. FP32: .+/);
    assert.deepEqual(await seriousFindings(page, "#try"), []);
    await assertFits(page);
    await screenshotOf(page, "#try", `${width}-try-two`);
  });
}

test("a camera that is refused is told, and nothing else happens", async (t) => {
  const init = () => {
    navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException("Permission denied", "NotAllowedError"));
  };
  const page = await open(t, { settings: RUN, init });
  await page.locator("#try .segments label", { hasText: "Camera" }).click();
  await page.click("#try-camera");
  await noticed(page, "The camera was not allowed");
  assert.equal(await page.locator("#try-camera").textContent(), "Start the camera");
});

test("the answer follows the training, and the picture stays", async (t) => {
  const page = await open(t, { settings: RUN });
  await page.setInputFiles("#try-file", { name: "thirds.png", mimeType: "image/png", buffer: await png(page, 90, 90, THIRDS) });
  await answer(page);
  await page.click("#play");
  await epochs(page, 1);
  await shows(page, ".verdict-state", /^(After|In) epoch/);
  await pause(page, { steps: 25 });
  await drawn(page);
  await screenshotOf(page, "#try", "1440-try");
});
