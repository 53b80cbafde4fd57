/**
 * What a sweep has found. Pure functions.
 *
 * @typedef {import("./plan.js").Plan} Plan
 * @typedef {import("./plan.js").Entry} Entry
 *
 * @typedef {object} Result of one run
 * @property {"done"|"diverged"|"failed"} state
 * @property {string} [why] a sentence, where it is not done
 * @property {number} steps
 * @property {number|null} epochs that have ended
 * @property {number|null} testAccuracy those of the last epoch, of a run that is done; else null
 * @property {number|null} testLoss
 * @property {number|null} trainAccuracy
 * @property {number|null} trainLoss
 * @property {number|null} secs of its epochs, with their test passes
 */
import { meanOf } from "../stats.js";
import { csv, OF_RUNS, settingCell } from "../share/table.js";

/** Figures of a run that table and file have. */
export const FIGURES = ["testAccuracy", "testLoss", "trainAccuracy", "trainLoss"];

/** The result of a run that has ended. @param {import("../runs.js").RunRecord} run @returns {Result} */
export function resultOf(run, state, why) {
  const last = state === "done" ? run.epochs.at(-1) : null;
  const secs = state === "done" ? run.epochs.reduce((sum, epoch) => sum + epoch.secs, 0) : null;
  return {
    state, ...(why ? { why } : {}), steps: run.globalStep, epochs: run.epochs.length,
    ...Object.fromEntries(FIGURES.map((name) => [name, last?.[name] ?? null])), secs,
  };
}

/** One that could not be made, or has ended without any figures. @returns {Result} */
export const failure = (why) => resultOf({ globalStep: 0, epochs: [] }, "failed", why);

/**
 * One line a combination, over its runs that are done.
 * @param {Plan} plan
 * @param {ReadonlyMap<string, Result>} results by the runs' keys
 */
export function summarise(plan, results) {
  const lines = plan.lines.map((line, i) => {
    const runs = plan.runs.filter((run) => run.line === i).map((run) => ({ ...run, result: results.get(run.key) ?? null }));
    const done = runs.filter(({ result }) => result?.state === "done").map(({ result }) => result);
    const of = (name) => meanOf(done.map((result) => result[name] ?? NaN));
    return {
      line, runs, n: done.length, failed: runs.filter(({ result }) => result && result.state !== "done").length,
      accuracy: of("testAccuracy"), loss: of("testLoss"), best: false,
    };
  });
  // A mean over those seeds that did not diverge, or over fewer of them than the others', is not held against the others.
  const whole = lines.filter(({ n, runs }) => n === runs.length);
  const best = Math.max(...whole.map(({ accuracy }) => accuracy.mean));
  if (whole.length > 1) for (const line of whole) line.best = line.accuracy.mean === best;
  return lines;
}

/** One row a run that has ended: its figures, then the seed and every setting by its key. */
export function sweepCsv(plan, results) {
  const head = ["run", "state", "test_accuracy", "test_loss", "train_accuracy", "train_loss", "epochs_ended", "steps", "seconds", "why"];
  const rows = plan.runs.flatMap((run, i) => {
    const result = results.get(run.key);
    if (!result) return [];
    const figures = FIGURES.map((name) => result[name] ?? "");
    const cells = [i + 1, result.state, ...figures, result.epochs ?? "", result.steps, result.secs ?? "", result.why ?? ""];
    return [[...cells, run.seed, ...OF_RUNS.map((row) => settingCell(row, run.settings))]];
  });
  return csv([[...head, "seed", ...OF_RUNS.map(({ key }) => key)], ...rows]);
}

/** "bits-lr": what the file is called by. */
export const sweptName = ({ rows }) => (rows.length > 0 ? rows.map(({ key }) => key).join("-") : "seeds");
