/** Everything that the page can do, wherever it stands: not isolated, in a frame of another site, without a network. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { PARTS } from "../../www/parts.js";
import { foreignPage } from "./foreign.mjs";
import { CROSSED } from "./lab.mjs";
import { proxy } from "./proxy.mjs";
import { assertFits, drawn, enter, hasRun, open, PATIENCE, PLAIN, screenshot, seriousFindings, shows } from "./support.mjs";
import { RUN, walk } from "./tour.mjs";

const context = (screen, more = {}) => ({ ...screen, permissions: ["clipboard-read", "clipboard-write"], ...more });

/** Place -> opens the page there; resolves with the browser's page and, where it is in one, the frame. */
const PLACES = {
  async "un-isolated"(t, screen) {
    const page = await open(t, { url: PLAIN, settings: RUN, context: context(screen, { serviceWorkers: "block" }) });
    assert.equal(await page.evaluate(() => crossOriginIsolated), false);
    return { page, where: page };
  },

  async "foreign frame"(t, screen) {
    const query = new URLSearchParams({ ...RUN, embed: 1, show: Object.keys(PARTS).join(), lesson: "race.1" });
    const page = await open(t, { url: await foreignPage(t, `${PLAIN}?${query}`, { allow: "clipboard-write", height: Math.min(800, screen.viewport.height) }), search: "", ready: false, context: context(screen) });
    const where = await (await page.locator("iframe").elementHandle()).contentFrame();
    await hasRun(where);
    assert.equal(await where.evaluate(() => crossOriginIsolated), false);
    return { page, where };
  },

  async offline(t, screen) {
    const server = await proxy(t, PLAIN);
    const page = await open(t, { url: server.url, settings: RUN, context: context(screen) });
    await page.waitForFunction(() => globalThis.nibble?.offline?.version, null, PATIENCE);
    await page.context().setOffline(true);
    await server.down();
    await page.reload();
    await hasRun(page);
    await enter(page, "data");
    await shows(page, "#device-page", /works without a network/);
    return { page, where: page };
  },
};

/** Makes room for all that is in the frame, so that a picture of the page shows it. */
async function unroll(page, frame) {
  const high = await frame.evaluate(() => document.documentElement.scrollHeight);
  await page.locator("iframe").evaluate((node, px) => (node.style.height = `${px}px`), high);
  await page.setViewportSize({ width: page.viewportSize().width, height: high + 120 });
  await frame.waitForFunction((px) => innerHeight === px, high, PATIENCE);
}

for (const [i, [place, visit]] of Object.entries(PLACES).entries()) {
  for (const { name, width, screen, hand } of CROSSED[(i + 1) % CROSSED.length]) {
    test(`${place}, ${name}: everything that the page can do`, async (t) => {
      const { page, where } = await visit(t, screen);
      page.setDefaultTimeout(PATIENCE.timeout);
      await walk({ t, page, where, hand });
      assert.deepEqual(await seriousFindings(where), []);
      await assertFits(where);
      if (where !== page) await unroll(page, where);
      await drawn(where);
      await screenshot(page, `${width}-${place.replace(" ", "-")}-${hand}`);
    });
  }
}
