/** The panel of the errors: what was taken for what, and the images behind each cell. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { cifar100, write } from "./fixture.mjs";
import { assertFits, drawn, enter, epochs, NARROW, noticed, pause, screenshotOf, seriousFindings, shows, WIDE, within } from "./support.mjs";

const open = within("errors");

const RUN = { train: 320, test: 200, batch: 32, epochs: 4, lr: 0.002 };
const VIEWS = { 1440: WIDE, 390: NARROW };

async function train(page, count = 2) {
  await page.click("#play");
  await pause(page, { epochs: count });
  await answered(page);
}

/** Waits until matrix and images are those of the last test pass. */
async function answered(page) {
  const last = await page.evaluate(() => nibble.run.epochs.at(-1).epoch);
  await shows(page, ".gallery-note", new RegExp(`after epoch ${last}\\b`));
  await drawn(page);
}

/** The matrix as the page shows it. */
const table = (page) =>
  page.locator(".confusion-table [role=gridcell]").evaluateAll((cells) => cells.map((cell) => Number(cell.textContent || 0)));
const reported = (page, epoch) => page.evaluate((number) => nibble.run.epochs.at(number - 1).confusion, epoch);

/** What the gallery shows: the true class and the guesses of each image, and whether its picture is one. */
const gallery = (page) =>
  page.locator("#gallery > li:visible").evaluateAll((items) =>
    items.map((item) => {
      const canvas = item.querySelector("canvas");
      const { data } = canvas.getContext("2d").getImageData(0, 0, 32, 32);
      return {
        truth: item.querySelector(".gallery-truth").textContent,
        guesses: [...item.querySelectorAll(".bar-name")].map((node) => node.textContent),
        shares: [...item.querySelectorAll(".bar-value")].map((node) => parseFloat(node.textContent)),
        colours: new Set(data).size,
        label: canvas.getAttribute("aria-label"),
      };
    }),
  );

/** A cell of the last matrix that has images, by what it should be. */
const cellWith = (page, wanted) =>
  page.evaluate((which) => {
    const { confusion } = nibble.run.epochs.at(-1);
    const size = nibble.run.data.classes.length;
    const cells = confusion.map((count, i) => ({ count, row: Math.floor(i / size), column: i % size }));
    const fitting = cells.filter(({ count, row, column }) => count > 0 && (row === column) === (which === "right"));
    const { row, column, count } = fitting.sort((a, b) => b.count - a.count)[0];
    return { row, column, count, names: [nibble.run.data.classes[row], nibble.run.data.classes[column]] };
  }, wanted);

const focusedCell = (page) => page.evaluate(() => [document.activeElement.dataset.row, document.activeElement.dataset.column].map(Number));

