/** Settings: in the address, from the keyboard, and what happens to them while something is trained. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { defaults as DEFAULTS, settings as TABLE } from "../../pkg/registry.js";
import { adoptThreads, defaults, differences, format, fromQuery, runConfig, SETTINGS, settingOf, toQuery } from "../../www/settings.js";
import { cifar10, write } from "./fixture.mjs";
import { PATIENCE, SMALL, hasRun, noticed, open, runOf, shows, trained } from "./support.mjs";

/** Another valid value of a setting than its default. */
function another(setting) {
  if (setting.kind === "switch") return !setting.default;
  if (setting.kind === "integer") return setting.default === setting.max ? setting.min : setting.default + 1;
  if (setting.kind === "number") return 0.02;
  if (setting.kind === "bits") return "4,conv1:8";
  if (setting.kind === "difference") return "bits:3";
  if (setting.kind === "flag") return true;
  if (setting.kind === "place") return "levels.2";
  if (setting.kind === "text") return "1a2b3c4d";
  return setting.choices.find(({ name }) => name !== setting.default).name;
}

test("every setting survives the address", () => {
  adoptThreads(2);
  for (const setting of SETTINGS) {
    const settings = { ...defaults(), [setting.key]: another(setting) };
    if (setting.key === "images") settings.data = "cifar10";
    const { settings: read, problems } = fromQuery(toQuery(settings));
    assert.deepEqual(read, settings, setting.key);
    assert.deepEqual(problems, []);
    // Neither a second run beside it nor the view makes the first another one.
    const matters = setting.kind !== "difference" && setting.group !== "view";
    assert.equal(differences(defaults(), settings).length > 0, matters, setting.key);
  }
});

test("what is not valid in an address is named and left at its default", () => {
  const bad = { bits: "9", batch: "1", epochs: "2.5", lr: "fast", tanh: "yes", model: "resnet152", colour: "red", seed: "" };
  const { settings, problems } = fromQuery(`?${new URLSearchParams(bad)}`);
  assert.deepEqual(settings, defaults());
  assert.equal(problems.length, Object.keys(bad).length);
  Object.keys(bad).forEach((key, i) => {
    const name = settingOf(key)?.label ?? key;
    assert.ok(problems[i].includes(name), `${problems[i]} does not name ${name}`);
  });
});

test("the table that the page reads is the engine's", async (t) => {
  const page = await open(t);
  const registry = await page.evaluate(async () => {
    const engine = await import("/pkg/single/nibble.js");
    await engine.default();
    return engine.registry();
  });
  assert.deepEqual(registry, { settings: TABLE, defaults: DEFAULTS });
  assert.deepEqual(runConfig(defaults()), DEFAULTS);
});

test("a link sets every control and the run itself; unknown values are told", async (t) => {
  const wanted = {
    ...SMALL, quantizer: "symmetric", bits: 3, lr: 0.02, schedule: "cosine_climbing", tanh: 0, scale: 0, clip: 0, augment: 0, seed: 42,
  };
  const page = await open(t, { search: `?${new URLSearchParams({ ...wanted, model: "alexnet" })}` });
  await noticed(page, "Model", "alexnet");
  const { config } = await runOf(page);
  const { settings } = fromQuery(`?${new URLSearchParams(wanted)}`);
  const expected = runConfig(settings);
  // The engine keeps the rate in single precision.
  assert.ok(Math.abs(config.lr - expected.lr) < 1e-6);
  assert.deepEqual({ ...config, lr: 0 }, { ...expected, lr: 0 });
  for (const setting of SETTINGS.filter(({ group, kind }) => !["hidden", "view"].includes(group) && kind !== "segments")) {
    const control = page.locator(`#set-${setting.key}`);
    const shown = setting.kind === "switch" ? ((await control.isChecked()) ? "1" : "0") : await control.inputValue();
    assert.equal(shown, format(setting, settings[setting.key]), setting.key);
  }
  const address = new URL(page.url()).search;
  assert.equal(address, toQuery(settings));
  await page.reload();
  await hasRun(page);
  assert.equal(new URL(page.url()).search, address);
});

