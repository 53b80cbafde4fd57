/** Settings: in the address, from the keyboard, and what happens to them while something is trained. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { defaults as ENGINE } from "../../pkg/registry.js";
import { adoptThreads, defaults, differences, format, fromQuery, lossText, narrowed, runConfig, settingOf, SETTINGS, settled, toQuery } from "../../www/settings.js";
import { typed, typedLayers } from "../../www/ui/typed.js";
import { cifar10, write } from "./fixture.mjs";
import { assertFits, enter, fromMenu, hasRun, NARROW, noticed, PATIENCE, runOf, screenshot, seriousFindings, shows, SMALL, trained, unfold, WIDE, within } from "./support.mjs";

const open = within("model", "settings");

/** Another valid value of a setting than its default. */
function another(setting) {
  if (setting.kind === "switch") return !setting.default;
  if (setting.kind === "integer") return setting.default === setting.max ? setting.min : setting.default + 1;
  if (setting.kind === "number") return Math.max(0.02, setting.min);
  if (setting.kind === "bits") return "4,conv1:8";
  if (setting.kind === "layers") return "conv1.quantizer:lsq,conv2.granularity:channel";
  if (setting.kind === "difference") return "bits:3";
  if (setting.kind === "flag") return true;
  if (setting.kind === "place") return "levels.2";
  if (setting.kind === "budget") return "400KB";
  if (setting.kind === "text") return "1a2b3c4d";
  return setting.choices.find(({ name }) => name !== setting.default).name;
}

test("the page's defaults are the engine's", () => {
  assert.deepEqual(runConfig(defaults()), ENGINE);
});

/** Settings that have no effect by the defaults, and what gives them one. */
const APPLIES = {
  images: { data: "cifar10" }, dropout: { model: "vgg4bit" }, actbits: { activations: "dorefa" }, actrange: { activations: "affine" },
  warmup: { schedule: "warmup_linear" }, clipdecay: { activations: "pact" }, steplr: { quantizer: "lsq" }, gradbits: { gradients: "dorefa" },
  bitbudget: { rebits: 200 },
};

test("every setting survives the address", () => {
  adoptThreads(2);
  for (const setting of SETTINGS) {
    const settings = { ...defaults(), [setting.key]: another(setting) };
    Object.assign(settings, APPLIES[setting.key]);
    const { settings: read, problems } = fromQuery(toQuery(settings));
    assert.deepEqual(read, settings, setting.key);
    assert.deepEqual(problems, []);
    // Neither a second run beside it nor the view makes the first another one.
    const matters = setting.kind !== "difference" && setting.group !== "view";
    assert.equal(differences({ ...defaults(), ...APPLIES[setting.key] }, settings).length > 0, matters, setting.key);
  }
});

test("how ranges are measured matters wherever a layer has such a range", () => {
  const matters = (settings) => settingOf("actrange").applies({ ...defaults(), ...settings });
  for (const { name, reach } of settingOf("activations").choices) assert.equal(matters({ activations: name }), reach === "measured", name);
  // The last layer, at 8 bits, is then of plain integers.
  assert.ok(matters({ activations: "mxfp4", ends: "8" }) && !matters({ activations: "pact", ends: "8" }) && !matters({ ends: "8" }));
});

test("bits of single layers that go with a scheme are named", () => {
  const loss = (changes) => {
    const wanted = { ...defaults(), bits: "4,conv1:8,conv2:3", ...changes };
    return lossText(wanted, settled(wanted));
  };
  assert.equal(loss({ quantizer: "lsq" }), "");
  assert.equal(loss({ quantizer: "none" }), "");
  assert.equal(loss({ quantizer: "shift" }), "Shift cannot do conv1:8: this layer has the bits of the others now.");
  assert.equal(loss({ quantizer: "mxfp4" }), "MXFP4 cannot do conv1:8, conv2:3: these layers have the bits of the others now.");
  // The others have eight bits as well.
  assert.equal(loss({ quantizer: "mxfp8" }), "MXFP8 cannot do conv2:3: this layer has the bits of the others now.");
});

