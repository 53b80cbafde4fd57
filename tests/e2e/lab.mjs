/** What the tests of the lab share: widths, ways to press, and how the page must stand afterwards. */
import assert from "node:assert/strict";
import { assertFits, LANDSCAPE, NARROW, opener, PATIENCE, screenshot, seriousFindings, TABLET, WIDE } from "./support.mjs";

const way = (viewport, hand) => ({ name: `${viewport.width} px, ${hand}`, width: viewport.width, screen: { viewport, hasTouch: hand === "touch" }, hand });

/**
 * Pairs of ways: each has two sizes and two hands. A test takes one of them, and the next one another, so that places, sizes
 * and hands meet without everything being done twelve times.
 */
export const CROSSED = [
  [way(WIDE, "pointer"), way(NARROW, "keyboard")],
  [way(WIDE, "keyboard"), way(NARROW, "touch")],
  [way(TABLET, "keyboard"), way(LANDSCAPE, "pointer")],
  [way(TABLET, "touch"), way(LANDSCAPE, "keyboard")],
];

/** Presses what `selector` finds with the mouse or a finger. */
export const point = (page, selector, hand, options) => (hand === "touch" ? page.tap(selector, options) : page.click(selector, options));

/** Most presses of the tab key that reach anything on the page. */
const MOST_TABS = 250;

/** Presses of it between two looks at where it has led. */
const TABS = 8;

/** Tabs on, or back, to what `selector` finds, as a person would; it must be the tab key that reaches it. */
export async function tabTo(page, selector) {
  // Where it has led to what is wanted, the key leads no further: a look after each press would take as long as the press.
  const back = await page.evaluate((wanted) => {
    globalThis.tabbing?.abort();
    globalThis.tabbing = new AbortController();
    const hold = (event) => {
      if (event.key !== "Tab" || !document.activeElement?.matches(wanted)) return;
      event.preventDefault();
      event.stopImmediatePropagation();
    };
    addEventListener("keydown", hold, { capture: true, signal: tabbing.signal });
    const { activeElement, body } = document;
    const follows = document.querySelector(wanted)?.compareDocumentPosition(activeElement) & Node.DOCUMENT_POSITION_FOLLOWING;
    return activeElement !== body && Boolean(follows);
  }, selector);
  const there = () =>
    page.evaluate((wanted) => {
      const is = document.activeElement?.matches(wanted) ?? false;
      if (is) tabbing.abort();
      return is;
    }, selector);
  for (let presses = 0; !(await there()); presses += TABS) {
    assert.ok(presses < MOST_TABS, `the tab key does not reach ${selector}`);
    for (let i = 0; i < TABS; i++) await page.keyboard.press(back ? "Shift+Tab" : "Tab");
  }
}

/** What is found in which room, by how a selector begins. */
const FOUND_IN = [
  [/^#(race|fork|compare-|ptq-|outlier-|sweep-|runs-)|^\[aria-label="Drop/, "runs"],
  [/^#(accuracy|loss|health)-/, "train"],
  [/^#(sensitivity|assignment|pareto)-/, "bits"],
  [/^#(weights|layers)/, "inside"],
  [/^#set-/, "model"],
  [/^(#try|\.sketch|input\[name="try)/, "errors"],
];

/** Goes to the room that has what `selector` finds, where that is out of sight, and opens what it is behind there. */
export async function goTo(page, selector, hand) {
  const room = FOUND_IN.find(([begins]) => begins.test(selector))?.[1];
  if (!room || (await page.locator(selector).first().isVisible())) return;
  if ((await page.evaluate(() => document.body.dataset.room)) !== room) await goToRoom(page, room, hand);
  await uncover(page, selector, hand);
}

async function goToRoom(page, room, hand) {
  const tab = `[data-tab="${room}"]`;
  if (!(await page.locator(tab).isVisible())) await press(page, ".tab-more", hand);
  await press(page, tab, hand);
  await until(page, (wanted) => document.body.dataset.room === wanted, room);
}

/** Opens the tab and the drawer that `selector` is behind, where there are any. */
export async function uncover(page, selector, hand) {
  for (let next; (next = await opener(page, selector)); ) {
    if (hand !== "keyboard") await point(page, next, hand);
    else if (next.startsWith("#tab-")) await arrowTo(page, next);
    else {
      await tabTo(page, next);
      await page.keyboard.press("Enter");
    }
    // What a summary opens is there a moment later.
    await page.waitForFunction(([wanted, pressed]) => !document.querySelector(wanted).closest(pressed.startsWith("#tab-") ? "[role=tabpanel][hidden]" : `${pressed.split(" ")[0]}:not([open])`), [selector, next], PATIENCE);
  }
}

/** Goes to a tab of a row of them: the tab key reaches the open one, arrows the others. */
async function arrowTo(page, tab) {
  await tabTo(page, `[role=tablist]:has(${tab}) [aria-selected=true]`);
  const there = () => page.evaluate((wanted) => document.activeElement.matches(wanted), tab);
  for (let presses = 0; !(await there()); presses++) {
    assert.ok(presses < MOST_TABS, `the arrows do not reach ${tab}`);
    await page.keyboard.press("ArrowRight");
  }
}

/** Presses a button, once it can be pressed. */
export async function press(page, selector, hand) {
  await goTo(page, selector, hand);
  await page.waitForFunction((wanted) => document.querySelector(wanted)?.disabled === false, selector, PATIENCE);
  if (hand !== "keyboard") {
    await point(page, selector, hand);
    return;
  }
  await tabTo(page, selector);
  await page.keyboard.press("Enter");
}

/** Chooses an entry of a menu, by keyboard by typing its beginning. */
export async function choose(page, selector, label, hand) {
  await goTo(page, selector, hand);
  if (hand !== "keyboard") {
    await page.selectOption(selector, { label });
    return;
  }
  await tabTo(page, selector);
  await page.keyboard.type(label);
  assert.equal(await page.evaluate((wanted) => document.querySelector(wanted).selectedOptions[0].label, selector), label);
}

/** Waits until `body`, run in the page, is true. */
export const until = (page, body, argument = null) => page.waitForFunction(body, argument, PATIENCE);

/** Waits until no run trains and the page shows it. */
export const still = (page) => until(page, () => !nibble.playing && !nibble.busy && document.body.dataset.status !== "playing");

/** What the page knows of its runs. */
export const runsOf = (page) =>
  page.evaluate(() =>
    nibble.runs.map(({ id, slot, label, fork, marks, globalStep, losses, epochs, status, settings, info, alarm, curves }) => ({
      id, slot, label, fork, marks, globalStep, losses, status, settings, alarm,
      config: info.config,
      begins: curves.trainLoss.xs[0],
      tests: epochs.map(({ testAccuracy }) => testAccuracy),
    })),
  );

/** Accessible, no wider than the window; and a picture of it. */
export async function stands(page, name) {
  assert.deepEqual(await seriousFindings(page), []);
  await assertFits(page);
  await screenshot(page, name);
}
