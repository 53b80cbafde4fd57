/** The page on the device: it opens without a network, updates reach it whole, and data sets are kept until forgotten. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { test } from "node:test";
import { cifar10, drop, write } from "./fixture.mjs";
import { press } from "./lab.mjs";
import { proxy } from "./proxy.mjs";
import { enter, ISOLATED, NARROW, noticed, open, PATIENCE, PLAIN, runOf, screenshot, seriousFindings, shows, SMALL, trained, watch } from "./support.mjs";

const ALLOWED = { context: { serviceWorkers: "allow" } };
const idle = (page) => page.waitForFunction(() => globalThis.nibble?.run && !nibble.busy, null, PATIENCE);

/** Waits until the page is kept; returns its version. */
async function kept(page) {
  await page.waitForFunction(() => globalThis.nibble?.offline, null, PATIENCE);
  const { version, error } = await page.evaluate(() => nibble.offline);
  assert.equal(error, undefined);
  return version;
}

const caches = (page) => page.evaluate(async () => (await globalThis.caches.keys()).filter((name) => !name.endsWith("clients")));

for (const [name, target] of [["isolated by the server", ISOLATED], ["a plain host", PLAIN]]) {
  test(`${name}: after the first visit the page opens, trains and teaches offline`, async (t) => {
    const host = await proxy(t, target);
    const page = await open(t, { url: host.url, ...ALLOWED });
    await kept(page);
    await enter(page, "data");
    await shows(page, "#device-page", /works without a network/);
    // Both: the browser is told that there is no network, and there is nobody to answer.
    await page.context().setOffline(true);
    await host.down();
    await page.reload();
    await idle(page);
    assert.ok(await page.evaluate(() => crossOriginIsolated));
    const cores = await page.evaluate(() => navigator.hardwareConcurrency);
    await shows(page, "#engine-threads", new RegExp(`^${cores}$`));
    await page.click("#play");
    await trained(page, 12);
    await page.click("#lessons-button");
    await page.waitForFunction(() => document.querySelectorAll(".lesson-entry").length >= 7);
    assert.deepEqual(await seriousFindings(page), []);
    // Another link to the page, and another build of the engine.
    await page.goto(`${host.url}?${new URLSearchParams({ ...SMALL, build: "simd" })}`);
    await idle(page);
    assert.equal(await page.evaluate(() => nibble.engine.build), "simd");
    await page.click("#step");
    await trained(page, 1);
    await screenshot(page, `offline-${target === PLAIN ? "plain" : "isolated"}`, false);
  });
}

test("the host is gone: the page opens from the device, also in a new tab", async (t) => {
  const host = await proxy(t, PLAIN);
  const page = await open(t, { url: host.url, ...ALLOWED });
  await kept(page);
  await host.down();
  const second = await page.context().newPage();
  watch(second, page.problems);
  await second.goto(`${host.url}?${new URLSearchParams(SMALL)}`);
  await idle(second);
  await second.click("#step");
  await trained(second, 1);
});

/** Loads the page again; where a busy machine was not done with an update in time, once more when it is. */
async function reloadTo(page, title) {
  await page.reload();
  await idle(page);
  if ((await page.title()) === title) return;
  await page.waitForFunction(
    async (wanted) => {
      const pages = await Promise.all((await globalThis.caches.keys()).map(async (name) => (await (await globalThis.caches.open(name)).match("index.html"))?.text()));
      return pages.some((html) => html?.includes(`<title>${wanted}<`));
    },
    title,
    PATIENCE,
  );
  await page.reload();
  await idle(page);
  assert.equal(await page.title(), title);
}

/** Publishes another version of index.html, list and all. */
function publish(host, title) {
  const change = (html) => Buffer.from(html.toString().replace(/<title>.*<\/title>/, `<title>${title}</title>`));
  for (const path of ["/", "/index.html"]) host.alter(path, (answer) => ({ ...answer, body: change(answer.body) }));
  host.alter("/offline.json", async (answer) => {
    const list = JSON.parse(answer.body);
    const page = await (await fetch(`${PLAIN}index.html`)).arrayBuffer();
    list.files["index.html"] = createHash("sha256").update(change(Buffer.from(page))).digest("hex");
    list.version = createHash("sha256").update(title).digest("hex").slice(0, 16);
    return { ...answer, body: Buffer.from(JSON.stringify(list)) };
  });
}

