/** Lessons: the whole path as a learner goes it, what the files may hold, and how the panel behaves. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { answerText, isRight, readAnswer, reply } from "../../www/lesson/asking.js";
import { holds } from "../../www/lesson/conditions.js";
import { fact, factNames, factText, resultText } from "../../www/lesson/facts.js";
import { lessonProblems, selectorOf } from "../../www/lesson/format.js";
import { AfterTraining } from "../../www/ptq/results.js";
import { settingOf } from "../../www/settings.js";
import { margin } from "../../www/stats.js";
import { write } from "./fixture.mjs";
import { goTo, press as pressBy, tabTo } from "./lab.mjs";
import { assertFits, drawn, enter, hasRun, mean, NARROW, noticed, notices, open, PATIENCE, runOf, screenshot, seriousFindings, shows, SMALL, trained, WIDE } from "./support.mjs";

const FOLDER = new URL("../../www/lessons/", import.meta.url);
const read = (name) => JSON.parse(readFileSync(new URL(name, FOLDER), "utf8"));
const { lessons: IDS } = read("index.json");
const LESSONS = IDS.map((id) => read(`${id}.json`));
const met = (page) => page.locator(".lesson-task.met").waitFor(PATIENCE);
async function atStep(page, lesson, step) {
  const there = page.waitForFunction(([id, at]) => nibble.settings.lesson === `${id}.${at}` && !nibble.busy, [lesson, step], PATIENCE);
  await there.catch(async () => {
    const found = await page.evaluate(() => ({ lesson: nibble.settings.lesson, busy: nibble.busy, status: nibble.run?.status, focus: document.activeElement.id }));
    assert.fail(`not at ${lesson}.${step}: ${JSON.stringify(found)}, ${JSON.stringify(await notices(page))}`);
  });
}

/** What a learner does, by lesson and step, on the controls themselves. */
const ACTS = {
  levels: {
    2: async (user) => user.press("#play"),
    3: async (user) => {
      await user.fill("#set-bits", "2");
      await user.apply();
      await user.press("#play");
    },
    4: async (user) => {
      await user.choose("#set-quantizer", "none");
      await user.apply();
      await user.press("#play");
    },
  },
  scales: {
    1: async (user) => user.press("#play"),
    2: async (user) => {
      await user.choose("#set-granularity", "net");
      await user.trainAnew();
    },
  },
  "straight-through": {
    2: async (user) => user.press("#play"),
    3: async (user) => user.switchAndTrain("#set-ste"),
  },
  tanh: {
    1: async (user) => {
      await user.toggle("#set-tanh");
      await user.press("#play");
    },
    2: async (user) => {
      await user.press("#outlier-go");
      await user.press("#play");
      await user.trainOn(10);
    },
    3: async (user) => {
      await user.switchAndTrain("#set-tanh");
      await user.steps(10);
      await user.press("#outlier-go");
    },
  },
  cliff: {
    1: async (user) => user.press("#play"),
    2: async (user) => user.press("#ptq-go"),
  },
  race: {
    1: async (user) => user.press("#race"),
    2: async (user) => user.press("#play"),
  },
  grids: {
    2: async (user) => user.press("#play"),
    3: async (user) => user.press("#outlier-go"),
  },
  activations: {
    1: async (user) => user.press("#play"),
    2: async (user) => {
      await user.choose("#set-activations", "affine");
      await user.trainAnew();
    },
    3: async (user) => {
      await user.fill("#set-actbits", "4");
      await user.trainAnew();
    },
    4: async (user) => {
      await user.fill("#set-actbits", "2");
      await user.trainAnew();
    },
  },
  minds: {
    1: async (user) => user.press("#play"),
    2: async (user) => user.press("#sensitivity-go"),
    3: async (user) => {
      await user.choose("#sensitivity-way", "trace");
      await user.press("#sensitivity-go");
    },
  },
  budget: {
    1: async (user) => {
      await user.press("#play");
      await user.press("#sensitivity-go");
    },
    2: async (user) => user.press("#assignment-race"),
    3: async (user) => user.press("#play"),
  },
  picture: {
    1: async (user) => user.press("#play"),
    2: async (user) => user.draw(),
  },
};

/** A learner's hands: `press` and so on by pointer, or by keyboard, in which the tab key alone gets about. */
function hands(page, keyboard) {
  const press = (selector) => pressBy(page, selector, keyboard ? "keyboard" : "pointer");
  const apply = () => press("#apply");
  const go = (selector) => goTo(page, selector, keyboard ? "keyboard" : "pointer");
  async function toggle(selector) {
    await go(selector);
    if (!keyboard) return page.locator(selector).click();
    await tabTo(page, selector);
    await page.keyboard.press("Space");
  }
  return {
    press,
    toggle,
    apply,
    async fill(selector, text) {
      await go(selector);
      if (keyboard) {
        await tabTo(page, selector);
        await page.keyboard.press("Control+a");
        await page.keyboard.type(text);
        await page.keyboard.press("Tab");
      } else {
        await page.fill(selector, text);
        await page.locator(selector).blur();
      }
    },
    async choose(key, value) {
      await go(key);
      if (!keyboard) return page.selectOption(key, value);
      await tabTo(page, key);
      await page.keyboard.type(await page.locator(`${key} option[value="${value}"]`).textContent());
      assert.equal(await page.inputValue(key), value);
    },
    async switchAndTrain(selector) {
      await toggle(selector);
      await this.trainAnew();
    },
    /** Applies what waits, and trains. */
    async trainAnew() {
      await apply();
      await page.waitForFunction(() => nibble.run.globalStep === 0 && !nibble.busy, null, PATIENCE);
      await press("#play");
    },
    async rest() {
      // In one turn of the page: a short run that ends between a look and a press would be told that it is finished.
      await page.evaluate(() => nibble.playing && document.getElementById("play").click());
      await page.waitForFunction(() => !nibble.playing, null, PATIENCE);
    },
    steps: (count) => trained(page, count),
    /** Waits until every run has trained so many steps since its outlier, or to its end. */
    trainOn: (count) =>
      page.waitForFunction((more) => nibble.runs.every(({ outlier, globalStep, status }) => outlier && (globalStep >= outlier.step + more || status === "finished")), count, PATIENCE),
    /** Answers the step's question: the first choice, or what is given. */
    async answer({ choices }, given = "42") {
      const input = choices ? "#lesson-ask input[type=radio]" : "#lesson-answer";
      if (keyboard) {
        await tabTo(page, input);
        if (choices) await page.keyboard.press("Space");
        else await page.keyboard.type(given);
      } else if (choices) await page.locator(input).first().check();
      else await page.fill(input, given);
      await press("#lesson-answer-go");
    },
    /** Draws a ring on the sketch, or by keyboard a corner. */
    async draw() {
      await go("#try .segments");
      if (keyboard) {
        await tabTo(page, 'input[name="try-source"]');
        await page.keyboard.press("ArrowRight");
        await tabTo(page, ".sketch");
        for (const key of ["Space", ...Array(6).fill("ArrowRight"), ...Array(6).fill("ArrowDown"), "Space"]) await page.keyboard.press(key);
        return;
      }
      // Its label, which is what a pointer sees: waits until the page has scrolled to it.
      await page.locator("#try .segments label", { hasText: "Draw" }).click();
      const sheet = page.locator("#try .sketch");
      await sheet.hover();
      const box = await sheet.boundingBox();
      const at = (angle) => [box.x + box.width * (0.5 + 0.3 * Math.cos(angle)), box.y + box.height * (0.5 + 0.3 * Math.sin(angle))];
      await page.mouse.move(...at(0));
      await page.mouse.down();
      for (let i = 1; i <= 24; i++) await page.mouse.move(...at((i * Math.PI) / 12));
      await page.mouse.up();
    },
  };
}

