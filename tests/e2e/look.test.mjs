/** How the page stands: accessible, steady, never busy itself; and pictures of it to look at. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { longTasks, observe } from "./observe.mjs";
import { assertFits, epochs, NARROW, open, screenshot, seriousFindings, trained, WIDE } from "./support.mjs";

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
      await page.waitForTimeout(300);
      await screenshot(page, `${width}-${colorScheme}-training`);
      await assertFits(page);
      // Everything opened, and a message shown.
      await page.evaluate(() => {
        for (const details of document.querySelectorAll("details")) details.open = true;
      });
      await page.uncheck("#set-tanh");
      await page.evaluate(() => nibble.notify("error", "data_batch_1.bin: expected a multiple of 3073 bytes, found 5000."));
      assert.deepEqual(await seriousFindings(page), []);
      await screenshot(page, `${width}-${colorScheme}-open`);
    });
  }
}

test("no task over 50 ms on the page's thread while training, and nothing moves", async (t) => {
  const page = await open(t, { settings: { ...RUN, epochs: 20 }, init: observe });
  await page.click("#play");
  const tasks = await longTasks(page, (window) => epochs(page, 2 * window));
  assert.deepEqual(tasks, []);
  const shifts = await page.evaluate(() => observed.shift);
  assert.ok(shifts < 0.02, `layout shift ${shifts}`);
});

test("interactive within two seconds, on a machine of its own", async (t) => {
  const page = await open(t, { ready: false });
  await page.locator("#play:enabled").click();
  const clicked = await page.evaluate(() => performance.now());
  assert.ok(clicked < 2000, `the first press took ${Math.round(clicked)} ms`);
  await trained(page, 1);
});

test("reduced motion: nothing is animated", async (t) => {
  const page = await open(t, { context: { reducedMotion: "reduce" } });
  const moving = await page.evaluate(() =>
    [...document.querySelectorAll("*")].filter((node) => getComputedStyle(node).transitionDuration !== "0s").length,
  );
  assert.equal(moving, 0);
});