test("an update is what opens next; of former versions one stays, in case a page is being opened from it", async (t) => {
  const host = await proxy(t, PLAIN);
  const page = await open(t, { url: host.url, ...ALLOWED });
  const before = await kept(page);
  publish(host, "A new Nibble");
  await reloadTo(page, "A new Nibble");
  const then = await kept(page);
  publish(host, "A newer Nibble");
  await reloadTo(page, "A newer Nibble");
  const now = await kept(page);
  assert.equal(new Set([before, then, now]).size, 3);
  const left = async () => (await caches(page)).map((name) => name.split(" ").pop()).sort();
  assert.ok((await left()).includes(now) && (await left()).includes(then));
  await host.down();
  await page.reload();
  await idle(page);
  assert.equal(await page.title(), "A newer Nibble");
});

test("half an update is none: the version that is whole opens", async (t) => {
  const host = await proxy(t, PLAIN);
  const page = await open(t, { url: host.url, ...ALLOWED });
  const before = await kept(page);
  publish(host, "Broken");
  for (const path of ["/", "/index.html"]) host.alter(path, (answer) => ({ ...answer, body: Buffer.from("<title>Torn</title>") }));
  await page.reload();
  await idle(page);
  assert.match(await page.title(), /^Nibble/);
  // What was fetched of the torn version is thrown away as soon as it is found out.
  await page.waitForFunction(
    async (whole) => (await globalThis.caches.keys()).every((name) => name.endsWith("clients") || name.endsWith(whole)),
    before, { polling: 100 },
  );
  for (const path of ["/", "/index.html"]) host.restore(path);
  publish(host, "Whole again");
  await reloadTo(page, "Whole again");
});

test("a host without the list: the page works, and says that it needs the network", async (t) => {
  const host = await proxy(t, PLAIN);
  host.alter("/offline.json", (answer) => ({ ...answer, status: 404, body: Buffer.from("") }));
  const page = await open(t, { url: host.url, ...ALLOWED });
  await idle(page);
  await enter(page, "data");
  await shows(page, "#device-page", /needs the network: offline.json: the server answered 404/);
  await page.click("#step");
  await trained(page, 1);
});

test("it installs: manifest without errors, icons of the sizes it names", async (t) => {
  const page = await open(t, { ...ALLOWED });
  await kept(page);
  const devtools = await page.context().newCDPSession(page);
  const { errors, data } = await devtools.send("Page.getAppManifest");
  assert.deepEqual(errors, []);
  const { installabilityErrors } = await devtools.send("Page.getInstallabilityErrors");
  // A test's context is a private window, which installs nothing.
  assert.deepEqual(installabilityErrors.map(({ errorId }) => errorId).filter((id) => id !== "in-incognito"), []);
  const { icons } = JSON.parse(data);
  assert.ok(icons.some(({ purpose }) => purpose === "maskable"));
  for (const { src, sizes, type } of icons) {
    const response = await page.request.get(new URL(src, page.url()).href);
    assert.ok(response.headers()["content-type"].startsWith(type), src);
    if (type !== "image/png") continue;
    const bytes = await response.body();
    assert.equal(`${bytes.readUInt32BE(16)}x${bytes.readUInt32BE(20)}`, sizes, src);
  }
});

const CIFAR = { train: 100, test: 100, batch: 50, epochs: 2 };
const onKind = (page, kind) => page.waitForFunction((wanted) => globalThis.nibble?.run?.data.kind === wanted && !nibble.busy, kind, PATIENCE);