/** What the page knows of its runs, for the claims below. */
const figures = (page) =>
  page.evaluate(async () => {
    const { To } = await import("./protocol.js");
    const { info } = await nibble.client.request(To.CLASSIFY, { run: nibble.run.id, pixels: null });
    const runs = nibble.runs.map(({ epochs, firstLayers, layers, outlier, data, afterTraining }) => ({
      first: epochs[0], last: epochs.at(-1), firstLayers, layers, outlier, classes: data.classes.length, tested: data.test, rounded: [...(afterTraining?.resultsOf("symmetric") ?? [])].map(([bits, { accuracy }]) => [bits, accuracy]),
    }));
    const { outlier } = nibble.run;
    const { latent = [] } = outlier ? await nibble.client.request(To.FILTERS, { run: nibble.run.id, layer: outlier.layer }) : {};
    return { ...runs[0], second: runs[1], packed: info.layers, outlierNow: Math.max(...latent.map(Math.abs)) };
  });

const largest = ({ histogram: { min, max } }) => Math.max(-min, max);
const near = (value, wanted, share = 0.02) => assert.ok(Math.abs(value / wanted - 1) < share, `${value}, not about ${wanted}`);

/** Packed, a weight takes an eighth of a float; a layer's scale comes on top, and biases stay as they are. */
function packedInEighths({ layers, packed }) {
  for (const { name, count } of layers) {
    const { packedBytes, fp32Bytes } = packed.find((layer) => layer.name === name);
    near(packedBytes - (fp32Bytes - 4 * count), count / 2, 0.05);
  }
}

/** What the lessons say in figures, by lesson and step, held against the run that they say it of, as its task is met. */
const CLAIMS = {
  levels: {
    2: ({ first, classes }) => {
      assert.equal(classes, 10, "guessing would get 10 %");
      for (const { levelCounts } of first.layers) assert.equal(levelCounts.length, 15);
    },
    3: ({ first }) => {
      for (const { name, count, levelCounts } of first.layers) {
        assert.equal(levelCounts.length, 3);
        assert.ok(levelCounts[1] > count / 2, `${name}: ${levelCounts} are not most of the weights in the middle`);
      }
    },
    4: (run) => {
      assert.ok(run.first.layers.every(({ levelCounts }) => levelCounts.length === 0));
      packedInEighths(run);
    },
  },
  scales: {
    1: ({ firstLayers, first }) => {
      for (const layers of [firstLayers, first.layers]) {
        for (const layer of layers) near(layer.scale, largest(layer) / 7);
        const convolutions = layers.filter(({ shape }) => shape.length === 4);
        const ratio = largest(convolutions[0]) / largest(convolutions.at(-1));
        assert.ok(ratio > 1.8 && ratio < 3.5, `${ratio} is not two or three`);
      }
      assert.ok(first.layers.every(({ levelsUsed }) => levelsUsed > 12));
    },
    2: ({ first }) => {
      assert.equal(new Set(first.layers.map(({ scale }) => scale)).size, 1, "there is one scale");
      const { levelCounts, levelsUsed } = first.layers.reduce((least, layer) => (layer.levelsUsed < least.levelsUsed ? layer : least));
      assert.ok(levelsUsed < 10 && levelCounts[0] === 0 && levelCounts.at(-1) === 0, `${levelCounts} are not a few in the middle`);
    },
  },
  "straight-through": {
    2: ({ first }, kept) => (kept.through = first.trainAccuracy),
    3: ({ first }, { through }) => {
      assert.ok(through > first.trainAccuracy + 0.05, `straight-through ${through}, without ${first.trainAccuracy}`);
      for (const { name, gradNorm } of first.layers) assert.equal(gradNorm, 0, `${name} has a slope`);
    },
  },
  tanh: {
    2: ({ outlier, outlierNow, layers }) => {
      assert.ok(outlierNow > 0.8 * largest(outlier.after), `${outlierNow} of ${largest(outlier.after)} is not large any more`);
      near(largest(outlier.after), 20 * largest(outlier.before), 0.05);
      const least = Math.min(...layers.map(({ levelsUsed }) => levelsUsed));
      assert.ok(least <= 5, `${least} levels are not a few`);
    },
    3: ({ outlier, layers }) => {
      assert.ok(largest(outlier.after) > 3);
      assert.ok(Math.max(...layers.map(largest)) <= 3);
    },
  },
  cliff: {
    2: ({ rounded }) => {
      const at = new Map(rounded);
      assert.ok(Math.abs(at.get(8) - at.get(null)) <= 0.02, `8 bits cost: ${rounded}`);
      assert.ok(at.get(2) < at.get(null) - 0.1, `there is no edge: ${rounded}`);
    },
  },
  grids: {
    1: ({ firstLayers, second }) => {
      const [even, fp4] = [firstLayers, second.firstLayers].map((layers) => layers.find(({ name }) => name === "conv6"));
      assert.deepEqual(even.histogram, fp4.histogram, "the weights are the same");
      const most = largest(even);
      const halves = [0, 0.5, 1, 1.5, 2, 3, 4, 6];
      [...halves.slice(1).reverse().map((value) => -value), ...halves].forEach((value, i) => assert.ok(Math.abs(fp4.levels[i] - (value * most) / 6) < 1e-4 * most, `${fp4.levels}`));
      even.levels.forEach((level, i) => assert.ok(Math.abs(level - ((i - 7) * most) / 7) < 1e-4 * most, `${even.levels}`));
      const { count, levelCounts } = even;
      assert.ok(levelCounts[0] + levelCounts.at(-1) < count / 1000 && levelCounts.slice(5, 10).reduce((sum, n) => sum + n) > count / 2, `${levelCounts}`);
    },
    2: ({ layers, second }) => {
      const [even, fp4] = [layers, second.layers].map((of) => mean(of.map(({ entropyBits }) => entropyBits)));
      assert.ok(even < fp4 - 0.1 && fp4 < Math.log2(15), `${even} and ${fp4} bits`);
    },
    3: ({ outlier, second }) => {
      const [even, fp4] = [outlier, second.outlier].map(({ layer, before, after }) => {
        near(largest(after), 20 * largest(before), 0.05);
        const steps = after.levels.slice(1).map((level, i) => level - after.levels[i]);
        return { layer, used: after.levelsUsed, share: largest(after) / Math.min(...steps) };
      });
      near(even.share, 7);
      near(fp4.share, 12);
      assert.ok(even.used < fp4.used && fp4.used < 7, `${even.used} and ${fp4.used} levels`);
    },
  },
  activations: {
    1: ({ last, tested }, kept) => {
      assert.equal(tested, 1000);
      assert.ok(Math.abs(margin(0.5, tested) - 0.03) < 0.002, "three points are no luck");
      kept.alone = last.testAccuracy;
    },
    2: ({ last }, { alone }) => assert.ok(Math.abs(last.testAccuracy - alone) < 0.12, `8 bits ${last.testAccuracy}, without ${alone}`),
    4: ({ last }, { alone }) => assert.ok(last.testAccuracy < alone - 0.05, `2 bits ${last.testAccuracy}, without ${alone}`),
  },
  picture: {
    1: ({ classes }) => assert.equal(classes, 10),
    2: packedInEighths,
  },
};

