/** How the page stands: accessible, steady, never busy itself; and pictures of it to look at. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ROOMS } from "../../www/rooms.js";
import { observe } from "./observe.mjs";
import { assertFits, drawn, enter, epochs, NARROW, open, openAll, partTabs, pause, screenshot, seriousFindings, shows, trained, unfold, WIDE } from "./support.mjs";

const RUN = { train: 640, test: 200, batch: 32, epochs: 3, lr: 0.002 };
const VIEWS = { 1440: WIDE, 390: NARROW };

for (const [width, viewport] of Object.entries(VIEWS)) {
  for (const colorScheme of ["light", "dark"]) {
    test(`${width} px, ${colorScheme}: axe, no sideways scroll, screenshots`, async (t) => {
      const page = await open(t, { settings: RUN, context: { viewport, colorScheme } });
      await screenshot(page, `${width}-${colorScheme}-ready`);
      assert.deepEqual(await seriousFindings(page), []);
      await page.click("#play");
      await epochs(page, 1);
      await trained(page, 30);
      await page.evaluate(() => nibble.notify("error", "data_batch_1.bin: expected a multiple of 3073 bytes, found 5000."));
      for (const { name } of ROOMS) {
        await enter(page, name);
        await drawn(page);
        await screenshot(page, `${width}-${colorScheme}-${name}`);
        await assertFits(page);
        // Everything opened.
        await openAll(page);
        if (name === "model") await page.uncheck("#set-tanh");
        assert.deepEqual(await seriousFindings(page), [], name);
        await assertFits(page);
        await screenshot(page, `${width}-${colorScheme}-${name}-open`);
        for (const part of await partTabs(page)) {
          await unfold(page, part);
          await drawn(page);
          assert.deepEqual(await seriousFindings(page, ".room:not([hidden]) .tabbed"), [], part);
          await assertFits(page);
          await screenshot(page, `${width}-${colorScheme}-${name}-${part}`);
        }
        await page.evaluate(() => (document.getElementById("menu").open = false));
      }
    });
  }
}

/** Of what `selector` finds: texts that do not fit into their element, or that end beyond the panel around it. */
const cut = (page, selector) =>
  page.evaluate((wanted) => {
    const outside = (node) => {
      const panel = node.closest(".panel, .transport, .health");
      return node.getBoundingClientRect().right > panel.getBoundingClientRect().right + 0.5;
    };
    const seen = [...document.querySelectorAll(wanted)].filter((node) => node.checkVisibility() && node.getClientRects().length > 0);
    return seen.filter((node) => node.scrollWidth > node.clientWidth + 1 || outside(node)).map((node) => node.innerText);
  }, selector);

const WHOLE = ".buttons button, .counter, .cell-value:not(#run-title), .bar-label, .bar-text, .legend-run strong, .chip, .plot-about, #outlier .scroll, .layer-line strong, .compare-runs .run-label, .compare-runs .figures";

for (const [width, height] of [[1440, 900], [820, 1180], [390, 844], [320, 640]]) {
  test(`${width} px: two runs, one of them forked, and an outlier: nothing is cut`, async (t) => {
    const page = await open(t, { settings: { ...RUN, epochs: 20 }, context: { viewport: { width, height } } });
    await page.click("#play");
    await trained(page, 8);
    await enter(page, "runs");
    await unfold(page, "compare");
    await page.click("#fork");
    await page.waitForFunction(() => nibble.runs.length === 2);
    await pause(page, { epochs: 1 });
    await unfold(page, "outlier");
    await page.click("#outlier-go");
    await page.waitForFunction(() => nibble.runs.every(({ outlier }) => outlier));
    await enter(page, "inside");
    await page.locator("#weights .run-switch label", { hasText: "Both" }).click();
    for (const { name } of ROOMS) {
      await enter(page, name);
      await drawn(page);
      await screenshot(page, `${width}-two-${name}`);
      for (const part of [null, ...(await partTabs(page))]) {
        if (part) await unfold(page, part);
        await drawn(page);
        await assertFits(page);
        assert.deepEqual(await cut(page, WHOLE), [], part ?? name);
      }
      if (width === 1440) assert.deepEqual(await cut(page, "#settings-summary"), []);
    }
    // The figures of the bar are on one line with each other.
    const lines = await page.evaluate(() => ["#epoch", "#score"].map((id) => document.querySelector(id).getBoundingClientRect().bottom));
    assert.ok(Math.abs(lines[0] - lines[1]) < 8, `epoch and score end at ${lines}`);
  });
}

