/** What the worker does with what goes wrong: messages about runs that are not there, and errors of many kinds. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { isFatal } from "../../www/worker/fatal.js";
import { Loop } from "../../www/worker/loop.js";
import { altered } from "./engine.mjs";
import { FATES, fates, MODULE } from "./fates.mjs";
import { still, until } from "./lab.mjs";
import { enter, noticed, open, runOf, SMALL, trained } from "./support.mjs";

/** A run of the engine, as far as the loop knows one. */
function toy() {
  let step = 0;
  const run = { advance: () => ({ kind: "step", globalStep: ++step }), layerReports: () => [], free: () => {} };
  return Object.defineProperty(run, "step", { get: () => step });
}

test("play and step with a run that is not there: nothing is told to train, and the others still can", async () => {
  const told = [];
  const loop = new Loop((type, body) => told.push([type, body.run, body.status]));
  const run = toy();
  loop.put(1, run, 0);
  for (const steps of [undefined, 1]) assert.throws(() => loop.play([1, 7], steps), /no such run/);
  assert.deepEqual([loop.entry(1).left, told], [0, []]);
  assert.throws(() => loop.drop(7), /no such run/);
  loop.play([1], 1);
  while (loop.entry(1).left > 0) await new Promise(setImmediate);
  assert.equal(run.step, 1);
  loop.pause([1, 7]);
  loop.close();
});

test("a message about a run or a data set that is not there is refused, and changes nothing", async (t) => {
  const page = await open(t, { settings: { ...SMALL, build: "single" } });
  await page.click("#step");
  await trained(page, 1);
  await still(page);
  const refused = await page.evaluate(async () => {
    const { To } = await import("./protocol.js");
    const { client, run } = nibble;
    const [{ id }, gone] = [run, 7];
    const config = run.info.config;
    const asked = {
      [To.PLAY]: { runs: [id, gone] }, [To.STEP]: { runs: [gone, id] }, [To.DROP]: { run: gone }, [To.FORK]: { run: id, from: gone, config },
      [To.CREATE]: { run: id, dataset: 99, config, alone: true }, [To.OUTLIER]: { run: gone, layer: "conv1", factor: 2 }, [To.PTQ]: { run: gone },
      [To.PREDICTIONS]: { run: gone, limit: 1 }, [To.FILTERS]: { run: gone, layer: "conv1" }, [To.CLASSIFY]: { run: gone, pixels: null },
    };
    const answers = [];
    for (const [type, body] of Object.entries(asked)) answers.push([type, await client.request(type, body).then(() => "done", (error) => error.message)]);
    return answers;
  });
  for (const [type, answer] of refused) assert.match(answer, /^There is no such (run|data set)\.$/, type);
  assert.deepEqual([(await runOf(page)).globalStep, (await runOf(page)).status], [1, "paused"]);
  await page.click("#step");
  await trained(page, 2);
});

test("a trap or an error from within the engine's own calls has lost it, others have not", async (t) => {
  assert.deepEqual(fates(MODULE, isFatal), FATES);
  const page = await open(t, { search: "?embed", ready: false });
  // As a text, because the page's policy lets nothing make functions of texts.
  const seen = await page.evaluate(`import("./worker/fatal.js").then(({ isFatal }) => (${fates})(${JSON.stringify(MODULE)}, isFatal))`);
  assert.deepEqual(seen, FATES);
});

test("a RangeError of JavaScript is told, and the engine goes on", async (t) => {
  const page = await altered(t, "Run.prototype.predictions = () => new Array(-1);", { ...SMALL, train: 100, epochs: 2, build: "single" });
  await enter(page, "errors");
  await page.click("#play");
  await noticed(page, "The test images could not be shown");
  await until(page, () => nibble.finished && !nibble.playing);
  assert.ok(await page.evaluate(() => nibble.engine !== null));
});
