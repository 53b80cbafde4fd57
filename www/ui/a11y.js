/** The run in words and in a table, for those who do not see the plots and for those who want the numbers. */
import { duration, fixed, percent, short } from "../format.js";
import { paperEpochs } from "../plots/reference.js";

/** A screen reader is spoken to no oftener than this while training. */
const SPEAK_MS = 15_000;

const live = document.getElementById("live");
let spokenAt = -Infinity;

/** The state of the run in a few sentences. */
export function summary(run) {
  if (!run) return "";
  const { epoch, step, stepsPerEpoch } = run.progress;
  if (!run.trained) return `${run.info.model}, ready to train on ${run.data.name}.`;
  const sentences = [
    `Epoch ${epoch} of ${run.epochsTotal}, step ${step} of ${stepsPerEpoch}.`,
    `Training loss ${fixed(run.smooth.loss.value, 2)}, training accuracy ${percent(run.smooth.accuracy.value, 0)}.`,
  ];
  const last = run.epochs.at(-1);
  if (last) sentences.push(`Test accuracy after epoch ${last.epoch}: ${percent(last.testAccuracy)}.`);
  const used = run.layers.filter(({ scale }) => scale > 0).map(({ levelsUsed }) => levelsUsed);
  if (used.length > 0) sentences.push(`Levels in use: ${Math.min(...used)} to ${Math.max(...used)} a layer.`);
  return sentences.join(" ");
}

/** Says how the run stands; `now`: at once, else only if it has been quiet for a while. */
export function speak(run, now = false) {
  if (!run || (!now && performance.now() - spokenAt < SPEAK_MS)) return;
  const words = { playing: "", paused: "Paused. ", finished: "Finished. ", lost: "Stopped. " }[run.status];
  const text = words + summary(run);
  if (live.textContent === text) return;
  live.textContent = text;
  spokenAt = performance.now();
}

const range = (numbers) => {
  const [least, most] = [Math.min(...numbers), Math.max(...numbers)];
  return least === most ? String(least) : `${least}–${most}`;
};

const PAPER = "Paper's test accuracy";

/** Columns of the table: title -> cell, given an EpochEvent and, where there is one, the published run's epoch. */
const COLUMNS = [
  ["Epoch", (e) => e.epoch],
  ["Learning rate", (e) => short(e.lr)],
  ["Train loss", (e) => fixed(e.trainLoss)],
  ["Train accuracy", (e) => percent(e.trainAccuracy)],
  ["Test loss", (e) => fixed(e.testLoss)],
  ["Test accuracy", (e) => percent(e.testAccuracy)],
  [PAPER, (e, paper) => percent(paper?.testAccuracy)],
  ["Levels in use", (e) => (e.layers.some(({ scale }) => scale > 0) ? range(e.layers.map((l) => l.levelsUsed)) : "FP32")],
  ["Time", (e) => duration(e.secs)],
];

const table = document.getElementById("epochs-table");
const heading = document.getElementById("epochs-summary");
let shownRun = null;

/** Adds the rows of the run's new epochs. */
export async function showEpochs(run) {
  const paper = await paperEpochs(run);
  const columns = COLUMNS.filter(([title]) => paper || title !== PAPER);
  const body = table.tBodies[0];
  if (shownRun !== run) {
    shownRun = run;
    body.replaceChildren();
    const row = document.createElement("tr");
    for (const [title] of columns) {
      const cell = document.createElement("th");
      cell.scope = "col";
      cell.textContent = title;
      row.append(cell);
    }
    table.tHead.replaceChildren(row);
  }
  for (const epoch of run.epochs.slice(body.rows.length)) {
    const row = body.insertRow();
    for (const [, value] of columns) row.insertCell().textContent = value(epoch, paper?.[epoch.epoch - 1]);
  }
  const last = run.epochs.at(-1);
  heading.textContent = last ? `${run.epochs.length} done, test accuracy ${percent(last.testAccuracy)}` : "none yet";
}
