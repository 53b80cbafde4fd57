/** What chance does to accuracies: held against published values, and what the page says of two runs. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { chanceText } from "../../www/gap/paired.js";
import { margin, mcnemar, wilson } from "../../www/stats.js";
import { enter, hasRun, open, PATIENCE, shows } from "./support.mjs";

const near = (value, wanted, within = 5e-5) => assert.ok(Math.abs(value - wanted) < within, `${value}, not ${wanted}`);

test("Wilson's interval", () => {
  // Newcombe, Two-sided confidence intervals for the single proportion (1998), table I: 81 of 263, 15 of 148, 0 of 20, 1 of 29.
  const PUBLISHED = [[81, 263, 0.2553, 0.3662], [15, 148, 0.0624, 0.1605], [0, 20, 0, 0.1611], [1, 29, 0.0061, 0.1718]];
  for (const [right, count, low, high] of PUBLISHED) {
    const found = wilson(right / count, count);
    near(found[0], low);
    near(found[1], high);
  }
  assert.deepEqual(wilson(1, 10).map((end) => end <= 1), [true, true]);
  near(margin(0.5, 400), 0.0488, 1e-4);
});

test("McNemar's exact test", () => {
  // Two-sided binomial tails: 2 (1 + 10 + 45) / 2^10 for 2 against 8; all in one direction: 2 / 2^n.
  near(mcnemar(2, 8), 112 / 1024, 1e-9);
  near(mcnemar(0, 6), 2 / 64, 1e-9);
  assert.equal(mcnemar(0, 0), 1);
  assert.equal(mcnemar(5, 5), 1);
  assert.equal(mcnemar(3, 11), mcnemar(11, 3));
  assert.ok(mcnemar(400, 600) < 1e-8 && mcnemar(400, 600) > 0, "large counts neither overflow nor vanish");
  const runs = [{ label: "4-bit" }, { label: "FP32" }];
  assert.equal(chanceText(runs, [2, 8]), "Of the same test images 4-bit alone got 2 right, FP32 alone 8: within chance (McNemar, p 0.109).");
  assert.match(chanceText(runs, [10, 90]), /beyond chance \(McNemar, p below 0\.001\)/);
});

test("two runs are held against each other image by image; one carries its margin in the bar", async (t) => {
  const page = await open(t, { settings: { train: 320, test: 200, batch: 32, epochs: 1, race: "quantizer:none" }, room: "runs" });
  await page.click("#play");
  await page.waitForFunction(() => nibble.finished && !nibble.playing, null, PATIENCE);
  await shows(page, "#compare-chance", /^Of the same test images 4-bit alone got \d+ right, FP32 alone \d+: (within|beyond) chance/);
  const [text, tests] = await page.evaluate(() => [document.getElementById("compare-chance").textContent, nibble.runs.map(({ epochs }) => epochs[0].testAccuracy)]);
  const [first, second] = text.match(/\d+(?= right|:)/g).map(Number);
  // What one alone gets right more than the other is the difference of what they get right.
  assert.equal(first - second, Math.round(200 * (tests[0] - tests[1])));
  const [a] = tests;
  await shows(page, "#score", new RegExp(`^${(100 * a).toFixed(1)} ±${(100 * margin(a, 200)).toFixed(1)} %`));
  await enter(page, "train");
  await page.reload();
  await hasRun(page);
  assert.doesNotMatch(page.url(), /room=/);
});
