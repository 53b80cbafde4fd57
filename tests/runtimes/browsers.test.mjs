/**
 * Exports in browsers: the page of one file as a student takes it home, from file://, and ONNX Runtime Web. Environment:
 * NIBBLE_CASES (folders that tests/runtimes/main.rs wrote), NIBBLE_PEERS (a folder with node_modules/onnxruntime-web),
 * CHROMIUM and FIREFOX (the programs).
 */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { extname, join } from "node:path";
import { after, test } from "node:test";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";
import puppeteer from "puppeteer-core";
import { network } from "../../src/export/html/network.js";

const { NIBBLE_CASES, NIBBLE_PEERS, CHROMIUM, FIREFOX } = process.env;
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const PIXELS = 32 * 32;
const PATIENCE = { timeout: 120_000 };

const about = (name) => JSON.parse(readFileSync(join(NIBBLE_CASES, name, "about.json"), "utf8"));
const cases = readdirSync(NIBBLE_CASES).filter((name) => readdirSync(join(NIBBLE_CASES, name)).includes("about.json"));
const file = (name, ending) => join(NIBBLE_CASES, name, ending);
const floats = (bytes) => new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
const most = (logits) => logits.indexOf(Math.max(...logits));

/** Nibble's own logits of each picture. */
function expected(name) {
  const all = floats(readFileSync(file(name, "logits.f32")));
  const { length } = about(name).classes;
  return Array.from({ length: all.length / length }, (_, i) => all.subarray(i * length, (i + 1) * length));
}

/** Pictures as RGBA. */
function pictures(name) {
  const bytes = readFileSync(file(name, "pictures.rgb"));
  return Array.from({ length: bytes.length / (3 * PIXELS) }, (_, picture) =>
    Uint8ClampedArray.from({ length: 4 * PIXELS }, (_, i) => (i % 4 === 3 ? 255 : bytes[(picture * PIXELS + (i >> 2)) * 3 + (i % 4)])),
  );
}

/** Fails where logits are not Nibble's, but for the order of sums; rounded activations may then be on another level. */
function compare(name, found, wanted) {
  const scale = Math.max(...wanted.flatMap((logits) => Array.from(logits, Math.abs)));
  const distances = found.flatMap((logits, i) => Array.from(logits, (logit, j) => Math.abs(logit - wanted[i][j]) / scale));
  const alike = found.filter((logits, i) => most(Array.from(logits)) === most(Array.from(wanted[i]))).length;
  const { exact } = about(name);
  if (exact) assert.ok(Math.max(...distances) < 1e-4, `${name}: ${Math.max(...distances)}`);
  assert.ok(alike >= found.length * (exact ? 1 : 0.8), `${name}: ${alike} of ${found.length} alike`);
}

test("the page's interpreter computes the logits of every network", () => {
  assert.ok(cases.length > 0);
  for (const name of cases) {
    const { classes, logits } = network(new Uint8Array(readFileSync(file(name, "network.safetensors"))));
    assert.deepEqual(classes, about(name).classes);
    const some = name.endsWith("vgg4bit") ? 2 : 6;
    compare(name, pictures(name).slice(0, some).map(logits), expected(name).slice(0, some));
  }
});

const BROWSERS = {
  Chromium: async () => {
    const args = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"];
    const browser = await chromium.launch({ executablePath: CHROMIUM, args });
    return {
      open: async () => {
        const page = await browser.newPage();
        return Object.assign(page, { choose: (path) => page.setInputFiles("#file", path) });
      },
      close: () => browser.close(),
    };
  },
  Firefox: async () => {
    const browser = await puppeteer.launch({
      browser: "firefox",
      executablePath: FIREFOX,
      headless: true,
      extraPrefsFirefox: { "media.navigator.streams.fake": true, "media.navigator.permission.disabled": true },
    });
    return {
      open: async () => {
        const page = await browser.newPage();
        return Object.assign(page, { choose: async (path) => (await page.$("#file")).uploadFile(path) });
      },
      close: () => browser.close(),
    };
  },
};

