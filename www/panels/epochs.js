/** Every epoch in numbers. */
import { duration, fixed, percent, short } from "../format.js";
import { quantized } from "../grid.js";
import { paperEpochs } from "../reference/paper.js";

const MARKUP = `
  <details class="epochs" id="epochs-panel" open>
    <summary><h2 id="epochs-title">Epochs</h2> <span id="epochs-summary">none yet</span></summary>
    <div class="scroll" tabindex="0" role="region" aria-label="Table of epochs">
      <table id="epochs-table">
        <thead></thead>
        <tbody></tbody>
      </table>
    </div>
  </details>`;

const range = (numbers) => {
  const [least, most] = [Math.min(...numbers), Math.max(...numbers)];
  return least === most ? String(least) : `${least}–${most}`;
};

/** Layers that are exceptions may be the only ones with a grid. */
function levelsInUse(layers) {
  const grids = layers.filter(quantized);
  return grids.length > 0 ? range(grids.map(({ levelsUsed }) => levelsUsed)) : "FP32";
}

/** Whether the average of some run's weights was tested too. */
const averaged = (runs) => runs.some(({ epochs }) => epochs.some(({ average }) => average));

/**
 * Columns of the table: title, cell, given an EpochEvent, the published run's epoch where there is one, the run; and, of those
 * that are not always there, when they are, given the runs and the published one.
 */
const COLUMNS = [
  ["Epoch", (e) => e.epoch],
  ["Run", (_e, _paper, run) => run.label, (runs) => runs.length > 1],
  ["Learning rate", (e) => short(e.lr)],
  ["Train loss", (e) => fixed(e.trainLoss)],
  ["Train accuracy", (e) => percent(e.trainAccuracy)],
  ["Test loss", (e) => fixed(e.testLoss)],
  ["Test accuracy", (e) => percent(e.testAccuracy)],
  ["Average's test loss", (e) => fixed(e.average?.testLoss), averaged],
  ["Average's test accuracy", (e) => percent(e.average?.testAccuracy), averaged],
  ["Paper's test accuracy", (e, paper) => percent(paper?.testAccuracy), (_runs, paper) => paper],
  ["Levels in use", (e) => levelsInUse(e.layers)],
  ["Time", (e) => duration(e.secs)],
];

let table;
let heading;
let shownRuns = [];
let shownTitles = "";
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
async function showEpochs(runs) {
  wantedRuns = runs;
  const paper = await paperEpochs(runs[0]);
  if (runs !== wantedRuns) return;
  const columns = COLUMNS.filter(([, , applies]) => !applies || applies(runs, paper));
  const body = table.tBodies[0];
  const rows = rowsOf(runs);
  const titles = columns.map(([title]) => title).join();
  const fresh = titles !== shownTitles || shownRuns.length !== runs.length || shownRuns.some((run, i) => run !== runs[i]);
  // A run that catches up has rows between those that stand there.
  const between = [...body.rows].some((row, i) => !rows[i] || row.dataset.of !== keyOf(rows[i]));
  if (fresh) showHead(columns);
  if (fresh || between) body.replaceChildren();
  shownRuns = [...runs];
  shownTitles = titles;
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

/** @type {import("../rooms.js").Part["mount"]} */
export function mount(root, session) {
  root.innerHTML = MARKUP;
  table = root.querySelector("#epochs-table");
  heading = root.querySelector("#epochs-summary");
  session.on(["run", "epoch"], () => showEpochs(session.runs));
}
