/**
 * A walk through everything that the page can do, written once for every place where the page can stand: by pointer, by
 * touch or by nothing but the keyboard, on a page or in a frame of another one.
 */
import assert from "node:assert/strict";
import { choose, point, still, tabTo, uncover, until } from "./lab.mjs";
import { pictureFolder } from "./pictures.mjs";
import { PATIENCE, shows } from "./support.mjs";

/** As few images as the page takes, and epochs without end: nothing finishes before it is paused. */
export const RUN = { train: 100, test: 100, batch: 16, epochs: 1000, augment: 0, lr: 0.003 };

/** Of a finger that draws a line: how often it moves, and milliseconds in between and before it is lifted. */
const MOVES = 6;
const PAUSE = 30;
const REST = 200;
/** What makes the next step overflow, in a layer that a normalization follows: in the last one its input may be 0. */
const OVERFLOW = 1e38;
const FRUIT = { apples: { hue: 0, count: 30 }, limes: { hue: 100, count: 30 } };

/** Someone who works the page, or the page in a frame, by one kind of hand. */
class Visitor {
  /** What the keyboard has reached last. */
  #last = "";

  /**
   * @param {object} options
   * @param {import("node:test").TestContext} options.t
   * @param {import("playwright-core").Page} options.page
   * @param {import("playwright-core").Page|import("playwright-core").Frame} options.where where Nibble is
   * @param {"pointer"|"touch"|"keyboard"} options.hand
   */
  constructor({ t, page, where, hand }) {
    const { keyboard } = page;
    // What is pressed in a frame is pressed on its page.
    if (where !== page) Object.assign(where, { keyboard });
    Object.assign(this, { t, page, where, hand, keyboard, framed: where !== page, pointing: hand !== "keyboard" });
  }

  /** Waits until the last press has left the keyboard somewhere: what was pressed may go, and the page moves on a frame later. */
  async #kept() {
    if (!this.#last) return;
    await this.until(() => document.activeElement !== document.body).catch(() => assert.fail(`${this.#last} has lost the focus`));
  }

  /** Tabs to what `selector` finds, from where the last press has left the keyboard. */
  async reach(selector) {
    await this.#kept();
    await tabTo(this.where, selector);
    this.#last = selector;
  }

  /** Waits until what `selector` finds can be used: the page may draw it a frame after it knows. */
  async ready(selector) {
    if (!this.pointing) await this.#kept();
    await uncover(this.where, selector, this.hand);
    return this.until((wanted) => {
      const found = document.querySelector(wanted);
      return Boolean(found?.checkVisibility() && found.matches(":not(:disabled, [aria-disabled=true])"));
    }, selector);
  }

  /** Opens a room by its tab; where parts of all rooms are shown together there are none. */
  async enter(room) {
    if (this.framed || (await this.ask(() => document.body.dataset.room)) === room) return;
    const tab = `[data-tab="${room}"]`;
    if (!(await this.where.locator(tab).isVisible())) await this.press(".tab-more");
    await this.press(tab);
    await this.until((wanted) => document.body.dataset.room === wanted, room);
  }

  /** Presses what is behind the menu of the bar. */
  async pressInMenu(selector) {
    await this.press("#menu > summary");
    await this.press(selector);
  }

  /** Presses what `selector` finds with the mouse or a finger. */
  point(selector, options) {
    return point(this.where, selector, this.hand, options);
  }

  /** Presses a button, or what else answers to Enter, once it can be pressed. */
  async press(selector) {
    await this.ready(selector);
    if (this.pointing) return this.point(selector);
    await this.reach(selector);
    await this.keyboard.press("Enter");
  }

  async choose(selector, label) {
    await this.ready(selector);
    if (!this.pointing) await this.reach(selector);
    await choose(this.where, selector, label, this.hand);
  }

  until(body, argument) {
    return until(this.where, body, argument);
  }

  shows(...what) {
    return shows(this.where, ...what);
  }

  ask(body, argument) {
    return this.where.evaluate(body, argument);
  }

  still() {
    return still(this.where);
  }

  /** Turns a switch. */
  async turn(selector) {
    if (this.pointing) return this.point(selector);
    await this.reach(selector);
    await this.keyboard.press("Space");
  }

  /** Chooses the radio button that has this label. @param {string} group selector */
  async pick(group, label) {
    const chosen = (text) => this.ask(([box, wanted]) => document.querySelector(`${box} input:checked`).parentElement.textContent === wanted, [group, text]);
    if (this.pointing) await this.point(`${group} label:has-text("${label}")`);
    else {
      await this.reach(`${group} input:checked`);
      const count = await this.where.locator(`${group} input`).count();
      for (let presses = 1; presses < count && !(await chosen(label)); presses++) await this.keyboard.press("ArrowRight");
    }
    assert.ok(await chosen(label), `${label} is not chosen`);
  }

