/** Rooms: what the registry says of them is so; a new one is a file and an entry; what is not first is loaded when it is opened. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ROOMS, roomOf } from "../../www/rooms.js";
import { assertFits, enter, epochs, NARROW, open, partTabs, PATIENCE, runOf, seriousFindings, shows, SMALL, trained, WIDE } from "./support.mjs";

const shownParts = (page) => page.evaluate(() => [...document.querySelectorAll("main [data-part]")].filter((part) => part.checkVisibility()).map((part) => part.dataset.part));

test("every room brings the parts that its entry names, and no part has two rooms", async (t) => {
  const page = await open(t);
  const brought = await page.evaluate(async () => {
    const { ROOMS: all } = await import("./rooms.js");
    return Promise.all(all.map(async ({ name, load }) => [name, Object.keys((await load()).parts).sort()]));
  });
  assert.deepEqual(brought, ROOMS.map(({ name, parts }) => [name, [...parts].sort()]));
  const parts = ROOMS.flatMap((room) => room.parts);
  assert.equal(new Set(parts).size, parts.length);
  for (const part of parts) assert.ok(roomOf(part).parts.includes(part));
});

const CELLAR = `export const room = { rows: [{ columns: [["barrel"], ["loss"]] }], parts: { barrel: { mount: (root, session) => {
  root.innerHTML = '<h2 id="barrel-title">Barrel</h2><p id="barrel-steps"></p>';
  session.on(["run", "steps"], () => (root.querySelector("#barrel-steps").textContent = "steps " + session.run.globalStep));
} } } };`;

for (const viewport of [WIDE, NARROW]) {
  test(`${viewport.width} px: a new room is a file and an entry: tab, address, parts, what it hears`, async (t) => {
    const prepare = async (opened) => {
      await opened.route("**/rooms/cellar.js", (route) => route.fulfill({ contentType: "text/javascript", body: CELLAR }));
      await opened.route(/\/rooms\.js$/, async (route) => {
        const response = await route.fetch();
        const text = (await response.text()).replace("\n]);", '\n  { name: "cellar", label: "Cellar", parts: ["barrel"], load: () => import("./rooms/cellar.js").then(own) },\n]);');
        await route.fulfill({ response, body: text });
      });
    };
    const page = await open(t, { prepare, settings: SMALL, context: { viewport } });
    await page.click("#step");
    await trained(page, 1);
    await enter(page, "cellar");
    // It comes late, and knows what was before.
    await shows(page, "#barrel-steps", /^steps 1$/);
    assert.match(page.url(), /room=cellar/);
    assert.deepEqual(await shownParts(page), ["barrel", "loss"]);
    await page.click("#step");
    await shows(page, "#barrel-steps", /^steps 2$/);
    await enter(page, "train");
    assert.ok((await shownParts(page)).includes("loss"), "a part that two rooms show is lost to one of them");
    await page.goto(page.url().replace(/[?].*/, "?train=100&test=100&show=barrel,accuracy"));
    await page.waitForFunction(() => globalThis.nibble?.run && !nibble.busy, null, PATIENCE);
    assert.deepEqual(await shownParts(page), ["barrel", "accuracy"]);
    await assertFits(page);
    assert.deepEqual(await seriousFindings(page), []);
  });
}

test("the first screen loads the first room alone; training goes on from room to room, and the last wish counts", async (t) => {
  const loaded = [];
  const prepare = async (page) => page.on("request", (request) => loaded.push(new URL(request.url()).pathname.replace(/^.*\/(?=panels\/)/, "")));
  const page = await open(t, { prepare, settings: { ...SMALL, epochs: 300 } });
  assert.ok(loaded.includes("panels/now.js"));
  for (const late of ["weights", "errors", "runtable", "share", "ptq", "camera"]) assert.ok(!loaded.includes(`panels/${late}.js`), `${late} is loaded at the start`);
  await page.click("#play");
  for (const { name } of ROOMS) {
    const { globalStep } = await runOf(page);
    await enter(page, name);
    await trained(page, globalStep + 1);
    assert.ok(await page.evaluate(() => nibble.playing), name);
  }
  await page.evaluate(() => ["data", "errors", "inside"].forEach((name) => document.querySelector(`[data-tab=${name}]`).click()));
  await page.waitForFunction(() => document.body.dataset.room === "inside");
  assert.deepEqual(await shownParts(page), ["moment", "weights", "activations", "gradients"]);
});