test("a setting changed before training makes the run anew; during a run it waits for a reset", async (t) => {
  const page = await open(t, { settings: { ...SMALL, augment: 0 } });
  await page.fill("#set-batch", "50");
  await page.locator("#set-batch").blur();
  await page.waitForFunction(() => nibble.run.info.config.batch === 50 && !nibble.busy);
  assert.match(page.url(), /batch=50/);

  await page.click("#play");
  await trained(page, 2);
  await page.uncheck("#set-tanh");
  await page.selectOption("#set-schedule", "cosine_climbing");
  await page.waitForFunction(() => document.getElementById("pending").classList.contains("on"));
  await shows(page, "#pending-text", /Tanh clipping on → off/);
  const during = await runOf(page);
  assert.equal(during.config.tanhClip, true);
  await trained(page, during.globalStep + 1);

  await page.click("#undo");
  assert.ok(await page.locator("#set-tanh").isChecked());
  await page.uncheck("#set-tanh");
  await page.click("#apply");
  await page.waitForFunction(() => nibble.run.globalStep === 0 && !nibble.busy);
  assert.equal((await runOf(page)).config.tanhClip, false);
});

test("threads and arithmetic change at reset, and the images are loaded again", async (t) => {
  const page = await open(t);
  await page.selectOption("#set-threads", "1");
  await page.waitForFunction(() => nibble.engine?.threads === 1 && nibble.run && !nibble.busy);
  await page.selectOption("#set-build", "simd");
  await page.waitForFunction(() => nibble.engine?.build === "simd" && nibble.run && !nibble.busy);
  await shows(page, "#engine-simd", /^SIMD$/);
  await page.click("#step");
  await trained(page, 1);
});

/** Chooses files, and waits until the page has them and keeps them. */
async function chooseFiles(page, files) {
  await page.setInputFiles("#files", files);
  await noticed(page, "CIFAR-10 is loaded");
  await page.waitForFunction(() => !nibble.busy && nibble.store.sets.some(({ fingerprint }) => fingerprint === nibble.loaded.info.fingerprint), null, PATIENCE);
}

test("an engine started anew whose images cannot be had: before, it stays; after, the built-in images", async (t) => {
  const { paths } = write(t, { "data_batch_1.bin": cifar10(100, 1), "test_batch.bin": cifar10(50, 2) });
  const page = await open(t, { settings: { batch: 50, epochs: 2 } });
  await chooseFiles(page, paths);
  await page.reload();
  await hasRun(page);
  assert.equal((await runOf(page)).data.kind, "cifar10");
  await page.click("#step");
  await trained(page, 1);
  await page.evaluate(() => nibble.store.forget(nibble.store.sets[0].id));
  await page.selectOption("#set-threads", "1");
  await page.click("#reset");
  await noticed(page, "The engine stays as it is", "CIFAR-10");
  const { globalStep, data } = await runOf(page);
  assert.deepEqual([globalStep, data.kind], [1, "cifar10"]);
  await page.click("#step");
  await trained(page, 2);

  // What only the load itself finds out.
  await chooseFiles(page, paths);
  await page.evaluate(() => {
    const { client } = nibble;
    const { request } = client;
    client.request = (type, body) => (type === "load" && body.source.kind !== "builtin" ? Promise.reject(new Error("The disk is gone.")) : request.call(client, type, body));
    globalThis.mend = () => (client.request = request);
  });
  await page.click("#reset");
  await noticed(page, "CIFAR-10 could not be loaded again", "The disk is gone", "built-in images");
  await page.waitForFunction(() => nibble.run.data.kind === "synthetic" && !nibble.busy);
  assert.match(page.url(), /data=builtin/);
  assert.equal(await page.evaluate(() => nibble.engine.threads), 1);
  await page.click("#step");
  await trained(page, 1);
  await page.evaluate(() => mend());
  await page.selectOption("#set-data", "cifar10");
  await page.click("#reset");
  await page.waitForFunction(() => nibble.run.data.kind === "cifar10" && !nibble.busy);
});