for (const [width, viewport] of Object.entries(VIEWS)) {
  test(`${width} px: the matrix counts every test image, at each epoch`, async (t) => {
    const page = await open(t, { settings: RUN, context: { viewport } });
    assert.deepEqual(await table(page), Array(100).fill(0));
    await shows(page, "#gallery-title", /^Most wrong$/);
    await train(page);
    const done = await page.evaluate(() => nibble.run.epochs.length);
    const matrix = await table(page);
    assert.deepEqual(matrix, await reported(page, done));
    assert.equal(matrix.reduce((a, b) => a + b), RUN.test);
    const right = matrix.filter((_, i) => i % 11 === 0).reduce((a, b) => a + b);
    assert.equal(right / RUN.test, await page.evaluate(() => nibble.run.epochs.at(-1).testAccuracy));
    await shows(page, "#errors-summary", new RegExp(`^${right} of 200 test images right`));
    const bars = await page.locator(".class-value").allTextContents();
    const totals = Array.from({ length: 10 }, (_, row) => matrix.slice(10 * row, 10 * row + 10).reduce((a, b) => a + b));
    assert.deepEqual(bars, totals.map((total, row) => (total > 0 ? `${((100 * matrix[11 * row]) / total).toFixed(0)} %` : "–")));
    // Earlier epochs, by key and by pointer.
    const slider = page.locator("#errors .replay input[type=range]");
    await slider.focus();
    await page.keyboard.press("Home");
    await shows(page, "#errors .replay-text", /^after epoch 1 of 4$/);
    await drawn(page);
    assert.deepEqual(await table(page), await reported(page, 1));
    const { width: wide, height } = await slider.boundingBox();
    await slider.click({ position: { x: wide - 3, y: height / 2 } });
    await drawn(page);
    assert.deepEqual(await table(page), await reported(page, done));
    assert.deepEqual(await seriousFindings(page, "#errors"), []);
    await assertFits(page);
    await screenshotOf(page, "#errors", `${width}-errors`);
  });

  test(`${width} px: a cell shows its images, by the arrow keys and by the pointer`, async (t) => {
    const page = await open(t, { settings: RUN, context: { viewport } });
    await train(page);
    const wrong = await cellWith(page, "wrong");
    await page.locator(".confusion-table [role=gridcell][tabindex='0']").focus();
    assert.deepEqual(await focusedCell(page), [0, 0]);
    for (let i = 0; i < wrong.row; i++) await page.keyboard.press("ArrowDown");
    for (let i = 0; i < wrong.column; i++) await page.keyboard.press("ArrowRight");
    assert.deepEqual(await focusedCell(page), [wrong.row, wrong.column]);
    const label = await page.evaluate(() => document.activeElement.getAttribute("aria-label"));
    assert.match(label, new RegExp(`^${wrong.names[0]} taken for ${wrong.names[1]}: ${wrong.count} of `));
    await page.keyboard.press("Enter");
    await shows(page, "#gallery-title", new RegExp(`^${wrong.names[0]} taken for ${wrong.names[1]}$`));
    const images = await gallery(page);
    assert.equal(images.length, Math.min(24, wrong.count));
    for (const { truth, guesses, shares, colours } of images) {
      assert.equal(truth, wrong.names[0]);
      assert.equal(guesses[0], wrong.names[1]);
      assert.equal(guesses.length, 3);
      assert.ok(shares[0] >= shares[1] && shares[1] >= shares[2] && shares[0] > 0, `${shares}`);
      assert.ok(colours > 5, "a blank picture");
    }
    assert.equal(await page.locator(".confusion-table .chosen").count(), 1);
    // The keyboard's far moves stop at the edges.
    await page.keyboard.press("Control+End");
    assert.deepEqual(await focusedCell(page), [9, 9]);
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Home");
    assert.deepEqual(await focusedCell(page), [9, 0]);
    const right = await cellWith(page, "right");
    await page.click(`.confusion-table [data-row="${right.row}"][data-column="${right.column}"]`);
    await shows(page, "#gallery-title", new RegExp(`^${right.names[0]}, recognised$`));
    for (const { truth, guesses } of await gallery(page)) assert.deepEqual([truth, guesses[0]], [right.names[0], right.names[0]]);
    await page.getByRole("button", { name: "Show the most wrong" }).click();
    await shows(page, "#gallery-title", /^Most wrong$/);
    assert.equal(await page.locator(".confusion-table .chosen").count(), 0);
  });

  test(`${width} px: the most wrong, and the mistakes of a class`, async (t) => {
    // So many epochs that the last one has not ended when the pause is pressed.
    const page = await open(t, { settings: { ...RUN, epochs: 12 }, context: { viewport } });
    await train(page);
    const worst = await gallery(page);
    assert.ok(worst.length > 3, `${worst.length} mistakes after two epochs`);
    const surety = worst.map(({ shares }) => shares[0]);
    assert.deepEqual(surety, [...surety].sort((a, b) => b - a), "not the surest first");
    for (const { truth, guesses, label } of worst) {
      assert.notEqual(guesses[0], truth);
      assert.match(label, new RegExp(`^Test image \\d+, ${truth}, taken for ${guesses[0]} with \\d+ %$`));
    }
    const { row, names } = await cellWith(page, "wrong");
    await page.locator(`.class-bar[data-class="${row}"]`).focus();
    await page.keyboard.press("Enter");
    await shows(page, "#gallery-title", new RegExp(`^${names[0]}: mistakes$`));
    const mistakes = await gallery(page);
    assert.ok(mistakes.length > 0);
    for (const { truth, guesses } of mistakes) assert.ok(truth === names[0] && guesses[0] !== names[0], `${truth} taken for ${guesses[0]}`);
    assert.equal(await page.locator(`.class-bar[data-class="${row}"]`).getAttribute("aria-pressed"), "true");
    const pair = page.locator(".pair >> nth=0");
    const [from, to] = (await pair.textContent()).replace(/ \d+$/, "").split(" → ");
    await pair.click();
    await shows(page, "#gallery-title", new RegExp(`^${from} taken for ${to}$`));
    // The next test pass shows the same cell of its own.
    await page.click("#play");
    await pause(page, { epochs: 3 });
    await answered(page);
    await shows(page, "#gallery-title", new RegExp(`^${from} taken for ${to}$`));
  });

  test(`${width} px: a hundred classes as a picture, by key and by pointer`, async (t) => {
    const { paths } = write(t, { "train.bin": cifar100(1000, 3), "test.bin": cifar100(300, 4) });
    const page = await open(t, { settings: { batch: 100, epochs: 2 }, room: "data", context: { viewport } });
    await page.setInputFiles("#files", paths);
    await noticed(page, "CIFAR-100", "loaded");
    await enter(page, "errors");
    await train(page, 1);
    const cell = page.locator("#confusion [role=gridcell]");
    await cell.focus();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("ArrowRight");
    const classes = await page.evaluate(() => nibble.run.data.classes);
    const label = await cell.getAttribute("aria-label");
    assert.ok(label.startsWith(`${classes[1]} taken for ${classes[2]}: `), label);
    const wrong = await cellWith(page, "wrong");
    const { width: wide, height } = await page.locator("#confusion canvas").boundingBox();
    await page.click("#confusion canvas", { position: { x: ((wrong.column + 0.5) / 100) * wide, y: ((wrong.row + 0.5) / 100) * height } });
    await shows(page, "#gallery-title", new RegExp(`^${wrong.names[0]} taken for ${wrong.names[1]}$`));
    for (const { truth, guesses } of await gallery(page)) assert.deepEqual([truth, guesses[0]], wrong.names);
    assert.ok((await cell.getAttribute("aria-label")).startsWith(`${wrong.names[0]} taken for ${wrong.names[1]}: ${wrong.count} of `));
    assert.equal(await page.locator(".class-bar").count(), 100);
    assert.deepEqual(await seriousFindings(page, "#errors"), []);
    await assertFits(page);
    await screenshotOf(page, "#errors", `${width}-errors-of-100`);
  });

  test(`${width} px: the errors of either of two runs`, async (t) => {
    const page = await open(t, { settings: { ...RUN, race: "quantizer:none" }, context: { viewport } });
    await page.click("#play");
    await pause(page, { epochs: 1 });
    await drawn(page);
    const matrices = await page.evaluate(() => nibble.runs.map((run) => run.epochs.at(-1).confusion));
    assert.deepEqual(await table(page), matrices[0]);
    await page.focus("#errors .run-switch input >> nth=0");
    await page.keyboard.press("ArrowRight");
    await drawn(page);
    assert.deepEqual(await table(page), matrices[1]);
    await page.click("#errors .run-switch label >> nth=0");
    await drawn(page);
    assert.deepEqual(await table(page), matrices[0]);
  });
}

