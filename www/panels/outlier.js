/** One weight made far too large: what that does to the grid of its layer, with and without tanh. */
import { OUTLIER_FACTOR } from "../experiments.js";
import { short } from "../format.js";
import { drawing } from "../frames.js";
import { meanOf, quantized } from "../grid.js";
import { signSchemes } from "../schemes.js";
import { setText } from "../ui/dom.js";

const MARKUP = `
  <header>
    <h2 id="outlier-title">Inject an outlier</h2>
    <p class="plot-about">One weight becomes ${OUTLIER_FACTOR} times as large.</p>
  </header>
  <p class="note"><span id="outlier-what"></span> <span id="outlier-next"></span></p>
  <div class="outlier-bar">
    <label for="outlier-layer">Layer</label>
    <select id="outlier-layer"></select>
    <button type="button" id="outlier-go" disabled>Inject</button>
  </div>
  <div class="scroll" tabindex="0" role="region" aria-label="What the outlier did">
    <table id="outlier-table">
      <thead><tr><th scope="col" id="outlier-of">Layer</th><th scope="col">largest weight</th><th scope="col">scale</th><th scope="col">levels</th></tr></thead>
      <tbody></tbody>
    </table>
  </div>`;

/** What an outlier does to the other weights of its layer. */
const STRETCHED = "A grid that reaches to the largest weight is stretched by an outlier, and the others share fewer levels; one with a mean or a learned step cuts the outlier off.";
const WHOLE = "In FP32 there is no grid: the other weights stay as they are.";
const UNCHANGED = "what is multiplied is the latent variable of a weight's sign: the sign stays, and no weight changes.";

/** What it does in the layer of that name. */
function whatText(runs, name) {
  const known = runs.filter((run) => layerOf(run, name));
  const signs = known.filter((run) => layerOf(run, name).signs);
  const others = known.filter((run) => !signs.includes(run));
  const rounded = others.some((run) => quantized(layerOf(run, name)));
  return [rounded && STRETCHED, others.length > 0 && !rounded && WHOLE, signs.length > 0 && `With ${signSchemes(signs).join(" and ")} ${UNCHANGED}`].filter(Boolean).join(" ");
}

/** What comes of it, while there are steps to come and where there are none. */
const NO_NEXT = "The run is finished: no further step pulls it back.";
function nextText(runs) {
  const limits = new Set(runs.map(({ settings }) => settings.tanhlimit));
  return `With tanh clipping the next step pulls it back below ${[...limits].join(" or ")}.`;
}

const layerOf = (run, name) => run.layers.find((layer) => layer.name === name);

/** Largest weight, scale of the grid, levels in use. */
function figures(layer) {
  const { histogram, scale, levelsUsed, levelTotal } = layer;
  if (!quantized(layer)) return [short(histogram.max), "FP32", "FP32"];
  return [short(histogram.max), short(scale) + meanOf(layer), `${levelsUsed} / ${levelTotal}`];
}

/** Rows of the table: title and three figures. */
function rowsOf(run, layer, named) {
  const title = (when) => (named ? `${run.label}, ${when}` : when);
  const now = layerOf(run, layer);
  const { outlier } = run;
  if (!outlier || outlier.layer !== layer) return [[title("now"), ...figures(now)]];
  const rows = [
    [title("before"), ...figures(outlier.before)],
    [title("with the outlier"), ...figures(outlier.after)],
  ];
  const steps = run.globalStep - outlier.step;
  if (steps > 0) rows.push([title(steps === 1 ? "1 step later" : `${steps} steps later`), ...figures(now)]);
  else if (run.status !== "finished") rows.push([title("1 step later"), "–", "–", "–"]);
  return rows;
}

/** Whether the largest weight of `layer` can grow as it would: it is a 32-bit number. */
function canGrow(run, layer) {
  return Number.isFinite(Math.fround(layerOf(run, layer).histogram.max * OUTLIER_FACTOR));
}

/** @type {import("../rooms.js").Part["mount"]} */
export function mount(root, session) {
  root.innerHTML = MARKUP;
  const find = (selector) => root.querySelector(selector);
  const select = find("#outlier-layer");
  let names = "";

  function showLayers(run) {
    const now = run.layers.map(({ name }) => name);
    if (now.join() === names) return;
    names = now.join();
    const { value } = select;
    select.replaceChildren(...now.map((name) => new Option(name, name)));
    if (now.includes(value)) select.value = value;
  }

  const draw = drawing(() => {
    const { runs, run, engine } = session;
    find("#outlier-go").disabled = select.disabled = !run || !engine;
    if (!run) return;
    showLayers(run);
    setText(find("#outlier-what"), whatText(runs, select.value));
    setText(find("#outlier-next"), session.finished ? NO_NEXT : nextText(runs));
    const rows = runs.flatMap((each) => rowsOf(each, select.value, runs.length > 1));
    const body = find("tbody");
    while (body.rows.length > rows.length) body.deleteRow(-1);
    rows.forEach((cells, i) => {
      const row = body.rows[i] ?? body.insertRow();
      cells.forEach((text, k) => {
        const cell = row.cells[k] ?? row.insertCell();
        setText(cell, text);
      });
    });
  }, 250);

  select.addEventListener("change", draw);
  find("#outlier-go").addEventListener("click", () => {
    const layer = select.value;
    if (session.runs.every((run) => canGrow(run, layer))) session.experiments.injectOutlier(layer);
    else session.notify("info", `The largest weight of ${layer} is near the end of what 32 bits can hold: it cannot become ${OUTLIER_FACTOR} times as large.`);
  });
  session.on(["run", "layers", "epoch", "engine", "status"], draw);
}
