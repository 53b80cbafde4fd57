/** The Export room: a network in every target, each a file of its kind, with the line that runs it. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { targets } from "../../pkg/registry.js";
import { open, PATIENCE, screenshot, seriousFindings, shows, SMALL } from "./support.mjs";

/** What a file of each target begins with, or has in it. */
const KINDS = {
  json: (bytes) => assert.ok(JSON.parse(bytes).operations.length > 0),
  safetensors: (bytes) => assert.ok(JSON.parse(bytes.subarray(8, 8 + Number(bytes.readBigUInt64LE(0)))).__metadata__),
  onnx: (bytes) => assert.ok(bytes.includes("DequantizeLinear")),
  onnx_float: (bytes) => assert.ok(bytes.includes("Conv")),
  c: (bytes) => assert.match(bytes.toString(), /#include <stdint\.h>/),
  html: (bytes) => assert.match(bytes.toString(), /^<!doctype html>/i),
  hub: (bytes) => ["README.md", "config.json", "model.safetensors", "model.onnx"].forEach((name) => assert.ok(bytes.includes(name), name)),
  pytorch: (bytes) => assert.ok(JSON.parse(bytes.subarray(8, 8 + Number(bytes.readBigUInt64LE(0))))["nibble.images"]),
  tensorboard: (bytes) => assert.ok(bytes.includes("tfevents")),
};
const ZIP = "PK\u0003\u0004";

test("every target is saved as a file of its kind, with its size and the line that runs it", async (t) => {
  assert.deepEqual(Object.keys(KINDS).sort(), targets.map(({ name }) => name).sort());
  const loads = [];
  const page = await open(t, { room: "export", settings: { ...SMALL, epochs: 1 }, prepare: async (opened) => void opened.on("request", (request) => loads.push(request.url())) });
  await shows(page, "#exports-about", /nothing to save/);
  assert.deepEqual(await page.locator("[data-target]:enabled").count(), 0);
  await page.click("#play");
  await page.waitForFunction(() => nibble.run.status === "finished", null, PATIENCE);
  assert.ok(!loads.some((url) => url.includes("/exports/")), "nothing of the exports is loaded before one is asked for");
  for (const { name, needs } of targets) {
    const button = page.locator(`[data-target="${name}"]`);
    const [download] = await Promise.all([page.waitForEvent("download", PATIENCE), button.click()]);
    const bytes = readFileSync(await download.path());
    KINDS[name](bytes);
    const file = download.suggestedFilename();
    if (file.endsWith(".zip")) assert.equal(bytes.subarray(0, 4).toString(), ZIP);
    const saved = page.locator(`li:has([data-target="${name}"]) .export-saved`);
    await saved.getByText(`It needs ${needs}.`).waitFor();
    assert.ok((await saved.innerText()).includes(`Saved ${file}`));
    const line = await saved.locator("input").inputValue();
    assert.ok(line.includes(file.replace(/\.zip$/, "")), line);
  }
  assert.deepEqual(await seriousFindings(page), []);
  await screenshot(page, "exports");
});