/** Until the page shows it. The driver's own way makes functions of texts, which the page's policy forbids. */
async function until(page, look) {
  const end = Date.now() + PATIENCE.timeout;
  for (;;) {
    const found = await page.evaluate(look);
    if (found) return found;
    assert.ok(Date.now() < end, String(look));
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** What the page answers to what is done next. */
async function answer(page, act) {
  await page.evaluate(() => (document.querySelector("#said").textContent = ""));
  await act();
  return until(page, () => /^It takes this for.*/.exec(document.querySelector("#said").textContent)?.[0]);
}

for (const [name, launch] of Object.entries(BROWSERS)) {
  for (const model of ["model-simple_resnet4bit", "model-vgg4bit"]) {
    test(`${name}: the page of ${model} classifies what is chosen, dropped, drawn and filmed, from file://`, PATIENCE, async () => {
      const browser = await launch();
      try {
        const page = await browser.open();
        const problems = [];
        page.on("console", (message) => message.type() === "error" && problems.push(message.text()));
        page.on("pageerror", (error) => problems.push(String(error)));
        await page.goto(pathToFileURL(file(model, "network.html")).href);
        const { classes } = about(model);
        const [logits] = expected(model);
        const right = new RegExp(`^It takes this for ${classes[most(Array.from(logits))]} `);
        assert.match(await answer(page, () => page.choose(file(model, "picture.png"))), right);
        assert.match(await page.evaluate(() => document.querySelector("table").textContent), /95 % interval/);

        const drop = (text) => {
          const held = new DataTransfer();
          held.items.add(new File([Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0))], "picture.png", { type: "image/png" }));
          document.body.dispatchEvent(new DragEvent("drop", { bubbles: true, cancelable: true, dataTransfer: held }));
        };
        assert.match(await answer(page, () => page.evaluate(drop, readFileSync(file(model, "picture.png"), "base64"))), right);

        await answer(page, async () => {
          await page.click("#camera");
          await until(page, () => !document.querySelector("#shoot").hidden && document.querySelector("#video").videoWidth > 0);
          await page.click("#shoot");
        });

        await answer(page, async () => {
          const box = await page.evaluate(() => {
            const sketch = document.querySelector("#sketch");
            sketch.scrollIntoView();
            const { x, y, width } = sketch.getBoundingClientRect();
            return { x, y, width };
          });
          await page.mouse.move(box.x + box.width / 4, box.y + box.width / 2);
          await page.mouse.down();
          await page.mouse.move(box.x + (3 * box.width) / 4, box.y + box.width / 2);
          await page.mouse.up();
        });
        const dark = await page.evaluate(() => {
          const { data } = document.querySelector("#seen").getContext("2d").getImageData(0, 0, 32, 32);
          return data.filter((value, i) => i % 4 === 0 && value < 128).length;
        });
        assert.ok(dark > 8 && dark < 200, `${dark} dark pixels of a line`);

        await page.evaluate(AXE);
        const { violations } = await page.evaluate(() => axe.run(document, { resultTypes: ["violations"] }));
        assert.deepEqual(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html)}`), []);
        assert.deepEqual(problems, []);
      } finally {
        await browser.close();
      }
    });
  }
}

const TYPES = { ".mjs": "text/javascript", ".wasm": "application/wasm", ".html": "text/html" };

test("Chromium: ONNX Runtime Web computes the logits of every network", { timeout: 600_000 }, async () => {
  const browser = await chromium.launch({ executablePath: CHROMIUM });
  after(() => browser.close());
  const page = await browser.newPage();
  // A site of these folders alone.
  await page.route("http://peers.test/**", (route) => {
    const { pathname } = new URL(route.request().url());
    if (pathname === "/") return route.fulfill({ contentType: "text/html", body: "<!doctype html><title>Peers</title>" });
    const path = pathname.startsWith("/cases/") ? join(NIBBLE_CASES, decodeURIComponent(pathname.slice(7))) : join(NIBBLE_PEERS, "node_modules/onnxruntime-web/dist", pathname);
    return route.fulfill({ contentType: TYPES[extname(path)] ?? "application/octet-stream", body: readFileSync(path) });
  });
  await page.goto("http://peers.test/");
  await page.evaluate(async () => {
    const ort = await import("/ort.wasm.min.mjs");
    Object.assign(ort.env.wasm, { numThreads: 1, wasmPaths: "/" });
    globalThis.classify = async (url, pixels, count) => {
      const session = await ort.InferenceSession.create(url, { extra: { session: { disable_quant_qdq: "1" } } });
      const { logits } = await session.run({ pixels: new ort.Tensor("uint8", Uint8Array.from(pixels), [count, 32, 32, 3]) });
      await session.release();
      return Array.from(logits.data);
    };
  });
  for (const name of cases) {
    const some = 4;
    const pixels = Array.from(readFileSync(file(name, "pictures.rgb")).subarray(0, some * 3 * PIXELS));
    const { length } = about(name).classes;
    const all = await page.evaluate(([url, pixels, some]) => classify(url, pixels, some), [`/cases/${name}/network.onnx`, pixels, some]);
    const found = Array.from({ length: some }, (_, i) => all.slice(i * length, (i + 1) * length));
    compare(name, found, expected(name).slice(0, some));
  }
});
