/**
 * The runs as tables and as one JSON document. Pure functions of RunRecords, so that they run under Node too.
 *
 * @typedef {import("../runs.js").RunRecord} RunRecord
 */

/** Curves of a run as they are plotted: name -> xs (epochs, fractional) and ys. */
export const curvesOf = (run) => {
  const epochs = run.epochs.map(({ epoch }) => epoch);
  const column = (key) => ({ xs: epochs, ys: run.epochs.map((epoch) => epoch[key]) });
  return {
    "batch loss": run.curves.batchLoss,
    "training loss": run.curves.trainLoss,
    "training accuracy": run.curves.trainAccuracy,
    "gradient norm": run.curves.gradNorm,
    "test loss": column("testLoss"),
    "test accuracy": column("testAccuracy"),
  };
};

/** A cell as RFC 4180 has it. Text that a spreadsheet would take for a formula gets an apostrophe. */
function cell(value) {
  if (typeof value === "number") return Number.isFinite(value) ? String(value) : "";
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

const csv = (rows) => rows.map((row) => `${row.map(cell).join(",")}\r\n`).join("");

/** Levels in use in the layers of an epoch: fewest and most; nothing for FP32. */
function levels({ layers }) {
  const used = layers.filter(({ levelCounts }) => levelCounts.length > 0).map(({ levelsUsed }) => levelsUsed);
  return used.length > 0 ? [Math.min(...used), Math.max(...used)] : ["", ""];
}

/** One row a run and epoch. @param {RunRecord[]} runs */
export function epochsCsv(runs) {
  const head = ["run", "epoch", "learning_rate", "train_loss", "train_accuracy", "test_loss", "test_accuracy", "levels_least", "levels_most", "seconds"];
  const rows = runs.flatMap((run) =>
    run.epochs.map((e) => [run.label, e.epoch, e.lr, e.trainLoss, e.trainAccuracy, e.testLoss, e.testAccuracy, ...levels(e), e.secs]),
  );
  return csv([head, ...rows]);
}

/** One row a run, curve and point: everything that is plotted, and the loss of every single step. */
export function curvesCsv(runs) {
  const rows = runs.flatMap((run) => {
    const { "batch loss": _thinned, ...plotted } = curvesOf(run);
    const from = run.fork?.step ?? 0;
    const everyStep = run.losses.map((loss, i) => [run.label, "batch loss", (from + i + 1) / run.info.stepsPerEpoch, loss]);
    const points = Object.entries(plotted).flatMap(([name, { xs, ys }]) => xs.map((x, i) => [run.label, name, x, ys[i]]));
    return [...everyStep, ...points];
  });
  return csv([["run", "curve", "epoch", "value"], ...rows]);
}

/** Version of the document's layout: raised when a field changes its meaning. */
export const FORMAT = "nibble-runs/1";

/** What was done to a run on its way: after how many steps, and what. */
export const marksOf = ({ marks, info: { stepsPerEpoch } }) =>
  marks.map(({ epoch, text }) => ({ step: Math.round(epoch * stepsPerEpoch), text }));

/**
 * Everything that is known of the runs. `settings` and `config` are those that a run has now: `marks` say what was done to
 * it on its way.
 * @param {RunRecord[]} runs
 * @param {{url: string, made: string, engine: object}} about the link to these settings, an ISO date, engineInfo()
 */
export const document = (runs, about) => ({
  format: FORMAT,
  ...about,
  runs: runs.map((run) => ({
    label: run.label,
    fork: run.fork,
    marks: marksOf(run),
    outlier: run.outlier,
    alarm: run.alarm,
    settings: run.settings,
    config: run.info.config,
    parameters: run.info.parameters,
    stepsPerEpoch: run.info.stepsPerEpoch,
    data: run.data,
    steps: run.globalStep,
    losses: run.losses,
    curves: Object.fromEntries(Object.entries(curvesOf(run)).map(([name, { xs, ys }]) => [name, { epoch: xs, value: ys }])),
    epochs: run.epochs,
    layers: run.layers,
    afterTraining: run.afterTraining && Array.from(run.afterTraining.results, ([bits, result]) => ({ bits, ...result })),
  })),
});

/** @see document */
export const json = (runs, about) => `${JSON.stringify(document(runs, about), null, 1)}\n`;
