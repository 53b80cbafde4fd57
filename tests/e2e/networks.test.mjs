/** Trained networks that come with the page: opened without data, told with what they reached, kept for use without a network. */
import assert from "node:assert/strict";
import { readFileSync, statSync } from "node:fs";
import { test } from "node:test";
import { aboutOf } from "../../www/kept/header.js";
import { proxy } from "./proxy.mjs";
import { enter, hasRun, NARROW, noticed, PATIENCE, PLAIN, screenshot, seriousFindings, shows, SMALL, within } from "./support.mjs";

const FOLDER = new URL("../../www/networks/", import.meta.url);
const NETWORKS = JSON.parse(readFileSync(new URL("index.json", FOLDER), "utf8"));
/** What a visitor who opens all of them fetches. */
const MOST_BYTES = 2 << 20;
const open = within("errors");

const opened = (page, file) =>
  page.waitForFunction((bytes) => nibble.run?.packedEpochs > 0 && !nibble.busy && bytes, statSync(new URL(file, FOLDER)).size, PATIENCE);

/** Turns to the sketch: what is drawn there is classified, be it nothing. */
async function draw(page) {
  await page.check('input[name="try-source"][value="sketch"]', { force: true });
  await shows(page, ".verdict-state", /^After epoch \d+ of \d+\.$/);
}

test("the list of networks says what their files say", async () => {
  assert.ok(NETWORKS.length > 0);
  for (const { file, bytes, model, kind, images, accuracy } of NETWORKS) {
    const blob = new Blob([readFileSync(new URL(file, FOLDER))]);
    const about = await aboutOf(blob);
    assert.equal(about.packed, true, file);
    const said = { bytes: blob.size, model: about.settings.model, kind: about.data.kind, images: about.data.images[1], accuracy: about.epochs.at(-1).testAccuracy };
    assert.deepEqual({ bytes, model, kind, images, accuracy }, said, file);
  }
  assert.ok(NETWORKS.reduce((sum, { bytes }) => sum + bytes, 0) <= MOST_BYTES);
});

test("each is opened without data, classifies a drawing and tells its card", async (t) => {
  const page = await open(t, { settings: SMALL });
  for (const { file, accuracy } of NETWORKS) {
    await page.click(`[data-network="${file}"]`);
    await opened(page, file);
    await shows(page, ".network-card", new RegExp(`${(100 * accuracy).toFixed(1)} ±`));
    assert.equal(await page.evaluate(() => nibble.run.status), "finished");
  }
  await page.click(".network-card summary");
  await draw(page);
  await shows(page, ".gallery-note", /came packed/);
  assert.deepEqual(await seriousFindings(page), []);
  await screenshot(page, "networks");
  await page.setViewportSize(NARROW);
  await screenshot(page, "networks-narrow");
});

test("without its images a network is looked at, and not trained or tested", async (t) => {
  const page = await open(t, { settings: SMALL });
  const { file } = NETWORKS[0];
  // The same network, told to be one of images that are not here.
  const bytes = readFileSync(new URL(file, FOLDER));
  const length = Number(bytes.readBigUInt64LE(0));
  const header = bytes.subarray(8, 8 + length).toString().replaceAll(/\\"kind\\":\\"synthetic\\"/g, '\\"kind\\":\\"cifar10\\"');
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(Buffer.byteLength(header)));
  const other = Buffer.concat([size, Buffer.from(header), bytes.subarray(8 + length)]);
  await page.route(`**/networks/${file}`, (route) => route.fulfill({ body: other }));
  await page.click(`[data-network="${file}"]`);
  await opened(page, file);
  assert.ok(await page.evaluate(() => nibble.run.data.isStandIn));
  await draw(page);
  await page.click("#play");
  await noticed(page, "without its images");
  assert.equal(await page.evaluate(() => nibble.run.status), "finished");
  await enter(page, "data");
  await shows(page, "#dataset-notes", /none of the images/);
  await enter(page, "inside");
  await page.click("#activations-look");
  await noticed(page, "without its images");
  await enter(page, "export");
  await page.click('[data-target="c"]');
  await noticed(page, "load them and open the network again");
});

test("a network that was opened once opens without a network", async (t) => {
  const host = await proxy(t, PLAIN);
  const page = await open(t, { url: host.url, context: { serviceWorkers: "allow" } });
  await page.waitForFunction(() => globalThis.nibble?.offline?.version, null, PATIENCE);
  const { file } = NETWORKS[0];
  await page.click(`[data-network="${file}"]`);
  await opened(page, file);
  await page.waitForFunction(async (name) => (await caches.match(new URL(`networks/${name}`, location.href))) !== undefined, file, PATIENCE);
  await page.context().setOffline(true);
  await host.down();
  await page.reload();
  await hasRun(page);
  await page.click(`[data-network="${file}"]`);
  await opened(page, file);
});