/** By keyboard all of them; by pointer, which is what "Do it for me" does, those in which the learner does what it cannot. */
const WALKS = [
  ["pointer", WIDE, LESSONS.filter(({ id }) => ["levels", "scales", "picture"].includes(id))],
  ["keyboard", NARROW, LESSONS],
];
for (const [way, viewport, lessons] of WALKS) {
  test(`the path by ${way}, at ${viewport.width} px, each lesson in the minutes that it says; what the lessons claim is so`, async (t) => {
    const page = await open(t, { settings: SMALL, context: { viewport } });
    const user = hands(page, way === "keyboard");
    const from = Date.now();
    await user.press("#lessons-button");
    await page.locator(`[data-lesson="${IDS[0]}"]`).waitFor();
    await screenshot(page, `${viewport.width}-lessons`, false);
    await user.press(`[data-lesson="${IDS[0]}"]`);
    for (const [place, lesson] of lessons.entries()) {
      if (place > 0 && IDS.indexOf(lesson.id) !== IDS.indexOf(lessons[place - 1].id) + 1) {
        await user.press("#lessons-all");
        await user.press(`[data-lesson="${lesson.id}"]`);
      }
      const kept = {};
      const begun = Date.now();
      for (const [index, step] of lesson.steps.entries()) {
        await atStep(page, lesson.id, index + 1);
        await shows(page, "#lesson-step", new RegExp(step.title.replace(/[?]/g, "\\$&")));
        if (step.point) {
          // Where it is in another room, that opens first.
          await page.locator(`${selectorOf(step.point)}.pointed-at`).waitFor().catch(() => assert.fail(`${lesson.id} ${index + 1} does not point at ${step.point}`));
        }
        const act = ACTS[lesson.id]?.[index + 1];
        assert.equal(Boolean(act), Boolean(step.until), `${lesson.id} ${index + 1}: a task without a learner`);
        if (step.ask) {
          await shows(page, "#lesson-next", /^Skip$/);
          await user.answer(step.ask);
          await page.locator(".lesson-reply p").first().waitFor();
        }
        if (act) {
          assert.equal(await page.locator(".lesson-task.met").count(), 0, `${lesson.id} ${index + 1} is met before anything was done`);
          await act(user);
          await met(page);
        }
        await shows(page, "#lesson-next", /^(Next|Next lesson|All lessons)$/);
        const rows = lesson.steps.slice(0, index + 1).filter(({ keep }) => keep).length;
        assert.equal(await page.locator("#lesson-kept:not([hidden]) tbody tr").count(), rows, `${lesson.id} ${index + 1}: kept rows`);
        CLAIMS[lesson.id]?.[index + 1]?.(await figures(page), kept);
        if (index + 1 === lesson.steps.length) {
          await page.waitForFunction(() => !/[{}]|–/.test(document.querySelector("#lesson-then").innerText), null, { timeout: 10_000 });
          await screenshot(page, `${viewport.width}-lesson-${lesson.id}`, false);
          assert.deepEqual(await seriousFindings(page, lesson === LESSONS[0] ? "html" : "#lessons"), []);
        }
        await user.rest();
        await user.press("#lesson-next");
      }
      assert.deepEqual(await notices(page), [], `${lesson.id} has messages`);
      const seconds = Math.round((Date.now() - begun) / 1000);
      t.diagnostic(`${lesson.id} took ${seconds} s`);
      assert.ok(seconds <= 60 * lesson.minutes, `${lesson.id} took ${seconds} s, and says ${lesson.minutes} minutes`);
    }
    t.diagnostic(`${lessons.length} lessons by ${way} took ${Math.round((Date.now() - from) / 1000)} s`);
    // Each is marked as done, also after a reload.
    await page.reload();
    await user.press("#lessons-button");
    await page.waitForFunction((count) => document.querySelectorAll(".lesson-entry").length === count, IDS.length);
    assert.equal(await page.locator(".lesson-note", { hasText: "done" }).count(), lessons.length);
    await assertFits(page);
    assert.deepEqual(await seriousFindings(page), []);
  });
}