test("the most images that there can be: the bars name them whole", async (t) => {
  const page = await open(t, { settings: { ...RUN, test: 10_000 } });
  await shows(page, "#tested-text", /^0 \/ 10,000$/);
  for (const { width, height } of [WIDE, { width: 1100, height: 800 }, NARROW]) {
    await page.setViewportSize({ width, height });
    await drawn(page);
    assert.deepEqual(await cut(page, ".bar-text"), [], `${width} px`);
  }
});

test("a long message scrolls within itself: its button stays in sight", async (t) => {
  const page = await open(t, { context: { viewport: { ...NARROW, height: 640 } } });
  await page.evaluate(() => nibble.notify("error", "Something is wrong with a file of many words. ".repeat(30)));
  const [high, close] = await page.evaluate(() => [document.querySelector(".notice").offsetHeight, document.querySelector(".notice .close").getBoundingClientRect().toJSON()]);
  assert.ok(high < 260 && close.top > 0 && close.bottom < 640, `${high} px, the button from ${close.top} to ${close.bottom}`);
  assert.deepEqual(await seriousFindings(page, ".notices"), []);
  await page.locator(".notice p").focus();
});

test("a small phone: four messages and a lesson leave the buttons free, and each can be dismissed", async (t) => {
  const search = "?train=320&test=100&lr=9&bits=40&seed=-3&nothing=1";
  const page = await open(t, { search, context: { viewport: { ...NARROW, height: 640 } }, init: observe });
  await page.locator(".notice").waitFor();
  await drawn(page);
  const shifts = await page.evaluate(() => observed.shift);
  assert.ok(shifts < 0.02, `layout shift ${shifts}`);
  await page.evaluate(() => ["One", "Two", "Three"].forEach((which) => nibble.notify("error", `${which} more file could not be read. `.repeat(8))));
  await page.locator(".notice >> nth=3").waitFor();
  const covered = (id) =>
    page.evaluate((wanted) => {
      const { left, top, width, height } = document.getElementById(wanted).getBoundingClientRect();
      return !document.elementFromPoint(left + width / 2, top + height / 2)?.closest(`#${wanted}`);
    }, id);
  const free = async () => {
    for (const top of [0, 600]) {
      await page.evaluate((to) => scrollTo(0, to), top);
      for (const id of ["play", "step", "menu", "lessons-button"]) assert.ok(!(await covered(id)), `${id} is covered, scrolled by ${top}`);
    }
  };
  await free();
  await page.click("#lessons-button");
  await page.locator(".lesson-entry >> nth=0").click();
  await page.locator(".lesson h3").waitFor();
  await free();
  await screenshot(page, "390-messages", false);
  for (let left = 4; left > 0; left--) {
    await page.click(".notice >> nth=0 >> .close");
    assert.equal(await page.locator(".notice").count(), left - 1);
  }
});

test("the tab key follows the look: what stands at the right comes before what stands below", async (t) => {
  for (const [width, viewport] of Object.entries(VIEWS)) {
    const page = await open(t, { context: { viewport } });
    const parts = [];
    for (let i = 0; i < 90; i++) {
      await page.keyboard.press("Tab");
      parts.push(await page.evaluate(() => document.activeElement.closest("[data-part], .tabs")?.dataset.part ?? "tabs"));
    }
    const passed = parts.filter((part, at) => part !== parts[at - 1]);
    const wanted = ["transport", "tabs", "now", "accuracy", "live-layer", "loss", "health", "settings"];
    assert.deepEqual(passed.slice(passed.indexOf("transport")).slice(0, wanted.length), wanted, width);
  }
});