test("exactly as many images as there is room for are all of them", async (t) => {
  const page = await open(t, { settings: { ...RUN, test: 300 } });
  await train(page, 1);
  /** The gallery, where the engine finds so many images. */
  const found = async (many) => {
    await page.evaluate((count) => {
      const { client } = nibble;
      const { request } = Object.getPrototypeOf(client);
      client.request = async (type, body) => {
        const answer = await request.call(client, type, body);
        if (type !== "predictions") return answer;
        return { images: Array.from({ length: Math.min(count, body.limit) }, (_, i) => answer.images[i % answer.images.length]) };
      };
    }, many);
    await page.click(".pair >> nth=0");
    await page.getByRole("button", { name: "Show the most wrong" }).click();
  };
  await found(24);
  await shows(page, ".gallery-note", /^24 mistakes/);
  await found(25);
  await shows(page, ".gallery-note", /^The first 24 mistakes/);
  assert.equal(await page.locator("#gallery > li:visible").count(), 24);
});

test("a class without test images has no accuracy, in the bars and in both matrices", async (t) => {
  const page = await open(t);
  const texts = await page.evaluate(async () => {
    const { Confusion } = await import("./plots/confusion.js");
    const { ClassBars } = await import("./plots/classbars.js");
    const { ConfusionMap } = await import("./plots/confusionmap.js");
    const { ConfusionTable } = await import("./plots/confusiontable.js");
    const classes = ["cat", "dog"];
    const confusion = new Confusion([3, 1, 0, 0], classes);
    const made = [ClassBars, ConfusionMap, ConfusionTable].map((Made) => new Made(classes, () => {}));
    document.body.append(...made.map(({ box }) => box));
    for (const each of made) each.show(confusion);
    const [bars, map, table] = made;
    map.cell.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowDown" }));
    return {
      values: [...bars.box.querySelectorAll(".class-value")].map((node) => node.textContent),
      named: [...bars.box.querySelectorAll("button")].map((node) => node.getAttribute("aria-label")),
      map: map.cell.getAttribute("aria-label"),
      table: [...table.box.querySelectorAll("[role=gridcell]")].map((node) => node.getAttribute("aria-label")),
    };
  });
  assert.deepEqual(texts, {
    values: ["75 %", "–"],
    named: ["cat: 75.0 % right, 3 of 4. Show its mistakes.", "dog: no test images. Show its mistakes."],
    map: "dog: no test images",
    table: ["cat recognised: 3 of 4, 75.0 %", "cat taken for dog: 1 of 4, 25.0 %", "dog: no test images", "dog: no test images"],
  });
});

test("a perfect test is told in one calm sentence", async (t) => {
  const page = await open(t, { settings: RUN });
  await page.evaluate(() => {
    const { client } = nibble;
    const request = client.request.bind(client);
    client.request = async (type, body) => (type === "predictions" ? { images: [] } : request(type, body));
  });
  await train(page, 1);
  assert.match(await page.locator(".gallery-note").textContent(), /^No mistakes in the test after epoch \d\.$/);
});

test("the panel while it trains: pictures in light and dark", async (t) => {
  for (const [width, viewport] of Object.entries(VIEWS)) {
    const page = await open(t, { settings: { ...RUN, train: 960, epochs: 200 }, context: { viewport, colorScheme: "dark" } });
    await page.click("#play");
    await epochs(page, 2);
    // Of whichever epoch: a short one is over before its answers are drawn.
    await shows(page, ".gallery-note", /after epoch \d/);
    await drawn(page);
    assert.ok(await page.evaluate(() => nibble.playing), "the training ended early");
    assert.deepEqual(await seriousFindings(page, "#errors"), []);
    await screenshotOf(page, "#errors", `${width}-dark-errors`);
    await page.context().close();
  }
});