test("“Do it for me” does every task but the one that asks for a picture of one's own", async (t) => {
  for (const lesson of LESSONS) {
    // Few images: what a link names goes before what the lesson sets.
    const page = await open(t, { search: `?lesson=${lesson.id}&train=100&test=100` });
    for (const [index, step] of lesson.steps.entries()) {
      await atStep(page, lesson.id, index + 1);
      if (step.until) await shows(page, "#lesson-next", /^Skip$/);
      if (step.ask) await hands(page, false).answer(step.ask);
      // A picture of one's own needs the learner.
      assert.equal(Boolean(step.help), Boolean(step.task) && !(lesson.id === "picture" && index === 1), `${lesson.id} ${index + 1}`);
      if (step.help) {
        await page.click("#lesson-help");
        await met(page);
        await shows(page, "#lesson-next", /^(Next|Next lesson|All lessons)$/);
      }
      if (index + 1 < lesson.steps.length) await page.click("#lesson-next");
    }
    // What trains goes on into the next step, but not beside the next lesson.
    await page.context().close();
  }
});

test("“Do it for me” changes a setting while it trains, and trains on", async (t) => {
  const page = await open(t, { search: "?lesson=levels&train=100&test=100&epochs=200" });
  await atStep(page, "levels", 1);
  await page.click("#lesson-next");
  for (const step of [2, 3, 4]) {
    await atStep(page, "levels", step);
    await page.click("#lesson-help");
    await met(page);
    assert.ok(await page.evaluate(() => nibble.playing), `step ${step}`);
    if (step < 4) await page.click("#lesson-next");
  }
  assert.equal((await runOf(page)).config.quantizer, "none");
});

test("a link to a later step has the lesson's settings; what is not to be done yet is said", async (t) => {
  const page = await open(t, { search: "?lesson=cliff.2&train=100&test=100&epochs=1" });
  await atStep(page, "cliff", 2);
  const { config, data } = await runOf(page);
  assert.deepEqual([config.quantizer, config.batch, data.train, config.epochs], ["none", 50, 100, 1]);
  await page.click("#lesson-help");
  await noticed(page, '"Round the FP32 weights" cannot be pressed yet');
  await page.click("#play");
  await page.waitForFunction(() => nibble.finished, null, PATIENCE);
  await page.click("#lesson-help");
  await met(page);
});

test("“Do it for me” finds a way where a run has ended too early, or is missing", async (t) => {
  const page = await open(t, { search: "?lesson=tanh.3&train=100&test=100&epochs=12" });
  await atStep(page, "tanh", 3);
  await page.click("#play");
  await page.waitForFunction(() => nibble.finished, null, PATIENCE);
  await pressBy(page, "#outlier-go", "pointer");
  await page.waitForFunction(() => nibble.run.outlier);
  assert.equal(await page.locator(".lesson-task.met").count(), 0);
  await page.click("#lesson-help");
  await met(page);
  await page.goto(`${page.url().split("?")[0]}?lesson=race.2&train=100&test=100&epochs=1`);
  await hasRun(page);
  await atStep(page, "race", 2);
  await page.click("#lesson-help");
  await met(page);
});

test("a link begins a lesson; what it names goes before the lesson's settings, also after a reload", async (t) => {
  const page = await open(t, { search: "?lesson=scales&seed=5" });
  await atStep(page, "scales", 1);
  const { config } = await runOf(page);
  assert.deepEqual([config.seed, config.batch], [5, 50]);
  await page.click("#lesson-next");
  await atStep(page, "scales", 2);
  await page.locator("[data-key=granularity].pointed-at").waitFor();
  await page.selectOption("#set-granularity", "net");
  await page.waitForFunction(() => /granularity=net/.test(location.search) && nibble.run.info.config.granularity === "net" && !nibble.busy);
  await page.locator("#lesson-ask input[type=radio]").first().check();
  await page.click("#lesson-answer-go");
  await shows(page, ".lesson-reply", /^That is right\./);
  await page.reload();
  await atStep(page, "scales", 2);
  assert.equal((await runOf(page)).config.granularity, "net");
  // What was answered is there again; a link opens the lesson anew.
  await shows(page, ".lesson-reply", /^That is right\./);
  await page.goto(page.url());
  await atStep(page, "scales", 2);
  await shows(page, ".lesson-reply", /^$/);
  await page.click("#lessons-close");
  await page.waitForFunction(() => !/lesson=/.test(location.search));
  assert.equal(await page.evaluate(() => document.activeElement.id), "lessons-button");
  await page.goto(`${page.url()}&lesson=alchemy`);
  await noticed(page, "no lesson", "alchemy", "levels");
});

test("a step's stage: its parts together, in its order; without it the room is there again", async (t) => {
  const page = await open(t, { search: "?lesson=levels.3&train=100&test=100&room=data" });
  await atStep(page, "levels", 3);
  const shown = () => page.evaluate(() => [...document.querySelectorAll("main [data-part]")].filter((part) => part.checkVisibility()).map((part) => part.dataset.part));
  const { stage } = LESSONS.find(({ id }) => id === "levels").steps[2];
  await page.locator("[data-key=bits].pointed-at").waitFor();
  assert.deepEqual(await shown(), stage);
  await assertFits(page);
  await page.click("#lessons-close");
  await page.waitForFunction(() => document.body.dataset.room === "data");
  assert.deepEqual(await shown(), ["data", "device"]);
  // What was lent to the stage stands in its room again.
  await enter(page, "train");
  assert.deepEqual(await shown(), ["now", "accuracy", "live-layer", "loss", "health", "settings"]);
});