/** How high a room may be, in screens, and whatever of it is open. */
const MOST_SCREENS = 1.5;

test("no room is higher than one and a half screens while it trains, whatever tab is open", async (t) => {
  const page = await open(t, { settings: { train: 640, test: 200, batch: 32, epochs: 300 } });
  await page.click("#play");
  await epochs(page, 1);
  const heights = {};
  const measure = async (what) => {
    const { globalStep } = await runOf(page);
    // What a step changes is drawn by then; all that is due never is, while it trains.
    await trained(page, globalStep + 2);
    heights[what] = await page.evaluate(() => document.documentElement.scrollHeight);
  };
  for (const { name } of ROOMS) {
    await enter(page, name);
    await measure(name);
    for (const part of await partTabs(page)) {
      await page.click(`[data-opens="${part}"]`);
      await measure(`${name} ${part}`);
    }
    if (name !== "inside") continue;
    // The layer that has most to show, and activations that somebody looks at.
    await page.click("[data-layer=conv1]");
    await page.click("#activations-look");
    await page.locator("#activation-layers canvas").first().waitFor();
    await page.locator(".filters canvas").first().waitFor();
    await measure("inside, all of it");
  }
  const high = Object.entries(heights).filter(([, height]) => height > MOST_SCREENS * WIDE.height);
  assert.deepEqual(high, [], JSON.stringify(heights));
});

test("what need not be seen at once is behind tabs: by pointer, by arrows, by what is asked for; asked for together it is all seen", async (t) => {
  const page = await open(t, { room: "runs" });
  const tabs = await partTabs(page);
  assert.deepEqual(await shownParts(page), ["runtable", tabs[0]]);
  await page.click(`[data-opens="${tabs[2]}"]`);
  assert.deepEqual(await shownParts(page), ["runtable", tabs[2]]);
  await page.keyboard.press("ArrowRight");
  assert.deepEqual(await shownParts(page), ["runtable", tabs[3]]);
  assert.equal(await page.evaluate(() => document.activeElement.dataset.opens), tabs[3]);
  await page.keyboard.press("End");
  assert.deepEqual(await shownParts(page), ["runtable", tabs.at(-1)]);
  await page.keyboard.press("ArrowRight");
  assert.deepEqual(await shownParts(page), ["runtable", tabs[0]]);
  // A room that was left is as it was.
  await page.click(`[data-opens="${tabs[4]}"]`);
  await enter(page, "train");
  await enter(page, "runs");
  assert.deepEqual(await shownParts(page), ["runtable", tabs[4]]);
  await page.goto(page.url().replace(/[?].*/, `?train=100&test=100&show=${[...tabs, "fixed"].join()}`));
  await page.waitForFunction(() => globalThis.nibble?.run && !nibble.busy, null, PATIENCE);
  assert.deepEqual(await shownParts(page), [...tabs, "fixed"]);
});

test("Back and Forward go from room to room, and to parts that an address put together; settings stay as they are", async (t) => {
  const page = await open(t, { search: "?train=100&test=100&show=accuracy,fixed" });
  const at = async (room, parts) => {
    await page.waitForFunction((wanted) => document.body.dataset.room === wanted, room);
    assert.deepEqual((await shownParts(page)).slice(0, parts.length), parts);
    // The address is that of the room, with the settings of now.
    assert.match(page.url(), room === "stage" ? /show=accuracy%2Cfixed/ : new RegExp(room === "train" ? "seed=1" : `room=${room}`));
    assert.match(page.url(), new RegExp(`batch=${await page.evaluate(() => nibble.settings.batch)}(&|$)`));
  };
  await at("stage", ["accuracy", "fixed"]);
  await enter(page, "runs");
  await enter(page, "runs");
  await enter(page, "inside");
  await page.evaluate(() => nibble.set("batch", 64));
  await page.waitForFunction(() => nibble.run.settings.batch === 64 && !nibble.busy);
  await page.goBack();
  await at("runs", ["runtable"]);
  await page.goBack();
  await at("stage", ["accuracy", "fixed"]);
  await page.goForward();
  await page.goForward();
  await at("inside", ["moment", "weights"]);
  assert.equal(await page.evaluate(() => nibble.run.settings.batch), 64);
});
