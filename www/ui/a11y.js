/** The run in words and in a table, for those who do not see the plots and for those who want the numbers. */
import { duration, fixed, percent, short } from "../format.js";
import { paperEpochs } from "../reference/paper.js";

/** A screen reader is spoken to no oftener than this while training. */
const SPEAK_MS = 15_000;

const live = document.getElementById("live");
let spokenAt = -Infinity;

/** The state of a run in a few sentences. */
export function summary(run) {
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

/** Says how the runs stand; `now`: at once, else only if it has been quiet for a while. */
export function speak(session, now = false) {
  const { runs } = session;
  if (runs.length === 0 || (!now && performance.now() - spokenAt < SPEAK_MS)) return;
  const state = session.playing ? "playing" : session.finished ? "finished" : runs[0].status;
  const words = { playing: "", paused: "Paused. ", finished: "Finished. ", lost: "Stopped. " }[state];
  const named = (run) => (runs.length > 1 ? `${run.label}: ` : "") + summary(run);
  const text = words + runs.map(named).join(" ");
  if (live.textContent === text) return;
  live.textContent = text;
  spokenAt = performance.now();
}

const range = (numbers) => {
  const [least, most] = [Math.min(...numbers), Math.max(...numbers)];
  return least === most ? String(least) : `${least}–${most}`;
};

const PAPER = "Paper's test accuracy";
const RUN = "Run";

/** Columns of the table: title -> cell, given an EpochEvent, the published run's epoch where there is one, the run. */
const COLUMNS = [
  ["Epoch", (e) => e.epoch],
  [RUN, (_e, _paper, run) => run.label],
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
let shownRuns = [];
/** The runs that were asked for last. */
let wantedRuns = null;

/** Rows of all runs, epoch by epoch. */
const rowsOf = (runs) =>
  runs.flatMap((run) => run.epochs.map((epoch) => ({ run, epoch }))).sort((a, b) => a.epoch.epoch - b.epoch.epoch);

function showHead(columns) {
  const row = document.createElement("tr");
  for (const [title] of columns) {
    const cell = document.createElement("th");
    cell.scope = "col";
    cell.textContent = title;
    row.append(cell);
  }
  table.tHead.replaceChildren(row);
}

/** Adds the rows of the runs' new epochs. */
export async function showEpochs(runs) {
  wantedRuns = runs;
  const paper = await paperEpochs(runs[0]);
  if (runs !== wantedRuns) return;
  const columns = COLUMNS.filter(([title]) => (paper || title !== PAPER) && (runs.length > 1 || title !== RUN));
  const body = table.tBodies[0];
  const rows = rowsOf(runs);
  const fresh = shownRuns.length !== runs.length || shownRuns.some((run, i) => run !== runs[i]);
  // A run that catches up has rows between those that stand there.
  const between = [...body.rows].some((row, i) => !rows[i] || row.dataset.of !== keyOf(rows[i]));
  if (fresh) showHead(columns);
  if (fresh || between) body.replaceChildren();
  shownRuns = [...runs];
  for (const entry of rows.slice(body.rows.length)) {
    const row = body.insertRow();
    row.dataset.of = keyOf(entry);
    for (const [, value] of columns) row.insertCell().textContent = value(entry.epoch, paper?.[entry.epoch.epoch - 1], entry.run);
  }
  heading.textContent = runs.map(headingOf).join("; ");
}

const keyOf = ({ run, epoch }) => `${run.id} ${epoch.epoch}`;

function headingOf(run, _i, runs) {
  const last = run.epochs.at(-1);
  const text = last ? `${run.epochs.length} done, test accuracy ${percent(last.testAccuracy)}` : "none yet";
  return runs.length > 1 ? `${run.label}: ${text}` : text;
}
