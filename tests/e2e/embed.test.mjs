/** The page in a frame of a foreign page: no isolation, no service worker, nothing kept; and views of some parts. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { foreignPage } from "./foreign.mjs";
import { proxy } from "./proxy.mjs";
import { assertFits, ISOLATED, NARROW, open, PATIENCE, PLAIN, screenshot, seriousFindings, shows, SMALL, theBrowser, trained, watch, WIDE } from "./support.mjs";

/** Opens the foreign page; resolves with its page and the frame in it. */
async function framed(t, source, context = {}, headers = {}) {
  const opened = await (await theBrowser()).newContext({ viewport: WIDE, ...context });
  const problems = [];
  // Also what a link in the frame opens.
  opened.on("page", (page) => watch(page, problems));
  const page = await opened.newPage();
  t.after(async () => {
    await opened.close();
    assert.deepEqual(problems, [], "the page had problems");
  });
  await page.goto(await foreignPage(t, source, { allow: "cross-origin-isolated", headers }));
  const frame = await (await page.locator("iframe").elementHandle()).contentFrame();
  await frame.waitForFunction(() => globalThis.nibble?.run && !nibble.busy, null, PATIENCE);
  return { page, frame };
}

const query = (view) => `?${new URLSearchParams({ ...SMALL, ...view })}`;

for (const [server, url] of [["with the isolation headers", ISOLATED], ["without them", PLAIN]]) {
  for (const [width, viewport] of [[1440, WIDE], [390, NARROW]]) {
    test(`foreign frame, ${width} px, a host ${server}: trains on one thread, by pointer and keyboard`, async (t) => {
      const { page, frame } = await framed(t, `${url}${query({})}&embed`, { viewport });
      assert.deepEqual(await frame.evaluate(() => [crossOriginIsolated, nibble.engine.threads]), [false, 1]);
      await frame.click("#play");
      await frame.waitForFunction(() => nibble.run.globalStep >= 3, null, PATIENCE);
      await frame.focus("#play");
      await page.keyboard.press("Enter");
      await frame.waitForFunction(() => nibble.run.status === "paused", null, PATIENCE);
      for (const hidden of [".masthead", "footer", "#share", "#device", "#drop"]) assert.ok(!(await frame.locator(hidden).isVisible()), hidden);
      for (const shown of [".transport", "#settings", "#accuracy", "#loss", "#weights"]) assert.ok(await frame.locator(shown).isVisible(), shown);
      assert.equal(await frame.locator(".notice").count(), 0, "a message covers the small frame");
      await assertFits(frame);
      assert.deepEqual(await seriousFindings(frame), []);
      // Browsers that block what foreign frames store throw here: then nothing is kept either.
      const kept = await frame.evaluate(async () => {
        const none = () => [];
        const workers = await Promise.resolve(navigator.serviceWorker?.getRegistrations() ?? []).catch(none);
        return [workers.length, (await caches.keys().catch(none)).length];
      });
      assert.deepEqual(kept, [0, 0]);
      await screenshot(page, `${width}-embed-${url === PLAIN ? "plain" : "isolated"}`);
    });
  }
}

test("a frame shows the parts that its address names, and links to the whole page with the same settings", async (t) => {
  const { page, frame } = await framed(t, `${PLAIN}${query({ embed: 1, show: "loss", seed: 7 })}`);
  assert.deepEqual(await frame.evaluate(() => ["#loss", "#accuracy", "#weights", "#settings", "#compare"].map((part) => document.querySelector(part)?.checkVisibility() ?? false)), [true, false, false, false, false]);
  const [whole] = await Promise.all([page.context().waitForEvent("page"), frame.getByRole("link", { name: "Open here" }).click()]);
  await whole.waitForFunction(() => globalThis.nibble?.run && !nibble.busy, null, PATIENCE);
  assert.equal(await whole.evaluate(() => nibble.run.settings.seed), 7);
  assert.ok(await whole.locator(".masthead").isVisible());
  await screenshot(page, "embed-loss-only");
});

test("a frame tells its host how high it is, and again when that changes", async (t) => {
  const { page, frame } = await framed(t, `${PLAIN}${query({ embed: 1, show: "loss" })}`);
  const next = () =>
    page.evaluate(() => new Promise((told) => addEventListener("message", ({ data }) => data.nibble && told(data.nibble.height), { once: true })));
  const told = next();
  await page.locator("iframe").evaluate((node) => (node.style.width = "340px"));
  const height = await told;
  assert.equal(height, await frame.evaluate(() => Math.ceil(document.body.getBoundingClientRect().height)));
  assert.ok(height > 250 && height < 900, `${height} px`);
});

test("in a page that is isolated itself the frame has all threads, where its host lets it", async (t) => {
  const host = await proxy(t, ISOLATED);
  host.alter("/", (answer) => ({ ...answer, headers: { ...answer.headers, "cross-origin-resource-policy": "cross-origin" } }));
  const isolating = { "cross-origin-opener-policy": "same-origin", "cross-origin-embedder-policy": "require-corp" };
  const { frame } = await framed(t, `${host.url}${query({})}&embed`, {}, isolating);
  const [isolated, threads, cores] = await frame.evaluate(() => [crossOriginIsolated, nibble.engine.threads, navigator.hardwareConcurrency]);
  assert.deepEqual([isolated, threads], [true, cores]);
});

for (const [hand, viewport] of [["pointer", WIDE], ["keyboard", NARROW]]) {
  test(`a lesson in a frame, by ${hand}: closed, it can be opened again`, async (t) => {
    const { page, frame } = await framed(t, `${PLAIN}?embed&lesson=levels`, { viewport });
    await frame.locator("#lesson-next").click();
    await frame.click("#play");
    await frame.locator(".lesson-task.met").waitFor({ timeout: 120_000 });
    await frame.click("#play");
    assert.deepEqual(await seriousFindings(frame), []);
    await assertFits(frame);
    await screenshot(page, `${viewport.width}-embed-lesson`, false);
    if (hand === "pointer") await frame.click("#lessons-close");
    else await frame.locator("#lesson-step").press("Escape");
    await frame.locator("#lessons").waitFor({ state: "hidden" });
    const again = frame.locator("#lessons-again");
    await again.waitFor();
    await assertFits(frame);
    assert.equal(await frame.evaluate(() => document.activeElement.id), "lessons-again");
    // Not of the whole page: that sets the window's size and back, and what is pressed next has to stand still.
    await screenshot(page, `${viewport.width}-embed-lesson-closed`, false);
    if (hand === "pointer") await again.click();
    else await page.keyboard.press("Enter");
    await frame.locator("#lesson-step").waitFor();
    assert.equal(await frame.evaluate(() => document.activeElement.id), "lesson-step");
    assert.ok(!(await again.isVisible()), "what is open needs no opener");
  });
}

test("show= works on the whole page too", async (t) => {
  const page = await open(t, { search: query({ show: "accuracy,share" }) });
  assert.ok(await page.locator("#accuracy").isVisible());
  assert.ok(await page.locator("#share").isVisible());
  assert.ok(!(await page.locator("#loss").isVisible()));
  await page.click("#step");
  await trained(page, 1);
  await shows(page, "#accuracy", /Training accuracy/, "aria-label");
});