for (const [width, height] of [[844, 390], [390, 844]]) {
  test(`${width} x ${height}: what a step points at is in sight beside the lesson, and so is Next`, async (t) => {
    const page = await open(t, { settings: { train: 100, test: 100, build: "single" }, context: { viewport: { width, height }, reducedMotion: "reduce" } });
    for (const lesson of LESSONS) {
      await page.goto(`${page.url().split("?")[0]}?lesson=${lesson.id}&train=100&test=100&build=single`);
      await hasRun(page);
      for (const [index, step] of lesson.steps.entries()) {
        await atStep(page, lesson.id, index + 1);
        await page.locator(`${selectorOf(step.point)}.pointed-at`).waitFor();
        await drawn(page);
        const { seen, next, free } = await page.evaluate(() => {
          const inSight = (node) => {
            const { left, right, top, bottom } = node.getBoundingClientRect();
            let rows = 0;
            for (let y = Math.max(0, top) + 1; y < Math.min(innerHeight, bottom); y += 4) {
              const xs = [0.1, 0.3, 0.5, 0.7, 0.9].map((share) => left + share * (right - left));
              if (xs.some((x) => node.contains(document.elementFromPoint(x, y)))) rows += 4;
            }
            return Math.min(1, rows / Math.min(bottom - top, 120));
          };
          const pointed = document.querySelector(".pointed-at");
          const [part, lesson, bar] = [pointed, document.querySelector("#lessons"), document.querySelector(".bar")].map((one) => one.getBoundingClientRect());
          // Of the part what is above the sheet or beside the panel, and not under the bar.
          const beside = lesson.left > 0.3 * innerWidth;
          const top = pointed.closest(".bar, .pending") ? 0 : bar.bottom;
          const bottom = beside ? innerHeight : lesson.top;
          const high = Math.min(part.bottom, bottom) - Math.max(part.top, top);
          const wide = Math.min(part.right, beside ? lesson.left : innerWidth) - Math.max(part.left, 0);
          return { seen: inSight(pointed), next: inSight(document.querySelector("#lesson-next")), free: Math.min(high / Math.min(part.height, 120), wide / part.width) };
        });
        assert.ok(free > 0.8, `${lesson.id} ${index + 1}: ${Math.round(100 * free)} % of ${step.point} are not behind the lesson`);
        assert.ok(seen > 0.8, `${lesson.id} ${index + 1}: ${Math.round(100 * seen)} % of ${step.point} in sight`);
        assert.ok(next > 0.8, `${lesson.id} ${index + 1}: Next is ${Math.round(100 * next)} % in sight`);
        if (index + 1 < lesson.steps.length) await page.click("#lesson-next");
      }
    }
  });
}

test("on a phone the lesson is a sheet of three heights: dragged, pressed, by keyboard; Next is always in sight", async (t) => {
  const page = await open(t, { search: "?lesson=levels.3&train=100&test=100&build=single", context: { viewport: NARROW, reducedMotion: "reduce" } });
  await atStep(page, "levels", 3);
  await page.locator("[data-key=bits].pointed-at").waitFor();
  const height = (wanted) => page.waitForFunction((name) => document.body.dataset.sheet === name, wanted);
  const box = (selector) => page.evaluate((one) => document.querySelector(one).getBoundingClientRect().toJSON(), selector);
  const tabs = await box("#tabs");
  const bar = await box(".bar");
  /** Next, and the step's name, within the sheet; what it points at above, but where the sheet is all there is. */
  async function holds(name) {
    await height(name);
    await drawn(page);
    const [sheet, next, title, pointed] = [await box("#lessons"), await box("#lesson-next"), await box("#lesson-step"), await box(".pointed-at")];
    assert.ok(next.height > 20 && next.top >= sheet.top && next.bottom <= tabs.top + 1, `${name}: ${JSON.stringify([next, sheet])}`);
    assert.ok(title.height > 10 && title.top >= sheet.top, `${name}: ${JSON.stringify([title, sheet])}`);
    if (name !== "full") assert.ok(pointed.top >= bar.bottom && pointed.bottom <= sheet.top, `${name}: ${JSON.stringify([pointed, sheet])}`);
    assert.deepEqual(await seriousFindings(page, "#lessons"), []);
    await assertFits(page);
    await screenshot(page, `390-sheet-${name}`, false);
    return sheet.height;
  }
  const half = await holds("half");
  async function drag(to) {
    const { x, y, width, height } = await box("#lessons-handle");
    await page.mouse.move(x + width / 2, y + height / 2);
    await page.mouse.down();
    await page.mouse.move(x + width / 2, to, { steps: 6 });
    await page.mouse.up();
  }
  await drag(tabs.top - 60);
  const small = await holds("small");
  await drag(90);
  const full = await holds("full");
  assert.ok(small < 0.4 * half && full > 1.8 * half, `${small}, ${half} and ${full} px`);
  // What it speaks of comes out again.
  await page.click("#lesson-show");
  await holds("half");
  for (const next of ["full", "small", "half"]) {
    await page.click("#lessons-handle");
    await height(next);
  }
  await tabTo(page, "#lessons-handle");
  for (const [key, next] of [["ArrowDown", "small"], ["ArrowDown", "small"], ["ArrowUp", "half"], ["ArrowUp", "full"], ["Enter", "small"]]) {
    await page.keyboard.press(key);
    await height(next);
  }
  assert.match(await page.getAttribute("#lessons-handle", "aria-label"), /small$/);
  await pressBy(page, "#lesson-next", "keyboard");
  await atStep(page, "levels", 4);
  await page.click("#lessons-handle");
  await page.click("#lessons-all");
  await page.click("#lessons-handle");
  await page.click("#lessons-handle");
  await height("small");
  await page.click("#lessons-close");
  await page.locator("#lessons").waitFor({ state: "hidden" });
});

test("keyboard: the panel opens with the focus in it, points, and gives the focus back", async (t) => {
  const page = await open(t);
  const press = (selector) => pressBy(page, selector, "keyboard");
  const focused = () => page.evaluate(() => document.activeElement.id);
  await press("#lessons-button");
  await page.waitForFunction(() => document.activeElement.id === "lessons-title");
  assert.equal(await page.getAttribute("#lessons-button", "aria-expanded"), "true");
  await press('[data-lesson="scales"]');
  await atStep(page, "scales", 1);
  assert.equal(await focused(), "lesson-step");
  await press("#lesson-next");
  await atStep(page, "scales", 2);
  await press("#lesson-show");
  await page.waitForFunction(() => document.activeElement.id === "set-granularity");
  await page.keyboard.press("ArrowUp");
  await page.waitForFunction(() => nibble.settings.granularity === "net");
  await tabTo(page, "#lesson-back");
  await page.keyboard.press("Escape");
  assert.equal(await focused(), "lessons-button");
  assert.equal(await page.locator(".pointed-at").count(), 0);
});

test("lessons that could not be loaded are said at each press, with an address that names one too, and the page goes on", async (t) => {
  for (const lesson of ["", "levels"]) {
    const lost = (page) => page.route("**/panels/lessons.js", (route) => route.abort());
    const page = await open(t, { settings: { ...SMALL, ...(lesson && { lesson }) }, prepare: lost });
    if (lesson) await noticed(page, "The lessons could not be loaded", "Reload the page");
    for (const _ of [1, 2]) {
      await page.evaluate(() => document.querySelectorAll(".notice .close").forEach((close) => close.click()));
      await page.locator(".notice").first().waitFor({ state: "detached" });
      await page.click("#lessons-button");
      await noticed(page, "The lessons could not be loaded", "Reload the page");
    }
    await page.click("#step");
    await trained(page, 1);
    // That it was not there, the browser says too.
    assert.ok(page.problems.length > 0 && page.problems.every((problem) => /lessons\.js|ERR_FAILED/.test(problem)), String(page.problems));
    page.problems.length = 0;
  }
});