for (const [way, viewport] of [["pointer", undefined], ["keyboard", NARROW]]) {
  test(`a loaded data set is there at the next visit, offline too, until it is forgotten by ${way}`, async (t) => {
    const page = await open(t, { settings: CIFAR, room: "data", context: { serviceWorkers: "allow", ...(viewport && { viewport }) } });
    await kept(page);
    await shows(page, "#kept-note", /are kept here/);
    const { paths } = write(t, { "data_batch_1.bin": cifar10(200, 1), "test_batch.bin": cifar10(100, 2) });
    if (viewport) await page.setInputFiles("#files", paths);
    else await drop(page, paths);
    await onKind(page, "cifar10");
    const { fingerprint } = (await runOf(page)).data;
    await shows(page, "#kept", /CIFAR-10.*300 images.*Forget/);
    await page.context().setOffline(true);
    await page.reload();
    await onKind(page, "cifar10");
    assert.equal((await runOf(page)).data.fingerprint, fingerprint);
    await page.click("#step");
    await trained(page, 1);
    assert.deepEqual(await seriousFindings(page), []);
    await page.locator("#device").scrollIntoViewIfNeeded();
    await screenshot(page, `kept-${way}`, false);

    await press(page, '[aria-label^="Forget CIFAR-10"]', way);
    await page.waitForFunction(() => document.querySelectorAll("#kept li").length === 0);
    const left = await page.evaluate(async () => {
      const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle("datasets");
      const names = [];
      for await (const name of folder.keys()) names.push(name);
      return names;
    });
    assert.deepEqual(left, []);
    if (viewport) assert.equal(await page.evaluate(() => document.activeElement.id), "device-title", "the focus is lost");
    await page.context().setOffline(false);
    await page.reload();
    await noticed(page, "The link asks for CIFAR-10");
    await onKind(page, "synthetic");
  });
}

test("a set that does not fit on the device: told, and trained on all the same", async (t) => {
  const init = () => {
    navigator.storage.estimate = async () => ({ quota: 1000, usage: 900 });
  };
  const page = await open(t, { settings: CIFAR, room: "data", init });
  const { paths } = write(t, { "data_batch_1.bin": cifar10(200, 1), "test_batch.bin": cifar10(100, 2) });
  await drop(page, paths);
  await onKind(page, "cifar10");
  await shows(page, "#kept-note", /CIFAR-10 is not kept: this device has no room left/);
  await page.click("#step");
  await trained(page, 1);
});

const ROOT = new URL("../../", import.meta.url);
const bytesOf = (path) => readFileSync(new URL(path, ROOT));
/** What is in the page's folders and is not loaded by it. */
const NOT_LOADED = /^www\/(sw\.js|offline\.json)$|^pkg\/stamp\.json$|\/LICENSE$|\.d\.ts$/;

test("the committed list names every file of the page, by its sum", () => {
  const { files, later } = JSON.parse(bytesOf("www/offline.json"));
  const found = ["www", "pkg"].flatMap((folder) =>
    readdirSync(new URL(folder, ROOT), { recursive: true }).map((path) => `${folder}/${path.replaceAll("\\", "/")}`),
  );
  const loaded = found.filter((path) => statSync(new URL(path, ROOT)).isFile() && !NOT_LOADED.test(path));
  const sums = loaded.map((path) => [path.startsWith("www/") ? path.slice(4) : `../${path}`, createHash("sha256").update(bytesOf(path)).digest("hex")]);
  assert.deepEqual({ ...files, ...later }, Object.fromEntries(sums));
  assert.ok(Object.keys(later).every((path) => /^networks\/.*\.safetensors$/.test(path)), "nothing else waits until it is asked for");
  assert.ok(sums.length > 100, `${sums.length} files`);
});

test("the plot library beside the page is that of the pinned package", () => {
  for (const [ours, theirs] of [["uPlot.esm.js", "dist/uPlot.esm.js"], ["uPlot.min.css", "dist/uPlot.min.css"], ["LICENSE", "LICENSE"]]) {
    assert.ok(bytesOf(`www/vendor/uplot/${ours}`).equals(bytesOf(`node_modules/uplot/${theirs}`)), `${ours} is another one`);
  }
});
