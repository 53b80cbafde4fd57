/** What the page does where the browser or the server lacks something: it works, or says why it cannot. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Client } from "../../www/client.js";
import { From } from "../../www/protocol.js";
import { enter, noticed, open, pause, PLAIN, runOf, shows, SMALL, trained } from "./support.mjs";

test("isolated by the server: threads, and no service worker is needed", async (t) => {
  const page = await open(t, { context: { serviceWorkers: "block" } });
  assert.ok(await page.evaluate(() => crossOriginIsolated));
  const cores = await page.evaluate(() => navigator.hardwareConcurrency);
  await shows(page, "#engine-threads", new RegExp(`^${cores}$`));
  await enter(page, "data");
  await shows(page, "#device-page", /needs the network: the service worker is blocked/);
});

test("not isolated, service worker blocked: trains on one thread and says so", async (t) => {
  const page = await open(t, { url: PLAIN, context: { serviceWorkers: "block" } });
  await noticed(page, "not cross-origin isolated", "one thread");
  assert.equal(await page.evaluate(() => crossOriginIsolated), false);
  await shows(page, "#engine-threads", /^1$/);
  await page.click("#play");
  await pause(page, { steps: 2 });
});

test("not isolated, a service worker that never starts: waits for it a few seconds only", async (t) => {
  const init = () => {
    navigator.serviceWorker.register = () => new Promise(() => {});
  };
  const page = await open(t, { url: PLAIN, init });
  await noticed(page, "service worker", "blocked");
});

test("a plain host: the service worker isolates the page with a single reload", async (t) => {
  const init = () => (sessionStorage.loads = Number(sessionStorage.loads ?? 0) + 1);
  const page = await open(t, { url: PLAIN, ready: false, init });
  await page.waitForFunction(() => crossOriginIsolated && globalThis.nibble?.run && !nibble.busy, null, { timeout: 30_000 });
  assert.equal(await page.evaluate(() => sessionStorage.loads), "2");
  const cores = await page.evaluate(() => navigator.hardwareConcurrency);
  await shows(page, "#engine-threads", new RegExp(`^${cores}$`));
  assert.equal(new URL(page.url()).searchParams.get("train"), String(SMALL.train), "the reload lost the settings");
  await page.click("#step");
  await trained(page, 1);
});

test("the same run gives the same losses with and without threads", async (t) => {
  const losses = async (options) => {
    const page = await open(t, { settings: { ...SMALL, build: "simd" }, ...options });
    await page.click("#play");
    await pause(page, { steps: 3 });
    return (await runOf(page)).losses.slice(0, 3);
  };
  const alone = await losses({ url: PLAIN, context: { serviceWorkers: "block" } });
  assert.deepEqual(await losses({}), alone);
});

test("the single-thread build trains too", async (t) => {
  const page = await open(t, { settings: { ...SMALL, build: "single" } });
  await shows(page, "#engine-threads", /^1$/);
  await page.click("#step");
  await trained(page, 1);
});

/** Refuses modules that use a feature, as a browser without it does. */
const refusing = (...opcodes) => `
  const validate = WebAssembly.validate;
  WebAssembly.validate = (bytes) => {
    const text = String.fromCharCode(...new Uint8Array(bytes.buffer ?? bytes));
    return !${JSON.stringify(opcodes)}.some((opcode) => text.includes(opcode)) && validate.call(WebAssembly, bytes);
  };`;

async function openWithout(t, script, ready) {
  return open(t, { ready, init: { content: script } });
}

test("without relaxed SIMD: the other SIMD build", async (t) => {
  const page = await openWithout(t, refusing("\u00fd\u0085\u0002"), true);
  assert.equal(await page.evaluate(() => nibble.engine.build), "simd");
});

test("without shared memory: the single-thread build", async (t) => {
  const page = await openWithout(t, refusing("\u00fe\u0010"), true);
  assert.equal(await page.evaluate(() => nibble.engine.build), "single");
});

test("without SIMD: a message instead of a run", async (t) => {
  const page = await openWithout(t, refusing("\u00fd"), false);
  await page.getByText("has no SIMD, so it cannot train").waitFor();
  await enter(page, "data");
  for (const id of ["play", "step", "reset", "new-seed", "pick", "pick-folder"]) assert.ok(await page.locator(`#${id}`).isDisabled(), id);
});

test("without WebAssembly: a message instead of a run", async (t) => {
  const page = await openWithout(t, "delete globalThis.WebAssembly;", false);
  await page.getByText("has no WebAssembly").waitFor();
  assert.ok(await page.locator("#play").isDisabled());
});

test("an engine that does not load: told, and the page stands", async (t) => {
  const page = await open(t, { ready: false, init: { content: "" } });
  page.problems.length = 0;
  // The builds; the table of settings beside them is a part of the page.
  await page.route("**/pkg/*/**", (route) => route.fulfill({ status: 500, body: "" }));
  await page.reload();
  await noticed(page, "The training engine did not load");
  // The browser itself logs the failed requests.
  page.problems.length = 0;
});

test("an engine that has gone silent is lost; one that slept with its machine is not", (t) => {
  let clock = 0;
  const workers = [];
  t.mock.method(performance, "now", () => clock);
  t.mock.timers.enable({ apis: ["setInterval"] });
  globalThis.Worker = class extends EventTarget {
    constructor() {
      super();
      workers.push(this);
    }
    postMessage() {}
    terminate() {}
  };
  t.after(() => delete globalThis.Worker);
  const client = new Client();
  let lost = null;
  client.on("lost", ({ message }) => (lost = message));
  client.start({}).catch(() => {});
  const tell = (data) => workers.at(-1).dispatchEvent(new MessageEvent("message", { data }));
  const pass = (seconds) => {
    for (let second = 0; second < seconds; second++) {
      clock += 1000;
      t.mock.timers.tick(1000);
    }
  };
  tell({ type: From.STATUS, run: 1, status: "playing" });
  pass(20);
  // An hour of sleep, and then some slow steps.
  clock += 3_600_000;
  pass(40);
  assert.equal(lost, null);
  tell({ type: From.STEPS, run: 1, steps: [{ ms: 100 }] });
  pass(40);
  assert.equal(lost, null);
  pass(20);
  assert.match(lost, /stopped answering/);
});