test("a teacher's own lesson is opened from a file; a bad one is told with all that is wrong", async (t) => {
  const page = await open(t);
  const press = { point: "button.step", task: "Press Step.", until: { fact: "run.steps", grownBy: 1 } };
  const mine = {
    id: "mine", title: "My <b>lesson</b>", about: "Mine.", minutes: 1, settings: { train: 100, test: 100, batch: 50, epochs: 1, seed: 9, build: "simd" },
    steps: [
      { ...press, title: "One step", text: ["Press Step. Loss {run.loss}."], ask: { question: "How many % <i>by luck</i>?", number: true, unit: "%", answer: 10, explanation: "There are ten classes." }, keep: ["run.steps", "run.loss"], then: ["Now it is {run.loss}."] },
      { ...press, title: "Another", text: ["You said {answer.1}; the loss was {kept.1.run.loss} after {kept.1.run.steps} step."], keep: ["run.steps", "run.testAccuracy", "run.setting.quantizer"] },
      { title: "Why?", text: ["Think."], ask: { question: "Why does it learn?", answer: "It follows slopes." } },
    ],
  };
  const wrong = (i) => ({ ...mine.steps[0], point: `button.explode${i}`, until: { fact: "run.magic", atLeast: 1 }, text: ["{run.magic}"] });
  const bad = { ...mine, id: "Not Good", settings: { bits: 99 }, steps: [1, 2, 3, 4].map(wrong) };
  const { paths } = write(t, { "mine.json": Buffer.from(JSON.stringify(mine)), "bad.json": Buffer.from(JSON.stringify(bad)), "text.json": Buffer.from("no json") });
  await page.click("#lessons-button");
  await shows(page, ".lessons-about", new RegExp(`^${IDS.length} short experiments`));
  await page.setInputFiles("#lessons-file", paths[1]);
  await shows(page, "#lessons-wrong", /^bad\.json does not open, for 14 reasons\..*Not Good.*Bits.*Step 1, text.*run\.magic.*button\.explode1.*run\.magic.*Step 4, text/);
  assert.deepEqual(await seriousFindings(page), []);
  // Many are a short list that scrolls, and what closes it is in sight.
  await page.locator("#lessons-wrong li").last().scrollIntoViewIfNeeded();
  const boxes = await page.evaluate(() => ["#lessons-wrong", "#lessons-wrong .close"].map((one) => document.querySelector(one).getBoundingClientRect()).map(({ top, bottom, height }) => ({ top, bottom, height, room: innerHeight })));
  for (const { top, bottom, room } of boxes) assert.ok(top >= 0 && bottom <= room, JSON.stringify(boxes));
  assert.ok(boxes[0].height < 0.5 * boxes[0].room, JSON.stringify(boxes));
  await page.click("#lessons-wrong .close");
  assert.equal(await page.evaluate(() => document.activeElement.id), "lessons-open");
  await page.setInputFiles("#lessons-file", paths[2]);
  await shows(page, "#lessons-wrong", /^text\.json does not open\.×It is no JSON/);
  await page.setInputFiles("#lessons-file", paths[0]);
  // What was wrong with the others is over.
  await page.locator("#lessons-wrong").waitFor({ state: "hidden" });
  await page.waitForFunction(() => nibble.run.info.config.seed === 9 && !nibble.busy);
  await shows(page, "#lesson-text", /Press Step\. Loss –\./);
  assert.equal(await page.evaluate(() => nibble.engine.build), "simd");
  // Texts are texts.
  assert.equal(await page.locator("#lessons :is(b, i)").count(), 0);
  await shows(page, "#lesson-ask legend", /^How many % <i>by luck<\/i>\?$/);
  await page.click("#step");
  await met(page);
  await shows(page, "#lesson-then", /Now it is \d/);
  await shows(page, "#lesson-kept", /Kept so far.*Steps.*Loss.*One step1\d/);
  // The task is done; the question asks for a try, and for no right one.
  await shows(page, "#lesson-next", /^Skip$/);
  await page.click("#lesson-answer-go");
  await shows(page, ".lesson-problem", /^Write an answer first/);
  await page.fill("#lesson-answer", "40 %");
  await page.press("#lesson-answer", "Enter");
  await shows(page, ".lesson-reply", /^Not so: 10 %\.There are ten classes\.$/);
  await shows(page, "#lesson-next", /^Next$/);
  await page.fill("#lesson-answer", "10");
  await page.click("#lesson-answer-go");
  await shows(page, ".lesson-reply", /^That is right\./);
  await page.click("#lesson-next");
  await shows(page, "#lesson-text", /^You said 10 %; the loss was \d\.\d\d after 1 step\.$/);
  await page.click("#play");
  await page.waitForFunction(() => nibble.finished && !nibble.playing, null, PATIENCE);
  await met(page);
  const table = await page.locator("#lesson-kept tr").evaluateAll((rows) => rows.map((row) => [...row.cells].map((cell) => cell.textContent)));
  assert.deepEqual(table[0], ["Step", "Steps", "Loss", "Test accuracy", "Precision"]);
  assert.deepEqual([table[1][0], table[1][3]], ["One step", ""]);
  // Chance stands behind what was counted on test images: kept as it was when the task was met.
  assert.ok(/^(–|\d+\.\d ±\d+\.\d %)$/.test(table[2][3]) && table[2][4] === "Symmetric", String(table[2]));
  await page.click("#lesson-next");
  await page.fill("#lesson-answer", "Because <b>slopes</b>.");
  await page.click("#lesson-answer-go");
  await shows(page, ".lesson-reply", /^One answer: It follows slopes\.$/);
  await page.fill("#lesson-learner", "Ada & Bob");
  await screenshot(page, "1440-lesson-answers", false);
  assert.deepEqual(await seriousFindings(page, "#lessons"), []);
  const [download] = await Promise.all([page.waitForEvent("download"), page.click("#lesson-report")]);
  const html = readFileSync(await download.path(), "utf8");
  for (const part of ["By Ada &amp; Bob", "Lesson: My &lt;b&gt;lesson&lt;/b&gt;", "How many % &lt;i&gt;by luck", '10 % <span class="quiet">right, 2 tries', "Because &lt;b&gt;slopes", "to compare: It follows slopes.", '<th scope="row">Another</th>']) assert.ok(html.includes(part), part);
  assert.deepEqual(JSON.parse(html.match(/id="nibble-runs">(.*?)<\/script>/s)[1]).lessons[0].answers.map(({ answer }) => answer), ["10 %", "Because <b>slopes</b>."]);
  // No address leads to it; among the lessons it stays as long as the page.
  assert.doesNotMatch(page.url(), /lesson=/);
  await page.click("#lessons-all");
  await shows(page, ".lesson-entry[data-lesson=mine]", /My <b>lesson<\/b>.*1 min · your file · done/);
  await page.click(".lesson-entry[data-lesson=mine]");
  await shows(page, "#lesson-step", /One step/);
  await page.waitForFunction(() => nibble.run.globalStep === 0 && !nibble.busy);
  // It may be opened before the engine is there.
  let start;
  const held = new Promise((resolve) => (start = resolve));
  await page.route("**/worker/worker.js", (route) => held.then(() => route.continue()));
  await page.reload();
  await page.click("#lessons-button");
  await page.setInputFiles("#lessons-file", paths[0]);
  await shows(page, "#lesson-step", /One step/);
  start();
  await hasRun(page);
  await page.click("#step");
  await met(page);
  assert.deepEqual(await notices(page), []);
});

