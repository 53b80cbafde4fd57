/**
 * The runs as tables and as one JSON document. Pure functions of RunRecords, so that they run under Node too.
 *
 * @typedef {import("../runs.js").RunRecord} RunRecord
 */
import { quantized } from "../grid.js";
import { hasRange } from "../ptq/options.js";
import { differences, SETTINGS } from "../settings.js";

/** Whether the average of a run's weights was tested too. @param {RunRecord} run */
export const averaged = (run) => run.epochs.some(({ average }) => average);

/** Curves of a run as they are plotted: name -> xs (epochs, fractional) and ys. */
export const curvesOf = (run) => {
  const epochs = run.epochs.map(({ epoch }) => epoch);
  const column = (of) => ({ xs: epochs, ys: run.epochs.map(of) });
  const averages = {
    "average test loss": column(({ average }) => average?.testLoss ?? NaN),
    "average test accuracy": column(({ average }) => average?.testAccuracy ?? NaN),
  };
  return {
    "batch loss": run.curves.batchLoss,
    "training loss": run.curves.trainLoss,
    "training accuracy": run.curves.trainAccuracy,
    "gradient norm": run.curves.gradNorm,
    "test loss": column(({ testLoss }) => testLoss),
    "test accuracy": column(({ testAccuracy }) => testAccuracy),
    ...(averaged(run) ? averages : {}),
  };
};

/** A cell as RFC 4180 has it. Text that a spreadsheet would take for a formula gets an apostrophe. */
function cell(value) {
  if (typeof value === "number") return Number.isFinite(value) ? String(value) : "";
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Rows of cells as a file. @param {(string|number)[][]} rows */
export const csv = (rows) => rows.map((row) => `${row.map(cell).join(",")}\r\n`).join("");

/** Levels in use in the layers of an epoch: fewest and most; nothing for FP32. */
function levels({ layers }) {
  const used = layers.filter(quantized).map(({ levelsUsed }) => levelsUsed);
  return used.length > 0 ? [Math.min(...used), Math.max(...used)] : ["", ""];
}

/** Settings that runs may have of their own, the seed apart. */
export const OF_RUNS = SETTINGS.filter(({ group, kind, key }) => group !== "view" && kind !== "difference" && key !== "seed");

/** The value of a setting in a cell: switches are 1 or 0, as in an address. */
export const settingCell = ({ key }, settings) => (typeof settings[key] === "boolean" ? Number(settings[key]) : settings[key]);

/** One row a run and epoch; last the run's seed, and the settings in which the runs differ. @param {RunRecord[]} runs */
export function epochsCsv(runs) {
  const averages = runs.some(averaged);
  const own = OF_RUNS.filter((row) => runs.some(({ settings }) => differences(runs[0].settings, settings).includes(row)));
  const head = ["run", "epoch", "learning_rate", "train_loss", "train_accuracy", "test_loss", "test_accuracy", "levels_least", "levels_most", "seconds"];
  const rows = runs.flatMap((run) =>
    run.epochs.map((e) => [
      run.label, e.epoch, e.lr, e.trainLoss, e.trainAccuracy, e.testLoss, e.testAccuracy, ...levels(e), e.secs,
      ...(averages ? [e.average?.testLoss ?? "", e.average?.testAccuracy ?? ""] : []),
      run.settings.seed, ...own.map((row) => settingCell(row, run.settings)),
    ]),
  );
  const more = [...(averages ? ["average_test_loss", "average_test_accuracy"] : []), "seed", ...own.map(({ key }) => key)];
  return csv([[...head, ...more], ...rows]);
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

/** Whether weights of some run were quantized after training and tested. @param {RunRecord[]} runs */
export const hasAfterTraining = (runs) => runs.some(({ afterTraining }) => afterTraining?.table.length > 0);

/** One row a run, scheme and width that was tested after training, with what was done besides rounding the weights. */
export function afterTrainingCsv(runs) {
  const head = [
    "run", "step", "scheme", "bits", "scale", "folded", "equalised", "corrected", "reestimated_batches",
    "activations", "activation_bits", "calibration", "test_loss", "test_accuracy",
  ];
  const rows = runs.flatMap((run) =>
    (run.afterTraining?.table ?? []).map(({ step, quantizer, bits, granularity, fold, equalise, correct, reestimate, activations, activationBits, calibration, loss, accuracy }) => [
      run.label, step, quantizer, bits, granularity ?? "", Number(fold ?? 0), Number(equalise ?? 0), Number(correct ?? 0), reestimate ?? 0,
      activations ?? "", activations ? activationBits : "", hasRange(activations) ? calibration : "", loss, accuracy,
    ]),
  );
  return csv([head, ...rows]);
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
    afterTraining: run.afterTraining && run.afterTraining.table,
  })),
});

/** @see document */
export const json = (runs, about) => `${JSON.stringify(document(runs, about), null, 1)}\n`;