test("messages: what a quotation makes too long is cut; what can be done about something stays", async (t) => {
  const page = await open(t);
  await page.evaluate(() => {
    nibble.notify("error", `The file says ${"?".repeat(100_000)}`);
    nibble.notify("error", "The engine was lost.", { label: "Start anew", act: () => {} });
    for (let i = 1; i <= 6; i++) nibble.notify("error", `Message ${i}`);
  });
  const texts = await page.locator(".notice p").allTextContents();
  assert.deepEqual(texts, ["The engine was lost.", "Message 4", "Message 5", "Message 6"]);
  await page.evaluate(() => nibble.notify("error", `The file says ${"?".repeat(100_000)}`));
  assert.ok((await page.locator(".notice p").last().textContent()).length < 2000);
  await page.locator(".notice .close").last().click();
  assert.equal(await page.locator(".notice").count(), 3);
});

test("at 400 % bar and tabs leave the height to the room, on paper they are gone", async (t) => {
  const page = await open(t, { context: { viewport: { width: 360, height: 225 } } });
  await assertFits(page);
  const stuck = () => page.evaluate(() => [...document.querySelectorAll("body *")].filter((node) => ["fixed", "sticky"].includes(getComputedStyle(node).position) && node.checkVisibility() && node.offsetHeight > 0).map((node) => node.id || node.className));
  assert.deepEqual((await stuck()).filter((name) => !/notices|dropveil/.test(name)), []);
  await enter(page, "inside");
  await assertFits(page);
  await page.setViewportSize(WIDE);
  await page.emulateMedia({ media: "print" });
  for (const gone of [".tabs", ".buttons", "#lessons-button"]) assert.ok(await page.locator(gone).isHidden(), gone);
  assert.ok(await page.locator("#layers").isVisible());
});

test("in the system's own colours a switch shows its state, and a tab that it is open", async (t) => {
  const page = await open(t, { room: "model", part: "settings", context: { forcedColors: "active" } });
  const picture = async (selector) => (await page.locator(selector).screenshot()).toString("base64");
  const on = await picture("#set-tanh");
  await page.locator("#set-tanh").press("Space");
  await page.locator("#set-seed").focus();
  assert.notEqual(await picture("#set-tanh"), on, "on and off look alike");
  const style = (selector) => page.evaluate((wanted) => getComputedStyle(document.querySelector(wanted)).outlineStyle, selector);
  assert.deepEqual([await style('[data-tab="model"]'), await style('[data-tab="data"]')], ["solid", "none"]);
  assert.deepEqual(await seriousFindings(page), []);
});

test("reduced motion: nothing is animated", async (t) => {
  const page = await open(t, { settings: { ...RUN, epochs: 9 }, room: "inside", context: { reducedMotion: "reduce" } });
  await openAll(page);
  await page.click("#play");
  await epochs(page, 2);
  const moving = () =>
    page.evaluate(() => {
      const still = (durations) => durations.split(", ").every((duration) => duration === "0s");
      const styled = [...document.querySelectorAll("*")].filter((node) => {
        const { transitionDuration, animationDuration, animationName, scrollBehavior } = getComputedStyle(node);
        return !still(transitionDuration) || (animationName !== "none" && !still(animationDuration)) || scrollBehavior === "smooth";
      });
      return [...styled.map((node) => node.id || node.className), ...document.getAnimations().map(({ effect }) => effect.target.id)];
    });
  assert.deepEqual(await moving(), []);
  await pause(page);
  // A replay is a row of pictures then, a second or more for each.
  await page.evaluate(() => {
    globalThis.changes = [];
    new MutationObserver(() => changes.push(performance.now())).observe(document.querySelector("#moment .replay-text"), { childList: true });
  });
  await page.click("#moment .replay-button");
  await shows(page, "#moment .replay-text", /^after epoch 2/);
  assert.deepEqual(await moving(), []);
  const pauses = await page.evaluate(() => changes.slice(1).map((at, i) => at - changes[i]));
  // Timers may fire a little early by the clock that they are held against.
  assert.ok(pauses.length >= 2 && pauses.every((ms) => ms > 950), `moments change after ${pauses.map(Math.round)} ms`);
});