test("what single layers have of their own goes with the schemes, or is told", () => {
  const fit = (changes) => settled({ ...defaults(), ...changes });
  const layers = "conv1.quantizer:fp8_e4m3,conv2.granularity:channel,conv3.activations:pact";
  // A scheme that cannot do the bits of all has bits of its own.
  assert.deepEqual([fit({ layers }).layers, fit({ layers }).bits], [layers, "4,conv1:8"]);
  assert.equal(fit({ layers, quantizer: "nvfp4" }).layers, "conv1.quantizer:fp8_e4m3,conv3.activations:pact");
  assert.equal(fit({ granularity: "net", layers: "conv1.quantizer:lsq" }).layers, "conv1.quantizer:lsq,conv1.granularity:tensor");
  assert.equal(fit({ actbits: 8, layers: "conv1.activations:fp4" }).layers, "conv1.activations:fp4,conv1.actbits:4");
  const gone = { ...defaults(), layers: "conv9.quantizer:lsq" };
  assert.equal(settled(gone).layers, "");
  assert.match(lossText(gone, settled(gone)), /has no conv9\.$/);
  const problem = (text) => fromQuery(`?layers=${encodeURIComponent(text)}`).problems.join();
  assert.equal(problem("conv1.quantizer:lsq, conv2.activations : pact"), "");
  assert.match(problem("conv1:lsq"), /^Single layers are a layer's name, a point.*not "conv1:lsq"/);
  assert.match(problem("conv1.quantizer:magic"), /^conv1: Precision is one of .*not "magic"/);
  assert.match(problem("conv1.granularity:net"), /cannot share a scale with the whole net/);
  assert.match(problem("conv1.quantizer:lsq,conv1.quantizer:fp4"), /each setting once/);
  assert.match(problem("conv9.quantizer:lsq"), /has the layers conv1.*not "conv9"\.$/);
  assert.match(problem("conv1.quantizer:nvfp4,conv1.granularity:channel"), /^conv1: One scale for with NVFP4/);
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

test("what is typed into a number's field is read as people write it", () => {
  const [lr, batch] = [settingOf("lr"), settingOf("batch")];
  for (const [text, read] of [["0,01", "0.01"], [" 0.01 ", "0.01"], ["1e-3", "1e-3"], [",5", ".5"], ["−1", "-1"], ["1.000,5", "1.000,5"], ["", ""]]) {
    assert.equal(typed(lr, text), read, text);
  }
  for (const [text, read] of [["128", "128"], ["1,024", "1024"], ["1.024", "1024"], ["1 024", "1024"], ["12,5", "12,5"], ["3.5", "3.5"], ["1,0", "1,0"]]) {
    assert.equal(typed(batch, text), read, text);
  }
  assert.deepEqual(typedLayers("conv1: 8; linear2 :2,  conv3:4"), ["conv1:8", "linear2:2", "conv3:4"]);
  assert.deepEqual(typedLayers(" , "), []);
});

/** Types into a field, key by key, and leaves it. */
async function type(page, selector, text) {
  await page.click(selector);
  await page.keyboard.press("ControlOrMeta+A");
  await page.keyboard.press("Delete");
  await page.keyboard.type(text);
  await page.keyboard.press("Tab");
}

for (const viewport of [WIDE, NARROW]) {
  test(`${viewport.width} px: a number out of range stays what it was, and a sentence at its control says why`, async (t) => {
    const page = await open(t, { context: { viewport } });
    const settingsOf = () => page.evaluate(() => nibble.settings);
    const before = await settingsOf();
    const bad = { bits: ["9", "3.5", "1"], lr: ["-1", "0", "fast", "1.000,5"], epochs: ["1e6", "0"], batch: ["1", "12,5"], seed: ["-3"] };
    for (const [key, texts] of Object.entries(bad)) {
      for (const text of texts) {
        await type(page, `#set-${key}`, text);
        const problem = page.locator(`[data-key="${key}"] .problem`);
        const { label, min, max } = narrowed(settingOf(key), before);
        const [said, stays] = (await problem.textContent()).split(". It stays ");
        for (const part of [label, String(min), String(max), `"${text}"`]) assert.ok(said.includes(part), `${said}: no ${part}`);
        assert.equal(stays, `${before[key]}.`);
        assert.equal(await page.inputValue(`#set-${key}`), String(before[key]));
        const { x, width } = await problem.boundingBox();
        assert.ok(x >= 0 && x + width <= viewport.width, `${key}: the sentence ends at ${x + width}`);
      }
      await assertFits(page);
    }
    assert.deepEqual(await settingsOf(), before);
    await screenshot(page, `${viewport.width}-out-of-range`, false);
    assert.deepEqual(await seriousFindings(page), []);
    // What is typed next takes the sentence away.
    await type(page, "#set-seed", "7");
    assert.equal(await page.locator("[data-key=seed] .problem").textContent(), "");
    await type(page, "#set-lr", "0,01");
    await page.waitForFunction(() => nibble.settings.lr === 0.01 && nibble.settings.seed === 7);
    await shows(page, "[data-key=lr] .problem", /^$/);
    await page.waitForFunction(() => document.getElementById("set-lr").value === "0.01");
  });
}

test("arrow keys move a number by its steps and stop at the ends of its range", async (t) => {
  const page = await open(t);
  const press = async (key, arrow, times = 1) => {
    await page.focus(`#set-${key}`);
    for (let i = 0; i < times; i++) await page.keyboard.press(arrow);
    return page.evaluate((of) => nibble.settings[of], key);
  };
  await type(page, "#set-batch", "100");
  assert.equal(await press("batch", "ArrowUp"), 128);
  assert.equal(await press("batch", "ArrowUp", 2), 192);
  assert.equal(await press("batch", "ArrowDown", 99), 2);
  assert.equal(await press("bits", "ArrowUp", 9), 8);
  assert.equal(await press("bits", "ArrowDown", 3), 5);
  assert.equal(await press("lr", "ArrowUp", 20), 0.01);
  assert.equal(await press("lr", "ArrowDown", 40), 0.0001);
});

test("arrow keys step through the values that a scheme takes, over the gaps between them", async (t) => {
  const page = await open(t, { settings: { ...SMALL, build: "single", quantizer: "dfp", bits: 8, gradients: "affine", gradbits: 4 } });
  const press = async (key, arrow) => {
    await page.focus(`#set-${key}`);
    await page.keyboard.press(arrow);
    return page.evaluate((of) => nibble.settings[of], key);
  };
  for (const [arrow, bits] of [["ArrowUp", 12], ["ArrowUp", 16], ["ArrowUp", 16], ["ArrowDown", 12], ["ArrowDown", 8], ["ArrowDown", 8]]) {
    assert.equal(await press("bits", arrow), bits);
  }
  for (const [arrow, bits] of [["ArrowDown", 4], ["ArrowUp", 8], ["ArrowUp", 8], ["ArrowDown", 4]]) assert.equal(await press("gradbits", arrow), bits);
  // From what is typed and is none of them to the next.
  await page.focus("#set-bits");
  await page.keyboard.press("ControlOrMeta+A");
  await page.keyboard.type("14");
  assert.equal(await press("bits", "ArrowDown"), 12);
  // A scheme of one width stays at it, and one without gaps has all of them again.
  await page.selectOption("#set-quantizer", "mxfp4");
  assert.equal(await press("bits", "ArrowUp"), 4);
  // Both within a frame: the scheme counts for the key that follows.
  await page.evaluate(() => {
    const scheme = document.getElementById("set-quantizer");
    scheme.value = "symmetric";
    scheme.dispatchEvent(new Event("change"));
    document.getElementById("set-bits").dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowUp" }));
  });
  assert.equal(await page.evaluate(() => nibble.settings.bits), 5);
});

test("bits of single layers that a newly chosen scheme cannot do are named as they go", async (t) => {
  const page = await open(t, { settings: { ...SMALL, build: "single", bits: "4,conv1:8" } });
  await page.selectOption("#set-quantizer", "shift");
  await noticed(page, "Shift cannot do conv1:8");
  assert.equal(await page.evaluate(() => nibble.settings.bits), 4);
  const raced = await open(t, { settings: { ...SMALL, build: "single", bits: "4,conv1:8" }, room: "runs" });
  await unfold(raced, "compare");
  await raced.selectOption("#compare-with", "quantizer:mxfp4");
  await raced.click("#race");
  await noticed(raced, "MXFP4 cannot do conv1:8");
  await raced.waitForFunction(() => nibble.runs.length === 2, null, PATIENCE);
  assert.deepEqual(await raced.evaluate(() => nibble.runs.map(({ settings }) => settings.bits)), ["4,conv1:8", 4]);
});

test("bits of layers that the model lacks: refused where they are typed, passed over in an address, gone with another model", async (t) => {
  const page = await open(t, { settings: { ...SMALL, build: "single", bits: "4,conv9:8" } });
  await noticed(page, 'SimpleResNet4bit has the layers conv1, conv2, conv3, conv4, conv5, conv6, linear1, not "conv9". Using 4.');
  assert.equal((await runOf(page)).config.bits, 4);
  await type(page, "#set-bits-layers", "Conv1:8");
  await shows(page, "[data-key=bits] .problem", /^SimpleResNet4bit has the layers .*, not "Conv1"\. It stays 4\.$/);
  assert.equal(await page.evaluate(() => nibble.settings.bits), 4);
  await type(page, "#set-bits-layers", "conv6:8");
  await page.waitForFunction(() => nibble.run.info.config.bits === "4,conv6:8" && !nibble.busy, null, PATIENCE);
  await page.selectOption("#set-model", "convnetjs_cifar10");
  await noticed(page, "ConvNetJS CIFAR-10 has no conv6.");
  await page.waitForFunction(() => nibble.run.settings.model === "convnetjs_cifar10" && !nibble.busy, null, PATIENCE);
  assert.equal((await runOf(page)).config.bits, 4);
});

test("what a scheme cannot do comes back with one that can, and a menu shows what there is", async (t) => {
  const page = await open(t, { settings: { ...SMALL, build: "single", granularity: "channel", bits: 3 } });
  const asked = () => page.evaluate(() => [nibble.settings.bits, nibble.settings.granularity]);
  for (const [scheme, has] of [["dfp", [8, "channel"]], ["binary", [1, "channel"]], ["mxfp4", [4, "tensor"]], ["lsq", [3, "channel"]]]) {
    await page.selectOption("#set-quantizer", scheme);
    assert.deepEqual(await asked(), has, scheme);
  }
  await page.selectOption("#set-granularity", "net");
  assert.match(await page.locator("[data-key=granularity] .problem").textContent(), /^One scale for with LSQ: A layer, A channel, .*, not "The whole net"\. It stays A channel\.$/);
  assert.equal(await page.inputValue("#set-granularity"), "channel");
  // With a scheme that can, nothing is wrong any more.
  await page.focus("#set-quantizer");
  await page.selectOption("#set-quantizer", "symmetric");
  await shows(page, "[data-key=granularity] .problem", /^$/);
});

test("the settings' line and a run's name say everything that is not as published", async (t) => {
  const page = await open(t, { settings: { ...SMALL, build: "single", quantizer: "none", activations: "pact", actbits: 2, ends: "8" } });
  assert.equal(await page.evaluate(() => nibble.run.label), "FP32, PACT 2-bit activations");
  await shows(page, "#settings-summary", /· FP32, PACT 2-bit activations, first and last layer: 8 bits ·/);
});

test("bits of single layers: beside the width of all, in the address, in a race, and at the engine", async (t) => {
  // The engine's own build: those with threads do nothing else.
  const page = await open(t, { settings: { ...SMALL, build: "single", bits: "4,conv1:8" } });
  assert.deepEqual([await page.inputValue("#set-bits"), await page.inputValue("#set-bits-layers")], ["4", "conv1:8"]);
  assert.equal((await runOf(page)).config.bits, "4,conv1:8");
  await type(page, "#set-bits-layers", "conv1: 8; linear1:2 ");
  await page.waitForFunction(() => nibble.run.info.config.bits === "4,conv1:8,linear1:2" && !nibble.busy, null, PATIENCE);
  assert.equal(new URL(page.url()).searchParams.get("bits"), "4,conv1:8,linear1:2");
  assert.equal((await page.evaluate(() => nibble.run.label)), "4-bit but conv1:8, linear1:2");
  // A mistake: the text stays to be mended, and the bits are as they were.
  for (const wrong of ["conv1:9", "conv1", "conv1:8, conv1:2"]) {
    await type(page, "#set-bits-layers", wrong);
    await shows(page, "[data-key=bits] .problem", /^Bits .*conv1.* It stays 4,conv1:8,linear1:2\.$/);
    assert.equal(await page.inputValue("#set-bits-layers"), wrong);
    assert.equal(await page.getAttribute("#set-bits-layers", "aria-invalid"), "true");
  }
  await page.focus("#set-bits");
  await page.keyboard.press("ArrowDown");
  await page.waitForFunction(() => nibble.run.info.config.bits === "3,conv1:8,linear1:2" && !nibble.busy, null, PATIENCE);
  await type(page, "#set-bits-layers", "");
  await page.waitForFunction(() => nibble.run.info.config.bits === 3 && !nibble.busy, null, PATIENCE);
  assert.equal(await page.locator("[data-key=bits] .problem").textContent(), "");

  const raced = await open(t, { settings: { ...SMALL, build: "single", race: "bits:4,conv1:8" } });
  assert.deepEqual(await raced.evaluate(() => nibble.runs.map(({ label, settings }) => [label, settings.bits])), [["4-bit", 4], ["4-bit but conv1:8", "4,conv1:8"]]);
});

/** Rows that no edit of the page knows, as a later engine may bring them. */
const NEWCOMERS = [
  { key: "pull", aliases: ["beta"], label: "Pull", hint: "Of the mean of gradients.", kind: "number", group: "optimizer", min: 0, max: 0.99, default: 0.9, races: "pull {}", forks: true },
  { key: "leak", label: "Leak", kind: "number", log: true, group: "newcomers", min: 0, max: 0.1, default: 0.0005, races: "leak {}", forks: true, applies: { key: "pull", not: ["0"] } },
  { key: "smooth", label: "Soft labels", kind: "switch", group: "newcomers", default: false, races: "soft labels|hard labels", forks: true },
];

test("a row of the table is all that the page needs of a new setting", async (t) => {
  const prepare = (opened) =>
    opened.route("**/pkg/registry.js", async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, body: `${await response.text()}settings.push(...${JSON.stringify(NEWCOMERS)});` });
    });
  const page = await open(t, { prepare, settings: { ...SMALL, beta: 0.5, race: "smooth:1" } });
  const headings = await page.locator("#all-settings legend").allTextContents();
  assert.deepEqual(headings, ["Run", "Method", "Seed", "Optimizer", "Regularisation", "Quantization", "Evaluation", "Newcomers"]);
  // A former key is read, and the present one written.
  assert.equal(await page.evaluate(() => nibble.settings.pull), 0.5);
  await page.waitForFunction(() => new URLSearchParams(location.search).get("pull") === "0.5" && !location.search.includes("beta"));
  assert.deepEqual(await page.evaluate(() => nibble.runs.map(({ label }) => label)), ["hard labels", "soft labels"]);
  const lesson = await page.evaluate(async () => {
    const [{ selectorOf }, { isFact }, { byPresentNames }] = await Promise.all(["./lesson/format.js", "./lesson/facts.js", "./settings.js"].map((file) => import(file)));
    return [selectorOf("setting.beta"), isFact("run.setting.beta"), byPresentNames({ beta: 0.1, lr: 1 })];
  });
  assert.deepEqual(lesson, ['[data-key="pull"]', true, { pull: 0.1, lr: 1 }]);
  assert.equal(await page.inputValue("#set-pull"), "0.5");
  await type(page, "#set-leak", "0");
  await page.waitForFunction(() => nibble.settings.leak === 0);
  await page.locator("[data-key=leak] input[type=range]").press("ArrowRight");
  await page.waitForFunction(() => nibble.settings.leak === 1e-7);
  await page.locator("[data-key=leak] input[type=range]").press("ArrowLeft");
  await page.waitForFunction(() => nibble.settings.leak === 0);
  await type(page, "#set-pull", "0");
  await page.waitForFunction(() => document.getElementById("set-leak").disabled);
  await type(page, "#set-pull", "1");
  await shows(page, "[data-key=pull] .problem", /^Pull is a number from 0 to 0\.99, not "1"\. It stays 0\.$/);
  const menu = await page.evaluate(async () => {
    const { choices } = await import("./difference.js");
    return choices(nibble.settings).map(({ group, label }) => `${group}: ${label}`);
  });
  assert.ok(menu.includes("Newcomers: soft labels") && menu.includes("Optimizer: pull 0.99"), menu.join());
  assert.deepEqual(await seriousFindings(page), []);
  await assertFits(page);
  await screenshot(page, "more-settings", false);
});