  /** Moves a slider to one of its ends. @param {"Home"|"End"} end */
  async slide(selector, end) {
    if (!this.pointing) {
      await this.reach(selector);
      await this.keyboard.press(end);
      return;
    }
    const { width, height } = await this.where.locator(selector).boundingBox();
    await this.point(selector, { position: { x: end === "Home" ? 3 : width - 3, y: height / 2 } });
  }

  /** Draws a line with a finger; ends are shares of the width and the height. */
  async stroke(selector, from, to) {
    const sheet = this.where.locator(selector);
    // Away from what stands at the window's edges.
    await sheet.evaluate((node) => node.scrollIntoView({ block: "center" }));
    const { x, y, width, height } = await sheet.boundingBox();
    const at = (share) => [0, 1].map((axis) => [x, y][axis] + (from[axis] + share * (to[axis] - from[axis])) * [width, height][axis]);
    const finger = await this.page.context().newCDPSession(this.page);
    const touch = (type, places) => finger.send("Input.dispatchTouchEvent", { type, touchPoints: places.map(([left, top]) => ({ x: left, y: top })) });
    await touch("touchStart", [at(0)]);
    // A finger that is lifted on its way flings, and the next tap would only end that.
    for (let moves = 1; moves <= MOVES; moves++) {
      await touch("touchMove", [at(moves / MOVES)]);
      await this.page.waitForTimeout(PAUSE);
    }
    await this.page.waitForTimeout(REST);
    await touch("touchEnd", []);
    await finger.detach();
  }

  /** Types over what a field holds. */
  async type(selector, text) {
    if (this.pointing) await this.point(selector);
    else await this.reach(selector);
    await this.keyboard.press("Control+a");
    await this.keyboard.type(text);
    await this.keyboard.press("Enter");
  }

  /** Opens what is folded, where it is not open. @param {string} details selector */
  async unfold(details) {
    await uncover(this.where, `${details} > summary`, this.hand);
    if (await this.ask((wanted) => document.querySelector(wanted).open, details)) return;
    await this.press(`${details} > summary`);
    await this.until((wanted) => document.querySelector(wanted).open, details);
  }

  /** Trains until `body`, run in the page, is true; pauses. */
  async trainUntil(body) {
    await this.press("#play");
    await this.until(body);
    await this.press("#play");
    await this.still();
  }

  async step() {
    const steps = await this.ask(() => nibble.run.globalStep);
    await this.press("#step");
    await this.until((before) => nibble.run.globalStep === before + 1, steps);
    await this.still();
  }

  /** Presses a button that asks for files, and chooses these. */
  async offer(selector, files) {
    const [chooser] = await Promise.all([this.page.waitForEvent("filechooser"), this.press(selector)]);
    await chooser.setFiles(files);
  }

  /** Drops one of two runs. */
  async drop(label) {
    await this.enter("runs");
    await this.press(`[aria-label="Drop ${label}"]`);
    await this.until(() => nibble.runs.length === 1 && !nibble.busy);
  }
}

/** A frame has no list of lessons: its address names one. */
async function lesson(visitor) {
  if (!visitor.framed) {
    await visitor.press("#lessons-button");
    await visitor.press('[data-lesson="race"]');
  }
  await visitor.until(() => nibble.settings.lesson === "race.1" && nibble.runs.length === 1 && !nibble.busy);
  await visitor.enter("runs");
  await visitor.choose("#compare-with", "FP32");
  await visitor.press("#race");
  await visitor.until(() => document.querySelector(".lesson-task.met"));
  await visitor.press("#lesson-next");
  await visitor.until(() => nibble.settings.lesson === "race.2");
  await visitor.press("#lessons-close");
  await visitor.until(() => document.querySelector("#lessons").hidden && nibble.settings.lesson === "");
  await visitor.drop("FP32");
}

async function train(visitor) {
  await visitor.enter("train");
  await visitor.trainUntil(() => nibble.run.globalStep >= 2);
  await visitor.step();
  await visitor.shows("#health-gradient", /^\d+\.\d\d$/);
  await visitor.shows("#health-saturation", /^\d+\.\d %$/);
  await visitor.shows("#health-numbers", /^all finite$/);
  await visitor.pressInMenu("#reset");
  await visitor.until(() => nibble.run.globalStep === 0 && !nibble.busy);
}

