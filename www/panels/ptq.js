/** Quantize after training: an FP32 run's weights rounded by any scheme to fewer and fewer bits, without any training in between. */
import { percent, whole } from "../format.js";
import { drawing } from "../frames.js";
import { drawCliff, nameOf } from "../plots/cliff.js";
import { onThemeChange } from "../plots/theme.js";
import { Form, FORM } from "../ptq/form.js";
import { bitsText, FIRST, roundingName, schemeOf, SCHEMES, settingsOf, widthsOf } from "../ptq/options.js";
import { Table } from "../ptq/table.js";
import { bitsOf } from "../settings.js";

const MARKUP = `
  <header>
    <h2 id="ptq-title">Quantize after training</h2>
    <p class="plot-about">How few bits does FP32 survive?</p>
  </header>
  <div class="ptq-body">
    <div class="ptq-side">
      ${FORM}
      <div class="ptq-bar">
        <button type="button" id="ptq-go" disabled>Round the FP32 weights</button>
        <button type="button" id="ptq-all">By every scheme</button>
        <button type="button" id="ptq-stop" disabled>Stop</button>
        <progress id="ptq-progress" max="1" value="0" aria-label="Testing the rounded weights"></progress>
      </div>
      <div class="legend" role="group" aria-label="Curves of the plot">
        <button type="button" class="chip" id="ptq-after" aria-pressed="true"><span class="line marked"></span> <span id="ptq-after-name"></span></button>
        <button type="button" class="chip" id="ptq-trained" aria-pressed="true"><span class="line dashed"></span> <span id="ptq-trained-name">trained with few bits</span></button>
      </div>
      <div class="ptq-plot"><canvas id="cliff" role="img" aria-label="Accuracy by bits: nothing rounded yet."></canvas><p class="ptq-empty" id="ptq-empty"></p></div>
      <p class="note" id="ptq-note"></p>
    </div>
    <div class="ptq-results"></div>
  </div>`;

/** The run whose weights are rounded: one in FP32. */
const fullPrecision = (runs) => runs.find(({ settings }) => settings.quantizer === "none") ?? null;

/** Runs that trained with their rounding, and have been tested; by the width of their layers but for exceptions. */
const trainedRuns = (runs) =>
  runs
    .filter(({ settings, epochs }) => settings.quantizer !== "none" && epochs.length > 0)
    .map(({ settings, slot, epochs }) => ({
      name: roundingName(settings), bits: bitsOf(settings.bits).all, slot, accuracy: epochs.at(-1).testAccuracy,
    }));

/** The plot in words. */
function describe(step, scheme, results, trained) {
  const known = [null, ...widthsOf(scheme)].filter((bits) => results.has(bits));
  if (known.length === 0) return "Accuracy by bits: nothing rounded yet.";
  const values = known.map((bits) => `${nameOf(bits)} ${percent(results.get(bits).accuracy)}`);
  const others = trained.map(({ name, accuracy }) => `Trained with ${name}: ${percent(accuracy)}.`);
  return [`Test accuracy, rounded after ${whole(step)} steps of FP32 training, ${scheme.label}: ${values.join(", ")}.`, ...others].join(" ");
}

/** What there is to learn from it, or what to do next. */
function noteFor(run, scheme, results, trained) {
  if (!run) return "This needs a run in FP32.";
  if (!results.size) {
    const passes = scheme.bits.length + 1;
    return run.trained ? `${passes} passes over the test images; training may go on meanwhile.` : "Train the FP32 run first.";
  }
  const [other] = trained;
  if (!other) return "To compare: race this run against a 4-bit one.";
  const same = results.get(other.bits);
  const trainedWith = `Trained with ${other.name}: ${percent(other.accuracy)}.`;
  if (!same) return trainedWith;
  const { step, rows } = run.afterTraining;
  const after = `after ${whole(step)} steps`;
  const name = roundingName(settingsOf({ ...rows.get(scheme.name).quantization, bits: other.bits }, run.settings));
  if (name === other.name) {
    return `At ${bitsText(other.bits)}: ${percent(same.accuracy)} rounded ${after}, ${percent(other.accuracy)} when trained with the rounding.`;
  }
  return `Rounded ${after} by ${name}: ${percent(same.accuracy)}. ${trainedWith}`;
}

/** @type {import("../rooms.js").Part["mount"]} */
export function mount(root, session) {
  root.innerHTML = MARKUP;
  const find = (selector) => root.querySelector(selector);
  const shown = { after: true, trained: true };
  const form = new Form(find(".ptq-options"));

  const draw = drawing(() => {
    const { runs, engine } = session;
    const run = fullPrecision(runs);
    const test = run?.afterTraining ?? null;
    const scheme = schemeOf(table.chosen);
    const results = test?.resultsOf(scheme.name) ?? new Map();
    const trained = trainedRuns(runs);
    for (const button of ["#ptq-go", "#ptq-all"]) {
      find(button).disabled = !engine || !run?.trained || run.status === "lost";
      // Not disabled while it runs: that would take the focus away.
      find(button).setAttribute("aria-disabled", String(Boolean(test?.running)));
    }
    find("#ptq-stop").disabled = !test?.running;
    find("#ptq-progress").value = test?.share ?? 0;
    find("#ptq-empty").textContent = results.size || trained.length > 0 ? "" : "The cliff is drawn here";
    find("#ptq-note").textContent = noteFor(run, scheme, results, trained);
    find("#ptq-after").style.setProperty("--series", `var(--run-${run?.slot === 1 ? "b" : "a"})`);
    find("#ptq-after-name").textContent = `rounded after training: ${scheme.label}`;
    find("#ptq-trained").style.setProperty("--series", `var(--run-${trained[0]?.slot === 1 ? "b" : "a"})`);
    find("#ptq-trained-name").textContent = `trained with ${trained[0]?.name ?? "few bits"}`;
    table.show(test, run);
    const canvas = find("#cliff");
    canvas.setAttribute("aria-label", describe(test?.step, scheme, results, trained));
    drawCliff(canvas, [null, ...widthsOf(scheme)], results, trained, run?.slot ?? 0, shown);
  }, 125);
  const table = new Table(find(".ptq-results"), FIRST, draw);

  const start = (schemes) => {
    const run = fullPrecision(session.runs);
    if (run && !run.afterTraining?.running) session.experiments.quantizeAfterTraining(run, schemes, form.options);
  };
  find("#ptq-go").addEventListener("click", () => start([schemeOf(table.chosen)]));
  find("#ptq-all").addEventListener("click", () => start(SCHEMES));
  find("#ptq-stop").addEventListener("click", () => {
    const run = fullPrecision(session.runs);
    if (run) session.experiments.stopQuantizing(run);
  });
  for (const key of Object.keys(shown)) {
    const chip = find(`#ptq-${key}`);
    chip.addEventListener("click", () => {
      shown[key] = !shown[key];
      chip.setAttribute("aria-pressed", String(shown[key]));
      draw();
    });
  }
  new ResizeObserver(draw).observe(find("#cliff"));
  onThemeChange(draw);
  let ready = false;
  let begun = null;

  session.on("run", () => {
    const run = fullPrecision(session.runs);
    if (run && run !== begun) form.begin(run.settings.granularity);
    begun = run;
  });
  session.on("steps", () => {
    // Of all steps only the first one matters here: from then on there is something to round.
    const now = Boolean(fullPrecision(session.runs)?.trained);
    if (now === ready) return;
    ready = now;
    draw();
  });
  session.on(["run", "epoch", "status", "engine", "tested"], draw);
}
