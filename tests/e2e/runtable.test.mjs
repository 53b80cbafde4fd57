/** The table of kept runs: sorted, searched, grouped; some of them in one plot. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { COLUMNS, filtered, grouped, groupings, ownSettings, sorted } from "../../www/runtable/rows.js";
import { defaults } from "../../www/settings.js";
import { assertFits, drawn, fromMenu, hasRun, ink, NARROW, PATIENCE, seriousFindings, shows, SMALL, WIDE, within } from "./support.mjs";

const open = within("runs");

const row = (key, settings, tests) => ({ key, title: key, data: "Shapes", settings: { ...defaults(), ...settings }, tests, images: 200, at: 0 });
const ROWS = [
  row("a", { bits: 4, seed: 1 }, [0.3, 0.5]),
  row("b", { bits: 4, seed: 2 }, [0.4, 0.7, 0.8]),
  row("c", { quantizer: "none", seed: 1 }, [0.9]),
  row("d", { bits: 2, seed: 1 }, []),
];
const keys = (rows) => rows.map(({ key }) => key).join("");

test("sorted by any column; what is not known stands last either way", () => {
  assert.equal(keys(sorted(ROWS, { by: "test", way: -1 })), "cbad");
  assert.equal(keys(sorted(ROWS, { by: "test", way: 1 })), "abcd");
  assert.equal(keys(sorted(ROWS, { by: "bits", way: 1 })), "dabc");
  assert.equal(keys(sorted(ROWS, { by: "title", way: -1 })), "dcba");
  for (const { name } of COLUMNS) assert.equal(sorted(ROWS, { by: name, way: 1 }).length, ROWS.length, name);
});

test("searched by words in any column", () => {
  assert.equal(keys(filtered(ROWS, "fp32")), "c");
  assert.equal(keys(filtered(ROWS, "shapes symm")), "abd");
  assert.equal(keys(filtered(ROWS, "nothing")), "");
  assert.equal(keys(filtered(ROWS, " ")), "abcd");
});

test("grouped: means and deviations, as far as all of a group have come", () => {
  assert.deepEqual(groupings(ROWS).map(({ key }) => key), ["quantizer", "bits"]);
  const groups = grouped(ROWS.slice(0, 3), "quantizer");
  assert.deepEqual(groups.map(({ title, members }) => [title, keys(members)]), [["Precision Symmetric", "ab"], ["Precision FP32", "c"]]);
  const [both, alone] = groups;
  assert.equal(both.course.length, 2);
  assert.ok(Math.abs(both.course[1].mean - 0.6) < 1e-12);
  // Of 0.5 and 0.7, divided by n - 1.
  assert.ok(Math.abs(both.course[1].deviation - Math.SQRT2 / 10) < 1e-12);
  assert.ok(Number.isNaN(alone.course[0].deviation), "one run has no deviation");
});

test("what some of them differ in, and nothing else", () => {
  assert.deepEqual(ownSettings([ROWS[0], ROWS[1]]), [{ label: "Seed", values: ["1", "2"] }]);
  assert.deepEqual(ownSettings([ROWS[0]]), []);
  assert.deepEqual(ownSettings([ROWS[0], ROWS[2]]).map(({ label }) => label), ["Precision"]);
});

for (const viewport of [WIDE, NARROW]) {
  test(`${viewport.width} px: runs of this device, chosen into one plot, by pointer and by key`, async (t) => {
    const page = await open(t, { settings: { ...SMALL, epochs: 2 }, context: { viewport } });
    const train = async () => {
      await page.click("#play");
      await page.waitForFunction(() => nibble.finished && !nibble.playing, null, PATIENCE);
    };
    await train();
    await fromMenu(page, "#new-seed");
    await page.waitForFunction(() => nibble.run.globalStep === 0 && !nibble.busy);
    const seed = await page.evaluate(() => nibble.run.settings.seed);
    await train();
    const rows = page.locator("#runtable-table tbody tr");
    // Until both are whole they may change places.
    const keys = await (await page.waitForFunction(() => {
      const all = [...document.querySelectorAll("#runtable-table tbody tr")];
      return all.length === 2 && all.every(({ cells }) => cells[4].textContent === "2") && all.map(({ dataset }) => dataset.row);
    }, null, PATIENCE)).jsonValue();
    await page.check(`[data-pin="${keys[0]}"]`);
    await page.focus(`[data-pin="${keys[1]}"]`);
    await page.keyboard.press("Space");
    await shows(page, "#runtable-plot", /^Test accuracies over the epochs\. 4-bit, seed \d+ [\d.]+ ±[\d.]+ %; 4-bit, seed \d+ [\d.]+ ±[\d.]+ %\.$/, "aria-label");
    assert.ok(await page.evaluate(() => document.activeElement.matches("[data-pin]")), "the focus is lost");
    await shows(page, "#runtable-own", /They differ in.*Seed\d+/);
    await drawn(page);
    for (const name of ["--run-a", "--run-b"]) assert.ok((await ink(page, "#runtable", name)) > 20, `no line in ${name}`);
    assert.deepEqual(await seriousFindings(page, "#runtable"), []);
    await assertFits(page);
    // The same at the next visit.
    await page.reload();
    await hasRun(page);
    await page.waitForFunction(() => document.querySelectorAll("#runtable-table tbody tr").length === 2, null, PATIENCE);
    await page.click("[data-column=test] button");
    assert.equal(await page.getAttribute("[data-column=test]", "aria-sort"), "ascending");
    const tests = await rows.evaluateAll((all) => all.map(({ cells }) => parseFloat(cells[2].textContent)));
    assert.ok(tests[0] <= tests[1], `${tests}`);
    await page.fill("#runtable-search", `seed ${seed}`);
    await page.waitForFunction(() => document.querySelectorAll("#runtable-table tbody tr").length === 1);
  });
}