async function race(visitor) {
  await visitor.enter("runs");
  await visitor.choose("#compare-with", "FP32");
  await visitor.press("#race");
  await visitor.until(() => nibble.runs.length === 2 && !nibble.busy);
  await visitor.trainUntil(() => nibble.runs.every(({ epochs }) => epochs.length >= 1));
  await visitor.shows("#compare-gap", /(leads by|Level).*on the test images/);
  await visitor.shows("#gap", /(leads by|Level)/, "aria-label");
}

async function legend(visitor) {
  await visitor.enter("train");
  const chip = "#loss-legend .slot-1 .chip";
  for (const shown of ["false", "true"]) {
    await visitor.press(chip);
    await visitor.shows(chip, new RegExp(`^${shown}$`), "aria-pressed");
  }
}

async function quantizeAfterTraining(visitor) {
  await visitor.enter("runs");
  await visitor.press("#ptq-go");
  await visitor.until(() => nibble.runs[1].afterTraining?.running === false);
  await visitor.shows("#cliff", /FP32 [\d.]+ %, 8 bits [\d.]+ %.*2 bits [\d.]+ %.*Trained with Symmetric at 4 bits: [\d.]+ %/, "aria-label");
  await visitor.shows("#ptq-note", /At 4 bits: [\d.]+ % rounded/);
}

async function bothRuns(visitor) {
  await visitor.enter("inside");
  await visitor.pick("#weights .run-switch", "Both");
  await visitor.until(() => document.querySelectorAll("#layers canvas").length === 2 * nibble.run.layers.length);
  await visitor.enter("errors");
  await visitor.pick("#errors .run-switch", "FP32");
  await visitor.drop("FP32");
}

async function fork(visitor) {
  await visitor.enter("runs");
  await visitor.choose("#compare-with", "3-bit");
  await visitor.press("#fork");
  await visitor.until(() => nibble.runs.length === 2 && !nibble.busy);
  await visitor.trainUntil(() => nibble.runs[1].fork.step > 0 && nibble.runs.every(({ globalStep }) => globalStep > nibble.runs[1].fork.step));
  await visitor.shows("#compare-runs", /4-bit.*3-bit.*forked at \d/);
  await visitor.drop("3-bit");
}

async function outlier(visitor) {
  await visitor.enter("runs");
  await visitor.choose("#outlier-layer", "conv3");
  await visitor.press("#outlier-go");
  await visitor.shows("#outlier-table", /before.*with the outlier/);
  const [before, after] = await visitor.ask(() => [...document.querySelectorAll("#outlier-table tbody tr td:nth-child(3)")].map((cell) => Number(cell.textContent)));
  // Figures of three digits.
  assert.ok(Math.abs(after / before / 20 - 1) < 0.02, `spacing ${before}, with the outlier ${after}`);
}

async function bits(visitor) {
  await visitor.enter("bits");
  await visitor.choose("#sensitivity-way", "Rounding noise");
  await visitor.press("#sensitivity-go");
  await visitor.shows("#sensitivity-note", /^\w+ minds most/);
  await visitor.shows("#assignment-left", /^Spent: [\d.]+ bits a weight/);
  await visitor.press("#assignment-use");
  await visitor.until(() => nibble.waiting.some(({ key }) => key === "bits"));
  await visitor.press("#undo");
  await visitor.until(() => nibble.waiting.length === 0);
}

async function alarm(visitor) {
  await visitor.enter("train");
  await visitor.ask((factor) => nibble.experiments.injectOutlier("conv1", factor), OVERFLOW);
  await visitor.press("#step");
  await visitor.until(() => nibble.run.alarm);
  await visitor.still();
  await visitor.shows("#health-numbers", /^not finite$/);
  const steps = await visitor.ask(() => nibble.run.globalStep);
  await visitor.press(".notice-error button.small");
  await visitor.until((stopped) => !nibble.run.alarm && nibble.run.globalStep > stopped, steps);
  await visitor.press("#play");
  await visitor.still();
  await visitor.shows("#health-numbers", /^all finite$/);
  assert.equal(await visitor.where.locator(".notice-error").count(), 0);
}