test("a link sets every control and the run itself; unknown values are told", async (t) => {
  const wanted = {
    ...SMALL, quantizer: "symmetric", bits: 3, lr: 0.02, schedule: "cosine_climbing", tanh: 0, scale: 0, clip: 0, augment: 0, seed: 42,
  };
  const page = await open(t, { search: `?${new URLSearchParams({ ...wanted, model: "alexnet" })}`, room: undefined });
  await noticed(page, "Model", "alexnet");
  const { config } = await runOf(page);
  const { settings } = fromQuery(`?${new URLSearchParams(wanted)}`);
  const expected = runConfig(settings);
  // The engine keeps the rate in single precision.
  assert.ok(Math.abs(config.lr - expected.lr) < 1e-6);
  assert.deepEqual({ ...config, lr: 0 }, { ...expected, lr: 0 });
  for (const room of ["data", "model", "train"]) await enter(page, room);
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
  await page.waitForFunction(() => document.getElementById("set-tanh").checked);
  await page.uncheck("#set-tanh");
  await page.click("#apply");
  await page.waitForFunction(() => nibble.run.globalStep === 0 && !nibble.busy);
  assert.equal((await runOf(page)).config.tanhClip, false);
});

test("threads and arithmetic change at reset, and the images are loaded again", async (t) => {
  const page = await open(t);
  await unfold(page, "engine");
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
  await enter(page, "data");
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
  await enter(page, "model", "engine");
  await page.selectOption("#set-threads", "1");
  await fromMenu(page, "#reset");
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
  await fromMenu(page, "#reset");
  await noticed(page, "CIFAR-10 could not be loaded again", "The disk is gone", "built-in images");
  await page.waitForFunction(() => nibble.run.data.kind === "synthetic" && !nibble.busy);
  assert.match(page.url(), /data=builtin/);
  assert.equal(await page.evaluate(() => nibble.engine.threads), 1);
  await page.click("#step");
  await trained(page, 1);
  await page.evaluate(() => mend());
  await enter(page, "model", "settings");
  await page.selectOption("#set-data", "cifar10");
  await fromMenu(page, "#reset");
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
  await fromMenu(page, "#reset");
  await page.waitForFunction(() => nibble.run.globalStep === 0 && !nibble.busy);
  assert.equal((await runOf(page)).data.fingerprint, fingerprint);
  // An engine started anew reads the same ones.
  await enter(page, "model", "engine");
  await page.selectOption("#set-threads", "1");
  await page.waitForFunction(() => nibble.engine?.threads === 1 && nibble.run.status === "paused" && !nibble.busy, null, PATIENCE);
  assert.equal((await runOf(page)).data.fingerprint, fingerprint);
});

test("a whole run by keyboard alone", async (t) => {
  const page = await open(t, { settings: { train: 100, test: 100, batch: 50, epochs: 2 }, room: "model" });
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
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter"); // the drawer
  await tabTo("set-augment");
  await page.keyboard.press("Space");
  await page.waitForFunction(() => nibble.run.info.config.bits === 3 && !nibble.run.info.config.augment && !nibble.busy);
  assert.ok((await runOf(page)).config.lr > 0.00105);
  for (let presses = 0; presses < 90 && (await focused()) !== "play"; presses++) await page.keyboard.press("Shift+Tab");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => nibble.run.status === "finished");
  await tabTo("menu-open");
  await page.keyboard.press("Enter");
  await tabTo("reset");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => nibble.run.globalStep === 0 && !nibble.busy);
});