test("an engine that is lost: what it has drawn stays, Train says what to do, and a new one begins", async (t) => {
  const init = () => {
    const Native = Worker;
    globalThis.Worker = class extends Native {
      constructor(...all) {
        super(...all);
        globalThis.engine = this;
      }
    };
  };
  const page = await open(t, { init });
  await page.click("#step");
  await trained(page, 1);
  await page.evaluate(() => engine.dispatchEvent(new ErrorEvent("error", { message: "trap", cancelable: true })));
  await noticed(page, "The engine was lost", "trap");
  await page.click("#play");
  await noticed(page, "its engine is gone", "Reset");
  assert.deepEqual([(await runOf(page)).globalStep, await page.evaluate(() => nibble.playing)], [1, false]);
  await page.getByRole("button", { name: "Start the engine anew" }).click();
  await page.waitForFunction(() => nibble.engine && nibble.run.globalStep === 0 && !nibble.busy, null, PATIENCE);
  await page.click("#step");
  await trained(page, 1);
});

test("undo goes back to the images of the run, where another set of the same kind was loaded since", async (t) => {
  const [one, two] = [1, 7].map((seed) => write(t, { "data_batch_1.bin": cifar10(100, seed), "test_batch.bin": cifar10(50, 2) }).paths);
  const page = await open(t, { settings: { batch: 50, epochs: 2 } });
  await chooseFiles(page, one);
  const { fingerprint } = (await runOf(page)).data;
  await page.click("#step");
  await trained(page, 1);
  await page.click(".notice .close");
  await chooseFiles(page, two);
  const loaded = () => page.evaluate(() => nibble.loaded.info.fingerprint);
  assert.notEqual(await loaded(), fingerprint);
  await shows(page, "#pending-text", /Image files/);
  await page.click("#undo");
  assert.equal(await loaded(), fingerprint);
  assert.match(page.url(), new RegExp(`images=${fingerprint}`));
  await page.click("#reset");
  await page.waitForFunction(() => nibble.run.globalStep === 0 && !nibble.busy);
  assert.equal((await runOf(page)).data.fingerprint, fingerprint);
  // An engine started anew reads the same ones.
  await page.selectOption("#set-threads", "1");
  await page.waitForFunction(() => nibble.engine?.threads === 1 && nibble.run.status === "paused" && !nibble.busy, null, PATIENCE);
  assert.equal((await runOf(page)).data.fingerprint, fingerprint);
});

test("a whole run by keyboard alone", async (t) => {
  const page = await open(t, { settings: { train: 100, test: 100, batch: 50, epochs: 2 } });
  const focused = () => page.evaluate(() => document.activeElement.id || document.activeElement.className);
  /** Tabs on to the element of that id, as a person would. */
  const tabTo = async (id) => {
    for (let presses = 0; presses < 60; presses++) {
      if ((await focused()) === id) return;
      await page.keyboard.press("Tab");
    }
    assert.fail(`the tab key does not reach #${id}`);
  };
  await page.keyboard.press("Tab");
  assert.equal(await focused(), "skip");
  await tabTo("play");
  const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
  assert.equal(outline, "solid", "no visible focus");
  await tabTo("set-model");
  await tabTo("set-bits");
  await page.keyboard.press("ArrowDown"); // 3 bits
  await page.keyboard.press("Tab");
  await tabTo("set-lr");
  await page.keyboard.press("Tab");
  await page.keyboard.press("ArrowRight"); // the slider
  await tabTo("set-augment");
  await page.keyboard.press("Space");
  await page.waitForFunction(() => nibble.run.info.config.bits === 3 && !nibble.run.info.config.augment && !nibble.busy);
  assert.ok((await runOf(page)).config.lr > 0.00105);
  for (let presses = 0; presses < 60 && (await focused()) !== "play"; presses++) await page.keyboard.press("Shift+Tab");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => nibble.run.status === "finished");
  await tabTo("reset");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => nibble.run.globalStep === 0 && !nibble.busy);
});