async function weights(visitor) {
  await visitor.enter("inside");
  const slider = "#moment input[type=range]";
  await visitor.slide(slider, "Home");
  await visitor.shows("#moment .replay-text", /^before training$/);
  await visitor.slide(slider, "End");
  await visitor.shows("#moment .replay-text", /^now$/);
  const cut = await visitor.ask(() => [...document.querySelectorAll("#layers strong")].filter(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth).length);
  assert.equal(cut, 0, "names of layers have no room");
  await visitor.press('[data-layer="conv1"]');
  await visitor.shows("#layer-title", /^conv1$/);
  await visitor.until(() => document.querySelectorAll(".filters canvas[aria-label]").length === 2);
  if (!(await visitor.where.locator("#layer-dialog").isVisible())) return;
  await visitor.press("#layer-dialog [aria-label=Close]");
  await visitor.until(() => !document.querySelector("#layer-dialog").open && document.activeElement.dataset.layer === "conv1");
}

/** The cell off the diagonal that counts most images. */
const mostMistaken = (visitor) =>
  visitor.ask(() => {
    const { confusion } = nibble.run.epochs.at(-1);
    const { classes } = nibble.run.data;
    const cells = confusion.map((count, i) => ({ count, row: Math.floor(i / classes.length), column: i % classes.length }));
    const { row, column } = cells.filter((cell) => cell.row !== cell.column).sort((a, b) => b.count - a.count)[0];
    return { row, column, truth: classes[row], taken: classes[column] };
  });

async function errors(visitor) {
  await visitor.enter("errors");
  const { row, column, truth, taken } = await mostMistaken(visitor);
  if (visitor.pointing) await visitor.point(`[data-row="${row}"][data-column="${column}"]`);
  else {
    await visitor.reach("#confusion [role=gridcell][tabindex='0']");
    await visitor.keyboard.press("Control+Home");
    for (let i = 0; i < row; i++) await visitor.keyboard.press("ArrowDown");
    for (let i = 0; i < column; i++) await visitor.keyboard.press("ArrowRight");
    await visitor.keyboard.press("Enter");
  }
  await visitor.shows("#gallery-title", new RegExp(`^${truth} taken for ${taken}$`));
  const bars = await visitor.where.locator("#gallery > li:visible >> nth=0").locator(".bar-name").allTextContents();
  assert.equal(bars.length, 3);
  assert.equal(bars[0], taken);
  await visitor.press(`.class-bar[data-class="${row}"]`);
  await visitor.shows("#gallery-title", new RegExp(`^${truth}: mistakes$`));
  await visitor.press("#errors .errors-images header button");
  await visitor.shows("#gallery-title", /^Most wrong$/);
}

async function tryIt(visitor) {
  await visitor.enter("errors");
  await visitor.pick("#try .segments", "Draw");
  if (visitor.hand === "touch") await visitor.stroke(".sketch", [0.2, 0.3], [0.8, 0.6]);
  else if (visitor.pointing) {
    const sheet = visitor.where.locator(".sketch");
    const { width, height } = await sheet.boundingBox();
    await sheet.hover({ position: { x: 0.2 * width, y: 0.3 * height } });
    await visitor.page.mouse.down();
    await sheet.hover({ position: { x: 0.8 * width, y: 0.6 * height } });
    await visitor.page.mouse.up();
  } else {
    await visitor.reach(".sketch");
    for (const key of ["Space", "ArrowDown", "ArrowDown", "ArrowRight", "Space"]) await visitor.keyboard.press(key);
  }
  await visitor.until(() => {
    const { data } = document.querySelector("#try-seen").getContext("2d").getImageData(0, 0, 32, 32);
    return data[0] === 255 && data.some((value) => value < 100);
  });
  await visitor.shows(".verdict .probabilities", /^(\D+[\d.]+ %){5}$/);
  await visitor.shows(".verdict .sizes", /^Packed[\d.]+ KBFP32[\d.]+ KB$/);
}

/**
 * The clipboard is read on the page that the visitor is on: what a frame has copied, its host has. It can be read only
 * in a window that has the focus, which a download may take for a moment.
 */
async function share(visitor) {
  await visitor.enter("export");
  const { page, where } = visitor;
  const [download] = await Promise.all([page.waitForEvent("download"), visitor.press('[data-save="epochs"]')]);
  assert.match(download.suggestedFilename(), /^nibble-.*\.epochs\.csv$/);
  await visitor.press('[data-copy="share-link"]');
  await visitor.shows("#share-said", /^Copied\.$/);
  const copied = (wanted) => navigator.clipboard.readText().then((text) => text === wanted, () => false);
  await page.waitForFunction(copied, await where.inputValue("#share-link"), PATIENCE);
  await visitor.unfold(".share-embed");
  assert.match(await where.inputValue("#share-code"), /^<iframe /);
}

async function epochsTable(visitor) {
  await visitor.enter("runs");
  await visitor.unfold("#epochs-panel");
  const rows = await visitor.where.locator("#epochs-table tbody tr:visible").count();
  assert.equal(rows, await visitor.ask(() => nibble.run.epochs.length));
}