test("every lesson file is listed, and right", () => {
  const files = readdirSync(FOLDER).filter((name) => name !== "index.json").map((name) => name.replace(/\.json$/, ""));
  assert.deepEqual([...files].sort(), [...IDS].sort());
  for (const lesson of LESSONS) assert.deepEqual(lessonProblems(lesson), [], lesson.id);
});

test("what is wrong with a lesson is said", () => {
  const [good] = LESSONS;
  const step = good.steps[1];
  const cases = [
    [null, "holds no lesson"],
    [{ ...good, id: "A b" }, "The id"],
    [{ ...good, title: "" }, "no title"],
    [{ ...good, minutes: "two" }, "minutes"],
    [{ ...good, extra: 1 }, "extra"],
    [{ ...good, settings: { colour: 1 } }, "colour"],
    [{ ...good, settings: { tanh: "off" } }, "Tanh"],
    [{ ...good, settings: { bits: "4" } }, "bits is written 4"],
    [{ ...good, steps: [] }, "no steps"],
    [{ ...good, steps: [{ ...step, task: undefined, until: undefined, text: [] , colour: 1 }] }, "colour"],
    [{ ...good, steps: [{ title: "x", text: ["y"], task: "z" }] }, "go together"],
    [{ ...good, steps: [{ ...step, until: { fact: "run.steps" } }] }, "compared with nothing"],
    [{ ...good, steps: [{ ...step, until: { fact: "run.steps", atLeast: "3" } }] }, "needs a number"],
    [{ ...good, steps: [{ ...step, until: { fact: "run.steps", about: 3 } }] }, "no comparison"],
    [{ ...good, steps: [{ ...step, until: { all: [] } }] }, "list of conditions"],
    [{ ...good, steps: [{ ...step, until: { not: { fact: "x" } } }] }, '"x" is no fact'],
    [{ ...good, steps: [{ ...step, help: { press: ["explode"] } }] }, "explode"],
    [{ ...good, id: 5 }, "The id"],
    [{ ...good, minutes: "2" }, "minutes"],
    [{ ...good, settings: [] }, "settings"],
    [{ ...good, settings: { threads: "auto" } }, "threads"],
    [{ ...good, settings: { race: "bits:3 seed:2" } }, "Second run"],
    [{ ...good, steps: [step, { ...step, task: 7 }] }, "Step 2, task"],
    [{ ...good, steps: [{ ...step, task: "" }] }, "Step 1, task"],
    [{ ...good, steps: [{ ...step, point: "button.constructor" }] }, "Step 1, point"],
    [{ ...good, steps: [{ ...step, help: null }] }, "Step 1, help"],
    [{ ...good, steps: [{ ...step, help: { press: ["toString"] } }] }, "toString"],
    [{ ...good, steps: [{ ...step, help: { press: "train" } }] }, "list of buttons"],
    [{ ...good, steps: [{ ...step, help: { set: null } }] }, "help, set"],
    [{ ...good, steps: [{ title: "x", text: ["y"], help: { press: ["train"] } }] }, 'Step 1: "help"'],
    [{ ...good, steps: [{ ...step, text: ["{run.loss }"] }] }, '"{run.loss }" is no fact'],
    [{ ...good, steps: [{ ...step, then: ["{run.loss"] }] }, '"{run.loss" is no fact'],
    [{ ...good, steps: [{ ...step, keep: [] }] }, "keep is a list of facts"],
    [{ ...good, steps: [{ ...step, keep: ["run.magic"] }] }, '"run.magic" is no fact'],
    [{ ...good, steps: [{ title: "x", text: ["y"], keep: ["run.loss"] }] }, '"keep" keeps what a task'],
    [{ ...good, steps: [{ ...step, then: ["{kept.2.run.loss}"] }, { ...step, keep: ["run.loss"] }] }, "Step 1, then: \"{kept.2.run.loss}\""],
    [{ ...good, steps: [{ ...step, keep: ["run.loss"], then: ["{kept.1.run.steps}"] }] }, "keeps run.steps"],
    [{ ...good, steps: [{ ...step, ask: undefined }, { ...step, text: ["{answer.1}"] }] }, "step 1 is no step up to here that asks"],
    ...[
      ["why?", "Step 1, ask is an object"], [{ choices: ["a", "b"] }, "has no question"], [{ question: "x", choices: ["a", "a"] }, "two texts or more"],
      [{ question: "x", choices: ["a", "b"], answer: "c" }, '"c" is none of the choices'], [{ question: "x", number: true, answer: "4" }, "the answer is a number"],
      [{ question: "x", unit: "%" }, '"unit" is of a number'], [{ question: "x", number: true, within: 2 }, "and there is an answer"], [{ question: "x", colour: 1 }, "colour"],
      [{ question: "x", choices: ["a", "b"], number: true }, "not both"], [{ question: "x", answer: 4 }, "the answer is a text"], [{ question: "x", explanation: 1 }, '"explanation" is a text'],
    ].map(([ask, part]) => [{ ...good, steps: [{ ...step, ask }] }, part]),
    [{ ...good, steps: [{ ...step, stage: ["moon"] }] }, '"moon" is no part'],
    [{ ...good, steps: [{ ...step, stage: "weights" }] }, "stage is a list of parts"],
    [{ ...good, steps: [{ ...step, until: { fact: "run.epochs", is: "1" } }] }, "run.epochs is a number"],
    [{ ...good, steps: [{ ...step, until: { fact: "run.status", is: "playin" } }] }, "playin"],
    [{ ...good, steps: [{ ...step, until: { fact: "run.setting.bits", is: 17 } }] }, "run.setting.bits"],
    [{ ...good, steps: [{ ...step, until: { fact: "run.status", grownBy: 1 } }] }, "compares numbers"],
  ];
  for (const [lesson, part] of cases) assert.ok(lessonProblems(lesson).join("\n").includes(part), `${part}: ${lessonProblems(lesson)}`);
  const bad = { ...good, minutes: "2", steps: [{ ...step, help: null }, { ...step, task: 7 }] };
  assert.equal(lessonProblems(bad).length, 3, "all of them at once");
  assert.deepEqual(lessonProblems({ ...good, settings: { race: "bits:3 tanh:0" } }), [], "a race in several settings");
  const former = { ...good, settings: { activations: "fp8" }, steps: [{ ...step, until: { fact: "setting.gradients", is: "fp8" } }] };
  assert.deepEqual(lessonProblems(former), [], "former names of values");
  // Lessons are read before the engine tells of its models.
  const models = readdirSync(new URL("../../src/models/", import.meta.url)).filter((name) => name.endsWith(".json"));
  for (const model of models.map((name) => name.replace(/\.json$/, ""))) assert.deepEqual(lessonProblems({ ...good, settings: { model } }), []);
});