async function settings(visitor) {
  await visitor.enter("model");
  await visitor.unfold("#all-settings");
  await visitor.type("#set-epochs", "2");
  await visitor.turn("#set-tanh");
  await visitor.shows("#pending-text", /Epochs 1000 → 2, Tanh clipping on → off/);
  await visitor.press("#apply");
  await visitor.until(() => nibble.run.globalStep === 0 && nibble.run.epochsTotal === 2 && nibble.run.settings.tanh === false && !nibble.busy);
  await visitor.pressInMenu("#new-seed");
  await visitor.until(() => nibble.run.settings.seed !== 1 && !nibble.busy);
}

/** Two short runs, one after the other; the panel comes when it is asked for. In a frame of another page nothing of it is kept. */
async function sweep(visitor) {
  await visitor.enter("runs");
  await visitor.press("#sweep-open");
  await visitor.until(() => document.activeElement.classList.contains("sweep-setting"));
  await visitor.type("#sweep-rows input[type=text]", "2, x");
  await visitor.shows(".sweep-problem", /not "x"/);
  await visitor.type("#sweep-rows input[type=text]", "2, 4");
  // Enter begins it, as in any form.
  await visitor.shows("#sweep-now", /^Done: 6 of 6 runs ended\.$/);
  await visitor.shows("#sweep-note", visitor.framed ? /nothing is kept/ : /^$/);
  assert.equal(await visitor.where.locator("#sweep-table .sweep-line").count(), 2);
  await visitor.press("#sweep-copy");
  await visitor.shows("#sweep-said", /Copied/);
  await visitor.pressInMenu("#new-seed");
  await visitor.until(() => nibble.run.globalStep === 0 && !nibble.busy);
}

/** A file that is none of CIFAR's: named in a message, which is dismissed. */
async function wrongFile(visitor) {
  await visitor.enter("data");
  await visitor.offer("#pick", { name: "holiday.txt", mimeType: "text/plain", buffer: Buffer.from("sun") });
  await visitor.shows(".notice-error", /holiday\.txt/);
  await visitor.press(".notice-error .close");
  await visitor.until(() => !document.querySelector(".notice-error"));
}

async function ownImages(visitor) {
  await visitor.enter("data");
  await visitor.offer("#pick-folder", await pictureFolder(visitor.t, visitor.page, FRUIT));
  await visitor.until(() => nibble.run.data.kind === "images" && !nibble.busy);
  await visitor.shows("#samples", /apples.*limes/);
  await visitor.press("#play");
  await visitor.until(() => nibble.finished);
  // As many bars as there are classes.
  await visitor.enter("errors");
  await visitor.until(() => [...document.querySelectorAll(".verdict .probabilities li")].filter((bar) => bar.checkVisibility() && /%/.test(bar.textContent)).length === 2);
  assert.equal(await visitor.where.locator(".verdict .probabilities li:visible").count(), 2);
}

/** What a frame of another page has loaded is kept nowhere. */
async function device(visitor) {
  await visitor.enter("data");
  if (!visitor.framed) {
    await visitor.press('#kept [aria-label^="Forget fruit"]');
    await visitor.until(() => document.activeElement.id === "device-title");
  }
  assert.equal(await visitor.where.locator("#kept li").count(), 0);
  await visitor.shows("#kept-note", visitor.framed ? /nothing is kept/ : /are kept here/);
}

const PARTS = [train, race, legend, quantizeAfterTraining, bothRuns, fork, outlier, bits, alarm, weights, errors, tryIt, share, epochsTable, settings, sweep];
/** Other images come last. */
const DATA = [wrongFile, ownImages, device];

/** Does everything, part by part; a part that fails is named. @param {object} options those of a Visitor */
export async function walk(options) {
  const visitor = new Visitor(options);
  assert.equal(await visitor.where.locator(".notice-error").count(), 0, "the address is not understood");
  // A lesson that the address names begins at once; one from the list brings settings of its own.
  const parts = visitor.framed ? [lesson, ...PARTS, ...DATA] : [...PARTS, lesson, ...DATA];
  const took = [];
  for (const act of parts) {
    const from = performance.now();
    try {
      await act(visitor);
    } catch (error) {
      throw new Error(`${act.name}: ${error.message}`, { cause: error });
    }
    took.push(`${act.name} ${Math.round(performance.now() - from)}`);
  }
  visitor.t.diagnostic(`ms: ${took.join(", ")}`);
}