test("answers: read, judged and shown", () => {
  const percentage = { question: "x", number: true, unit: "%", answer: 40, within: 5 };
  for (const [given, wanted] of [["42", 42], [" 42,5 % ", 42.5], ["-3", -3], ["\u22123", -3], ["0", 0]]) assert.deepEqual(readAnswer(percentage, given), { answer: wanted }, given);
  for (const given of ["", "%", "forty", "1e999"]) assert.ok(readAnswer(percentage, given).problem, given);
  assert.deepEqual([45, 45.1, 35].map((one) => isRight(percentage, one)), [true, false, true]);
  assert.equal(answerText(percentage, 42), "42 %");
  assert.deepEqual(reply(percentage, 7), ["Not so: 40 %."]);
  assert.deepEqual(reply({ question: "x" }, "y"), []);
  assert.equal(isRight({ question: "x", answer: "z" }, "y"), null, "nobody can say of a text");
  assert.equal(readAnswer({ question: "x" }, "a".repeat(5000)).answer.length, 2000);
});

test("conditions", () => {
  const session = { runs: [{ globalStep: 12, smooth: { loss: { value: NaN } }, settings: { bits: 4 } }], settings: { tanh: false }, playing: false, waiting: [] };
  const seen = { pictures: 2 };
  const yes = (condition, start = {}) => holds(condition, session, seen, start);
  assert.ok(yes({ fact: "run.steps", atLeast: 12, atMost: 12 }));
  assert.ok(!yes({ fact: "run.steps", above: 12 }));
  assert.ok(yes({ fact: "run.setting.bits", is: 4 }) && yes({ fact: "setting.tanh", is: false }));
  const eight = { ...session, runs: [{ settings: { activations: "fp8_e4m3" } }] };
  assert.ok(holds({ fact: "run.setting.activations", is: "fp8" }, eight, seen, {}), "a former name of the value");
  assert.ok(yes({ fact: "run.steps", grownBy: 2 }, { "run.steps": 10 }) && !yes({ fact: "run.steps", grownBy: 3 }, { "run.steps": 10 }));
  assert.ok(!yes({ fact: "run.loss", below: 99 }), "what is not known meets nothing");
  assert.ok(!yes({ fact: "second.steps", isNot: 1 }), "there is no second run");
  assert.ok(yes({ any: [{ fact: "runs", is: 9 }, { all: [{ fact: "runs", is: 1 }, { not: { fact: "pictures", below: 1 } }] }] }));
});

test("every fact is told of in the guide", () => {
  const guide = readFileSync(new URL("../../docs/TEACHING.md", import.meta.url), "utf8");
  const names = factNames.filter((name) => !name.includes("setting") && !name.startsWith("second.") && !/^ptq\.\d/.test(name));
  for (const field of ["keep", "ask", ...["question", "choices", "number", "unit", "answer", "within", "explanation"]]) assert.ok(guide.includes(`\`${field}\``), `docs/TEACHING.md says nothing of ${field}`);
  for (const name of names) assert.ok(guide.includes(`\`${name}\``), `docs/TEACHING.md says nothing of ${name}`);
  assert.equal(fact("runs", { runs: [] }, {}), 0);
  // Of the usual scheme alone, whichever was tested last.
  const afterTraining = new AfterTraining({ globalStep: 1, outlier: null });
  const ptq = (name) => fact(name, { runs: [{ afterTraining }] }, {});
  const options = { granularity: "tensor", fold: false, equalise: false, correct: false, reestimate: 0, activations: null };
  const tests = afterTraining.begin(["symmetric", "nvfp4"].map((name) => settingOf("quantizer").choices.find((choice) => choice.name === name)), options);
  tests.forEach((_test, index) => afterTraining.add({ index, step: 1, done: 1, total: 1, result: { loss: 1, accuracy: index / 16, bits: 4 } }));
  assert.deepEqual([tests.length, ptq("ptq.tested"), ptq("ptq.fp32"), ptq("ptq.8"), ptq("ptq.2")], [9, 8, 0, 1 / 16, 7 / 16]);
  const tested = (testAccuracy) => ({ epochs: [{ testAccuracy }], info: { images: [100, 1000] } });
  assert.equal(resultText("run.testAccuracy", { runs: [tested(0.5)] }, {}), "50.0 ±3.1 %");
  assert.equal(resultText("run.testAccuracy", { runs: [{ ...tested(0.5), epochs: [] }] }, {}), "–");
  assert.equal(factText("gap", { runs: [tested(0.5), tested(0.485)] }, {}), "−1.5 points");
});
